"""One table in one file, as CSV or as Parquet: text and numbers that read back as they were."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from chokepoint._optional import require
from chokepoint.errors import Issue

__all__ = ["READERS", "WRITERS", "FileFormat", "cell"]

FileFormat = Literal["csv", "parquet"]


def read_csv(file: Path, issues: list[Issue]) -> pd.DataFrame:
    """Return a CSV file as text, indexed by its lines."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream)
        header = [text.strip() for text in next(reader, [])]
        lines, rows = [], []
        for row in reader:
            if not any(text.strip() for text in row):
                continue
            if len(row) > len(header):
                rule = f"has {len(row)} cells, the head line has {len(header)}"
                advice = "quote cells that contain a comma"
                issues.append(Issue(file.stem, "", rule, f"line {reader.line_num}", advice=advice))
            lines.append(f"line {reader.line_num}")
            rows.append([*row, *[""] * len(header)][: len(header)])
    return pd.DataFrame(rows, columns=header, index=lines, dtype=object)


def write_csv(file: Path, frame: pd.DataFrame) -> None:
    """Write a table as CSV."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(frame.columns)
        columns = [[cell(value) for value in frame[name].tolist()] for name in frame.columns]
        writer.writerows(zip(*columns, strict=True))


def read_parquet(file: Path, issues: list[Issue]) -> pd.DataFrame:  # noqa: ARG001  (as read_csv)
    """Return a Parquet file, indexed by the numbers of its rows from 1."""
    require("pyarrow", extra="parquet")
    frame = pd.read_parquet(file, engine="pyarrow")
    return frame.set_axis([f"row {i + 1}" for i in range(len(frame))])


def write_parquet(file: Path, frame: pd.DataFrame) -> None:
    """Write a table as Parquet."""
    require("pyarrow", extra="parquet")
    frame.to_parquet(file, engine="pyarrow", index=False)


def cell(value: object) -> str:
    """Return a value as the shortest text that reads back as the same value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if np.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)


READERS: dict[str, Callable[[Path, list[Issue]], pd.DataFrame]] = {
    "csv": read_csv,
    "parquet": read_parquet,
}
WRITERS: dict[str, Callable[[Path, pd.DataFrame], None]] = {
    "csv": write_csv,
    "parquet": write_parquet,
}
