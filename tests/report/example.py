"""A small chain with the countries, stages and groups that the report on rare earths speaks of.

Everybody buys from every supplier in proportion to output, so the identities hold by construction.
"""

from __future__ import annotations

import pandas as pd

from chokepoint.chain import SupplyChain

AREAS = {
    # area: GDP in USD million, blocs
    "CHN": (18_000.0, ""),
    "USA": (29_000.0, ""),
    "JPN": (4_000.0, ""),
    "KOR": (1_700.0, ""),
    "DEU": (4_600.0, "EU27"),
    "FRA": (3_100.0, "EU27"),
    "AUS": (1_700.0, ""),
}

NAMES = {
    "CHN": "China",
    "USA": "United States",
    "JPN": "Japan",
    "KOR": "Korea",
    "DEU": "Germany",
    "FRA": "France",
    "AUS": "Australia",
}

# Feed of separation plants, a joint process with two outputs.
FEED = {"CHN": 196.0, "AUS": 22.0}

PRODUCTS = {
    # product: tier, stage, group, unit, price, output by country
    "ore": (0, "mine", "ore", "t REO", 6_000.0, {"CHN": 160.0, "USA": 40.0, "AUS": 30.0}),
    "separation": (1, "separation", "process", "t REO feed", 0.0, FEED),
    "oxide_light": (
        1,
        "oxide",
        "oxide_light",
        "t",
        50_000.0,
        {country: 0.55 * feed for country, feed in FEED.items()},
    ),
    "oxide_heavy": (
        1,
        "oxide",
        "oxide_heavy",
        "t",
        260_000.0,
        {country: 0.05 * feed for country, feed in FEED.items()},
    ),
    "magnet": (
        2,
        "magnet",
        "ndfeb_sintered",
        "t",
        60_000.0,
        {"CHN": 225.0, "JPN": 20.0, "DEU": 5.0},
    ),
    "motor": (
        3,
        "component",
        "motor",
        "set",
        320.0,
        {"CHN": 40e3, "USA": 10e3, "JPN": 20e3, "KOR": 10e3, "DEU": 15e3, "FRA": 5e3},
    ),
    "catalyst": (3, "component", "catalyst", "set", 60.0, {"CHN": 50e3, "USA": 25e3, "DEU": 25e3}),
    "car": (
        4,
        "sector",
        "vehicle",
        "unit",
        25_000.0,
        {"CHN": 35e3, "USA": 20e3, "JPN": 18e3, "KOR": 9e3, "DEU": 10e3, "FRA": 4e3},
    ),
    "computer": (
        4,
        "sector",
        "electronics",
        "USD m",
        1_000_000.0,
        {"CHN": 500.0, "USA": 200.0, "JPN": 60.0, "KOR": 100.0},
    ),
}

INPUTS = [
    # product, input, slot, quantity, use share, criticality, stock weeks
    ("separation", "ore", "ore", 1.05, 1.0, 1.0, 6.0),
    ("magnet", "oxide_light", "oxide_light", 0.38, 1.0, 1.0, 4.0),
    ("magnet", "oxide_heavy", "oxide_heavy", 0.035, 0.4, 0.8, 4.0),
    ("motor", "magnet", "magnet", 0.002, 0.9, 1.0, 5.0),
    ("catalyst", "oxide_light", "oxide_light", 0.0001, 1.0, 1.0, 5.0),
    ("car", "motor", "motor", 1.0, 1.0, 1.0, 3.0),
    ("car", "catalyst", "catalyst", 0.8, 0.8, 1.0, 3.0),
    ("computer", "magnet", "magnet", 0.02, 0.3, 0.6, 6.0),
]


def small_chain(name: str = "rare_earths") -> SupplyChain:
    """Return the chain."""
    return SupplyChain.from_tables(tables(), name=name)


def tables() -> dict[str, pd.DataFrame]:
    """Return its tables."""
    flows, rest = _flows()
    return {
        "countries": _countries(),
        "products": _products(),
        "sites": _sites(),
        "joint": _joint(),
        "inputs": _inputs(),
        "markets": pd.concat([_markets(), rest], ignore_index=True),
        "flows": flows,
        "measures": _measures(),
        "estimates": _estimates(),
        "sources": pd.DataFrame(
            {
                "source": ["made_up", "institute"],
                "title": ["Numbers made up for tests", "A halt of rare earths <to> Japan"],
                "publisher": ["", "Institute"],
                "year": [2026, 2026],
                "url": ["", "https://example.org/halt"],
                "obtained": ["assumed", "assumed"],
            }
        ),
    }


def _graded(frame: pd.DataFrame, measure: str, grade: str) -> pd.DataFrame:
    spread = {"A": 0.05, "B": 0.1, "C": 0.2, "D": 0.3}[grade]
    return frame.assign(
        low=frame[measure] * (1 - spread),
        high=frame[measure] * (1 + spread),
        source="made_up",
        confidence=grade,
        derivation="made up",
    )


def _countries() -> pd.DataFrame:
    rows = [
        {"area": area, "name": NAMES[area], "gdp_usd_m": gdp, "blocs": blocs}
        for area, (gdp, blocs) in AREAS.items()
    ]
    return _graded(pd.DataFrame(rows), "gdp_usd_m", "A")


def _products() -> pd.DataFrame:
    rows = [
        {
            "product": product,
            "name": product.replace("_", " ").capitalize(),
            "tier": tier,
            "stage": stage,
            "group": group,
            "unit": unit,
            "price_usd": price,
        }
        for product, (tier, stage, group, unit, price, _) in PRODUCTS.items()
    ]
    return _graded(pd.DataFrame(rows), "price_usd", "C")


def _sites() -> pd.DataFrame:
    rows = [
        {
            "product": product,
            "country": country,
            "process": f"separation@{country}" if product.startswith("oxide") else "",
            "output_qty": quantity,
            "value_added_share": 0.3,
            "value_added_share_low": 0.25,
            "value_added_share_high": 0.35,
        }
        for product, facts in PRODUCTS.items()
        for country, quantity in facts[5].items()
    ]
    return _graded(pd.DataFrame(rows), "output_qty", "B")


def _joint() -> pd.DataFrame:
    rows = [
        {"process": "separation", "product": "oxide_light", "yield": 0.55},
        {"process": "separation", "product": "oxide_heavy", "yield": 0.05},
    ]
    return _graded(pd.DataFrame(rows), "yield", "C")


def _inputs() -> pd.DataFrame:
    rows = [
        {
            "product": product,
            "input": needed,
            "slot": slot,
            "quantity": quantity,
            "use_share": use,
            "use_share_low": use * 0.8,
            "use_share_high": min(1.0, use * 1.1),
            "criticality": criticality,
            "criticality_low": criticality * 0.8,
            "criticality_high": min(1.0, criticality * 1.1),
            "stock_weeks": stock,
            "stock_weeks_low": stock * 0.5,
            "stock_weeks_high": stock * 2,
            "lead_weeks": 2,
        }
        for product, needed, slot, quantity, use, criticality, stock in INPUTS
    ]
    return _graded(pd.DataFrame(rows), "quantity", "C")


def _markets() -> pd.DataFrame:
    rows = [
        {"product": product, "country": country, "sector": "", "quantity": quantity}
        for product in ("car", "computer")
        for country, quantity in PRODUCTS[product][5].items()
    ]
    return _graded(pd.DataFrame(rows), "quantity", "B")


def _flows() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return flows in proportion to output, and the markets that take what is left."""
    buyers: dict[str, list[tuple[str, str, float]]] = {product: [] for product in PRODUCTS}
    for product, needed, slot, quantity, *_ in INPUTS:
        for country, output in PRODUCTS[product][5].items():
            buyers[needed].append((f"{product}@{country}", slot, quantity * output))
    for product in ("car", "computer"):
        for country, output in PRODUCTS[product][5].items():
            buyers[product].append((f"market:{product}@{country}", "demand", output))
    flows, rest = [], []
    for product, wanted in buyers.items():
        if product == "separation":
            continue  # a process sells nothing, its outputs do
        outputs = PRODUCTS[product][5]
        total, used = sum(outputs.values()), sum(quantity for *_, quantity in wanted)
        assert used <= total * (1 + 1e-12), f"{product}: {used} wanted of {total}"
        for country, output in outputs.items():
            site = f"{product}@{country}"
            flows += [(site, buyer, slot, q * output / total) for buyer, slot, q in wanted]
            left = output * (1 - used / total)
            if left > 1e-9 * output:
                market = f"market:{product}@{country}:other_use"
                flows.append((site, market, "demand", left))
                rest.append((product, country, "other_use", left))
    flow_table = pd.DataFrame(flows, columns=["supplier", "buyer", "slot", "quantity"])
    rest_table = pd.DataFrame(rest, columns=["product", "country", "sector", "quantity"])
    return flow_table.assign(known="estimated"), _graded(rest_table, "quantity", "D")


def _measures() -> pd.DataFrame:
    rows = [
        ("magnet stock", "stock", "magnet", "", 70_000.0, 8.0, None),
        ("magnet plant", "capacity", "magnet", "JPN", 9_000.0, 52.0, 30.0),
        ("second source of oxide", "second_source", "oxide_light", "AUS", 20_000.0, 52.0, 20.0),
    ]
    columns = ["measure", "kind", "product", "country", "unit_cost", "lead_weeks", "max"]
    return _graded(pd.DataFrame(rows, columns=columns), "unit_cost", "D")


def _estimates() -> pd.DataFrame:
    rows = [
        ("nri_3m", "China stops rare earths to Japan", "JPN", 13.0, "GDP", "GDP loss", 0.11),
        ("nri_12m", "China stops rare earths to Japan", "JPN", 52.0, "GDP", "GDP loss", 0.43),
    ]
    columns = ["estimate", "shock", "geography", "horizon_weeks", "scope", "metric", "value"]
    frame = pd.DataFrame(rows, columns=columns).assign(unit="percent of GDP")
    return frame.assign(source="institute", confidence="B")
