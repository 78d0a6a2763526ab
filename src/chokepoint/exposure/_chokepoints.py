"""Who can stop which market: slots are AND, the suppliers of a slot are OR."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError, UnknownLabelError

__all__ = ["chokepoints", "redundancy", "stopped"]

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]
By = Literal["country", "firm", "site"]

_KINDS = ("country", "firm", "site")
# Cases looked at together: nodes x cases and flows x cases stay in the cache.
_CASES = 512


@dataclass(frozen=True)
class _AndOr:
    """A chain as a graph of needs; `kind` gives the owner of each site, -1 for none."""

    nodes: pd.DataFrame
    supplier: IntArray
    slot: IntArray
    slot_starts: IntArray
    slot_buyer: IntArray
    buyer_starts: IntArray
    buyers: IntArray
    process: IntArray

    @classmethod
    def of(cls, chain: SupplyChain, *, essential: float, dormant: bool) -> _AndOr:
        nodes, slots, edges = chain.nodes, chain.slots, chain.edges
        need = (slots["use_share"] * slots["criticality"]).to_numpy(dtype=float)
        counts = np.flatnonzero(need >= essential)
        number = np.full(len(slots), -1, dtype=np.intp)
        number[counts] = np.arange(len(counts))
        slot = number[slots.index.get_indexer(pd.MultiIndex.from_frame(edges[["buyer", "slot"]]))]
        kept = (slot >= 0) & ((edges["quantity"] > 0) | (edges["dormant"] & dormant)).to_numpy()
        order = np.argsort(slot[kept], kind="stable")
        supplier = nodes.index.get_indexer(pd.Index(edges["supplier"]))[kept][order]
        slot = slot[kept][order]
        # A slot that nothing fills at baseline asks for nothing.
        present, starts = np.unique(slot, return_index=True)
        buyer = nodes.index.get_indexer(slots.index.get_level_values("buyer"))[counts][present]
        buyers, buyer_starts = np.unique(buyer, return_index=True)
        process = nodes.index.get_indexer(pd.Index(nodes["process"]))
        return cls(nodes, supplier, slot, starts, buyer, buyer_starts, buyers, process)

    def dead(self, removed: BoolArray) -> BoolArray:
        """Return which nodes stop in each case, shape (nodes, cases): the least fixed point.

        A node stops if it is removed, if all suppliers of a slot that it needs have stopped, or
        if the process that makes it has.
        """
        dead = removed.copy()
        if not len(self.slot_starts):
            return dead
        child = np.flatnonzero(self.process >= 0)
        while True:
            empty = np.logical_and.reduceat(dead[self.supplier], self.slot_starts, axis=0)
            now = dead.copy()
            now[self.buyers] |= np.logical_or.reduceat(empty, self.buyer_starts, axis=0)
            now[child] |= now[self.process[child]]
            if np.array_equal(now, dead):
                return dead
            dead = now


def stopped(
    chain: SupplyChain,
    removed: str | Sequence[str],
    *,
    by: By = "country",
    essential: float = 0.5,
    dormant: bool = False,
) -> pd.DataFrame:
    r"""Return the sites and markets that stop for good when all of `removed` stops.

    A site stops if any slot that it needs has lost all its suppliers; stocks, time and quantities
    do not count. It is the smallest set with this property, found in time linear in the flows
    times the depth of the chain. Plain graph measures, which ask whether *any* path is left,
    see no stop there.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    removed : str or sequence of str
        Countries (or blocs), firms or sites.
    by : {"country", "firm", "site"}
        What `removed` names.
    essential : float
        A slot counts if use share times criticality is at least this, in (0, 1].
    dormant : bool
        Whether qualified alternatives without a flow at baseline count as suppliers.

    Returns
    -------
    DataFrame
        Index node; columns kind, product, country, firm, of the nodes that stop.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.exposure import stopped
    >>> table = stopped(cp.load("rare_earths"), "CHN")
    >>> bool(table["country"].ne("CHN").any())
    True
    """
    graph = _graph(chain, essential, dormant)
    owner, labels = _owners(chain, by)
    given = [removed] if isinstance(removed, str) else list(removed)
    if by == "country":
        given = list(chain.areas(given))
    unknown = [label for label in given if label not in labels]
    if unknown and by != "country":
        raise UnknownLabelError(unknown[0], by, labels)
    chosen = np.isin(owner, labels.get_indexer(pd.Index(given)))
    chosen &= owner >= 0
    dead = graph.dead(chosen[:, None])[:, 0]
    return chain.nodes.loc[dead, ["kind", "product", "country", "firm"]]


def chokepoints(
    chain: SupplyChain,
    *,
    by: By = "country",
    size: int = 2,
    products: str | Sequence[str] | None = None,
    countries: str | Sequence[str] | None = None,
    essential: float = 0.5,
    dormant: bool = False,
) -> pd.DataFrame:
    r"""Return the smallest sets of countries, firms or sites that stop a market.

    A set is listed if the market stops without it (see `stopped`) and does not stop without any
    smaller part of it.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    by : {"country", "firm", "site"}
        What is removed.
    size : {1, 2, 3}
        Largest set.
    products, countries : str or sequence of str, optional
        Markets of these products (or groups) in these areas (or blocs); None = all, without
        ``other_use``.
    essential, dormant
        As for `stopped`.

    Returns
    -------
    DataFrame
        One row per market and set; columns market, product, country, size, removed (tuple of
        labels), abroad (whether no member is the market's own country; by="country" only).

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.exposure import chokepoints
    >>> table = chokepoints(cp.load("rare_earths"), size=1)
    >>> set(table["size"])
    {1}
    """
    if size not in (1, 2, 3):
        raise OptionError(f"size must be 1, 2 or 3, got {size!r}.")
    graph = _graph(chain, essential, dormant)
    owner, labels = _owners(chain, by)
    markets = _markets(chain, products, countries)
    found: list[tuple[int, tuple[int, ...]]] = []
    for members in _candidates(graph, owner, markets, size):
        cases = np.stack([np.isin(owner, some) for some in members], axis=1)
        dead = graph.dead(cases)[markets]
        found += _minimal(dead, members, found)
    rows = [
        (graph.nodes.index[markets[m]], len(some), tuple(labels[list(some)])) for m, some in found
    ]
    table = pd.DataFrame(rows, columns=["market", "size", "removed"])
    facts = graph.nodes.loc[table["market"], ["product", "country"]].reset_index(drop=True)
    table.insert(1, "product", facts["product"])
    table.insert(2, "country", facts["country"])
    if by == "country":
        pairs = zip(table["country"], table["removed"], strict=True)
        table["abroad"] = [home not in removed for home, removed in pairs]
    return table.sort_values(["size", "market"], kind="stable", ignore_index=True)


def redundancy(
    chain: SupplyChain,
    *,
    by: By = "country",
    size: int = 2,
    products: str | Sequence[str] | None = None,
    countries: str | Sequence[str] | None = None,
    essential: float = 0.5,
    dormant: bool = False,
) -> pd.DataFrame:
    """Return how many countries, firms or sites must fail before a market stops.

    Parameters are those of `chokepoints`.

    Returns
    -------
    DataFrame
        Index market; columns product, country, least (size of the smallest set that stops it;
        `size` + 1 where none of up to `size` does: at least so many), sets (number of smallest
        sets).

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.exposure import redundancy
    >>> table = redundancy(cp.load("rare_earths"), size=1)
    >>> bool(table["least"].isin([1, 2]).all())
    True
    """
    cuts = chokepoints(
        chain, by=by, size=size, products=products, countries=countries,
        essential=essential, dormant=dormant,
    )  # fmt: skip
    nodes = chain.nodes
    markets = nodes.index[_markets(chain, products, countries)]
    least = cuts.groupby("market")["size"].min().reindex(markets)
    smallest = cuts[cuts["size"] == cuts["market"].map(least)]
    table = nodes.loc[markets, ["product", "country"]].copy()
    table["least"] = least.fillna(size + 1).astype(int)
    table["sets"] = smallest.groupby("market").size().reindex(markets, fill_value=0)
    return table.rename_axis("market")


def _graph(chain: SupplyChain, essential: float, dormant: bool) -> _AndOr:  # noqa: FBT001
    if not 0.0 < essential <= 1.0:
        raise OptionError(f"essential must be a share in (0, 1], got {essential}.")
    return _AndOr.of(chain, essential=essential, dormant=dormant)


def _owners(chain: SupplyChain, by: str) -> tuple[IntArray, pd.Index]:
    """Return the owner of each node as a position in the labels, -1 for markets and nobody."""
    if by not in _KINDS:
        raise OptionError(f"by must be one of {', '.join(_KINDS)}; got {by!r}.")
    nodes = chain.nodes
    name = nodes.index.to_series() if by == "site" else nodes[by]
    name = name.where(nodes["kind"].eq("site") & name.ne(""))
    owner, labels = pd.factorize(name, sort=True)
    return owner.astype(np.intp), pd.Index(labels)


def _markets(
    chain: SupplyChain,
    products: str | Sequence[str] | None,
    countries: str | Sequence[str] | None,
) -> IntArray:
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


def _candidates(
    graph: _AndOr, owner: IntArray, markets: IntArray, size: int
) -> Iterator[list[tuple[int, ...]]]:
    """Yield sets in blocks, small ones first; only owners upstream of a market can matter."""
    useful = np.unique(owner[_upstream(graph, markets)])
    useful = useful[useful >= 0]
    for members in range(1, size + 1):
        block: list[tuple[int, ...]] = []
        for some in combinations(useful.tolist(), members):
            block.append(some)
            if len(block) == _CASES:
                yield block
                block = []
        if block:
            yield block


def _upstream(graph: _AndOr, markets: IntArray) -> IntArray:
    """Return all nodes from which a needed path leads to one of `markets`."""
    seen = np.zeros(len(graph.nodes), dtype=bool)
    seen[markets] = True
    lengths = np.diff(np.append(graph.slot_starts, len(graph.slot)))
    buyer = np.repeat(graph.slot_buyer, lengths)
    child = np.flatnonzero(graph.process >= 0)
    while True:
        before = seen.sum()
        seen[graph.supplier[seen[buyer]]] = True
        seen[graph.process[child[seen[child]]]] = True
        if seen.sum() == before:
            return np.flatnonzero(seen)


def _minimal(
    dead: BoolArray,
    members: list[tuple[int, ...]],
    found: list[tuple[int, tuple[int, ...]]],
) -> list[tuple[int, tuple[int, ...]]]:
    """Return (market, set) for each stop that no smaller set already explains."""
    known: dict[int, set[tuple[int, ...]]] = {}
    for market, some in found:
        known.setdefault(market, set()).add(some)
    new = []
    for market, case in zip(*np.nonzero(dead), strict=True):
        some = members[case]
        parts = (part for k in range(1, len(some)) for part in combinations(some, k))
        if not any(part in known.get(int(market), ()) for part in parts):
            new.append((int(market), some))
    return new
