"""SupplyChain: validated tables that never change, and the views computed from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import pandas as pd

from chokepoint import schema
from chokepoint.chain._assemble import Draft, assemble, complete_values
from chokepoint.chain._balance import balance
from chokepoint.chain._fit import FlowEstimate, estimate_flows, wants_estimate
from chokepoint.chain._recipes import recipes
from chokepoint.chain._rules import check_balance, check_structure
from chokepoint.chain._select import select_areas, select_products
from chokepoint.chain._views import edge_view, node_view, slot_view
from chokepoint.errors import ImmutableError, TableError

__all__ = ["SupplyChain"]


class SupplyChain:
    """A supply chain: immutable, validated tables and views of them."""

    __slots__ = ("_cache", "_fit", "_name", "_tables")

    _cache: dict[str, Any]
    _fit: FlowEstimate | None
    _name: str
    _tables: dict[str, pd.DataFrame]

    def __init__(self) -> None:
        raise TypeError("build a chain with SupplyChain.from_tables, .read or .from_networkx")

    @classmethod
    def from_tables(
        cls,
        tables: Mapping[str, pd.DataFrame] | None = None,
        *,
        name: str = "chain",
        **frames: pd.DataFrame | None,
    ) -> SupplyChain:
        """Build a chain from tables."""
        given = {**(tables or {}), **frames}
        draft = assemble({key: frame for key, frame in given.items() if frame is not None})
        check_structure(draft)
        _raise(draft)
        fit = None
        if wants_estimate(draft.tables):
            fit = estimate_flows(draft.tables)
            draft.tables["flows"] = fit.flows
            complete_values(draft.tables)
        check_balance(draft)
        _raise(draft)
        return cls._from_trusted(draft.tables, name=name, fit=fit)

    @classmethod
    def _from_trusted(
        cls,
        tables: dict[str, pd.DataFrame],
        *,
        name: str,
        fit: FlowEstimate | None = None,
        cache: dict[str, Any] | None = None,
    ) -> SupplyChain:
        chain = object.__new__(cls)
        object.__setattr__(chain, "_tables", tables)
        object.__setattr__(chain, "_name", name)
        object.__setattr__(chain, "_fit", fit)
        object.__setattr__(chain, "_cache", dict(cache or {}))
        return chain

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise ImmutableError(f"a chain does not change; use chain.replace({name}=...) for a new one")

    def __delattr__(self, name: str) -> NoReturn:
        raise ImmutableError("a chain does not change; use chain.replace(...) for a new one")

    @property
    def name(self) -> str:
        """Name of the chain."""
        return self._name

    @property
    def fit(self) -> FlowEstimate | None:
        """How the flows were estimated, None where they were given."""
        return self._fit

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Copies of all tables by name, in reading order."""
        return {table: frame.copy() for table, frame in self._tables.items()}

    def replace(self, **tables: pd.DataFrame | None) -> SupplyChain:
        """Return a new chain in which some tables are others."""
        return SupplyChain.from_tables({**self._tables, **tables}, name=self._name)  # type: ignore[dict-item]

    @property
    def nodes(self) -> pd.DataFrame:
        """Sites, then markets."""
        return self._cached("nodes", lambda: node_view(self._tables)).copy()

    @property
    def slots(self) -> pd.DataFrame:
        """Needs of sites and markets."""
        return self._cached("slots", lambda: slot_view(self._tables, self._recipes())).copy()

    @property
    def edges(self) -> pd.DataFrame:
        """Flows and dormant alternatives."""

        def build() -> pd.DataFrame:
            return edge_view(self._tables, self._recipes(), self.slots)

        return self._cached("edges", build).copy()

    def areas(self, names: str | Iterable[str] | None = None) -> tuple[str, ...]:
        """Return the areas that codes and blocs stand for."""
        return select_areas(self._tables, names)

    def products_in(self, names: str | Iterable[str] | None = None) -> tuple[str, ...]:
        """Return the products that products and groups stand for."""
        return select_products(self._tables, names)

    def balance(self) -> pd.DataFrame:
        """Return the residuals of the accounting identities."""
        return balance(self._tables, self._recipes())

    def _recipes(self) -> pd.DataFrame:
        return self._cached("recipes", lambda: recipes(self._tables))

    def _cached(self, key: str, build: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        if key not in self._cache:
            self._cache[key] = build()
        frame: pd.DataFrame = self._cache[key]
        return frame


def _table_property(table: str) -> property:
    def get(chain: SupplyChain) -> pd.DataFrame:
        return chain._tables[table].copy()

    get.__doc__ = f"Copy of the table `{table}`; see ``chokepoint.schema.describe({table!r})``."
    return property(get)


for _table in schema.TABLE_NAMES:
    setattr(SupplyChain, _table, _table_property(_table))


def _raise(draft: Draft) -> None:
    if draft.issues:
        sizes = {table: len(frame) for table, frame in draft.tables.items()}
        raise TableError(draft.issues, sizes=sizes)
