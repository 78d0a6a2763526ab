"""The planner's program under every choice of instruments, after money was spent on measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.program import Block, Blocks, LinearProgram, Part, ProgramBuilder
from chokepoint.resilience._adder import RowAdder
from chokepoint.resilience._attack._answer import Answer
from chokepoint.resilience._attack._penalty import tariffs_by_instrument
from chokepoint.resilience._columns import Columns, Model
from chokepoint.resilience._link import Linker
from chokepoint.resilience._modes import Reserved, add_modes, add_reserved
from chokepoint.resilience._plan_program import Task
from chokepoint.resilience._rows import Rows
from chokepoint.scenario import Effects

__all__ = ["PreparedAnswer"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class _Split:
    """A program whose columns of money are empty, and what was in them."""

    program: LinearProgram
    money: sparse.csr_array


class PreparedAnswer(Answer):
    """The planner who answers an attack with the measures that were bought before it.

    The first columns of :meth:`built` are money. :meth:`program` has them empty, and what was
    spent on the other side of the rows, so that all choices and all amounts of money share one
    matrix; :meth:`part` leaves the money open, for the defender's program.

    Parameters
    ----------
    task : Task
        The chain and what is on offer.
    effects : sequence of Effects
        What each instrument does, over the weeks of the task.
    targets : tuple of str
        Areas whose losses the planner minimises.

    Notes
    -----
    Plants that decay are taken to hold where something on offer could help their slots, as in
    :func:`chokepoint.resilience.plan`.
    """

    def __init__(self, task: Task, effects: Sequence[Effects], *, targets: tuple[str, ...]) -> None:
        self.task = task
        self.size = len(task.candidates.table)
        self._splits: dict[frozenset[int], _Split] = {}
        super().__init__(task.chain, effects, targets=targets, weeks=task.weeks, period=task.period)

    def _opened(self) -> dict[str, Any]:
        task = self.task
        return {
            "open_sites": task.open_sites, "open_edges": task.open_edges, "helped": task.helped,
            "labels": task.edge_labels,
        }  # fmt: skip

    def _add_spend(self, builder: ProgramBuilder) -> IntArray:
        return builder.columns("spend", [self.task.spend_labels], unit="USD million", lower=-np.inf)

    def _add_measures(
        self, builder: ProgramBuilder, model: Model, columns: Columns, rows: Rows, spend: IntArray
    ) -> Reserved:
        linker = Linker(builder, model, rows, self.task.candidates, spend)
        linker.link()
        add_modes(linker, RowAdder(builder, model, columns), columns)
        return add_reserved(linker)

    def program(self, choice: frozenset[int], spent: FloatArray | None = None) -> LinearProgram:
        """Return the program under a choice, after money was `spent` on measures."""
        if choice not in self._splits:
            self._splits[choice] = self._split(self.built(choice).program)
        split = self._splits[choice]
        if spent is None:
            return split.program
        moved = split.money @ spent
        lower, upper = split.program.row_lower - moved, split.program.row_upper - moved
        return replace(split.program, row_lower=lower, row_upper=upper)

    def _split(self, program: LinearProgram) -> _Split:
        entries = sparse.coo_array(program.matrix)
        own = entries.col >= self.size
        rest = sparse.csr_array(
            (entries.data[own], (entries.row[own], entries.col[own])), shape=program.matrix.shape
        )
        lower, upper = program.column_lower.copy(), program.column_upper.copy()
        lower[: self.size] = upper[: self.size] = 0.0
        money = sparse.csr_array(program.matrix[:, : self.size])
        return _Split(replace(program, matrix=rest, column_lower=lower, column_upper=upper), money)

    @cached_property
    def tariffs(self) -> sparse.csr_array:
        """Tariff on a unit of each column by instrument [USD million]."""
        return tariffs_by_instrument(self.program, self)

    def under(self, levels: FloatArray, spent: FloatArray) -> LinearProgram:
        """Return the program under given levels of the instruments."""
        program = self.program(_pulled(levels), spent)
        cost = self.program(frozenset()).cost + self.tariffs @ levels
        return replace(program, cost=np.asarray(cost))

    def part(self, levels: FloatArray, *, weight: float, prefix: str) -> Part:
        """Return the program under given levels with the money open."""
        program = self.built(_pulled(levels)).program
        cost = np.asarray(self.program(frozenset()).cost + self.tariffs @ levels)
        named = replace(
            program,
            cost=cost,
            rows=_prefixed(program.rows, prefix),
            columns=_prefixed(program.columns, prefix),
        )
        return Part(named, shared=self.size, weight=weight)


def _pulled(levels: FloatArray) -> frozenset[int]:
    return frozenset(np.flatnonzero(levels > 0.5).tolist())


def _prefixed(blocks: Blocks, prefix: str) -> Blocks:
    return Blocks([Block(prefix + one.name, one.unit, one.axes, one.start) for one in blocks])
