"""Numbers of a weekly series, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from chokepoint.history._observables import averaged, observed

INF = float("inf")
#            week  0    1    2    3    4    5
LEVEL = np.array([1.0, 0.98, 0.6, 0.4, 0.8, 1.0])


@pytest.mark.parametrize(
    ("observable", "value"),
    [
        # 0.02 at the end of week 1, 0.40 at the end of week 2: 0.05 after 3/38 of it
        ("onset", 2 + 0.03 / 0.38),
        ("depth", 0.6),
        # from week 3 (0.6) to 0.3: between weeks 3 (0.6) and 4 (0.2), after three quarters
        ("half_time", 0.75),
        ("recovery", 5.0),
        ("integral", 0.02 + 0.4 + 0.6 + 0.2),
        ("loss", 1.22 / 6),
        ("change", -1.22 / 6),
        ("price", 1.0),
    ],
)
def test_by_hand(observable, value):
    assert observed(observable, LEVEL[None])[0] == pytest.approx(value)


def test_nothing_happens():
    calm = np.ones((1, 5))
    assert observed("onset", calm)[0] == INF
    assert observed("half_time", calm)[0] == 0.0
    assert observed("recovery", calm)[0] == 0.0
    assert observed("depth", calm)[0] == 0.0


def test_hit_at_once_and_for_good():
    gone = np.zeros((1, 4))
    assert observed("onset", gone)[0] == pytest.approx(0.05)
    assert observed("half_time", gone)[0] == INF
    assert observed("recovery", gone)[0] == INF


def test_creeping_below_the_threshold_is_no_onset():
    assert observed("onset", np.array([[1.0, 0.951, 0.951]]))[0] == INF


def test_depth_of_a_month_is_that_of_its_mean():
    assert observed("depth", LEVEL[None], average_weeks=2)[0] == pytest.approx(0.5)
    # more weeks than there are: all of them
    assert observed("depth", LEVEL[None], average_weeks=9)[0] == pytest.approx(1.22 / 6)


def test_each_lane_by_itself():
    both = np.stack([LEVEL, np.ones(6)])
    assert observed("onset", both)[1] == INF
    assert observed("depth", both).tolist() == pytest.approx([0.6, 0.0])


def test_running_means():
    assert averaged(np.array([[1.0, 3.0, 5.0]]), 2).tolist() == [[2.0, 4.0]]
