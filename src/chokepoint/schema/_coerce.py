"""Turn a user's frame into a table of the specified columns and types, noting every problem.

Blank cells (None, NaN or empty text) become the column's default; where there is none, a number
stays NaN and text becomes "". Text columns hold Python strings under pandas 2 and 3 alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from chokepoint.errors import Issue, nearest_label
from chokepoint.schema._spec import ColumnSpec, TableSpec, spec

__all__ = ["coerce", "empty", "text_column"]

_TRUE = {"true", "1", "1.0", "yes", "t"}
_FALSE = {"false", "0", "0.0", "no", "f"}
_BLANK_NUMBERS = {"", "nan", "na", "n/a", "<na>", "none"}


def coerce(table: str, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Issue]]:
    """Return the frame with exactly the specified columns, types and defaults, and its problems.

    Parameters
    ----------
    table : str
        Table kind.
    frame : DataFrame
        Columns in any order and of any type; its index labels name the rows in messages.

    Returns
    -------
    frame : DataFrame
        All columns of the specification in its order; RangeIndex.
    issues : list of Issue
        Missing or unknown columns, blank required cells, cells that cannot be read.

    Examples
    --------
    >>> frame, issues = coerce("products", pd.DataFrame({"product": ["magnet"], "tier": ["4"]}))
    >>> int(frame["tier"][0]), str(frame["unit"][0]), bool(frame["storable"][0]), issues
    (4, 'unit', True, [])
    """
    table_spec = spec(table)
    issues = _check_columns(table_spec, frame)
    frame = frame.loc[:, ~frame.columns.duplicated()]
    rows = list(frame.index)
    columns = {}
    for column in table_spec.columns:
        given = frame[column.name] if column.name in frame.columns else None
        columns[column.name], found = _column(table, column, given, rows)
        issues.extend(found)
    return pd.DataFrame(columns, index=pd.RangeIndex(len(rows))), issues


def empty(table: str) -> pd.DataFrame:
    """Return the table kind without rows, its columns typed."""
    return _empty(table).copy()


@cache
def _empty(table: str) -> pd.DataFrame:
    return coerce(table, pd.DataFrame(columns=list(spec(table).names)))[0]


def text_column(values: Iterable[str], index: pd.Index | None = None) -> pd.Series:
    """Return text as a column of the type that this pandas gives to text."""
    return pd.Series(list(values), index=index, dtype="str")


def _check_columns(table_spec: TableSpec, frame: pd.DataFrame) -> list[Issue]:
    issues = [
        Issue(
            table_spec.name,
            str(name),
            "is not a column of this table",
            nearest=nearest_label(str(name), table_spec.names),
            advice="rename or remove it",
        )
        for name in frame.columns
        if name not in table_spec.by_name
    ]
    for name in frame.columns[frame.columns.duplicated()].unique():
        issues.append(Issue(table_spec.name, str(name), "is given twice", advice="remove one"))
    for column in table_spec.columns:
        if column.is_required and column.name not in frame.columns:
            rule = "is missing and required: " + column.description
            issues.append(Issue(table_spec.name, column.name, rule))
    return issues


def _column(
    table: str, column: ColumnSpec, given: pd.Series | None, rows: Sequence[Any]
) -> tuple[pd.Series, list[Issue]]:
    if given is None:
        return _blank(column, len(rows)), []
    if column.is_text:
        values: Any = [_text(cell) for cell in given.tolist()]
        bad: list[int] = []
        blank = np.fromiter((value == "" for value in values), bool, len(rows))
    elif column.dtype == "bool":
        values, blank, bad = _booleans(given.tolist())
    else:
        values, blank, bad = _numbers(given)
    issues = [Issue(table, column.name, _type_rule(column), rows[i], given.iloc[i]) for i in bad]
    if column.is_required:
        rule = "must not be blank: " + column.description
        issues += [Issue(table, column.name, rule, rows[i]) for i in np.flatnonzero(blank).tolist()]
    return _filled(table, column, values, blank, rows, issues), issues


def _filled(
    table: str,
    column: ColumnSpec,
    values: Any,
    blank: np.ndarray,
    rows: Sequence[Any],
    issues: list[Issue],
) -> pd.Series:
    if column.is_text:
        default = column.default
        return text_column(value or default for value in values)
    if column.dtype == "bool":
        default_flag = column.default == "true"
        return pd.Series([default_flag if b else v for v, b in zip(values, blank, strict=True)])
    if column.default:
        values[blank] = float(column.default)
    if column.dtype == "int":
        split = np.isfinite(values) & (values != np.round(values))
        for i in np.flatnonzero(split).tolist():
            rule = f"must be a whole number{_unit(column)}"
            issues.append(Issue(table, column.name, rule, rows[i], float(values[i])))
        # A column with a default never has blanks, so it can hold integers proper.
        if column.default and np.isfinite(values).all():
            return pd.Series(np.round(values).astype(np.int64))
    return pd.Series(values)


def _blank(column: ColumnSpec, size: int) -> pd.Series:
    if column.is_text:
        return text_column([column.default] * size)
    if column.dtype == "bool":
        return pd.Series(np.full(size, column.default == "true"))
    if column.default and column.dtype == "int":
        return pd.Series(np.full(size, int(column.default), dtype=np.int64))
    return pd.Series(np.full(size, float(column.default) if column.default else np.nan))


def _numbers(given: pd.Series) -> tuple[np.ndarray, np.ndarray, list[int]]:
    if given.dtype.kind in "fiu":
        values = given.to_numpy(dtype=np.float64, copy=True)
        bad = np.flatnonzero(np.isinf(values)).tolist()
    else:
        cells = given.tolist()
        values = np.full(len(cells), np.nan)
        bad = []
        for i, cell in enumerate(cells):
            try:
                values[i] = _number(cell)
            except (TypeError, ValueError):
                bad.append(i)
    blank = np.isnan(values)
    values[bad] = np.nan
    blank[bad] = False
    return values, blank, bad


def _number(cell: Any) -> float:
    if cell is None or cell is pd.NA:
        return float("nan")
    if isinstance(cell, str) and cell.strip().casefold() in _BLANK_NUMBERS:
        return float("nan")
    if isinstance(cell, bool):
        raise TypeError
    number = float(cell)
    if np.isinf(number):
        raise ValueError
    return number


def _booleans(cells: list[Any]) -> tuple[list[bool], np.ndarray, list[int]]:
    values, blank, bad = [], np.zeros(len(cells), dtype=bool), []
    for i, cell in enumerate(cells):
        text = _text(cell).casefold()
        values.append(text in _TRUE)
        blank[i] = text in _BLANK_NUMBERS
        if not (blank[i] or text in _TRUE or text in _FALSE):
            bad.append(i)
    return values, blank, bad


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell.strip()
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return ""
    if isinstance(cell, float | np.floating):
        # A column of codes with blanks arrives as floats: 850511.0 means the code 850511.
        if np.isnan(cell):
            return ""
        return str(int(cell)) if float(cell).is_integer() else str(cell)
    return str(cell)


def _type_rule(column: ColumnSpec) -> str:
    if column.dtype == "bool":
        return "must be true or false"
    return f"must be a finite number{_unit(column)}"


def _unit(column: ColumnSpec) -> str:
    return f" [{column.unit}]" if column.unit else ""
