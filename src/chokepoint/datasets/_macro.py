"""Find and read the macro tables: trade, tariffs and corporate exposure beside the chains."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

from chokepoint.errors import Issue, TableError, UnknownLabelError
from chokepoint.schema import split_list

__all__ = ["macro"]

_PACKAGE = Path(__file__).resolve().parents[1]
_PLACES = (
    # inside an installed wheel, then in a checkout (src/chokepoint beside data/)
    _PACKAGE / "_data" / "macro",
    _PACKAGE.parents[1] / "data" / "macro",
)
_SOURCES = "sources"
# The column that low and high are a range of, in each table.
_MEASURES = {
    "corporate_exposure": "china_share",
    "sector_exposure": "value",
    "tariffs": "rate",
    "us_china_goods_trade": "value_usd_m",
}
_NUMBERS = frozenset(
    {"year", "low", "high", "china_revenue_usd_m", "total_revenue_usd_m", *_MEASURES.values()}
)
_GRADES = frozenset("ABCD")


def macro(name: str) -> pd.DataFrame:
    """Return one macro table by name.

    They normalise results (loss over trade) and say how much of a firm's revenue another country
    holds. GDP is not among them: it stands in the table ``countries`` of each chain.

    Parameters
    ----------
    name : str
        ``us_china_goods_trade`` (USD million a year), ``tariffs`` (rates as fractions, by date),
        ``corporate_exposure`` (shares of revenue, fiscal years), ``sector_exposure``, ``sources``.

    Returns
    -------
    DataFrame
        A copy. Every row but those of ``sources`` has `low`, `high`, `source`, `confidence` and,
        where graded C or D, `derivation`. Rates of tariffs on different bases (trade-weighted
        averages, points added by law, duties collected, totals named by officials) do not
        compare: each value of ``series`` has one ``basis``, so group and plot by ``series``.

    Raises
    ------
    UnknownLabelError
        If there is no such table; the message offers the nearest name.
    TableError
        If a table breaks a rule of its folder.

    Examples
    --------
    >>> tariffs = macro("tariffs")
    >>> average = tariffs[tariffs["series"] == "usa_chn_all_trade_weighted_average"]
    >>> float(average.set_index("date")["rate"].loc["2025-05-14"])
    0.511
    """
    files = _files()
    if name not in files:
        error = UnknownLabelError(name, "macro table", files)
        hint = f'; closest: "{error.nearest}"' if error.nearest else ""
        raise error.told_as(
            f'"{name}" is not a macro table; expected one of {", ".join(sorted(files))}{hint}'
        )
    return _read(files[name]).copy()


@cache
def _read(path: Path) -> pd.DataFrame:
    # Text first: a column of blanks is text in one table and a number in another only by its name.
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for column in _NUMBERS & set(table.columns):
        table[column] = pd.to_numeric(table[column])
    if path.stem == _SOURCES:
        return table
    if "date" in table:
        table["date"] = pd.to_datetime(table["date"], format="%Y-%m-%d")
    sources = set(_read(path.with_name(f"{_SOURCES}.csv"))["source"])
    issues = _issues(path.stem, table, sources)
    if issues:
        raise TableError(issues, sizes={path.stem: len(table)})
    return table


def _issues(name: str, table: pd.DataFrame, sources: set[str]) -> list[Issue]:
    """Return the rows without a range, source, grade or derivation, and series of two bases."""
    measure = _MEASURES[name]
    inside = (table["low"] <= table[measure]) & (table[measure] <= table["high"])
    known = table["source"].map(lambda text: set(split_list(text)) - {""})
    sourced = known.map(lambda labels: bool(labels) and labels <= sources)
    graded = table["confidence"].isin(_GRADES)
    derived = ~table["confidence"].isin(["C", "D"]) | (table["derivation"] != "")
    rules = (
        (measure, inside, "low <= value <= high"),
        ("source", sourced, "labels of sources.csv, separated by ;"),
        ("confidence", graded, "A, B, C or D"),
        ("derivation", derived, "a sentence where the grade is C or D"),
    )
    found = [
        Issue(name, column, rule, row=row, value=table.loc[row, column])
        for column, kept, rule in rules
        for row in table.index[~kept]
    ]
    if "basis" in table and "series" in table:
        bases = table.groupby("series")["basis"].nunique()
        found += [
            Issue(name, "series", "rates of one basis in one series", value=series)
            for series in bases.index[bases > 1]
        ]
    return found


def _files() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for place in _PLACES:
        for path in sorted(place.glob("*.csv")):
            found.setdefault(path.stem, path)
    return found
