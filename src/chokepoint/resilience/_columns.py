"""The columns of the recourse program for one scenario.

Everything is in weeks of baseline: the output of a site in weeks of its baseline output, a
flow in weeks of its baseline flow (a dormant one in weeks of its largest share), a stock in
weeks of baseline use. Money stands in the objective alone, in USD million.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.program import ProgramBuilder
from chokepoint.propagate import CompiledChain, ShockPlan
from chokepoint.resilience._extent import Extent
from chokepoint.resilience._limits import Limits
from chokepoint.resilience._periods import Periods

__all__ = ["Columns", "Model", "add_columns"]

IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Model:
    """What the program of one scenario is made from.

    Attributes
    ----------
    chain, shocks, periods, extent, limits
        The chain, the scenario, the periods, what matters, and what is possible in each period.
    prefix : str
        Put before the names of blocks, where several scenarios share a program.
    weight : float
        Weight of the scenario's losses in the objective.
    open_sites, open_edges : array of bool (N,), (E,)
        Sites and flows whose limits a plan may raise; their limits become rows.
    tariff : array (E, P)
        Tariff on one unit of a flow column [USD million].
    edge_labels : pandas.Index
        Supplier, buyer and slot of each flow.
    pays : bool
        Whether tariffs are in the objective.
    """

    chain: CompiledChain
    shocks: ShockPlan
    periods: Periods
    extent: Extent
    limits: Limits
    open_sites: BoolArray
    open_edges: BoolArray
    tariff: FloatArray
    edge_labels: pd.Index
    prefix: str = ""
    weight: float = 1.0
    pays: bool = False

    @property
    def unit(self) -> FloatArray:
        """Share of the slot that one unit of a flow column stands for, shape (E,)."""
        chain = self.chain
        return np.where(chain.dormant, chain.reserve[:, 0], chain.sigma[:, 0])

    @property
    def licensed(self) -> IntArray:
        """Kept flows that need a licence at some time."""
        licences = self.shocks.licences
        edges = np.empty(0, dtype=np.intp) if licences is None else licences.edges
        kept = self.extent.edges | self.extent.outlets
        return np.asarray(edges[kept[edges]], dtype=np.intp)

    @property
    def detours(self) -> IntArray:
        """Kept flows part of which may pass round a cap at some time."""
        kept = self.extent.edges | self.extent.outlets
        return np.flatnonzero(kept & (self.limits.detour > 0).any(axis=1))

    @property
    def maintained(self) -> IntArray:
        """Kept slots that are used up by the passing of time, not by output."""
        return np.flatnonzero(self.extent.groups & (self.chain.decay[:, 0] > 0))

    @property
    def stored(self) -> IntArray:
        """Kept slots that hold stock, or that may have goods counted as there too early."""
        held = self.chain.storable | bool((self.periods.lengths > 1).any())
        return np.flatnonzero(self.extent.groups & held)

    @property
    def fleeting(self) -> IntArray:
        """Kept slots whose only stock is what is counted as there too early."""
        return self.stored[~self.chain.storable[self.stored]]

    @property
    def partial(self) -> IntArray:
        """Kept slots whose use may fall below output; full ones are used as output goes."""
        chain = self.chain
        full = (chain.eps[:, 0] >= 1.0) & (chain.phi[:, 0] == 0) & (chain.decay[:, 0] == 0)
        return np.flatnonzero(self.extent.groups & ~full)

    @property
    def surplus_sites(self) -> IntArray:
        """Kept joint outputs that are ordered."""
        chain = self.chain
        return np.flatnonzero(self.extent.sites & chain.is_child & ~chain.is_pushed)

    def labels(self, kind: str, positions: IntArray) -> pd.Index:
        """Return labels of nodes, slots or flows."""
        chain = self.chain
        if kind == "node":
            return chain.nodes.index[positions]
        if kind == "slot":
            return chain.groups[positions]
        return self.edge_labels[positions]


@dataclass(frozen=True, eq=False)
class Columns:
    """Positions of the columns, by item and period; -1 where there is none.

    Attributes
    ----------
    loss, extra : array (N, P)
        Output below and above baseline, of counted sites.
    output : array (N, P)
        Output of the other kept sites.
    flow, detour : array (E, P)
        Goods that leave for the buyer, and those that leave round a cap.
    use, upkeep, stock : array (G, P)
        Output that partly needed slots serve; what slots that maintain plants use; stock at
        the end of the period.
    surplus : array (N, P)
        Joint output kept at the end of the period.
    made, accepted, queue, goods : array (E, P)
        Licensed flows: goods made for them, orders taken on, orders and goods that wait.
    """

    loss: IntArray
    extra: IntArray
    output: IntArray
    flow: IntArray
    detour: IntArray
    use: IntArray
    upkeep: IntArray
    stock: IntArray
    surplus: IntArray
    made: IntArray
    accepted: IntArray
    queue: IntArray
    goods: IntArray


class _Adder:
    """Adds blocks of (item, week) columns and notes where they are."""

    def __init__(self, builder: ProgramBuilder, model: Model) -> None:
        self.builder, self.model = builder, model

    def add(
        self,
        name: str,
        kind: str,
        items: IntArray,
        *,
        size: int,
        unit: str,
        lower: FloatArray | float = 0.0,
        upper: FloatArray | float = np.inf,
        cost: FloatArray | float = 0.0,
    ) -> IntArray:
        weeks = self.model.periods.index
        places = np.full((size, len(weeks)), -1, dtype=np.intp)
        places[items] = self.builder.columns(
            self.model.prefix + name,
            [self.model.labels(kind, items), weeks],
            unit=unit,
            lower=lower,
            upper=upper,
            cost=cost,
        )
        return places


def add_columns(builder: ProgramBuilder, model: Model) -> Columns:
    """Add the columns of one scenario and return their positions."""
    adder = _Adder(builder, model)
    loss, extra, output = _site_columns(adder)
    use, upkeep, stock, surplus = _slot_columns(adder)
    made, accepted, queue, goods = _waiting(adder)
    return Columns(
        loss=loss, extra=extra, output=output, flow=_flow_columns(adder),
        detour=_detour_columns(adder), use=use, upkeep=upkeep, stock=stock, surplus=surplus,
        made=made, accepted=accepted, queue=queue, goods=goods,
    )  # fmt: skip


def _site_columns(adder: _Adder) -> tuple[IntArray, IntArray, IntArray]:
    model = adder.model
    chain, extent, n_nodes = model.chain, model.extent, model.chain.n_nodes
    counted = np.flatnonzero(extent.counted)
    others = np.flatnonzero(extent.sites & ~extent.counted)
    weeks = model.periods.lengths.astype(float)
    open_site = model.open_sites[:, None]
    reach = np.where(open_site, np.inf, model.limits.capacity)
    value = chain.value_added[:, 0] * model.weight
    loss = adder.add(
        "loss", "node", counted, size=n_nodes, unit="weeks of baseline output",
        lower=np.maximum(weeks - reach[counted], 0.0),
        upper=np.broadcast_to(weeks, (len(counted), len(weeks))),
        cost=np.broadcast_to(value[counted][:, None], (len(counted), len(weeks))),
    )  # fmt: skip
    extra = adder.add(
        "extra", "node", counted, size=n_nodes, unit="weeks of baseline output",
        upper=np.maximum(reach[counted] - weeks, 0.0),
    )  # fmt: skip
    output = adder.add(
        "output", "node", others, size=n_nodes, unit="weeks of baseline output",
        upper=reach[others],
    )  # fmt: skip
    return loss, extra, output


def _flow_columns(adder: _Adder) -> IntArray:
    model = adder.model
    kept = np.flatnonzero(model.extent.edges | model.extent.outlets)
    upper = np.where(model.open_edges[:, None], np.inf, model.limits.flow)[kept]
    return adder.add(
        "flow", "edge", kept, size=model.chain.n_edges, unit="weeks of baseline flow",
        upper=upper / model.unit[kept][:, None],
        cost=model.tariff[kept] * model.weight * model.pays,
    )  # fmt: skip


def _detour_columns(adder: _Adder) -> IntArray:
    model = adder.model
    edges = model.detours
    return adder.add(
        "detour", "edge", edges, size=model.chain.n_edges, unit="weeks of baseline flow",
        upper=model.limits.detour[edges] / model.unit[edges][:, None],
    )  # fmt: skip


def _slot_columns(adder: _Adder) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    model = adder.model
    chain, surplus = model.chain, model.surplus_sites
    # A part of the output that stands alone uses no more than the plants can take; what a
    # plan adds to them is in the row of the parts.
    scale = model.limits.scale[chain.group_buyer[model.partial]]
    alone = (chain.phi[model.partial] > 0) & ~model.open_sites[
        chain.group_buyer[model.partial], None
    ]
    use = adder.add(
        "use", "slot", model.partial, size=chain.n_groups, unit="weeks of baseline output",
        upper=np.where(alone, scale, np.inf),
    )  # fmt: skip
    upkeep = adder.add(
        "upkeep", "slot", model.maintained, size=chain.n_groups, unit="weeks of baseline use"
    )
    stock = adder.add(
        "stock", "slot", model.stored, size=chain.n_groups, unit="weeks of baseline use"
    )
    kept = adder.add(
        "surplus", "node", surplus, size=chain.n_nodes, unit="weeks of baseline output",
        upper=chain.surplus_weeks[surplus],
    )  # fmt: skip
    return use, upkeep, stock, kept


def _waiting(adder: _Adder) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Columns of licensed flows (step 2b)."""
    model = adder.model
    edges, size = model.licensed, model.chain.n_edges
    unit = model.unit[edges][:, None]
    room = np.zeros((len(edges), len(model.periods)))
    waiting = room.copy()
    if model.shocks.licences is not None:
        place = np.searchsorted(model.shocks.licences.edges, edges)
        begun = _begun(model)[place]
        by_product = model.chain.is_pushed[model.chain.edge_supplier[edges]][:, None]
        goods = model.shocks.licences.goods_weeks[place] * model.chain.sigma[edges]
        room = np.where(begun, np.where(by_product, np.inf, goods), 0.0)
        waiting = np.where(begun, np.inf, 0.0)
    upper = model.limits.accepted[edges] / unit
    flow = "weeks of baseline flow"
    return (
        adder.add("made", "edge", edges, size=size, unit=flow),
        adder.add("accepted", "edge", edges, size=size, unit=flow, upper=upper),
        adder.add("queue", "edge", edges, size=size, unit=flow, upper=waiting),
        adder.add("goods", "edge", edges, size=size, unit=flow, upper=room / unit),
    )


def _begun(model: Model) -> BoolArray:
    """Return for each licensed flow and period whether the licence has begun by its end."""
    assert model.shocks.licences is not None
    active = np.isfinite(model.shocks.licences.release[:, :, 0])
    ever = np.logical_or.accumulate(active, axis=0)
    return model.periods.last(ever.astype(float)).T > 0
