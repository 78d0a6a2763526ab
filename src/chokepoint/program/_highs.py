"""HiGHS through highspy: arrays in, arrays out, and warm re-solves."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from chokepoint.errors import SolverError
from chokepoint.program._blocks import Block, Blocks
from chokepoint.program._highs_model import (
    Raw,
    pass_program,
    quiet_highs,
    read,
    set_option,
    status_of,
)
from chokepoint.program._program import LinearProgram
from chokepoint.program._solution import Solution, Status

__all__ = ["HighsSession"]

FloatArray = NDArray[np.float64]


class HighsSession:
    """A program held by HiGHS, to be solved again after its bounds or costs change.

    The second and later runs start from the basis of the run before, so that a small change
    costs a few iterations. Start at one end of a range of changes, not in its middle.

    Parameters
    ----------
    program : LinearProgram
        The program; it is not changed, the session keeps its own copy.
    options : mapping, optional
        HiGHS options, e.g. ``{"solver": "ipm", "time_limit": 60.0}``.

    Examples
    --------
    >>> from chokepoint.program import ProgramBuilder
    >>> builder = ProgramBuilder("supply")
    >>> make = builder.columns("make", [["a", "b"]], unit="t", upper=6, cost=[1, 2])
    >>> builder.add(builder.rows("demand", unit="t", lower=4), make, 1.0)
    >>> session = builder.build().session()
    >>> session.solve().objective
    4.0
    >>> session.change_rows([0], lower=[8.0], upper=[np.inf])
    >>> session.solve().objective
    10.0
    """

    def __init__(self, program: LinearProgram, *, options: Mapping[str, Any] | None = None) -> None:
        self.program = program
        self._model = quiet_highs()
        # Coefficients of small flows are small on purpose; HiGHS drops those below 1e-9.
        for name, value in {"small_matrix_value": 1e-12, **(options or {})}.items():
            set_option(self._model, name, value)
        started = time.perf_counter()
        pass_program(self._model, program)
        self._loading = time.perf_counter() - started
        self._runs = 0

    def change_rows(self, rows: ArrayLike, *, lower: ArrayLike, upper: ArrayLike) -> None:
        """Set new bounds of some rows."""
        places = np.atleast_1d(np.asarray(rows, dtype=np.int32))
        low, high = (_like(bound, places) for bound in (lower, upper))
        # One by one: the call for many rows is younger than the oldest HiGHS that is supported.
        for row, least, most in zip(places.tolist(), low.tolist(), high.tolist(), strict=True):
            self._check(self._model.changeRowBounds(row, least, most))
        changed = {"row_lower": low, "row_upper": high}
        self._note({name: (places, value) for name, value in changed.items()})

    def change_columns(self, columns: ArrayLike, *, lower: ArrayLike, upper: ArrayLike) -> None:
        """Set new bounds of some columns."""
        places = np.atleast_1d(np.asarray(columns, dtype=np.int32))
        low, high = (_like(bound, places) for bound in (lower, upper))
        self._check(self._model.changeColsBounds(len(places), places, low, high))
        changed = {"column_lower": low, "column_upper": high}
        self._note({name: (places, value) for name, value in changed.items()})

    def change_costs(self, columns: ArrayLike, costs: ArrayLike) -> None:
        """Set new costs of some columns."""
        places = np.atleast_1d(np.asarray(columns, dtype=np.int32))
        value = _like(costs, places)
        self._check(self._model.changeColsCost(len(places), places, value))
        self._note({"cost": (places, value)})

    def add_rows(
        self, name: str, matrix: sparse.csr_array, *, lower: ArrayLike, upper: ArrayLike, unit: str
    ) -> None:
        """Add a block of rows, e.g. cuts; the basis is kept.

        Parameters
        ----------
        name, unit : str
            Name of the block, new to the program, and unit of its rows.
        matrix : csr_array (new rows, columns)
            Coefficients.
        lower, upper : array-like
            Bounds of the new rows.
        """
        size = int(matrix.shape[0])
        low, high = (_spread(bound, size) for bound in (lower, upper))
        status = self._model.addRows(
            size, low, high, matrix.nnz,
            matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32), matrix.data,
        )  # fmt: skip
        self._check(status)
        block = Block(name, unit, Blocks.plain(name, size)[name].axes)
        old = self.program
        self.program = replace(
            old,
            matrix=sparse.csr_array(sparse.vstack([old.matrix, matrix])),
            row_lower=np.concatenate([old.row_lower, low]),
            row_upper=np.concatenate([old.row_upper, high]),
            rows=Blocks([*old.rows, block]),
        )

    def _check(self, status: Any) -> None:
        import highspy

        if status == highspy.HighsStatus.kError:
            raise SolverError(f"{self.program.name}: HiGHS does not accept the change.")

    def _note(self, changes: dict[str, tuple[NDArray[np.int32], FloatArray]]) -> None:
        """Keep the program of the session in step, so that results are read against it."""
        fresh = {}
        for name, (places, value) in changes.items():
            array = getattr(self.program, name).copy()
            array[places] = value
            fresh[name] = array
        self.program = replace(self.program, **fresh)

    def solve(self, *, time_limit: float | None = None) -> Solution:
        """Solve, from the last basis where there is one.

        Raises
        ------
        InfeasibleError, SolverError
            As for :meth:`LinearProgram.solve`.
        """
        from chokepoint.program._solve import checked

        return checked(self.program, self.run(time_limit=time_limit))

    def run(self, *, time_limit: float | None = None) -> Raw:
        """Solve and return what HiGHS says, unchecked."""
        started = time.perf_counter()
        if time_limit is not None:
            # The clock of HiGHS runs on over all runs of one model.
            limit = float(self._model.getRunTime() + time_limit)
            set_option(self._model, "time_limit", limit)
        self._model.run()
        status = status_of(self._model)
        if status is Status.INFEASIBLE_OR_UNBOUNDED:
            set_option(self._model, "presolve", "off")
            self._model.run()
            status = status_of(self._model)
            set_option(self._model, "presolve", "choose")
        spent = time.perf_counter() - started + (self._loading if self._runs == 0 else 0.0)
        self._runs += 1
        return read(self._model, self.program, status=status, seconds=spent)


def _like(value: ArrayLike, places: NDArray[np.int32]) -> FloatArray:
    return _spread(value, len(places))


def _spread(value: ArrayLike, size: int) -> FloatArray:
    return np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), (size,)))
