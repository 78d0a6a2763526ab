"""The flow estimate: closed forms, slow versions, constraints, and what it says when it cannot."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import is_nearest_to_seed, slow_fit
from strategies import chains, full_tables, layered_tables

from chokepoint.chain import (
    BLOC_PREFERENCE,
    HOME_PREFERENCE,
    SupplyChain,
    _fit,
    _fit_failure,
    estimate_flows,
)
from chokepoint.errors import ConvergenceError, InfeasibleError, TableError

BOTH = {"DEU": 50.0, "FRA": 50.0}
SUPPLY = {"AUS": 60.0, "CHN": 40.0}
NEED = {"JPN": 30.0, "USA": 70.0}


def two_sided(supply, need, **more):
    """One product made in the countries of `supply` and wanted in those of `need`."""
    areas = dict.fromkeys([*supply, *need])
    return {
        "countries": pd.DataFrame({"area": list(areas), "blocs": more.pop("blocs", "")}),
        "products": pd.DataFrame({"product": ["ore"]}),
        "sites": pd.DataFrame(
            {"product": "ore", "country": list(supply), "output_qty": list(supply.values())}
        ),
        "markets": pd.DataFrame(
            {"product": "ore", "country": list(need), "quantity": list(need.values())}
        ),
        **more,
    }


def matrix(chain):
    """Flows as a matrix supplier country x buyer country."""
    flows = chain.flows
    supplier = flows["supplier"].str.split("@").str[1]
    buyer = flows["buyer"].str.split("@").str[1]
    return flows.assign(s=supplier, b=buyer).pivot_table("quantity", "s", "b", fill_value=0.0)


def test_without_preferences_flows_are_products_of_the_totals():
    chain = SupplyChain.from_tables(two_sided(SUPPLY, NEED))
    assert matrix(chain).to_numpy() == pytest.approx(np.array([[18.0, 42.0], [12.0, 28.0]]))


@pytest.mark.parametrize(
    ("blocs", "strength"),
    [("", HOME_PREFERENCE), ("EU27", HOME_PREFERENCE / BLOC_PREFERENCE)],
)
def test_home_and_bloc_preference_in_closed_form(blocs, strength):
    # With equal totals x = 50 and symmetric seeds, home : away = strength.
    found = matrix(SupplyChain.from_tables(two_sided(BOTH, BOTH, blocs=blocs))).to_numpy()
    home = 50 * strength / (1 + strength)
    assert found == pytest.approx(np.array([[home, 50 - home], [50 - home, home]]))


@given(st.integers(0, 1000), st.integers(1, 4), st.integers(1, 4))
@settings(max_examples=15)
def test_agrees_with_the_slow_fit(seed, rows, columns):
    rng = np.random.default_rng(seed)
    areas = ["AUS", "CHN", "DEU", "JPN"]
    supply = dict(zip(areas[:rows], rng.uniform(1, 10, rows), strict=True))
    need = rng.uniform(1, 10, columns)
    need = dict(zip(areas[:columns], need / need.sum() * sum(supply.values()), strict=True))
    chain = SupplyChain.from_tables(two_sided(supply, need))
    home = np.array([[HOME_PREFERENCE if s == b else 1.0 for b in need] for s in supply])
    seeds = home * np.outer(list(supply.values()), list(need.values()))
    slow = slow_fit(list(supply.values()), list(need.values()), seeds, sweeps=300)
    assert matrix(chain).to_numpy() == pytest.approx(slow, rel=1e-8)


@settings(max_examples=25)
@given(chains())
def test_every_identity_holds_to_1e_9(chain):
    assert chain.fit.residual <= 1e-11
    assert chain.balance()["relative"].abs().max() <= 1e-9
    assert (chain.flows["quantity"] > 0).all()
    assert (chain.flows["known"] == "estimated").all()


@pytest.mark.parametrize("seed", range(6))
def test_with_several_inputs_to_a_slot_the_flows_are_nearest_to_the_seed(seed):
    tables = layered_tables(seed, stages=2, products=2, sites=3, slots=1)
    chain = SupplyChain.from_tables(tables)
    edges = chain.edges[chain.edges["product"].str.startswith("p0")]
    output, need = chain.nodes["output_qty"], chain.slots["need"]
    country = chain.nodes["country"]
    home = np.where(
        country[edges["supplier"]].to_numpy() == country[edges["buyer"]].to_numpy(),
        HOME_PREFERENCE,
        1.0,
    )
    keys = pd.MultiIndex.from_frame(edges[["buyer", "slot"]])
    prior = home * output[edges["supplier"]].to_numpy() * need[keys].to_numpy() * edges["recipe"]
    totals = [(edges["supplier"] == s).to_numpy() for s in edges["supplier"].unique()]
    totals += [
        np.where((edges["buyer"] == b) & (edges["slot"] == s), 1 / edges["recipe"], 0.0)
        for b, s in keys.unique()
    ]
    assert is_nearest_to_seed(edges["quantity"], prior, totals)


class TestKnownFlows:
    """Reported flows are held and the rest is fitted around them."""

    def flows(self, quantity):
        row = {"supplier": "ore@DEU", "buyer": "market:ore@DEU", "known": "reported"}
        return pd.DataFrame([{**row, "quantity": quantity, "growth_max": 0.5, "lead_weeks": 3}])

    def test_a_known_flow_is_held_with_all_its_columns(self):
        chain = SupplyChain.from_tables(two_sided(BOTH, BOTH, flows=self.flows(10.0)))
        found = matrix(chain).to_numpy()
        assert found == pytest.approx(np.array([[10.0, 40.0], [40.0, 10.0]]))
        held = chain.flows[chain.flows["known"] == "reported"].iloc[0]
        assert held[["quantity", "growth_max", "lead_weeks"]].tolist() == [10.0, 0.5, 3.0]

    def test_a_known_flow_of_zero_stays_zero(self):
        chain = SupplyChain.from_tables(two_sided(BOTH, BOTH, flows=self.flows(0.0)))
        assert matrix(chain).to_numpy() == pytest.approx(np.array([[0.0, 50.0], [50.0, 0.0]]))

    def test_known_flows_beyond_a_total_are_told(self):
        with pytest.raises(InfeasibleError, match="ore@DEU ore: total 50, reported flows 60"):
            SupplyChain.from_tables(two_sided(BOTH, BOTH, flows=self.flows(60.0)))

    def test_flows_that_are_not_marked_reported_are_not_completed(self):
        flows = self.flows(10.0).assign(known="estimated")
        with pytest.raises(TableError, match="nothing supplies it"):
            SupplyChain.from_tables(two_sided(BOTH, BOTH, flows=flows))


class TestTrade:
    """Reported totals between areas as constraints."""

    def chain(self, *rows, **more):
        columns = ["products", "exporter", "importer", "quantity", "low", "high", "role"]
        trade = pd.DataFrame(rows, columns=columns)
        return SupplyChain.from_tables(two_sided(SUPPLY, NEED, trade=trade, **more))

    def test_a_feasible_total_is_met(self):
        chain = self.chain(("ore", "CHN", "USA", 35.0, 30.0, 40.0, "fit"))
        assert matrix(chain).loc["CHN", "USA"] == pytest.approx(35.0, rel=1e-9)
        (row,) = chain.fit.trade.to_dict("records")
        assert row["reason"] == ""
        assert row["deviation"] == pytest.approx(0.0, abs=1e-6)

    def test_totals_with_role_check_are_only_compared(self):
        chain = self.chain(("ore", "CHN", "USA", 35.0, 30.0, 40.0, "check"))
        assert matrix(chain).loc["CHN", "USA"] == pytest.approx(28.0)
        (row,) = chain.fit.trade.to_dict("records")
        assert row["deviation"] == pytest.approx(-7.0)
        assert row["reason"] == "compared only"

    def test_deviations_inside_the_range_come_first(self):
        # Together 45 > 40: the total with room inside its range gives way.
        chain = self.chain(
            ("ore", "CHN", "USA", 25.0, 25.0, 25.0, "fit"),
            ("ore", "CHN", "JPN", 20.0, 10.0, 20.0, "fit"),
        )
        trade = chain.fit.trade
        assert trade["fitted"].tolist() == pytest.approx([25.0, 15.0], rel=1e-6)
        assert trade["reason"][0] == ""
        assert trade["reason"][1].startswith("inside the range")

    def test_what_the_ranges_do_not_allow_is_reported_beyond_them(self):
        chain = self.chain(
            ("ore", "CHN", "USA", 25.0, 24.0, 26.0, "fit"),
            ("ore", "CHN", "JPN", 20.0, 19.0, 21.0, "fit"),
        )
        fitted = chain.fit.trade["fitted"]
        assert fitted.sum() == pytest.approx(40.0)
        assert chain.fit.trade["reason"].str.startswith("outside the range").sum() == 1
        assert chain.balance()["relative"].abs().max() <= 1e-9

    def test_better_graded_totals_give_way_less(self):
        frame = pd.DataFrame(
            [("ore", "CHN", "USA", 25.0, "fit", "A"), ("ore", "CHN", "JPN", 20.0, "fit", "D")],
            columns=["products", "exporter", "importer", "quantity", "role", "confidence"],
        )
        chain = SupplyChain.from_tables(two_sided(SUPPLY, NEED, trade=frame))
        assert chain.fit.trade["fitted"].tolist() == pytest.approx([25.0, 15.0], rel=1e-6)

    def test_a_total_of_nothing_forbids(self):
        chain = self.chain(("ore", "CHN", "JPN", 0.0, 0.0, 0.0, "fit"))
        assert "market:ore@JPN" not in chain.flows.set_index("supplier").loc["ore@CHN", "buyer"]
        assert matrix(chain).loc["CHN"].tolist() == pytest.approx([0.0, 40.0])

    def test_world_as_importer_means_all_others(self):
        chain = self.chain(("ore", "CHN", "WLD", 40.0, None, None, "check"))
        assert chain.fit.trade["fitted"].tolist() == pytest.approx([40.0])
        home = {"AUS": 60.0, "CHN": 40.0}
        trade = pd.DataFrame(
            [("ore", "CHN", "WLD", 5.0, "fit"), ("ore", "WLD", "CHN", 5.0, "check")],
            columns=["products", "exporter", "importer", "quantity", "role"],
        )
        found = SupplyChain.from_tables(two_sided(home, home, trade=trade))
        assert matrix(found).loc["CHN", "CHN"] == pytest.approx(35.0)
        assert found.fit.trade["fitted"].tolist() == pytest.approx([5.0, 5.0])

    def test_a_total_without_any_pair_is_told(self):
        chain = self.chain(("ore", "JPN", "USA", 5.0, None, None, "fit"))
        assert chain.fit.trade["reason"].tolist() == ["no pair of supplier and buyer in the chain"]

    def test_known_flows_count_towards_a_total(self):
        flows = pd.DataFrame(
            [("ore@CHN", "market:ore@USA", 10.0, "reported")],
            columns=["supplier", "buyer", "quantity", "known"],
        )
        chain = self.chain(("ore", "CHN", "USA", 5.0, 5.0, 5.0, "fit"), flows=flows)
        assert chain.fit.trade["reason"].tolist() == ["reported flows exceed the total"]
        assert matrix(chain).loc["CHN", "USA"] == pytest.approx(10.0)

    def test_rows_keep_the_users_numbers(self, full):
        assert full.fit.trade.index.tolist() == [0, 1]
        assert full.fit.trade["fitted"][0] == pytest.approx(240.0, rel=1e-6)


class TestPreferences:
    """Rows that replace the home and bloc preference."""

    def found(self, *rows):
        columns = ["supplier_country", "buyer_country", "product", "factor"]
        preferences = pd.DataFrame(rows, columns=columns)
        return SupplyChain.from_tables(two_sided(BOTH, BOTH, preferences=preferences))

    def test_a_row_replaces_the_default(self):
        found = matrix(self.found(("WLD", "WLD", "", 1.0))).to_numpy()
        assert found == pytest.approx(np.full((2, 2), 25.0))

    def test_zero_forbids(self):
        found = matrix(self.found(("DEU", "DEU", "", 0.0))).to_numpy()
        assert found == pytest.approx(np.array([[0.0, 50.0], [50.0, 0.0]]))

    def test_a_row_for_a_product_wins_over_one_for_all(self):
        chain = self.found(("DEU", "DEU", "ore", 1.0), ("WLD", "WLD", "", 1.0))
        assert matrix(chain).to_numpy() == pytest.approx(np.full((2, 2), 25.0))
        assert len(chain.preferences) == 2

    def test_forbidding_too_much_is_told(self):
        with pytest.raises(InfeasibleError) as caught:
            self.found(("DEU", "WLD", "", 0.0))
        assert "output of ore@DEU: wants 50, can get 0" in str(caught.value)

    def test_preferences_may_be_given_as_a_keyword_and_travel_with_the_chain(self, tmp_path):
        chain = self.found(("DEU", "DEU", "", 3.0))
        chain.write(tmp_path / "chain")
        assert SupplyChain.read(tmp_path / "chain").preferences["factor"].tolist() == [3.0]


class TestInfeasible:
    """What is said when totals cannot balance."""

    def message(self, tables):
        with pytest.raises(InfeasibleError) as caught:
            SupplyChain.from_tables(tables)
        return str(caught.value)

    def test_supply_beyond_need_suggests_other_use(self):
        text = self.message(two_sided({"AUS": 60.0}, {"JPN": 50.0}))
        assert "ore: suppliers make 60, buyers need 50" in text
        assert "add a market of sector other_use with quantity 10" in text

    def test_need_beyond_supply_says_what_is_missing(self):
        text = self.message(two_sided({"AUS": 60.0}, {"JPN": 75.0}))
        assert "ore: suppliers make 60, buyers need 75; 15 are missing" in text

    def test_every_product_is_told(self):
        tables = full_tables()
        tables["markets"].loc[1, "quantity"] = "1500"
        tables["sites"].loc[6, "output_qty"] = "490"
        tables["sites"].loc[6, ["low", "high"]] = ""
        text = self.message(tables)
        assert "car: suppliers make 6000, buyers need 6100" in text
        assert "power: suppliers make 610, buyers need 620" in text

    def test_a_product_that_nobody_takes(self):
        tables = full_tables()
        tables["products"] = pd.concat(
            [tables["products"], pd.DataFrame({"product": ["tar"]})]
        ).fillna("")
        tables["sites"] = pd.concat(
            [
                tables["sites"],
                pd.DataFrame({"product": ["tar"], "country": ["CHN"], "output_qty": ["3"]}),
            ],
            ignore_index=True,
        ).fillna("")
        assert "tar: suppliers make 3, buyers need 0" in self.message(tables)

    def test_products_that_share_a_slot_are_told_slot_by_slot(self):
        tables = full_tables()
        tables["markets"].loc[3, "quantity"] = "75"
        assert "slot ndpr of magnet@CHN: wants 500" in self.message(tables)

    def test_a_site_is_not_its_own_supplier(self):
        tables = two_sided({"AUS": 10.0}, {"JPN": 5.0})
        tables["inputs"] = pd.DataFrame({"product": ["ore"], "input": "ore", "quantity": 0.5})
        text = self.message(tables)
        assert "slot ore of ore@AUS: wants 10, can get 0" in text

    def test_totals_that_agree_and_still_do_not_converge(self, monkeypatch):
        monkeypatch.setattr(_fit_failure, "hard_violations", lambda *_: None)
        tables = two_sided({"AUS": 10.0}, {"JPN": 10.0})
        tables["preferences"] = pd.DataFrame(
            {"supplier_country": ["AUS"], "buyer_country": "JPN", "factor": 0.0}
        )
        with pytest.raises(ConvergenceError, match="worst totals:\n  output of ore@AUS"):
            SupplyChain.from_tables(tables)


def test_trade_totals_that_are_not_reached_are_told(monkeypatch, tables):
    monkeypatch.setattr(_fit, "_TRADE_TOLERANCE", -1.0)
    with pytest.raises(ConvergenceError, match="magnets CHN -> USA"):
        SupplyChain.from_tables(tables)


def test_dormant_alternatives_get_no_baseline_flow(full):
    flows = full.flows
    pair = (flows["supplier"] == "magnet@JPN") & (flows["buyer"] == "car@USA")
    assert not pair.any()


def test_sites_without_output_take_no_part():
    tables = two_sided({"AUS": 60.0, "CHN": 0.0}, {"JPN": 60.0, "USA": 0.0})
    chain = SupplyChain.from_tables(tables)
    assert chain.flows[["supplier", "quantity"]].to_numpy().tolist() == [["ore@AUS", 60.0]]


def test_totals_of_very_different_sizes():
    tables = two_sided({"AUS": 6e12, "CHN": 1e-3}, {"JPN": 6e12 - 1e-3, "USA": 2e-3})
    chain = SupplyChain.from_tables(tables)
    assert chain.balance()["relative"].abs().max() <= 1e-9


def test_scaling_all_quantities_scales_the_flows(full):
    tables = full_tables()
    for table, columns in (
        ("sites", ["output_qty", "low", "high"]),
        ("markets", ["quantity", "low", "high"]),
        ("trade", ["quantity", "low", "high"]),
    ):
        for column in columns:
            numbers = pd.to_numeric(tables[table][column]) * 1000
            tables[table][column] = numbers.astype(object).where(numbers.notna(), "")
    big = SupplyChain.from_tables(tables)
    assert np.allclose(big.flows["quantity"], 1000 * full.flows["quantity"], rtol=1e-6)


def test_estimate_says_what_it_did(full):
    assert repr(full.fit).startswith("<FlowEstimate: 36 flows, residual ")
    assert "0 of 1 trade totals not met" in repr(full.fit)
    again = estimate_flows(full.tables)
    assert again.flows.drop(columns="value_usd_m").equals(full.flows.drop(columns="value_usd_m"))
