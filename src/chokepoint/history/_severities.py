"""Severities of events as random numbers: drawn from their ranges, once for each drawn chain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.datasets._spread import Spread
from chokepoint.history._events import NUMBERS
from chokepoint.schema import split_list

if TYPE_CHECKING:
    from chokepoint.history._episode import Episode

__all__ = ["drawn_episode", "range_fits"]

FloatArray = NDArray[np.float64]


def drawn_episode(episode: Episode, seed: int, draw: int) -> Episode:
    r"""Return the episode with the severities of one draw.

    Each event with a range has a number of its own from the triangular distribution between `low`
    and `high` with the stated number as mode, that of numbers of a chain that have a range
    (:func:`chokepoint.datasets.draw`). Several steps of one release move together. Events without
    a range stay as they are: a full stop is no estimate.

    Parameters
    ----------
    episode : Episode
        The episode as it is stated.
    seed : int
        Seed of the draws of the chain.
    draw : int
        Number of the draw. The result depends on the seed, the draw and the name of the episode
        alone, not on which other episodes or how many draws are run.

    Returns
    -------
    Episode
        `episode` itself if none of its events has a range.

    Notes
    -----
    Severities are independent of one another and of the drawn chain.
    """
    events = episode.events
    wide = events["low"].notna() | events["high"].notna()
    if not wide.any():
        return episode
    source = np.random.SeedSequence(seed, spawn_key=(draw, crc32(episode.name.encode())))
    uniform = np.random.default_rng(source).random(len(events))
    changed = [
        _drawn(cells, number) if ranged else cells
        for (_, cells), ranged, number in zip(events.iterrows(), wide, uniform, strict=True)
    ]
    return replace(episode, events=pd.DataFrame(changed, index=events.index))


def range_fits(cells: pd.Series) -> bool:
    """Return whether a row of events.csv says what its range is of, and that lies within it."""
    if pd.isna(cells["low"]) and pd.isna(cells["high"]):
        return not _named(cells)
    stated = list(_numbers(cells))
    return bool(stated) and all(cells["low"] <= value <= cells["high"] for _, value in stated)


def _named(cells: pd.Series) -> list[str]:
    return list(split_list(str(cells["ranged"])))


def _numbers(cells: pd.Series) -> Iterator[tuple[str, float]]:
    """Yield the numbers that a range is of: columns and dates of steps; NaN where there is none."""
    steps = dict(_steps(cells))
    for name in _named(cells):
        text = cells.get(name, "") if name in NUMBERS else steps.get(name, "")
        yield name, float(pd.to_numeric(text, errors="coerce"))


def _steps(cells: pd.Series) -> Iterator[tuple[str, str]]:
    for part in split_list(str(cells.get("release", ""))):
        date, _, value = part.partition("=")
        yield date.strip(), value.strip()


def _drawn(cells: pd.Series, uniform: float) -> pd.Series:
    """Return a row of events.csv with the numbers that a uniform number stands for."""
    drawn = {
        name: repr(_triangular(cells["low"], value, cells["high"], uniform))
        for name, value in _numbers(cells)
    }
    changed = {name: text for name, text in drawn.items() if name in NUMBERS}
    if len(changed) < len(drawn):
        steps = [f"{date}={drawn.get(date, value)}" for date, value in _steps(cells)]
        changed["release"] = ";".join(steps)
    return pd.Series({**cells, **changed}, name=cells.name)


def _triangular(low: float, mode: float, high: float, uniform: float) -> float:
    """Return the quantile of the distribution that numbers of a chain with a range have."""
    spread = Spread(
        value=np.array([mode]),
        low=np.array([low]),
        high=np.array([high]),
        sigma=np.zeros(1),
        floor=-np.inf,
        ceiling=np.inf,
    )
    return float(spread.values(np.array([uniform]), np.zeros(1))[0])
