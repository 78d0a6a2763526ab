"""Severities drawn from their ranges: what moves, between which ends, and what stays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from history._small import EPISODE, EVENT, observation, small_chain, write

import chokepoint as cp
from chokepoint.history import Assumptions
from chokepoint.history._severities import _triangular, drawn_episode, range_fits

RANGE = {"severity": "0.5", "low": "0.2", "high": "0.6", "ranged": "severity"}
LICENCE = {
    "kind": "Licence", "country": "", "by": "CHN", "severity": "", "end": "",
    "release": "2020-01-01=1;2020-01-08=0.1;2020-01-22=0.3;2020-01-29=0.8",
    "low": "0", "high": "0.4", "ranged": "2020-01-08;2020-01-22",
}  # fmt: skip
FROZEN = Assumptions(behaviour=cp.Behaviour(switching=False, ramp=False))
OUTPUT = [observation("out", "change", -0.2, series="output")]


def episode(folder, *events, **tables):
    rows = [EVENT | row for row in events]
    (one,) = cp.history.episodes(write(folder, events=rows, **tables)).values()
    return one


def severities(one, draws, *, seed=1):
    drawn = [drawn_episode(one, seed, draw).scenario().events for draw in range(draws)]
    return np.array([[event.severity for event in events] for events in drawn])


def scored(one, *, draws=0, rng=None):
    return cp.history.score(one, chains={"small": small_chain()}, assumptions=FROZEN,
                            draws=draws, rng=rng).observations  # fmt: skip


@pytest.mark.parametrize(
    ("uniform", "value"),
    # F(m) = (m - a) / (b - a) = 0.75; below it F(x) = (x - a)^2 / ((b - a)(m - a))
    [(0.0, 0.2), (0.75, 0.5), (1.0, 0.6), (0.1875, 0.35), (0.9375, 0.55)],
)
def test_triangular_between_the_ends_with_the_stated_number_as_mode(uniform, value):
    assert _triangular(0.2, 0.5, 0.6, uniform) == pytest.approx(value, abs=1e-12)


def test_draws_fill_the_range(tmp_path):
    found = severities(episode(tmp_path / "a", RANGE), 300)[:, 0]
    assert 0.2 <= found.min() < 0.28
    assert 0.57 < found.max() <= 0.6
    assert found.mean() == pytest.approx((0.2 + 0.5 + 0.6) / 3, abs=0.02)


def test_no_range_no_change(tmp_path):
    one = episode(tmp_path / "a", {"severity": "0.5"})
    assert drawn_episode(one, 1, 3) is one
    mixed = episode(tmp_path / "b", {"severity": "0.5"}, RANGE)
    assert set(severities(mixed, 5)[:, 0]) == {0.5}


def test_a_range_of_one_point_changes_nothing(tmp_path):
    point = {"severity": "0.3", "low": "0.3", "high": "0.3", "ranged": "severity"}
    plain, narrow = (
        episode(tmp_path / name, row, observations=OUTPUT)
        for name, row in [("a", {"severity": "0.3"}), ("b", point)]
    )
    first, second = (scored(one, draws=6, rng=1) for one in (plain, narrow))
    pd.testing.assert_frame_equal(first, second)


def test_a_range_widens_the_interval(tmp_path):
    sent = observation("sent", "change", -0.5, series="shipments", products="ore", areas="",
                       origins="CHN", end="2020-02-12")  # fmt: skip
    wide, plain = (
        scored(episode(tmp_path / name, row, observations=[sent]), draws=40, rng=1).iloc[0]
        for name, row in [("a", RANGE), ("b", {"severity": "0.5"})]
    )
    # The run without draws has the stated number; what is sent hangs on nothing else that is drawn.
    assert wide["model"] == plain["model"] == pytest.approx(-0.5)
    assert [plain["model_low"], plain["model_high"]] == pytest.approx([-0.5, -0.5])
    assert -0.6 <= wide["model_low"] < -0.55
    assert -0.35 < wide["model_high"] <= -0.2


def test_lanes_are_the_draws_one_by_one(tmp_path):
    """A lane of the batch is the drawn chain run with the scenario of the same draw."""
    one = episode(tmp_path / "a", RANGE, observations=OUTPUT)
    draws, seed = 18, int(np.random.default_rng(5).integers(2**31))
    chains = cp.datasets.draw(small_chain(), draws, rng=seed)
    alone = []
    for k in range(draws):
        outcome = cp.simulate(
            chains[k : k + 1],
            drawn_episode(one, seed, k).scenario(),
            weeks=one.weeks,
            behaviour=FROZEN.behaviour,
            progress=False,
        )
        activity = pd.DataFrame(outcome.activity[0], columns=outcome.nodes.index)
        alone.append(activity["car@USA"].mean() - 1.0)
    found = scored(one, draws=draws, rng=5).iloc[0]
    ends = np.quantile(alone, [0.05, 0.95], method="nearest")
    assert [found["model_low"], found["model_high"]] == pytest.approx(ends, abs=1e-12)


def test_the_same_seed_gives_the_same_score_whatever_else_is_run(tmp_path):
    rows = [EPISODE, EPISODE | {"episode": "later", "start": "2020-02-01"}]
    events = [EVENT | RANGE, EVENT | RANGE | {"episode": "later", "start": "2020-02-01", "end": ""}]
    asked = [OUTPUT[0], OUTPUT[0] | {"episode": "later"}]
    folder = write(tmp_path / "a", episodes=rows, events=events, observations=asked)
    both = cp.history.episodes(folder)
    first = scored(both.values(), draws=8, rng=2)
    again = scored(both.values(), draws=8, rng=2)
    pd.testing.assert_frame_equal(first, again)
    alone = scored(both["later"], draws=8, rng=2)
    pd.testing.assert_frame_equal(alone, first.iloc[1:].reset_index(drop=True))
    # Episodes do not share their numbers, and another seed gives others.
    later = severities(both["later"], 3)
    assert not np.isin(severities(both["stop"], 3), later).any()
    assert not np.isin(severities(both["later"], 3, seed=2), later).any()


def test_events_are_drawn_independently(tmp_path):
    found = severities(episode(tmp_path / "a", RANGE, RANGE), 300)
    assert abs(np.corrcoef(found.T)[0, 1]) < 0.15


def test_named_steps_of_a_release_move_together_and_the_others_stay(tmp_path):
    one = episode(tmp_path / "a", LICENCE)
    found = np.array([drawn_episode(one, 1, k).scenario().events[0].release for k in range(50)])
    stated = list(one.scenario().events[0].release)
    assert stated == [1.0, 0.1, 0.1, 0.3, 0.8]
    assert (found[:, [0, 4]] == [1.0, 0.8]).all()
    assert (found[:, 1] == found[:, 2]).all()
    moved = found[:, [1, 3]]
    assert (moved >= 0.0).all()
    assert (moved <= 0.4).all()
    # One quantile of two triangles: higher in one is higher in the other.
    assert (np.argsort(moved[:, 0]) == np.argsort(moved[:, 1])).all()


@pytest.mark.parametrize(
    ("row", "fits"),
    [
        (RANGE, True),
        (LICENCE, True),
        ({"severity": "0.5"}, True),
        (RANGE | {"ranged": "change"}, False),
        (RANGE | {"severity": "half"}, False),
        (LICENCE | {"high": "0.2"}, False),
    ],
)
def test_a_range_names_what_it_is_of(row, fits):
    cells = EVENT | row
    ends = {end: float(cells[end]) if cells[end] else np.nan for end in ("low", "high")}
    assert range_fits(pd.Series(cells | ends)) is fits


def test_every_shipped_range_moves_something():
    for one in cp.history.episodes().values():
        if one.events["low"].notna().any():
            assert drawn_episode(one, 1, 0).scenario().events != one.scenario().events, one.name
