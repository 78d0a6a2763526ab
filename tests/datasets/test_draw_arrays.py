"""Draws as labelled arrays: names, shapes, and the distributions that the documentation states."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import chains, full_chain

from chokepoint.chain import GRADE_SPREAD, SupplyChain
from chokepoint.datasets import Draws, draw
from chokepoint.datasets._draw_columns import NAMES
from chokepoint.errors import UnknownLabelError

GRADES = "ABCD"
SIZE = 1500


@pytest.fixture(scope="module")
def draws():
    return draw(full_chain(), 6, rng=5)


def graded(**price) -> SupplyChain:
    """Ore of four grades: sites without a range, a market each, prices graded like the ore."""
    products = [f"ore_{grade}" for grade in GRADES]
    frame = pd.DataFrame({"product": products, "confidence": list(GRADES)})
    return SupplyChain.from_tables(
        products=frame.assign(price_usd=50.0, **price),
        sites=frame.assign(country="AUS", output_qty=10.0, value_added_share=0.3),
        markets=frame.assign(country="USA", quantity=10.0, stock_weeks=3.0, backlog_share=0.2),
    )


@pytest.fixture(scope="module")
def free():
    return draw(graded(), SIZE, rng=2)


class TestLabels:
    def test_every_array_has_a_row_per_draw_and_a_column_per_row_of_its_table(self, full, draws):
        assert len(draws) == 6
        for name, (table, _) in NAMES.items():
            assert draws.columns[name].shape == (6, len(full.tables[table]))
        assert draws.behaviour.shape == (6, 3)
        assert set(draws.names) == {*NAMES, "behaviour"}

    def test_frames_have_the_labels_of_the_table(self, full, draws):
        stock = draws.frame("stock_weeks")
        assert stock.index.name == "draw"
        assert stock.columns.names == ["product", "site", "slot", "input"]
        assert stock["car", "", "magnet", "magnet"].between(2, 8).all()
        assert draws.frame("outputs").columns.tolist() == full.sites["site"].tolist()
        assert draws.frame("flows").columns.names == ["supplier", "buyer", "slot"]
        assert draws.frame("behaviour").columns.tolist() == ["trigger", "memory", "speed"]

    def test_arrays_are_those_of_the_chains(self, draws):
        for position, chain in enumerate(draws):
            for name, (table, column) in NAMES.items():
                np.testing.assert_array_equal(
                    draws.columns[name][position], chain.tables[table][column].to_numpy()
                )

    def test_views_are_those_of_the_chains(self, draws):
        found = draws.views(np.array([4, 1]))
        for row, position in enumerate((4, 1)):
            chain = draws[position]
            for view, columns in found.items():
                for name, values in columns.items():
                    np.testing.assert_array_equal(
                        values[row], getattr(chain, view)[name].to_numpy()
                    )

    def test_arrays_are_attributes_that_cannot_be_written_to(self, draws):
        assert draws.ramp_max is draws.columns["ramp_max"]
        assert {"outputs", "frame"} <= set(dir(draws))
        with pytest.raises(ValueError, match="read-only"):
            draws.outputs[0, 0] = 1.0
        with pytest.raises(AttributeError, match=r"draws\.names"):
            draws.output_qty  # noqa: B018
        with pytest.raises(TypeError):
            draws.columns["outputs"] = draws.outputs
        frame = draws.frame("outputs")
        frame.iloc[0, 0] = -1.0
        assert (draws.outputs > 0).all()

    def test_a_name_that_is_none(self, draws):
        with pytest.raises(UnknownLabelError, match='closest: "stock_weeks"'):
            draws.frame("stock_week")

    def test_a_slice_is_draws_that_keep_their_numbers(self, draws):
        some = draws[2:4]
        assert isinstance(some, Draws)
        assert some.numbers.tolist() == [2, 3]
        assert some[0] == draws[2]
        assert draws[-1] == draws[5]
        with pytest.raises(IndexError):
            draws[6]

    def test_draws_tell_what_they_are_and_can_be_pickled(self, draws):
        assert "6 of 'full'" in repr(draws)
        assert draws.nbytes == sum(values.nbytes for values in draws.columns.values())
        again = pickle.loads(pickle.dumps(draws))
        assert again[0] == draws[0]
        assert again.names == draws.names

    def test_projects_of_a_draw_alone(self, draws):
        one = draws.with_projects(3)
        assert one.projects["added_share"].tolist() == draws.added_share[3].tolist()
        assert one.sites.equals(draws.chain.sites)


class TestIdentities:
    @settings(max_examples=12)
    @given(chains(), st.integers(0, 1000))
    def test_they_hold_to_nine_digits_in_draws_of_any_chain(self, chain, seed):
        for one in draw(chain, 3, rng=seed):
            assert one.balance()["relative"].abs().max() <= 1e-9

    @settings(max_examples=12)
    @given(chains(max_sites=1), st.integers(0, 1000))
    def test_one_supplier_each(self, chain, seed):
        for one in draw(chain, 3, rng=seed):
            assert one.balance()["relative"].abs().max() <= 1e-9

    def test_shares_of_a_slot_add_up_to_one(self, draws):
        for one in draws:
            edges = one.edges.set_index(["buyer", "slot"])
            share = edges["quantity"] / edges["recipe"] / one.slots["need"].reindex(edges.index)
            total = share.groupby(level=["buyer", "slot"]).sum()
            assert total.to_numpy() == pytest.approx(np.ones(len(total)), rel=1e-9)

    def test_no_flow_vanishes(self, full):
        drawn = draw(full, 100, rng=8)
        base = full.flows["quantity"].to_numpy()
        assert (drawn.flows[:, base > 0] > 0).all()


class TestDistributions:
    """Moments of draws against their closed forms, four standard errors wide."""

    def mean_of(self, values, expected, deviation):
        error = 4.0 * deviation / np.sqrt(len(values))
        assert values.mean() == pytest.approx(expected, abs=error)

    @pytest.mark.parametrize("name", ["prices", "value_added_share", "market_stock_weeks"])
    @pytest.mark.parametrize("grade", list(GRADES))
    def test_without_a_range_the_grade_says_how_wide(self, free, name, grade):
        values = free.columns[name][:, GRADES.index(grade)]
        number = {"prices": 50.0, "value_added_share": 0.3, "market_stock_weeks": 3.0}[name]
        spread = GRADE_SPREAD[grade]
        sigma = np.sqrt(np.log1p(spread**2))
        self.mean_of(np.log(values), np.log(number), sigma)
        # The mean lies above the number, which is the median, and the deviation is relative to it.
        mean = number * np.exp(sigma**2 / 2)
        self.mean_of(values, mean, spread * mean)
        assert values.std() == pytest.approx(spread * mean, rel=0.12)

    def test_c_and_d_are_wider_than_a_and_b(self, free):
        for name in ("prices", "value_added_share", "ramp_weeks", "market_qualification_weeks"):
            width = np.log(free.columns[name]).std(axis=0)
            assert (np.diff(width) > 0).all()
            assert width[2:].min() > 2.5 * width[:2].max()

    def test_a_range_is_a_triangle_whatever_the_grade(self):
        low, number, high = 20.0, 50.0, 95.0
        ranged = graded(low=low, high=high)
        prices = draw(ranged, SIZE, rng=2).prices
        variance = (low**2 + number**2 + high**2 - low * number - low * high - number * high) / 18
        for values in prices.T:
            self.mean_of(values, (low + number + high) / 3, np.sqrt(variance))
            assert values.var() == pytest.approx(variance, rel=0.12)
            assert low <= values.min() <= values.max() <= high
            # The distribution function at the number.
            at_number = (number - low) / (high - low)
            self.mean_of(values <= number, at_number, np.sqrt(at_number * (1 - at_number)))

    def test_factors_on_behaviour_are_graded_d(self, free):
        sigma = np.sqrt(np.log1p(GRADE_SPREAD["D"] ** 2))
        logs = np.log(free.behaviour)
        for values in logs.T:
            self.mean_of(values, 0.0, sigma)
            assert values.std() == pytest.approx(sigma, rel=0.08)
        assert np.abs(np.corrcoef(logs.T)[np.triu_indices(3, 1)]).max() < 4 / np.sqrt(SIZE)

    def test_columns_are_independent(self, free):
        one, other = free.prices[:, 3], free.value_added_share[:, 3]
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(SIZE)

    def test_a_total_that_has_one_site_stays(self, free):
        assert free.outputs == pytest.approx(np.full(free.outputs.shape, 10.0))
        assert free.markets == pytest.approx(np.full(free.markets.shape, 10.0))

    def test_waiting_demand_stays_a_share(self):
        drawn = draw(graded(), 300, rng=4)
        assert ((drawn.backlog_share > 0) & (drawn.backlog_share <= 1)).all()
        assert (drawn.backlog_share.std(axis=0) > 0).all()

    def test_behaviour_is_an_option_that_changes_nothing_else(self, full, draws):
        without = draw(full, 6, rng=5, behaviour=False)
        assert "behaviour" not in without.names
        for name in without.names:
            np.testing.assert_array_equal(without.columns[name], draws.columns[name])
