"""Flows scaled in proportion towards what sites ship and what slots need."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from chokepoint.datasets._draw_sweeps import Sweeps

# Two sites sell to two slots; flows 11, 12, 21, 22, then sources: two outputs, two needs.
ROWS = sparse.csr_array(
    np.array(
        [
            [1.0, 1, 0, 0, -1, 0, 0, 0],
            [0, 0, 1, 1, 0, -1, 0, 0],
            [1, 0, 1, 0, 0, 0, -1, 0],
            [0, 1, 0, 1, 0, 0, 0, -1],
        ]
    )
)
FLOWS = np.array([[4.0, 1.0], [6.0, 1.0], [5.0, 1.0], [5.0, 1.0]])
SOURCES = np.array([[12.0, 3.0], [8.0, 1.0], [11.0, 2.0], [9.0, 2.0]])


def sweeps(moves=(True,) * 4):
    return Sweeps.of(ROWS, 2, np.array(moves))


def test_totals_are_met_and_odds_ratios_kept():
    found = sweeps().scaled(FLOWS, SOURCES)
    assert ROWS @ np.vstack([found, SOURCES]) == pytest.approx(np.zeros((4, 2)), abs=1e-4)
    odds = found[0] * found[3] / (found[1] * found[2])
    assert odds == pytest.approx([4 * 5 / (6 * 5), 1.0])
    # Independent flows have a closed form: row total x column total / total.
    assert found[:, 1] == pytest.approx([1.5, 1.5, 0.5, 0.5])


def test_reported_flows_keep_their_number_and_the_others_make_room():
    found = sweeps((False, True, True, True)).scaled(FLOWS, SOURCES)
    assert found[0].tolist() == [4.0, 1.0]
    assert found[1] == pytest.approx([8.0, 2.0], rel=0.05)


def test_flows_beside_a_reported_one_that_is_too_large_stay_positive():
    found = sweeps((False, True, True, True)).scaled(
        np.array([[40.0], [6], [5], [5]]), SOURCES[:, :1]
    )
    assert found[0] == 40.0
    assert (found > 0).all()


def test_what_is_given_is_not_written_to():
    before = FLOWS.copy()
    sweeps().scaled(FLOWS, SOURCES)
    np.testing.assert_array_equal(FLOWS, before)


def test_a_draw_does_not_see_its_neighbours():
    both = sweeps().scaled(FLOWS, SOURCES)
    np.testing.assert_array_equal(both[:, 1:], sweeps().scaled(FLOWS[:, 1:], SOURCES[:, 1:]))


def test_sites_without_output_get_nothing():
    flows = np.array([[0.0], [0.0], [5.0], [5.0]])
    found = sweeps().scaled(flows, np.array([[0.0], [10.0], [4.0], [6.0]]))
    assert found[:, 0] == pytest.approx([0.0, 0.0, 4.0, 6.0])
