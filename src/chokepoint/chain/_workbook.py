"""A chain in one Excel workbook: a sheet for each table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import pandas as pd

from chokepoint import schema
from chokepoint._optional import require
from chokepoint.errors import Issue, OptionError, TableError, nearest_label

__all__ = ["is_workbook", "read_workbook", "workbook_name", "write_workbook"]

_ENDING = ".xlsx"


def is_workbook(path: Path) -> bool:
    """Return whether a path is named like a workbook."""
    return path.suffix.lower() == _ENDING


def read_workbook(file: Path) -> dict[str, pd.DataFrame]:
    """Return the tables of a workbook, indexed by the rows of their sheets.

    Values of formulas are those that the program which saved the workbook last had worked out.

    Raises
    ------
    OptionError
        If there is no such file.
    TableError
        If a sheet is no table of a chain, or a row has cells beyond the head row.
    """
    book = _open(file)
    issues: list[Issue] = []
    frames = {}
    for sheet in book.worksheets:
        table = sheet.title.strip()
        if table not in schema.TABLE_NAMES:
            rule = f'the sheet "{table}" of {file.name} is not a table of a chain'
            nearest = nearest_label(table, schema.TABLE_NAMES)
            issues.append(
                Issue(table, "sheet", rule, nearest=nearest, advice="rename or remove it")
            )
            continue
        frames[table] = _frame(table, sheet.iter_rows(values_only=True), issues)
    book.close()
    if issues:
        raise TableError(issues)
    return {table: frames[table] for table in schema.TABLE_NAMES if table in frames}


def workbook_name(file: Path) -> str:
    """Return the title of a workbook, or its file's name without the ending."""
    book = _open(file)
    title = book.properties.title
    book.close()
    return str(title or file.stem)


def write_workbook(file: Path, tables: Mapping[str, pd.DataFrame], *, name: str) -> None:
    """Write tables into a new workbook whose title is the chain's name."""
    book = require("openpyxl", extra="excel").Workbook(write_only=True)
    book.properties.title = name
    for table, frame in tables.items():
        sheet = book.create_sheet(table)
        sheet.append(list(frame.columns))
        columns = [[_plain(value) for value in frame[column].tolist()] for column in frame.columns]
        for row in zip(*columns, strict=True):
            sheet.append(row)
    book.save(file)


def _open(file: Path) -> Any:
    openpyxl = require("openpyxl", extra="excel")
    if not file.is_file():
        raise OptionError(f"expected a workbook with the tables of a chain; there is no {file}")
    try:
        return openpyxl.load_workbook(file, read_only=True, data_only=True)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise OptionError(f"expected an Excel workbook; {file} cannot be read: {error}") from error


def _frame(table: str, rows: Iterable[tuple[Any, ...]], issues: list[Issue]) -> pd.DataFrame:
    rows = iter(rows)
    header = [_text(value) for value in next(rows, ())]
    while header and not header[-1]:
        header.pop()
    labels, kept = [], []
    for number, row in enumerate(rows, start=2):
        if not any(_text(value) for value in row):
            continue
        if any(_text(value) for value in row[len(header) :]):
            rule = f"has cells beyond the {len(header)} columns that the head row names"
            issues.append(Issue(table, "", rule, f"row {number}"))
        labels.append(f"row {number}")
        kept.append([*map(_given, row), *[""] * len(header)][: len(header)])
    return pd.DataFrame(kept, columns=header, index=labels, dtype=object)


def _given(value: Any) -> Any:
    """Return a cell as the tables take it: dates as text."""
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    return "" if value is None else value


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _plain(value: Any) -> Any:
    """Return a value as a cell: nothing for blanks."""
    return None if value == "" or pd.isna(value) else value
