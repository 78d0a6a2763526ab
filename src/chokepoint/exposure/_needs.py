"""What every site needs, as arrays: the one reading that chokepoints and covers share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError, UnknownLabelError

__all__ = ["By", "Needs", "markets_of", "needs_of", "owners", "removed_nodes"]

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]
By = Literal["country", "firm", "site"]

_KINDS = ("country", "firm", "site")


@dataclass(frozen=True)
class Needs:
    """A chain as a graph of needs: slots are AND, the suppliers of a slot are OR.

    Attributes
    ----------
    nodes : DataFrame
        ``chain.nodes``; positions below count its rows.
    supplier : array of int (flows,)
        Supplier of each flow that counts, sorted by slot.
    edge_row : array of int (flows,)
        Its position in ``chain.edges``.
    slot_starts : array of int (slots,)
        First flow of each slot that counts and has a supplier.
    slot_buyer, slot_row : array of int (slots,)
        Its buyer, and its position in ``chain.slots``.
    buyers, buyer_starts : array of int (buyers,)
        Nodes that need anything, and the first slot of each.
    process : array of int (N,)
        Process that makes a node's output, -1 for none.
    """

    nodes: pd.DataFrame
    supplier: IntArray
    edge_row: IntArray
    slot_starts: IntArray
    slot_buyer: IntArray
    slot_row: IntArray
    buyer_starts: IntArray
    buyers: IntArray
    process: IntArray

    @classmethod
    def of(cls, chain: SupplyChain, *, essential: float, dormant: bool) -> Needs:
        nodes, slots, edges = chain.nodes, chain.slots, chain.edges
        need = (slots["use_share"] * slots["criticality"]).to_numpy(dtype=float)
        counts = np.flatnonzero(need >= essential)
        number = np.full(len(slots), -1, dtype=np.intp)
        number[counts] = np.arange(len(counts))
        slot = number[slots.index.get_indexer(pd.MultiIndex.from_frame(edges[["buyer", "slot"]]))]
        kept = (slot >= 0) & ((edges["quantity"] > 0) | (edges["dormant"] & dormant)).to_numpy()
        row = np.flatnonzero(kept)
        row = row[np.argsort(slot[kept], kind="stable")]
        supplier = nodes.index.get_indexer(pd.Index(edges["supplier"]))[row]
        # A slot that nothing fills at baseline asks for nothing.
        present, starts = np.unique(slot[row], return_index=True)
        buyer = nodes.index.get_indexer(slots.index.get_level_values("buyer"))[counts][present]
        buyers, buyer_starts = np.unique(buyer, return_index=True)
        process = nodes.index.get_indexer(pd.Index(nodes["process"]))
        return cls(
            nodes, supplier, row, starts, buyer, counts[present], buyer_starts, buyers, process
        )

    @property
    def flow_slot(self) -> IntArray:
        """Position of each flow's slot among those that count."""
        lengths = np.diff(np.append(self.slot_starts, len(self.supplier)))
        return np.repeat(np.arange(len(self.slot_starts)), lengths)

    def dead(self, removed: BoolArray) -> BoolArray:
        """Return which nodes stop in each case, shape (nodes, cases): the least fixed point.

        A node stops if it is removed, if all suppliers of a slot that it needs have stopped, or
        if the process that makes it has. Each slot counts the suppliers that it has left, and each
        stop is handed on once: time is linear in nodes and flows (Dowling and Gallier 1984).
        """
        dead, cases = removed.copy(), removed.shape[1]
        slots = len(self.slot_starts)
        flow_start, slot_of = _by_owner(self.supplier, self.flow_slot, len(dead))
        made = np.flatnonzero(self.process >= 0)
        child_start, child = _by_owner(self.process[made], made, len(dead))
        counts = np.bincount(self.flow_slot, minlength=slots)
        left = np.repeat(counts[:, None], cases, axis=1)
        node, case = np.nonzero(dead)
        while len(node):
            flow, of = _spans(flow_start, node)
            slot, there = slot_of[flow], case[of]
            np.subtract.at(left, (slot, there), 1)
            empty = left[slot, there] == 0
            output, by = _spans(child_start, node)
            next_node = np.concatenate([self.slot_buyer[slot[empty]], child[output]])
            next_case = np.concatenate([there[empty], case[by]])
            fresh = ~dead[next_node, next_case]
            node, case = np.divmod(np.unique(next_node[fresh] * cases + next_case[fresh]), cases)
            dead[node, case] = True
        return dead


def _by_owner(owner: IntArray, value: IntArray, n: int) -> tuple[IntArray, IntArray]:
    """Return where the values of each owner start, and the values in the order of owners."""
    start = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=n))])
    return start.astype(np.intp), value[np.argsort(owner, kind="stable")].astype(np.intp)


def _spans(start: IntArray, owner: IntArray) -> tuple[IntArray, IntArray]:
    """Return the positions of all values of some owners, and whose each of them is."""
    length = start[owner + 1] - start[owner]
    of = np.repeat(np.arange(len(owner)), length)
    before = np.cumsum(length) - length
    return np.arange(len(of)) + (start[owner] - before)[of], of


def needs_of(chain: SupplyChain, *, essential: float, dormant: bool = False) -> Needs:
    """Return the needs that count: use share times criticality is at least `essential`."""
    if not 0.0 < essential <= 1.0:
        raise OptionError(f"essential must be a share in (0, 1], got {essential}.")
    return Needs.of(chain, essential=essential, dormant=dormant)


def owners(chain: SupplyChain, by: str) -> tuple[IntArray, pd.Index]:
    """Return the owner of each node as a position in the labels, -1 for markets and nobody."""
    if by not in _KINDS:
        raise OptionError(f"by must be one of {', '.join(_KINDS)}; got {by!r}.")
    nodes = chain.nodes
    name = nodes.index.to_series() if by == "site" else nodes[by]
    name = name.where(nodes["kind"].eq("site") & name.ne(""))
    owner, labels = pd.factorize(name, sort=True)
    return owner.astype(np.intp), pd.Index(labels)


def markets_of(
    chain: SupplyChain,
    products: str | Sequence[str] | None,
    countries: str | Sequence[str] | None,
) -> IntArray:
    """Return the positions of the markets that are asked for, without ``other_use``."""
    nodes = chain.nodes
    chosen = nodes["kind"].eq("market") & nodes["sector"].ne("other_use")
    if products is not None:
        chosen &= nodes["product"].isin(chain.products_in(products))
    if countries is not None:
        chosen &= nodes["country"].isin(chain.areas(countries))
    if not chosen.any():
        raise OptionError(
            f"Expected markets of products={products!r} in countries={countries!r}, found none."
        )
    return np.flatnonzero(chosen.to_numpy())


def removed_nodes(chain: SupplyChain, removed: str | Sequence[str], *, by: str) -> BoolArray:
    """Return which nodes belong to the countries, firms or sites in `removed`."""
    owner, labels = owners(chain, by)
    given = [removed] if isinstance(removed, str) else list(removed)
    if by == "country":
        given = list(chain.areas(given))
    unknown = [label for label in given if label not in labels]
    if unknown and by != "country":
        raise UnknownLabelError(unknown[0], by, labels)
    chosen = np.isin(owner, labels.get_indexer(pd.Index(given)))
    return np.asarray(chosen & (owner >= 0))
