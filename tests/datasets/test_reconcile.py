"""Quantities brought back to linear identities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from chokepoint.datasets import _reconcile
from chokepoint.datasets._reconcile import Reconciler

# One supplier (third) ships to two buyers (first two): f1 + f2 - x = 0.
ROW = sparse.csr_array(np.array([[1.0, 1.0, -1.0]]))
BASE = np.array([30.0, 70.0, 100.0])


def test_what_meets_the_identities_stays():
    found = Reconciler(ROW, BASE, np.ones(3)).nearest(np.array([40.0, 80.0, 120.0]))
    assert found == pytest.approx([40.0, 80.0, 120.0])


def test_nearest_in_relative_squares_has_a_closed_form():
    # v = s - W a (a' W a)^-1 a' s with W = base^2.
    start = np.array([30.0, 70.0, 110.0])
    weight, row = BASE**2, np.array([1.0, 1.0, -1.0])
    expected = start - weight * row * (row @ start) / (row**2 @ weight)
    assert Reconciler(ROW, BASE, np.ones(3)).nearest(start) == pytest.approx(expected)


def test_what_is_stiff_moves_less_and_what_is_held_not_at_all():
    start = np.array([30.0, 70.0, 110.0])
    stiff = Reconciler(ROW, BASE, np.array([1.0, 1.0, 1e-4])).nearest(start)
    assert stiff[2] == pytest.approx(110.0, rel=1e-4)
    held = Reconciler(ROW, BASE, np.array([1.0, 1.0, 0.0])).nearest(start)
    assert held[2] == 110.0
    assert held[0] + held[1] == pytest.approx(110.0)


def test_quantities_of_zero_stay_zero():
    base = np.array([0.0, 100.0, 100.0])
    found = Reconciler(ROW, base, np.ones(3)).nearest(np.array([5.0, 100.0, 130.0]))
    assert found[0] == 0.0
    assert found[1] == pytest.approx(found[2])


@settings(max_examples=50)
@given(st.lists(st.floats(0.01, 4.0), min_size=3, max_size=3))
def test_ranges_and_identities_hold_together(factors):
    low, high = np.array([25.0, 0.0, 95.0]), np.array([31.0, 200.0, 105.0])
    reconciler = Reconciler(ROW, BASE, np.ones(3), low=low, high=high)
    found = reconciler.nearest(BASE * factors)
    assert reconciler.residual(found) <= 1e-9
    assert (found >= low - 1e-9 * BASE).all()
    assert (found <= high + 1e-9 * BASE).all()


def test_as_a_last_resort_the_draw_moves_towards_the_baseline(monkeypatch):
    monkeypatch.setattr(_reconcile, "_HOLDING_ROUNDS", 0)
    high = np.array([33.0, np.inf, np.inf])
    reconciler = Reconciler(ROW, BASE, np.ones(3), high=high)
    found = reconciler.nearest(np.array([60.0, 70.0, 130.0]))
    assert found == pytest.approx([33.0, 70.0, 103.0])


def test_draws_side_by_side_do_not_see_each_other():
    low, high = np.array([25.0, 0.0, 95.0]), np.array([31.0, 200.0, 105.0])
    reconciler = Reconciler(ROW, BASE, np.ones(3), low=low, high=high)
    wanted = BASE[:, None] * np.array([[1.0, 0.2, 3.0, 1.02], [1.0, 0.3, 0.1, 0.98], [1, 2, 1, 1]])
    together = reconciler.nearest(wanted)
    for draw in range(wanted.shape[1]):
        np.testing.assert_array_equal(together[:, draw], reconciler.nearest(wanted[:, draw]))


class TestHeld:
    """Weights that shrink without another factorisation, against a dense solution."""

    ROWS = sparse.csr_array(
        np.array([[1.0, 1.0, 0.0, -1.0, 0.0], [0.0, 1.0, 1.0, 0.0, -1.0]]) / 10.0
    )
    WEIGHT = np.array([4.0, 9.0, 1.0, 0.2, 0.3])
    START = np.array([3.0, 5.0, 2.0, 6.0, 9.0])

    def held(self):
        factors = _reconcile._factorised(self.ROWS, self.WEIGHT)
        return _reconcile._Held(self.ROWS, sparse.csc_array(self.ROWS), factors, self.WEIGHT, {})

    def dense(self, weight):
        rows = self.ROWS.toarray()
        steps = np.linalg.solve(rows @ np.diag(weight) @ rows.T, rows @ self.START)
        return self.START - weight * (rows.T @ steps)

    def test_once_and_again(self):
        held, weight = self.held(), self.WEIGHT.copy()
        for some in ([1], [1, 3], [4]):
            held.add(np.array(some))
            weight[some] *= 1e-3
            assert held.projected(self.START) == pytest.approx(self.dense(weight), rel=1e-9)

    def test_where_too_little_is_left_to_move(self):
        held = self.held()
        for _ in range(9):
            held.add(np.arange(5))
        assert np.abs(self.ROWS @ held.projected(self.START)).max() <= 1e-11


def test_nothing_falls_to_zero():
    wanted = np.array([1.0, 150.0, 60.0])
    assert Reconciler(ROW, BASE, np.ones(3)).nearest(wanted).min() >= -1e-9
    found = Reconciler(ROW, BASE, np.ones(3), least=1e-6).nearest(wanted)
    assert (found >= 1e-6 * BASE * (1 - 1e-4)).all()
    assert abs(ROW @ found).max() <= 1e-11
