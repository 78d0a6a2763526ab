"""From a number with a range or a grade to random values.

With a range: triangular between low and high with the number as mode. It is bounded, its mode is
the stated number, and it puts more weight on the ends than a PERT or truncated normal, since a
range in the tables is the spread of what sources say rather than an extreme.
Without a range: lognormal around the number (its median) with a standard deviation by grade, A 2 %,
B 5 %, C 15 %, D 30 % (assumption); values stay inside the bounds of the column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint import schema
from chokepoint.chain import GRADE_SPREAD

__all__ = ["Spread", "column_spread", "grade_sigma"]

FloatArray = NDArray[np.float64]

_INSIDE = 2.0
"""Where only one end of a range is known, the other lies this many standard deviations away."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How the numbers of one column vary: ranges where known, grades elsewhere.

    Attributes
    ----------
    value, low, high : array (rows,)
        The number, and its range (NaN where none is known).
    sigma : array (rows,)
        Standard deviation of the logarithm where there is no range.
    floor, ceiling : float
        Bounds of the column.
    offset : float
        What is drawn is the excess over this (1 for ramp_max, where 1 means no room at all).
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray
    sigma: FloatArray
    floor: float
    ceiling: float
    offset: float = 0.0

    def sample(self, rng: np.random.Generator, share: NDArray[np.intp] | None = None) -> FloatArray:
        """Return one random value per row; rows with the same number in `share` move together."""
        uniform, normal = rng.random(len(self.value)), rng.standard_normal(len(self.value))
        if share is not None:
            uniform, normal = uniform[share], normal[share]
        return self.values(uniform, normal)

    def values(self, uniform: FloatArray, normal: FloatArray) -> FloatArray:
        """Return the values that random numbers stand for.

        Parameters
        ----------
        uniform, normal : array (..., rows)
            Standard uniform and normal numbers; rows with a range use the first, others the
            second.

        Returns
        -------
        array (..., rows)
        """
        excess = (self.value - self.offset) * np.exp(self.sigma * normal) + self.offset
        # A share stated as 0 or 1 and a number at its bound are statements, not estimates.
        at_bound = (self.value <= self.floor) | (self.value >= self.ceiling)
        free = np.where(at_bound, self.value, np.clip(excess, self.floor, self.ceiling))
        return np.where(
            np.isnan(self.low), free, _triangular(self.low, self.value, self.high, uniform)
        )

    def chosen(self, rows: NDArray[np.intp]) -> Spread:
        """Return the spread of some rows, in this order."""
        parts = {name: getattr(self, name)[rows] for name in ("value", "low", "high", "sigma")}
        return Spread(**parts, floor=self.floor, ceiling=self.ceiling, offset=self.offset)


def column_spread(table: str, frame: pd.DataFrame, column: str, *, offset: float = 0.0) -> Spread:
    """Return the spread of a column of a table from its range columns and the rows' grades."""
    spec = schema.spec(table)
    value = frame[column].to_numpy(dtype=np.float64)
    low, high = np.full(len(value), np.nan), np.full(len(value), np.nan)
    for name, low_name, high_name in spec.ranges:
        if name == column:
            low = frame[low_name].to_numpy(dtype=np.float64)
            high = frame[high_name].to_numpy(dtype=np.float64)
    relative = np.array([GRADE_SPREAD.get(g, GRADE_SPREAD["D"]) for g in frame["confidence"]])
    interval = spec.by_name[column].interval
    floor = interval.low if interval else -np.inf
    # An open end is no value of the column: the last number before it is.
    ceiling = interval.high if interval else np.inf
    if interval and interval.high_open:
        ceiling = float(np.nextafter(ceiling, -np.inf))
    some = ~(np.isnan(low) & np.isnan(high))
    reach = _INSIDE * relative * np.abs(value)
    low = np.where(some & np.isnan(low), np.maximum(value - reach, floor), low)
    high = np.where(some & np.isnan(high), np.minimum(value + reach, ceiling), high)
    # Ends written with fewer digits than the number may miss it by a rounding error.
    return Spread(
        value=value,
        low=np.minimum(low, value),
        high=np.maximum(high, value),
        sigma=grade_sigma(relative),
        floor=floor,
        ceiling=ceiling,
        offset=offset,
    )


def grade_sigma(relative: Any) -> Any:
    """Return the standard deviation of the logarithm of a lognormal, from that over the mean."""
    return np.sqrt(np.log1p(relative**2))


def _triangular(
    low: FloatArray, mode: FloatArray, high: FloatArray, uniform: FloatArray
) -> FloatArray:
    """Return the inverse of the triangular distribution function; NaN where there is no range."""
    width = high - low
    with np.errstate(divide="ignore", invalid="ignore"):
        split = np.where(width > 0, (mode - low) / width, 0.0)
    left = low + np.sqrt(uniform * width * (mode - low))
    right = high - np.sqrt((1 - uniform) * width * (high - mode))
    drawn = np.where(uniform < split, left, right)
    return np.asarray(np.clip(np.where(width > 0, drawn, mode), low, high))
