"""Sums and minima over rows that belong to the same owner."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["Segments"]


class Segments:
    """Rows grouped by owner; reductions along the first axis give one row per owner.

    Sums are taken row after row in a fixed order, so that a column's result does not depend on
    the other columns.

    Parameters
    ----------
    owner : array of int (rows,)
        Owner of each row, in any order.
    n_owners : int
        Number of owners; owners without rows get the neutral element.
    only : array of bool (rows,), optional
        Rows that count; None = all.
    """

    def __init__(
        self, owner: NDArray[np.intp], n_owners: int, *, only: NDArray[np.bool_] | None = None
    ) -> None:
        rows = np.arange(len(owner)) if only is None else np.flatnonzero(only)
        self._rows = rows[np.argsort(owner[rows], kind="stable")]
        self._present, self._starts = np.unique(owner[self._rows], return_index=True)
        counts = np.bincount(owner[self._rows], minlength=n_owners)
        pointer = np.concatenate([[0], np.cumsum(counts)])
        self._shape = (n_owners, len(owner))
        self._pattern = (self._rows, pointer)
        self._sums: dict[np.dtype[np.floating], sparse.csr_array] = {}

    def add(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the sum of each owner's rows (0 for an owner without rows)."""
        if values.dtype not in self._sums:
            ones = np.ones(len(self._rows), dtype=values.dtype)
            self._sums[values.dtype] = sparse.csr_array((ones, *self._pattern), shape=self._shape)
        total: NDArray[np.floating] = self._sums[values.dtype] @ values
        return total

    def minimum(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the smallest of each owner's rows (infinite for an owner without rows)."""
        return self._reduce(np.minimum, values, np.inf)

    def maximum(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the largest of each owner's rows (minus infinity for one without rows)."""
        return self._reduce(np.maximum, values, -np.inf)

    def _reduce(
        self, operation: np.ufunc, values: NDArray[np.floating], neutral: float
    ) -> NDArray[np.floating]:
        out = np.full((self._shape[0], values.shape[1]), neutral, dtype=values.dtype)
        if len(self._present):
            rows = values.take(self._rows, axis=0)
            out[self._present] = operation.reduceat(rows, self._starts, axis=0)
        return out
