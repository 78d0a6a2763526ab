"""Read a chain from a folder of CSV or Parquet files or from a workbook, and write one.

A folder holds one file per table and a ``datapackage.json`` that says what the columns mean, so
that the data can be used without this library. Rows whose sources carry a licence of their own
stand in files of their own, ``<table>_<licence>.csv``.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from chokepoint import schema
from chokepoint.chain._licences import Part, parts_of, suffixes, table_of
from chokepoint.chain._package import PACKAGE_FILE, described, own_licences, read_package
from chokepoint.chain._table_files import READERS, WRITERS, FileFormat
from chokepoint.chain._workbook import is_workbook, read_workbook, workbook_name, write_workbook
from chokepoint.errors import Issue, OptionError, TableError, nearest_label

__all__ = ["PACKAGE_FILE", "package_name", "read_tables", "write_tables"]


def read_tables(path: str | Path) -> dict[str, pd.DataFrame]:
    """Return the tables in a folder or workbook as they stand, indexed by line of the file.

    Parameters
    ----------
    path : path
        A folder of CSV or Parquet files, or an Excel workbook (``.xlsx``) with a sheet per table.

    Raises
    ------
    OptionError
        If there is no such folder or workbook, or no table in it.
    TableError
        If a file is no table of a chain, or a line has more cells than columns.
    MissingDependencyError
        If the package that reads workbooks or Parquet is not installed.
    """
    path = Path(path)
    if is_workbook(path):
        return read_workbook(path)
    files = _table_files(path)
    if not files:
        here = "has no CSV files" if path.is_dir() else "is not a folder"
        raise OptionError(f"expected a folder with the tables of a chain; {path} {here}")
    issues: list[Issue] = []
    # Sources first: their licences say which further files belong to a table.
    frames = {file: _read(file, issues) for file in files if file.stem == "sources"}
    known = suffixes(next(iter(frames.values()), pd.DataFrame()))
    of_table: dict[str, list[Path]] = {}
    for file in files:
        table = table_of(file.stem, known)
        if table is None:
            issues.append(_no_table(file))
            continue
        of_table.setdefault(table, []).append(file)
        if file not in frames:
            frames[file] = _read(file, issues)
    issues += _twice(files)
    issues += [issue for group in of_table.values() for issue in _unclear(group, frames)]
    if issues:
        raise TableError(issues)
    return {
        table: _joined(of_table[table], frames) for table in schema.TABLE_NAMES if table in of_table
    }


def package_name(path: str | Path) -> str:
    """Return the name that a chain's data package or workbook states, or the file's own name."""
    path = Path(path)
    if is_workbook(path):
        return workbook_name(path)
    return str(read_package(path).get("name") or path.resolve().name)


def write_tables(
    path: str | Path,
    tables: Mapping[str, pd.DataFrame],
    *,
    name: str,
    licence: str | None = None,
    file_format: FileFormat = "csv",
) -> None:
    """Write tables with rows beside their data package, or into a workbook, all or nothing.

    Everything is written into a new folder beside the target first, which then takes the target's
    place. Other files of the target, such as a data card, are kept.

    Parameters
    ----------
    path : path
        A folder, or a workbook (``.xlsx``).
    tables : mapping of DataFrame
        Completed tables.
    name : str
        Name of the chain.
    licence : str, optional
        Licence of what no source puts under another one; None = as the data package says.
    file_format : {"csv", "parquet"}
        Kind of the files in a folder.
    """
    target = Path(path).resolve()
    if file_format not in WRITERS:
        kinds = ", ".join(WRITERS)
        raise OptionError(f"expected file_format to be one of {kinds}; given {file_format!r}")
    if is_workbook(target):
        _write_workbook(target, tables, name=name)
        return
    if target.exists() and not target.is_dir():
        raise OptionError(f"expected a folder to write to; {target} is a file")
    previous = read_package(target)
    licences = own_licences(previous, licence)
    own = [str(one.get("name", "")) for one in licences]
    parts = [
        replace(part, rows=_visible(part.table, part.rows)) for part in parts_of(tables, own=own)
    ]
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
        made, old = Path(scratch) / "new", Path(scratch) / "old"
        if target.exists():
            shutil.copytree(target, made, ignore=_tables_of_chain(target, previous), symlinks=True)
        made.mkdir(exist_ok=True)
        for part in parts:
            _write(made / f"{part.name}.{file_format}", part)
        package = described(
            name, tables["sources"], parts, previous, licences=licences, ending=file_format
        )
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


def _table_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(file for ending in READERS for file in folder.glob(f"*.{ending}"))


def _read(file: Path, issues: list[Issue]) -> pd.DataFrame:
    try:
        return READERS[file.suffix[1:]](file, issues)
    except UnicodeDecodeError as error:
        rule = f"must be text in UTF-8; byte {error.start} of {file.name} is not"
        issues.append(Issue(file.stem, "file", rule, advice="save it as UTF-8"))
        return pd.DataFrame()


def _no_table(file: Path) -> Issue:
    rule = f"{file.name} is not a table of a chain"
    table = file.stem.partition("_")[0]
    if table in schema.TABLE_NAMES:
        rule += f", nor rows of {table} under a licence that a source carries"
    nearest = nearest_label(file.stem, schema.TABLE_NAMES)
    return Issue(file.stem, "file", rule, nearest=nearest, advice="rename or move it")


def _twice(files: list[Path]) -> list[Issue]:
    stems = [file.stem for file in files]
    return [
        Issue(stem, "file", "is there as CSV and as Parquet", advice="remove one of them")
        for stem in sorted({stem for stem in stems if stems.count(stem) > 1})
    ]


def _unclear(files: list[Path], frames: Mapping[Path, pd.DataFrame]) -> list[Issue]:
    """Return the columns that cannot be joined, since a file of several has them twice."""
    return [
        Issue(file.stem, str(column), "is given twice", advice="remove one")
        for file in (files if len(files) > 1 else [])
        for column in frames[file].columns[frames[file].columns.duplicated()].unique()
    ]


def _joined(files: list[Path], frames: Mapping[Path, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of a table that stand in several files, named by line and file."""
    if len(files) == 1:
        return frames[files[0]]
    # Cells may be text in one file and numbers in another.
    parts = [frames[file].astype(object) for file in files]
    named = [
        part.set_axis([f"{label} of {file.name}" for label in part.index])
        for file, part in zip(files, parts, strict=True)
    ]
    return pd.concat(named)


def _tables_of_chain(
    target: Path, previous: Mapping[str, Any]
) -> Callable[[str, list[str]], list[str]]:
    """Return which files a copy of `target` leaves out: its tables, not those of folders inside."""
    files = _table_files(target)
    sources = [_read(file, []) for file in files if file.stem == "sources"]
    known = suffixes(next(iter(sources), pd.DataFrame()))
    listed = {str(one.get("path")) for one in previous.get("resources") or [] if one.get("name")}
    own = {PACKAGE_FILE}
    for file in files:
        part = table_of(file.stem, known) or (
            file.name in listed and file.stem.partition("_")[0] in schema.TABLE_NAMES
        )
        own |= {file.name} if part else set()

    def ignored(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if name in own] if Path(folder) == target else []

    return ignored


def _visible(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that say something: required ones and those not blank throughout."""
    by_name = schema.spec(table).by_name
    kept = [
        name
        for name in frame.columns
        if by_name[name].is_required or not (frame[name].isna() | (frame[name] == "")).all()
    ]
    return frame[kept]


def _write(file: Path, part: Part) -> None:
    WRITERS[file.suffix[1:]](file, part.rows)


def _write_workbook(target: Path, tables: Mapping[str, pd.DataFrame], *, name: str) -> None:
    """Write a workbook beside the target, which it then replaces."""
    if target.is_dir():
        raise OptionError(f"expected a workbook to write to; {target} is a folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    shown = {table: _visible(table, frame) for table, frame in tables.items() if len(frame)}
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.stem}-") as scratch:
        made = Path(scratch) / target.name
        write_workbook(made, shown, name=name)
        made.replace(target)
