"""Rows of slots: stock, goods on their way, and how far output may go without a slot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chokepoint.resilience._adder import Route, RowAdder

__all__ = [
    "Late",
    "late_rows",
    "need_rows",
    "reach_rows",
    "room_rows",
    "stock_rows",
    "transit_rows",
]

IntArray = NDArray[np.intp]

_USE = "weeks of baseline use"


@dataclass(frozen=True, eq=False)
class Late:
    """Flows in the rows `late` of one pair of periods.

    Attributes
    ----------
    route : Route
        The way the goods take.
    edges : array of int
        Flows.
    sent, period : int
        Period in which goods leave, and at whose end some of them are still on their way.
    weeks : array of int
        Weeks, counted from the first of the program, whose goods are there by then.
    """

    route: Route
    edges: IntArray
    sent: int
    period: int
    weeks: IntArray


def stock_rows(adder: RowAdder) -> IntArray:
    """Stock, arrivals and use of a slot; what cannot be kept may be lost."""
    chain, columns, model = adder.chain, adder.columns, adder.model
    groups = np.flatnonzero(adder.extent.groups)
    known = np.zeros((chain.n_groups, adder.n_periods))
    for lead in np.unique(chain.lead):
        edges = np.flatnonzero(chain.lead == lead)
        share = np.bincount(
            chain.edge_group[edges], chain.sigma[edges, 0], minlength=chain.n_groups
        )
        known += share[:, None] * model.periods.still_arriving(int(lead))
    known[chain.storable, 0] += chain.stock[chain.storable, 0]
    lower = np.where(chain.storable[:, None], known, -np.inf)
    rows = adder.rows("stock", "slot", groups, unit=_USE, lower=lower[groups], upper=known[groups])
    stored = model.stored
    adder.builder.add(rows[stored], columns.stock[stored], 1.0)
    adder.builder.add(rows[stored, 1:], columns.stock[stored, :-1], -1.0)
    _add_arrivals(adder, rows)
    least = model.limits.use
    full = np.setdiff1d(groups, model.partial)
    adder.output(rows[full], chain.group_buyer[full], least[full])
    used = np.setdiff1d(model.partial, model.maintained)
    adder.builder.add(rows[used], columns.use[used], least[used])
    adder.builder.add(rows[model.maintained], columns.upkeep[model.maintained], 1.0)
    return rows


def _add_arrivals(adder: RowAdder, rows: IntArray) -> None:
    chain = adder.chain
    for route in adder.routes:
        for lead in np.unique(route.lead):
            edges = np.flatnonzero(adder.extent.edges & route.edges(lead))
            arrival = adder.model.periods.arrival(int(lead))
            in_time = arrival < adder.n_periods
            places = rows[chain.edge_group[edges]][:, arrival[in_time]]
            flows = route.columns[edges][:, in_time]
            adder.builder.add(places, flows, -adder.unit[edges][:, None])


def late_rows(adder: RowAdder) -> tuple[IntArray, list[Late]]:
    """Of what leaves in a period, not all can have left in its first weeks.

    What is counted as there too early is at least what was sent, less what can have left in
    the weeks whose goods are there: a limit of the flow, or all that the supplier can make.
    """
    chain, model, periods = adder.chain, adder.model, adder.model.periods
    stored = model.stored if bool((periods.lengths > 1).any()) else model.stored[:0]
    early = np.zeros((chain.n_groups, adder.n_periods))
    entries: list[Late] = []
    for route in adder.routes:
        for lead in np.unique(route.lead):
            edges = np.flatnonzero(adder.extent.edges & route.edges(lead))
            for sent, period in np.argwhere(periods.in_transit(int(lead))).tolist():
                there = periods.weeks_there(sent, period, int(lead))
                most = route.weekly[np.ix_(there, edges)].sum(axis=0)
                some = np.isfinite(most)
                np.add.at(early[:, period], chain.edge_group[edges[some]], most[some])
                entries.append(Late(route, edges[some], sent, period, there))
    rows = adder.rows("late", "slot", stored, unit=_USE, lower=-early[stored])
    adder.builder.add(rows[stored], adder.columns.stock[stored], 1.0)
    for one in entries:
        places = rows[chain.edge_group[one.edges], one.period]
        flows = one.route.columns[one.edges, one.sent]
        adder.builder.add(places, flows, -adder.unit[one.edges])
    return rows, entries


def transit_rows(adder: RowAdder) -> IntArray:
    """Of what cannot be kept, no more is counted early than was sent of late."""
    chain = adder.chain
    groups = adder.model.fleeting
    rows = adder.rows("transit", "slot", groups, unit=_USE, upper=0.0)
    adder.builder.add(rows[groups], adder.columns.stock[groups], 1.0)
    fleeting = rows[chain.edge_group, 0] >= 0
    for route in adder.routes:
        for lead in np.unique(route.lead):
            edges = np.flatnonzero(adder.extent.edges & route.edges(lead) & fleeting)
            sent, period = np.nonzero(adder.model.periods.in_transit(int(lead)))
            places = rows[chain.edge_group[edges]][:, period]
            flows = route.columns[edges][:, sent]
            adder.builder.add(places, flows, -adder.unit[edges][:, None])
    return rows


def reach_rows(adder: RowAdder) -> IntArray:
    """A slot that maintains plants serves what is in it, not what is used up of it."""
    columns, model = adder.columns, adder.model
    groups = model.maintained
    rows = adder.rows("reach", "slot", groups, unit=_USE, upper=0.0)
    adder.builder.add(rows[groups], columns.use[groups], model.limits.use[groups])
    adder.builder.add(rows[groups], columns.upkeep[groups], -adder.weeks)
    kept = np.intersect1d(groups, model.stored)
    adder.builder.add(rows[kept], columns.stock[kept], -adder.weeks)
    return rows


def need_rows(adder: RowAdder) -> IntArray:
    """How far output may go with what is used of a partly needed slot."""
    chain, eps, groups = adder.chain, adder.chain.eps[:, 0], adder.model.partial
    groups = groups[eps[groups] > 0]
    buyer = chain.group_buyer[groups]
    upper = (1.0 - eps[groups])[:, None] * adder.model.limits.scale[buyer]
    rows = adder.rows("need", "slot", groups, unit="weeks of baseline output", upper=upper)
    adder.output(rows[groups], buyer, 1.0)
    adder.builder.add(rows[groups], adder.columns.use[groups], -eps[groups][:, None])
    return rows


def room_rows(adder: RowAdder) -> IntArray:
    """A part of the output uses no more than its plants can take, where a plan adds to them."""
    chain, model = adder.chain, adder.model
    groups = model.partial
    groups = groups[(chain.phi[groups, 0] > 0) & model.open_sites[chain.group_buyer[groups]]]
    upper = model.limits.scale[chain.group_buyer[groups]]
    rows = adder.rows("room", "slot", groups, unit=_USE, upper=upper)
    adder.builder.add(rows[groups], adder.columns.use[groups], 1.0)
    return rows
