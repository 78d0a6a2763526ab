"""When two chains are the same: equal tables, whatever the order of their rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint import schema
from chokepoint.chain._table_store import MANY_FLOWS, row_count

__all__ = ["digest", "same_tables"]


def same_tables(one: Mapping[str, pd.DataFrame], other: Mapping[str, pd.DataFrame]) -> bool:
    """Return whether all tables hold the same rows, NaN being equal to NaN."""
    if any(row_count(one, table) != row_count(other, table) for table in schema.TABLE_NAMES):
        return False
    return all(_same(table, one[table], other[table]) for table in schema.TABLE_NAMES)


def digest(tables: Mapping[str, pd.DataFrame]) -> int:
    """Return a number that is the same for equal tables and stable between sessions."""
    stream = hashlib.sha256()
    # Of very many flows only the number counts: the other tables tell such chains apart.
    many = row_count(tables, "flows") > MANY_FLOWS
    for table in schema.TABLE_NAMES:
        if table == "flows" and many:
            stream.update(f"{table}:{row_count(tables, table)};".encode())
            continue
        frame = tables[table]
        order = _order(table, frame)
        stream.update(f"{table}:{len(frame)};".encode())
        for name in frame.columns:
            column = frame[name].to_numpy()[order]
            if column.dtype.kind in "fiub":
                # -0.0 equals 0.0 and so has to hash like it.
                stream.update(np.ascontiguousarray(column.astype(np.float64) + 0.0).tobytes())
            else:
                stream.update("\x1f".join(column.tolist()).encode())
    return int.from_bytes(stream.digest()[:8], "big", signed=True)


def _same(table: str, one: pd.DataFrame, other: pd.DataFrame) -> bool:
    if len(one) != len(other):
        return False
    first, second = _order(table, one), _order(table, other)
    for name in one.columns:
        left, right = one[name].to_numpy()[first], other[name].to_numpy()[second]
        numeric = left.dtype.kind in "fiub" and right.dtype.kind in "fiub"
        if not np.array_equal(left, right, equal_nan=numeric):
            return False
    return True


def _order(table: str, frame: pd.DataFrame) -> NDArray[np.intp]:
    # The key decides; tables without one are ordered by all their columns.
    names = schema.spec(table).key or tuple(frame.columns)
    columns = [frame[name].to_numpy() for name in reversed(names)]
    sortable = [c if c.dtype.kind in "fiub" else c.astype(str) for c in columns]
    return np.lexsort(sortable) if len(frame) else np.zeros(0, dtype=np.intp)
