"""PuLP: a readable model, and every solver that PuLP knows. The only module that knows PuLP.

The modelling half is the same for PuLP 3.3 and 4; solvers and results differ, so one class
for each line says how to find a solver and how to read what it did.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chokepoint.errors import MissingDependencyError, OptionError
from chokepoint.program._files import file_names
from chokepoint.program._highs_model import Raw, quiet_highs
from chokepoint.program._program import LinearProgram
from chokepoint.program._solution import Status, duality_gap

__all__ = ["run", "to_pulp"]

FloatArray = NDArray[np.float64]


def to_pulp(program: LinearProgram) -> tuple[Any, list[Any], list[int]]:
    """Return the ``pulp.LpProblem``, its variables in column order, and the row of each constraint.

    Names are those of the program, with signs that PuLP does not take turned into ``_`` and
    the position in front, so that they are unique. A row with two different finite bounds
    becomes two constraints; rows without coefficients are left out.
    """
    import pulp

    model = pulp.LpProblem(_name(program.name), pulp.LpMinimize)
    whole = program.integer
    variables = [
        model.add_variable(
            name,
            _finite(program.column_lower[column]),
            _finite(program.column_upper[column]),
            pulp.LpInteger if whole is not None and whole[column] else pulp.LpContinuous,
        )
        for column, name in enumerate(file_names(program.columns, "x"))
    ]
    costs = zip(program.cost.tolist(), variables, strict=True)
    model += pulp.lpSum(cost * x for cost, x in costs if cost) + program.offset, "cost"
    return model, variables, _add_rows(program, model, variables)


def _add_rows(program: LinearProgram, model: Any, variables: list[Any]) -> list[int]:
    import pulp

    matrix, names = program.matrix, file_names(program.rows, "r")
    added = []
    for row in range(program.n_rows):
        span = slice(matrix.indptr[row], matrix.indptr[row + 1])
        if span.start == span.stop:
            continue
        terms = zip(matrix.data[span].tolist(), matrix.indices[span].tolist(), strict=True)
        left = pulp.lpSum(value * variables[column] for value, column in terms)
        for suffix, constraint in _sides(left, program.row_lower[row], program.row_upper[row]):
            model += constraint, names[row] + suffix
            added.append(row)
    return added


def _sides(left: Any, lower: float, upper: float) -> list[tuple[str, Any]]:
    """Return the constraints that a row with these bounds stands for."""
    if lower == upper:
        return [("", left == float(lower))]
    sides = []
    if np.isfinite(lower):
        sides.append(("_low", left >= float(lower)))
    if np.isfinite(upper):
        sides.append(("_high", left <= float(upper)))
    return sides


def _name(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z_.]", "_", text)


def _finite(bound: float) -> float | None:
    return float(bound) if np.isfinite(bound) else None


def run(
    program: LinearProgram,
    solver: str,
    *,
    time_limit: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> Raw:
    """Solve `program` with the solver that PuLP calls `solver`."""
    import pulp

    _check_whole_numbers(program, solver)
    started = time.perf_counter()
    solve = _solve_3 if int(pulp.__version__.partition(".")[0]) < 4 else _solve_4
    chosen = _find_solver(solver, time_limit, dict(options or {}))
    model, variables, row_of = to_pulp(program)
    status = solve(model, chosen)
    seconds = time.perf_counter() - started
    name = f"PuLP {pulp.__version__}, {chosen.name}"
    return _read(program, model, variables, row_of, status=status, seconds=seconds, solver=name)


def _solve_3(model: Any, solver: Any) -> Status:
    """PuLP 3.3: ``solve`` returns a number and the problem keeps the rest."""
    import pulp

    code = model.solve(solver)
    if code == pulp.LpStatusOptimal:
        # "Optimal" also stands for a run that a limit stopped; the second status tells.
        return Status.OPTIMAL if model.sol_status == pulp.LpSolutionOptimal else Status.STOPPED
    known = {
        pulp.LpStatusInfeasible: Status.INFEASIBLE_OR_UNBOUNDED,
        pulp.LpStatusUnbounded: Status.UNBOUNDED,
        pulp.LpStatusUndefined: Status.INFEASIBLE_OR_UNBOUNDED,
    }
    return known.get(code, Status.FAILED)


def _solve_4(model: Any, solver: Any) -> Status:
    """PuLP 4: ``solve`` returns statistics with a status of their own."""
    import pulp

    stats, kinds = model.solve(solver), pulp.LpSolveStatus
    known = {
        kinds.Optimal: Status.OPTIMAL,
        kinds.Infeasible: Status.INFEASIBLE_OR_UNBOUNDED,
        kinds.Undefined: Status.INFEASIBLE_OR_UNBOUNDED,
        kinds.Unbounded: Status.UNBOUNDED,
        kinds.TimeLimit: Status.TIME_LIMIT,
        kinds.IterationLimit: Status.ITERATION_LIMIT,
        kinds.NotSolved: Status.FAILED,
        kinds.NumericalError: Status.FAILED,
    }
    return known.get(stats.status, Status.STOPPED)


# CBC goes by two names: one that is installed apart, and one that PuLP 3 ships.
_CBC = ("COIN_CMD", "PULP_CBC_CMD")


def _find_solver(name: str, time_limit: float | None, options: dict[str, Any]) -> Any:
    import pulp

    known = pulp.listSolvers()
    names = [each for each in (_CBC if name == "CBC" else (name,)) if each in known]
    if not names:
        raise OptionError(f"PuLP {pulp.__version__} knows no solver {name!r}; it knows {known}.")
    if name == "HiGHS":
        _check_highs_options(options)
    with warnings.catch_warnings():
        # The CBC that PuLP 3 ships goes away with PuLP 4; the name above is tried first.
        warnings.filterwarnings("ignore", "PULP_CBC_CMD is deprecated", DeprecationWarning)
        for each in names:
            found = pulp.getSolver(each, msg=False, timeLimit=time_limit, **options)
            if found.available():
                return found
        here = pulp.listSolvers(onlyAvailable=True)
    raise MissingDependencyError(
        f"PuLP {pulp.__version__} knows the solver {name}, which is not installed here. "
        f"Available: {here}."
    )


def _check_whole_numbers(program: LinearProgram, solver: str) -> None:
    """Refuse whole numbers on CBC: its preprocessing may call a point optimal that is not.

    The CBC 2.10.3 that PuLP 3.3 ships gives 1 where min 2a - b subject to 0 <= 2b - 2a <= 1, a
    and b 0 or 1, is 0. Which other builds have the fault is not known, and what it gives
    cannot be told from an optimum without solving again elsewhere.
    """
    if program.integer is not None and solver in ("CBC", *_CBC):
        raise OptionError(
            f"{program.name} has columns that take whole numbers, and CBC may return a point as "
            "optimal that is not. Expected a linear program, or another solver: "
            'solver="highs" or "pulp:HiGHS".'
        )


def _check_highs_options(options: Mapping[str, Any]) -> None:
    """Refuse what HiGHS refuses: PuLP does not look at the status of its options."""
    import highspy

    probe = quiet_highs()
    for name, value in options.items():
        if name in {"gapRel", "gapAbs", "threads", "mip"}:
            continue
        if probe.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            raise OptionError(f"HiGHS does not accept {name} = {value!r}.")


def _read(
    program: LinearProgram,
    model: Any,
    variables: list[Any],
    row_of: list[int],
    *,
    status: Status,
    seconds: float,
    solver: str,
) -> Raw:
    """Return values and duals of a solved model, in the order of the program."""
    values = _values(program, variables, row_of)
    duals = _duals(program, model, row_of)
    # From the duals, not from the solver: CBC prints its reduced costs with few digits.
    reduced = program.cost - program.matrix.T @ duals
    objective = float(program.cost @ values + program.offset)
    known = not np.isnan(duals).any()
    return Raw(
        status=status,
        objective=objective,
        values=values,
        reduced_costs=reduced,
        activities=program.matrix @ values,
        duals=duals,
        gap=duality_gap(program, objective, duals, reduced) if known else np.nan,
        iterations=-1,
        seconds=seconds,
        solver=solver,
    )


def _values(program: LinearProgram, variables: list[Any], row_of: list[int]) -> FloatArray:
    given = [np.nan if x.varValue is None else x.varValue for x in variables]
    values = np.array(given, dtype=np.float64)
    # A column without cost and outside every constraint never reaches the solver: any value does.
    used = program.cost != 0
    used[program.matrix[np.unique(row_of)].indices] = True
    free = np.isnan(values) & ~used
    values[free] = np.clip(0.0, program.column_lower, program.column_upper)[free]
    return values


def _duals(program: LinearProgram, model: Any, row_of: list[int]) -> FloatArray:
    """Return the row duals; those of a row's two sides add up."""
    if program.integer is not None:
        return np.full(program.n_rows, np.nan)
    duals = np.zeros(program.n_rows)
    # Both lines hand the constraints out in the order in which they were added.
    for row, constraint in zip(row_of, model.constraints(), strict=True):
        duals[row] += np.nan if constraint.pi is None else constraint.pi
    return duals
