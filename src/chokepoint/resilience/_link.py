"""What money buys, put into the rows of the answer to one threat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chokepoint.program import ProgramBuilder
from chokepoint.resilience._columns import Model
from chokepoint.resilience._measures import Candidates
from chokepoint.resilience._rows import Rows

__all__ = ["Linker"]

IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]


class Linker:
    """Puts what money buys into the rows of one threat.

    Coefficients are gathered and added once; a candidate without a row in this threat has none.

    Parameters
    ----------
    builder : ProgramBuilder
        Program of the threat.
    model, rows
        The threat and its rows.
    candidates : Candidates
        What can be bought.
    spend : array of int
        Columns of money, in the order of the candidates.
    """

    def __init__(
        self,
        builder: ProgramBuilder,
        model: Model,
        rows: Rows,
        candidates: Candidates,
        spend: IntArray,
    ) -> None:
        self.builder, self.model, self.rows, self.spend = builder, model, rows, spend
        self.candidates, table = candidates, candidates.table
        self.effect = table["effect"].to_numpy(dtype=float)
        self.delay = table["delay"].to_numpy(dtype=float)
        self.place = {
            name: table[name].to_numpy(dtype=np.intp) for name in ("group", "node", "edge")
        }
        self._entries: list[tuple[IntArray, IntArray, FloatArray]] = []
        # What flows can carry more, for the rows `late`: candidate, flow, weekly (items, W).
        self._more: list[tuple[IntArray, IntArray, FloatArray]] = []

    def link(self) -> None:
        """Add all coefficients."""
        self._stock()
        self._recycling()
        self._capacity()
        self._second_source()
        self._late()
        if self._entries:
            rows, numbers, values = (
                np.concatenate(part) for part in zip(*self._entries, strict=True)
            )
            self.builder.add(rows, self.spend[numbers], values)

    def weeks_after(self, numbers: IntArray) -> FloatArray:
        """Return for each candidate 1 in weeks in which it works, shape (numbers, W)."""
        periods = self.model.periods
        week = np.arange(periods.starts[0], periods.end)
        return np.asarray(week[None, :] >= self.delay[numbers][:, None], dtype=np.float64)

    def by_period(self, weekly: FloatArray) -> FloatArray:
        """Return sums over the weeks of each period, items first."""
        starts = self.model.periods.starts
        return np.asarray(np.add.reduceat(weekly, starts - starts[0], axis=1))

    def _add(self, rows: IntArray, numbers: IntArray, values: FloatArray) -> None:
        """Note coefficients: rows and values (numbers, P); rows of -1 are not there."""
        number = np.broadcast_to(numbers[:, None], rows.shape)
        value = values * self.effect[numbers][:, None]
        kept = (rows >= 0) & (value != 0)
        self._entries.append((rows[kept], number[kept], value[kept]))

    def _stock(self) -> None:
        """Stock is there from the first period on, or from the one in which it comes."""
        numbers = self.candidates.rows("stock")
        late = np.searchsorted(self.model.periods.starts, self.delay[numbers], side="right") - 1
        rows = self.rows.stock[self.place["group"][numbers], np.maximum(late, 0)]
        self._add(rows[:, None], numbers, np.full((len(numbers), 1), -1.0))

    def _recycling(self) -> None:
        """Recycled goods arrive every week."""
        numbers = self.candidates.rows("recycling")
        weeks = self.by_period(self.weeks_after(numbers))
        self._add(self.rows.stock[self.place["group"][numbers]], numbers, -weeks)

    def _capacity(self) -> None:
        """Capacity raises what a site can make, and the scale of its plants."""
        model, rows = self.model, self.rows
        numbers = self.candidates.rows("capacity")
        numbers = numbers[rows.capacity[self.place["node"][numbers], 0] >= 0]
        nodes = self.place["node"][numbers]
        weekly = model.limits.left[:, nodes].T * self.weeks_after(numbers)
        added = self.by_period(weekly)
        self._add(rows.capacity[nodes], numbers, -added)
        chain = model.chain
        eps, phi = chain.eps[:, 0], chain.phi[:, 0]
        apart = np.bincount(chain.group_buyer, phi, minlength=chain.n_nodes)
        self._add(rows.parts[nodes], numbers, -(1.0 - apart[nodes])[:, None] * added)
        item, group = _pairs(nodes, chain.group_buyer)
        self._add(rows.need[group], numbers[item], -(1.0 - eps[group])[:, None] * added[item])
        self._add(rows.room[group], numbers[item], -added[item])
        kept = np.flatnonzero(model.extent.edges)
        item, place = _pairs(nodes, chain.edge_supplier[kept])
        edge = kept[place]
        more = weekly[item] / chain.kappa[edge, 0][:, None]
        self._more.append((numbers[item], edge, more))

    def _second_source(self) -> None:
        """Qualification lifts the limit of a flow in weeks in which it holds."""
        model, rows = self.model, self.rows
        numbers = self.candidates.rows("second_source")
        numbers = numbers[rows.limit[self.place["edge"][numbers], 0] >= 0]
        edges = self.place["edge"][numbers]
        weekly = model.limits.gain[:, edges].T * self.weeks_after(numbers)
        self._add(rows.limit[edges], numbers, -self.by_period(weekly) / model.unit[edges][:, None])
        self._more.append((numbers, edges, weekly))

    def _late(self) -> None:
        """Add what flows can carry more in the weeks whose goods are there."""
        number = np.concatenate([one for one, _, _ in self._more])
        edge = np.concatenate([one for _, one, _ in self._more])
        weekly = np.concatenate([one for _, _, one in self._more])
        # Sums up to each week, so that a run of weeks is a difference.
        upto = np.concatenate([np.zeros((len(weekly), 1)), np.cumsum(weekly, axis=1)], axis=1)
        group = self.model.chain.edge_group[edge]
        inside = np.zeros(self.model.chain.n_edges, dtype=bool)
        for one in self.rows.lateness:
            # Goods that leave round a cap are limited by it, not by what money buys.
            if not one.route.direct or not len(one.weeks):
                continue
            inside[:] = False
            inside[one.edges] = True
            item = np.flatnonzero(inside[edge])
            more = upto[item, one.weeks[-1] + 1] - upto[item, one.weeks[0]]
            self._add(self.rows.late[group[item], one.period][:, None], number[item], more[:, None])


def _pairs(nodes: IntArray, of: IntArray) -> tuple[IntArray, IntArray]:
    """Return (place in `nodes`, place in `of`) of all pairs of equal numbers."""
    order = np.argsort(of, kind="stable")
    first = np.searchsorted(of[order], nodes, side="left")
    last = np.searchsorted(of[order], nodes, side="right")
    item = np.repeat(np.arange(len(nodes)), last - first)
    inner = np.arange(len(item)) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
    return item, order[np.repeat(first, last - first) + inner]
