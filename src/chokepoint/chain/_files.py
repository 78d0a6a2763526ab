"""Read a chain from a folder of CSV files and write one.

A folder holds one CSV per table and a ``datapackage.json`` that says what the columns mean, so that
the data can be used without this library.
"""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from chokepoint import schema
from chokepoint.errors import Issue, OptionError, TableError, nearest_label

__all__ = ["PACKAGE_FILE", "package_name", "read_tables", "write_tables"]

PACKAGE_FILE = "datapackage.json"
_TYPES = {"str": "string", "list": "string", "float": "number", "int": "integer", "bool": "boolean"}


def read_tables(folder: str | Path) -> dict[str, pd.DataFrame]:
    """Return the tables in a folder as text frames, indexed by line of the file.

    Raises
    ------
    OptionError
        If there is no such folder, or no table in it.
    TableError
        If a file is no table of a chain, or a line has more cells than columns.
    """
    folder = Path(folder)
    files = sorted(folder.glob("*.csv")) if folder.is_dir() else []
    if not files:
        here = "has no CSV files" if folder.is_dir() else "is not a folder"
        raise OptionError(f"expected a folder with the tables of a chain; {folder} {here}")
    issues: list[Issue] = []
    frames = {}
    for file in files:
        if file.stem not in schema.TABLE_NAMES:
            rule = f"{file.name} is not a table of a chain"
            nearest = nearest_label(file.stem, schema.TABLE_NAMES)
            issues.append(
                Issue(file.stem, "file", rule, nearest=nearest, advice="rename or move it")
            )
            continue
        try:
            frames[file.stem] = _read(file, issues)
        except UnicodeDecodeError as error:
            rule = f"must be text in UTF-8; byte {error.start} of {file.name} is not"
            issues.append(Issue(file.stem, "file", rule, advice="save it as UTF-8"))
    if issues:
        raise TableError(issues)
    return {table: frames[table] for table in schema.TABLE_NAMES if table in frames}


def package_name(folder: str | Path) -> str:
    """Return the name in the folder's data package, or the folder's own name."""
    return str(_package(Path(folder)).get("name") or Path(folder).resolve().name)


def write_tables(folder: str | Path, tables: Mapping[str, pd.DataFrame], *, name: str) -> None:
    """Write tables with rows as CSV beside their data package, all or nothing.

    Everything is written into a new folder beside the target first, which then takes the target's
    place. Other files of the target, such as a data card, are kept.
    """
    target = Path(folder).resolve()
    if target.exists() and not target.is_dir():
        raise OptionError(f"expected a folder to write to; {target} is a file")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
        made, old = Path(scratch) / "new", Path(scratch) / "old"
        if target.exists():
            shutil.copytree(target, made, ignore=_tables_of_chain(target), symlinks=True)
        made.mkdir(exist_ok=True)
        shown = {table: _visible(table, frame) for table, frame in tables.items() if len(frame)}
        for table, frame in shown.items():
            _write(made / f"{table}.csv", frame)
        package = _described(name, tables, shown, _package(target))
        text = json.dumps(package, indent=2, ensure_ascii=False) + "\n"
        (made / PACKAGE_FILE).write_text(text, encoding="utf-8")
        if target.exists():
            target.rename(old)
        try:
            made.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise


def _tables_of_chain(target: Path) -> Callable[[str, list[str]], list[str]]:
    """Return which files a copy of `target` leaves out: its tables, not those of folders inside."""
    own = {f"{table}.csv" for table in schema.TABLE_NAMES} | {PACKAGE_FILE}

    def ignored(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if name in own] if Path(folder) == target else []

    return ignored


def _read(file: Path, issues: list[Issue]) -> pd.DataFrame:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream)
        header = [cell.strip() for cell in next(reader, [])]
        lines, rows = [], []
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) > len(header):
                rule = f"has {len(row)} cells, the head line has {len(header)}"
                advice = "quote cells that contain a comma"
                issues.append(Issue(file.stem, "", rule, f"line {reader.line_num}", advice=advice))
            lines.append(f"line {reader.line_num}")
            rows.append([*row, *[""] * len(header)][: len(header)])
    return pd.DataFrame(rows, columns=header, index=lines, dtype=object)


def _visible(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that say something: required ones and those not blank throughout."""
    by_name = schema.spec(table).by_name
    kept = [
        name
        for name in frame.columns
        if by_name[name].is_required or not (frame[name].isna() | (frame[name] == "")).all()
    ]
    return frame[kept]


def _write(file: Path, frame: pd.DataFrame) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(frame.columns)
        columns = [[_cell(value) for value in frame[name].tolist()] for name in frame.columns]
        writer.writerows(zip(*columns, strict=True))


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # repr is the shortest text that reads back as the same number.
        if np.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)


def _package(folder: Path) -> dict[str, Any]:
    file = folder / PACKAGE_FILE
    if not file.is_file():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        message = (
            f"{file} is not valid JSON (line {error.lineno}): {error.msg}; correct or remove it"
        )
        raise OptionError(message) from None
    return found if isinstance(found, dict) else {}


def _described(
    name: str,
    tables: Mapping[str, pd.DataFrame],
    shown: Mapping[str, pd.DataFrame],
    previous: Mapping[str, Any],
) -> dict[str, Any]:
    sources = tables["sources"]
    cells = zip(sources["title"], sources["url"], strict=True)
    listed = [{"title": title, **({"path": url} if url else {})} for title, url in cells]
    # What the tables do not say (title, licences, version, ...) is kept from the previous package.
    kept = {k: v for k, v in previous.items() if k not in ("name", "sources", "resources")}
    return {
        "name": name,
        "profile": "tabular-data-package",
        "version": "0.1.0",
        "licenses": [],
        **kept,
        "sources": listed,
        "resources": [_resource(table, list(frame.columns)) for table, frame in shown.items()],
    }


def _resource(table: str, columns: list[str]) -> dict[str, Any]:
    spec = schema.spec(table)
    fields = [_field(spec.by_name[name]) for name in columns]
    described: dict[str, Any] = {"fields": fields, "missingValues": [""]}
    key = [name for name in spec.key if name in columns]
    if key == list(spec.key) and key:
        described["primaryKey"] = key
    return {
        "name": table,
        "path": f"{table}.csv",
        "profile": "tabular-data-resource",
        "encoding": "utf-8",
        "schema": described,
    }


def _field(column: schema.ColumnSpec) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column.name, "type": _TYPES[column.dtype]}
    if column.unit:
        field["unit"] = column.unit
    field["description"] = column.description
    constraints: dict[str, Any] = {}
    if column.is_required:
        constraints["required"] = True
    if column.choices:
        constraints["enum"] = list(column.choices)
    if column.interval is not None:
        if np.isfinite(column.interval.low):
            constraints["minimum"] = column.interval.low
        if np.isfinite(column.interval.high):
            constraints["maximum"] = column.interval.high
    if constraints:
        field["constraints"] = constraints
    return field
