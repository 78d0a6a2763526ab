r"""Rounds of defender and attacker: columns and constraints for one attack after the other.

.. math::
    \min_{y \in Y} \max_{b \in B} Q_b(y) = \min_{y, \eta}\ \eta
    \quad\text{s.t.}\quad \eta \ge Q_b(y)\ \text{for all}\ b \in B

with :math:`Q_b(y)` the planner's least loss under attack b after y was spent. The defender's
program holds the attacks found so far, each with all columns and rows of the planner's answer,
and bounds the worst loss from below; the strongest attack on its measures bounds that from above
and is added (Zeng and Zhao 2013).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.errors import ConvergenceError
from chokepoint.program import CVaR, TwoStage
from chokepoint.resilience._attack._instruments import Instruments
from chokepoint.resilience._defend._answer import PreparedAnswer
from chokepoint.resilience._defend._attackers import Enumerated, Programmed, Strongest
from chokepoint.resilience._first_stage import FirstStage
from chokepoint.resilience._plan_program import PlanProgram
from chokepoint.resilience._solve_plan import Solved, read_whole

__all__ = ["Rounds", "Settled"]

FloatArray = NDArray[np.float64]

_AGREE = 2e-5
"""Relative gap that is left where the attacker's program repeats an attack."""
_SAME = 1e-7
_COLUMNS = ["round", "attack", "loss", "spent", "lower", "upper", "gap", "seconds"]


@dataclass(frozen=True, eq=False)
class Settled:
    """What the rounds came to.

    Attributes
    ----------
    x : array
        First stage of the plan whose worst loss is the least that was found.
    worst : Strongest
        The strongest attack on it.
    attacks : list of array (K,)
        Levels of all attacks found, the strongest without a plan first.
    first : Strongest
        The strongest attack where nothing is bought.
    lower, upper : float
        Bounds on the worst loss of the best plan, with the cost of thrift [USD million].
    table : pandas.DataFrame
        One row a round.
    master : Solved or None
        The last program of the defender; None where there was none.
    """

    x: FloatArray
    worst: Strongest
    attacks: list[FloatArray]
    first: Strongest
    lower: float
    upper: float
    table: pd.DataFrame
    master: Solved | None

    @property
    def gap(self) -> float:
        """Relative distance between the bounds."""
        return _gap(self.lower, self.upper)


@dataclass(eq=False)
class Rounds:
    """Rounds of defender and attacker.

    Attributes
    ----------
    answer, first, instruments, attacker
        The planner, the defender's money, what the attacker may pull, and how it is searched.
    tolerance : float
        Relative distance of the bounds at which the rounds end.
    most : int
        Number of rounds at most.
    solver, time_limit, options
        Of the defender's programs; seconds for all rounds.
    """

    answer: PreparedAnswer
    first: FirstStage
    instruments: Instruments
    attacker: Enumerated | Programmed
    tolerance: float
    most: int
    solver: str = "highs"
    time_limit: float | None = None
    options: Mapping[str, Any] | None = None
    attacks: list[FloatArray] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)

    def run(self) -> Settled:
        """Return the plan that is best against its worst attack.

        Raises
        ------
        ConvergenceError
            If the bounds are still apart after the rounds, or the time, allowed.
        """
        self._started = time.perf_counter()
        x = np.zeros(self.first.program.n_columns)
        lower, upper = 0.0, np.inf
        best: tuple[FloatArray, Strongest] | None = None
        first, master = None, None
        for number in range(1, self.most + 1):
            hit = self.attacker.strongest(self._money(x), time_limit=self._left(lower, upper))
            first = first or hit
            worst = self._thrift(x) + hit.bound
            if best is None or worst < upper:
                upper, best = worst, (x, hit)
            new = not any(np.allclose(hit.levels, one, atol=_SAME) for one in self.attacks)
            if new:
                self.attacks.append(hit.levels)
            spent = float(self._money(x).sum())
            if new and _gap(lower, upper) > self.tolerance:
                master = self._defend(self._left(lower, upper))
                x, lower = master.x, max(lower, master.bound)
            self._note(number, hit, spent, lower, upper)
            if _gap(lower, upper) <= (self.tolerance if new else max(self.tolerance, _AGREE)):
                return Settled(*best, self.attacks, first, lower, upper, self._table(), master)
            if not new:
                break
        raise ConvergenceError(
            f"After round {len(self.rows)} the worst loss lies between {lower:,.6g} and "
            f"{upper:,.6g} USD million: expected a gap of at most {self.tolerance:g}, got "
            f"{_gap(lower, upper):.2g}. Allow more rounds (most_rounds), a larger tolerance, or "
            "offer fewer instruments."
        )

    def _money(self, x: FloatArray) -> FloatArray:
        return np.maximum(x[: self.answer.size], 0.0)

    def _thrift(self, x: FloatArray) -> float:
        program = self.first.program
        return float(program.cost @ x + program.offset)

    def _left(self, lower: float, upper: float) -> float | None:
        """Return the seconds that are left."""
        if self.time_limit is None:
            return None
        left = self.time_limit - (time.perf_counter() - self._started)
        if left <= 0:
            raise ConvergenceError(
                f"After round {len(self.rows)} and {self.time_limit:g} s the worst loss lies "
                f"between {lower:,.6g} and {upper:,.6g} USD million: expected a gap of at most "
                f"{self.tolerance:g}, got {_gap(lower, upper):.2g}. Allow more time, or a larger "
                "tolerance."
            )
        return left

    def _defend(self, time_limit: float | None) -> Solved:
        """Return the plan that is best against the attacks found so far."""
        size = len(self.attacks)
        parts = [
            self.answer.part(levels, weight=1.0 / size, prefix=f"attack {number}: ")
            for number, levels in enumerate(self.attacks)
        ]
        # The mean of the worst half of an equal share is the largest of all.
        risk = CVaR(1.0 - 0.5 / size, weight=1.0)
        problem = TwoStage(self.first.program, parts, risk)
        whole = problem.extensive()
        solution = whole.solve(solver=self.solver, time_limit=time_limit, options=self.options)
        program = PlanProgram(problem, self.first, [])
        return read_whole(program, solution, self.solver, self.options)

    def _note(self, number: int, hit: Strongest, spent: float, lower: float, upper: float) -> None:
        name = self.instruments.label(np.flatnonzero(hit.levels > 0).tolist())
        seconds = time.perf_counter() - self._started
        self.rows.append((number, name, hit.loss, spent, lower, upper, _gap(lower, upper), seconds))

    def _table(self) -> pd.DataFrame:
        table = pd.DataFrame(self.rows, columns=_COLUMNS).set_index("round")
        table.attrs["unit"] = "USD million; seconds since the first round began"
        return table


def _gap(lower: float, upper: float) -> float:
    return max(upper - lower, 0.0) / max(1.0, abs(upper)) if np.isfinite(upper) else np.inf
