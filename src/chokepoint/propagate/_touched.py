"""Weekly profiles on the rows that some lane of a batch touches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["TouchedRows", "changes", "joined"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

_NOTHING = np.empty(0, dtype=np.intp)


class TouchedRows:
    """Weekly profiles on some rows in some lanes, combined where several meet."""

    def __init__(
        self, given: Sequence[tuple[int, NDArray[np.integer[Any]], FloatArray]], rows: IntArray,
        *, lanes: int, neutral: float,
    ) -> None:  # fmt: skip
        self._shape, self._neutral = (len(rows), lanes), neutral
        self._profiles = np.stack([profile for _, _, profile in given]) if given else None
        sizes = [len(positions) for _, positions, _ in given]
        lane = np.repeat(np.array([lane for lane, _, _ in given], dtype=np.intp), sizes)
        row = np.searchsorted(rows, joined([positions for _, positions, _ in given]))
        cell = row * lanes + lane
        order = np.argsort(cell, kind="stable")
        self._cells, self._starts = np.unique(cell[order], return_index=True)
        self._profile_of = np.repeat(np.arange(len(given)), sizes)[order]
        self._alone = len(self._cells) == len(cell)

    def at(self, week: int, combine: np.ufunc) -> FloatArray:
        """Return the rows in one week, shape (rows, lanes)."""
        values = np.full(self._shape, self._neutral)
        if self._profiles is not None and len(self._cells):
            given = self._profiles[:, week][self._profile_of]
            merged = given if self._alone else combine.reduceat(given, self._starts)
            values.reshape(-1)[self._cells] = merged
        return values


def joined(parts: Sequence[NDArray[np.integer[Any]]]) -> IntArray:
    return np.concatenate([_NOTHING, *parts]).astype(np.intp, copy=False)


def changes(profiles: Sequence[FloatArray], weeks: int, *, before: float = 1.0) -> BoolArray:
    """Return the weeks in which any profile differs from the week before."""
    if not len(profiles):
        return np.zeros(weeks, dtype=bool)
    stacked = np.stack(profiles)
    earlier = np.concatenate([np.full((len(stacked), 1), before), stacked[:, :-1]], axis=1)
    changed: BoolArray = (stacked != earlier).any(axis=0)
    return changed
