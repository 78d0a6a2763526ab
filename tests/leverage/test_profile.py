"""Leverage in time: within a ban, across starts, and the value of a truce."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest

import chokepoint as cp
from chokepoint.errors import OptionError
from chokepoint.leverage import Ramp, chain_at, profile, ramp_cost, time_favours, times_of, truce

STARTS = ["2026-01-01", "2028-01-01", "2030-01-01"]
RAMP = Ramp(name="magnets", products="magnet", country="JPN", of_need=2.0, lag_years=0.0,
            time_years=2.0, cost_usd_m=50.0)  # fmt: skip


@pytest.fixture(scope="module")
def made(magnets):
    return profile(magnets, "CHN", "USA", starts=STARTS, weeks=[26, 52], ramps=[RAMP])


def test_peak_and_half_life() -> None:
    assert times_of([0, 1, 3, 3, 2, 1.5, 0]).peak == 2
    assert times_of([0, 1, 3, 3, 2, 1.5, 0]).half_life == 3.0
    assert times_of([0, 1, 2, 3]).half_life == math.inf
    assert times_of([0.0, 0.0]).half_life == math.inf


def test_each_start_is_a_run_on_its_chain(magnets, made) -> None:
    ban = cp.Scenario("ban", [cp.ExportBan(by="CHN", against="USA")])
    for date in STARTS:
        chain = chain_at(magnets, date, ramps=[RAMP], since=STARTS[0])
        loss = cp.simulate(chain, ban, weeks=26).loss()
        stamp = pd.Timestamp(date)
        assert made.matrix.loc[stamp, 26] == pytest.approx(loss["USA"].iloc[0], rel=1e-9)
        assert made.self_harm.loc[stamp, 26] == pytest.approx(loss["CHN"].iloc[0], rel=1e-9)
    assert made.share.loc[STARTS[0], 52] == pytest.approx(made.matrix.loc[STARTS[0], 52] / 29_200)


def test_builds_wear_leverage_down(made) -> None:
    assert made.matrix[52].is_monotonic_decreasing
    assert made.slope(52) < 0.0
    assert made.times["onset"].iloc[0] >= 4.0
    half = made.structural_half_life(52)
    values = made.matrix[52]
    assert (half < math.inf) == bool((values <= values.iloc[0] / 2).any())


def test_structural_half_life_is_interpolated(made) -> None:
    matrix = made.matrix.copy()
    matrix[52] = [8.0, 6.0, 2.0]
    known = replace(made, matrix=matrix)
    # Halfway between 2028 and 2030.
    assert known.structural_half_life(52) == pytest.approx(3.0, abs=0.01)
    matrix[52] = [8.0, 6.0, 5.0]
    assert replace(made, matrix=matrix).structural_half_life(52) == math.inf


def test_whom_time_favours(magnets, made) -> None:
    back = profile(magnets, "USA", "CHN", starts=STARTS, weeks=[26, 52], levers="imports")
    table = time_favours(made, back, weeks=52)
    assert (table["gap"] == table["first"] - table["second"]).all()
    # The ramp is complete by the last start, so that nothing moves any more from there.
    assert (table["drift"].iloc[1:] <= 0).all()
    assert table["drift"].iloc[1] < 0
    turned = time_favours(back, made, weeks=52)
    pd.testing.assert_series_equal(turned["drift"], -table["drift"])
    with pytest.raises(OptionError, match="same starts"):
        time_favours(made, profile(magnets, "USA", "CHN", starts=STARTS[:2], weeks=[52]), weeks=52)


def test_starts_must_rise(magnets) -> None:
    with pytest.raises(OptionError, match="starts must be dates that rise"):
        profile(magnets, "CHN", "USA", starts=STARTS[::-1], weeks=[26])


# ----------------------------------------------------------------------------------- truce


@pytest.fixture(scope="module")
def pause(magnets):
    return truce(
        magnets, "CHN", "USA", weeks=52, today=STARTS[0], fight="exports", levers=["exports"],
        with_truce=((), [RAMP]), chi=0.25,
    )  # fmt: skip


def test_terms_add_up(magnets, pause) -> None:
    table = pause.table
    terms = table[["avoided", "kept", "conceded", "build"]].sum(axis=1)
    pd.testing.assert_series_equal(terms, table["value"], check_names=False)
    both = [cp.ExportBan(by="CHN", against="USA"), cp.ExportBan(by="USA", against="CHN")]
    fought = cp.Scenario("both", [one for one in both if one.matches(magnets)])
    loss = cp.simulate(magnets, fought, weeks=52).loss()
    assert table["avoided"].tolist() == pytest.approx(loss[["CHN", "USA"]].iloc[0].tolist())
    assert table.loc["USA", "build"] == pytest.approx(-ramp_cost([RAMP], 1.0))
    assert table.loc["CHN", "build"] == 0.0


def test_what_one_side_concedes_the_other_keeps(pause) -> None:
    table = pause.table
    assert table.loc["CHN", "kept"] == pytest.approx(-table.loc["USA", "conceded"])
    assert table.loc["USA", "kept"] == pytest.approx(-table.loc["CHN", "conceded"])
    gain = pause.nets["truce"] - pause.nets["no_truce"]
    assert table["kept"].to_dict() == pytest.approx((0.25 * gain).to_dict())
    # The USA builds in the truce only, so China's leverage is worth less after it.
    assert gain["CHN"] < 0.0


def test_the_same_builds_in_both_branches_leave_only_the_damage(magnets) -> None:
    same = ((), [RAMP])
    made = truce(magnets, "CHN", "USA", weeks=26, today=STARTS[0], fight="exports",
                 levers=["exports"], with_truce=same, without=same)  # fmt: skip
    pd.testing.assert_series_equal(made.table["value"], made.table["avoided"], check_names=False)


def test_wrong_arguments(magnets) -> None:
    with pytest.raises(OptionError, match="without common areas"):
        truce(magnets, "CHN", ["CHN"], today=STARTS[0])
    with pytest.raises(OptionError, match="chi"):
        truce(magnets, "CHN", "USA", today=STARTS[0], chi=2.0)
