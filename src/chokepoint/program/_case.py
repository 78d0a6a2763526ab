"""One case of a decomposed two-stage program: its cost at a point, and the cut there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chokepoint.errors import SolverError
from chokepoint.program._highs import HighsSession
from chokepoint.program._highs_model import Raw
from chokepoint.program._master import Cut
from chokepoint.program._solution import Status
from chokepoint.program._stretch import stretched
from chokepoint.program._two_stage import Part

__all__ = ["Case"]

FloatArray = NDArray[np.float64]

_MISSED = 1e-7


class Case:
    """One case: its session, and another for points that leave it without an answer."""

    def __init__(self, number: int, part: Part, options: Mapping[str, Any] | None) -> None:
        self._number, self._part = number, part
        self._session = HighsSession(part.program, options=options)
        self._stretched: HighsSession | None = None
        self._shared = np.arange(part.shared)
        self.values = np.full(part.program.n_columns, np.nan)

    def cut(self, x: FloatArray) -> tuple[float, Cut]:
        """Return the cost at `x` and the cut there."""
        at = x[: self._part.shared]
        raw = self._at(self._session, at)
        if raw.status is Status.OPTIMAL:
            self.values = raw.values
            slope = raw.reduced_costs[self._shared]
            cut = Cut(self._number, float(raw.objective - slope @ at), slope)
            return float(raw.objective), cut
        if raw.status is not Status.INFEASIBLE:
            raise SolverError(
                f"{self._part.program.name}: {raw.solver} ended with {raw.status.value!r}. "
                "Try solver options, or the extensive form."
            )
        return np.inf, self._limit(at)

    def _at(self, session: HighsSession, at: FloatArray) -> Raw:
        session.change_columns(self._shared, lower=at, upper=at)
        return session.run()

    def _limit(self, at: FloatArray) -> Cut:
        """Return what the first stage must satisfy so that fewer rows are missed."""
        if self._stretched is None:
            self._stretched = HighsSession(stretched(self._part.program))
        raw = self._at(self._stretched, at)
        if raw.status is not Status.OPTIMAL or raw.objective <= _MISSED:
            raise SolverError(
                f"{self._part.program.name}: {raw.solver} finds no answer to a point at which "
                "all rows can be met. Try the extensive form."
            )
        slope = raw.reduced_costs[self._shared]
        return Cut(self._number, float(raw.objective - slope @ at), slope, limits=True)
