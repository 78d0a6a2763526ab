"""HiGHS through highspy: arrays in, arrays out, and warm re-solves."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chokepoint.errors import OptionError, SolverError
from chokepoint.program._program import LinearProgram
from chokepoint.program._solution import Solution, Status, duality_gap

__all__ = ["HighsSession", "Raw", "quiet_highs"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Raw:
    """What a solver says before it is checked; numbers may be missing unless optimal."""

    status: Status
    objective: float
    values: FloatArray
    reduced_costs: FloatArray
    activities: FloatArray
    duals: FloatArray
    gap: float
    iterations: int
    seconds: float
    solver: str


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
        import highspy

        self._highspy = highspy
        self.program = program
        self._model = quiet_highs()
        # Coefficients of small flows are small on purpose; HiGHS drops those below 1e-9.
        settings = {"small_matrix_value": 1e-12, **(options or {})}
        for name, value in settings.items():
            self._set_option(name, value)
        started = time.perf_counter()
        self._pass_model()
        self._loading = time.perf_counter() - started
        self._runs = 0

    def _set_option(self, name: str, value: Any) -> None:
        # A rejected option would otherwise leave HiGHS running with another method.
        if self._model.setOptionValue(name, value) != self._highspy.HighsStatus.kOk:
            raise OptionError(
                f"HiGHS {self._model.version()} does not accept {name} = {value!r}. Expected one "
                "of its options with a value that this build supports; see the HiGHS manual."
            )

    def _pass_model(self) -> None:
        program, highspy = self.program, self._highspy
        matrix = program.matrix
        integer = np.zeros(program.n_columns, dtype=np.int32)
        if program.integer is not None:
            integer[program.integer] = int(highspy.HighsVarType.kInteger)
        status = self._model.passModel(
            program.n_columns, program.n_rows, program.n_coefficients,
            int(highspy.MatrixFormat.kRowwise), int(highspy.ObjSense.kMinimize), program.offset,
            program.cost, program.column_lower, program.column_upper,
            program.row_lower, program.row_upper,
            matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32), matrix.data,
            integer,
        )  # fmt: skip
        if status == highspy.HighsStatus.kError:
            raise SolverError(f"{program.name}: HiGHS does not accept the program.")

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

    def _check(self, status: Any) -> None:
        if status == self._highspy.HighsStatus.kError:
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
            self._set_option("time_limit", float(self._model.getRunTime() + time_limit))
        self._model.run()
        status = self._status()
        if status is Status.INFEASIBLE_OR_UNBOUNDED:
            self._set_option("presolve", "off")
            self._model.run()
            status = self._status()
            self._set_option("presolve", "choose")
        spent = time.perf_counter() - started + (self._loading if self._runs == 0 else 0.0)
        self._runs += 1
        return self._raw(status, spent)

    def _status(self) -> Status:
        kinds = self._highspy.HighsModelStatus
        known = {
            kinds.kOptimal: Status.OPTIMAL,
            kinds.kModelEmpty: Status.OPTIMAL,
            kinds.kInfeasible: Status.INFEASIBLE,
            kinds.kUnbounded: Status.UNBOUNDED,
            kinds.kUnboundedOrInfeasible: Status.INFEASIBLE_OR_UNBOUNDED,
            kinds.kTimeLimit: Status.TIME_LIMIT,
            kinds.kIterationLimit: Status.ITERATION_LIMIT,
            kinds.kSolutionLimit: Status.STOPPED,
            kinds.kInterrupt: Status.STOPPED,
            kinds.kObjectiveBound: Status.STOPPED,
            kinds.kObjectiveTarget: Status.STOPPED,
            kinds.kMemoryLimit: Status.STOPPED,
        }
        return known.get(self._model.getModelStatus(), Status.FAILED)

    def _raw(self, status: Status, seconds: float) -> Raw:
        program, info = self.program, self._model.getInfo()
        found = self._model.getSolution()
        name = f"HiGHS {self._model.version()}"
        values = _numbers(found.col_value, program.n_columns)
        reduced = _numbers(found.col_dual, program.n_columns)
        duals = _numbers(found.row_dual, program.n_rows)
        objective = float(program.cost @ values + program.offset)
        if program.integer is not None:
            reduced, duals = np.full_like(reduced, np.nan), np.full_like(duals, np.nan)
            gap = float(info.mip_gap)
        else:
            gap = duality_gap(program, objective, duals, reduced)
        iterations = int(
            info.simplex_iteration_count
            + max(info.ipm_iteration_count, 0)
            + max(info.crossover_iteration_count, 0)
        )
        return Raw(
            status=status,
            objective=objective,
            values=values,
            reduced_costs=reduced,
            activities=program.matrix @ values,
            duals=duals,
            gap=gap,
            iterations=iterations,
            seconds=seconds,
            solver=name,
        )


def quiet_highs() -> Any:
    """Return a HiGHS model that writes nothing, not even its banner.

    The constructor of ``highspy.Highs`` turns callbacks on, which prints a banner before any
    option can be set; the class below it does not.
    """
    import highspy

    class Quiet(highspy.Highs):
        def __init__(self) -> None:
            super(highspy.Highs, self).__init__()  # type: ignore[no-untyped-call,unused-ignore]

    model: Any = Quiet()
    model.setOptionValue("output_flag", False)
    return model


def _like(value: ArrayLike, places: NDArray[np.int32]) -> FloatArray:
    return np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), places.shape))


def _numbers(given: Any, size: int) -> FloatArray:
    """Return what a solver gives as an array; NaN where it gives nothing."""
    array = np.asarray(given, dtype=np.float64)
    return array if array.shape == (size,) else np.full(size, np.nan)
