"""Measures of the plain graph, where any path will do, beside those in which needs are AND."""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx
import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.exposure._chokepoints import redundancy
from chokepoint.exposure._needs import By, Needs, markets_of, needs_of, owners

__all__ = ["market_cuts", "plain_measures"]

# Feeds all sites that need nothing; nodes are positions, from 0.
_SOURCE = -1


def plain_measures(
    chain: SupplyChain,
    *,
    by: By = "country",
    products: str | Sequence[str] | None = None,
    countries: str | Sequence[str] | None = None,
    essential: float = 0.5,
) -> pd.DataFrame:
    r"""Return betweenness and dominated markets beside the markets that really stop.

    In the plain graph an arc leads from each supplier to each buyer, whatever it supplies.
    Something *dominates* a market if every path to it, from any site that needs nothing, leads
    through it; for sites this is read off the dominator tree of networkx. Betweenness is the
    share of shortest paths between other nodes that lead through a node,
    :math:`\sum_{s,t} \sigma_{st}(v) / \sigma_{st} / ((n-1)(n-2))`, summed over the sites of a
    country or firm. A market *stops* if a slot that is needed has lost all its suppliers, see
    `stopped`: slots are AND, suppliers are OR. What dominates a market stops it, apart from
    circles that feed themselves; the reverse does not hold.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    by : {"country", "firm", "site"}
        Rows.
    products, countries : str or sequence of str, optional
        Markets to look at, as for `chokepoints`.
    essential : float
        A slot counts if use share times criticality is at least this, in (0, 1]; other slots
        are left out of both graphs.

    Returns
    -------
    DataFrame
        Index country, firm or site; columns betweenness (share), dominated, stopped (number of
        markets), dominated_value_usd_m, stopped_value_usd_m (demand of those markets, USD
        million per year). Sorted by the last one, largest first.

    Raises
    ------
    OptionError
        If an option is unknown, or no market is chosen.

    References
    ----------
    Lengauer, Tarjan (1979), "A fast algorithm for finding dominators in a flowgraph". Freeman
    (1977), "A set of measures of centrality based on betweenness".

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.exposure import plain_measures
    >>> table = plain_measures(cp.load("rare_earths"))
    >>> bool((table["stopped"] >= table["dominated"]).all())
    True
    """
    needs = needs_of(chain, essential=essential)
    owner, labels = owners(chain, by)
    markets = markets_of(chain, products, countries)
    value = needs.nodes["value_usd_m"].to_numpy(dtype=float)[markets]
    graph = _plain(needs)
    central = nx.betweenness_centrality(graph.subgraph(range(len(needs.nodes))))
    owned = np.flatnonzero(owner >= 0)
    share = [central[node] for node in owned.tolist()]
    between = np.bincount(owner[owned], weights=share, minlength=len(labels))
    removed = np.zeros((len(needs.nodes), len(labels)), dtype=bool)
    removed[owned, owner[owned]] = True
    dead = needs.dead(removed)[markets]
    lost = _dominated(graph, removed, markets, by)
    table = pd.DataFrame(
        {
            "betweenness": between,
            "dominated": lost.sum(axis=0),
            "stopped": dead.sum(axis=0),
            "dominated_value_usd_m": value @ lost,
            "stopped_value_usd_m": value @ dead,
        },
        index=pd.Index(labels, name=by),
    )
    return table.sort_values(["stopped_value_usd_m", "stopped"], ascending=False, kind="stable")


def market_cuts(
    chain: SupplyChain,
    *,
    size: int = 1,
    products: str | Sequence[str] | None = None,
    countries: str | Sequence[str] | None = None,
    essential: float = 0.5,
) -> pd.DataFrame:
    r"""Return how many sites must fail before a market stops: in the plain graph, and with needs.

    .. math::
        \text{plain cut}(m) = \min \{|R| : \text{no path from a source to } m
        \text{ without } R\}, \qquad
        \text{least}(m) = \min \{|R| : m \in S(R)\} .

    Sources are sites that need nothing; the first is the maximum flow of networkx through sites
    of capacity 1. The second, with S the stops of `stopped`, is the smallest set that empties one
    needed slot somewhere upstream, see `redundancy`.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    size : {1, 2, 3}
        Largest set that is looked for on the side of needs; pairs of sites take minutes in a
        chain of a thousand sites.
    products, countries, essential
        As for `plain_measures`.

    Returns
    -------
    DataFrame
        Index market; columns product, country, plain_cut and least (numbers of sites; `size` + 1
        where no set of up to `size` sites stops the market: at least so many).

    Raises
    ------
    OptionError
        If an option is unknown, or no market is chosen.

    References
    ----------
    Ford, Fulkerson (1956), "Maximal Flow through a Network", Canadian Journal of Mathematics 8.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.exposure import market_cuts
    >>> table = market_cuts(cp.load("rare_earths"), size=1, countries="KOR")
    >>> bool((table["least"] <= table["plain_cut"]).all())
    True
    """
    least = redundancy(
        chain, by="site", size=size, products=products, countries=countries, essential=essential
    )
    needs = needs_of(chain, essential=essential)
    market = needs.nodes["kind"].eq("market").to_numpy()
    split: nx.DiGraph[tuple[int, int]] = nx.DiGraph()
    for node in range(len(needs.nodes)):
        if not market[node]:
            split.add_edge((node, 0), (node, 1), capacity=1)
    for tail, head in _plain(needs).edges:
        split.add_edge((tail, 1), (head, 0))
    table = least[["product", "country", "least"]].copy()
    places = needs.nodes.index.get_indexer(table.index)
    cuts = [_cut(split, int(place)) for place in places]
    table.insert(2, "plain_cut", cuts)
    return table


def _cut(split: nx.DiGraph[tuple[int, int]], market: int) -> int:
    target = (market, 0)
    if target not in split:
        return 0
    return int(nx.maximum_flow_value(split, (_SOURCE, 1), target))


def _plain(needs: Needs) -> nx.DiGraph[int]:
    """Return arcs from suppliers to buyers and from processes to outputs, with one source."""
    buyer = needs.slot_buyer[needs.flow_slot]
    child = np.flatnonzero(needs.process >= 0)
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(needs.nodes)))
    graph.add_edges_from(zip(needs.supplier.tolist(), buyer.tolist(), strict=True))
    graph.add_edges_from(zip(needs.process[child].tolist(), child.tolist(), strict=True))
    site = needs.nodes["kind"].eq("site").to_numpy()
    roots = [node for node, degree in graph.in_degree() if degree == 0 and site[node]]
    graph.add_edges_from((_SOURCE, node) for node in roots)
    return graph


def _dominated(
    graph: nx.DiGraph[int], removed: np.ndarray, markets: np.ndarray, by: str
) -> np.ndarray:
    """Return which markets (rows) each column's removal cuts off from all sources."""
    reached = nx.descendants(graph, _SOURCE)
    lost = np.zeros((len(markets), removed.shape[1]), dtype=bool)
    live = np.array([market in reached for market in markets.tolist()])
    if by == "site":
        parent = nx.immediate_dominators(graph, _SOURCE)
        column = {int(node): k for k, node in enumerate(removed.argmax(axis=0))}
        for row in np.flatnonzero(live):
            node = int(markets[row])
            while parent.get(node, node) not in (None, node, _SOURCE):
                node = parent[node]
                lost[row, column[node]] = True
        return lost
    for k in range(removed.shape[1]):
        gone = set(np.flatnonzero(removed[:, k]).tolist())
        left = graph.subgraph([node for node in graph if node not in gone])
        still = nx.descendants(left, _SOURCE)
        lost[:, k] = live & [market not in still for market in markets.tolist()]
    return lost
