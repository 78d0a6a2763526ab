"""Matrix games: known solutions, duality, and invariances."""

from __future__ import annotations

import numpy as np
import pytest

from chokepoint.errors import ShapeError
from chokepoint.leverage._game import solve_game


def test_rock_paper_scissors() -> None:
    game = solve_game([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    assert game.value == pytest.approx(0.0, abs=1e-9)
    assert game.row == pytest.approx([1 / 3] * 3)
    assert game.column == pytest.approx([1 / 3] * 3)
    assert not game.saddle


def test_saddle_point() -> None:
    game = solve_game([[3, 1, 4], [2, 0, 9]])
    assert (game.value, game.maximin, game.minimax) == (1.0, 1.0, 1.0)
    assert game.saddle
    assert (game.pure_row, game.pure_column) == (0, 1)


def test_two_by_two_by_hand() -> None:
    # p a + (1 - p) c = p b + (1 - p) d with a, b, c, d = 4, 1, 2, 3: p = 1/4, value 2.5.
    game = solve_game([[4, 1], [2, 3]])
    assert game.value == pytest.approx(2.5)
    assert game.row == pytest.approx([0.25, 0.75])
    assert game.column == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("seed", range(5))
def test_mixed_strategies_guarantee_the_value(seed) -> None:
    payoff = np.random.default_rng(seed).normal(size=(4, 6)) * 1e-4
    game = solve_game(payoff)
    assert (game.row @ payoff).min() == pytest.approx(game.value, rel=1e-6)
    assert (payoff @ game.column).max() == pytest.approx(game.value, rel=1e-6)
    assert game.maximin <= game.value + 1e-12
    assert game.value <= game.minimax + 1e-12
    turned = solve_game(-payoff.T)
    assert turned.value == pytest.approx(-game.value, rel=1e-6)
    assert solve_game(7e6 * payoff).value == pytest.approx(7e6 * game.value, rel=1e-6)


@pytest.mark.parametrize("wrong", [[], [1.0], [[np.nan]], [[], []]])
def test_no_matrix(wrong) -> None:
    with pytest.raises(ShapeError, match="matrix of finite payoffs"):
        solve_game(wrong)
