"""Hand a program to a named solver and turn what comes back into a solution or an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chokepoint.errors import InfeasibleError, OptionError, SolverError
from chokepoint.program._elastic import conflict
from chokepoint.program._highs import HighsSession, Raw
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
        rows = conflict(program)
        if rows or raw.status is Status.INFEASIBLE:
            raise InfeasibleError(_infeasible(program, raw, rows))
    raise SolverError(
        f"{program.name}: {raw.solver} ended with {raw.status.value!r} after {raw.seconds:.1f} s "
        f"and {raw.iterations} iterations, without an optimum. {_ADVICE[raw.status]}"
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


def _infeasible(program: LinearProgram, raw: Raw, rows: list[str]) -> str:
    hint = f" These rows contradict each other: {'; '.join(rows)}." if rows else ""
    return (
        f"{program.name}: no solution satisfies all rows ({raw.solver}).{hint} Relax one of them."
    )
