"""A chain with other numbers and the same labels, its views filled without searching."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain

__all__ = ["SLOT_DRAWN", "DrawnViews"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
Columns = dict[str, FloatArray]

SLOT_DRAWN = (
    "use_share",
    "criticality",
    "stock_weeks",
    "throttle_weeks",
    "reorder_weeks",
    "thrift_weekly",
    "thrift_floor",
    "decay_weekly",
    "repair_weeks",
)
"""Columns of `inputs` that are drawn once for a whole slot."""

_OF_MARKETS = ("stock_weeks", "reorder_weeks")
"""Columns of `markets` that describe the slot of a market."""

_VALUES = {
    # table: quantity, and its value
    "sites": ("output_qty", "output_usd_m"),
    "markets": ("quantity", "value_usd_m"),
    "flows": ("quantity", "value_usd_m"),
}


@dataclass(frozen=True)
class DrawnViews:
    """Where the numbers of the views come from.

    Attributes
    ----------
    product : mapping of array
        For sites, markets and flows: position of the product in `products`.
    row_of_slot, buyer_of_slot : array (slots,)
        Row of `inputs` (-1 for markets) and node of each slot.
    edge_of_flow : array (flows,)
        Position of each flow among the edges that are not dormant.
    flow_of_edge, alternative_of_edge, row_of_edge, market_of_edge : array (edges,)
        Rows of `flows`, `alternatives`, `inputs` and `markets` of each edge, -1 for none.
    """

    product: Mapping[str, IntArray]
    row_of_slot: IntArray
    edge_of_flow: IntArray
    flow_of_edge: IntArray
    alternative_of_edge: IntArray
    row_of_edge: IntArray
    market_of_edge: IntArray
    buyer_of_slot: IntArray

    @classmethod
    def of(cls, chain: SupplyChain, recipe: pd.DataFrame) -> DrawnViews:
        tables, nodes, edges = chain._tables, chain.nodes, chain.edges
        key = ["supplier", "buyer", "slot"]
        asked = pd.MultiIndex.from_frame(edges[key])
        dormant = edges["dormant"].to_numpy()
        flow = pd.MultiIndex.from_frame(tables["flows"][key]).get_indexer(asked)
        alternative = pd.MultiIndex.from_frame(tables["alternatives"][key]).get_indexer(asked)
        edge_of_flow = np.empty(len(tables["flows"]), dtype=np.intp)
        edge_of_flow[flow[~dormant]] = np.arange(int((~dormant).sum()))
        rows = pd.MultiIndex.from_frame(recipe[["buyer", "slot", "product"]])
        position = rows.get_indexer(pd.MultiIndex.from_frame(edges[["buyer", "slot", "product"]]))
        first = ~recipe[["buyer", "slot"]].duplicated().to_numpy()
        labels = pd.Index(tables["products"]["product"])
        made = nodes["product"].to_numpy()
        supplier = nodes.index.get_indexer(pd.Index(tables["flows"]["supplier"]))
        return cls(
            product={
                "sites": labels.get_indexer(tables["sites"]["product"]),
                "markets": labels.get_indexer(tables["markets"]["product"]),
                "flows": labels.get_indexer(made[supplier]),
            },
            row_of_slot=recipe["row"].to_numpy()[first],
            edge_of_flow=edge_of_flow,
            flow_of_edge=np.where(dormant, -1, flow),
            alternative_of_edge=np.where(dormant, alternative, -1),
            row_of_edge=recipe["row"].to_numpy()[position],
            market_of_edge=pd.Index(tables["markets"]["market"]).get_indexer(edges["buyer"]),
            buyer_of_slot=nodes.index.get_indexer(chain.slots.index.get_level_values("buyer")),
        )

    def chain(
        self,
        chain: SupplyChain,
        new: Mapping[str, Mapping[str, FloatArray]],
        nodes: FloatArray,
        flows: FloatArray,
    ) -> SupplyChain:
        """Return the chain with other quantities and other columns.

        Parameters
        ----------
        chain : SupplyChain
            Chain whose tables these positions belong to.
        new : mapping
            New columns by table; values in USD follow quantities and prices.
        nodes, flows : array (nodes,), array (flows,)
            Quantities of sites and markets, and of flows in the order of `edges`.
        """
        count = len(chain._tables["sites"])
        changed = {table: dict(columns) for table, columns in new.items()}
        for table, column, quantity in (
            ("sites", "output_qty", nodes[:count]),
            ("markets", "quantity", nodes[count:]),
            ("flows", "quantity", flows[self.edge_of_flow]),
        ):
            changed.setdefault(table, {})[column] = quantity
        return self.changed(chain, changed)

    def changed(self, chain: SupplyChain, columns: Mapping[str, Columns]) -> SupplyChain:
        """Return the chain with other columns of tables, its quantities among them."""
        old = chain._tables
        columns = self.with_values(chain, columns)
        tables = {
            name: frame.assign(**columns[name]) if columns.get(name) and len(frame) else frame
            for name, frame in old.items()
        }
        views = self.views(chain, columns)
        cache = {name: chain._view(name).assign(**found) for name, found in views.items()}
        return SupplyChain._from_trusted(tables, name=chain.name, cache=cache)

    def with_values(
        self,
        chain: SupplyChain,
        columns: Mapping[str, Columns],
        tables: tuple[str, ...] = ("sites", "markets", "flows"),
    ) -> dict[str, Columns]:
        """Return columns (..., rows) with values in USD that follow quantities and prices."""
        old = chain._tables
        before = old["products"]["price_usd"].to_numpy()
        price = _ratio(columns.get("products", {}).get("price_usd", before), before)
        found = {table: dict(some) for table, some in columns.items()}
        for table in tables:
            quantity, value = _VALUES[table]
            grown = _ratio(found[table][quantity], old[table][quantity].to_numpy())
            rise = price[..., self.product[table]] * grown
            found[table][value] = old[table][value].to_numpy() * rise
        return found

    # ------------------------------------------------------------------ columns of the views

    def views(self, chain: SupplyChain, changed: Mapping[str, Columns]) -> dict[str, Columns]:
        """Return the columns (..., rows) of `nodes`, `slots` and `edges` that change.

        `changed` holds values in USD of sites and markets too.
        """
        old = chain._tables

        def table(name: str, column: str) -> FloatArray:
            found = changed.get(name, {}).get(column)
            return old[name][column].to_numpy() if found is None else found

        return {
            "nodes": self._nodes(chain, table),
            "slots": self._slots(chain, table),
            "edges": self._edges(chain, table),
        }

    def _nodes(self, chain: SupplyChain, table: Callable[..., FloatArray]) -> Columns:
        base, count = chain._view("nodes"), len(chain._tables["sites"])
        sites, markets = slice(None, count), slice(count, None)
        value = table("sites", "output_usd_m")
        added = value * table("sites", "value_added_share")
        added = np.where(base["is_process"].to_numpy()[:count], 0.0, added)
        return {
            "output_qty": _joined(table("sites", "output_qty"), table("markets", "quantity")),
            "value_usd_m": _joined(value, table("markets", "value_usd_m")),
            "value_added_usd_m": _put(np.zeros(len(base)), sites, added),
            **{
                name: _put(base[name].to_numpy(), sites, table("sites", name))
                for name in ("ramp_max", "ramp_weeks", "surplus_weeks")
            },
            "backlog_share": _put(
                base["backlog_share"].to_numpy(), markets, table("markets", "backlog_share")
            ),
        }

    def _slots(self, chain: SupplyChain, table: Callable[..., FloatArray]) -> Columns:
        base = chain._view("slots")
        own, market = np.flatnonzero(self.row_of_slot >= 0), np.flatnonzero(self.row_of_slot < 0)
        nodes = _joined(table("sites", "output_qty"), table("markets", "quantity"))
        changed = {"need": nodes[..., self.buyer_of_slot]}
        for name in SLOT_DRAWN:
            drawn = table("inputs", name)[..., self.row_of_slot[own]]
            changed[name] = _put(base[name].to_numpy(), own, drawn)
        row = self.buyer_of_slot[market] - len(chain._tables["sites"])
        for name in _OF_MARKETS:
            changed[name] = _put(changed[name], market, table("markets", name)[..., row])
        return changed

    def _edges(self, chain: SupplyChain, table: Callable[..., FloatArray]) -> Columns:
        base = chain._view("edges")
        is_live = self.flow_of_edge >= 0
        live, dormant = np.flatnonzero(is_live), np.flatnonzero(~is_live)
        flow, alternative = self.flow_of_edge[live], self.alternative_of_edge[dormant]
        changed = {
            "quantity": _put(
                base["quantity"].to_numpy(), live, table("flows", "quantity")[..., flow]
            ),
            "growth_max": _put(
                base["growth_max"].to_numpy(), live, table("flows", "growth_max")[..., flow]
            ),
            "max_share": _put(
                base["max_share"].to_numpy(),
                dormant,
                table("alternatives", "max_share")[..., alternative],
            ),
        }
        weeks = base["qualification_weeks"].to_numpy()
        for name, row in (("inputs", self.row_of_edge), ("markets", self.market_of_edge)):
            some = np.flatnonzero(row >= 0)
            weeks = _put(weeks, some, table(name, "qualification_weeks")[..., row[some]])
        # An alternative may state its own.
        own = chain._tables["alternatives"]["qualification_weeks"].notna().to_numpy()[alternative]
        stated = table("alternatives", "qualification_weeks")[..., alternative[own]]
        changed["qualification_weeks"] = _put(weeks, dormant[own], stated)
        return changed


def _joined(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return the columns of sites and markets one after the other."""
    draws = np.broadcast_shapes(one.shape[:-1], other.shape[:-1])
    parts = [np.broadcast_to(part, (*draws, part.shape[-1])) for part in (one, other)]
    return np.concatenate(parts, axis=-1)


def _put(base: FloatArray, where: slice | IntArray, new: FloatArray) -> FloatArray:
    """Return `base` (..., rows) with other numbers in some rows."""
    draws = np.broadcast_shapes(base.shape[:-1], new.shape[:-1])
    out = np.broadcast_to(base, (*draws, base.shape[-1])).astype(np.float64)
    out[..., where] = new
    return out


def _ratio(new: FloatArray, old: FloatArray) -> FloatArray:
    new, old = np.broadcast_arrays(new, old)
    return np.divide(new, old, out=np.ones(new.shape), where=old > 0)
