"""Chains with controls, small enough to reckon by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

import chokepoint as cp


def controls(*rows) -> pd.DataFrame:
    """Rows of (control, owner, kind, products, targets) and columns by name."""
    names = ["control", "owner", "kind", "products", "targets"]
    return pd.DataFrame([{**dict(zip(names, row[:5], strict=True)), **row[5]} for row in rows])


def trade(**columns) -> cp.SupplyChain:
    """Tools, chips and cars between the USA, China and Japan.

    Japanese tools hold American parts (a fifth of their value) and keep Chinese chip plants going;
    chips go into cars, which the USA also buys from China.
    """
    products = pd.DataFrame(
        {"product": ["part", "tool", "chip", "car"], "tier": [0, 1, 2, 3],
         "group": ["part", "tool", "chip", "vehicle"], "price_usd": [1e6, 1e6, 1e6, 1e6],
         "critical_weight": [0.0, 0.0, 0.0, 1.0]}
    )  # fmt: skip
    sites = pd.DataFrame(
        [("part", "USA", 26.0), ("tool", "JPN", 104.0), ("tool", "USA", 26.0),
         ("chip", "CHN", 208.0), ("chip", "USA", 104.0), ("car", "CHN", 312.0),
         ("car", "USA", 208.0)],
        columns=["product", "country", "output_qty"],
    ).assign(value_added_share=0.5)  # fmt: skip
    inputs = pd.DataFrame(
        [("tool", "JPN", "part", 0.25, 1.0, 0.0), ("chip", "", "tool", 130 / 312, 0.0, 0.02),
         ("car", "", "chip", 0.6, 1.0, 0.0)],
        columns=["product", "country", "input", "quantity", "criticality", "decay_weekly"],
    )  # fmt: skip
    of_site = inputs["country"].ne("")
    inputs["site"] = (inputs["product"] + "@" + inputs["country"]).where(of_site, "")
    inputs = inputs.drop(columns="country").assign(
        stock_weeks=2.0, repair_weeks=13.0, qualification_weeks=400.0
    )
    markets = pd.DataFrame(
        {"product": "car", "country": ["CHN", "USA"], "quantity": [260.0, 260.0]}
    )
    chip = 208.0 * 130 / 312
    flows = pd.DataFrame(
        [("part@USA", "tool@JPN", 26.0), ("tool@JPN", "chip@CHN", chip),
         ("tool@JPN", "chip@USA", 104.0 - chip), ("tool@USA", "chip@USA", 26.0),
         ("chip@CHN", "car@CHN", 187.2), ("chip@CHN", "car@USA", 20.8),
         ("chip@USA", "car@USA", 104.0), ("car@CHN", "market:car@CHN", 260.0),
         ("car@CHN", "market:car@USA", 52.0), ("car@USA", "market:car@USA", 208.0)],
        columns=["supplier", "buyer", "quantity"],
    ).assign(growth_max=0.0, lead_weeks=1)  # fmt: skip
    countries = pd.DataFrame(
        {"area": ["CHN", "JPN", "USA"], "gdp_usd_m": [18_700.0, 4_000.0, 29_200.0]}
    )
    tables = {"products": products, "sites": sites, "inputs": inputs, "markets": markets,
              "flows": flows, "countries": countries}  # fmt: skip
    return cp.SupplyChain.from_tables({**tables, **columns}, name="trade")


def one_input(share: float, *, others: int = 1, growth: float = 0.0) -> cp.SupplyChain:
    """One good, of which A sells B a share; the rest comes from `others` that may grow by `growth`.

    No stock. The capacity of the others comes as a project that is there in a dated run.
    """
    sellers = ["A", *(f"R{i}" for i in range(others))]
    parts = np.array([share, *[(1.0 - share) / others] * others])
    kept = [i for i, part in enumerate(parts) if part > 0]
    products = pd.DataFrame({"product": ["input", "good"], "price_usd": [2e4, 1e6]})
    sites = pd.DataFrame(
        {"product": ["input"] * len(kept) + ["good"], "country": [sellers[i] for i in kept] + ["B"],
         "output_qty": [5200.0 * parts[i] for i in kept] + [5200.0], "value_added_share": 0.5,
         "ramp_max": 1.0}
    )  # fmt: skip
    inputs = pd.DataFrame(
        {"product": ["good"], "input": ["input"], "quantity": 1.0, "stock_weeks": 0.0,
         "lead_weeks": 1, "qualification_weeks": 1000.0}
    )  # fmt: skip
    flows = pd.DataFrame(
        {"supplier": [f"input@{sellers[i]}" for i in kept] + ["good@B"],
         "buyer": ["good@B"] * len(kept) + ["market:good@B"],
         "quantity": [5200.0 * parts[i] for i in kept] + [5200.0], "growth_max": growth}
    )  # fmt: skip
    projects = pd.DataFrame(
        {"project": sellers[1:], "site": [f"input@{name}" for name in sellers[1:]],
         "added_share": max(growth, 1e-12), "online_date": "2025", "probability": 1.0}
    )  # fmt: skip
    countries = pd.DataFrame({"area": [*sellers, "B"], "gdp_usd_m": 10_000.0})
    markets = pd.DataFrame({"product": ["good"], "country": ["B"], "quantity": [5200.0]})
    return cp.SupplyChain.from_tables(
        products=products, sites=sites, inputs=inputs, flows=flows, markets=markets,
        countries=countries, projects=projects, name="one input",
    )  # fmt: skip
