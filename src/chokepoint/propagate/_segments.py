"""Sums and minima over runs of rows that belong to the same owner."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Segments"]


class Segments:
    """Rows grouped by owner; reductions along the first axis give one row per owner.

    Parameters
    ----------
    owner : array of int (rows,)
        Owner of each row, in any order.
    n_owners : int
        Number of owners; owners without rows get the neutral element.
    """

    def __init__(self, owner: NDArray[np.intp], n_owners: int) -> None:
        order = np.argsort(owner, kind="stable")
        self._sorted = bool(np.array_equal(order, np.arange(len(owner))))
        self._order = order
        ranked = owner[order]
        self._present, self._starts = np.unique(ranked, return_index=True)
        self._n_owners = n_owners

    def add(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the sum of each owner's rows (0 for an owner without rows)."""
        return self._reduce(np.add, values, 0.0)

    def minimum(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the smallest of each owner's rows (infinite for an owner without rows)."""
        return self._reduce(np.minimum, values, np.inf)

    def maximum(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the largest of each owner's rows (minus infinity for one without rows)."""
        return self._reduce(np.maximum, values, -np.inf)

    def _reduce(
        self, operation: np.ufunc, values: NDArray[np.floating], neutral: float
    ) -> NDArray[np.floating]:
        out = np.full((self._n_owners, values.shape[1]), neutral, dtype=values.dtype)
        if len(self._present):
            rows = values if self._sorted else values[self._order]
            out[self._present] = operation.reduceat(rows, self._starts, axis=0)
        return out
