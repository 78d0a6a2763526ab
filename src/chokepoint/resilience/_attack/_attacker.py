r"""The attacker's program: the planner's program turned over, with the choice as columns.

With :math:`y` the prices of rows and :math:`d` those of column bounds,

.. math::
    \max_{b, y, d} \sum_i (\ell_i y_i^+ - u_i y_i^-) + \sum_j (\ell_j d_j^+ - u_j d_j^-)
    \quad\text{s.t.}\quad A^\top y + d^+ - d^- = c + M \circ b,

which is the planner's least loss under the choice b. There are no products of b and y: only
costs depend on b. With whole b this is a mixed-integer program, with tariffs alone a linear one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.program import ProgramBuilder, Solution
from chokepoint.resilience._attack._instruments import Instruments
from chokepoint.resilience._attack._penalty import Penalised

__all__ = ["Cut", "Found", "Prices", "add_choice", "add_prices", "mip_options", "strongest"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True)
class Cut:
    """A choice that is ruled out."""

    pulled: frozenset[int]


@dataclass(frozen=True, eq=False)
class Prices:
    """Columns of prices, and what each adds to the planner's cost.

    Attributes
    ----------
    columns : array of int
        Positions.
    worth : array
        Coefficients in the dual objective.
    """

    columns: IntArray
    worth: FloatArray


def add_choice(
    builder: ProgramBuilder,
    instruments: Instruments,
    parts: Penalised,
    *,
    cuts: Sequence[Cut] = (),
    harm: FloatArray | None = None,
    harm_limit: float | None = None,
) -> IntArray:
    """Add columns for the choice and rows for what is allowed; return the columns' positions."""
    names = instruments.names
    whole = np.flatnonzero(~instruments.charges)
    part = np.flatnonzero(instruments.charges)
    pull = np.empty(parts.n_variables, dtype=np.intp)
    pull[whole] = builder.columns("pull", [names[whole]], unit="", upper=1.0, integer=True)
    pull[part] = builder.columns("level", [names[part]], unit="", upper=1.0)
    size = len(instruments)
    together = np.arange(size, parts.n_variables)
    pull[together] = builder.columns("together", [pd.Index(together)], unit="", upper=1.0)
    own = pull[:size]
    if np.isfinite(instruments.most):
        builder.add(builder.rows("number", unit="", upper=instruments.most), own, 1.0)
    if np.isfinite(instruments.budget):
        builder.add(builder.rows("cost", unit="", upper=instruments.budget), own, instruments.costs)
    if harm is not None and harm_limit is not None:
        builder.add(builder.rows("harm", unit="USD million", upper=harm_limit), own, harm)
    _add_groups(builder, parts, pull)
    for number, cut in enumerate(cuts):
        signs = np.array([-1.0 if k in cut.pulled else 1.0 for k in whole])
        row = builder.rows(f"cut {number}", unit="", lower=1.0 - len(cut.pulled & {*whole}))
        builder.add(row, own[whole], signs)
    return pull


def _add_groups(builder: ProgramBuilder, parts: Penalised, pull: IntArray) -> None:
    """Exactly one subset of each group is the one that was pulled."""
    for number, (members, places) in enumerate(parts.groups):
        one = builder.rows(f"one subset {number}", unit="", lower=1.0, upper=1.0)
        builder.add(one, pull[list(places.values())], 1.0)
        rows = builder.rows(f"members {number}", [members], unit="", lower=0.0, upper=0.0)
        for row, member in zip(rows, members, strict=True):
            holding = [place for subset, place in places.items() if member in subset]
            builder.add(row, pull[holding], 1.0)
            builder.add(row, pull[member], -1.0)


def add_prices(
    builder: ProgramBuilder, parts: Penalised, pull: IntArray, *, maximised: bool = True
) -> Prices:
    """Add the columns of prices and the rows that tie them to costs.

    With `maximised` the planner's cost that the prices prove is the objective, with its sign
    turned since programs minimise.
    """
    program = parts.program
    prices = _Prices(builder, maximised)
    matrix = sparse.coo_array(program.matrix)
    fixed = (program.column_lower == program.column_upper) & (program.column_lower == 0)
    value = _value_rows(builder, parts, np.flatnonzero(~fixed))
    scale = np.where(parts.penalty > 0, 1.0 / np.maximum(parts.penalty, 1e-300), 1.0)

    kept = value[matrix.col] >= 0
    entry = (matrix.row[kept], matrix.col[kept], matrix.data[kept])
    lower, upper = program.row_lower, program.row_upper
    for name, some, least, largest, worth in (
        ("price", (lower == upper) & np.isfinite(lower), -np.inf, np.inf, lower),
        ("price from below", np.isfinite(lower) & (lower != upper), 0.0, np.inf, lower),
        ("price from above", np.isfinite(upper) & (lower != upper), -np.inf, 0.0, upper),
    ):
        places = prices.add(name, np.flatnonzero(some), least, largest, worth)
        chosen = places[entry[0]] >= 0
        rows, columns, data = (part[chosen] for part in entry)
        builder.add(value[columns], places[rows], data * scale[columns])
    low, high = program.column_lower, program.column_upper
    for name, some, sign, worth in (
        ("price of the least", ~fixed & np.isfinite(low) & (low != 0), 1.0, low),
        ("price of the most", ~fixed & np.isfinite(high), -1.0, -high),
    ):
        places = prices.add(name, np.flatnonzero(some), 0.0, np.inf, worth)
        columns = np.flatnonzero(places >= 0)
        builder.add(value[columns], places[columns], sign * scale[columns])
    _add_variables(builder, parts, pull, value, scale)
    return prices.all()


def _value_rows(builder: ProgramBuilder, parts: Penalised, columns: IntArray) -> IntArray:
    """Add a row for each column of the planner: what it is worth is at most what it costs."""
    program = parts.program
    cost = program.cost + parts.penalty * parts.blocked_always
    scaled = np.where(parts.penalty > 0, cost / np.maximum(parts.penalty, 1e-300), cost)
    # Slack of a column that starts from zero is the price of its lower bound.
    equal = (program.column_lower != 0)[columns]
    lower = np.where(equal, scaled[columns], -np.inf)
    places = np.full(program.n_columns, -1, dtype=np.intp)
    places[columns] = builder.rows(
        "value", [pd.Index(columns)], unit="USD million", lower=lower, upper=scaled[columns]
    )
    return places


def _add_variables(
    builder: ProgramBuilder, parts: Penalised, pull: IntArray, value: IntArray, scale: FloatArray
) -> None:
    """Put penalties and tariffs of the choice on the right sides."""
    for table, factor in ((parts.blocked, parts.penalty), (parts.tariffs, None)):
        entries = sparse.coo_array(table)
        kept = value[entries.row] >= 0
        row, column, data = entries.row[kept], entries.col[kept], entries.data[kept]
        weight = scale[row] if factor is None else scale[row] * factor[row]
        builder.add(value[row], pull[column], -data * weight)


class _Prices:
    """Collects the columns of prices."""

    def __init__(self, builder: ProgramBuilder, maximised: bool) -> None:  # noqa: FBT001
        self.builder, self.maximised = builder, maximised
        self.columns: list[IntArray] = []
        self.worth: list[FloatArray] = []

    def add(
        self, name: str, items: IntArray, low: float, high: float, worth: FloatArray
    ) -> IntArray:
        places = np.full(len(worth), -1, dtype=np.intp)
        places[items] = self.builder.columns(
            name, [pd.Index(items)], unit="USD million per unit", lower=low, upper=high,
            cost=-worth[items] if self.maximised else 0.0,
        )  # fmt: skip
        self.columns.append(places[items])
        self.worth.append(worth[items])
        return places

    def all(self) -> Prices:
        return Prices(np.concatenate(self.columns), np.concatenate(self.worth))


def strongest(
    instruments: Instruments,
    parts: Penalised,
    *,
    cuts: Sequence[Cut] = (),
    harm: FloatArray | None = None,
    harm_limit: float | None = None,
    gap: float = 1e-6,
    time_limit: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> Found:
    """Return the choice that costs the planner most.

    Parameters
    ----------
    instruments, parts
        What may be pulled, and the planner's program for all choices.
    cuts : sequence of Cut
        Choices that are ruled out.
    harm, harm_limit
        Harm to the owner by instrument, and the sum that is allowed [USD million].
    gap : float
        Relative gap between the choice found and the bound at which the solver may stop.
    time_limit, options
        As for :meth:`LinearProgram.solve`.
    """
    builder = ProgramBuilder("attack")
    pull = add_choice(builder, instruments, parts, cuts=cuts, harm=harm, harm_limit=harm_limit)
    add_prices(builder, parts, pull)
    program = builder.build(offset=-parts.program.offset)
    solution = program.solve(time_limit=time_limit, options=mip_options(gap) | dict(options or {}))
    return Found.of(solution, pull[: len(instruments)], instruments, -1.0)


def mip_options(gap: float) -> dict[str, Any]:
    """Return options of HiGHS: penalties are large, so whole numbers must be whole."""
    return {"mip_rel_gap": gap, "mip_feasibility_tolerance": 1e-9}


@dataclass(frozen=True, eq=False)
class Found:
    """What a program of the attacker found.

    Attributes
    ----------
    levels : array (K,)
        Levels of the instruments, whole ones rounded.
    value, bound : float
        Loss that the program sees, and that no choice exceeds [USD million].
    solution : Solution
        The solution.
    """

    levels: FloatArray
    value: float
    bound: float
    solution: Solution

    @classmethod
    def of(cls, solution: Solution, pull: IntArray, instruments: Instruments, sign: float) -> Found:
        """Return what a solution says; `sign` turns its objective into a loss."""
        levels = solution.values[pull].copy()
        whole = ~instruments.charges
        levels[whole] = np.round(levels[whole])
        value = sign * solution.objective
        gap = abs(value) * max(solution.gap, 0.0) if whole.any() else 0.0
        return cls(np.clip(levels, 0.0, 1.0), value, value + gap, solution)

    @property
    def choice(self) -> frozenset[int]:
        """Instruments that are pulled, at any level."""
        return frozenset(np.flatnonzero(self.levels > 1e-9).tolist())
