"""Who can stop which market: slots are AND, the suppliers of a slot are OR."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.exposure._needs import By, Needs, markets_of, needs_of, owners, removed_nodes

__all__ = ["chokepoints", "redundancy", "stopped"]

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]

# Cases looked at together: nodes x cases and flows x cases stay in the cache.
_CASES = 512


def stopped(
    chain: SupplyChain,
    removed: str | Sequence[str],
    *,
    by: By = "country",
    essential: float = 0.5,
    dormant: bool = False,
) -> pd.DataFrame:
    r"""Return the sites and markets that stop for good when all of `removed` stops.

    With R what is removed, the stops are the least set S for which

    .. math::
        i \in S \iff i \in R \ \text{ or } \ \exists\, g \to i\ \text{needed}:\
        \forall e \in g:\ \text{supplier}(e) \in S ,

    or the process that makes i is in S: slots are AND, the suppliers of a slot are OR. Stocks,
    time and quantities do not count. Time is linear in sites and flows. Plain graph measures,
    which ask whether *any* path is left, see no stop there.

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

    Raises
    ------
    OptionError
        If an option is unknown or out of range.
    UnknownLabelError
        If something in `removed` is not in the chain.

    References
    ----------
    Dowling, Gallier (1984), "Linear-time algorithms for testing the satisfiability of propositional
    Horn formulae", Journal of Logic Programming 1(3): the same fixed point.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.exposure import stopped
    >>> table = stopped(cp.load("rare_earths"), "CHN")
    >>> bool(table["country"].ne("CHN").any())
    True
    """
    graph = needs_of(chain, essential=essential, dormant=dormant)
    gone = removed_nodes(chain, removed, by=by)
    dead = graph.dead(gone[:, None])[:, 0]
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

    A set R is listed for a market m if m is in :math:`S(R)`, the stops of `stopped`, and in no
    :math:`S(R')` for a part :math:`R' \subset R`: a minimal cut set, as in fault trees.

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

    Raises
    ------
    OptionError
        If an option is unknown or out of range, or no market is chosen.
    UnknownLabelError
        If the chain has no such product, group, area or bloc.

    References
    ----------
    Fussell, Vesely (1972), "A new methodology for obtaining cut sets for fault trees",
    Transactions of the American Nuclear Society 15.

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
    graph = needs_of(chain, essential=essential, dormant=dormant)
    owner, labels = owners(chain, by)
    markets = markets_of(chain, products, countries)
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
    r"""Return how many countries, firms or sites must fail before a market stops.

    With :math:`S(R)` the stops of `stopped`, least is :math:`\min \{|R| : m \in S(R)\}`: a market
    withstands the failure of any least - 1.

    Parameters
    ----------
    chain, by, size, products, countries, essential, dormant
        As for `chokepoints`.

    Returns
    -------
    DataFrame
        Index market; columns product, country, least (size of the smallest set that stops it;
        `size` + 1 where none of up to `size` does: at least so many), sets (number of smallest
        sets).

    Raises
    ------
    OptionError, UnknownLabelError
        As for `chokepoints`.

    References
    ----------
    As for `chokepoints`.

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
    markets = nodes.index[markets_of(chain, products, countries)]
    least = cuts.groupby("market")["size"].min().reindex(markets)
    smallest = cuts[cuts["size"] == cuts["market"].map(least)]
    table = nodes.loc[markets, ["product", "country"]].copy()
    table["least"] = least.fillna(size + 1).astype(int)
    table["sets"] = smallest.groupby("market").size().reindex(markets, fill_value=0)
    return table.rename_axis("market")


def _candidates(
    graph: Needs, owner: IntArray, markets: IntArray, size: int
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


def _upstream(graph: Needs, markets: IntArray) -> IntArray:
    """Return all nodes from which a needed path leads to one of `markets`."""
    seen = np.zeros(len(graph.nodes), dtype=bool)
    seen[markets] = True
    buyer = graph.slot_buyer[graph.flow_slot]
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
