"""Build a linear program block by block, without a Python loop over coefficients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from chokepoint.program._blocks import Block, Blocks
from chokepoint.program._program import LinearProgram

__all__ = ["ProgramBuilder"]

IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]


class ProgramBuilder:
    """Collects columns, rows and coefficients; `build` returns the program.

    Parameters
    ----------
    name : str
        Name of the program in messages and in files.

    Examples
    --------
    Two plants serve a demand of 10; the cheaper one makes at most 6:

    >>> from chokepoint.program import ProgramBuilder
    >>> builder = ProgramBuilder("two plants")
    >>> make = builder.columns("make", [["a", "b"]], unit="t", upper=[6, 9], cost=[1, 2])
    >>> meet = builder.rows("demand", unit="t", lower=10)
    >>> builder.add(meet, make, 1.0)
    >>> solution = builder.build().solve(solver="highs")
    >>> solution.objective
    14.0
    >>> solution.values_of("make").to_dict()
    {'a': 6.0, 'b': 4.0}
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._columns: list[Block] = []
        self._rows: list[Block] = []
        self._numbers: dict[str, list[FloatArray]] = {
            key: [] for key in ("cost", "lower", "upper", "row_lower", "row_upper")
        }
        self._integer: list[NDArray[np.bool_]] = []
        self._entries: list[tuple[IntArray, IntArray, FloatArray]] = []
        self._constants: list[tuple[IntArray, FloatArray]] = []
        self._n_columns = self._n_rows = 0

    def columns(
        self,
        name: str,
        axes: Sequence[pd.Index | Sequence[object]] = (),
        *,
        unit: str,
        lower: ArrayLike = 0.0,
        upper: ArrayLike = np.inf,
        cost: ArrayLike = 0.0,
        integer: bool = False,
    ) -> IntArray:
        """Add a block of columns and return their positions, shaped like the axes.

        Parameters
        ----------
        name : str
            Name of the block.
        axes : sequence of labels
            Labels along each axis; none for a single column.
        unit : str
            Unit of the columns.
        lower, upper, cost : array-like
            Bounds and cost, broadcast to the shape of the axes.
        integer : bool
            Whether the columns take whole numbers only.
        """
        block = _block(name, unit, axes)
        for key, value in (("lower", lower), ("upper", upper), ("cost", cost)):
            self._numbers[key].append(_spread(value, block))
        self._integer.append(np.full(block.size, integer))
        self._columns.append(block)
        positions = np.arange(self._n_columns, self._n_columns + block.size, dtype=np.intp)
        self._n_columns += block.size
        return positions.reshape(block.shape)

    def rows(
        self,
        name: str,
        axes: Sequence[pd.Index | Sequence[object]] = (),
        *,
        unit: str,
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
    ) -> IntArray:
        """Add a block of rows and return their positions, shaped like the axes."""
        block = _block(name, unit, axes)
        for key, value in (("row_lower", lower), ("row_upper", upper)):
            self._numbers[key].append(_spread(value, block))
        self._rows.append(block)
        positions = np.arange(self._n_rows, self._n_rows + block.size, dtype=np.intp)
        self._n_rows += block.size
        return positions.reshape(block.shape)

    def add(self, rows: ArrayLike, columns: ArrayLike, values: ArrayLike) -> None:
        """Add coefficients; the three arrays are broadcast, repeated places add up."""
        shapes = np.broadcast_arrays(
            np.asarray(rows, dtype=np.intp),
            np.asarray(columns, dtype=np.intp),
            np.asarray(values, dtype=np.float64),
        )
        row, column, value = (np.ravel(array) for array in shapes)
        kept = value != 0
        self._entries.append((row[kept], column[kept], value[kept]))

    def shift(self, rows: ArrayLike, constants: ArrayLike) -> None:
        """Add constants to the left sides of rows: their bounds move the other way."""
        row, constant = np.broadcast_arrays(
            np.asarray(rows, dtype=np.intp), np.asarray(constants, dtype=np.float64)
        )
        self._constants.append((row.ravel(), constant.ravel()))

    def build(self, *, offset: float = 0.0) -> LinearProgram:
        """Return the program: minimise ``cost @ x + offset``."""
        none = (np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0))
        row, column, value = (
            np.concatenate(parts) for parts in zip(*(self._entries or [none]), strict=True)
        )
        shape = (self._n_rows, self._n_columns)
        matrix = sparse.csr_array(sparse.coo_array((value, (row, column)), shape=shape))
        matrix.sum_duplicates()
        numbers = {key: _join(parts) for key, parts in self._numbers.items()}
        for rows, constants in self._constants:
            np.subtract.at(numbers["row_lower"], rows, constants)
            np.subtract.at(numbers["row_upper"], rows, constants)
        integer = np.concatenate(self._integer) if self._integer else np.empty(0, bool)
        return LinearProgram(
            name=self.name,
            cost=numbers["cost"],
            matrix=matrix,
            row_lower=numbers["row_lower"],
            row_upper=numbers["row_upper"],
            column_lower=numbers["lower"],
            column_upper=numbers["upper"],
            rows=Blocks(self._rows),
            columns=Blocks(self._columns),
            offset=offset,
            integer=integer if integer.any() else None,
        )


def _block(name: str, unit: str, axes: Sequence[pd.Index | Sequence[object]]) -> Block:
    labels = tuple(axis if isinstance(axis, pd.Index) else pd.Index(list(axis)) for axis in axes)
    return Block(name, unit, labels)


def _spread(value: ArrayLike, block: Block) -> FloatArray:
    array = np.broadcast_to(np.asarray(value, dtype=np.float64), block.shape)
    return np.array(array).ravel()


def _join(parts: list[FloatArray]) -> FloatArray:
    return np.concatenate(parts) if parts else np.empty(0)
