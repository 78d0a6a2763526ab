"""Tables of a chain of which the long ones are made when somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

from chokepoint import schema
from chokepoint.errors import OptionError

__all__ = ["MANY_FLOWS", "TableStore", "refuse_long", "row_count"]

MANY_FLOWS = 1_000_000
"""Above this number of flows a chain is not written, edited or made a graph: one row each."""


class TableStore(Mapping[str, pd.DataFrame]):
    """All tables by name, in reading order; some are built at first use and then kept.

    Parameters
    ----------
    ready : mapping of DataFrame
        Completed tables; tables that are neither here nor in `later` are empty.
    later : mapping of (rows, builder)
        Number of rows, and a function without arguments that returns the completed table.
    source : object
        What the long tables are made from.
    """

    __slots__ = ("_later", "_ready", "source")

    def __init__(
        self,
        ready: Mapping[str, pd.DataFrame],
        later: Mapping[str, tuple[int, Callable[[], pd.DataFrame]]],
        *,
        source: Any = None,
    ) -> None:
        self._later = dict(later)
        self.source = source
        self._ready = {
            table: ready[table] if table in ready else schema.empty(table)
            for table in schema.TABLE_NAMES
            if table not in later
        }

    def __getitem__(self, table: str) -> pd.DataFrame:
        """Return a table; it is built where this is the first use."""
        if table not in self._ready:
            self._ready[table] = self._later[table][1]()
        return self._ready[table]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the tables in reading order."""
        return iter(schema.TABLE_NAMES)

    def __len__(self) -> int:
        """Return the number of tables."""
        return len(schema.TABLE_NAMES)

    def row_count(self, table: str) -> int:
        """Return the number of rows of a table without building it."""
        return self._later[table][0] if table in self._later else len(self._ready[table])

    def __getstate__(self) -> dict[str, Any]:
        """Pickle what it takes to build the long tables, not the tables."""
        ready = {table: frame for table, frame in self._ready.items() if table not in self._later}
        return {"ready": ready, "later": self._later, "source": self.source}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the state of a pickle."""
        self._ready, self._later, self.source = state["ready"], state["later"], state["source"]


def row_count(tables: Mapping[str, pd.DataFrame], table: str) -> int:
    """Return the number of rows of a table without building it where it is long."""
    return tables.row_count(table) if isinstance(tables, TableStore) else len(tables[table])


def refuse_long(tables: Mapping[str, pd.DataFrame], what: str, instead: str) -> None:
    """Refuse what would need a row or object for each of very many flows.

    Raises
    ------
    OptionError
        If the chain has more than a million flows.
    """
    count = row_count(tables, "flows")
    if count > MANY_FLOWS:
        raise OptionError(
            f"expected a chain of at most {MANY_FLOWS:,} flows to {what}; this one has "
            f"{count:,}. {instead}"
        )
