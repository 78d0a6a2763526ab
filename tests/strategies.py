"""Small valid chains for tests: a hand-made one with every feature, and hypothesis strategies.

`full_tables` is a chain in miniature with everything that a chain can have. `chains` draws the
shape of a layered chain and works the quantities out from the markets upstream, so that the tables
balance; what suppliers make beyond that goes to markets of sector `other_use`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from chokepoint.chain import SupplyChain

COUNTRIES = ("CHN", "USA", "JPN", "DEU", "AUS")


def full_tables() -> dict[str, pd.DataFrame]:
    """Tables with a joint process, a recycled by-product, an OR slot, overrides, cohorts, firms."""
    return {
        "countries": _frame(
            "area kind blocs gdp_usd_m",
            ["CHN country G20 18e6", "USA country G7;G20 28e6", "JPN country G7 4e6"],
        ),
        "products": _frame(
            "product tier group unit price_usd storable critical_weight",
            [
                "feed 0 - t_feed 0 true 0",
                "ndpr 1 oxides t 60000 true 0",
                "dy 1 oxides t 300000 true 0",
                "swarf 1 scrap t 9000 true 0",
                "power 1 - MWh 50 false 0",
                "magnet 2 magnets t 80000 true 0",
                "car 3 cars car 25000 true 2",
                "ndpr_recycled 1 - t 60000 true 0",
            ],
        ),
        "sites": _frame(
            "product country firm cohort process output_qty low high value_added_share confidence",
            [
                "feed CHN North - - 1000 900 1100 0 A",
                "feed USA - - - 400 - - 0 B",
                "ndpr CHN North - feed@CHN:North 200 - - .3 D",
                "dy CHN North - feed@CHN:North 10 - - .3 D",
                "ndpr USA - - feed@USA 80 - - .3 D",
                "dy USA - - feed@USA 2 - - .3 D",
                "power CHN - - - 500 - - .4 C",
                "power JPN - - - 120 100 130 .4 C",
                "magnet CHN - - - 500 450 560 .25 B",
                "magnet JPN - - - 100 90 110 .25 B",
                "swarf CHN - - magnet@CHN 100 - - .1 D",
                "swarf JPN - - magnet@JPN 20 - - .1 D",
                "car USA - - - 3000 - - .2 A",
                "car JPN - thin - 1000 - - .2 A",
                "car JPN - rest - 2000 - - .2 A",
                "ndpr_recycled JPN - - - 37.5 - - .2 C",
            ],
        ),
        "inputs": _frame(
            "product site slot input quantity use_share combine criticality stock_weeks "
            "throttle_weeks stock_weeks_low stock_weeks_high",
            [
                "magnet - ndpr ndpr .4 1 nested 1 6 2 3 9",
                "magnet - ndpr ndpr_recycled .5 1 nested 1 6 2 3 9",
                "magnet - dy dy .02 .5 nested .9 8 1 - -",
                "magnet - power power 1 1 disjoint .3 0 1 - -",
                "magnet magnet@JPN power power 1.2 1 disjoint .4 0 1 - -",
                "car - - magnet .08 .9 nested 1 4 1 2 8",
                "car car@JPN#thin - magnet .08 .9 nested 1 1 1 - -",
                "ndpr_recycled - - swarf 2 1 nested 1 2 1 - -",
            ],
        ),
        "joint": _frame(
            "process site product yield wanted",
            [
                "feed - ndpr .2 true",
                "feed - dy .01 true",
                "feed feed@USA dy .005 true",
                "magnet - swarf .2 false",
            ],
        ),
        "markets": _frame(
            "product country sector quantity low high",
            [
                "car USA - 3600 3000 4000",
                "car JPN - 1400 - -",
                "car CHN fleets 1000 900 1200",
                "ndpr CHN other_use 70 - -",
                "magnet CHN other_use 120 - -",
                "swarf CHN other_use 45 - -",
            ],
        ),
        "alternatives": _frame(
            "supplier buyer max_share qualification_weeks", ["magnet@JPN car@USA .3 40"]
        ),
        "trade": _frame(
            "products exporter importer quantity low high role",
            ["magnets CHN USA 240 230 250 fit", "magnets CHN WLD 380 - - check"],
        ),
        "projects": _frame("project site added_share online_date", ["rise ndpr@USA .5 2027-06"]),
        "measures": _frame(
            "measure kind product unit_cost lead_weeks", ["cellar stock ndpr 70000 4"]
        ),
        "controls": _frame(
            "control owner kind products targets", ["april CHN licence oxides;magnets G7"]
        ),
        "sources": _frame("source title", ["usgs Survey"]),
    }


def full_chain() -> SupplyChain:
    """Return the chain of `full_tables`, its flows estimated."""
    return SupplyChain.from_tables(full_tables(), name="full")


def layered_tables(
    seed: int,
    *,
    stages: int = 3,
    products: int = 2,
    sites: int = 3,
    slots: int = 2,
    alternatives: int = 0,
) -> dict[str, pd.DataFrame]:
    """Tables of a layered chain whose suppliers make what is needed, and some also more.

    Every slot takes one or two products of the stage before (two where the random numbers say so);
    every country has at most one site of a product.
    """
    rng = np.random.default_rng(seed)
    labels = [[f"p{s}_{k}" for k in range(products)] for s in range(stages)]
    need = dict.fromkeys([label for stage in labels for label in stage], 0.0)
    rows: dict[str, list[dict[str, object]]] = {n: [] for n in ("sites", "inputs", "markets")}
    for stage in range(stages - 1, -1, -1):
        for product in labels[stage]:
            _add_product(rng, rows, need, product, labels[stage - 1] if stage else [], sites, slots)
    tier = [{"product": p, "tier": s} for s, stage in enumerate(labels) for p in stage]
    frame = pd.DataFrame(tier)
    price = rng.integers(10, 1000, len(frame)) * 1000.0
    tables = {name: pd.DataFrame(table) for name, table in rows.items() if table}
    tables["products"] = frame.assign(price_usd=price)
    if alternatives:
        tables["alternatives"] = _alternatives(rng, tables, alternatives)
    return tables


def chains(*, min_sites: int = 1, max_sites: int = 3) -> st.SearchStrategy[SupplyChain]:
    """Strategy for small layered chains with estimated flows."""
    tables = st.builds(
        layered_tables,
        st.integers(0, 10_000),
        stages=st.integers(1, 3),
        products=st.integers(1, 2),
        sites=st.integers(min_sites, max_sites),
        slots=st.integers(1, 2),
    )
    return tables.map(SupplyChain.from_tables)


def shuffled(tables: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """The same tables with their rows in another order."""
    rng = np.random.default_rng(seed)
    return {
        name: frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)
        for name, frame in tables.items()
    }


def _add_product(rng, rows, need, product, below, sites, slots) -> None:
    final = round(float(rng.uniform(50, 150)), 1)
    spare = round(float(rng.uniform(0, 30)), 1) if rng.random() < 0.5 else 0.0
    homes = rng.permutation(COUNTRIES)[: int(rng.integers(1, sites + 1))]
    total = need[product] + final + spare
    share = rng.uniform(0.2, 1.0, len(homes))
    output = total * share / share.sum()
    # What rounding leaves goes to the last site, so that the total is met to the last digit.
    output = np.append(np.round(output[:-1], 3), total - np.round(output[:-1], 3).sum())
    for country, quantity in zip(homes, output, strict=True):
        rows["sites"].append({"product": product, "country": country, "output_qty": quantity})
    markets = [(rng.choice(COUNTRIES), "", final)]
    markets += [(homes[0], "other_use", spare)] if spare else []
    for country, sector, quantity in markets:
        rows["markets"].append(
            {"product": product, "country": country, "sector": sector, "quantity": quantity}
        )
    for number in range(int(rng.integers(1, slots + 1)) if below else 0):
        _add_slot(rng, rows, need, product, f"s{number}", below, total)


def _add_slot(rng, rows, need, product, slot, below, total) -> None:
    count = min(len(below), int(rng.integers(1, 3)))
    inputs = rng.permutation(below)[:count]
    split = rng.dirichlet(np.ones(count) * 4)
    stock = int(rng.integers(0, 9))
    for label, part in zip(inputs, split, strict=True):
        quantity = round(float(rng.uniform(0.1, 2.0)), 2)
        need[label] += total * part * quantity
        rows["inputs"].append(
            {
                "product": product,
                "slot": slot,
                "input": label,
                "quantity": quantity,
                "stock_weeks": stock,
                "throttle_weeks": 1 + stock // 3,
                "criticality": 1.0,
                "lead_weeks": int(rng.integers(1, 5)),
            }
        )


def _alternatives(rng, tables, count) -> pd.DataFrame:
    """At most one dormant pair per product, and only where all others can do without it."""
    rows = []
    for product, makers in tables["sites"].groupby("product", sort=False):
        markets = tables["markets"][tables["markets"]["product"] == product]
        maker = makers.iloc[int(rng.integers(len(makers)))]
        market = markets[markets["sector"] == ""].iloc[0]
        total, made, wanted = makers["output_qty"].sum(), maker["output_qty"], market["quantity"]
        if len(rows) < count and made + wanted <= total and len(makers) > 1:
            supplier = f"{product}@{maker['country']}"
            rows.append((supplier, f"market:{product}@{market['country']}", 0.2))
    return pd.DataFrame(rows, columns=["supplier", "buyer", "max_share"])


def _frame(columns: str, rows: list[str]) -> pd.DataFrame:
    """A frame from words: "-" is a blank cell."""
    names = columns.split()
    cells = [["" if cell == "-" else cell for cell in row.split()] for row in rows]
    return pd.DataFrame(cells, columns=names, dtype=object)
