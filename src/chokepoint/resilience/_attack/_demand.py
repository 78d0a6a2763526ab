"""What markets take on flows that an instrument may put under a licence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chokepoint.program import ProgramBuilder
from chokepoint.resilience._columns import Columns, Model

__all__ = ["add_demand"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


def add_demand(
    builder: ProgramBuilder, model: Model, columns: Columns, inert: IntArray
) -> list[tuple[IntArray, IntArray]]:
    """Add rows of markets over all their flows, in force while none of them needs a licence.

    The rows of the recourse program leave licensed flows out. A program that holds both states
    needs them while the licence is not there. Returned are markets and positions, by week and
    from the first week on.
    """
    chain, limits = model.chain, model.limits
    into = chain.group_buyer[chain.edge_group]
    ordered = chain.is_market[into] & ~chain.is_pushed[chain.edge_supplier]
    licensed = model.licensed[ordered[model.licensed]]
    markets = np.unique(into[licensed])
    if not len(markets):
        return []
    at_work = np.setdiff1d(licensed, inert)
    free = ~np.isin(markets, into[at_work])
    edges = np.flatnonzero(ordered & np.isin(into, markets) & (columns.flow[:, 0] >= 0))
    found = []
    for name, limit, summed in (
        ("demand with licences", limits.demand, False),
        ("demand so far with licences", limits.demand_so_far, True),
    ):
        kept = np.isfinite(limit[markets, 0])
        upper = np.where(free[:, None], limit[markets], np.inf)[kept]
        labels = [model.labels("node", markets[kept]), model.periods.index]
        rows = builder.rows(name, labels, unit="weeks of baseline demand", upper=upper)
        place = np.full(chain.n_nodes, -1, dtype=np.intp)
        place[markets[kept]] = np.arange(kept.sum())
        _add_flows(builder, model, columns, (edges, into, place), rows, summed=summed)
        found.append((markets[kept], rows))
    return found


def _add_flows(
    builder: ProgramBuilder,
    model: Model,
    columns: Columns,
    where: tuple[IntArray, IntArray, IntArray],
    rows: IntArray,
    *,
    summed: bool,
) -> None:
    edges, into, place = where
    n_periods = len(model.periods)
    for some, sent in (
        (edges, columns.flow),
        (np.intersect1d(edges, model.detours), columns.detour),
    ):
        some = some[place[into[some]] >= 0]
        for period in range(n_periods):
            span = slice(0 if summed else period, period + 1)
            places = rows[place[into[some]], period][:, None]
            builder.add(places, sent[some, span], model.unit[some][:, None])
