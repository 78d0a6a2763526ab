"""What the weekly model did, written as a point of the recourse program.

A program that bounds the losses of the weekly model must allow whatever that model does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate import Trace
from chokepoint.resilience._columns import Columns, Model
from chokepoint.resilience._upkeep import least_use

__all__ = ["as_point"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
Put = Callable[[IntArray, FloatArray], None]


def as_point(model: Model, columns: Columns, run: Trace, size: int) -> FloatArray:
    """Return the values of all columns of one scenario that stand for a run.

    Weekly sums become sums by period; the stock of a slot also holds what the program lets
    arrive earlier than it did (see `Periods.arrival`), and what its buyer could have saved by
    more thrift.

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
    put(columns.flow, total(run.shipped).T / unit)
    put(columns.detour, total(run.detoured).T / unit)
    upkeep = total(_upkeep(model, run)).T
    served = _served(model, run)
    put(columns.use, served)
    put(columns.upkeep, upkeep)
    stock = _stock(model, run, output, served, upkeep)
    put(columns.stock, np.where(model.chain.storable[:, None], stock, _transit(model, run)))
    put(columns.surplus, model.periods.last(run.surplus).T)
    if model.shocks.licences is not None:
        _put_waiting(model, columns, run, put, unit)
    return point


def _ways(model: Model, run: Trace) -> Iterator[tuple[FloatArray, int, IntArray]]:
    """Return what was sent (weeks, E), its lead, and the flows that have this lead."""
    for sent, leads in (
        (run.shipped, model.chain.lead),
        (run.detoured, model.limits.detour_lead),
    ):
        for lead in np.unique(leads[sent.any(axis=0)]):
            yield sent, int(lead), np.flatnonzero(leads == lead)


def _served(model: Model, run: Trace) -> FloatArray:
    """Return the output that each slot can have served, were its buyer as thrifty as can be."""
    chain, periods = model.chain, model.periods
    first = int(periods.starts[0])
    least = np.ones((periods.end, chain.n_groups))
    least[first:] = least_use(chain, periods.end - first)
    available = run.used[: periods.end].copy()
    kept = model.maintained
    available[:, kept] = _upkeep(model, run)[: periods.end, kept]
    stocked = kept[chain.storable[kept]]
    available[:, stocked] += run.stock[: periods.end, stocked]
    served = periods.total(available / least).T
    # A part of the output that stands alone serves no more than its plants can take.
    part = chain.phi[:, 0] > 0
    served[part] = np.minimum(served, model.limits.scale[chain.group_buyer])[part]
    return served


def _upkeep(model: Model, run: Trace) -> FloatArray:
    """Return what is used by the week; of what cannot be kept all that arrives."""
    chain = model.chain
    fleeting = np.flatnonzero((chain.decay[:, 0] > 0) & ~chain.storable)
    used = run.used.copy()
    used[:, fleeting] = _arrivals(model, run)[:, fleeting]
    return used


def _arrivals(model: Model, run: Trace) -> FloatArray:
    """Return what arrives in each week and slot, as a share of baseline use."""
    chain, weeks = model.chain, len(run.shipped)
    arrived = np.zeros((weeks, chain.n_groups))
    for week in range(min(weeks, int(chain.lead.max(initial=1)))):
        late = np.flatnonzero(chain.lead > week)
        np.add.at(arrived[week], chain.edge_group[late], chain.sigma[late, 0])
    for sent, lead, edges in _ways(model, run):
        for week in range(lead, weeks):
            np.add.at(arrived[week], chain.edge_group[edges], sent[week - lead, edges])
    return arrived


def _stock(
    model: Model, run: Trace, output: FloatArray, served: FloatArray, upkeep: FloatArray
) -> FloatArray:
    """Return stocks with goods in transit counted where the program counts them."""
    chain, periods = model.chain, model.periods
    arrived = np.zeros((chain.n_groups, len(periods)))
    for sent, lead, edges in _ways(model, run):
        flow, arrival = periods.total(sent).T, periods.arrival(lead)
        for period in np.flatnonzero(arrival < len(periods)):
            np.add.at(arrived[:, arrival[period]], chain.edge_group[edges], flow[edges, period])
    for lead in np.unique(chain.lead):
        edges = np.flatnonzero(chain.lead == lead)
        share = np.bincount(
            chain.edge_group[edges], chain.sigma[edges, 0], minlength=chain.n_groups
        )
        arrived += share[:, None] * periods.still_arriving(int(lead))
    use = output[chain.group_buyer]
    use[model.partial] = served[model.partial]
    use *= model.limits.use
    use[model.maintained] = upkeep[model.maintained]
    return chain.stock + np.cumsum(arrived - use, axis=1)


def _transit(model: Model, run: Trace) -> FloatArray:
    """Return goods that are counted as there and are still on their way."""
    chain, periods = model.chain, model.periods
    early = np.zeros((chain.n_groups, len(periods)))
    ends = periods.starts + periods.lengths - 1
    for sent, lead, edges in _ways(model, run):
        counted = np.repeat(periods.arrival(lead), periods.lengths)
        week = np.arange(periods.starts[0], periods.end)
        for period, end in enumerate(ends):
            late = week[(counted <= period) & (week + lead > end)]
            np.add.at(early[:, period], chain.edge_group[edges],
                      sent[late][:, edges].sum(axis=0))  # fmt: skip
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
