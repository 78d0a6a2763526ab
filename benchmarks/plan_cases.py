"""Threats, targets and clocks of the benchmarks of plans, one set for each shipped chain."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import chokepoint as cp

# chain: owner, those it is aimed at, goods. Each names a group of the chain.
BANS: dict[str, tuple[str | list[str], str, list[str]]] = {
    "rare_earths": ("CHN", "JPN", ["ndfeb_sintered", "oxide_heavy"]),
    "strategic_minerals": ("CHN", "USA", ["gallium_items", "graphite_items", "antimony_items"]),
    "semiconductors": ("TWN", "USA", ["advanced_logic", "ai_chip"]),
    "pharma_api": ("CHN", "USA", ["ksm", "api_antibiotic"]),
    "soybeans": (["BRA", "USA", "ARG"], "CHN", ["bean"]),
    "all": ("CHN", "USA", ["ndfeb_sintered", "oxide_heavy", "gallium_items"]),
}


def ban(name: str) -> cp.Scenario:
    """Return the ban that stands for a chain, to its end."""
    by, against, products = BANS[name]
    return cp.Scenario("ban", cp.ExportBan(by=by, against=against, products=products))


def target(name: str) -> str:
    """Return the country that the ban is aimed at."""
    return BANS[name][1]


def threats(name: str, number: int) -> list[cp.Scenario]:
    """Return a ban of half a year on each of the largest flows into sites of the target.

    Sellers, the goods of one product together, are ranked by the value that they sell there.
    """
    chain, buyer = cp.load(name), target(name)
    edges, country = chain.edges, chain.nodes["country"]
    sites = chain.nodes.index[chain.nodes["kind"].eq("site") & country.eq(buyer)]
    into = edges[edges["buyer"].isin(sites) & ~edges["dormant"]]
    seller = into["supplier"].map(country)
    abroad = into[seller.ne(buyer) & ~seller.str.startswith("X_")]
    price = chain.products.set_index("product")["price_usd"]
    value = abroad["quantity"] * abroad["product"].map(price)
    sold = value.groupby([abroad["supplier"].map(country), abroad["product"]]).sum()
    largest = sold.sort_values(ascending=False, kind="stable").index[:number]
    return [
        cp.Scenario(
            f"{by}: {product}",
            cp.ExportBan(by=by, against=buyer, products=[product], weeks=26),
        )
        for by, product in largest
    ]


def clocked(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Return what a function returns, seconds on the clock and processor seconds."""
    began, busy = time.perf_counter(), time.process_time()
    found = function(*arguments, **options)
    return found, time.perf_counter() - began, time.process_time() - busy
