r"""The plan program: what to buy before threats, with the planner's response to each.

.. math::
    \min_y \sum_w p_w\, \text{Loss}_w(y) \quad\text{s.t.}\quad \mathbf 1^\top y \le B,\
    y \ge 0,

where :math:`y` is money spent on each measure at each place and Loss_w is the optimum of the
recourse program of threat w, in which money adds stock, capacity, or the right to order more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.program import LinearProgram, ProgramBuilder
from chokepoint.propagate import CompiledChain
from chokepoint.resilience._columns import Columns, Model, add_columns
from chokepoint.resilience._limits import sum_from
from chokepoint.resilience._measures import Candidates
from chokepoint.resilience._model import make_model, shock_plan
from chokepoint.resilience._periods import Periods
from chokepoint.resilience._rows import Rows, add_rows
from chokepoint.scenario import Scenario

__all__ = ["PlanProgram", "build_plan"]

IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_USD = 1e6
# Of two plans with the same losses take the cheaper one: a USD must avoid a hundredth of a cent.
# Without such a cost a budget that does not bind leaves many plans, and the solver among them.
_THRIFT = 1e-4


@dataclass(frozen=True, eq=False)
class PlanProgram:
    """A plan program and where its parts are.

    Attributes
    ----------
    program : LinearProgram
        The program.
    spend : array of int
        Columns of money spent, in the order of the candidates [USD million].
    budget : int
        Row of the budget.
    first_stage : array of int
        Rows that hold money alone: the budget and the largest quantities.
    parts : list of (Model, Columns)
        One recourse block for each threat.
    """

    program: LinearProgram
    spend: IntArray
    budget: int
    first_stage: IntArray
    parts: list[tuple[Model, Columns]]


def build_plan(
    chain: SupplyChain,
    compiled: CompiledChain,
    threats: Sequence[Scenario],
    weights: Sequence[float],
    candidates: Candidates,
    counted: BoolArray,
    *,
    budget: float,
    weeks: int,
    period: int,
) -> PlanProgram:
    """Return the plan program over all threats."""
    builder = ProgramBuilder("plan")
    table = candidates.table
    labels = pd.MultiIndex.from_frame(table[["measure", "where"]])
    top = table["top"].to_numpy(dtype=float)
    spend = builder.columns("spend", [labels], unit="USD million", upper=top, cost=_THRIFT)
    row = builder.rows("budget", unit="USD million", upper=budget)
    builder.add(row, spend, 1.0)
    most = _add_most(builder, candidates, spend)
    open_sites, open_edges = _open(compiled, candidates)
    helped = _helped(compiled, candidates, open_sites, open_edges)
    parts = []
    for number, (threat, weight) in enumerate(zip(threats, weights, strict=True)):
        shocks = shock_plan(chain, compiled, threat, weeks)
        start = min(shocks.first, weeks - 1)
        model = make_model(
            compiled,
            shocks,
            counted,
            periods=Periods.make(first=start, weeks=weeks, length=period),
            open_sites=open_sites,
            open_edges=open_edges,
            helped=helped,
            prefix=f"threat {number}: ",
            weight=weight,
        )
        columns = add_columns(builder, model)
        rows = add_rows(builder, model, columns)
        _Linker(builder, model, rows, candidates, spend).link()
        parts.append((model, columns))
    first_stage = np.append(most.ravel(), row.ravel())
    return PlanProgram(builder.build(), spend, int(row), first_stage, parts)


def _add_most(builder: ProgramBuilder, candidates: Candidates, spend: IntArray) -> IntArray:
    """Largest quantity of a measure over all places, as a share of it."""
    limited = candidates.most[np.isfinite(candidates.most) & (candidates.most > 0)]
    rows = builder.rows("most", [limited.index], unit="share of the largest quantity", upper=1.0)
    place = limited.index.get_indexer(candidates.table["measure"])
    inside = place >= 0
    quantity = _USD / candidates.table["unit_cost"].to_numpy(dtype=float)[inside]
    share = quantity / limited.to_numpy()[place[inside]]
    builder.add(rows[place[inside]], spend[inside], share)
    return rows


def _open(compiled: CompiledChain, candidates: Candidates) -> tuple[BoolArray, BoolArray]:
    sites = np.zeros(compiled.n_nodes, dtype=bool)
    sites[candidates.positions("capacity", "node")] = True
    edges = np.zeros(compiled.n_edges, dtype=bool)
    edges[candidates.positions("second_source", "edge")] = True
    return sites, edges


def _helped(
    compiled: CompiledChain, candidates: Candidates, open_sites: BoolArray, open_edges: BoolArray
) -> BoolArray:
    """Return the slots into which money can bring more; how plants decay then depends on it."""
    helped = np.zeros(compiled.n_groups, dtype=bool)
    helped[candidates.positions("stock", "group")] = True
    helped[compiled.edge_group[open_edges | open_sites[compiled.edge_supplier]]] = True
    return helped


class _Linker:
    """Puts what money buys into the rows of one threat."""

    def __init__(
        self,
        builder: ProgramBuilder,
        model: Model,
        rows: Rows,
        candidates: Candidates,
        spend: IntArray,
    ) -> None:
        self.builder, self.model, self.rows, self.spend = builder, model, rows, spend
        self.table = candidates.table
        self.effect = self.table["effect"].to_numpy(dtype=float)
        self.delay = self.table["delay"].to_numpy(dtype=float)
        self._index_lateness()

    def _index_lateness(self) -> None:
        """Sort the entries of the rows `late` by flow."""
        # Goods that leave round a cap are limited by it, not by what money buys.
        entries = [one for one in self.rows.lateness if one.route.direct]
        self._lateness = entries
        edges = np.concatenate([one.edges for one in entries] or [np.empty(0, dtype=np.intp)])
        entry = np.repeat(np.arange(len(entries)), [len(one.edges) for one in entries])
        order = np.argsort(edges, kind="stable")
        self._late_edges, self._late_entry = edges[order], entry[order]

    def _late(self, edge: int, number: int, weekly: FloatArray, factor: float) -> None:
        """Add what a flow can carry more in the weeks whose goods are there."""
        span = slice(*np.searchsorted(self._late_edges, [edge, edge + 1]))
        group = self.model.chain.edge_group[edge]
        first = self.delay[number] - self.model.periods.starts[0]
        for entry in self._late_entry[span]:
            one = self._lateness[entry]
            more = weekly[one.weeks[one.weeks >= first]].sum() * factor
            self._add(self.rows.late[group, one.period], number, more)

    def link(self) -> None:
        """Add all coefficients."""
        for kind, add in (
            ("stock", self._stock),
            ("capacity", self._capacity),
            ("second_source", self._second_source),
        ):
            for number in np.flatnonzero(self.table["kind"] == kind):
                add(int(number))

    def _place(self, number: int, column: str) -> int:
        return int(self.table[column].iloc[number])

    def _add(self, rows: IntArray | FloatArray, number: int, values: FloatArray | float) -> None:
        places = np.atleast_1d(rows)
        there = places >= 0
        worth = np.broadcast_to(np.asarray(values, dtype=float), places.shape)
        self.builder.add(places[there], self.spend[number], worth[there] * self.effect[number])

    def _stock(self, number: int) -> None:
        """Stock is there from the first period on, or from the one in which it comes."""
        starts = self.model.periods.starts
        late = max(int(np.searchsorted(starts, self.delay[number], side="right")) - 1, 0)
        self._add(self.rows.stock[self._place(number, "group"), late], number, -1.0)

    def _capacity(self, number: int) -> None:
        """Capacity raises what a site can make, and the scale of its plants."""
        model, rows, node = self.model, self.rows, self._place(number, "node")
        if rows.capacity[node, 0] < 0:
            return
        weekly = model.limits.left[:, node]
        added = sum_from(weekly[:, None], model.periods, self.delay[number])[0]
        self._add(rows.capacity[node], number, -added)
        eps, phi = model.chain.eps[:, 0], model.chain.phi[:, 0]
        groups = np.flatnonzero(model.chain.group_buyer == node)
        for group in groups:
            self._add(rows.need[group], number, -(1.0 - eps[group]) * added)
            self._add(rows.room[group], number, -added)
        self._add(rows.parts[node], number, -(1.0 - phi[groups].sum()) * added)
        for edge in np.flatnonzero(model.extent.edges & (model.chain.edge_supplier == node)):
            self._late(int(edge), number, weekly, 1.0 / float(model.chain.kappa[edge, 0]))

    def _second_source(self, number: int) -> None:
        """Qualification lifts the limit of a flow in weeks in which it holds."""
        model, rows, edge = self.model, self.rows, self._place(number, "edge")
        if rows.limit[edge, 0] < 0:
            return
        weekly = model.limits.gain[:, edge]
        added = sum_from(weekly[:, None], model.periods, self.delay[number])[0]
        self._add(rows.limit[edge], number, -added / model.unit[edge])
        self._late(edge, number, weekly, 1.0)
