"""From a chain's tables to the index arrays that engines and programs work on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

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
    "Facts",
    "check_same_structure",
    "columns_of",
    "compile_chain",
    "numbers_of",
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


_READ = {
    "nodes": (
        "output_qty", "value_usd_m", "value_added_usd_m", "ramp_max", "ramp_weeks",
        "surplus_weeks", "backlog_share",
    ),
    "slots": (
        "use_share", "criticality", "stock_weeks", "throttle_weeks", "reorder_weeks",
        "thrift_weekly", "thrift_floor", "decay_weekly", "repair_weeks",
    ),
    "edges": ("quantity", "growth_max", "qualification_weeks", "max_share"),
}  # fmt: skip
"""Numbers that chains of one structure may differ in, by view."""


def columns_of(chain: SupplyChain) -> dict[str, dict[str, FloatArray]]:
    """Return the numbers of a chain, each with one lane."""
    nodes, slots, links = chain.nodes, chain.slots, chain.links
    return {
        "nodes": {name: _column(nodes[name]) for name in _READ["nodes"]},
        "slots": {name: _column(slots[name]) for name in _READ["slots"]},
        "edges": {name: _column(getattr(links, name)) for name in _READ["edges"]},
    }


@dataclass(frozen=True)
class Facts:
    """What chains of one structure share and what their numbers are worked out with."""

    buyer: IntArray
    recipe: FloatArray
    lead: FloatArray
    nested: BoolArray

    @classmethod
    def of(cls, chain: SupplyChain) -> Facts:
        links = chain.links
        return cls(
            buyer=links.buyer.astype(np.intp),
            recipe=links.recipe[:, None],
            lead=links.lead_weeks[:, None],
            nested=chain.slots["combine"].eq("nested").to_numpy(),
        )


def _compiled(chain: SupplyChain) -> CompiledChain:
    nodes, slots, links = chain.nodes, chain.slots, chain.links
    position = pd.Series(np.arange(len(nodes)), index=nodes.index)
    edge_group = links.slot.astype(np.intp)
    supplier = links.supplier.astype(np.intp)
    process = np.array(
        [position[label] if label else -1 for label in nodes["process"]], dtype=np.intp
    )
    is_child = process >= 0
    is_pushed = is_child & ~_flags(nodes["wanted"])
    pushed_into = np.zeros(len(slots), dtype=bool)
    pushed_into[edge_group[is_pushed[supplier]]] = True
    _check_pushed(pushed_into, edge_group, is_pushed[supplier], slots.index)
    structure: dict[str, Any] = {
        "nodes": nodes,
        "groups": slots.index,
        "edges": _labelled(chain),
        "is_market": nodes["kind"].eq("market").to_numpy(),
        "is_process": _flags(nodes["is_process"]),
        "is_child": is_child,
        "is_pushed": is_pushed,
        "process": process,
        "end_sector": end_sectors(nodes, links),
        "group_buyer": position.loc[slots.index.get_level_values("buyer")].to_numpy(dtype=np.intp),
        "storable": _flags(slots["storable"]),
        "pushed": pushed_into,
        "edge_supplier": supplier,
        "edge_group": edge_group,
        "lead": links.lead_weeks.astype(np.intp),
        "dormant": links.dormant.copy(),
        "allies": blocs_by_area(chain.countries),
    }
    shared = SimpleNamespace(**structure)
    structure |= numbers_of(shared, Facts.of(chain), columns_of(chain))
    return CompiledChain(**structure)


def numbers_of(
    shared: CompiledChain | SimpleNamespace,
    facts: Facts,
    given: Mapping[str, Mapping[str, FloatArray]],
) -> dict[str, FloatArray]:
    """Return the number arrays (rows, lanes) of a compiled chain of a given structure."""
    nodes, slots, edges = given["nodes"], given["slots"], given["edges"]
    supplier, group, buyer = shared.edge_supplier, shared.edge_group, facts.buyer
    output = nodes["output_qty"]
    need = facts.recipe * output[buyer]
    with np.errstate(divide="ignore", invalid="ignore"):
        sigma = np.where(need > 0, edges["quantity"] / need, 0.0)
        kappa = np.where(output[supplier] > 0, need / output[supplier], 0.0)
    # A site that makes nothing has no capacity to take a share of.
    awake = shared.dormant[:, None] & (output[supplier] > 0)
    storable, is_market = shared.storable[:, None], shared.is_market[:, None]
    stock = slots["stock_weeks"] * storable
    essential = slots["use_share"] * slots["criticality"]
    nested = facts.nested[:, None]
    stops = storable & (essential > 0) & (slots["decay_weekly"] == 0)
    return {
        "output": output / WEEKS_PER_YEAR,
        "value_added": nodes["value_added_usd_m"] / WEEKS_PER_YEAR,
        "final_value": np.where(is_market, nodes["value_usd_m"], 0.0) / WEEKS_PER_YEAR,
        "ramp_max": nodes["ramp_max"],
        # A step of the model is a week: a shorter time constant would overshoot.
        "ramp_weeks": np.maximum(nodes["ramp_weeks"], 1.0),
        "surplus_weeks": nodes["surplus_weeks"],
        "eps": np.where(nested, essential, 0.0),
        "phi": np.where(nested, 0.0, essential),
        "stock": stock,
        "throttle": np.minimum(slots["throttle_weeks"], stock + 1.0),
        "reorder": reorder_weeks(slots["reorder_weeks"], stops, group, sigma * facts.lead, stock),
        "sigma": sigma,
        "kappa": kappa,
        "growth": np.nan_to_num(edges["growth_max"], nan=0.0),
        "qualification": edges["qualification_weeks"],
        "reserve": np.where(awake, edges["max_share"], 0.0),
        "thrift": slots["thrift_weekly"],
        "thrift_floor": slots["thrift_floor"],
        "decay": slots["decay_weekly"],
        "repair": slots["repair_weeks"],
        "backlog": nodes["backlog_share"],
        "bid": bids(nodes["value_usd_m"], shared.is_process, shared.process, need, buyer),
    }


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
