"""The few operations on arrays that the array API standard lacks or that NumPy does faster.

Steps are written for any array library that follows the standard (arrays have no ``out``, no
assignment to listed rows, no sums by owner). NumPy arrays take the fast path. Where an operation
has the argument `out`, its contents may be lost: use what the operation returns.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate._segments import Segments

__all__ = ["Array", "Arrays", "NumpyArrays", "PortableArrays", "PortableSegments", "Reducer"]

Array = Any
"""An array of the library in use; rows first, lanes last."""

IntArray = NDArray[np.intp]


class Reducer(Protocol):
    """Rows grouped by owner; owners without rows get the neutral element."""

    def add(self, values: Array, /) -> Array:
        """Return the sum of each owner's rows."""

    def minimum(self, values: Array, /) -> Array:
        """Return the smallest of each owner's rows."""

    def maximum(self, values: Array, /) -> Array:
        """Return the largest of each owner's rows."""


class Arrays(Protocol):
    """Operations on arrays of one library, one precision and one number of lanes."""

    xp: ModuleType

    def number(self, values: NDArray[Any], /) -> Array:
        """Return numbers in the precision of the run."""

    def plain(self, values: NDArray[Any], /) -> Array:
        """Return flags or an index as an array of the library."""

    def numpy(self, values: Array, /) -> NDArray[Any]:
        """Return an array for those outside the engine."""

    def full(self, rows: int, value: float, /) -> Array:
        """Return an array of shape (rows, lanes)."""

    def rows(self, values: Array, index: Array, /, out: Array = None) -> Array:
        """Return ``values[index]``."""

    def put(self, values: Array, index: IntArray, new: Array, /) -> Array:
        """Return `values` with other rows at `index`; `values` itself may change."""

    def add(self, one: Array, other: Array, /, out: Array = None) -> Array:
        """Return the sum."""

    def subtract(self, one: Array, other: Array, /, out: Array = None) -> Array:
        """Return the difference."""

    def multiply(self, one: Array, other: Array, /, out: Array = None) -> Array:
        """Return the product."""

    def minimum(self, one: Array, other: Array, /, out: Array = None) -> Array:
        """Return the smaller of two."""

    def maximum(self, one: Array, other: Array | float, /, out: Array = None) -> Array:
        """Return the larger of two."""

    def only(self, values: Array, where: Array, /, out: Array = None) -> Array:
        """Return finite `values` where the flag is set, 0 elsewhere."""

    def segments(self, owner: IntArray, n_owners: int, /) -> Reducer:
        """Return rows grouped by owner."""


class NumpyArrays:
    """NumPy arrays, written over where that is allowed."""

    xp: ModuleType = np
    add = staticmethod(np.add)
    subtract = staticmethod(np.subtract)
    multiply = staticmethod(np.multiply)
    minimum = staticmethod(np.minimum)
    maximum = staticmethod(np.maximum)
    only = staticmethod(np.multiply)
    segments = staticmethod(Segments)

    def __init__(self, dtype: np.dtype[np.floating], lanes: int) -> None:
        self.dtype, self.lanes = dtype, lanes

    def number(self, values: NDArray[Any]) -> Array:
        return values.astype(self.dtype)

    def plain(self, values: NDArray[Any]) -> Array:
        return values.astype(np.intp, copy=False) if values.dtype != np.bool_ else values

    def numpy(self, values: Array) -> NDArray[Any]:
        return np.asarray(values)

    def full(self, rows: int, value: float) -> Array:
        return np.full((rows, self.lanes), value, dtype=self.dtype)

    def rows(self, values: Array, index: Array, out: Array = None) -> Array:
        # "clip" spares a copy, and no index is out of bounds.
        return np.take(values, index, axis=0, out=out, mode="clip")

    def put(self, values: Array, index: IntArray, new: Array) -> Array:
        values[index] = new
        return values


class PortableArrays:
    """Arrays of any library that follows the array API standard."""

    def __init__(self, xp: ModuleType, dtype: np.dtype[np.floating], lanes: int) -> None:
        self.xp, self.dtype, self.lanes = xp, dtype, lanes

    def number(self, values: NDArray[Any]) -> Array:
        return self.xp.asarray(values.astype(self.dtype))

    def plain(self, values: NDArray[Any]) -> Array:
        kind = np.bool_ if values.dtype == np.bool_ else np.int64
        return self.xp.asarray(values.astype(kind))

    def numpy(self, values: Array) -> NDArray[Any]:
        return np.from_dlpack(values)

    def full(self, rows: int, value: float) -> Array:
        return self.number(np.full((rows, self.lanes), value))

    def rows(self, values: Array, index: Array, out: Array = None) -> Array:  # noqa: ARG002
        return self.xp.take(values, index, axis=0)

    def put(self, values: Array, index: IntArray, new: Array) -> Array:
        if not len(index):
            return values
        source, given = np.zeros(values.shape[0], dtype=np.int64), np.zeros(values.shape[0], bool)
        source[index], given[index] = np.arange(len(index)), True
        new = self.xp.take(new, self.xp.asarray(source), axis=0)
        return self.xp.where(self.xp.asarray(given[:, None]), new, values)

    def add(self, one: Array, other: Array, out: Array = None) -> Array:  # noqa: ARG002
        return one + other

    def subtract(self, one: Array, other: Array, out: Array = None) -> Array:  # noqa: ARG002
        return one - other

    def multiply(self, one: Array, other: Array, out: Array = None) -> Array:  # noqa: ARG002
        return one * other

    def minimum(self, one: Array, other: Array, out: Array = None) -> Array:  # noqa: ARG002
        return self.xp.minimum(one, other)

    def maximum(self, one: Array, other: Array | float, out: Array = None) -> Array:  # noqa: ARG002
        return self.xp.maximum(one, other)

    def only(self, values: Array, where: Array, out: Array = None) -> Array:  # noqa: ARG002
        return self.xp.where(where, values, 0.0)

    def segments(self, owner: IntArray, n_owners: int) -> PortableSegments:
        return PortableSegments(self.xp, owner, n_owners)


class PortableSegments:
    """Rows grouped by owner, reduced by gathering the first row of each owner, the second, ..."""

    def __init__(self, xp: ModuleType, owner: IntArray, n_owners: int) -> None:
        self._xp, self._owners = xp, n_owners
        order = np.argsort(owner, kind="stable")
        counts = np.bincount(owner, minlength=n_owners)
        start = np.cumsum(counts) - counts
        self._ranks = []
        for rank in range(int(counts.max(initial=0))):
            there = counts > rank
            row = order[np.where(there, start + rank, 0)].astype(np.int64)
            self._ranks.append((xp.asarray(row), xp.asarray(there[:, None])))

    def add(self, values: Array) -> Array:
        """Return the sum of each owner's rows (0 for an owner without rows)."""
        return self._reduce(lambda one, other: one + other, values, 0.0)

    def minimum(self, values: Array) -> Array:
        """Return the smallest of each owner's rows (infinite for an owner without rows)."""
        return self._reduce(self._xp.minimum, values, np.inf)

    def maximum(self, values: Array) -> Array:
        """Return the largest of each owner's rows (minus infinity for one without rows)."""
        return self._reduce(self._xp.maximum, values, -np.inf)

    def _reduce(self, operation: Any, values: Array, neutral: float) -> Array:
        shape = (self._owners, values.shape[1])
        total = self._xp.full(shape, neutral, dtype=values.dtype)
        for row, there in self._ranks:
            more = self._xp.take(values, row, axis=0)
            total = self._xp.where(there, operation(total, more), total)
        return total
