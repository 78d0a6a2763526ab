"""Programs in two stages: what is decided before, and the answer to each case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.errors import ShapeError
from chokepoint.program._blocks import Block, Blocks
from chokepoint.program._program import LinearProgram
from chokepoint.program._risk import CVaR

__all__ = ["Part", "TwoStage"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Part:
    """The answer to one case.

    Attributes
    ----------
    program : LinearProgram
        Its first `shared` columns stand for the first columns of the first stage, in the same
        order; they have no cost and no bounds of their own.
    shared : int
        Number of these columns.
    weight : float
        Probability of the case.
    """

    program: LinearProgram
    shared: int
    weight: float

    def __post_init__(self) -> None:
        if np.any(self.program.cost[: self.shared] != 0):
            raise ShapeError(
                f"{self.program.name}: expected shared columns without cost; put their cost into "
                "the first stage."
            )


@dataclass(frozen=True, eq=False)
class TwoStage:
    r"""A first stage and the answers to cases.

    .. math::
        \min_{x \in X}\ c^\top x + (1 - \lambda) \sum_w p_w Q_w(x) + \lambda \Bigl[ \eta +
        \tfrac{1}{1-\beta} \sum_w p_w (Q_w(x) - \eta)^+ \Bigr]

    with :math:`Q_w(x)` the optimum of the part of case w once x is fixed. Where the
    probabilities add up to less than 1, the rest stands for a case without cost.

    Attributes
    ----------
    first : LinearProgram
        Columns, bounds, rows and costs of the first stage; whole numbers are allowed here only.
    parts : sequence of Part
        One for each case.
    risk : CVaR, optional
        Weight of the worst cases; None = the mean alone. With a weight above 0 no part may cost
        less than 0.

    Examples
    --------
    A baker bakes before the number of guests, 1 or 3, is known; a loaf costs 1, one that is
    missing 4:

    >>> from chokepoint.program import Part, ProgramBuilder, TwoStage
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
    >>> bakery = TwoStage(builder.build(), [guests(1), guests(3)])
    >>> bakery.extensive().solve().objective
    3.0
    """

    first: LinearProgram
    parts: Sequence[Part]
    risk: CVaR | None = None

    @property
    def tail_weight(self) -> float:
        """Weight of the worst cases."""
        return 0.0 if self.risk is None else self.risk.weight

    @cached_property
    def weights(self) -> FloatArray:
        """Probabilities of the cases."""
        return np.array([part.weight for part in self.parts], dtype=np.float64)

    def value(self, x: FloatArray, costs: FloatArray) -> float:
        """Return the objective where the first stage is `x` and the cases cost `costs`."""
        risk = self.risk or CVaR(0.0, weight=0.0)
        first = float(self.first.cost @ x + self.first.offset)
        return first + risk.value(costs, self.weights)

    def own(self, number: int) -> slice:
        """Return the columns of :meth:`extensive` that belong to one part alone."""
        sizes = [part.program.n_columns - part.shared for part in self.parts]
        start = self.first.n_columns + sum(sizes[:number])
        return slice(start, start + sizes[number])

    def values_of_part(self, values: FloatArray, number: int) -> FloatArray:
        """Return the columns of one part's program from a point of :meth:`extensive`."""
        shared = self.parts[number].shared
        return np.concatenate([values[:shared], values[self.own(number)]])

    def extensive(self) -> LinearProgram:
        """Return all parts in one program: the extensive form.

        Rows ``tail`` and columns ``tail`` and ``tail begins`` hold the worst cases.
        """
        tail = self.tail_weight
        matrices, places = [self.first.matrix], []
        start = self.first.n_columns
        for part in self.parts:
            own = part.program.n_columns - part.shared
            places.append(np.append(np.arange(part.shared), np.arange(start, start + own)))
            start += own
        size = start + (1 + len(self.parts) if tail > 0 else 0)
        for part, place in zip(self.parts, places, strict=True):
            matrices.append(_moved(part.program.matrix, place, size))
        matrices[0] = _moved(self.first.matrix, np.arange(self.first.n_columns), size)
        programs = [self.first, *(part.program for part in self.parts)]
        cost = [self.first.cost]
        cost += [(1 - tail) * part.weight * _own(part, "cost") for part in self.parts]
        lower = [self.first.column_lower, *(_own(part, "column_lower") for part in self.parts)]
        upper = [self.first.column_upper, *(_own(part, "column_upper") for part in self.parts)]
        row_lower = [program.row_lower for program in programs]
        row_upper = [program.row_upper for program in programs]
        rows = [block for program in programs for block in program.rows]
        columns = list(self.first.columns)
        for part in self.parts:
            columns += [block for block in part.program.columns if block.start >= part.shared]
        if tail > 0:
            assert self.risk is not None
            matrices.append(self._tail_rows(places, start, size))
            offsets = np.array([part.program.offset for part in self.parts])
            row_lower.append(offsets)
            row_upper.append(np.full(len(self.parts), np.inf))
            rows.append(_block("tail", len(self.parts)))
            cost += [np.array([tail]), tail * self.weights / (1.0 - self.risk.level)]
            lower.append(np.zeros(1 + len(self.parts)))
            upper.append(np.full(1 + len(self.parts), np.inf))
            columns += [Block("tail begins", "", ()), _block("tail", len(self.parts))]
        offset = self.first.offset + (1 - tail) * sum(
            part.weight * part.program.offset for part in self.parts
        )
        return LinearProgram(
            name=self.first.name,
            cost=np.concatenate(cost),
            matrix=sparse.csr_array(sparse.vstack(matrices)),
            row_lower=np.concatenate(row_lower),
            row_upper=np.concatenate(row_upper),
            column_lower=np.concatenate(lower),
            column_upper=np.concatenate(upper),
            rows=Blocks(rows),
            columns=Blocks(columns),
            offset=offset,
            integer=_integer(self.first, size),
        )

    def _tail_rows(self, places: list[IntArray], start: int, size: int) -> sparse.csr_array:
        """Rows: what a case costs beyond the beginning of the tail."""
        lines = []
        for number, (part, place) in enumerate(zip(self.parts, places, strict=True)):
            line = np.zeros(size)
            line[place] = -part.program.cost
            line[[start, start + 1 + number]] = 1.0
            lines.append(sparse.csr_array(line[None, :]))
        return sparse.csr_array(sparse.vstack(lines))


def _moved(matrix: sparse.csr_array, place: IntArray, size: int) -> sparse.csr_array:
    """Return a matrix whose columns stand in other places."""
    moved = place[matrix.indices]
    return sparse.csr_array((matrix.data, moved, matrix.indptr), shape=(matrix.shape[0], size))


def _own(part: Part, name: str) -> FloatArray:
    array: FloatArray = getattr(part.program, name)[part.shared :]
    return array


def _block(name: str, size: int) -> Block:
    return Block(name, "", Blocks.plain(name, size)[name].axes)


def _integer(first: LinearProgram, size: int) -> NDArray[np.bool_] | None:
    if first.integer is None:
        return None
    whole = np.zeros(size, dtype=bool)
    whole[: first.n_columns] = first.integer
    return whole
