"""What the weekly model did, written as a point of the recourse program.

A program that bounds the losses of the weekly model must allow whatever that model does.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate import Trace
from chokepoint.resilience._columns import Columns, Model

__all__ = ["as_point"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
Put = Callable[[IntArray, FloatArray], None]


def as_point(model: Model, columns: Columns, run: Trace, size: int) -> FloatArray:
    """Return the values of all columns of one scenario that stand for a run.

    Weekly sums become sums by period; the stock of a slot also holds what the program lets
    arrive earlier than it did (see `Periods.arrival`).

    Parameters
    ----------
    model : Model
        The model of the scenario.
    columns : Columns
        Its columns.
    run : Trace
        The run, at least as long as the periods.
    size : int
        Number of columns of the program.
    """
    point = np.zeros(size)
    total = model.periods.total
    unit = np.where(model.unit > 0, model.unit, 1.0)[:, None]

    def put(places: IntArray, values: FloatArray) -> None:
        there = places >= 0
        point[places[there]] = values[there]

    output = total(run.output).T
    weeks = model.periods.lengths.astype(float)
    put(columns.loss, np.maximum(weeks - output, 0.0))
    put(columns.extra, np.maximum(output - weeks, 0.0))
    put(columns.output, output)
    flow = total(run.shipped).T
    put(columns.flow, flow / unit)
    used = total(run.used).T
    put(columns.use, used)
    put(columns.stock, np.where(model.chain.storable[:, None], _stock(model, flow, output, used),
                                _transit(model, run)))  # fmt: skip
    put(columns.surplus, model.periods.last(run.surplus).T)
    if model.shocks.licences is not None:
        _put_waiting(model, columns, run, put, unit)
    return point


def _stock(model: Model, flow: FloatArray, output: FloatArray, used: FloatArray) -> FloatArray:
    """Return stocks with goods in transit counted where the program counts them."""
    chain, periods = model.chain, model.periods
    arrived = np.zeros((chain.n_groups, len(periods)))
    for lead in np.unique(chain.lead):
        edges = np.flatnonzero(chain.lead == lead)
        arrival = periods.arrival(int(lead))
        for period in np.flatnonzero(arrival < len(periods)):
            np.add.at(arrived[:, arrival[period]], chain.edge_group[edges], flow[edges, period])
        share = np.bincount(
            chain.edge_group[edges], chain.sigma[edges, 0], minlength=chain.n_groups
        )
        arrived += share[:, None] * periods.still_arriving(int(lead))
    use = output[chain.group_buyer]
    use[model.partial] = used[model.partial]
    return chain.stock + np.cumsum(arrived - use, axis=1)


def _transit(model: Model, run: Trace) -> FloatArray:
    """Return goods that are counted as there and are still on their way."""
    chain, periods = model.chain, model.periods
    early = np.zeros((chain.n_groups, len(periods)))
    ends = periods.starts + periods.lengths - 1
    for lead in np.unique(chain.lead):
        edges = np.flatnonzero(chain.lead == lead)
        counted = np.repeat(periods.arrival(int(lead)), periods.lengths)
        week = np.arange(periods.starts[0], periods.end)
        for period, end in enumerate(ends):
            late = week[(counted <= period) & (week + lead > end)]
            np.add.at(early[:, period], chain.edge_group[edges],
                      run.shipped[late][:, edges].sum(axis=0))  # fmt: skip
    return early


def _put_waiting(model: Model, columns: Columns, run: Trace, put: Put, unit: FloatArray) -> None:
    assert model.shocks.licences is not None
    edges, periods = model.shocks.licences.edges, model.periods
    scale = unit[edges]

    def spread(values: FloatArray) -> FloatArray:
        whole = np.zeros((model.chain.n_edges, len(periods)))
        whole[edges] = values / scale
        return whole

    put(columns.made, periods.total(run.made).T / unit)
    put(columns.queue, spread(periods.last(run.queue).T))
    put(columns.goods, spread(periods.last(run.goods).T))
    before = np.vstack([np.zeros_like(run.queue[:1]), run.queue[:-1]])
    taken = run.queue - before + run.shipped[:, edges]
    put(columns.accepted, spread(periods.total(taken).T))
