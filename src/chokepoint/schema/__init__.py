"""What a table of a chain may hold.

One CSV per table kind in ``schema/tables/`` states columns, types, units, defaults, bounds and
references; everything else here is derived from those files.
"""

from __future__ import annotations

from chokepoint.schema._check import (
    check_bounds,
    check_choices,
    check_keys,
    check_ranges,
    check_references,
    check_table,
    check_table_names,
)
from chokepoint.schema._coerce import coerce, empty, text_column
from chokepoint.schema._labels import (
    FORBIDDEN,
    OTHER_USE,
    WORLD,
    market_label,
    site_label,
    split_list,
)
from chokepoint.schema._provenance import check_provenance
from chokepoint.schema._spec import (
    TABLE_NAMES,
    ColumnSpec,
    Interval,
    TableSpec,
    describe,
    spec,
    specs,
)

__all__ = [
    "FORBIDDEN",
    "OTHER_USE",
    "TABLE_NAMES",
    "WORLD",
    "ColumnSpec",
    "Interval",
    "TableSpec",
    "check_bounds",
    "check_choices",
    "check_keys",
    "check_provenance",
    "check_ranges",
    "check_references",
    "check_table",
    "check_table_names",
    "coerce",
    "describe",
    "empty",
    "market_label",
    "site_label",
    "spec",
    "specs",
    "split_list",
    "text_column",
]
