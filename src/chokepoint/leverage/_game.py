"""Zero-sum games of two players as linear programs: value, mixed and pure strategies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from chokepoint.errors import ShapeError
from chokepoint.program import LinearProgram

__all__ = ["Game", "solve_game"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Game:
    r"""Solution of a matrix game in which the row player gains what the column player loses.

    Attributes
    ----------
    value : float
        What the row player can make sure of on average, :math:`\max_p \min_j p' G_j`.
    row, column : array
        Probabilities of the rows and columns at the optimum.
    pure_row, pure_column : int
        Row of the largest least payoff, column of the least largest one.
    maximin, minimax : float
        What each can make sure of without mixing; equal where there is a saddle point.
    """

    value: float
    row: FloatArray
    column: FloatArray
    pure_row: int
    pure_column: int
    maximin: float
    minimax: float

    @property
    def saddle(self) -> bool:
        """Whether pure strategies do as well as mixed ones."""
        return bool(np.isclose(self.maximin, self.minimax, rtol=1e-9, atol=1e-12))


def solve_game(payoff: ArrayLike) -> Game:
    r"""Solve a matrix game by linear programming.

    .. math:: \max v \quad\text{s.t.}\quad \sum_i p_i G_{ij} \ge v\ \forall j,\ \sum_i p_i = 1

    The column player's strategy are the duals of the rows.

    Parameters
    ----------
    payoff : array_like of shape (rows, columns)
        What the row player gains.

    Returns
    -------
    Game

    Raises
    ------
    ShapeError
        If the payoffs are no matrix of finite numbers with at least one row and column.

    Examples
    --------
    >>> solve_game([[1.0, -1.0], [-1.0, 1.0]]).row.tolist()
    [0.5, 0.5]
    """
    matrix = np.asarray(payoff, dtype=float)
    if matrix.ndim != 2 or 0 in matrix.shape or not np.isfinite(matrix).all():
        raise ShapeError(
            f"Expected a matrix of finite payoffs with rows and columns, got shape {matrix.shape}."
        )
    # Scaled so that the solver's tolerances fit payoffs of any size.
    scale = float(np.abs(matrix).max()) or 1.0
    rows, columns = matrix.shape
    scaled = matrix / scale
    against = np.hstack([scaled.T, -np.ones((columns, 1))])
    whole = np.append(np.ones(rows), 0.0)
    program = LinearProgram(
        name="matrix game",
        cost=np.append(np.zeros(rows), -1.0),
        matrix=csr_array(np.vstack([against, whole])),
        row_lower=np.append(np.zeros(columns), 1.0),
        row_upper=np.append(np.full(columns, np.inf), 1.0),
        column_lower=np.append(np.zeros(rows), -np.inf),
        column_upper=np.full(rows + 1, np.inf),
    )
    solution = program.solve(solver="highs")
    mixed = _shares(solution.values[:rows])
    answer = _shares(np.abs(solution.duals[:columns]))
    least, most = matrix.min(axis=1), matrix.max(axis=0)
    return Game(
        value=float(-solution.objective * scale),
        row=mixed,
        column=answer,
        pure_row=int(least.argmax()),
        pure_column=int(most.argmin()),
        maximin=float(least.max()),
        minimax=float(most.min()),
    )


def _shares(values: FloatArray) -> FloatArray:
    kept = np.clip(values, 0.0, None)
    return np.asarray(kept / kept.sum())
