"""Time to survive, from stock and lead alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.scenario import Scenario

__all__ = ["time_to_survive"]


def time_to_survive(
    chain: SupplyChain, ban: Scenario, *, country: str | Sequence[str] | None = None
) -> pd.DataFrame:
    r"""Return how many weeks each tier lasts once a set of flows stops for good.

    Only stocks and transit count: no rationing, no switching, no partial shortage. With
    stopped flows :math:`B`,

    .. math::
        T_i = \min_{g \to i} \Bigl( n_g + \min_{e \in g} \bigl( L_e + [e \notin B]\, T_{s(e)}
        \bigr) \Bigr),

    so a site lasts as long as the thinnest path from any stopped flow to it. It is the
    least time; sites that get only part of a slot from stopped flows last longer.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    ban : Scenario
        Flows whose allowed share falls below 1 in week 0 count as stopped.
    country : str or sequence of str, optional
        Areas or blocs to report on; None = all.

    Returns
    -------
    pandas.DataFrame
        Rows are (tier, product); columns the number of sites reached, their own cover
        (stock plus lead of the slot that decides) and the cumulative cover: thinnest,
        median and thickest site [weeks].

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.leverage import time_to_survive
    >>> ban = cp.Scenario("magnets", [cp.ExportBan(by="CHN", products=["ndfeb_sintered"])])
    >>> table = time_to_survive(cp.load("rare_earths"), ban, country="JPN")
    >>> bool((table["thinnest"] > 0).all())
    True
    """
    nodes, edges, slots = chain.nodes, chain.edges, chain.slots
    position = pd.Series(np.arange(len(nodes)), index=nodes.index)
    live = ~edges["dormant"].to_numpy() & (edges["quantity"].to_numpy() > 0)
    supplier = position.loc[edges["supplier"]].to_numpy()
    buyer = position.loc[edges["buyer"]].to_numpy()
    keys = pd.MultiIndex.from_frame(edges[["buyer", "slot"]])
    stock = slots["stock_weeks"].where(slots["storable"], 0.0).reindex(keys).to_numpy()
    stopped = np.zeros(len(edges), dtype=bool)
    for effect in ban.effects(chain, 1).flows:
        stopped[effect.edges[:]] |= effect.allowed[0] < 1.0

    own = stock + edges["lead_weeks"].to_numpy(dtype=float)
    survive = _shortest(own, stopped & live, live & ~stopped, supplier, buyer, len(nodes))
    step = np.where(stopped, own, own + survive[supplier])
    step[~live] = np.inf
    table = pd.DataFrame({"node": buyer, "own": own, "total": step})
    table = table[np.isfinite(table["total"])].sort_values("total", kind="stable")
    first = table.drop_duplicates("node").set_index("node")
    facts = nodes.iloc[first.index][["kind", "tier", "product", "country"]].reset_index(drop=True)
    facts[["own", "total"]] = first[["own", "total"]].to_numpy()
    facts = facts[facts["kind"].eq("site")]
    if country is not None:
        facts = facts[facts["country"].isin(chain.areas(country))]
    grouped = facts.groupby(["tier", "product"])
    result = pd.DataFrame(
        {
            "sites": grouped.size(),
            "own_cover": grouped["own"].median(),
            "thinnest": grouped["total"].min(),
            "median": grouped["total"].median(),
            "thickest": grouped["total"].max(),
        }
    )
    result.attrs["unit"] = "weeks (sites: count)"
    return result


def _shortest(
    own: np.ndarray,
    stopped: np.ndarray,
    passing: np.ndarray,
    supplier: np.ndarray,
    buyer: np.ndarray,
    n_nodes: int,
) -> np.ndarray:
    """Return the least cumulative cover of each node (Bellman-Ford, covers are positive)."""
    survive = np.full(n_nodes, np.inf)
    np.minimum.at(survive, buyer[stopped], own[stopped])
    for _ in range(n_nodes):
        before = survive.copy()
        through = own[passing] + survive[supplier[passing]]
        np.minimum.at(survive, buyer[passing], through)
        if np.array_equal(survive, before):
            break
    return survive
