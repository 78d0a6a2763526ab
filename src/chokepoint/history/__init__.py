"""Held against history: episodes as data, scores, calibration of shared assumptions.

An :class:`Episode` is rows of tables in ``data/history``: events as they were known at the time,
stocks as they were then, and observations with their sources. :func:`score` runs episodes and
compares; :func:`calibrate` fits assumptions that all episodes share, never one of them.
"""

from __future__ import annotations

from chokepoint.history._assumptions import Assumptions
from chokepoint.history._calibrate import Calibration, calibrate
from chokepoint.history._cohorts import with_cohorts
from chokepoint.history._covers import with_covers
from chokepoint.history._episode import Episode, episodes, left_out
from chokepoint.history._score import Score, score

__all__ = [
    "Assumptions",
    "Calibration",
    "Episode",
    "Score",
    "calibrate",
    "episodes",
    "left_out",
    "score",
    "with_cohorts",
    "with_covers",
]
