"""How much a report computes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chokepoint.errors import OptionError

__all__ = ["Settings", "settings_of"]

_HORIZONS = (4, 13, 26, 52, 104)
_HEADLINE = 52


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Size of a report.

    Parameters
    ----------
    weeks : tuple of int
        Horizons.
    headline : int
        Horizon of the headline, one of `weeks`.
    draws : int
        Draws of the data behind each interval.
    rng : numpy.random.Generator or int
        Randomness of the draws; the same number gives the same draws.
    planner : tuple of int
        Horizons at which the planner's bound is solved.
    """

    weeks: tuple[int, ...]
    headline: int
    draws: int
    rng: np.random.Generator | int
    planner: tuple[int, ...]


def settings_of(
    *,
    draws: int | None,
    rng: np.random.Generator | int | None,
    weeks: tuple[int, ...] | None,
    fast: bool,
) -> Settings:
    """Return settings from what the caller gave; `fast` is for trying things out."""
    horizons = tuple(sorted(set(weeks or ((4, 13, 26) if fast else _HORIZONS))))
    if horizons[0] < 1:
        raise OptionError(f"weeks must hold horizons of at least 1 week, got {list(horizons)}.")
    if draws is not None and draws < 0:
        raise OptionError(f"draws must be at least 0, got {draws}.")
    headline = max([week for week in horizons if week <= _HEADLINE] or [horizons[0]])
    return Settings(
        weeks=horizons,
        headline=headline,
        draws=(3 if fast else 80) if draws is None else draws,
        rng=int(np.random.SeedSequence().generate_state(1)[0]) if rng is None else rng,
        planner=(headline,) if fast else tuple(w for w in horizons if w in (13, headline)),
    )
