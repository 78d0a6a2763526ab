"""Hand a program to a named solver and turn what comes back into a solution or an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chokepoint.errors import InfeasibleError, OptionError, SolverError
from chokepoint.program._conflict import Conflict, conflict, directions
from chokepoint.program._highs import HighsSession
from chokepoint.program._highs_model import Raw
from chokepoint.program._program import LinearProgram
from chokepoint.program._solution import Solution, Status

__all__ = ["checked", "solve"]


def solve(
    program: LinearProgram,
    *,
    solver: str,
    time_limit: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> Solution:
    """Solve `program`; see :meth:`LinearProgram.solve`."""
    kind, _, name = solver.partition(":")
    if solver == "highs":
        raw = HighsSession(program, options=options).run(time_limit=time_limit)
    elif kind == "pulp" and name:
        from chokepoint.program._pulp import run

        raw = run(program, name, time_limit=time_limit, options=options)
    else:
        raise OptionError(
            f'Expected solver "highs" or "pulp:NAME" (for example "pulp:HiGHS"), got {solver!r}.'
        )
    return checked(program, raw)


def checked(program: LinearProgram, raw: Raw) -> Solution:
    """Return the solution of an optimal run; raise for every other status."""
    if raw.status is Status.OPTIMAL and not np.isnan(raw.values).any():
        return Solution(
            program=program,
            status=raw.status,
            objective=raw.objective,
            values=raw.values,
            reduced_costs=raw.reduced_costs,
            activities=raw.activities,
            duals=raw.duals,
            gap=raw.gap,
            iterations=raw.iterations,
            seconds=raw.seconds,
            solver=raw.solver,
        )
    if raw.status in (Status.INFEASIBLE, Status.INFEASIBLE_OR_UNBOUNDED):
        found = conflict(program)
        if found.bounds or raw.status is Status.INFEASIBLE:
            raise InfeasibleError(_infeasible(program, raw, found))
    advice = _ADVICE[raw.status]
    if raw.status in (Status.UNBOUNDED, Status.INFEASIBLE_OR_UNBOUNDED):
        grown = directions(program)
        advice += f" It falls for ever along: {', '.join(grown)}." if grown else ""
    raise SolverError(
        f"{program.name}: {raw.solver} ended with {raw.status.value!r} after {raw.seconds:.1f} s "
        f"and {raw.iterations} iterations, without an optimum. {advice}"
    )


_UNBOUNDED = "Some column with a negative cost has no upper bound: bound it."
_ADVICE = {
    Status.OPTIMAL: "It gave no values: try another solver.",
    Status.UNBOUNDED: _UNBOUNDED,
    Status.INFEASIBLE_OR_UNBOUNDED: _UNBOUNDED,
    Status.INFEASIBLE: "",
    Status.TIME_LIMIT: "Allow more time, or make the program smaller (longer periods).",
    Status.ITERATION_LIMIT: "Allow more iterations.",
    Status.STOPPED: "Take away the limit that stopped it.",
    Status.FAILED: 'Try another solver, or options={"solver": "ipm"} for HiGHS.',
}


def _infeasible(program: LinearProgram, raw: Raw, found: Conflict) -> str:
    hint = f" {found.text()} Relax one of them." if found.bounds else ""
    if not found.bounds and found.searched and program.integer is not None:
        hint = " Without whole numbers there is one: the whole numbers stand in the way."
    return f"{program.name}: no solution satisfies all rows ({raw.solver}).{hint}"
