"""How far a country's hand reaches: value and technology inside goods, services withheld."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

Edge = tuple[str, str, str]
Table = dict[Any, dict[str, Any]]


def content(node: Table, edge: dict[Edge, dict[str, Any]], owners: set[str]) -> dict[str, float]:
    """Return the share of the value of each site's output that the owners added to it.

    A good holds what was added to it and what its inputs hold, at baseline prices; goods that
    come out of one process share its inputs by value.
    """
    sites = [name for name, row in node.items() if row["kind"] == "site"]
    place = {name: i for i, name in enumerate(sites)}
    value = {name: 0.0 if node[name]["is_process"] else node[name]["value_usd_m"] for name in sites}
    made_in = {name: node[name]["process"] or name for name in sites}
    system, own = np.eye(len(sites)), np.zeros(len(sites))
    for name in sites:
        if not value[name]:
            continue
        if node[name]["country"] in owners:
            own[place[name]] = node[name]["value_added_usd_m"] / value[name]
        together = sum(value[other] for other in sites if made_in[other] == made_in[name])
        for (supplier, buyer, _), row in edge.items():
            if buyer == made_in[name] and row["quantity"]:
                price = value[supplier] / node[supplier]["output_qty"]
                system[place[name], place[supplier]] -= price * row["quantity"] / together
    return dict(zip(sites, np.linalg.solve(system, own).tolist(), strict=True))


def equipped(
    node: Table, edge: dict[Edge, dict[str, Any]], owners: set[str], tools: Iterable[str]
) -> set[str]:
    """Return the sites that use the tools of the owners, or tools made with them."""
    tools = set(tools)
    sources = {name for name, row in node.items() if row["country"] in owners}
    found: set[str] = set()
    while True:
        more = {
            buyer
            for (supplier, buyer, _), row in edge.items()
            if supplier in sources | found
            and row["quantity"]
            and node[supplier]["product"] in tools
        } - found
        more |= {name for name, row in node.items() if row["process"] in found | more} - found
        if not more:
            return {name for name in found if node[name]["kind"] == "site"}
        found |= more


def withheld(
    node: Table, slot: Table, edge: dict[Edge, dict[str, Any]], denied: Iterable[Edge]
) -> dict[str, list[float]]:
    """Return, by site, the shares of its slots that denied services filled.

    Slots that decay by themselves in the weekly model are left out.
    """
    shares: dict[tuple[str, str], float] = {}
    for supplier, buyer, name in denied:
        row = edge[supplier, buyer, name]
        if node[buyer]["kind"] == "market" or slot[buyer, name]["decay_weekly"] or row["dormant"]:
            continue
        part = row["quantity"] / row["recipe"] / node[buyer]["output_qty"]
        shares[buyer, name] = shares.get((buyer, name), 0.0) + part
    found: dict[str, list[float]] = {}
    for (buyer, _), part in shares.items():
        found.setdefault(buyer, []).append(min(1.0, part))
    return found
