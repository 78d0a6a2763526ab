"""Proportional fitting as arrays: sweeps, Newton steps, signs, and what they give back."""

from __future__ import annotations

import numpy as np
import pytest
from oracles import is_nearest_to_seed, slow_fit
from scipy import sparse

from chokepoint.chain._scaling import Totals, newton, scale


def transport(supply, need):
    """Totals of a complete table, rows then columns; flows in row order."""
    rows, columns = len(supply), len(need)
    row = np.repeat(np.arange(rows), columns)
    column = np.tile(np.arange(columns), rows)
    flows = np.arange(rows * columns)
    matrix = sparse.csr_array(
        (np.ones(2 * len(flows)), (np.concatenate([row, rows + column]), np.tile(flows, 2)))
    )
    families = (slice(0, rows), slice(rows, rows + columns))
    return Totals(matrix, np.array([*supply, *need], dtype=float), families)


def test_agrees_with_the_slow_fit():
    supply, need = [3.0, 5.0, 2.0], [4.0, 6.0]
    seed = np.array([[1.0, 9.0], [2.0, 0.5], [7.0, 3.0]])
    found = scale(seed.ravel(), transport(supply, need))
    assert found.worst <= 1e-12
    assert found.flow.reshape(3, 2) == pytest.approx(slow_fit(supply, need, seed), rel=1e-9)


def test_newton_arrives_where_sweeps_crawl():
    # Nearly diagonal seeds make each sweep gain little.
    seed = np.full((4, 4), 1e-7) + np.diag([1.0, 1.0, 1.0, 1.0])
    supply, need = [1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0]
    totals = transport(supply, need)
    found = scale(seed.ravel(), totals)
    assert found.worst <= 1e-12
    assert is_nearest_to_seed(found.flow, seed.ravel(), totals.matrix.toarray())


def test_flows_that_have_to_vanish_do():
    # The first supplier can only serve the first buyer, whose need it fills alone.
    matrix = sparse.csr_array(np.array([[1, 0, 0], [0, 1, 1], [1, 1, 0], [0, 0, 1]], dtype=float))
    totals = Totals(matrix, np.array([4.0, 6.0, 4.0, 6.0]), (slice(0, 2), slice(2, 4)))
    found = scale(np.ones(3), totals)
    assert found.worst <= 1e-9
    assert found.flow == pytest.approx([4.0, 0.0, 6.0], abs=1e-8)


def test_contradicting_totals_are_not_met():
    totals = transport([1.0, 1.0], [1.0, 2.0])
    assert scale(np.ones(4), totals).worst > 0.1


def test_coefficients_of_any_sign_and_target_zero():
    # x - y = 0 and x + y = 3 from (1, 5).
    totals = Totals(sparse.csr_array(np.array([[1.0, -1.0], [1.0, 1.0]])), np.array([0.0, 3.0]), ())
    flow, steps = newton(np.array([1.0, 5.0]), totals, 1e-12)
    assert flow == pytest.approx([1.5, 1.5])
    assert steps < 20


def test_nothing_to_fit():
    totals = Totals(sparse.csr_array((0, 0)), np.zeros(0), (slice(0, 0),))
    found = scale(np.zeros(0), totals)
    assert found.worst == 0.0
