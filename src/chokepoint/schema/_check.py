"""Checks that need no more than the specifications: bounds, choices, keys, ranges, references.

Each check is a small function that returns the problems it found; the caller decides what to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from chokepoint.errors import Issue, nearest_label, row_name
from chokepoint.schema._labels import WORLD, split_list
from chokepoint.schema._spec import TABLE_NAMES, ColumnSpec, TableSpec, spec

__all__ = [
    "check_bounds",
    "check_choices",
    "check_keys",
    "check_ranges",
    "check_references",
    "check_table",
    "check_table_names",
]

Rows = Mapping[str, Sequence[Any]]
"""Row labels of each table as the user gave it, by table name."""


def check_table_names(names: Sequence[str]) -> list[Issue]:
    """Return a problem for each name that is no table kind."""
    return [
        Issue(
            str(name),
            "table",
            "is not a table of a chain",
            nearest=nearest_label(str(name), TABLE_NAMES),
            advice="rename or remove it",
        )
        for name in names
        if name not in TABLE_NAMES
    ]


def check_table(table: str, frame: pd.DataFrame, rows: Sequence[Any]) -> list[Issue]:
    """Return the problems of one coerced table taken alone."""
    table_spec = spec(table)
    return [
        *check_bounds(table_spec, frame, rows),
        *check_choices(table_spec, frame, rows),
        *check_ranges(table_spec, frame, rows),
    ]


def check_bounds(table_spec: TableSpec, frame: pd.DataFrame, rows: Sequence[Any]) -> list[Issue]:
    """Return the numbers outside their bounds; ends of the measure's range share its bounds."""
    issues = []
    measure = table_spec.by_name.get(table_spec.measure)
    for column in table_spec.columns:
        bounded = measure if column.name in ("low", "high") and measure else column
        if bounded.interval is None or not column.is_number:
            continue
        values = frame[column.name].to_numpy(dtype=np.float64)
        interval = bounded.interval
        with np.errstate(invalid="ignore"):
            low = values <= interval.low if interval.low_open else values < interval.low
            high = values >= interval.high if interval.high_open else values > interval.high
        rule = f"must be {interval.text}" + (f" [{bounded.unit}]" if bounded.unit else "")
        for i in np.flatnonzero(low | high).tolist():
            issues.append(Issue(table_spec.name, column.name, rule, rows[i], float(values[i])))
    return issues


def check_choices(table_spec: TableSpec, frame: pd.DataFrame, rows: Sequence[Any]) -> list[Issue]:
    """Return the cells whose text is none of the allowed values."""
    issues = []
    for column in table_spec.columns:
        if not column.choices:
            continue
        rule = "must be one of " + ", ".join(column.choices)
        for i, value in enumerate(frame[column.name]):
            if value and value not in column.choices:
                nearest = nearest_label(value, column.choices)
                issues.append(
                    Issue(table_spec.name, column.name, rule, rows[i], value, nearest=nearest)
                )
    return issues


def check_ranges(table_spec: TableSpec, frame: pd.DataFrame, rows: Sequence[Any]) -> list[Issue]:
    """Return the rows that break low <= value <= high; a blank end bounds nothing."""
    issues = []
    for name, low_name, high_name in table_spec.ranges:
        value, low, high = (
            frame[c].to_numpy(dtype=np.float64) for c in (name, low_name, high_name)
        )
        # Ends are often written with fewer digits than the value, hence the small tolerance.
        slack = 1e-9 * np.abs(value)
        bad = (low > value + slack) | (high < value - slack) | (low > high)
        for i in np.flatnonzero(bad).tolist():
            given = f"{low[i]:g} <= {value[i]:g} <= {high[i]:g}"
            rule = f"must hold {low_name} <= {name} <= {high_name}; given {given}"
            issues.append(Issue(table_spec.name, f"{low_name}, {high_name}", rule, rows[i]))
    return issues


def check_keys(table: str, frame: pd.DataFrame, rows: Sequence[Any]) -> list[Issue]:
    """Return the rows that repeat the key of an earlier row."""
    key = list(spec(table).key)
    if not key:
        return []
    first: dict[tuple[str, ...], Any] = {}
    issues = []
    for row, labels in zip(rows, frame[key].itertuples(index=False, name=None), strict=True):
        if all(label == "" for label in labels):
            continue
        if labels in first:
            value = " / ".join(label or "(blank)" for label in labels)
            rule = f"duplicates {row_name(first[labels])}"
            issues.append(Issue(table, ", ".join(key), rule, row, value))
        else:
            first[labels] = row
    return issues


def check_references(tables: Mapping[str, pd.DataFrame], rows: Rows) -> list[Issue]:
    """Return the labels that the tables they refer to do not define.

    Sources are checked only if there is a table `sources` with rows.
    """
    known: dict[tuple[str, str], set[str]] = {}
    issues = []
    for table, frame in tables.items():
        for column in spec(table).columns:
            if not column.references or _skipped(column, tables):
                continue
            labels: set[str] = set()
            for target in column.references:
                labels |= known.setdefault(target, _labels(tables, target))
            issues += _unknown(table, column, frame, rows[table], labels)
    return issues


def _skipped(column: ColumnSpec, tables: Mapping[str, pd.DataFrame]) -> bool:
    targets = {table for table, _ in column.references}
    return targets == {"sources"} and ("sources" not in tables or tables["sources"].empty)


def _labels(tables: Mapping[str, pd.DataFrame], target: tuple[str, str]) -> set[str]:
    table, column = target
    if table not in tables:
        return set()
    cells = tables[table][column]
    labels = {item for cell in cells.unique() for item in split_list(cell)}
    return labels | {WORLD} if target == ("countries", "blocs") else labels


def _unknown(
    table: str, column: ColumnSpec, frame: pd.DataFrame, rows: Sequence[Any], labels: set[str]
) -> list[Issue]:
    where = " or ".join(".".join(pair) for pair in column.references)
    nearest: dict[str, str] = {}
    issues = []
    for row, cell in zip(rows, frame[column.name].tolist(), strict=True):
        for item in split_list(cell) if column.dtype == "list" else (cell,):
            if not item or item in labels:
                continue
            if item not in nearest:
                nearest[item] = nearest_label(item, sorted(labels))
            issues.append(
                Issue(table, column.name, f"is not in {where}", row, item, nearest=nearest[item])
            )
    return issues
