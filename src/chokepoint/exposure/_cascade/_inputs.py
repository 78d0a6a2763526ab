"""From frames, graphs, matrices and chains to a network of firms."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.exposure._cascade._network import ESSENTIAL, NON_ESSENTIAL, FirmNetwork

__all__ = ["network_of"]

_ROUNDING = 1e-9
_MOST_NAMED = 5


def network_of(
    edges: Any,
    firms: pd.DataFrame | None,
    essentiality: Any,
    *,
    revenue: pd.Series | None = None,
    cost: pd.Series | None = None,
) -> FirmNetwork:
    """Return the network that the arguments of `cascade_index` describe."""
    if isinstance(edges, SupplyChain):
        return _of_chain(edges, revenue)
    links = _links(edges, firms)
    if firms is None:
        raise OptionError("Expected a frame firms[firm, sector] beside the links, got none.")
    return _of_frames(links, firms, essentiality, revenue, cost)


def _links(edges: Any, firms: pd.DataFrame | None) -> pd.DataFrame:
    """Return links as a frame supplier, buyer, value."""
    if isinstance(edges, pd.DataFrame):
        missing = [name for name in ("supplier", "buyer", "value") if name not in edges]
        if missing:
            raise OptionError(
                f"Expected links with columns supplier, buyer, value; missing: "
                f"{', '.join(missing)}."
            )
        return edges
    if isinstance(edges, nx.Graph):
        if not edges.is_directed():
            raise OptionError(
                "Expected a directed graph (supplier -> buyer), got an undirected one."
            )
        rows = [(a, b, data.get("value", np.nan)) for a, b, data in edges.edges(data=True)]
        return pd.DataFrame(rows, columns=["supplier", "buyer", "value"])
    if sparse.issparse(edges):
        matrix = sparse.coo_array(edges)  # type: ignore[call-overload]
        if firms is None or matrix.shape != (len(firms), len(firms)):
            size = "none" if firms is None else str(len(firms))
            raise OptionError(
                f"Expected a matrix with a row and a column per firm in the order of `firms`, got "
                f"shape {matrix.shape} and {size} firms."
            )
        label = firms["firm"].to_numpy()
        return pd.DataFrame(
            {
                "supplier": label[matrix.coords[0]],
                "buyer": label[matrix.coords[1]],
                "value": matrix.data,
            }
        )
    raise OptionError(
        "Expected links as a frame (supplier, buyer, value), a directed networkx graph with edge "
        f"attribute value, a scipy sparse matrix or a SupplyChain, got {type(edges).__name__}."
    )


def _of_frames(
    links: pd.DataFrame,
    firms: pd.DataFrame,
    essentiality: Any,
    revenue: pd.Series | None,
    cost: pd.Series | None,
) -> FirmNetwork:
    missing = [name for name in ("firm", "sector") if name not in firms]
    if missing:
        raise OptionError(f"Expected firms with columns firm, sector; missing: {missing}.")
    labels = pd.Index(firms["firm"], name="firm")
    problems = []
    if labels.has_duplicates:
        problems.append(f"firms repeat: {_some(labels[labels.duplicated()])}")
        raise OptionError("Cascade index: " + "; ".join(problems) + ".")
    supplier = labels.get_indexer(pd.Index(links["supplier"]))
    buyer = labels.get_indexer(pd.Index(links["buyer"]))
    for name, position in (("supplier", supplier), ("buyer", buyer)):
        if (position < 0).any():
            problems.append(f"{name}s that are no firm: {_some(links[name][position < 0])}")
    value = links["value"].to_numpy(dtype=float)
    if not (np.isfinite(value) & (value >= 0)).all():
        problems.append("values must be numbers >= 0")
    sector, sectors = pd.factorize(firms["sector"], sort=True)
    if (sector < 0).any():
        problems.append(f"firms without a sector: {_some(labels[sector < 0])}")
    matrix = _essentiality(essentiality, pd.Index(sectors), problems)
    market = sector
    if "market" in firms:
        market = pd.factorize(firms["market"])[0]
        if (market < 0).any():
            problems.append(f"firms without a market: {_some(labels[market < 0])}")
    income = _aligned(revenue, labels, "revenue", problems)
    outlay = _aligned(cost, labels, "cost", problems)
    if problems:
        raise OptionError("Cascade index: " + "; ".join(problems) + ".")
    supplier, buyer, value = _merged(supplier, buyer, value, len(labels))
    importance = matrix[sector[supplier], sector[buyer]]
    return _checked(labels, sector, market, supplier, buyer, value, importance, income, outlay)


def _of_chain(chain: SupplyChain, revenue: pd.Series | None) -> FirmNetwork:
    """Sites are firms, products are sectors; a slot is essential if half of the output needs it."""
    nodes, edges, slots = chain.nodes, chain.edges, chain.slots
    sites = nodes[nodes["kind"].eq("site")]
    labels = pd.Index(sites.index, name="firm")
    price = (nodes["value_usd_m"] / nodes["output_qty"]).where(nodes["output_qty"] > 0, 0.0)
    value = (edges["quantity"] * edges["supplier"].map(price)).to_numpy(dtype=float)
    supplier = labels.get_indexer(pd.Index(edges["supplier"]))
    buyer = labels.get_indexer(pd.Index(edges["buyer"]))
    need = (slots["use_share"] * slots["criticality"]).to_numpy(dtype=float)
    keys = pd.MultiIndex.from_frame(edges[["buyer", "slot"]])
    weight = need[slots.index.get_indexer(keys)]
    inside = (buyer >= 0) & (value > 0)
    sector = pd.factorize(sites["product"], sort=True)[0]
    supplier, buyer, value, weight = (a[inside] for a in (supplier, buyer, value, weight))
    order = np.lexsort((buyer, supplier))
    importance = np.where(weight >= 0.5, ESSENTIAL, np.where(weight > 0, NON_ESSENTIAL, 0))
    problems: list[str] = []
    income = _aligned(revenue, labels, "revenue", problems)
    if problems:
        raise OptionError("Cascade index: " + "; ".join(problems) + ".")
    if income is None:
        sales = np.bincount(supplier, weights=value, minlength=len(labels))
        # Sites sell to final demand as well, which does not fail with the chain.
        income = np.maximum(sites["value_usd_m"].to_numpy(dtype=float), sales)
    return _checked(
        labels, sector, sector, supplier[order], buyer[order], value[order],
        importance[order], income, None,
    )  # fmt: skip


def _essentiality(given: Any, sectors: pd.Index, problems: list[str]) -> NDArray[np.int64]:
    """Return the matrix in the order of `sectors`: rows supply, columns buy."""
    size = len(sectors)
    if given is None:
        return np.full((size, size), ESSENTIAL, dtype=np.int64)
    if isinstance(given, pd.DataFrame):
        absent = sectors.difference(given.index).union(sectors.difference(given.columns))
        if len(absent):
            problems.append(f"essentiality lacks the sectors {_some(absent)}")
            return np.zeros((size, size), dtype=np.int64)
        values = given.loc[sectors, sectors].to_numpy(dtype=float)
    else:
        values = np.asarray(given, dtype=float)
        if values.shape != (size, size):
            problems.append(
                f"essentiality must have a row and a column for each of the {size} sectors in "
                f"sorted order, got shape {values.shape}; give a frame with labels"
            )
            return np.zeros((size, size), dtype=np.int64)
    if not np.isin(values, (0.0, 1.0, 2.0)).all():
        problems.append("essentiality must hold 0 negligible, 1 non-essential, 2 essential")
        return np.zeros((size, size), dtype=np.int64)
    return values.astype(np.int64)


def _aligned(
    given: Any, labels: pd.Index, name: str, problems: list[str]
) -> NDArray[np.float64] | None:
    if given is None:
        return None
    if not isinstance(given, pd.Series):
        problems.append(f"{name} must be a Series by firm, got {type(given).__name__}")
        return None
    values = given.reindex(labels).to_numpy(dtype=float)
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        problems.append(f"{name} is missing or no number >= 0 for {_some(labels[wrong])}")
    return values


def _merged(
    supplier: NDArray[np.intp], buyer: NDArray[np.intp], value: NDArray[np.float64], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return links sorted by supplier and buyer; repeats are added up, zeros left out."""
    matrix = sparse.coo_array((value, (supplier, buyer)), shape=(n, n)).tocsr()
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    links = matrix.tocoo()
    return links.coords[0].astype(np.int64), links.coords[1].astype(np.int64), links.data


def _checked(
    labels: pd.Index,
    sector: NDArray[Any],
    market: NDArray[Any],
    supplier: NDArray[Any],
    buyer: NDArray[Any],
    value: NDArray[np.float64],
    importance: NDArray[Any],
    revenue: NDArray[np.float64] | None,
    cost: NDArray[np.float64] | None,
) -> FirmNetwork:
    """Return the network; revenue and cost must cover what the links say."""
    n = len(labels)
    sales = np.bincount(supplier, weights=value, minlength=n)
    bought = np.bincount(buyer, weights=value, minlength=n)
    for given, least, name, what in (
        (revenue, sales, "revenue", "sales"),
        (cost, bought, "cost", "purchases"),
    ):
        if given is not None and (given < least * (1 - _ROUNDING)).any():
            short = labels[given < least * (1 - _ROUNDING)]
            raise OptionError(
                f"Cascade index: {name} must be at least the {what} in the network; it is less "
                f"for {_some(short)}."
            )
    income = sales if revenue is None else np.maximum(revenue, sales)
    outlay = bought if cost is None else np.maximum(cost, bought)
    return FirmNetwork(
        firms=labels,
        sector=sector.astype(np.int64),
        market=market.astype(np.int64),
        supplier=supplier.astype(np.int64),
        buyer=buyer.astype(np.int64),
        value=value,
        importance=importance.astype(np.int64),
        revenue=np.where(income > 0, income, 1.0),
        closed=revenue is None,
        cost=np.where(outlay > 0, outlay, 1.0),
    )


def _some(labels: Any) -> str:
    listed = [str(label) for label in pd.unique(pd.Index(labels))]
    more = f" and {len(listed) - _MOST_NAMED} more" if len(listed) > _MOST_NAMED else ""
    return ", ".join(listed[:_MOST_NAMED]) + more
