"""Weeks gathered into periods, so that a program over many weeks stays small."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.errors import OptionError

__all__ = ["Periods"]

IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Periods:
    """Runs of weeks from `first` to the end of a horizon.

    Attributes
    ----------
    starts : array of int (P,)
        First week of each period.
    lengths : array of int (P,)
        Weeks in each period.
    counted : int
        Number of periods, from the first, whose losses count; the rest are the tail.
    """

    starts: IntArray
    lengths: IntArray
    counted: int

    @classmethod
    def make(cls, *, first: int, weeks: int, length: int, tail: int = 0) -> Periods:
        """Return periods of `length` weeks over weeks ``first .. weeks + tail - 1``.

        A period never crosses week `weeks`, where counting ends; the last one before it and
        the last one of the tail may be shorter.
        """
        if length < 1:
            raise OptionError(f"Expected a period of at least 1 week, got {length}.")
        counted = np.arange(first, weeks, length)
        starts = np.concatenate([counted, np.arange(weeks, weeks + tail, length)])
        ends = np.append(starts[1:], weeks + tail) if len(starts) else starts
        return cls(starts.astype(np.intp), (ends - starts).astype(np.intp), len(counted))

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def index(self) -> pd.Index:
        """First weeks of the periods, as labels."""
        return pd.Index(self.starts, name="week")

    @property
    def end(self) -> int:
        """The week after the last one."""
        return int(self.starts[-1] + self.lengths[-1]) if len(self) else 0

    def total(self, weekly: FloatArray) -> FloatArray:
        """Return sums over the weeks of each period; weeks are the first axis."""
        span = weekly[self.starts[0] : self.end]
        return np.asarray(np.add.reduceat(span, self.starts - self.starts[0], axis=0))

    def last(self, weekly: FloatArray) -> FloatArray:
        """Return the values in the last week of each period."""
        return np.asarray(weekly[self.starts + self.lengths - 1])

    def arrival(self, lead: int) -> IntArray:
        """Return the period in which goods sent in each period may be used; P where never.

        It is the period of the first arrival: all that leaves in a period counts as there
        when its first part is.
        """
        week = self.starts + lead
        found = np.searchsorted(self.starts, week, side="right") - 1
        return np.where(week < self.end, found, len(self)).astype(np.intp)

    def in_transit(self, lead: int) -> NDArray[np.bool_]:
        """Return for each period of sending and each period whether goods may be counted early.

        That is: counted as there by the end of the second period, and partly not there yet.
        """
        ends = self.starts + self.lengths - 1
        counted = self.arrival(lead)[:, None] <= np.arange(len(self))[None, :]
        return np.asarray(counted & ((ends + lead)[:, None] > ends[None, :]))

    def weeks_there(self, sent: int, period: int, lead: int) -> IntArray:
        """Return the weeks of `sent` whose goods have arrived by the end of `period`.

        Weeks are counted from the first week of all.
        """
        end = int(self.starts[period] + self.lengths[period]) - 1
        start = int(self.starts[sent])
        stop = min(end - lead + 1, start + int(self.lengths[sent]))
        first = int(self.starts[0])
        return np.arange(start - first, max(stop, start) - first, dtype=np.intp)

    def still_arriving(self, lead: int) -> IntArray:
        """Return how many weeks of each period receive goods sent before the first week."""
        reach = int(self.starts[0]) + lead
        return np.clip(reach - self.starts, 0, self.lengths).astype(np.intp)

    def weeks_from(self, week: float) -> FloatArray:
        """Return how many weeks of each period are not before `week`."""
        left = self.starts + self.lengths - np.maximum(np.ceil(week), self.starts)
        return np.asarray(np.clip(left, 0, None), dtype=np.float64)
