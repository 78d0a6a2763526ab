"""Read the tables of episodes and check them: every row has a range, a source and a grade."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from chokepoint.errors import Issue, OptionError, TableError
from chokepoint.history._observables import JUDGED, OBSERVABLES, SERIES
from chokepoint.history._severities import range_fits
from chokepoint.schema import split_list

__all__ = ["EVENT_KINDS", "SHIPPED", "read_tables", "shipped_folder"]

_PACKAGE = Path(__file__).resolve().parents[1]
SHIPPED = (
    # inside an installed wheel, then in a checkout (src/chokepoint beside data/)
    _PACKAGE / "_data" / "history",
    _PACKAGE.parents[1] / "data" / "history",
)
EVENT_KINDS = (
    "Boycott",
    "DemandShift",
    "ExportBan",
    "Extraterritorial",
    "Licence",
    "Outage",
    "Quota",
    "ServiceDenial",
    "Tariff",
)
_TABLES = {
    # table: columns that must be there (rows of sources.csv are described, not measured)
    "episodes": ("episode", "title", "chain", "start", "weeks", "role", "kind"),
    "events": ("episode", "kind", "start", "end", "ranged"),
    "covers": ("episode", "table", "product", "area", "slot", "column", "value"),
    "cohorts": ("episode", "buyer", "slot", "suppliers", "share"),
    "observations": (
        "episode", "observation", "observable", "series", "products", "areas", "sites", "origins",
        "start", "end", "average_weeks", "bound", "value", "tolerance", "unit",
    ),
    "left_out": ("episode", "observation", "reason"),
    "sources": ("source", "title", "publisher", "year", "url"),
}  # fmt: skip
_PROVENANCE = ("low", "high", "source", "confidence", "derivation")
_MEASURED = ("events", "covers", "cohorts", "observations")
_NUMBERS = frozenset({"value", "share", "low", "high", "tolerance", "weeks", "average_weeks"})
_DATES = frozenset({"start", "end"})
_ROLES = ("calibration", "test")
_KINDS = ("crisis", "no_effect")


def shipped_folder() -> Path:
    """Return the folder of the shipped episodes."""
    for place in SHIPPED:
        if place.is_dir():
            return place
    raise OptionError(f"expected the episodes in {SHIPPED[0]} or {SHIPPED[1]}; install them again")


def read_tables(folder: str | Path) -> dict[str, pd.DataFrame]:
    """Return the tables of a folder of episodes.

    Raises
    ------
    OptionError
        If a file is missing.
    TableError
        If rows break a rule; all of them are listed.
    """
    place = Path(folder)
    missing = [f"{name}.csv" for name in _TABLES if not (place / f"{name}.csv").is_file()]
    if missing:
        raise OptionError(f"expected {', '.join(missing)} in {place}; found none")
    tables = {name: _read(place / f"{name}.csv") for name in _TABLES}
    absent = [
        Issue(name, column, "a column of this name")
        for name, columns in _TABLES.items()
        for column in (*columns, *(_PROVENANCE if name in _MEASURED else ()))
        if column not in tables[name]
    ]
    issues = absent or [*_check(tables)]
    if issues:
        raise TableError(issues, sizes={name: len(table) for name, table in tables.items()})
    return tables


def _read(path: Path) -> pd.DataFrame:
    # Text first: a column of blanks is text in one table and a number in another only by its name.
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table.index = pd.Index([f"line {2 + row}" for row in range(len(table))])
    # In events a share is an option of a quota, read with the others.
    numbers = _NUMBERS - ({"share"} if path.stem == "events" else set())
    for column in numbers & set(table.columns):
        table[column] = pd.to_numeric(_filled(table[column]))
    if path.stem in ("episodes", "events", "observations"):
        for column in _DATES & set(table.columns):
            table[column] = pd.to_datetime(_filled(table[column]), format="%Y-%m-%d")
    return table


def _filled(column: pd.Series) -> pd.Series:
    return column.where(column.ne(""))


def _check(tables: dict[str, pd.DataFrame]) -> Iterable[Issue]:
    episodes = tables["episodes"]
    names = set(episodes["episode"])
    yield from _choices("episodes", episodes, "role", _ROLES)
    yield from _choices("episodes", episodes, "kind", _KINDS)
    yield from _rows("episodes", episodes, "episode", ~episodes["episode"].duplicated(),
                     "each episode once")  # fmt: skip
    yield from _rows("episodes", episodes, "weeks", episodes["weeks"].ge(1), "at least 1 week")
    for name in _MEASURED:
        table = tables[name]
        known = table["episode"].isin(names)
        yield from _rows(name, table, "episode", known, "an episode of episodes.csv")
        yield from _provenance(name, table, set(tables["sources"]["source"]))
    yield from _events(tables["events"])
    yield from _observations(tables["observations"])


def _events(table: pd.DataFrame) -> Iterable[Issue]:
    yield from _choices("events", table, "kind", EVENT_KINDS)
    fits = pd.Series([range_fits(cells) for _, cells in table.iterrows()], table.index, dtype=bool)
    # A range of nothing would be left out of the draws without a word.
    yield from _rows("events", table, "ranged", fits,
                     "what low and high are the range of (a column of numbers, or dates of steps "
                     "of a release), with low <= the number <= high")  # fmt: skip


def _observations(table: pd.DataFrame) -> Iterable[Issue]:
    yield from _choices("observations", table, "observable", OBSERVABLES)
    yield from _choices("observations", table, "series", SERIES)
    yield from _choices("observations", table, "bound", ("", "at_most"))
    twice = table.duplicated(["episode", "observation"])
    yield from _rows("observations", table, "observation", ~twice, "each observation once")
    stated = table["observable"].map(JUDGED)
    same = table["tolerance"].eq(stated) | stated.isna()
    # The tolerance of an observable is one number for all episodes: it is not chosen by the case.
    yield from _rows("observations", table, "tolerance", same,
                     f"the tolerance of the observable, {JUDGED}")  # fmt: skip
    inside = table["low"].le(table["value"]) & table["value"].le(table["high"])
    yield from _rows("observations", table, "value", inside, "low <= value <= high")


def _provenance(name: str, table: pd.DataFrame, sources: set[str]) -> Iterable[Issue]:
    cited = table["source"].map(lambda text: set(split_list(text)) - {""})
    known = cited.map(lambda labels: bool(labels) and labels <= sources)
    yield from _rows(name, table, "source", known, "labels of sources.csv, separated by ;")
    yield from _choices(name, table, "confidence", ("A", "B", "C", "D"))
    told = table["confidence"].isin(["A", "B"]) | table["derivation"].ne("")
    yield from _rows(name, table, "derivation", told, "a sentence where the grade is C or D")


def _choices(
    name: str, table: pd.DataFrame, column: str, allowed: tuple[str, ...]
) -> Iterable[Issue]:
    words = " or ".join(allowed[1:] if allowed[0] == "" else allowed)
    return _rows(name, table, column, table[column].isin(allowed), f"one of {words}")


def _rows(
    name: str, table: pd.DataFrame, column: str, kept: pd.Series, rule: str
) -> Iterable[Issue]:
    for row in table.index[~kept.to_numpy(dtype=bool)]:
        yield Issue(name, column, rule, row=row, value=table.loc[row, column])
