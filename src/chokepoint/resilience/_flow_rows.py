"""Rows of flows: by-products, licences, markets, and flows that a plan may enlarge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chokepoint.resilience._adder import RowAdder

__all__ = ["demand_rows", "goods_rows", "limit_rows", "pushed_rows", "queue_rows"]

IntArray = NDArray[np.intp]

_FLOW = "weeks of baseline flow"


def pushed_rows(adder: RowAdder) -> IntArray:
    """By-products leave in proportion to the process, or are dumped."""
    chain, extent = adder.chain, adder.extent
    kept = (extent.edges | extent.outlets) & chain.is_pushed[chain.edge_supplier]
    edges = np.flatnonzero(kept)
    rows = adder.rows("pushed", "edge", edges, unit=_FLOW, upper=0.0)
    adder.builder.add(rows[edges], adder.leaves_production[edges], 1.0)
    round_caps = np.intersect1d(edges, adder.model.detours)
    adder.builder.add(rows[round_caps], adder.columns.detour[round_caps], 1.0)
    adder.output(rows[edges], chain.edge_supplier[edges], -1.0)
    return rows


def limit_rows(adder: RowAdder) -> IntArray:
    """Flows that a plan may enlarge; of others the limit is a bound of the column."""
    model = adder.model
    edges = np.flatnonzero(model.open_edges & (adder.extent.edges | adder.extent.outlets))
    upper = model.limits.flow[edges] / adder.unit[edges][:, None]
    rows = adder.rows("limit", "edge", edges, unit=_FLOW, upper=upper)
    adder.builder.add(rows[edges], adder.columns.flow[edges], 1.0)
    return rows


def queue_rows(adder: RowAdder) -> IntArray:
    """Only orders that were taken on can be sent (step 2b)."""
    columns = adder.columns
    return _waiting(adder, "queue", columns.queue, columns.accepted)


def goods_rows(adder: RowAdder) -> IntArray:
    """Only goods that were made can be sent (step 2b)."""
    columns = adder.columns
    return _waiting(adder, "goods", columns.goods, columns.made)


def _waiting(adder: RowAdder, name: str, kept: IntArray, new: IntArray) -> IntArray:
    edges = adder.model.licensed
    rows = adder.rows(name, "edge", edges, unit=_FLOW, upper=0.0)
    adder.builder.add(rows[edges], kept[edges], 1.0)
    adder.builder.add(rows[edges, 1:], kept[edges, :-1], -1.0)
    adder.builder.add(rows[edges], adder.columns.flow[edges], 1.0)
    adder.builder.add(rows[edges], new[edges], -1.0)
    return rows


def demand_rows(adder: RowAdder) -> tuple[IntArray, IntArray]:
    """A market takes what it wants and no more: in each period, and with stock so far.

    By-products are pushed into it all the same, and licensed flows have rows of their own.
    """
    chain, limits = adder.chain, adder.model.limits
    into = chain.group_buyer[chain.edge_group]
    kept = adder.extent.edges | adder.extent.outlets
    edges = kept & chain.is_market[into] & ~chain.is_pushed[chain.edge_supplier]
    round_caps = np.intersect1d(np.flatnonzero(edges), adder.model.detours)
    edges[adder.model.licensed] = False
    sold = np.flatnonzero(edges)
    markets = np.unique(into[np.concatenate([sold, round_caps])])
    unit = "weeks of baseline demand"
    rows = adder.rows("demand", "node", markets, unit=unit, upper=limits.demand[markets])
    stocked = markets[np.isfinite(limits.demand_so_far[markets, 0])]
    so_far = adder.rows(
        "demand so far", "node", stocked, unit=unit, upper=limits.demand_so_far[stocked]
    )
    for some, columns in ((sold, adder.columns.flow), (round_caps, adder.columns.detour)):
        adder.builder.add(rows[into[some]], columns[some], adder.unit[some][:, None])
        limited = some[so_far[into[some], 0] >= 0]
        for period in range(adder.n_periods):
            places = so_far[into[limited], period][:, None]
            share = adder.unit[limited][:, None]
            adder.builder.add(places, columns[limited, : period + 1], share)
    return rows, so_far
