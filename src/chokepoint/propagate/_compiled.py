"""A chain as arrays, and several of one structure side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.errors import ShapeError

__all__ = ["NUMBERS", "CompiledChain", "check_same_structure", "share_structure", "stack"]

IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class CompiledChain:
    """A chain as arrays: nodes (sites, then markets), groups (slots) and edges (flows).

    Groups are sorted by buyer and edges by group. Quantities are relative to baseline, so
    only shares appear here. Number arrays have shape (items, lanes) with one lane, or one
    lane per scenario once several chains of the same structure are stacked.

    Attributes
    ----------
    nodes : pandas.DataFrame
        ``chain.nodes``: labels and facts of sites and markets.
    output : array (N, lanes)
        Baseline output of a site, or demand of a market [product unit per week].
    value_added, final_value : array (N, lanes)
        Value added of sites and value of final demand [USD million per week].
    ramp_max, ramp_weeks, surplus_weeks : array (N, lanes)
        Largest capacity over baseline, its time constant [weeks], limit of surplus [weeks].
    is_market, is_process, is_child, is_pushed : array of bool (N,)
        Kinds of nodes; a pushed node is a by-product, which nobody orders.
    process : array of int (N,)
        Position of the process that yields a joint output, -1 for none.
    end_sector : array of bool (N,)
        Sites that sell to final demand (not only to ``other_use``) and to no other site.
    group_buyer : array of int (G,)
        Buyer of each group.
    eps, phi : array (G, lanes)
        Essentiality of a nested slot, and share lost through a disjoint one.
    stock, throttle, reorder : array (G, lanes)
        Stock cover, throttle cover and reorder time [weeks]; the latter no longer than the
        cover of stock and goods in transit together where the slot can stop its buyer.
    storable, pushed : array of bool (G,)
        Whether the slot keeps stock; whether by-products are pushed into it.
    edge_supplier, edge_group, lead : array of int (E,)
        Supplier, group, and weeks from dispatch to arrival.
    sigma, kappa : array (E, lanes)
        Share of the group, and size of the whole group in units of the supplier's output.
    growth, qualification, reserve : array (E, lanes)
        Growth allowed before qualification (share), weeks to qualify, and largest share of
        a dormant alternative (0 for flows).
    dormant : array of bool (E,)
        Alternatives without a baseline flow.
    thrift, thrift_floor : array (G, lanes)
        Share of the use that a week of full shortage saves, and least use over baseline use.
    decay, repair : array (G, lanes)
        Share of capacity lost per week without the input, and weeks to win it back.
    backlog : array (N, lanes)
        Share of the unmet demand of a market that waits; 0 for sites.
    bid : array (E, lanes)
        Value of buyer output that one unit of the supplier's product enables [USD per unit].
    allies : mapping
        Blocs of each area.
    reactions : array (3, lanes)
        Factors on trigger, memory and speed of the run's :class:`Behaviour`.

    Notes
    -----
    The engines read numbers and indices only: a chain made of plain arrays may have frames
    without labels. Indices may be of any integer type.
    """

    nodes: pd.DataFrame
    groups: pd.Index
    edges: pd.DataFrame
    output: FloatArray
    value_added: FloatArray
    final_value: FloatArray
    ramp_max: FloatArray
    ramp_weeks: FloatArray
    surplus_weeks: FloatArray
    is_market: BoolArray
    is_process: BoolArray
    is_child: BoolArray
    is_pushed: BoolArray
    process: IntArray
    end_sector: BoolArray
    group_buyer: IntArray
    eps: FloatArray
    phi: FloatArray
    stock: FloatArray
    throttle: FloatArray
    reorder: FloatArray
    storable: BoolArray
    pushed: BoolArray
    edge_supplier: IntArray
    edge_group: IntArray
    lead: IntArray
    sigma: FloatArray
    kappa: FloatArray
    growth: FloatArray
    qualification: FloatArray
    reserve: FloatArray
    dormant: BoolArray
    thrift: FloatArray
    thrift_floor: FloatArray
    decay: FloatArray
    repair: FloatArray
    backlog: FloatArray
    bid: FloatArray
    allies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    reactions: FloatArray = field(default_factory=lambda: np.ones((3, 1)))

    @property
    def n_nodes(self) -> int:
        """Number of sites and markets."""
        return len(self.is_market)

    @property
    def n_groups(self) -> int:
        """Number of slots."""
        return len(self.group_buyer)

    @property
    def n_edges(self) -> int:
        """Number of flows and dormant alternatives."""
        return len(self.edge_supplier)


NUMBERS = (
    "output", "value_added", "final_value", "ramp_max", "ramp_weeks", "surplus_weeks", "eps",
    "phi", "stock", "throttle", "reorder", "sigma", "kappa", "growth", "qualification", "reserve",
    "thrift", "thrift_floor", "decay", "repair", "backlog", "bid",
    "reactions",
)  # fmt: skip


def check_same_structure(chains: Sequence[CompiledChain], *, start: int = 1) -> None:
    """Refuse chains that differ in more than numbers; the second is number `start` in messages.

    Raises
    ------
    ShapeError
        If the chains differ in their sites, slots or flows, or in what is one for all lanes,
        such as lead times.
    """
    first = chains[0]
    shared = [field.name for field in fields(CompiledChain) if field.name not in NUMBERS]
    for position, other in enumerate(chains[1:], start=start):
        if not (other.nodes.index.equals(first.nodes.index) and other.groups.equals(first.groups)):
            raise ShapeError(
                f"Expected chains with the same sites, slots and flows, got a chain {position} "
                "that differs from the first. Simulate them one by one."
            )
        for name in shared:
            mine, theirs = getattr(first, name), getattr(other, name)
            if isinstance(mine, np.ndarray) and not np.array_equal(mine, theirs):
                raise ShapeError(
                    f"Expected chains with the same {name}, got a chain {position} that differs "
                    "from the first. Simulate them one by one."
                )


def share_structure(first: CompiledChain, other: CompiledChain) -> CompiledChain:
    """Return `other` with the labels and indices of `first`, which are the same, held once."""
    parts = {
        field.name: getattr(other if field.name in NUMBERS else first, field.name)
        for field in fields(CompiledChain)
    }
    return CompiledChain(**parts)


def stack(chains: Sequence[CompiledChain]) -> CompiledChain:
    """Return one compiled chain whose lanes are those of `chains`, which share their structure."""
    first = chains[0]
    if len(chains) == 1:
        return first
    parts = {field.name: getattr(first, field.name) for field in fields(CompiledChain)}
    for name in NUMBERS:
        parts[name] = np.hstack([getattr(chain, name) for chain in chains])
    return CompiledChain(**parts)
