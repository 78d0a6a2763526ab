"""Numbers of a weekly series: when it falls, how deep, for how long, how much in all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["JUDGED", "OBSERVABLES", "RATIOS", "SERIES", "THRESHOLD", "averaged", "observed"]

FloatArray = NDArray[np.float64]

THRESHOLD = 0.05
"""Fall below baseline from which a site counts as hit."""

OBSERVABLES = (
    "onset", "depth", "change", "half_time", "recovery", "integral", "cost", "loss", "share",
    "price",
)  # fmt: skip
SERIES = ("output", "thinnest", "value_added", "served", "shipments", "arrivals", "bid")

JUDGED = {
    "onset": 2.0,
    "depth": 0.15,
    "change": 0.15,
    "half_time": 1.5,
    "recovery": 1.5,
    "integral": 1.5,
    "cost": 1.5,
    "loss": 0.02,
    "share": 0.15,
    "price": 1.5,
}
"""Largest error with which an observable is met: weeks, points or (of `RATIOS`) a factor."""

RATIOS = frozenset({"half_time", "recovery", "integral", "cost", "price"})
"""Observables of which the ratio of model to observation is judged."""


def observed(observable: str, level: FloatArray, *, average_weeks: int = 1) -> FloatArray:
    r"""Return an observable of weekly levels (1 = baseline), one number per lane.

    With the fall :math:`l_t = 1 - s_t`, on straight lines between the ends of weeks and
    :math:`l = 0` at the start:

    ============  ==========================================================================
    `onset`       time [weeks] at which the fall first reaches 0.05; infinite if never
    `depth`       largest fall, as a mean over `average_weeks`
    `change`      mean of :math:`s_t - 1`
    `half_time`   weeks from the deepest week until half of its fall is left; infinite if never
    `recovery`    time [weeks] from which on the fall stays below 0.05; infinite if it never does
    `integral`    sum of the fall [weeks of baseline]
    `loss`        mean fall
    `price`       largest level, as a mean over `average_weeks`
    ============  ==========================================================================

    Parameters
    ----------
    observable : str
        One of the above. `cost` and `share` are sums of what is given, see
        :mod:`chokepoint.history`.
    level : array (lanes, weeks)
        The series.
    average_weeks : int
        Weeks over which deepest levels are averaged, as a month's figure is.
    """
    fall = 1.0 - level
    if observable == "onset":
        return _first(fall, THRESHOLD)
    if observable == "depth":
        return np.asarray(averaged(fall, average_weeks).max(axis=1))
    if observable == "price":
        return np.asarray(averaged(level, average_weeks).max(axis=1))
    if observable == "half_time":
        return _half_time(averaged(fall, average_weeks))
    if observable == "recovery":
        return _recovery(fall)
    sums: dict[str, Any] = {
        "change": -fall.mean(axis=1),
        "integral": fall.sum(axis=1),
        "cost": level.sum(axis=1),
        "loss": fall.mean(axis=1),
        "share": level.mean(axis=1),
    }
    return np.asarray(sums[observable])


def averaged(values: FloatArray, weeks: int) -> FloatArray:
    """Return running means over `weeks`, or the mean of all where there are fewer."""
    width = min(max(weeks, 1), values.shape[1])
    if width == 1:
        return values
    windows = np.lib.stride_tricks.sliding_window_view(values, width, axis=1)
    return np.asarray(windows.mean(axis=2))


def _first(fall: FloatArray, threshold: float) -> FloatArray:
    """Return when the fall first reaches a threshold."""
    hit = fall >= threshold
    week = hit.argmax(axis=1)
    lane = np.arange(len(fall))
    after = fall[lane, week]
    before = np.where(week > 0, fall[lane, week - 1], 0.0)
    before = np.minimum(before, threshold)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(after > before, (threshold - before) / (after - before), 0.0)
    return np.where(hit.any(axis=1), week + np.clip(part, 0.0, 1.0), np.inf)


def _half_time(fall: FloatArray) -> FloatArray:
    """Return the weeks from the deepest week until half of its fall is left."""
    found = np.full(len(fall), np.inf)
    for lane, path in enumerate(fall):
        deepest = int(path.argmax())
        half = path[deepest] / 2.0
        if half <= 0.0:
            found[lane] = 0.0
            continue
        rest = path[deepest:]
        below = np.flatnonzero(rest <= half)
        if len(below):
            end = int(below[0])
            found[lane] = end - (half - rest[end]) / (rest[end - 1] - rest[end])
    return found


def _recovery(fall: FloatArray) -> FloatArray:
    """Return the time from which on the fall stays below the threshold; 0 if it always does."""
    hit = fall >= THRESHOLD
    last = fall.shape[1] - 1 - hit[:, ::-1].argmax(axis=1)
    found = np.where(hit.any(axis=1), last + 1.0, 0.0)
    return np.where(hit[:, -1], np.inf, found)
