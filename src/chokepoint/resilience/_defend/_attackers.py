"""The strongest attack on given measures: every choice one by one, or the attacker's program."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from chokepoint.errors import OptionError, SolverError
from chokepoint.program import HighsSession, LinearProgram
from chokepoint.resilience._attack._instruments import Instruments
from chokepoint.resilience._attack._search import strongest_exact
from chokepoint.resilience._defend._answer import PreparedAnswer

__all__ = ["Enumerated", "Method", "Programmed", "Strongest", "make_attacker"]

FloatArray = NDArray[np.float64]
Method = Literal["auto", "enumerated", "program"]

# Up to this many choices are solved one by one, each from the basis of the one before.
_ONE_BY_ONE = 128


@dataclass(frozen=True, eq=False)
class Strongest:
    """The attack that costs the planner most.

    Attributes
    ----------
    levels : array (K,)
        Levels of the instruments.
    loss : float
        The planner's loss under it [USD million].
    bound : float
        No attack costs more.
    """

    levels: FloatArray
    loss: float
    bound: float


class Enumerated:
    """Every choice is answered by the planner; whole instruments only.

    All choices and all amounts of money share one matrix, so one session of HiGHS holds them.
    """

    def __init__(self, answer: PreparedAnswer, instruments: Instruments) -> None:
        if instruments.charges.any():
            named = ", ".join(instruments.names[instruments.charges])
            raise OptionError(
                f"Expected instruments that are pulled or not, got tariffs ({named}), which may be "
                'pulled in part. Take method="program".'
            )
        self.answer, self.instruments = answer, instruments
        self.choices = instruments.choices()
        self._session = HighsSession(answer.program(frozenset()))

    def strongest(self, spent: FloatArray, *, time_limit: float | None = None) -> Strongest:
        """Return the strongest attack once money is spent; of equal ones the smallest."""
        best, worst = self.choices[0], -math.inf
        for choice in self.choices:
            program = self.answer.program(frozenset(choice), spent)
            _move(self._session, program)
            loss = self._session.solve(time_limit=time_limit).objective
            if loss > worst + 1e-9 * max(1.0, abs(loss)):
                best, worst = choice, loss
        levels = np.zeros(len(self.instruments))
        levels[list(best)] = 1.0
        return Strongest(levels, worst, worst)


def _move(session: HighsSession, program: LinearProgram) -> None:
    """Give a session the bounds and costs of another program with the same matrix.

    Costs differ where an instrument charges a tariff beside what it stops.
    """
    held = session.program
    rows = np.flatnonzero(
        (held.row_lower != program.row_lower) | (held.row_upper != program.row_upper)
    )
    if len(rows):
        session.change_rows(rows, lower=program.row_lower[rows], upper=program.row_upper[rows])
    columns = np.flatnonzero(
        (held.column_lower != program.column_lower) | (held.column_upper != program.column_upper)
    )
    if len(columns):
        session.change_columns(
            columns, lower=program.column_lower[columns], upper=program.column_upper[columns]
        )
    dearer = np.flatnonzero(held.cost != program.cost)
    if len(dearer):
        session.change_costs(dearer, program.cost[dearer])


class Programmed:
    """The attacker's mixed-integer program; see :func:`chokepoint.resilience.attack`."""

    def __init__(self, answer: PreparedAnswer, instruments: Instruments, *, gap: float) -> None:
        self.answer, self.instruments, self.gap = answer, instruments, gap

    def strongest(self, spent: FloatArray, *, time_limit: float | None = None) -> Strongest:
        """Return the strongest attack once money is spent."""
        found, loss = strongest_exact(
            self.answer, self.instruments, spent=spent, gap=self.gap, time_limit=time_limit
        )
        if not np.isfinite(found.bound):
            raise SolverError(
                f"The attacker's program has no bound ({found.solution.solver}). Take "
                'method="enumerated", or a longer time_limit.'
            )
        return Strongest(found.levels, loss, max(found.bound, loss))


def make_attacker(
    method: Method,
    answer: PreparedAnswer,
    instruments: Instruments,
    *,
    gap: float,
) -> Enumerated | Programmed:
    """Return the search that is asked for; "auto" goes by the number of choices."""
    if method not in get_args(Method):
        raise OptionError(f'Expected method "auto", "enumerated" or "program", got {method!r}.')
    few = _number_of_choices(instruments) <= _ONE_BY_ONE and not instruments.charges.any()
    if method == "enumerated" or (method == "auto" and few):
        return Enumerated(answer, instruments)
    return Programmed(answer, instruments, gap=gap)


def _number_of_choices(instruments: Instruments) -> int:
    """Return how many choices there are within the number; costs may rule out some of them."""
    size = len(instruments)
    return sum(math.comb(size, number) for number in range(int(min(instruments.most, size)) + 1))
