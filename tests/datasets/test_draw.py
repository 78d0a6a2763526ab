"""Draws: valid chains of the same structure, inside their ranges, reproducible."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import chains, full_chain, full_tables

from chokepoint import schema
from chokepoint.chain import GRADE_SPREAD, SupplyChain
from chokepoint.datasets import draw
from chokepoint.datasets._draw_columns import NAMES
from chokepoint.datasets._spread import Spread, column_spread
from chokepoint.errors import OptionError

DRAWN = {
    "sites": ["output_qty", "value_added_share", "ramp_max", "ramp_weeks", "surplus_weeks"],
    "inputs": [
        "use_share", "criticality", "stock_weeks", "throttle_weeks", "qualification_weeks",
        "reorder_weeks", "repair_weeks",
    ],
    "markets": ["quantity", "qualification_weeks", "reorder_weeks"],
    "flows": ["quantity", "growth_max"],
    "alternatives": ["max_share", "qualification_weeks"],
    "products": ["price_usd"],
    "projects": ["added_share"],
    "measures": ["unit_cost"],
}  # fmt: skip


@pytest.fixture(scope="module")
def many():
    return draw(full_chain(), 200, rng=5)


def column(many, table, name):
    """Values as an array (draw, row)."""
    (found,) = (many.columns[key] for key, where in NAMES.items() if where == (table, name))
    return found


def assert_valid(drawn):
    """A drawn chain passes the full validation, and its prepared views are the computed ones."""
    checked = SupplyChain.from_tables(drawn.tables)
    assert checked == drawn
    for view in ("nodes", "slots", "edges"):
        pd.testing.assert_frame_equal(getattr(checked, view), getattr(drawn, view), rtol=1e-12)


def test_draws_are_valid_chains(many):
    for drawn in many[:10]:
        assert_valid(drawn)


@settings(max_examples=10)
@given(chains(), st.integers(0, 1000))
def test_draws_of_any_chain_are_valid(chain, seed):
    for drawn in draw(chain, 2, rng=seed):
        assert_valid(drawn)


def test_labels_texts_and_other_numbers_stay(full, many):
    drawn = many[0].tables
    for name, frame in full.tables.items():
        changed = [*DRAWN.get(name, []), "output_usd_m", "value_usd_m"]
        kept = [c for c in frame.columns if c not in changed]
        pd.testing.assert_frame_equal(drawn[name][kept], frame[kept])
    assert many[0].name == full.name


@pytest.mark.parametrize(("table", "name"), [(t, c) for t, names in DRAWN.items() for c in names])
def test_ranges_are_kept_and_columns_vary(full, many, table, name):
    frame, drawn = full.tables[table], column(many, table, name)
    ranges = {value: (low, high) for value, low, high in schema.spec(table).ranges}
    if name in ranges:
        low, high = (frame[end].to_numpy() for end in ranges[name])
        slack = 1e-9 * np.abs(frame[name].to_numpy())
        with np.errstate(invalid="ignore"):
            assert not (drawn < low - slack).any()
            assert not (drawn > high + slack).any()
    assert drawn.std(axis=0).max() > 0


def test_totals_of_a_product_are_kept(full, many):
    for table, name in (("sites", "output_qty"), ("markets", "quantity")):
        frame = full.tables[table]
        if table == "markets":
            frame = frame[frame["sector"] != "other_use"]
        before = frame.groupby("product")[name].sum()
        for drawn in column(many, table, name)[:20]:
            after = pd.Series(drawn[frame.index]).groupby(frame["product"].to_numpy()).sum()
            # Yields and recipes differ between sites here, so that totals can move a little.
            assert after.to_numpy() == pytest.approx(before.to_numpy(), rel=0.12)


def test_totals_are_kept_to_the_digit_where_recipes_are_the_same(many):
    tables = full_tables()
    tables["inputs"] = tables["inputs"].drop(index=4)
    tables["joint"] = tables["joint"].drop(index=2)
    tables["sites"].loc[5, "output_qty"] = "4"
    tables["sites"].loc[7, "output_qty"] = "100"
    tables["markets"] = pd.concat(
        [
            tables["markets"],
            pd.DataFrame(
                {"product": ["dy"], "country": "CHN", "sector": "other_use", "quantity": "2"}
            ),
        ],
        ignore_index=True,
    ).fillna("")
    chain = SupplyChain.from_tables(tables)
    before = chain.sites.groupby("product")["output_qty"].sum()
    for drawn in draw(chain, 5, rng=1):
        after = drawn.sites.groupby("product")["output_qty"].sum()
        assert after.to_numpy() == pytest.approx(before.to_numpy(), rel=1e-3)


def test_children_follow_their_process(many):
    for drawn in many[:5]:
        output = drawn.sites.set_index("site")["output_qty"]
        assert output["ndpr@USA"] == pytest.approx(0.2 * output["feed@USA"], rel=1e-12)
        assert output["dy@USA"] == pytest.approx(0.005 * output["feed@USA"], rel=1e-12)


def test_throttle_stays_at_most_stock_plus_one(many):
    stock, throttle = (column(many, "inputs", c) for c in ("stock_weeks", "throttle_weeks"))
    assert (throttle <= stock + 1 + 1e-12).all()
    assert (throttle >= 1).all()


def test_inputs_of_one_slot_move_together(many):
    stock = column(many, "inputs", "stock_weeks")
    assert (stock[:, 0] == stock[:, 1]).all()
    assert stock[:, 0].std() > 0


def test_disjoint_shares_add_up_to_at_most_one(many):
    for drawn in many[:20]:
        slots = drawn.slots
        slots = slots[slots["combine"] == "disjoint"]
        part = (slots["use_share"] * slots["criticality"]).groupby("buyer").sum()
        assert (part <= 1 + 1e-9).all()


def test_disjoint_shares_that_would_exceed_one_shrink():
    tables = full_tables()
    extra = tables["inputs"].iloc[[3]].assign(input="dy", slot="coat", quantity=".0001")
    extra = extra.assign(criticality=".69", criticality_high=".9", criticality_low=".5")
    tables["inputs"] = pd.concat([tables["inputs"], extra], ignore_index=True).fillna("")
    tables["inputs"].loc[4, "criticality"] = ".3"
    tables["inputs"].loc[3, ["criticality_low", "criticality_high"]] = [".2", ".4"]
    tables["inputs"].loc[4, ["criticality_low", "criticality_high"]] = [".2", ".4"]
    tables["markets"] = pd.concat(
        [
            tables["markets"],
            pd.DataFrame(
                {"product": ["dy"], "country": "CHN", "sector": "other_use", "quantity": "1.94"}
            ),
        ],
        ignore_index=True,
    ).fillna("")
    tables["sites"].loc[5, "output_qty"] = "4"
    tables["joint"] = tables["joint"].drop(index=2)
    chain = SupplyChain.from_tables(tables)
    before = (chain.slots["use_share"] * chain.slots["criticality"])["magnet@CHN"]
    assert before[["power", "coat"]].sum() == pytest.approx(0.99)
    shrunk = 0
    for drawn in draw(chain, 20, rng=3):
        assert_valid(drawn)
        shrunk += drawn.slots["use_share"]["magnet@CHN", "power"] < 1.0
    assert shrunk > 0


def test_values_in_usd_follow_quantities_and_prices(full, many):
    for drawn in many[:5]:
        price = drawn.products.set_index("product")["price_usd"]
        sites = drawn.sites
        expected = sites["output_qty"] * sites["product"].map(price) / 1e6
        assert sites["output_usd_m"].to_numpy() == pytest.approx(expected.to_numpy())
        assert drawn.nodes["value_usd_m"].to_numpy()[: len(sites)] == pytest.approx(
            expected.to_numpy()
        )


def test_stated_values_scale(tables):
    tables["sites"]["output_usd_m"] = ""
    tables["sites"].loc[6, "output_usd_m"] = "77"
    tables["products"].loc[4, "price_usd"] = "0"
    chain = SupplyChain.from_tables(tables)
    (drawn,) = draw(chain, 1, rng=1)
    before, after = (c.sites.set_index("site").loc["power@CHN"] for c in (chain, drawn))
    assert after["output_usd_m"] == pytest.approx(77 * after["output_qty"] / before["output_qty"])


def test_the_same_seed_gives_the_same_draws_whatever_their_number(full):
    three, two = list(draw(full, 3, rng=9)), list(draw(full, 2, rng=9))
    assert three[:2] == two
    assert three[0] != three[1]
    assert list(draw(full, 1, rng=10)) != two[:1]
    assert list(draw(full, 2, rng=np.random.default_rng(9))) == two
    # Blocks of draws that are balanced together end somewhere else.
    some, more = draw(full, 33, rng=9), draw(full, 70, rng=9)
    assert list(some[:2]) == two
    for name in some.names:
        np.testing.assert_array_equal(some.columns[name], more.columns[name][:33])


def test_no_draws_and_too_few(full):
    assert list(draw(full, 0, rng=1)) == []
    for wrong in (-1, 2.5, True, "3"):
        with pytest.raises(OptionError, match="n >= 0"):
            draw(full, wrong, rng=1)


def test_the_baseline_is_untouched(full):
    before = hash(SupplyChain.from_tables(full.tables))
    list(draw(full, 2, rng=1))
    assert hash(SupplyChain.from_tables(full.tables)) == before


class TestSparseChains:
    """Chains in which suppliers and buyers are tied one to one."""

    def chain(self, **more):
        frames = {
            "products": pd.DataFrame({"product": ["ore", "metal"], "tier": [0, 1]}),
            "sites": pd.DataFrame(
                {
                    "product": ["ore", "ore", "metal", "metal"],
                    "country": ["CHN", "AUS", "CHN", "AUS"],
                    "output_qty": [20.0, 30.0, 10.0, 15.0],
                }
            ),
            "inputs": pd.DataFrame({"product": ["metal"], "input": ["ore"], "quantity": [2.0]}),
            "markets": pd.DataFrame(
                {"product": "metal", "country": ["CHN", "AUS"], "quantity": [10.0, 15.0]}
            ),
            "flows": pd.DataFrame(
                [
                    ("ore@CHN", "metal@CHN", 20.0),
                    ("ore@AUS", "metal@AUS", 30.0),
                    ("metal@CHN", "market:metal@CHN", 10.0),
                    ("metal@AUS", "market:metal@AUS", 15.0),
                ],
                columns=["supplier", "buyer", "quantity"],
            ),
        }  # fmt: skip
        return SupplyChain.from_tables(**{**frames, **more})

    def test_ties_are_kept_and_the_chain_still_varies(self):
        chain = self.chain()
        outputs = []
        for drawn in draw(chain, 20, rng=2):
            assert_valid(drawn)
            assert len(drawn.flows) == 4
            outputs.append(drawn.sites["output_qty"].to_numpy())
        outputs = np.array(outputs)
        assert outputs[:, 0] == pytest.approx(2 * outputs[:, 2], rel=1e-9)
        assert outputs.std(axis=0).min() > 1.0

    def test_a_range_downstream_bounds_what_is_tied_to_it(self):
        chain = self.chain()
        markets = chain.markets.assign(low=[9.5, 14.0], high=[10.5, 16.0])
        for drawn in draw(chain.replace(markets=markets), 20, rng=2):
            assert_valid(drawn)
            assert 19 - 1e-6 <= drawn.sites["output_qty"][0] <= 21 + 1e-6

    def test_a_number_without_room_stays(self):
        chain = self.chain()
        markets = chain.markets.assign(low=[10.0, 15.0], high=[10.0, 15.0])
        for drawn in draw(chain.replace(markets=markets), 5, rng=2):
            assert drawn.markets["quantity"].tolist() == [10.0, 15.0]
            assert drawn.sites["output_qty"].to_numpy() == pytest.approx([20, 30, 10, 15])

    def test_sites_at_the_end_of_their_range(self):
        chain = self.chain()
        sites = chain.sites.assign(low=[20.0, 20.0, 8.0, 10.0], high=[30.0, 30.0, 12.0, 15.0])
        for drawn in draw(chain.replace(sites=sites), 20, rng=4):
            assert_valid(drawn)

    def test_reported_flows_with_a_range_stay_inside(self):
        chain = self.chain()
        flows = chain.flows.assign(
            known="reported", low=[19.0, 28.0, None, None], high=[21.0, 33.0, None, None]
        )
        for drawn in draw(chain.replace(flows=flows), 10, rng=4):
            assert_valid(drawn)


class TestSpread:
    """The distributions themselves."""

    def test_triangular_has_the_number_as_mode_and_keeps_its_ends(self):
        size = 20_000
        spread = Spread(
            value=np.full(size, 4.0), low=np.full(size, 1.0), high=np.full(size, 10.0),
            sigma=np.zeros(size), floor=0.0, ceiling=np.inf,
        )  # fmt: skip
        drawn = spread.sample(np.random.default_rng(1))
        assert drawn.min() >= 1.0
        assert drawn.max() <= 10.0
        assert drawn.mean() == pytest.approx((1 + 4 + 10) / 3, rel=0.01)
        assert np.mean(drawn <= 4.0) == pytest.approx((4 - 1) / (10 - 1), abs=0.015)
        counts, edges = np.histogram(drawn, bins=9, range=(1, 10))
        assert 3.0 <= edges[np.argmax(counts)] <= 4.0

    @pytest.mark.parametrize("grade", "ABCD")
    def test_lognormal_has_the_spread_of_its_grade(self, grade):
        frame = pd.DataFrame({"product": ["x"] * 20_000, "price_usd": 5.0, "confidence": grade})
        frame = schema.coerce("products", frame)[0]
        drawn = column_spread("products", frame, "price_usd").sample(np.random.default_rng(1))
        assert np.median(drawn) == pytest.approx(5.0, rel=0.01)
        assert np.std(np.log(drawn)) == pytest.approx(
            np.sqrt(np.log1p(GRADE_SPREAD[grade] ** 2)), rel=0.03
        )

    def inputs(self, **cells):
        frame = pd.DataFrame({"product": ["a"] * 500, "input": "b", "quantity": 1.0, **cells})
        return schema.coerce("inputs", frame)[0]

    def test_shares_of_zero_and_one_stay_and_others_keep_their_bounds(self):
        for share in (0.0, 1.0):
            frame = self.inputs(use_share=share)
            drawn = column_spread("inputs", frame, "use_share").sample(np.random.default_rng(1))
            assert (drawn == share).all()
        frame = self.inputs(use_share=0.9)
        drawn = column_spread("inputs", frame, "use_share").sample(np.random.default_rng(1))
        assert drawn.max() == 1.0
        assert drawn.min() > 0.0

    def test_where_one_end_is_known_the_other_lies_two_deviations_away(self):
        frame = self.inputs(stock_weeks=10.0, stock_weeks_low=8.0, confidence="C")
        drawn = column_spread("inputs", frame, "stock_weeks").sample(np.random.default_rng(1))
        assert drawn.min() >= 8.0
        assert 12.0 < drawn.max() <= 13.0

    def test_the_excess_over_an_offset_is_what_varies(self):
        frame = pd.DataFrame({"product": ["a"] * 5000, "country": "CHN", "output_qty": 1.0})
        frame = schema.coerce("sites", frame.assign(ramp_max=1.1, confidence="B"))[0]
        drawn = column_spread("sites", frame, "ramp_max", offset=1.0)
        values = drawn.sample(np.random.default_rng(1))
        assert np.std(values) == pytest.approx(0.1 * 0.05, rel=0.05)
        assert values.min() > 1.0
