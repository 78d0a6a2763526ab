"""From rows of events.csv to events: dates become weeks, cells become arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from chokepoint import scenario as scenarios
from chokepoint.errors import Issue, TableError
from chokepoint.scenario import Event, Scenario
from chokepoint.schema import split_list

__all__ = ["NUMBERS", "dated_steps", "scenario_of", "week_of"]

_LABELS = ("by", "against", "products", "country", "sites", "technology")
NUMBERS = ("severity", "change", "share", "rate", "leakage", "refused", "clearing", "goods_weeks",
           "content", "compliance", "decay", "quantity")  # fmt: skip
"""Arguments of events that are a share or another number, and may have a range."""
_WEEKS = ("recovery_weeks", "leakage_lag", "leakage_weeks", "review_weeks", "repair_weeks")
_WORDS = ("recovery",)


def week_of(date: Any, start: pd.Timestamp) -> int:
    """Return the week that begins nearest to a date, counted from the start of the episode.

    Examples
    --------
    >>> week_of(pd.Timestamp("2025-04-13"), pd.Timestamp("2025-04-04"))
    1
    """
    return round((pd.Timestamp(date) - start).days / 7)


def scenario_of(
    name: str,
    rows: pd.DataFrame,
    start: pd.Timestamp,
    *,
    leakage: Mapping[str, float] | None = None,
) -> Scenario:
    """Return the scenario that rows of events.csv describe.

    Parameters
    ----------
    name : str
        Name of the scenario.
    rows : DataFrame
        Rows of one episode.
    start : Timestamp
        First day of week 0.
    leakage : mapping of str to float, optional
        Leakage of export bans and extraterritorial rules whose rows state none, by the first of
        their products that is named (several in one key separated by ";"); "*" = all others.

    Raises
    ------
    TableError
        If a row does not make an event.
    """
    events, issues = [], []
    for row, cells in rows.iterrows():
        try:
            events.append(_event(cells, start, leakage or {}))
        except (ValueError, TypeError) as error:
            issues.append(Issue("events", "kind", str(error), row=row, value=cells["kind"]))
    if issues:
        raise TableError(issues, sizes={"events": len(rows)})
    return Scenario(name, events)


def _event(cells: pd.Series, start: pd.Timestamp, leakage: Mapping[str, float]) -> Event:
    first = week_of(cells["start"], start)
    options: dict[str, Any] = {"start": first}
    if pd.notna(cells["end"]):
        options["weeks"] = max(1, week_of(cells["end"], start) - first)
    for column in (*_LABELS, *NUMBERS, *_WEEKS, *_WORDS):
        text = str(cells.get(column, "")).strip()
        if text and text != "nan":
            options[column] = _argument(column, text)
    release = str(cells.get("release", "")).strip()
    if release:
        options["release"] = dated_steps(release, start, first)
    if cells["kind"] in ("ExportBan", "Extraterritorial"):
        options.setdefault("leakage", _leakage(str(cells["products"]), leakage))
    kind: type[Event] = getattr(scenarios, str(cells["kind"]))
    return kind(**options)


def _leakage(products: str, leakage: Mapping[str, float]) -> float:
    """Return the leakage of the first product that is named, that of "*", or none."""
    rates = {label: rate for labels, rate in leakage.items() for label in split_list(labels)}
    named = [rates[label] for label in split_list(products) if label in rates]
    return named[0] if named else rates.get("*", 0.0)


def _argument(column: str, text: str) -> Any:
    if column in _LABELS:
        labels = list(split_list(text))
        return labels[0] if len(labels) == 1 else labels
    if column in NUMBERS:
        return float(text)
    return int(text) if column in _WEEKS else text


def dated_steps(text: str, start: pd.Timestamp, first: int = 0) -> list[float]:
    """Return weekly values of a step function written as "2025-04-04=0.5; 2025-05-01=0.25".

    Each week has the mean of its seven days; the last value holds on.

    Examples
    --------
    >>> dated_steps("2025-04-04=1; 2025-04-11=0.3", pd.Timestamp("2025-04-04"))
    [1.0, 0.3]
    """
    steps = sorted(_steps(text), key=lambda step: step[0])
    begin = start + pd.Timedelta(weeks=first)
    if pd.Timestamp(steps[0][0]) > begin:
        raise ValueError(f"release must start on {begin.date()} or before, got {steps[0][0]}")
    last = (pd.Timestamp(steps[-1][0]) - begin).days
    days = np.arange(7 * (max(last, 0) // 7 + 2))
    starts = np.array([(pd.Timestamp(date) - begin).days for date, _ in steps])
    daily = np.array([value for _, value in steps])[np.searchsorted(starts, days, "right") - 1]
    weekly = daily.reshape(-1, 7).mean(axis=1).tolist()
    while len(weekly) > 1 and weekly[-1] == weekly[-2]:
        weekly.pop()
    return [round(value, 6) for value in weekly]


def _steps(text: str) -> Iterable[tuple[str, float]]:
    for part in split_list(text):
        date, _, value = part.partition("=")
        yield date.strip(), float(value)
