"""A chain with other numbers and the same labels, its views filled without searching."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain

__all__ = ["SLOT_DRAWN", "DrawnViews"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

SLOT_DRAWN = ("use_share", "criticality", "stock_weeks", "throttle_weeks")
"""Columns of `inputs` that are drawn once for a whole slot."""

_VALUES = (
    ("sites", "output_usd_m", "output_qty"),
    ("markets", "value_usd_m", "quantity"),
    ("flows", "value_usd_m", "quantity"),
)


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
        new: Mapping[str, dict[str, FloatArray]],
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
        old, count = chain._tables, len(chain._tables["sites"])
        changed = {table: dict(columns) for table, columns in new.items()}
        for table, column, quantity in (
            ("sites", "output_qty", nodes[:count]),
            ("markets", "quantity", nodes[count:]),
            ("flows", "quantity", flows[self.edge_of_flow]),
        ):
            changed.setdefault(table, {})[column] = quantity
        before = old["products"]["price_usd"].to_numpy()
        price = _ratio(changed.get("products", {}).get("price_usd", before), before)
        for table, value, quantity_column in _VALUES:
            grown = _ratio(changed[table][quantity_column], old[table][quantity_column].to_numpy())
            rise = price[self.product[table]] * grown
            changed[table][value] = old[table][value].to_numpy() * rise
        tables = {
            name: frame.assign(**changed[name]) if changed.get(name) and len(frame) else frame
            for name, frame in old.items()
        }
        cache = self._fill(chain, tables, nodes, flows)
        return SupplyChain._from_trusted(tables, name=chain.name, cache=cache)

    def _fill(
        self,
        chain: SupplyChain,
        tables: Mapping[str, pd.DataFrame],
        nodes: FloatArray,
        flows: FloatArray,
    ) -> dict[str, pd.DataFrame]:
        return {
            "nodes": self._nodes(chain._view("nodes"), tables, nodes),
            "slots": self._slots(chain._view("slots"), tables["inputs"], nodes),
            "edges": self._edges(chain._view("edges"), tables, flows),
        }

    def _nodes(
        self, base: pd.DataFrame, tables: Mapping[str, pd.DataFrame], nodes: FloatArray
    ) -> pd.DataFrame:
        sites, count = tables["sites"], len(tables["sites"])
        changed = {"output_qty": nodes}
        value = base["value_usd_m"].to_numpy(copy=True)
        value[:count] = sites["output_usd_m"]
        value[count:] = tables["markets"]["value_usd_m"]
        added = np.zeros(len(base))
        added[:count] = sites["output_usd_m"].to_numpy() * sites["value_added_share"].to_numpy()
        added[base["is_process"].to_numpy()] = 0.0
        changed |= {"value_usd_m": value, "value_added_usd_m": added}
        for column in ("ramp_max", "ramp_weeks"):
            changed[column] = base[column].to_numpy(copy=True)
            changed[column][:count] = sites[column]
        return base.assign(**changed)

    def _slots(self, base: pd.DataFrame, inputs: pd.DataFrame, nodes: FloatArray) -> pd.DataFrame:
        changed = {"need": nodes[self.buyer_of_slot]}
        own = self.row_of_slot >= 0
        for column in SLOT_DRAWN:
            changed[column] = base[column].to_numpy(copy=True)
            changed[column][own] = inputs[column].to_numpy()[self.row_of_slot[own]]
        return base.assign(**changed)

    def _edges(
        self, base: pd.DataFrame, tables: Mapping[str, pd.DataFrame], flows: FloatArray
    ) -> pd.DataFrame:
        live, dormant = self.flow_of_edge >= 0, self.alternative_of_edge >= 0
        changed = {
            name: base[name].to_numpy(copy=True)
            for name in ("quantity", "growth_max", "qualification_weeks", "max_share")
        }
        changed["quantity"][live] = flows
        growth = tables["flows"]["growth_max"].to_numpy()
        changed["growth_max"][live] = growth[self.flow_of_edge[live]]
        share = tables["alternatives"]["max_share"].to_numpy()
        changed["max_share"][dormant] = share[self.alternative_of_edge[dormant]]
        own = tables["alternatives"]["qualification_weeks"].to_numpy()
        given = np.append(own, np.nan)[self.alternative_of_edge]
        weeks = changed["qualification_weeks"]
        for table, row in (("inputs", self.row_of_edge), ("markets", self.market_of_edge)):
            drawn = np.append(tables[table]["qualification_weeks"].to_numpy(), np.nan)[row]
            replaced = (row >= 0) & np.isnan(given)
            weeks[replaced] = drawn[replaced]
        return base.assign(**changed)


def _ratio(new: FloatArray, old: FloatArray) -> FloatArray:
    return np.divide(new, old, out=np.ones(len(old)), where=old > 0)
