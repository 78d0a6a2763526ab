"""Programs with time as a column, solved for the loss of one supplier after the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chokepoint.errors import InfeasibleError
from chokepoint.program import LinearProgram, Solution

__all__ = ["Outages"]

IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]


class Outages:
    """What the loss of suppliers costs over a time, and how long it costs nothing.

    Parameters
    ----------
    program : LinearProgram
        Minimises what is lost; every limit is in proportion to the column of time.
    duration : int
        Column of time.
    losses : array of int
        Columns of what is lost.
    longest : float
        Time beyond which a supplier is not missed at all.
    """

    def __init__(
        self, program: LinearProgram, *, duration: int, losses: IntArray, longest: float
    ) -> None:
        self._upper, self._duration, self._longest = program.column_upper, duration, longest
        self._costs, self._time = program.session(), program.session()
        self._time.change_columns(losses, lower=0.0, upper=0.0)
        costs = np.zeros(program.n_columns)
        costs[duration] = -1.0
        self._time.change_costs(np.arange(program.n_columns), costs)
        self._time.change_columns([duration], lower=0.0, upper=longest)

    def cost(self, gone: IntArray, time: float) -> Solution:
        """Return the least loss over `time` without what the columns in `gone` stand for."""
        session = self._costs
        session.change_columns([self._duration], lower=time, upper=time)
        session.change_columns(gone, lower=0.0, upper=0.0)
        solution = session.solve()
        session.change_columns(gone, lower=0.0, upper=self._upper[gone])
        return solution

    def survive(self, gone: IntArray, *, spared: IntArray | None = None) -> float:
        """Return the longest time without any loss; infinite if there is no end to it.

        Parameters
        ----------
        gone : array of int
            Columns of what is missing.
        spared : array of int, optional
            Columns of losses that do not count.
        """
        session = self._time
        free = np.empty(0, dtype=np.intp) if spared is None else spared
        session.change_columns(gone, lower=0.0, upper=0.0)
        session.change_columns(free, lower=0.0, upper=np.inf)
        try:
            time = float(-session.solve().objective)
        except InfeasibleError:
            time = 0.0
        session.change_columns(gone, lower=0.0, upper=self._upper[gone])
        session.change_columns(free, lower=0.0, upper=0.0)
        if time <= 0:
            return 0.0
        return np.inf if time >= self._longest * (1 - 1e-9) else time
