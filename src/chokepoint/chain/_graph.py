"""A chain as a networkx graph, and back; and a chain from a graph that a user already has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import networkx as nx
import pandas as pd

from chokepoint import schema
from chokepoint.errors import Issue, OptionError, TableError

__all__ = ["chain_graph", "graph_tables"]

_OWN_TABLES = "tables"


def chain_graph(tables: Mapping[str, pd.DataFrame], *, name: str) -> nx.MultiDiGraph[str]:
    """Return the graph of sites and markets with one edge per flow; see `to_networkx`."""
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=name)
    for table, label, kind in (("sites", "site", "site"), ("markets", "market", "market")):
        for row in _records(tables[table]):
            graph.add_node(row.pop(label), kind=kind, **row)
    for row in _records(tables["flows"]):
        supplier, buyer = row.pop("supplier"), row.pop("buyer")
        graph.add_edge(supplier, buyer, key=row["slot"], **row)
    others = [table for table in tables if table not in ("sites", "markets", "flows")]
    graph.graph[_OWN_TABLES] = {table: tables[table].copy() for table in others}
    return graph


def graph_tables(graph: nx.Graph[Any]) -> tuple[dict[str, pd.DataFrame], str]:
    """Return the tables that a graph stands for, and its name."""
    if not graph.is_directed():
        raise OptionError("expected a directed graph (supplier -> buyer); given an undirected one")
    name = str(graph.graph.get("name") or "chain")
    carried = graph.graph.get(_OWN_TABLES)
    if carried is not None:
        return _carried(graph, carried), name
    return _bare(graph), name


def _carried(graph: nx.Graph[Any], carried: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    nodes: dict[str, list[dict[str, Any]]] = {"sites": [], "markets": []}
    for node, data in graph.nodes(data=True):
        market = data.get("kind") == "market"
        row = {key: value for key, value in data.items() if key != "kind"}
        table, label = ("markets", "market") if market else ("sites", "site")
        nodes[table].append({label: node, **row})
    flows = [{"supplier": u, "buyer": v, **data} for u, v, data in graph.edges(data=True)]
    frames = {**nodes, "flows": flows}
    return {**carried, **{table: _known(table, rows) for table, rows in frames.items()}}


def _bare(graph: nx.Graph[Any]) -> dict[str, pd.DataFrame]:
    """Return tables from node attributes product, country, ... and edge attribute quantity."""
    issues = _bare_issues(graph)
    if issues:
        raise TableError(issues)
    label = _labels(graph)
    flows = [
        {**data, "supplier": label[u], "buyer": label[v], "quantity": float(data["quantity"])}
        for u, v, data in graph.edges(data=True)
    ]
    frame = pd.DataFrame(flows, columns=["supplier", "buyer", "quantity"])
    shipped = frame.groupby("supplier")["quantity"].sum()
    received = frame.groupby("buyer")["quantity"].sum()
    sites, markets = [], []
    for node, data in graph.nodes(data=True):
        row = {key: value for key, value in data.items() if key != "kind"}
        if data.get("kind") == "market":
            row.setdefault("quantity", received.get(label[node], 0.0))
            markets.append({**row, "market": label[node]})
        else:
            row.setdefault("output_qty", shipped.get(label[node], 0.0))
            sites.append({**row, "site": label[node], "firm": _firm(label[node])})
    return {
        "products": _products(graph),
        "sites": _known("sites", sites),
        "markets": _known("markets", markets),
        "flows": _known("flows", flows),
    }


def _bare_issues(graph: nx.Graph[Any]) -> list[Issue]:
    issues = []
    for node, data in graph.nodes(data=True):
        for key in ("product", "country"):
            if not data.get(key):
                rule = "is a required node attribute"
                issues.append(Issue("graph", key, rule, str(node)))
        if data.get("kind", "site") not in ("site", "market"):
            rule = "must be site or market"
            issues.append(Issue("graph", "kind", rule, str(node), data["kind"]))
    for u, v, data in graph.edges(data=True):
        if "quantity" not in data:
            rule = "is a required edge attribute"
            issues.append(Issue("graph", "quantity", rule, f"{u} -> {v}"))
    return issues


def _labels(graph: nx.Graph[Any]) -> dict[Any, str]:
    """Return the label of each node; sites that share product and country take the node's name."""
    plain: dict[Any, str] = {}
    for node, data in graph.nodes(data=True):
        if data.get("kind") == "market":
            sector = str(data.get("sector", ""))
            plain[node] = schema.market_label(data["product"], data["country"], sector)
        else:
            firm, cohort = str(data.get("firm", "")), str(data.get("cohort", ""))
            plain[node] = schema.site_label(data["product"], data["country"], firm, cohort)
    counts = pd.Series(list(plain.values())).value_counts()
    labels = {}
    for node, data in graph.nodes(data=True):
        labels[node] = plain[node]
        if counts[plain[node]] > 1 and data.get("kind") != "market" and not data.get("firm"):
            firm = "".join("_" if c in schema.FORBIDDEN else c for c in str(node))
            cohort = str(data.get("cohort", ""))
            labels[node] = schema.site_label(data["product"], data["country"], firm, cohort)
    return labels


def _firm(label: str) -> str:
    return label.partition("#")[0].partition("@")[2].partition(":")[2]


def _products(graph: nx.Graph[Any]) -> pd.DataFrame:
    """Return the products of a bare graph; the tier is the longest way from the most upstream."""
    product = {node: str(data["product"]) for node, data in graph.nodes(data=True)}
    links: nx.DiGraph[str] = nx.DiGraph()
    links.add_nodes_from(dict.fromkeys(product.values()))
    links.add_edges_from(
        (product[u], product[v]) for u, v in graph.edges() if product[u] != product[v]
    )
    whole = nx.condensation(links)
    tier: dict[str, int] = {}
    for number, generation in enumerate(nx.topological_generations(whole)):
        for part in generation:
            tier.update(dict.fromkeys(whole.nodes[part]["members"], number))
    price: dict[str, float] = {}
    for node, data in graph.nodes(data=True):
        if "price_usd" in data:
            price.setdefault(product[node], float(data["price_usd"]))
    rows = [
        {"product": label, "tier": tier[label], "price_usd": price.get(label, 0.0)}
        for label in links
    ]
    return pd.DataFrame(rows, columns=["product", "tier", "price_usd"])


def _known(table: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the rows as a frame of the columns that the table has."""
    names = schema.spec(table).names
    frame = pd.DataFrame([{n: row[n] for n in names if n in row} for row in rows], dtype=object)
    return frame if len(frame) else pd.DataFrame(columns=list(names))


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    columns = {str(name): frame[name].tolist() for name in frame.columns}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
