"""Figures with band, interval and assumptions; critical goods beside them."""

from __future__ import annotations

import numpy as np
import pytest
from leverage._levers import trade

import chokepoint as cp
from chokepoint.errors import OptionError, ShapeError, UnknownLabelError
from chokepoint.leverage import (
    Figure,
    assess,
    critical,
    critical_index,
    drivers_of_draws,
    one_at_a_time,
    stressed,
)
from chokepoint.propagate import Behaviour

BAN = cp.Scenario("ban", [cp.ExportBan(by="CHN", against="USA", products=["magnet"])])
BACK = cp.Scenario("back", [cp.ExportBan(by="CHN", against="JPN", products=["magnet"])])
USA = Figure(formula=lambda losses: losses.loss("ban", ["USA"], 40), bound=("ban", ["USA"], 40))
RATIO = Figure(
    formula=lambda losses: losses.loss("ban", ["USA"], 26) / losses.loss("ban", ["USA"], 40)
)
OWNERS = {"China": (("CHN",), ("magnet",))}


@pytest.fixture(scope="module")
def found(magnets):
    return assess(
        magnets, [BAN, BACK], {"USA": USA, "ratio": RATIO}, weeks=[26, 40], owners=OWNERS,
        draws=20, rng=1, period=4,
    )  # fmt: skip


def test_the_band_is_what_single_runs_give(magnets, found) -> None:
    one = found["USA"]
    assert one.reference == cp.simulate(magnets, BAN, weeks=40).loss()["USA"].iloc[0]
    tight = cp.simulate(
        stressed(magnets), BAN, weeks=40, behaviour=Behaviour(switching=False)
    ).loss()
    assert one.stressed == pytest.approx(tight["USA"].iloc[0], rel=1e-12)
    assert one.planner <= one.reference <= one.stressed
    planned = cp.recourse(magnets, BAN, targets=["USA"], weeks=40, period=4)
    assert one.planner == pytest.approx(planned.loss_total)


def test_the_interval_is_that_of_the_draws(magnets, found) -> None:
    drawn = cp.simulate(cp.datasets.draw(magnets, 20, rng=1), [BAN], weeks=40).loss()["USA"]
    np.testing.assert_allclose(found["USA"].drawn, drawn, rtol=1e-9)
    low, high = np.percentile(drawn, (5, 95))
    assert (found["USA"].low, found["USA"].high) == pytest.approx((low, high))


def test_any_formula_of_losses_is_a_figure(found) -> None:
    ratio = found["ratio"]
    assert 0.0 < ratio.low <= ratio.high < 1.0
    assert np.isnan(ratio.planner)


def test_assumptions_are_moved_one_at_a_time(magnets, found) -> None:
    table = found["USA"].assumptions
    assert table["swing"].is_monotonic_decreasing
    outcome, place, setting = one_at_a_time(magnets, [BAN, BACK], weeks=40)["stock cover", "low"]
    loss = outcome.loss().loc[(place, "ban"), "USA"]
    assert table.loc["stock cover", "low"] == pytest.approx(loss)
    assert table.loc["stock cover", "low_setting"] == setting
    assert "shares of China" in table.index


def test_less_may_be_asked_for(magnets) -> None:
    bare = assess(magnets, [BAN], {"USA": USA}, weeks=[40], alone=False)["USA"]
    assert np.isnan([bare.low, bare.high, bare.planner]).all()
    assert len(bare.assumptions) == len(bare.drawn) == 0


def test_wrong_questions(magnets) -> None:
    wrong = Figure(formula=lambda losses: losses.loss("bun", ["USA"], 40))
    with pytest.raises(UnknownLabelError, match="ban"):
        assess(magnets, [BAN], {"USA": wrong}, weeks=[40], alone=False)
    with pytest.raises(OptionError, match="scenarios and horizons"):
        assess(magnets, [], {}, weeks=[40])


def test_critical_goods_count_by_their_weight() -> None:
    chain = trade()
    stop = cp.Scenario("stop", [cp.Boycott(by="USA", against="CHN", products="car")])
    outcome = cp.simulate(chain, stop, weeks=26)
    table = critical(chain, outcome, "USA")
    assert table.index.tolist() == ["car"]
    assert table.loc["car", "weight"] == 1.0
    assert table.loc["car", "demand_usd_m"] == pytest.approx(130.0)
    unmet = outcome.unmet()["USA"].iloc[0]
    assert table.loc["car", "unmet_share"] == pytest.approx(unmet / 130.0)
    assert critical_index(table) == table.loc["car", "unmet_share"]
    assert len(critical(chain, outcome, "JPN")) == 0
    assert np.isnan(critical_index(critical(chain, outcome, "JPN")))


# ------------------------------------------------------------------------- drivers of draws


def test_the_number_that_a_figure_is_made_of_comes_first(magnets) -> None:
    draws = cp.datasets.draw(magnets, 120, rng=3)
    place = magnets.sites.index[magnets.sites["site"].eq("car@USA")][0]
    share, stock = draws.value_added_share[:, place], draws.stock_weeks[:, 0]
    both = drivers_of_draws(draws, {"share": share**3, "less stock": -stock, "noise": np.ones(120)})
    first = both["share"].iloc[0]
    assert (first["table"], first["row"], first["column"]) == (
        "sites",
        "car@USA",
        "value_added_share",
    )
    assert first["correlation"] == pytest.approx(1.0)
    assert both["less stock"]["correlation"].iloc[0] == pytest.approx(-1.0)
    assert len(both["noise"]) == 0


def test_what_may_be_chance_is_left_out(magnets) -> None:
    draws = cp.datasets.draw(magnets, 60, rng=4)
    noise = np.random.default_rng(0).normal(size=60)
    assert len(drivers_of_draws(draws, {"noise": noise})["noise"]) == 0
    with pytest.raises(ShapeError, match="one for each draw"):
        drivers_of_draws(draws, {"short": noise[:5]})


def test_drawn_figures_have_drivers(magnets) -> None:
    draws = cp.datasets.draw(magnets, 80, rng=5)
    one = assess(magnets, [BAN], {"USA": USA}, weeks=[40], draws=draws, alone=False)["USA"]
    table = drivers_of_draws(draws, {"USA": one.drawn})["USA"]
    assert len(table) > 0
    assert set(table["confidence"]) <= set("ABCD")
