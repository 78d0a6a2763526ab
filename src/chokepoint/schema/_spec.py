"""What each table may hold, read from one CSV per table kind.

The CSV files in ``schema/tables/`` are the only place where a column, its type, unit, default,
bounds and references are written. Coercion, validation, documentation and the fields of
``datapackage.json`` are derived from them.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from types import MappingProxyType

import pandas as pd

from chokepoint.errors import UnknownLabelError

__all__ = ["TABLE_NAMES", "ColumnSpec", "Interval", "TableSpec", "describe", "spec", "specs"]

TABLE_NAMES = (
    "countries",
    "products",
    "sites",
    "inputs",
    "joint",
    "flows",
    "trade",
    "markets",
    "alternatives",
    "projects",
    "measures",
    "controls",
    "preferences",
    "estimates",
    "sources",
)
"""Names of all table kinds, in the order in which they are read and written."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds of a number; an infinite end means no bound."""

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column of one table kind.

    Attributes
    ----------
    name, unit, default, description : str
        As in the CSV; `default` is the text that a blank cell is read as.
    dtype : {"str", "list", "float", "int", "bool"}
        Type; a ``list`` is text whose items are separated by semicolons.
    interval : Interval or None
        Bounds of a number.
    choices : tuple of str
        Allowed values, empty where any is allowed.
    references : tuple of (table, column)
        Where the labels of this column are defined; any of them will do.
    status : frozenset of str
        Words among key, unique, required, optional, derived, provenance and measure.
    """

    name: str
    dtype: str
    unit: str
    default: str
    interval: Interval | None
    choices: tuple[str, ...]
    references: tuple[tuple[str, str], ...]
    status: frozenset[str]
    description: str
    bounds: str

    @property
    def is_text(self) -> bool:
        """Whether cells are text; a blank text cell is the empty string."""
        return self.dtype in ("str", "list")

    @property
    def is_number(self) -> bool:
        """Whether cells are numbers."""
        return self.dtype in ("float", "int")

    @property
    def is_required(self) -> bool:
        """Whether the column must be given and no cell of it may be blank."""
        return "required" in self.status or self.status == {"key"}


@dataclass(frozen=True)
class TableSpec:
    """One table kind: its columns in their order."""

    name: str
    columns: tuple[ColumnSpec, ...]

    @cached_property
    def by_name(self) -> MappingProxyType[str, ColumnSpec]:
        """Columns by name."""
        return MappingProxyType({column.name: column for column in self.columns})

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def key(self) -> tuple[str, ...]:
        """Columns that together may not repeat; empty where rows may."""
        return tuple(c.name for c in self.columns if c.status & {"key", "unique"})

    @cached_property
    def measure(self) -> str:
        """The table's main number, to which plain ``low`` and ``high`` belong; "" if none."""
        return next((c.name for c in self.columns if "measure" in c.status), "")

    @cached_property
    def ranges(self) -> tuple[tuple[str, str, str], ...]:
        """Triples (value, low, high) of column names, the measure's first."""
        found = []
        if self.measure and "low" in self.by_name:
            found.append((self.measure, "low", "high"))
        for name in self.names:
            if f"{name}_low" in self.by_name:
                found.append((name, f"{name}_low", f"{name}_high"))
        return tuple(found)


@cache
def spec(table: str) -> TableSpec:
    """Return the specification of one table kind; UnknownLabelError if there is none."""
    if table not in TABLE_NAMES:
        raise UnknownLabelError(table, "table", TABLE_NAMES)
    source = files("chokepoint.schema").joinpath("tables", f"{table}.csv")
    rows = csv.DictReader(source.read_text(encoding="utf-8").splitlines())
    return TableSpec(table, tuple(_column(row) for row in rows))


def specs() -> dict[str, TableSpec]:
    """Return the specifications of all table kinds by name."""
    return {name: spec(name) for name in TABLE_NAMES}


def describe(table: str) -> pd.DataFrame:
    """Return what a table may hold: one row per column, as specified.

    Parameters
    ----------
    table : str
        Table kind, one of :data:`TABLE_NAMES`.

    Returns
    -------
    DataFrame
        Index `column`; columns dtype, unit, default, bounds, references, status, description.

    Raises
    ------
    UnknownLabelError
        If there is no such table kind.

    Examples
    --------
    >>> describe("sites").loc["output_qty", ["dtype", "unit", "bounds"]].tolist()
    ['float', 'product unit per year', '>= 0']
    """
    records = [
        {
            "column": column.name,
            "dtype": column.dtype,
            "unit": column.unit,
            "default": column.default,
            "bounds": column.bounds,
            "references": "|".join(".".join(pair) for pair in column.references),
            "status": " ".join(sorted(column.status)),
            "description": column.description,
        }
        for column in spec(table).columns
    ]
    return pd.DataFrame.from_records(records).set_index("column")


def _column(row: dict[str, str]) -> ColumnSpec:
    bounds = row["bounds"]
    choices = tuple(bounds[1:-1].split(",")) if bounds.startswith("{") else ()
    references = tuple(
        (pair.split(".")[0], pair.split(".")[1]) for pair in row["references"].split("|") if pair
    )
    return ColumnSpec(
        name=row["column"],
        dtype=row["dtype"],
        unit=row["unit"],
        default=row["default"],
        interval=None if choices or not bounds else _interval(bounds),
        choices=choices,
        references=references,
        status=frozenset(row["status"].split()),
        description=row["description"],
        bounds=bounds,
    )


def _interval(bounds: str) -> Interval:
    one_sided = re.fullmatch(r"(>=|>|<=|<)\s*(\S+)", bounds)
    if one_sided:
        sign, number = one_sided[1], float(one_sided[2])
        open_end = len(sign) == 1
        if sign[0] == ">":
            return Interval(number, float("inf"), low_open=open_end, text=bounds)
        return Interval(float("-inf"), number, high_open=open_end, text=bounds)
    two_sided = re.fullmatch(r"([\[(])(\S+), (\S+)([\])])", bounds)
    if not two_sided:
        raise ValueError(f"bounds {bounds!r} of a table specification cannot be read")
    return Interval(
        float(two_sided[2]),
        float(two_sided[3]),
        low_open=two_sided[1] == "(",
        high_open=two_sided[4] == ")",
        text=f"in {bounds}",
    )
