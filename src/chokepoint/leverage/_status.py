"""Where a control stands on a day: in force, suspended, ended, coming, or never in force yet."""

from __future__ import annotations

import datetime as dt
import re
from typing import Literal

import pandas as pd

from chokepoint.errors import OptionError

__all__ = ["State", "day", "state_on", "suspended_until"]

State = Literal["in force", "suspended", "ended", "coming", "hypothetical", "generic"]

_UNTIL = re.compile(r"suspended\b.*?\b(?:until|to)\s+(\d{1,2} [A-Z][a-z]+ \d{4})")
_FREQUENCIES = {4: "Y", 7: "M", 10: "D"}


def suspended_until(status: str) -> dt.date | None:
    """Return the last day of a suspension, from the words of a control's `status`.

    The table has a column for the day on which a control stopped, and none for the day on which
    it comes back; that day stands in `status`.

    Examples
    --------
    >>> suspended_until("suspended by Announcement 70 until 10 November 2026")
    datetime.date(2026, 11, 10)
    >>> suspended_until("ended after about seven weeks") is None
    True
    """
    found = _UNTIL.search(status)
    if found is None:
        return None
    named = pd.to_datetime(found.group(1), format="%d %B %Y", errors="coerce")
    return None if pd.isna(named) else named.date()


def state_on(
    on: dt.date | None, *, start: str, end: str, status: str, extended: bool
) -> tuple[State, dt.date | None]:
    """Return the state of a control on a day, and the last day of its suspension.

    Parameters
    ----------
    on : datetime.date, optional
        The day; None = a day after all dates of the table, with all suspensions still on.
    start, end, status : str
        Cells of the table `controls`; a control without a start has never been in force.
    extended : bool
        Whether a suspension whose last day has passed goes on.
    """
    until = suspended_until(status)
    if not start:
        return "hypothetical", until
    if on is not None and on < day(start, last=False):
        return "coming", until
    if not end or (on is not None and on <= day(end, last=True)):
        return "in force", until
    if "suspended" not in status:
        return "ended", until
    lapsed = on is not None and until is not None and on > until
    return ("in force" if lapsed and not extended else "suspended"), until


def day(given: str | dt.date, *, last: bool) -> dt.date:
    """Return a date; a year or a month stands for its first or its last day.

    Examples
    --------
    >>> day("2026-11", last=True)
    datetime.date(2026, 11, 30)

    Raises
    ------
    OptionError
        If it is no date.
    """
    if isinstance(given, dt.date):
        return pd.Timestamp(given).date()
    frequency = _FREQUENCIES.get(len(given))
    try:
        period = pd.Period(given, freq=frequency) if frequency else None
    except ValueError:
        period = None
    if period is None:
        raise OptionError(f'Expected a day such as "2026-11-29", got {given!r}.')
    stamp = period.end_time if last else period.start_time
    return stamp.date()
