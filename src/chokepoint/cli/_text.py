"""What is printed: results on the standard output, stages and errors on the error stream."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Stages", "complain", "grid", "listed", "number", "say"]


def say(text: str = "") -> None:
    """Write a line to the standard output."""
    sys.stdout.write(f"{text}\n")


def complain(text: str) -> None:
    """Write a line to the error stream."""
    sys.stderr.write(f"{text}\n")


class Stages:
    """A line on the error stream as each stage begins, with the seconds since the start."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._began = time.perf_counter()

    def begin(self, name: str) -> None:
        """Say what comes next."""
        if not self._quiet:
            complain(f"[{time.perf_counter() - self._began:5.1f} s] {name}")
            sys.stderr.flush()


def number(value: float) -> str:
    """Return a figure with about three digits that matter, "-" for none, "never" for infinite.

    Examples
    --------
    >>> [number(value) for value in (12345.6, 3.14159, 0.01234, 0.0, float("inf"))]
    ['12,346', '3.1', '0.0123', '0', 'never']
    """
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "never" if value > 0 else "-never"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.3g}"


def grid(table: pd.DataFrame, *, heads: Mapping[str, str], most: int | None = None) -> str:
    """Return columns of a table as text, figures to the right, and what was left out.

    Parameters
    ----------
    table : DataFrame
        What is shown, without its index.
    heads : mapping of str to str
        Columns and what stands above them.
    most : int, optional
        Largest number of rows.
    """
    shown = table.head(most) if most else table
    rows = [list(heads.values())]
    rows += [
        [_cell(value) for value in row]
        for row in shown[list(heads)].itertuples(index=False, name=None)
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(len(heads))]
    figures = [_is_number(table[name]) for name in heads]
    lines = [
        "  ".join(
            cell.rjust(width) if figure else cell.ljust(width)
            for cell, width, figure in zip(row, widths, figures, strict=True)
        ).rstrip()
        for row in rows
    ]
    if len(shown) < len(table):
        lines.append(f"... and {len(table) - len(shown)} more rows; a file holds all")
    return "\n".join(lines)


def _is_number(column: pd.Series) -> bool:
    from pandas.api.types import is_numeric_dtype

    return bool(is_numeric_dtype(column))


def _cell(value: object) -> str:
    return number(float(value)) if isinstance(value, int | float) else str(value)


def listed(names: Iterable[str], *, most: int = 8) -> str:
    """Return names in a row, the rest as a number."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more
