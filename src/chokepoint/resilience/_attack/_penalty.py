r"""The planner's program with what an attack takes away at a price instead of a ban.

Every bound that some instrument moves is kept at its tightest, and what lies between that and
looser values becomes columns of their own,

.. math:: a^\top x \le u^{min} + \sum_j w_j, \qquad 0 \le w_j \le \delta_j,

each of which costs :math:`M_j` a unit where the attack takes it away. With :math:`M_j` at least
the worth of a unit (see `_unit_values`) no solution uses it, as if it were banned (Israeli and
Wood 2002; Lim and Smith 2007). Costs are linear in the choice, so the dual of the program is, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.errors import OptionError
from chokepoint.program import Block, Blocks, LinearProgram
from chokepoint.resilience._attack._answer import Answer, same_matrix
from chokepoint.resilience._attack._moved import Bound, Piece, ProgramOf, moved_bounds, subsets_of
from chokepoint.resilience._attack._unit_values import unit_values

__all__ = ["Penalised", "penalised", "tariffs_by_instrument"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Penalised:
    """The planner's program for all choices at once.

    Attributes
    ----------
    program : LinearProgram
        With tight bounds and pieces; costs are those without penalties and tariffs.
    penalty : array (columns,)
        Penalty on a unit where it is taken away [USD million]; 0 for columns never taken away.
    blocked : csr_array (columns, variables)
        With `blocked_always`, whether a column is taken away: ``blocked_always + blocked @ v``
        is 0 if not, and at least 1 if so.
    blocked_always : array (columns,)
        The constant part.
    origin, origin_row : array of int (columns,)
        Column and row whose bound a piece belongs to, -1 for none; a column is its own origin.
    tariffs : csr_array (columns, variables)
        Tariff on a unit of a column per unit of a variable [USD million].
    groups : list of (tuple of instruments, dict of subset to variable)
        Variables beyond the instruments: one for each subset of instruments whose joint effect
        is not that of the tightest among them. Exactly one of each group is 1.
    n_variables : int
        Instruments, then the variables of the groups.
    """

    program: LinearProgram
    penalty: FloatArray
    blocked: sparse.csr_array
    blocked_always: FloatArray
    origin: IntArray
    origin_row: IntArray
    tariffs: sparse.csr_array
    groups: list[tuple[tuple[int, ...], dict[frozenset[int], int]]]
    n_variables: int

    def cost(self, values: FloatArray) -> FloatArray:
        """Return the cost of each column under given variables."""
        taken = self.blocked_always + self.blocked @ values
        return np.asarray(self.program.cost + self.penalty * taken + self.tariffs @ values)

    def variables(self, levels: FloatArray) -> FloatArray:
        """Return all variables for given levels of the instruments."""
        values = np.zeros(self.n_variables)
        values[: len(levels)] = levels
        for members, places in self.groups:
            chosen = frozenset(k for k in members if levels[k] > 0.5)
            values[places[chosen]] = 1.0
        return values


def penalised(answer: Answer, spent: FloatArray | None = None) -> Penalised:
    """Return the planner's program for all choices, after money was spent on measures."""
    programs = {frozenset[int](): answer.program(frozenset(), spent)}
    base = programs[frozenset()]
    values = unit_values(answer.built(frozenset()))

    def program(choice: frozenset[int]) -> LinearProgram:
        if choice not in programs:
            found = answer.program(choice, spent)
            if not same_matrix(base.matrix, found.matrix):
                raise OptionError(
                    "Expected instruments that leave the coefficients of the planner's program as "
                    'they are, got one that does not. Take response="weekly_model" for it.'
                )
            programs[choice] = found
        return programs[choice]

    bounds = moved_bounds(program, sorted(answer.every), values)
    return _Assembly(base, bounds, len(answer.every)).penalised(
        tariffs_by_instrument(program, answer)
    )


def tariffs_by_instrument(program: ProgramOf, answer: Answer) -> sparse.csr_array:
    """Return tariffs on each column by instrument; of several on one flow they add up."""
    none = program(frozenset()).cost
    columns = [program(frozenset([k])).cost - none for k in sorted(answer.every)]
    table = sparse.csr_array(np.column_stack(columns) if columns else np.zeros((len(none), 0)))
    table.eliminate_zeros()
    return table


class _Assembly:
    """Puts pieces into a program."""

    def __init__(self, base: LinearProgram, bounds: list[Bound], n_instruments: int) -> None:
        self.base, self.bounds, self.n_instruments = base, bounds, n_instruments
        self.groups: list[tuple[tuple[int, ...], dict[frozenset[int], int]]] = []
        self.n_variables = n_instruments
        self._places: dict[tuple[int, ...], dict[frozenset[int], int]] = {}
        self.lower = {"row": base.row_lower.copy(), "column": base.column_lower.copy()}
        self.upper = {"row": base.row_upper.copy(), "column": base.column_upper.copy()}
        self.entries: list[tuple[int, int, float]] = []
        self.widths: list[float] = []
        self.prices: list[float] = []
        self.origin = [*range(base.n_columns)]
        self.origin_row = [-1] * base.n_columns
        self.extra: list[tuple[float, float]] = []
        self.taken: list[tuple[int, int, float]] = []
        self.constants: dict[int, float] = {}
        self.direct: dict[int, float] = {}

    def penalised(self, tariffs: sparse.csr_array) -> Penalised:
        for bound in self.bounds:
            self._add(bound)
        base, n_pieces = self.base, len(self.widths)
        n_rows, n_columns = base.n_rows + len(self.extra), base.n_columns + n_pieces
        shape = (n_rows, n_columns)
        added = _matrix(self.entries, shape)
        whole = _padded(base.matrix, shape)
        extra = np.array(self.extra).reshape(-1, 2)
        program = LinearProgram(
            name="the planner's answer, penalised",
            cost=np.append(base.cost, np.zeros(n_pieces)),
            matrix=sparse.csr_array(whole + added),
            row_lower=np.append(self.lower["row"], extra[:, 0]),
            row_upper=np.append(self.upper["row"], extra[:, 1]),
            column_lower=np.append(self.lower["column"], np.zeros(n_pieces)),
            column_upper=np.append(self.upper["column"], self.widths),
            rows=_more(base.rows, "moved bound", len(extra)),
            columns=_more(base.columns, "piece", n_pieces),
            offset=base.offset,
        )
        penalty = np.zeros(n_columns)
        penalty[base.n_columns :] = self.prices
        for place, price in self.direct.items():
            penalty[place] = price
        always = np.zeros(n_columns)
        for place, constant in self.constants.items():
            always[place] = constant
        return Penalised(
            program=program,
            penalty=penalty,
            blocked=_matrix(self.taken, (n_columns, self.n_variables)),
            blocked_always=always,
            origin=np.array(self.origin, dtype=np.intp),
            origin_row=np.array(self.origin_row, dtype=np.intp),
            tariffs=_padded(tariffs, (n_columns, self.n_variables)),
            groups=self.groups,
            n_variables=self.n_variables,
        )

    def _add(self, bound: Bound) -> None:
        """Put one bound at its tightest, and its pieces beside it."""
        upper, kind, place = bound.upper, bound.kind, bound.place
        base = bound.tightest if upper else -bound.tightest
        alone = kind == "column" and upper and base == 0.0 and len(bound.pieces) == 1
        if alone:
            # The column itself is all there is to take away.
            self.upper["column"][place] = bound.pieces[0].width
            self.direct[place] = bound.price
            self._block(place, bound.pieces[0])
            return
        if kind == "row":
            row = place
            (self.upper if upper else self.lower)["row"][row] = base
        else:
            row = self.base.n_rows + len(self.extra)
            self.extra.append((-np.inf, base) if upper else (base, np.inf))
            self.entries.append((row, place, 1.0))
        for piece in bound.pieces:
            column = self.base.n_columns + len(self.widths)
            self.entries.append((row, column, -1.0 if upper else 1.0))
            self.widths.append(piece.width)
            self.prices.append(bound.price)
            self.origin.append(place if kind == "column" else -1)
            self.origin_row.append(place if kind == "row" else -1)
            self._block(column, piece)

    def _block(self, column: int, piece: Piece) -> None:
        """Note under which choices a column is taken away."""
        if piece.subsets is None:
            self.constants[column] = piece.constant
            self.taken += [(column, k, sign) for k, sign in piece.signs]
            return
        places = self._group(piece.members)
        self.taken += [(column, places[subset], 1.0) for subset in piece.subsets]

    def _group(self, members: tuple[int, ...]) -> dict[frozenset[int], int]:
        if members not in self._places:
            subsets = subsets_of(members)
            places = {subset: self.n_variables + i for i, subset in enumerate(subsets)}
            self._places[members] = places
            self.groups.append((members, places))
            self.n_variables += len(subsets)
        return self._places[members]


def _matrix(entries: list[tuple[int, int, float]], shape: tuple[int, int]) -> sparse.csr_array:
    if not entries:
        return sparse.csr_array(shape)
    row, column, value = (np.array(part) for part in zip(*entries, strict=True))
    return sparse.csr_array((value, (row, column)), shape=shape)


def _padded(matrix: sparse.csr_array, shape: tuple[int, int]) -> sparse.csr_array:
    """Return a matrix with zeros to the right and below."""
    entries = sparse.coo_array(matrix)
    return sparse.csr_array((entries.data, (entries.row, entries.col)), shape=shape)


def _more(blocks: Blocks, name: str, size: int) -> Blocks:
    return Blocks([*blocks, Block(name, "", (pd.RangeIndex(size),))])
