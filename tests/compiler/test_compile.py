"""The compiler of the shipped chains, on tables small enough to work out by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from compiler import areas, check, inputs, mixes, recipes, sectors, world
from compiler.build import compile_tables
from compiler.inputs import COLUMNS, PROVENANCE, Inputs, _completed

import chokepoint as cp

# Only pandas 2 warns: of the types of empty columns, and of an index that is not sorted.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The behavior of DataFrame concatenation:FutureWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.PerformanceWarning"),
]

SOURCED = {"source": "own_assumption", "confidence": "D", "derivation": "made up for a test"}


def frame(table: str, rows: list[Mapping[str, object]]) -> pd.DataFrame:
    made = pd.DataFrame([{**SOURCED, **row} for row in rows])
    for column in set(made.columns) - inputs.NUMBERS:
        made[column] = made[column].astype(object).where(made[column].notna(), "")
    return _completed(made, [*COLUMNS[table].split(), *PROVENANCE])


def small(**changed: list[Mapping[str, object]]) -> Inputs:
    """Two bean growers, crushing into meal and oil, a tool that crushers need to keep going."""
    tables = {
        "products": [
            {"product": "bean", "tier": 0, "unit": "t", "price_usd": 400.0},
            {"product": "crush", "tier": 1, "unit": "t", "price_usd": 0.0},
            {"product": "meal", "tier": 2, "unit": "t", "price_usd": 380.0},
            {"product": "oil", "tier": 2, "unit": "t", "price_usd": 1000.0},
            {"product": "press", "tier": 1, "unit": "unit", "price_usd": 1000.0},
            {"product": "pork", "tier": 3, "unit": "t", "price_usd": 3000.0},
        ],
        "outputs": [{"product": "bean", "basis": "quantity", "value": 1100.0}],
        "places": [
            {"product": "bean", "country": "USA", "basis": "share", "value": 40.0, "va_share": 0.5},
            {"product": "bean", "country": "BRA", "basis": "share", "value": 60.0, "va_share": 0.5},
            {
                "product": "crush",
                "country": "CHN",
                "basis": "quantity",
                "value": 1000.0,
                "va_share": 0.0,
            },
            {"product": "press", "country": "DEU", "basis": "rest", "value": 1.0, "va_share": 0.6},
            {"product": "pork", "country": "CHN", "basis": "rest", "value": 1.0, "va_share": 0.2},
        ],
        "recipes": [
            {"product": "crush", "input": "bean", "quantity": 1.0, "stock_weeks": 4.0},
            {
                "product": "crush",
                "input": "press",
                "quantity": 0.01,
                "criticality": 0.0,
                "decay_weekly": 0.01,
                "stock_weeks": 0.0,
            },
            {"product": "press", "input": "oil", "quantity": 0.1, "decay_weekly": 0.0},
            {"product": "pork", "input": "meal", "quantity": 2.0, "stock_weeks": 2.0},
        ],
        "joint": [
            {
                "process": "crush",
                "product": "meal",
                "yield": 0.8,
                "va_share": 0.05,
            },
            {"process": "crush", "product": "oil", "yield": 0.2, "va_share": 0.05},
        ],
        "demand": [
            {"product": "pork", "country": "CHN", "basis": "quantity", "value": 300.0},
            {"product": "oil", "country": "USA", "basis": "share", "value": 25.0},
            {"product": "oil", "country": "WORLD", "basis": "quantity", "value": 0.0},
        ],
        "sources": [{"source": "own_assumption", "title": "Assumptions of this library"}],
    }
    tables["demand"].pop()
    tables.update(changed)
    made = {
        name: pd.DataFrame(rows) if name == "sources" else frame(name, rows)
        for name, rows in tables.items()
    }
    for table, columns in COLUMNS.items():
        wanted = columns.split()
        if table not in inputs.WITHOUT_PROVENANCE:
            wanted += PROVENANCE
        made[table] = _completed(made.get(table), wanted)
    return Inputs("small", made)


def nobody() -> pd.DataFrame:
    return pd.DataFrame({column: pd.Series(dtype=object) for column in world.SITE_COLUMNS})


def solved(given: Inputs) -> world.World:
    return world.solve_world(given, nobody())


# press needs oil (tier 2), so only upkeep leads upward: make that recipe upkeep as well.
UPKEEP = [
    {"product": "crush", "input": "bean", "quantity": 1.0, "stock_weeks": 4.0},
    {
        "product": "crush",
        "input": "press",
        "quantity": 0.01,
        "criticality": 0.0,
        "decay_weekly": 0.01,
    },
    {
        "product": "press",
        "input": "oil",
        "quantity": 0.1,
        "criticality": 0.0,
        "decay_weekly": 0.01,
    },
    {"product": "pork", "input": "meal", "quantity": 2.0, "stock_weeks": 2.0},
]


def test_needs_run_from_final_demand_upstream():
    found = solved(small(recipes=UPKEEP))
    assert found.problems == []
    made = found.sites.set_index("site")["output_qty"]
    assert made["pork@CHN"] == pytest.approx(300.0)
    assert made["press@DEU"] == pytest.approx(10.0)
    assert made["bean@USA"] == pytest.approx(440.0)
    assert found.need["bean"] == pytest.approx(1000.0)
    assert found.need["oil"] == pytest.approx(1.0)
    assert found.left["bean"] == pytest.approx(100.0)
    assert found.left["meal"] == pytest.approx(800.0 - 600.0)


def test_outputs_of_a_process_follow_its_yields():
    sites = solved(small(recipes=UPKEEP)).sites.set_index("site")
    assert sites.loc["meal@CHN", "output_qty"] == pytest.approx(800.0)
    assert sites.loc["oil@CHN", "process"] == "crush@CHN"


def test_a_compiled_chain_balances_and_runs():
    tables = compile_tables(small(recipes=UPKEEP))
    chain = cp.SupplyChain.from_tables(tables)
    assert chain.balance()["relative"].abs().max() < 1e-9
    # A quarter of the oil that nobody in the chain uses is demand, the rest other_use.
    markets = chain.markets.set_index("market")["quantity"]
    assert markets["market:oil@USA"] == pytest.approx(0.25 * 199.0)
    assert markets["market:oil@CHN:other_use"] == pytest.approx(0.75 * 199.0)
    assert markets["market:bean@BRA:other_use"] == pytest.approx(60.0)
    ban = cp.Scenario("no beans", [cp.Outage(sites=["bean@USA"], weeks=26)])
    assert cp.simulate(chain, ban, weeks=26).loss(by="country").loc["no beans", "CHN"] > 0


def test_a_mix_stated_for_a_place_is_held():
    # Swine eat meal or oil: one part in two in the world, one in four oil in the United States.
    places = small().tables["places"].to_dict("records")
    places += [{**places[-1], "country": "USA"}]
    fed = {"product": "pork", "slot": "feed", "quantity": 1.0, "stock_weeks": 2.0}
    rows = [
        *UPKEEP[:2],
        {**fed, "input": "meal", "share": 0.5},
        {**fed, "input": "oil", "share": 0.5},
        {"product": "pork", "slot": "feed", "input": "meal", "country": "USA", "share": 0.75},
        {"product": "pork", "slot": "feed", "input": "oil", "country": "USA", "share": 0.25},
    ]
    given = small(recipes=rows, places=places)
    tables = compile_tables(given)
    held = mixes.stated_mixes(given, tables["sites"])
    chain = cp.SupplyChain.from_tables(mixes.taken_apart(tables, held))
    flows = mixes.put_together(chain.flows)
    fed_there = flows[flows["buyer"] == "pork@USA"]
    assert set(fed_there["slot"]) == {"feed"}
    parts = fed_there["quantity"].groupby(fed_there["supplier"].str[:4]).sum() / 150.0
    assert parts.to_dict() == pytest.approx({"meal": 0.75, "oil@": 0.25})


def test_slots_taken_apart_are_put_together_again():
    mix = pd.DataFrame(
        {"site": ["b@USA"] * 2, "slot": ["in"] * 2, "input": ["x", "y"], "share": [0.9, 0.1]}
    )
    general = pd.DataFrame(
        {"site": "", "product": "b", "slot": "in", "input": ["x", "y"], "quantity": 2.0}
    ).assign(low=1.0, high=4.0)
    sites = pd.DataFrame(
        {"site": ["x@A", "y@A", "b@USA", "b@CHN"], "product": ["x", "y", "b", "b"]}
    )
    flows = pd.DataFrame({"supplier": ["x@A", "x@A"], "buyer": ["b@USA", "b@CHN"], "slot": "in"})
    apart = mixes.taken_apart({"sites": sites, "inputs": general, "flows": flows}, mix)
    rows = apart["inputs"].set_index(["site", "slot"])[["quantity", "low", "high"]]
    assert rows.loc[[("b@USA", "in of y")]].iloc[0].to_list() == pytest.approx([0.2, 0.1, 0.4])
    assert rows.loc[("b@CHN", "in"), "quantity"].to_list() == [2.0, 2.0]
    assert apart["flows"]["slot"].to_list() == ["in of x", "in"]
    assert mixes.put_together(apart["flows"]).to_dict() == flows.to_dict()


def test_a_world_that_makes_less_than_it_uses_is_refused():
    short = [{"product": "bean", "basis": "quantity", "value": 900.0}]
    with pytest.raises(ValueError, match="bean: world output 900 is less than"):
        compile_tables(small(recipes=UPKEEP, outputs=short))


def test_all_problems_are_told_at_once():
    places = [
        {"product": "bean", "country": "USA", "basis": "share", "value": 40.0, "va_share": 0.5},
        {"product": "bean", "country": "USA", "basis": "share", "value": 50.0, "va_share": 0.5},
        {"product": "tin", "country": "USA", "basis": "share", "value": 100.0, "low": 120.0},
    ]
    found = " | ".join(check.check_inputs(small(places=places)))
    for part in (
        "places: product tin is not in products",
        "bean@USA: twice",
        "shares add up to 90 %",
        "value 100 is outside",
        "nobody makes pork",
        "has no va_share",
        "oil (tier 2) feeds press",
    ):
        assert part in found, part


def test_a_row_of_one_place_takes_blank_cells_from_the_general_row():
    own = {"product": "pork", "country": "CHN", "input": "meal", "stock_weeks": 9.0}
    given = small(recipes=[*UPKEEP, own])
    row = recipes.recipes_completed(given).query("country == 'CHN'").iloc[0]
    assert row["quantity"] == 2.0
    assert (row["stock_weeks"], row["stock_weeks_low"]) == (9.0, 9.0)
    table = recipes.inputs_table(given, solved(given).sites)
    assert list(table.query("site == 'pork@CHN'")["stock_weeks"]) == [9.0]


def test_inputs_worth_more_than_the_output_are_found():
    cheap = small(recipes=UPKEEP)
    cheap["products"].loc[cheap["products"]["product"] == "pork", "price_usd"] = 500.0
    chain = cp.SupplyChain.from_tables(compile_tables(cheap))
    assert list(check.over_value(chain).index) == ["pork@CHN"]
    assert (
        check.check_value(cp.SupplyChain.from_tables(compile_tables(small(recipes=UPKEEP)))) == []
    )


def test_residual_areas_have_the_gdp_that_the_named_ones_leave():
    table = areas.countries_table({"DEU", "FRA", "USA"}).set_index("area")
    totals = inputs.read_table(areas.INPUTS / "totals.csv").set_index("area")["gdp_usd_m"]
    named = table.loc[["DEU", "FRA"], "gdp_usd_m"].sum()
    assert table.loc["X_EU", "gdp_usd_m"] == pytest.approx(totals["EU27"] - named)
    assert table["gdp_usd_m"].sum() == pytest.approx(totals["WLD"])


def test_needs_of_a_removed_product_are_handed_on():
    sites = pd.DataFrame({"product": ["old", "new"], "output_qty": [100.0, 50.0]})
    old = pd.DataFrame(
        {
            "product": ["old"],
            "site": "",
            "slot": "drive",
            "input": "drive",
            "quantity": [0.2],
            "low": [0.1],
            "high": [0.4],
        }
    )
    rule = {"product": "old", "slot": "drive", "by": "new", "share": 1.0, "combine": "nested"}
    for column in ("use_share", "criticality"):
        rule |= {column: 0.5, f"{column}_low": 0.4, f"{column}_high": 0.6}
    given = Inputs("joined", {"replaced": pd.DataFrame([{**rule, **SOURCED}])})
    row = sectors.replaced(given, {"sites": sites, "inputs": old}).iloc[0]
    assert row["quantity"] * 50.0 == pytest.approx(0.2 * 100.0)
    assert (row["product"], row["use_share"]) == ("new", 0.5)


def test_value_added_of_parts_is_taken_out_of_their_sector():
    sites = pd.DataFrame(
        {
            "product": ["car", "motor", "motor"],
            "country": ["DEU", "DEU", "CHN"],
            "output_usd_m": [100.0, 20.0, 50.0],
            "value_added_share": [0.3, 0.5, 0.5],
            "derivation": "",
        }
    )
    sites["value_added_share_low"] = sites["value_added_share_high"] = sites["value_added_share"]
    given = Inputs(
        "joined",
        {"deductions": pd.DataFrame({"family": "cars", "sectors": "car", "part": ["motor"]})},
    )
    out = sectors.deducted(given, sites)
    added = out["output_usd_m"] * out["value_added_share"]
    assert np.allclose(added, [20.0, 10.0, 25.0])
