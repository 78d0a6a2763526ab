"""Two sides that hit each other: every pair of levels run jointly, and the game that they make."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.leverage._game import Game

__all__ = ["EPSILON", "MATERIALITY", "Escalation", "Word", "parity"]

FloatArray = NDArray[np.float64]
Word = Literal["first dominates", "second dominates", "parity", "both weak"]

EPSILON = 0.001
"""Dominance below this share of GDP is parity."""
MATERIALITY = 0.0025
"""Gross leverage below this share of GDP is weak: parity of two weak actors is no G2."""


@dataclass(frozen=True, eq=False)
class Escalation:
    r"""What every pair of levels costs both sides, and who comes off better.

    With :math:`d` the losses as shares of GDP and :math:`y` the levels,

    .. math:: G = d_T(y_A, y_T) - d_A(y_A, y_T), \qquad
        E_A = \max_p \min_{y_T} \sum_{y_A} p(y_A)\, G(y_A, y_T).

    Attributes
    ----------
    first, second : tuple of str
        Areas of the two sides, A and T.
    grid : pandas.DataFrame
        Index (weeks, first, second) of horizons and levels. Columns first_loss, second_loss,
        third_party, first_unmet, second_unmet [USD million], first_share, second_share [share of
        GDP], payoff (G) and interaction (first_loss plus second_loss beyond what the two actions
        cost alone: losses do not add up).
    table : pandas.DataFrame
        Index weeks. Columns dominance (value of the game, share of GDP), maximin, minimax (without
        mixing), gross_first, gross_second (largest loss of the other without an answer, share of
        its GDP), asymmetry and verdict; with draws also low and high (5th and 95th percentile of
        dominance) and the share of draws with each verdict.
    epsilon, materiality : float
        Limits of the verdict, shares of GDP.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    grid: pd.DataFrame
    table: pd.DataFrame
    epsilon: float
    materiality: float
    _games: dict[int, Game] = field(repr=False)

    def payoff(self, weeks: int) -> pd.DataFrame:
        """Return G at a horizon: rows levels of the first side, columns levels of the second."""
        (own, other), levels = self._losses(weeks)
        return pd.DataFrame(other - own, index=levels[0], columns=levels[1])

    def game(self, weeks: int) -> Game:
        """Return the solution at a horizon: probabilities of levels, pure levels, saddle point."""
        return self._games[weeks]

    def path(self, weeks: int, *, theta: float = 0.0, most: int = 20) -> pd.DataFrame:
        r"""Return a tale of alternating steps, not a prediction.

        From nothing on, the two sides take turns, the first side first. Whose turn it is stays or
        goes up one level, whichever gives it more of :math:`d_{other} - (1 + \theta)\, d_{own}`.
        It ends when neither moves.

        Parameters
        ----------
        weeks : int
            Horizon.
        theta : float
            Weight of its own loss beyond the comparison with the other's.
        most : int
            Largest number of turns.

        Returns
        -------
        pandas.DataFrame
            One row a turn: who, levels and losses of both as shares of GDP.
        """
        losses, levels = self._losses(weeks)
        at, stays, rows = [0, 0], 0, []
        for turn in range(most):
            who = turn % 2
            moved = list(at)
            moved[who] = min(at[who] + 1, len(levels[who]) - 1)
            now, then = (
                losses[1 - who][i, j] - (1.0 + theta) * losses[who][i, j] for i, j in (at, moved)
            )
            at, stays = (moved, 0) if then > now else (at, stays + 1)
            shares = [float(side[at[0], at[1]]) for side in losses]
            rows.append((("first", "second")[who], levels[0][at[0]], levels[1][at[1]], *shares))
            if stays == 2:
                break
        columns = ["turn", "first", "second", "first_share", "second_share"]
        return pd.DataFrame(rows, columns=columns)

    def _losses(self, weeks: int) -> tuple[list[FloatArray], list[pd.Index]]:
        """Return the losses of both sides by level as shares of GDP, and the levels."""
        part = self.grid.xs(weeks, level="weeks")
        levels = [part.index.unique(name) for name in ("first", "second")]
        shape = (len(levels[0]), len(levels[1]))
        names = ("first_share", "second_share")
        return [part[name].to_numpy(dtype=float).reshape(shape) for name in names], levels

    def __repr__(self) -> str:
        return (
            f"<Escalation: {'+'.join(self.first)} and {'+'.join(self.second)}, "
            f"{len(self.grid)} joint runs and horizons>"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>{self.table.to_html()}"


def parity(
    dominance: float,
    gross_first: float,
    gross_second: float,
    *,
    epsilon: float = EPSILON,
    materiality: float = MATERIALITY,
) -> Word:
    """Return who comes off better, or whether the two are at par, the "G2" test.

    Parameters
    ----------
    dominance : float
        Value of the game for the first side.
    gross_first, gross_second : float
        Gross leverages, all as shares of GDP.
    epsilon, materiality : float
        Limits.

    Examples
    --------
    >>> parity(0.0005, 0.004, 0.006)
    'parity'
    >>> parity(0.0005, 0.004, 0.001)
    'both weak'
    """
    if dominance > epsilon:
        return "first dominates"
    if dominance < -epsilon:
        return "second dominates"
    return "parity" if min(gross_first, gross_second) >= materiality else "both weak"
