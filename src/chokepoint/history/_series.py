"""Weekly series of an outcome, relative to baseline: of output, demand served, trade, prices."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.history._observables import observed
from chokepoint.propagate import Outcome, bid_price
from chokepoint.schema import split_list

__all__ = ["Reader"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class Reader:
    """What can be read off the outcome of one episode.

    Parameters
    ----------
    chain : SupplyChain
        The chain that was run, or the baseline of its draws.
    outcome : Outcome
        A run with ``record="all"``; its lanes are draws.
    baseline : array (lanes, flows)
        Shipments of a week without shock [product units per week].
    """

    def __init__(self, chain: SupplyChain, outcome: Outcome, baseline: FloatArray) -> None:
        self._chain, self._outcome, self._baseline = chain, outcome, baseline
        self._nodes, self._edges = chain.nodes, chain.edges
        country = self._nodes["country"]
        self._seller = country.reindex(self._edges["supplier"]).to_numpy()
        self._buyer = country.reindex(self._edges["buyer"]).to_numpy()

    def value(self, row: pd.Series, window: slice) -> FloatArray:
        """Return an observable within a window of weeks, one number per lane."""
        observable, average = row["observable"], int(row["average_weeks"])
        if observable == "share":
            return self._share(row, window)
        level = self._cost(row) if observable == "cost" else self._level(row)
        if observable in ("onset", "recovery"):
            # Counted from the start of the episode; weeks before the window do not count as hit.
            level = level[:, : window.stop].copy()
            level[:, : window.start] = 1.0
        else:
            level = level[:, window]
        return observed(observable, level, average_weeks=average)

    def _level(self, row: pd.Series) -> FloatArray:
        """Return a series over its baseline, shape (lanes, weeks)."""
        name = row["series"]
        if name == "bid":
            return self._bid(row)
        if name in ("shipments", "arrivals"):
            goods, base = self._trade(row, arriving=name == "arrivals")
            return goods / base[:, None]
        return self._activity(row, name)

    def _activity(self, row: pd.Series, name: str) -> FloatArray:
        here = self._found(row, "market" if name == "served" else "site")
        activity = self._outcome.activity[:, :, here].astype(float)
        if name == "thinnest":
            return np.asarray(activity.min(axis=2))
        column = "value_added_usd_m" if name == "value_added" else "value_usd_m"
        weight = self._nodes[column].to_numpy(dtype=float)[here]
        if not weight.sum() > 0:
            raise OptionError(f"{_place(row)}: what is asked for is worth nothing in the chain")
        return np.asarray(activity @ (weight / weight.sum()))

    def _cost(self, row: pd.Series) -> FloatArray:
        """Return the loss of value added [USD million per week]."""
        here = self._found(row, "site")
        activity = self._outcome.activity[:, :, here].astype(float)
        added = self._nodes["value_added_usd_m"].to_numpy(dtype=float)[here] / 52.0
        return np.asarray((1.0 - activity) @ added)

    def _share(self, row: pd.Series, window: slice) -> FloatArray:
        """Return the part of the origins in all that arrives over a border within a window."""
        mine, _ = self._trade(row, arriving=True)
        everybody, _ = self._trade(row.where(row.index != "origins", ""), arriving=True)
        total = everybody[:, window].sum(axis=1)
        return np.asarray(mine[:, window].sum(axis=1) / np.where(total > 0, total, np.nan))

    def _bid(self, row: pd.Series) -> FloatArray:
        (product,) = self._products(row)
        areas = list(split_list(row["areas"])) or None
        frame = bid_price(self._outcome, self._chain, product, buyers=areas, measure="multiple")
        return frame.to_numpy(dtype=float)

    def _trade(self, row: pd.Series, *, arriving: bool) -> tuple[FloatArray, FloatArray]:
        """Return goods over borders by week, and what they are at baseline."""
        crossing = self._seller != self._buyer
        crossing &= self._edges["product"].isin(self._products(row)).to_numpy()
        for ends, column in ((self._seller, "origins"), (self._buyer, "areas")):
            if row[column]:
                crossing &= np.isin(ends, self._chain.areas(list(split_list(row[column]))))
        flows = np.flatnonzero(crossing)
        if not self._baseline[:, flows].any():
            raise OptionError(f"{_place(row)}: expected goods that cross a border, found none")
        sent = self._outcome.shipments[:, :, flows].astype(float)
        base = self._baseline[:, flows]
        if arriving:
            sent = _delayed(sent, base, self._edges["lead_weeks"].to_numpy(dtype=int)[flows])
        return sent.sum(axis=2), base.sum(axis=1)

    def _products(self, row: pd.Series) -> tuple[str, ...]:
        wanted = list(split_list(row["products"]))
        return self._chain.products_in(wanted or None)

    def _found(self, row: pd.Series, kind: str) -> NDArray[np.intp]:
        nodes = self._nodes
        found = nodes["kind"].eq(kind)
        if kind == "market":
            found &= nodes["sector"].ne("other_use")
        else:
            found &= ~nodes["is_process"].astype(bool)
        if row["products"]:
            found &= nodes["product"].isin(self._products(row))
        if row["areas"]:
            found &= nodes["country"].isin(self._chain.areas(list(split_list(row["areas"]))))
        if row["sites"]:
            found &= nodes.index.isin(list(split_list(row["sites"])))
        if not found.any():
            raise OptionError(f"{_place(row)}: expected at least one {kind}, found none")
        return np.flatnonzero(found.to_numpy(dtype=bool))


def _delayed(sent: FloatArray, base: FloatArray, lead: NDArray[np.intp]) -> FloatArray:
    """Return what arrives: goods sent `lead` weeks before, baseline goods at first."""
    arriving = np.empty_like(sent)
    weeks = sent.shape[1]
    for flow, wait in enumerate(np.minimum(lead, weeks)):
        arriving[:, :wait, flow] = base[:, None, flow]
        arriving[:, wait:, flow] = sent[:, : weeks - wait, flow]
    return arriving


def _place(row: pd.Series) -> str:
    return f"{row['episode']}, observation {row['observation']}"
