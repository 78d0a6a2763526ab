"""Capacity that is coming: projects of a chain as effects on a dated run."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.scenario._effects import CapacityEffect, Effects
from chokepoint.scenario._index import index_of

__all__ = ["project_effects"]

_FREQUENCIES = {4: "Y", 7: "M", 10: "D"}


def project_effects(
    chain: SupplyChain, start_date: str | dt.date | pd.Timestamp, horizon: int
) -> Effects:
    r"""Return the capacity that projects add in the weeks of a run.

    The capacity of site :math:`i` in week :math:`t` is

    .. math:: 1 + \sum_{p:\, t_p \le t} \text{added\_share}_p \times \text{probability}_p

    of baseline, the expected value over projects. :math:`t_p` is the first week that begins on
    or after the date of first full output: a year or a month stands for its last day, so that
    nothing is counted earlier than stated. Projects with a date before the run are on line from
    week 0, since the tables hold the output without them. More capacity changes nothing by
    itself: a site makes more only when more is ordered from it.

    Parameters
    ----------
    chain : SupplyChain
        The chain; table `projects` is used.
    start_date : str, datetime.date or pandas.Timestamp
        First day of week 0.
    horizon : int
        Number of weeks of the run.

    Returns
    -------
    Effects
        One capacity effect per site with a project on line within the run.

    Raises
    ------
    OptionError
        If `start_date` is no date.

    Examples
    --------
    >>> from chokepoint.scenario import project_effects
    >>> effects = project_effects(cp.load("rare_earths"), "2026-07-01", 52)
    >>> all((effect.factor >= 1.0).all() for effect in effects.capacity)
    True
    """
    begin = _day(start_date)
    projects = chain.projects
    index = index_of(chain)
    factors: dict[int, np.ndarray] = {}
    for site, share, probability, stated in zip(
        projects["site"],
        projects["added_share"],
        projects["probability"],
        projects["online_date"],
        strict=True,
    ):
        week = max(0, -((begin - _last_day(stated)).days // 7))
        if week < horizon:
            factor = factors.setdefault(index.node[site], np.ones(horizon))
            factor[week:] += share * probability
    return Effects(
        capacity=tuple(
            CapacityEffect(np.array([node], dtype=np.intp), factor)
            for node, factor in sorted(factors.items())
        )
    )


def _day(given: object) -> pd.Timestamp:
    dated = isinstance(given, str | dt.date)
    day = pd.to_datetime(given, errors="coerce") if dated else None  # type: ignore[call-overload]
    if not isinstance(day, pd.Timestamp):
        raise OptionError(
            f'start_date must be the first day of the run, as "2026-01-05", got {given!r}.'
        )
    return day.tz_localize(None).normalize()


def _last_day(stated: str) -> pd.Timestamp:
    """Return the last day of a year, month or day; dates were checked with the tables."""
    period = pd.Period(stated, freq=_FREQUENCIES[len(stated)])
    return period.end_time.normalize()
