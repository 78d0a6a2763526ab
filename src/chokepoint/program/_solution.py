"""What a solver found, with the names of the program."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.program._blocks import Block, Blocks
from chokepoint.program._program import LinearProgram

__all__ = ["Solution", "Status", "duality_gap"]

FloatArray = NDArray[np.float64]


class Status(StrEnum):
    """Why a solver stopped."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    INFEASIBLE_OR_UNBOUNDED = "infeasible or unbounded"
    TIME_LIMIT = "time limit"
    ITERATION_LIMIT = "iteration limit"
    STOPPED = "stopped early"
    FAILED = "failed"


@dataclass(frozen=True, eq=False)
class Solution:
    """An optimum of a linear program.

    Attributes
    ----------
    program : LinearProgram
        What was solved.
    status : Status
        Why the solver stopped; a solution that is handed out is optimal.
    objective : float
        Cost at the optimum, offset included.
    values, reduced_costs : array (columns,)
        Columns at the optimum, and the change of cost per unit by which a column is forced up.
    activities, duals : array (rows,)
        Rows at the optimum, and the change of cost per unit by which a binding bound is raised.
        NaN where a solver gives none (whole-number programs).
    gap : float
        Relative distance between the cost and the bound that duals or branching prove.
    iterations : int
        Iterations of the solver; -1 where it does not tell.
    seconds : float
        Time spent building for the solver and solving.
    solver : str
        Name and version of the solver.
    """

    program: LinearProgram
    status: Status
    objective: float
    values: FloatArray = field(repr=False)
    reduced_costs: FloatArray = field(repr=False)
    activities: FloatArray = field(repr=False)
    duals: FloatArray = field(repr=False)
    gap: float
    iterations: int
    seconds: float
    solver: str

    @cached_property
    def primal(self) -> pd.DataFrame:
        """Columns: block, label, unit, value, reduced_cost."""
        frame = self.program.columns.frame()
        return frame.assign(value=self.values, reduced_cost=self.reduced_costs)

    @cached_property
    def dual(self) -> pd.DataFrame:
        """Rows: block, label, unit, activity, dual."""
        return self.program.rows.frame().assign(activity=self.activities, dual=self.duals)

    def values_of(self, block: str) -> pd.Series:
        """Return the columns of one block by label."""
        return _part(self.values, self.program.columns, block)

    def reduced_costs_of(self, block: str) -> pd.Series:
        """Return the reduced costs of one block of columns by label."""
        return _part(self.reduced_costs, self.program.columns, block)

    def duals_of(self, block: str) -> pd.Series:
        """Return the duals of one block of rows by label."""
        return _part(self.duals, self.program.rows, block)

    def __repr__(self) -> str:
        return (
            f"<Solution of {self.program.name}: {self.status}, objective {self.objective:.10g}, "
            f"gap {self.gap:.1e}, {self.iterations} iterations, {self.seconds:.2f} s, "
            f"{self.solver}>"
        )


def _part(numbers: FloatArray, blocks: Blocks, name: str) -> pd.Series:
    block: Block = blocks[name]
    return pd.Series(numbers[block.span], index=block.index, name=name)


def duality_gap(
    program: LinearProgram, objective: float, duals: FloatArray, reduced_costs: FloatArray
) -> float:
    r"""Return the relative distance between the cost and the bound that the duals prove.

    .. math:: b = \sum_i (y_i^+ \ell^r_i - y_i^- u^r_i) + \sum_j (d_j^+ \ell^c_j - d_j^- u^c_j)

    with row duals :math:`y` and reduced costs :math:`d = c - A^\top y`. By weak duality
    :math:`b` is at most the cost of every feasible point. A dual on an infinite bound makes
    the gap infinite unless it is below 1e-7 of the largest cost.
    """
    largest = float(np.abs(program.cost).max(initial=0.0)) or 1.0
    bound = program.offset
    for price, lower, upper in (
        (duals, program.row_lower, program.row_upper),
        (reduced_costs, program.column_lower, program.column_upper),
    ):
        at = np.where(price > 0, lower, upper)
        skipped = (price == 0) | (np.isinf(at) & (np.abs(price) <= 1e-7 * largest))
        bound += float(np.sum(price[~skipped] * at[~skipped]))
    return abs(objective - bound) / max(1.0, abs(objective))
