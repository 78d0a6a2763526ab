"""Two-stage programs solved case by case: the L-shaped method with level sets."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chokepoint.errors import ConvergenceError
from chokepoint.program._case import Case
from chokepoint.program._master import Cut, Master, Projector
from chokepoint.program._risk import CVaR
from chokepoint.program._solution import Solution, Status
from chokepoint.program._two_stage import TwoStage

__all__ = ["Decomposed", "Decomposition"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

# Of the way from the best point found to the lower bound, how far the next level goes.
_STEP = 0.7


@dataclass(frozen=True, eq=False)
class Decomposed:
    """The best first stage that was found, and how good it is at least.

    Attributes
    ----------
    x : array
        First stage.
    objective, bound : float
        Its cost, and a lower bound on every other.
    costs : array (cases,)
        Cost of each case.
    worth : array (shared columns,)
        By how much one more unit of each column changes the cost of all cases, where the
        bound is reached.
    master : Solution
        Last optimum of the master, whole numbers fixed: duals of the rows of the first stage.
    rounds, solved : int
        Rounds of cuts, and cases that were solved.
    seconds : float
        Time spent.
    """

    x: FloatArray = field(repr=False)
    objective: float
    bound: float
    costs: FloatArray = field(repr=False)
    worth: FloatArray = field(repr=False)
    master: Solution = field(repr=False)
    rounds: int
    solved: int
    seconds: float

    @property
    def gap(self) -> float:
        """Relative distance between cost and bound."""
        return max(self.objective - self.bound, 0.0) / max(1.0, abs(self.objective))


class Decomposition:
    r"""A two-stage program held in pieces, to be solved again and again.

    In each round every case is solved at the first stage :math:`x^k`; its cost
    :math:`Q_w(x^k)` and slope :math:`g_w` (reduced costs of the shared columns, which are
    fixed there) give a cut :math:`Q_w(x) \ge Q_w(x^k) + g_w^\top (x - x^k)` (Van Slyke and
    Wets, 1969; one for each case: Birge and Louveaux, 1988). Where a case has no answer at
    all, the least sum of missed rows gives a limit in the same way. The next point is the one
    nearest to the best so far within a level between the best cost and the lower bound (level
    sets: Lemarechal, Nemirovskii and Nesterov, 1995). With whole numbers in the first stage
    the program without them is solved first, then the master with them.

    Cuts hold whatever the costs, bounds and risk of the first stage are: further solutions
    start from all cuts found so far.

    Parameters
    ----------
    problem : TwoStage
        The program; no part may have whole numbers.
    floor : float
        A lower bound on the cost of every case.
    threads : int
        Cases that are solved at once.
    options : mapping, optional
        Options of HiGHS for the cases.

    Examples
    --------
    >>> from chokepoint.program import Decomposition, Part, ProgramBuilder, TwoStage
    >>> def guests(number):
    ...     builder = ProgramBuilder(f"{number} guests")
    ...     bake = builder.columns("bake", unit="loaf")
    ...     missing = builder.columns(f"missing {number}", unit="loaf", cost=4)
    ...     row = builder.rows(f"eaten {number}", unit="loaf", lower=number)
    ...     builder.add(row, bake, 1.0)
    ...     builder.add(row, missing, 1.0)
    ...     return Part(builder.build(), shared=1, weight=0.5)
    >>> builder = ProgramBuilder("bakery")
    >>> bake = builder.columns("bake", unit="loaf", upper=9, cost=1)
    >>> pieces = Decomposition(TwoStage(builder.build(), [guests(1), guests(3)]))
    >>> found = pieces.solve()
    >>> found.objective, found.x.tolist()
    (3.0, [3.0])
    """

    def __init__(
        self,
        problem: TwoStage,
        *,
        floor: float = 0.0,
        threads: int = 2,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.problem, self._floor, self._threads = problem, floor, threads
        self._cases = [Case(number, part, options) for number, part in enumerate(problem.parts)]
        self._cuts: list[Cut] = []
        self._solved = 0
        self._start()

    def _start(self) -> None:
        """Make masters for the first stage and the risk, with all cuts found so far."""
        self._master = Master(self.problem, floor=self._floor)
        self._projector = Projector(self.problem, floor=self._floor)
        for one in (self._master, self._projector):
            one.add(self._cuts)

    def change_rows(self, rows: IntArray, *, lower: FloatArray, upper: FloatArray) -> None:
        """Set new bounds of rows of the first stage."""
        first = self.problem.first
        low, high = first.row_lower.copy(), first.row_upper.copy()
        low[rows], high[rows] = lower, upper
        fresh = replace(first, row_lower=low, row_upper=high)
        self.problem = replace(self.problem, first=fresh)
        for one in (self._master, self._projector):
            one.change_rows(rows, lower=lower, upper=upper)

    def change_risk(self, risk: CVaR | None) -> None:
        """Weigh the cases anew."""
        self.problem = replace(self.problem, risk=risk)
        self._start()

    def evaluate(self, x: FloatArray) -> FloatArray:
        """Return the cost of every case at `x`, and keep the cuts; infinite without an answer."""
        with ThreadPoolExecutor(self._threads) as pool:
            found = list(pool.map(lambda case: case.cut(x), self._cases))
        self._solved += len(found)
        cuts = [cut for _, cut in found]
        self._cuts += cuts
        for one in (self._master, self._projector):
            one.add(cuts)
        return np.array([cost for cost, _ in found])

    def values(self, number: int) -> FloatArray:
        """Return the columns of one case as they were when it was solved last."""
        return self._cases[number].values

    def solve(
        self,
        *,
        tolerance: float = 1e-6,
        start: FloatArray | None = None,
        most_rounds: int = 500,
        time_limit: float | None = None,
        restore: bool = True,
    ) -> Decomposed:
        """Return a first stage whose cost is within `tolerance` of the least.

        Parameters
        ----------
        tolerance : float
            Largest relative gap.
        start : array, optional
            First point to try; None = what the master says.
        most_rounds : int
            Rounds after which it stops.
        time_limit : float, optional
            Seconds after which it stops.
        restore : bool
            Whether the cases are solved at the best point once more, so that :meth:`values`
            belongs to it.

        Raises
        ------
        ConvergenceError
            If it stops before the gap is reached; the message says how far it came.
        InfeasibleError
            If no first stage leaves every case an answer.
        """
        began = time.perf_counter()
        search = _Search(self, tolerance, most_rounds, began, time_limit)
        search.run(start)
        if restore and not search.at_best:
            search.costs = self.evaluate(search.best)
        final = self._master.without_whole_numbers(search.best)
        return Decomposed(
            x=search.best,
            objective=search.cost,
            bound=search.bound,
            costs=search.costs,
            worth=self._master.worth(final, self.problem.parts[0].shared),
            master=final,
            rounds=search.rounds,
            solved=self._solved,
            seconds=time.perf_counter() - began,
        )

    def least(self) -> Solution:
        """Return the optimum of the master: a bound, and a point."""
        return self._master.solve()

    def near(self, centre: FloatArray, level: float) -> FloatArray | None:
        """Return the point of a level set nearest to `centre`; None where there is none."""
        raw = self._projector.nearest(centre, level)
        return raw.values[: self.problem.first.n_columns] if raw.status is Status.OPTIMAL else None


class _Search:
    """One run of the method: the best point, the bound, and when to stop."""

    def __init__(
        self,
        pieces: Decomposition,
        tolerance: float,
        most_rounds: int,
        began: float,
        time_limit: float | None,
    ) -> None:
        self.pieces, self.tolerance, self.most_rounds = pieces, tolerance, most_rounds
        self.deadline = np.inf if time_limit is None else began + time_limit
        self.n = pieces.problem.first.n_columns
        self.best = np.zeros(self.n)
        self.costs = np.zeros(0)
        self.cost, self.bound, self.rounds = np.inf, -np.inf, 0
        self.at_best = False

    def run(self, start: FloatArray | None) -> None:
        """Go on until the gap is closed."""
        x = self._bounded() if start is None else start
        while not self._closed():
            if self.rounds >= self.most_rounds or time.perf_counter() > self.deadline:
                raise ConvergenceError(self._message())
            self.rounds += 1
            costs = self.pieces.evaluate(x)
            cost = self.pieces.problem.value(x, costs) if np.isfinite(costs).all() else np.inf
            self.at_best = cost < self.cost
            if self.at_best:
                self.best, self.cost, self.costs = x, cost, costs
            x = self._next()

    def _bounded(self) -> FloatArray:
        solution = self.pieces.least()
        self.bound = max(self.bound, solution.objective)
        return solution.values[: self.n]

    def _next(self) -> FloatArray:
        lowest = self._bounded()
        if not np.isfinite(self.cost) or self.pieces.problem.first.integer is not None:
            return lowest
        level = self.cost - _STEP * (self.cost - self.bound)
        near = self.pieces.near(self.best, level)
        return lowest if near is None else near

    def _closed(self) -> bool:
        gap = (self.cost - self.bound) / max(1.0, abs(self.cost)) if self.rounds else np.inf
        return bool(np.isfinite(self.cost) and gap <= self.tolerance)

    def _message(self) -> str:
        return (
            f"{self.pieces.problem.first.name}: stopped after {self.rounds} rounds between "
            f"{self.bound:.6g} and {self.cost:.6g}; expected a relative gap of at most "
            f"{self.tolerance:g}. Allow more time, a larger tolerance, or longer periods."
        )
