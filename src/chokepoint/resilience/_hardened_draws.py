"""Draws of a chain with the measures of a plan in place, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.datasets import Draws
from chokepoint.resilience._apply import _AT_ONCE, _LEAST

__all__ = ["HardenedDraws", "hardened"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
Views = dict[str, dict[str, FloatArray]]


@dataclass(frozen=True, eq=False, repr=False)
class HardenedDraws(Draws):
    """Draws of which each is what `apply_measures` makes of the draw.

    Attributes
    ----------
    measures : pandas.DataFrame
        Measures of a plan.
    weeks : int
        Horizon of the plan.
    """

    measures: pd.DataFrame
    weeks: int

    def views(self, chosen: IntArray) -> Views:
        """Return the columns of nodes, slots and edges that vary, measures in place."""
        views = super().views(chosen)
        return _Writer(self.chain, views, self.weeks).written(self.measures)


def hardened(draws: Draws, measures: pd.DataFrame, *, weeks: int) -> Draws:
    """Return draws with measures in place; the random numbers are those of `draws`."""
    if measures.empty:
        return draws
    parts: dict[str, Any] = {one.name: getattr(draws, one.name) for one in fields(Draws)}
    return HardenedDraws(**parts, measures=measures, weeks=weeks)


class _Writer:
    """Writes measures into the views of draws, arrays of shape (draws, rows)."""

    def __init__(self, chain: SupplyChain, views: Views, weeks: int) -> None:
        self.chain, self.weeks = chain, weeks
        self.nodes, self.slots, self.edges = chain.nodes, chain.slots, chain.links
        self.views = views
        self.draws = len(views["nodes"]["output_qty"])
        table = chain.edges
        keys = pd.MultiIndex.from_frame(table[["supplier", "buyer", "slot"]])
        self.place_of_flow = pd.Series(np.arange(len(keys)), index=keys)
        self.place_of_node = pd.Series(np.arange(len(self.nodes)), index=self.nodes.index)
        self.place_of_slot = pd.Series(np.arange(len(self.slots)), index=self.slots.index)

    def written(self, measures: pd.DataFrame) -> Views:
        """Return the views with all measures in place."""
        capacity = []
        for one in measures.to_dict("records"):
            kind, late = one["kind"], one["delay_weeks"] > 0
            if kind == "stock" and not late:
                self._column("slots", "stock_weeks")[:, self._slot(one)] += one["share"]
            elif kind in ("recycling", "substitution") and not late:
                self._save(self._slot(one), float(one["share"]))
            elif kind in ("second_source", "reserved_capacity"):
                flow = int(self.place_of_flow[one["supplier"], one["site"], one["slot"]])
                self._source(flow, one)
                if kind == "reserved_capacity":
                    capacity.append((one["supplier"], self._in_output(flow, one), one))
            elif kind == "capacity":
                capacity.append((one["site"], np.full(self.draws, one["share"]), one))
        # As in the tables: own capacity first, then what is kept for buyers.
        for kind in ("capacity", "reserved_capacity"):
            for site, share, one in capacity:
                if one["kind"] == kind:
                    self._capacity(int(self.place_of_node[site]), share, one["delay_weeks"])
        return self.views

    def _column(self, view: str, name: str) -> FloatArray:
        """Return a column of a view that may be written to, one row a draw."""
        columns = self.views[view]
        if name not in columns:
            source = {"nodes": self.nodes, "slots": self.slots}.get(view)
            base = getattr(self.edges, name) if source is None else source[name]
            columns[name] = np.asarray(base, dtype=np.float64)
        if columns[name].ndim < 2 or not columns[name].flags.writeable:
            shape = (self.draws, columns[name].shape[-1])
            columns[name] = np.array(np.broadcast_to(columns[name], shape))
        return columns[name]

    def _slot(self, one: dict[Any, Any]) -> int:
        return int(self.place_of_slot[one["site"], one["slot"]])

    def _save(self, slot: int, share: float) -> None:
        """Make a slot get by with less once it runs short."""
        floor = self._column("slots", "thrift_floor")
        floor[:, slot] = np.maximum(floor[:, slot] - share, _LEAST)
        quick = self._column("slots", "thrift_weekly")
        quick[:, slot] = np.maximum(quick[:, slot], _AT_ONCE)

    def _volume(self, flow: int) -> FloatArray:
        """Return units of a flow's product that its whole slot takes in a year, by draw."""
        need = self._column("slots", "need")[:, self.edges.slot[flow]]
        return np.asarray(self.edges.recipe[flow] * need)

    def _in_output(self, flow: int, one: dict[Any, Any]) -> FloatArray:
        output = self._column("nodes", "output_qty")[:, self.edges.supplier[flow]]
        return np.asarray(one["share"] * self._volume(flow) / output)

    def _source(self, flow: int, one: dict[Any, Any]) -> None:
        """Let a flow grow further, or a dormant supplier be ready sooner."""
        if self.edges.dormant[flow]:
            lag = self._column("edges", "qualification_weeks")
            natural = np.minimum(lag[:, flow], float(self.weeks))
            largest = self._column("edges", "max_share")[:, flow]
            share = np.minimum(one["share"] / largest, 1.0)
            sooner = np.maximum(natural - one["delay_weeks"], 0.0) * share
            lag[:, flow] = np.floor(natural - sooner)
        elif one["delay_weeks"] <= 0:
            quantity = self._column("edges", "quantity")[:, flow]
            growth = self._column("edges", "growth_max")
            growth[:, flow] += one["share"] * self._volume(flow) / quantity

    def _capacity(self, site: int, share: FloatArray, delay: float) -> None:
        """Give a site a higher and faster ramp."""
        most, weeks = self._column("nodes", "ramp_max"), self._column("nodes", "ramp_weeks")
        head, slow = most[:, site] - 1.0, np.maximum(weeks[:, site], 1.0)
        step = head / slow + share / max(1.0, delay)
        most[:, site] = 1.0 + head + share
        with np.errstate(divide="ignore", invalid="ignore"):
            weeks[:, site] = np.where(step > 0, np.maximum(1.0, (head + share) / step), slow)
