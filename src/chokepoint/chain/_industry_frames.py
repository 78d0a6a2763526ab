"""The labelled tables and views of a chain that was made from an input-output table."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint import schema
from chokepoint.chain._industries import LEAD_WEEKS, IndustryTable
from chokepoint.chain._recipes import DEMAND, SLOT_COLUMNS, market_recipes
from chokepoint.chain._table_store import TableStore

__all__ = ["balance_frame", "edge_frame", "industry_tables", "slot_frame"]

IntArray = NDArray[np.intp]

_PRICE = 1e6
"""A unit of every product is a million dollars' worth of it."""


def industry_tables(table: IndustryTable) -> TableStore:
    """Return the tables of the chain; those with a row per slot or flow are made when asked for."""
    ready = {
        "countries": _countries(table),
        "products": _products(table),
        "sites": _sites(table),
        "markets": _markets(table),
    }
    later = {
        "inputs": (len(table.slot_at[0]), partial(_inputs, table)),
        "flows": (table.flow_count, partial(_flows, table)),
    }
    return TableStore(ready, later, source=table)


def slot_frame(table: IndustryTable, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return ``chain.slots``."""
    buyer, sector = table.slot_at
    own: dict[str, Any] = {name: _default("inputs", name, len(buyer)) for name in SLOT_COLUMNS}
    own.update(_slot_numbers(table))
    markets = market_recipes(tables["markets"])
    sites = tables["sites"]["site"]
    frame = pd.DataFrame(
        {
            "buyer": _take(sites, buyer),
            "slot": _take(table.sectors, sector),
            "need": table.output[buyer],
            **own,
            "storable": np.ones(len(buyer), dtype=bool),
        }
    )
    final = pd.DataFrame(
        {
            "buyer": markets["buyer"],
            "slot": markets["slot"],
            "need": tables["markets"]["quantity"],
            **{name: markets[name] for name in SLOT_COLUMNS},
            "storable": markets["stock_weeks"] > 0,
        }
    )
    return pd.concat([frame, final], ignore_index=True).set_index(["buyer", "slot"])


def edge_frame(table: IndustryTable, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return ``chain.edges``."""
    links = table.links
    size = len(links.supplier)
    return pd.DataFrame(
        {
            **_ends(table, tables),
            "product": _take(table.sectors, links.product),
            "quantity": links.quantity,
            "recipe": links.recipe,
            "growth_max": links.growth_max,
            "lead_weeks": links.lead_weeks.astype(np.int64),
            "qualification_weeks": links.qualification_weeks,
            "max_share": links.max_share,
            "dormant": links.dormant,
            "known": _same("reported", size),
        }
    )


def balance_frame(table: IndustryTable, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the accounting identities: identity, node, slot, expected, actual."""
    links = table.links
    sites, markets = tables["sites"]["site"], tables["markets"]["market"]
    shipped = np.bincount(links.supplier, weights=links.quantity, minlength=len(sites))
    slots = len(table.slot_at[0]) + len(markets)
    filled = np.bincount(links.slot, weights=links.quantity / links.recipe, minlength=slots)
    buyer, sector = table.slot_at
    node = pd.concat([sites, _take(sites, buyer), markets], ignore_index=True)
    return pd.DataFrame(
        {
            "identity": np.repeat(["output", "slot"], [len(sites), slots]),
            "node": node,
            "slot": pd.concat(
                [
                    _same("", len(sites)),
                    _take(table.sectors, sector),
                    _same(DEMAND, len(markets)),
                ],
                ignore_index=True,
            ),
            "expected": np.concatenate(
                [table.output, table.output[buyer], tables["markets"]["quantity"]]
            ),
            "actual": np.concatenate([shipped, filled]),
        }
    )


def _countries(table: IndustryTable) -> pd.DataFrame:
    kind = ["residual" if residual else "country" for residual in table.residual]
    return _complete("countries", {"area": table.areas, "kind": kind})


def _products(table: IndustryTable) -> pd.DataFrame:
    size = len(table.sectors)
    return _complete(
        "products",
        {
            "product": table.sectors,
            "name": table.names,
            "unit": ["USD million"] * size,
            "price_usd": np.full(size, _PRICE),
        },
    )


def _sites(table: IndustryTable) -> pd.DataFrame:
    products = [table.sectors[sector] for sector in table.sector]
    areas = [table.areas[area] for area in table.area]
    share = np.divide(table.added, table.output, out=np.zeros(table.size), where=table.output > 0)
    return _complete(
        "sites",
        {
            "site": [schema.site_label(p, a) for p, a in zip(products, areas, strict=True)],
            "product": products,
            "country": areas,
            "output_qty": table.output,
            "output_usd_m": table.output,
            "value_added_share": share,
            "ramp_max": table.ramp_max,
            "ramp_weeks": table.ramp_weeks,
            "derivation": ["sum of the row of the input-output table"] * table.size,
        },
    )


def _markets(table: IndustryTable) -> pd.DataFrame:
    column, sector = table.market_at
    products = [table.sectors[s] for s in sector]
    areas = [table.areas[table.market_area[c]] for c in column]
    quantity = table.wanted[column, sector]
    return _complete(
        "markets",
        {
            "market": [schema.market_label(p, a) for p, a in zip(products, areas, strict=True)],
            "product": products,
            "country": areas,
            "quantity": quantity,
            "value_usd_m": quantity,
            "derivation": ["final demand of the input-output table"] * len(quantity),
        },
    )


def _inputs(table: IndustryTable) -> pd.DataFrame:
    buyer, sector = table.slot_at
    sites = _sites(table)["site"]
    inputs = _take(table.sectors, sector)
    columns = {
        "product": _take(table.sectors, table.sector[buyer]),
        "site": _take(sites, buyer),
        "slot": inputs,
        "input": inputs,
        "quantity": table.bought[buyer, sector] / table.output[buyer],
        **_slot_numbers(table),
        "derivation": _same("bought / output, from the input-output table", len(buyer)),
    }
    return _complete("inputs", columns)


def _flows(table: IndustryTable) -> pd.DataFrame:
    links = table.links
    tables = {"sites": _sites(table), "markets": _markets(table)}
    columns = {
        **_ends(table, tables),
        "quantity": links.quantity,
        "value_usd_m": links.quantity,
        "known": _same("reported", len(links.quantity)),
        "growth_max": links.growth_max,
        "lead_weeks": np.full(len(links.quantity), float(LEAD_WEEKS)),
    }
    return _complete("flows", columns)


def _ends(table: IndustryTable, tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.Series]:
    links = table.links
    nodes = [*tables["sites"]["site"], *tables["markets"]["market"]]
    market = len(table.sectors)
    slot = np.where(links.buyer < table.size, links.product, market)
    return {
        "supplier": _take(nodes, links.supplier),
        "buyer": _take(nodes, links.buyer),
        "slot": _take([*table.sectors, DEMAND], slot),
    }


def _slot_numbers(table: IndustryTable) -> dict[str, NDArray[np.float64]]:
    buyer, sector = table.slot_at
    named = {
        "criticality": table.criticality,
        "stock_weeks": table.stock,
        "throttle_weeks": table.throttle,
        "reorder_weeks": table.reorder,
    }
    return {name: values[sector, buyer] for name, values in named.items()}


def _complete(table: str, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return a table with all columns of its kind; columns that are not given hold the default."""
    size = len(next(iter(columns.values())))
    filled = {}
    for column in schema.spec(table).columns:
        given = columns.get(column.name)
        if given is None:
            filled[column.name] = _default(table, column.name, size)
        elif column.is_text and not isinstance(given, pd.Series):
            filled[column.name] = schema.text_column(given)
        else:
            filled[column.name] = pd.Series(given)
    return pd.DataFrame(filled, index=pd.RangeIndex(size))


def _default(table: str, name: str, size: int) -> pd.Series:
    column = schema.spec(table).by_name[name]
    if column.is_text:
        return _same(column.default, size)
    if column.dtype == "bool":
        return pd.Series(np.full(size, column.default == "true"))
    if column.default and column.dtype == "int":
        return pd.Series(np.full(size, int(column.default), dtype=np.int64))
    return pd.Series(np.full(size, float(column.default) if column.default else np.nan))


def _same(text: str, size: int) -> pd.Series:
    return _take([text], np.zeros(size, dtype=np.intp))


def _take(labels: Any, positions: NDArray[np.integer[Any]]) -> pd.Series:
    """Return labels by position as a text column, without a Python string for every row."""
    known = schema.text_column(labels)
    return known.take(positions).reset_index(drop=True)
