"""What HiGHS is told and what it answers: the only module that makes its models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chokepoint.errors import OptionError, SolverError
from chokepoint.program._program import LinearProgram
from chokepoint.program._solution import Status, duality_gap

__all__ = ["Raw", "pass_program", "quiet_highs", "read", "set_option", "status_of"]

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


def set_option(model: Any, name: str, value: Any) -> None:
    """Set an option; a rejected one would otherwise leave HiGHS running with another method."""
    import highspy

    if model.setOptionValue(name, value) != highspy.HighsStatus.kOk:
        raise OptionError(
            f"HiGHS {model.version()} does not accept {name} = {value!r}. Expected one "
            "of its options with a value that this build supports; see the HiGHS manual."
        )


def pass_program(model: Any, program: LinearProgram) -> None:
    """Hand a program over as arrays."""
    import highspy

    matrix = program.matrix
    integer = np.zeros(program.n_columns, dtype=np.int32)
    if program.integer is not None:
        integer[program.integer] = int(highspy.HighsVarType.kInteger)
    status = model.passModel(
        program.n_columns, program.n_rows, program.n_coefficients,
        int(highspy.MatrixFormat.kRowwise), int(highspy.ObjSense.kMinimize), program.offset,
        program.cost, program.column_lower, program.column_upper,
        program.row_lower, program.row_upper,
        matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32), matrix.data,
        integer,
    )  # fmt: skip
    if status == highspy.HighsStatus.kError:
        raise SolverError(f"{program.name}: HiGHS does not accept the program.")


def status_of(model: Any) -> Status:
    """Return why HiGHS stopped."""
    import highspy

    kinds = highspy.HighsModelStatus
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
    return known.get(model.getModelStatus(), Status.FAILED)


def read(model: Any, program: LinearProgram, *, status: Status, seconds: float) -> Raw:
    """Return what a run found, in the order of the program."""
    info, found = model.getInfo(), model.getSolution()
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
        solver=f"HiGHS {model.version()}",
    )


def _numbers(given: Any, size: int) -> FloatArray:
    """Return what a solver gives as an array; NaN where it gives nothing."""
    array = np.asarray(given, dtype=np.float64)
    return array if array.shape == (size,) else np.full(size, np.nan)
