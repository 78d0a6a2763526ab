"""From a chain's tables to the index arrays that engines and programs work on."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import ShapeError
from chokepoint.propagate._compiled import (
    CompiledChain,
    check_same_structure,
    share_structure,
    stack,
)
from chokepoint.propagate._facts import bids, blocs_by_area, end_sectors, reorder_weeks

__all__ = [
    "WEEKS_PER_YEAR",
    "CompiledChain",
    "check_same_structure",
    "compile_chain",
    "share_structure",
    "stack",
]

WEEKS_PER_YEAR = 52.0

_MOST_LABELS = 1_000_000
_KEY = "compiled"

IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]


def _column(values: pd.Series | NDArray[np.float64]) -> FloatArray:
    return np.ascontiguousarray(np.asarray(values, dtype=np.float64)[:, None])


def _flags(values: pd.Series) -> BoolArray:
    return values.to_numpy(dtype=bool)


def _labelled(chain: SupplyChain) -> pd.DataFrame:
    """Return the flows with labels, or without columns where labels would take too long."""
    size = len(chain.links.supplier)
    return chain.edges if size <= _MOST_LABELS else pd.DataFrame(index=pd.RangeIndex(size))


def compile_chain(chain: SupplyChain) -> CompiledChain:
    r"""Return the arrays of `chain` in the notation of the weekly model.

    With yearly flow :math:`f_e`, recipe :math:`q_e` (input per unit of buyer output) and
    yearly output :math:`x_i`,

    .. math::
        \sigma_e = \frac{f_e}{q_e\, x_{b(e)}}, \qquad
        \kappa_e = \frac{q_e\, x_{b(e)}}{x_{s(e)}},

    so that :math:`\sum_{e \in g} \sigma_e = 1` for every slot and
    :math:`\sum_{e\ \text{out of}\ i} \kappa_e \sigma_e = 1` for every site.
    Slots with ``combine = nested`` get ``eps = use_share * criticality``; disjoint ones get
    ``phi = use_share * criticality`` and ``eps = 0``.

    Parameters
    ----------
    chain : SupplyChain
        A validated chain.

    Returns
    -------
    CompiledChain
        Arrays with one lane.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.propagate import compile_chain
    >>> compiled = compile_chain(cp.load("rare_earths"))
    >>> bool(compiled.sigma.min() >= 0)
    True
    """
    if chain.industries is None:
        return _compiled(chain)
    # The arrays of an input-output table are large and the chain never changes: made once.
    if _KEY not in chain._cache:
        chain._cache[_KEY] = _compiled(chain)
    known: CompiledChain = chain._cache[_KEY]
    return known


def _compiled(chain: SupplyChain) -> CompiledChain:
    nodes, slots, links = chain.nodes, chain.slots, chain.links
    position = pd.Series(np.arange(len(nodes)), index=nodes.index)
    output = nodes["output_qty"].to_numpy(dtype=float)
    is_market = nodes["kind"].eq("market").to_numpy()

    edge_group = links.slot.astype(np.intp)
    supplier, buyer = links.supplier.astype(np.intp), links.buyer.astype(np.intp)
    need = links.recipe * output[buyer]
    with np.errstate(divide="ignore", invalid="ignore"):
        sigma = np.where(need > 0, links.quantity / need, 0.0)
        kappa = np.where(output[supplier] > 0, need / output[supplier], 0.0)

    # A site that makes nothing has no capacity to take a share of.
    awake = links.dormant & (output[supplier] > 0)
    reserve = np.where(awake, links.max_share, 0.0)

    process = np.array(
        [position[label] if label else -1 for label in nodes["process"]], dtype=np.intp
    )
    wanted = _flags(nodes["wanted"])
    is_child = process >= 0
    is_pushed = is_child & ~wanted
    pushed_into = np.zeros(len(slots), dtype=bool)
    pushed_into[edge_group[is_pushed[supplier]]] = True
    _check_pushed(pushed_into, edge_group, is_pushed[supplier], slots.index)

    stock = slots["stock_weeks"].to_numpy(dtype=float) * _flags(slots["storable"])
    essential = (slots["use_share"] * slots["criticality"]).to_numpy(dtype=float)
    nested = slots["combine"].eq("nested").to_numpy()
    return CompiledChain(
        nodes=nodes,
        groups=slots.index,
        edges=_labelled(chain),
        output=_column(output / WEEKS_PER_YEAR),
        value_added=_column(nodes["value_added_usd_m"] / WEEKS_PER_YEAR),
        final_value=_column(nodes["value_usd_m"].where(is_market, 0.0) / WEEKS_PER_YEAR),
        ramp_max=_column(nodes["ramp_max"]),
        # A step of the model is a week: a shorter time constant would overshoot.
        ramp_weeks=_column(nodes["ramp_weeks"].clip(lower=1.0)),
        surplus_weeks=_column(nodes["surplus_weeks"]),
        is_market=is_market,
        is_process=_flags(nodes["is_process"]),
        is_child=is_child,
        is_pushed=is_pushed,
        process=process,
        end_sector=end_sectors(nodes, links),
        group_buyer=position.loc[slots.index.get_level_values("buyer")].to_numpy(dtype=np.intp),
        eps=_column(np.where(nested, essential, 0.0)),
        phi=_column(np.where(nested, 0.0, essential)),
        stock=_column(stock),
        throttle=_column(np.minimum(slots["throttle_weeks"].to_numpy(dtype=float), stock + 1.0)),
        reorder=_column(
            reorder_weeks(slots, essential, edge_group, sigma * links.lead_weeks, stock)
        ),
        storable=_flags(slots["storable"]),
        pushed=pushed_into,
        edge_supplier=supplier,
        edge_group=edge_group,
        lead=links.lead_weeks.astype(np.intp),
        sigma=_column(sigma),
        kappa=_column(kappa),
        growth=_column(np.nan_to_num(links.growth_max, nan=0.0)),
        qualification=_column(links.qualification_weeks),
        reserve=_column(reserve),
        dormant=links.dormant.copy(),
        thrift=_column(slots["thrift_weekly"]),
        thrift_floor=_column(slots["thrift_floor"]),
        decay=_column(slots["decay_weekly"]),
        repair=_column(slots["repair_weeks"]),
        backlog=_column(nodes["backlog_share"]),
        bid=_column(bids(nodes, process, need, buyer)),
        allies=blocs_by_area(chain.countries),
    )


def _check_pushed(
    pushed: BoolArray, edge_group: IntArray, edge_pushed: BoolArray, slots: pd.Index
) -> None:
    """Refuse a slot that mixes pushed by-products with goods that are ordered."""
    mixed = np.zeros(len(pushed), dtype=bool)
    mixed[edge_group[~edge_pushed]] = True
    mixed &= pushed
    if mixed.any():
        raise ShapeError(
            f"Slot {slots[int(np.flatnonzero(mixed)[0])]} takes both a by-product, which is "
            "pushed, and goods that are ordered. Give the by-product a slot of its own."
        )
