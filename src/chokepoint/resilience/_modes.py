"""Answers that exist only where money has bought them: other ways to produce, and releases."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.program import ProgramBuilder
from chokepoint.resilience._adder import RowAdder
from chokepoint.resilience._columns import Columns, Model
from chokepoint.resilience._link import Linker
from chokepoint.resilience._rows import Rows

__all__ = ["Releases", "Reserved", "add_modes", "add_releases", "add_reserved"]

IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]

_USE = "weeks of baseline use"


@dataclass(frozen=True, eq=False)
class Releases:
    """What leaves a pooled stock in one threat.

    Attributes
    ----------
    columns : array of int (members, P)
        Columns of releases; -1 for periods that they cannot reach.
    number, group : array of int (members,)
        Candidate and slot of each line.
    """

    columns: IntArray = field(default_factory=lambda: np.empty((0, 0), dtype=np.intp))
    number: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    group: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.intp))


@dataclass(frozen=True, eq=False)
class Reserved:
    """Capacity that is kept for one buyer.

    Attributes
    ----------
    edges : array of int (flows,)
        Flows.
    limit : array of int (flows, P)
        Rows ``reserved limit``.
    """

    edges: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    limit: IntArray = field(default_factory=lambda: np.empty((0, 0), dtype=np.intp))


def add_modes(linker: Linker, adder: RowAdder, columns: Columns) -> None:
    r"""Substitution: a share of baseline output can do without what fills the slot.

    .. math:: 0 \le m_{g,t} \le \theta_g(y)\, \text{weeks}_t, \qquad m_{g,t} \le \text{use}_{g,t},

    and the balance of the slot has :math:`m` on the side of arrivals.
    """
    model, rows, builder = linker.model, linker.rows, linker.builder
    numbers = linker.candidates.rows("substitution")
    numbers = numbers[rows.stock[linker.place["group"][numbers], 0] >= 0]
    groups, line = np.unique(linker.place["group"][numbers], return_inverse=True)
    if not len(groups):
        return
    mode = _columns(builder, model, "mode", groups)
    limit = _rows(builder, model, "mode limit", groups)
    builder.add(limit, mode, 1.0)
    weeks = linker.by_period(linker.weeks_after(numbers)) * linker.effect[numbers][:, None]
    builder.add(limit[line], linker.spend[numbers][:, None], -weeks)
    use = _rows(builder, model, "mode use", groups)
    builder.add(use, mode, 1.0)
    _add_use(adder, columns, use, groups)
    builder.add(rows.stock[groups], mode, -1.0)


def _add_use(adder: RowAdder, columns: Columns, rows: IntArray, groups: IntArray) -> None:
    """Subtract the use of slots from rows (groups, P)."""
    model = adder.model
    least, buyer = model.limits.use, model.chain.group_buyer
    kept = np.isin(groups, model.maintained)
    partial = np.isin(groups, model.partial) & ~kept
    full = ~kept & ~partial
    adder.output(rows[full], buyer[groups[full]], -least[groups[full]])
    adder.builder.add(rows[partial], columns.use[groups[partial]], -least[groups[partial]])
    adder.builder.add(rows[kept], columns.upkeep[groups[kept]], -1.0)


def add_reserved(linker: Linker) -> Reserved:
    r"""Reserved capacity: output for one buyer alone, beyond the capacity of its supplier.

    .. math:: 0 \le r_{e,t} \le \theta_e(y) \sum_{s \in t} \text{left}_{i,s}\, \text{free}_{e,s},
        \qquad x_{i,t} - \kappa_e r_{e,t} \le \text{capacity}_{i,t}

    The supplier needs its inputs as for other output; a cap or a licence stops the flow.
    """
    model, rows, builder = linker.model, linker.rows, linker.builder
    chain = model.chain
    numbers = linker.candidates.rows("reserved_capacity")
    edge = linker.place["edge"][numbers]
    there = model.extent.edges[edge] & (rows.stock[chain.edge_group[edge], 0] >= 0)
    there &= rows.capacity[chain.edge_supplier[edge], 0] >= 0
    numbers = numbers[there]
    edges, line = np.unique(linker.place["edge"][numbers], return_inverse=True)
    if not len(edges):
        return Reserved()
    nodes, groups = chain.edge_supplier[edges], chain.edge_group[edges]
    reserved = _columns(builder, model, "reserved", edges, kind="edge")
    limit = _rows(builder, model, "reserved limit", edges, kind="edge")
    builder.add(limit, reserved, 1.0)
    at_hand = (model.limits.left[:, nodes] * model.limits.free[:, edges]).T
    weekly = at_hand[line] * linker.weeks_after(numbers) * linker.effect[numbers][:, None]
    builder.add(limit[line], linker.spend[numbers][:, None], -linker.by_period(weekly))
    size = chain.kappa[edges, 0][:, None]
    _add_there(builder, rows.out[nodes], reserved, size)
    _add_there(builder, rows.capacity[nodes], reserved, -size)
    _add_scale(builder, model, rows, nodes, reserved, size)
    for lead in np.unique(chain.lead[edges]):
        one = np.flatnonzero(chain.lead[edges] == lead)
        arrival = model.periods.arrival(int(lead))
        in_time = arrival < len(model.periods)
        places = rows.stock[groups[one]][:, arrival[in_time]]
        builder.add(places, reserved[one][:, in_time], -1.0)
        for sent, period in np.argwhere(model.periods.in_transit(int(lead))).tolist():
            column = reserved[one, sent]
            _add_there(builder, rows.transit[groups[one], period], column, -1.0)
            late = rows.late[groups[one], period]
            _add_there(builder, late, column, -1.0)
            weeks = model.periods.weeks_there(sent, period, int(lead))
            buys = np.flatnonzero(np.isin(line, one))
            most = weekly[buys][:, weeks].sum(axis=1)
            place = rows.late[groups[line[buys]], period]
            _add_there(builder, place, linker.spend[numbers[buys]], most)
    return Reserved(edges, limit)


def _add_scale(
    builder: ProgramBuilder,
    model: Model,
    rows: Rows,
    nodes: IntArray,
    reserved: IntArray,
    size: FloatArray,
) -> None:
    """Plants of a larger scale need more of what they partly need."""
    chain = model.chain
    eps, phi = chain.eps[:, 0], chain.phi[:, 0]
    apart = np.bincount(chain.group_buyer, phi, minlength=chain.n_nodes)
    _add_there(builder, rows.parts[nodes], reserved, -(1.0 - apart[nodes])[:, None] * size)
    for item, node in enumerate(nodes.tolist()):
        slots = np.flatnonzero(chain.group_buyer == node)
        column = np.broadcast_to(reserved[item], (len(slots), reserved.shape[1]))
        share = -(1.0 - eps[slots])[:, None] * size[item]
        _add_there(builder, rows.need[slots], column, share)
        _add_there(builder, rows.room[slots], column, -size[item])


def add_releases(linker: Linker, lead_weeks: int) -> Releases:
    r"""Pooled stocks: each threat has its own releases, which together are what was bought.

    .. math:: \sum_{g,t} s_g\, z_{g,t} \le \theta(y)

    with :math:`z` weeks of cover released into a slot and :math:`s` the share of the slot in
    the joint use of the members.
    """
    model, rows, builder = linker.model, linker.rows, linker.builder
    table = linker.candidates.table
    lines = [
        (int(number), group, share)
        for number in linker.candidates.rows("pooled_stock")
        for group, share in zip(
            table["groups"].iloc[number], table["shares"].iloc[number], strict=True
        )
        if rows.stock[group, 0] >= 0
    ]
    if not lines:
        return Releases()
    number, group = (np.array([line[i] for line in lines], dtype=np.intp) for i in (0, 1))
    share = np.array([line[2] for line in lines])
    periods = model.periods
    ready = np.maximum(linker.delay[number], float(periods.starts[0])) + lead_weeks
    last = periods.starts + periods.lengths - 1
    upper = np.where(last[None, :] >= ready[:, None], np.inf, 0.0)
    labels = [(*_tuple(model.labels("slot", group[[i]])[0]), i) for i in range(len(lines))]
    names = pd.Index(labels, tupleize_cols=False)
    release = builder.columns(
        model.prefix + "release", [names, periods.index], unit=_USE, upper=upper
    )
    pools, line = np.unique(number, return_inverse=True)
    pool = builder.rows(
        model.prefix + "pool", [pd.Index(pools)], unit="weeks of the members' joint use", upper=0.0
    )
    builder.add(pool[line][:, None], release, share[:, None])
    builder.add(pool, linker.spend[pools], -linker.effect[pools])
    builder.add(rows.stock[group], release, -1.0)
    return Releases(release, number, group)


def _tuple(label: object) -> tuple[object, ...]:
    return label if isinstance(label, tuple) else (label,)


def _columns(
    builder: ProgramBuilder, model: Model, name: str, items: IntArray, *, kind: str = "slot"
) -> IntArray:
    axes = [model.labels(kind, items), model.periods.index]
    return builder.columns(model.prefix + name, axes, unit=_USE)


def _rows(
    builder: ProgramBuilder, model: Model, name: str, items: IntArray, *, kind: str = "slot"
) -> IntArray:
    axes = [model.labels(kind, items), model.periods.index]
    return builder.rows(model.prefix + name, axes, unit=_USE, upper=0.0)


def _add_there(
    builder: ProgramBuilder, rows: IntArray, columns: IntArray, values: FloatArray | float
) -> None:
    """Add coefficients to those rows that are there."""
    kept = rows >= 0
    value = np.broadcast_to(np.asarray(values, dtype=float), rows.shape)
    builder.add(rows[kept], columns[kept], value[kept])
