"""The master of a decomposed two-stage program: the first stage and cuts for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.program._blocks import Block, Blocks
from chokepoint.program._highs import HighsSession
from chokepoint.program._highs_model import Raw
from chokepoint.program._program import LinearProgram
from chokepoint.program._solution import Solution
from chokepoint.program._two_stage import TwoStage

__all__ = ["Cut", "Master", "Projector"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Cut:
    r"""A bound from below on the cost of one case, or a limit of what it can cope with.

    Attributes
    ----------
    part : int
        The case.
    constant : float
        :math:`a` of :math:`Q_w(x) \ge a + g^\top x`, or of :math:`0 \ge a + g^\top x`.
    slope : array (shared columns,)
        :math:`g`.
    limits : bool
        Whether it is the second kind: a point beyond it leaves the case without any answer.
    """

    part: int
    constant: float
    slope: FloatArray
    limits: bool = False


class _Cuts:
    """A session over the first stage, the cost of each case, and the tail of costs.

    Columns: those of the first stage, ``case``, ``tail begins``, ``tail``, and `extra` more.
    Rows: those of the first stage, ``beyond`` (what a case costs beyond the beginning of the
    tail), others, and cuts.
    """

    def __init__(self, program: LinearProgram, n_first: int) -> None:
        self._n, self._begin = n_first, program.n_rows
        self._rounds = 0
        self.session = HighsSession(program)

    def add(self, cuts: Sequence[Cut]) -> None:
        """Add cuts."""
        if not cuts:
            return
        lines = np.zeros((len(cuts), self.session.program.n_columns))
        for line, cut in zip(lines, cuts, strict=True):
            line[: len(cut.slope)] = -cut.slope
            line[self._n + cut.part] = 0.0 if cut.limits else 1.0
        self._rounds += 1
        self.session.add_rows(
            f"cuts {self._rounds}",
            sparse.csr_array(lines),
            lower=[cut.constant for cut in cuts],
            upper=np.inf,
            unit="",
        )

    def change_rows(self, rows: IntArray, *, lower: FloatArray, upper: FloatArray) -> None:
        """Set new bounds of rows of the first stage."""
        self.session.change_rows(rows, lower=lower, upper=upper)


class Master(_Cuts):
    """Finds the least cost that the cuts allow: a lower bound on the whole program."""

    def __init__(self, problem: TwoStage, *, floor: float) -> None:
        super().__init__(_base(problem, floor), problem.first.n_columns)

    def solve(self) -> Solution:
        """Return the least cost that the cuts allow."""
        return self.session.solve()

    def worth(self, solution: Solution, shared: int) -> FloatArray:
        """Return by how much one more unit of each column changes the cost of all cases.

        Parameters
        ----------
        solution : Solution
            An optimum without whole numbers; its duals weigh the cuts.
        shared : int
            Number of columns that the cases share.
        """
        matrix = solution.program.matrix[self._begin :]
        return np.asarray(-(matrix.T @ solution.duals[self._begin :])[:shared])

    def without_whole_numbers(self, x: FloatArray) -> Solution:
        """Return the optimum with the whole numbers of the first stage as they are in `x`."""
        program = self.session.program
        if program.integer is None:
            return self.solve()
        lower, upper = program.column_lower.copy(), program.column_upper.copy()
        whole = np.flatnonzero(program.integer)
        lower[whole] = upper[whole] = np.round(x[whole])
        fixed = replace(program, column_lower=lower, column_upper=upper, integer=None)
        return fixed.solve()


class Projector(_Cuts):
    r"""Finds the point of a level set that is nearest to a centre.

    Distance is the largest :math:`|x_j - c_j| / s_j`, with :math:`s_j` how far column j can
    go. Whole numbers are left aside.
    """

    def __init__(self, problem: TwoStage, *, floor: float) -> None:
        base = _base(problem, floor)
        n, size = problem.first.n_columns, base.n_columns
        objective, distance = size, size + 1
        line = sparse.csr_array(
            np.concatenate([base.cost, [-1.0, 0.0]])[None, :], shape=(1, size + 2)
        )
        spread = sparse.csr_array(
            (_ranges(problem.first), (np.arange(n), np.full(n, distance))), shape=(n, size + 2)
        )
        unit = _padded(sparse.csr_array(sparse.eye_array(n, format="csr")), size + 2)
        none = np.full(n, np.inf)
        program = LinearProgram(
            name=f"{problem.first.name}, nearest point",
            cost=np.append(np.zeros(size + 1), 1.0),
            matrix=sparse.csr_array(
                sparse.vstack([_padded(base.matrix, size + 2), line, unit + spread, unit - spread])
            ),
            row_lower=np.concatenate([base.row_lower, [-base.offset], -none, -none]),
            row_upper=np.concatenate([base.row_upper, [-base.offset], none, none]),
            column_lower=np.append(base.column_lower, [-np.inf, 0.0]),
            column_upper=np.append(base.column_upper, [np.inf, np.inf]),
            rows=Blocks([*base.rows, Block("objective", "", ()), _block("near", n),
                         _block("far", n)]),
            columns=Blocks([*base.columns, Block("objective", "", ()), Block("distance", "", ())]),
        )  # fmt: skip
        super().__init__(program, n)
        self._objective, self._near = objective, base.n_rows + 1

    def nearest(self, centre: FloatArray, level: float) -> Raw:
        """Return the point nearest to `centre` whose cost by the cuts is at most `level`."""
        free = np.full(self._n, np.inf)
        rows = self._near + np.arange(2 * self._n)
        self.session.change_rows(
            rows, lower=np.append(centre, -free), upper=np.append(free, centre)
        )
        self.session.change_columns([self._objective], lower=-np.inf, upper=level)
        return self.session.run()


def _base(problem: TwoStage, floor: float) -> LinearProgram:
    """Return the first stage with a column for the cost of each case, and the tail."""
    first, weights, cases = problem.first, problem.weights, len(problem.parts)
    tail, risk = problem.tail_weight, problem.risk
    beyond = tail * weights / (1.0 - (risk.level if risk is not None else 0.0))
    unit = sparse.eye_array(cases, format="csr")
    none, ones = sparse.csr_array((cases, first.n_columns)), sparse.csr_array(np.ones((cases, 1)))
    lines = sparse.csr_array(sparse.hstack([none, -unit, ones, unit]))
    size = first.n_columns + 2 * cases + 1
    zero, free = np.zeros(cases), np.full(cases, np.inf)
    integer = None
    if first.integer is not None:
        integer = np.append(first.integer, np.zeros(2 * cases + 1, dtype=bool))
    return LinearProgram(
        name=f"{first.name}, master",
        cost=np.concatenate([first.cost, (1 - tail) * weights, [tail], beyond]),
        matrix=sparse.csr_array(sparse.vstack([_padded(first.matrix, size), lines])),
        row_lower=np.append(first.row_lower, zero),
        row_upper=np.append(first.row_upper, free),
        column_lower=np.concatenate([first.column_lower, zero + floor, [0.0], zero]),
        column_upper=np.concatenate([first.column_upper, free, [np.inf], free]),
        rows=Blocks([*first.rows, _block("beyond", cases)]),
        columns=Blocks([*first.columns, _block("case", cases), Block("tail begins", "", ()),
                        _block("tail", cases)]),
        offset=first.offset,
        integer=integer,
    )  # fmt: skip


def _ranges(first: LinearProgram) -> FloatArray:
    """Return how far each column can go, from its bounds or from rows without negatives."""
    upper = first.column_upper.copy()
    matrix = first.matrix
    lines = np.repeat(np.arange(first.n_rows), np.diff(matrix.indptr))
    mixed = np.zeros(first.n_rows, dtype=bool)
    mixed[lines[(matrix.data < 0) | (first.column_lower[matrix.indices] < 0)]] = True
    bounded = ~mixed[lines] & np.isfinite(first.row_upper[lines]) & (matrix.data > 0)
    most = first.row_upper[lines[bounded]] / matrix.data[bounded]
    np.minimum.at(upper, matrix.indices[bounded], most)
    low = np.where(np.isfinite(first.column_lower), first.column_lower, 0.0)
    reach = np.where(np.isfinite(upper), upper, low + 1.0) - low
    return np.asarray(np.maximum(reach, 1e-6))


def _padded(matrix: sparse.csr_array, size: int) -> sparse.csr_array:
    """Return the matrix with more columns, all zero."""
    shape = (matrix.shape[0], size)
    return sparse.csr_array((matrix.data, matrix.indices, matrix.indptr), shape=shape)


def _block(name: str, size: int) -> Block:
    return Block(name, "", Blocks.plain(name, size)[name].axes)
