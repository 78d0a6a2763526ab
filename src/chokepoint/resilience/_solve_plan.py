"""Ways to solve a plan program: all threats at once, or one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chokepoint.errors import InfeasibleError, OptionError
from chokepoint.program import Decomposition, LinearProgram, Solution
from chokepoint.resilience._plan_program import Answer, PlanProgram

__all__ = [
    "Method",
    "Solved",
    "answers_to",
    "choose",
    "read_whole",
    "solve_pieces",
    "solve_plan",
]

FloatArray = NDArray[np.float64]
Method = Literal["auto", "extensive", "decomposed"]

# Up to this many coefficients one program is solved sooner than its pieces.
_ALL_AT_ONCE = 1_000_000
# An infeasible program of at most this many rows is put together to name what contradicts.
_MOST_ROWS = 200_000


@dataclass(frozen=True, eq=False)
class Solved:
    """A solved plan program.

    Attributes
    ----------
    x : array
        First stage.
    values : list of array
        Columns of each threat's program at `x`.
    worth : array (candidates,)
        Loss avoided by one more USD for each candidate, as the threats are weighed.
    prices : array
        Duals of the rows of the first stage.
    objective, bound : float
        Cost of the plan, and a lower bound on every other.
    solution : Solution
        Optimum of the whole program, or of the master.
    method : str
        "extensive" or "decomposed".
    rounds : int
        Rounds of cuts; 0 for the extensive form.
    """

    x: FloatArray
    values: list[FloatArray]
    worth: FloatArray
    prices: FloatArray
    objective: float
    bound: float
    solution: Solution
    method: str
    rounds: int = 0

    @property
    def gap(self) -> float:
        """Relative distance between cost and bound."""
        return max(self.objective - self.bound, 0.0) / max(1.0, abs(self.objective))


def choose(method: Method, program: PlanProgram, solver: str) -> str:
    """Return how the program is to be solved."""
    if method not in ("auto", "extensive", "decomposed"):
        raise OptionError(f'Expected method "auto", "extensive" or "decomposed", got {method!r}.')
    if method == "decomposed" and solver != "highs":
        raise OptionError(f'Expected solver="highs" for method="decomposed", got {solver!r}.')
    if method != "auto":
        return method
    size = sum(answer.part.program.n_coefficients for answer in program.answers)
    return "extensive" if solver != "highs" or size <= _ALL_AT_ONCE else "decomposed"


def solve_plan(
    program: PlanProgram,
    *,
    method: str,
    solver: str,
    tolerance: float,
    threads: int,
    time_limit: float | None,
    options: Mapping[str, Any] | None,
) -> Solved:
    """Solve a plan program."""
    if method == "extensive":
        whole = program.problem.extensive()
        solution = whole.solve(solver=solver, time_limit=time_limit, options=options)
        return read_whole(program, solution, solver, options)
    pieces = Decomposition(program.problem, threads=threads, options=options)
    return solve_pieces(program, pieces, tolerance=tolerance, time_limit=time_limit)


def read_whole(
    program: PlanProgram, solution: Solution, solver: str, options: Mapping[str, Any] | None
) -> Solved:
    problem = program.problem
    n_rows, size = problem.first.n_rows, problem.first.n_columns
    priced = solution
    if solution.program.integer is not None:
        priced = _fixed(solution).solve(solver=solver, options=options)
    answers = solution.program.matrix[n_rows:]
    shared = problem.parts[0].shared
    values = [problem.values_of_part(solution.values, k) for k in range(len(problem.parts))]
    if problem.tail_weight >= 1.0 and program.answers:
        # Cases outside the tail cost nothing there, so that nobody looked for the best answer.
        spend = solution.values[:shared]
        values = answers_to(program.answers, spend, solver=solver, threads=1, options=options)
    return Solved(
        x=solution.values[:size],
        values=values,
        worth=np.asarray((answers.T @ priced.duals[n_rows:])[:shared]),
        prices=priced.duals[:n_rows],
        objective=solution.objective,
        bound=solution.objective * (1.0 - min(max(solution.gap, 0.0), 1.0)),
        solution=solution,
        method="extensive",
    )


def _fixed(solution: Solution) -> LinearProgram:
    """Return the program with the whole numbers as they are in a solution."""
    program = solution.program
    assert program.integer is not None
    whole = np.flatnonzero(program.integer)
    lower, upper = program.column_lower.copy(), program.column_upper.copy()
    lower[whole] = upper[whole] = np.round(solution.values[whole])
    return replace(program, column_lower=lower, column_upper=upper, integer=None)


def solve_pieces(
    program: PlanProgram,
    pieces: Decomposition,
    *,
    tolerance: float,
    time_limit: float | None = None,
    start: FloatArray | None = None,
) -> Solved:
    """Solve a plan program threat by threat, from the cuts that are there."""
    begin = np.zeros(program.problem.first.n_columns) if start is None else start
    try:
        found = pieces.solve(tolerance=tolerance, start=begin, time_limit=time_limit)
    except InfeasibleError:
        # Cuts have no names; the whole program has, where it is not too large.
        rows = sum(answer.part.program.n_rows for answer in program.answers)
        if rows <= _MOST_ROWS:
            pieces.problem.extensive().solve()
        raise
    n_rows = program.problem.first.n_rows
    return Solved(
        x=found.x,
        values=[pieces.values(number) for number in range(len(program.answers))],
        worth=-found.worth,
        prices=found.master.duals[:n_rows],
        objective=found.objective,
        bound=found.bound,
        solution=found.master,
        method="decomposed",
        rounds=found.rounds,
    )


def answers_to(
    answers: Sequence[Answer],
    spend: FloatArray,
    *,
    solver: str,
    threads: int,
    relaxed: bool = False,
    time_limit: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> list[FloatArray]:
    """Return the columns of each threat's program where `spend` is spent.

    Parameters
    ----------
    relaxed : bool
        Whether markets may be served less than they must be.
    """

    def solve(answer: Answer) -> FloatArray:
        program = answer.part.program
        lower, upper = program.column_lower.copy(), program.column_upper.copy()
        lower[: len(spend)] = upper[: len(spend)] = spend
        rows = program.row_lower.copy()
        if relaxed:
            rows[answer.service] = -np.inf
        fixed = replace(program, column_lower=lower, column_upper=upper, row_lower=rows)
        return fixed.solve(solver=solver, time_limit=time_limit, options=options).values

    if solver != "highs":
        return [solve(answer) for answer in answers]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(solve, answers))
