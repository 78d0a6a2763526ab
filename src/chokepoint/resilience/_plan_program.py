r"""The plan program: what to buy before threats, with the planner's response to each.

.. math::
    \min_{y \in Y}\ (1-\lambda) \sum_w p_w L_w(y) + \lambda\, \text{CVaR}_\beta(L(y))

where :math:`y` is money spent on each measure at each place and :math:`L_w` is the optimum of
the recourse program of threat w, in which money adds stock, capacity, other ways to produce, or
the right to order more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.program import CVaR, Part, ProgramBuilder, TwoStage
from chokepoint.propagate import CompiledChain
from chokepoint.resilience._adder import RowAdder
from chokepoint.resilience._budget import Pool
from chokepoint.resilience._columns import Columns, Model, add_columns
from chokepoint.resilience._first_stage import FirstStage, spend_labels
from chokepoint.resilience._link import Linker
from chokepoint.resilience._measures import Candidates
from chokepoint.resilience._model import edge_labels, make_model, shock_plan
from chokepoint.resilience._modes import Releases, add_modes, add_releases, add_reserved
from chokepoint.resilience._periods import Periods
from chokepoint.resilience._recourse import Terminal, add_terminal
from chokepoint.resilience._rows import add_rows
from chokepoint.resilience._service import add_service
from chokepoint.scenario import Scenario

__all__ = ["Answer", "PlanProgram", "Task", "build_answer", "build_plan"]

IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Task:
    """What all threats of a plan have in common.

    Attributes
    ----------
    chain, compiled
        The chain.
    candidates : Candidates
        What can be bought.
    counted : array of bool (N,)
        Sites whose losses count.
    service : pandas.Series
        Least share of demand, by position of the market.
    weeks, period : int
        Horizon, and weeks in a period.
    terminal : {"free", "valued"}
        What stocks at the end are worth.
    pool : Pool, optional
        Who keeps stocks together.
    """

    chain: SupplyChain
    compiled: CompiledChain
    candidates: Candidates
    counted: BoolArray
    service: pd.Series
    weeks: int
    period: int
    terminal: Terminal = "free"
    pool: Pool | None = None

    @cached_property
    def open_sites(self) -> BoolArray:
        """Sites whose capacity money can raise."""
        sites = np.zeros(self.compiled.n_nodes, dtype=bool)
        for kind in ("capacity", "reserved_capacity"):
            sites[self.candidates.positions(kind, "node")] = True
        return sites

    @cached_property
    def open_edges(self) -> BoolArray:
        """Flows whose limit money can raise."""
        edges = np.zeros(self.compiled.n_edges, dtype=bool)
        for kind in ("second_source", "reserved_capacity"):
            edges[self.candidates.positions(kind, "edge")] = True
        return edges

    @cached_property
    def helped(self) -> BoolArray:
        """Slots into which money can bring more; how plants decay then depends on it."""
        compiled, candidates = self.compiled, self.candidates
        groups = np.zeros(compiled.n_groups, dtype=bool)
        for kind in ("stock", "recycling", "substitution"):
            groups[candidates.positions(kind, "group")] = True
        for members in candidates.table["groups"]:
            groups[list(members)] = True
        fed = self.open_edges | self.open_sites[compiled.edge_supplier]
        groups[compiled.edge_group[fed]] = True
        return groups

    @cached_property
    def edge_labels(self) -> pd.Index:
        """Labels of flows."""
        return edge_labels(self.compiled)

    @cached_property
    def spend_labels(self) -> pd.Index:
        """Labels of the columns of money."""
        return spend_labels(self.candidates)


@dataclass(frozen=True, eq=False)
class Answer:
    """The program of one threat, with money as its first columns.

    Attributes
    ----------
    part : Part
        The program.
    model, columns
        The threat, and where its columns are.
    service : array of int
        Rows of markets that must be served.
    releases : Releases
        What leaves pooled stocks.
    missing : array of int
        Columns of stocks that are missing at the end, where they are valued.
    """

    part: Part
    model: Model
    columns: Columns
    service: IntArray
    releases: Releases
    missing: IntArray


@dataclass(frozen=True, eq=False)
class PlanProgram:
    """A plan program and where its parts are.

    Attributes
    ----------
    problem : TwoStage
        The program.
    first : FirstStage
        Its first stage.
    answers : list of Answer
        One for each threat.
    """

    problem: TwoStage
    first: FirstStage
    answers: list[Answer]


def build_plan(
    task: Task,
    first: FirstStage,
    threats: Sequence[Scenario],
    weights: Sequence[float],
    risk: CVaR | None,
) -> PlanProgram:
    """Return the plan program over all threats."""
    answers = [
        build_answer(task, threat, weight=weight, prefix=f"threat {number}: ")
        for number, (threat, weight) in enumerate(zip(threats, weights, strict=True))
    ]
    problem = TwoStage(first.program, [answer.part for answer in answers], risk)
    return PlanProgram(problem, first, answers)


def build_answer(task: Task, threat: Scenario, *, weight: float, prefix: str = "") -> Answer:
    """Return the program of one threat."""
    compiled, candidates = task.compiled, task.candidates
    tail = int(compiled.lead.max(initial=1)) if task.terminal == "valued" else 0
    shocks = shock_plan(task.chain, compiled, threat, task.weeks)
    start = min(shocks.first, task.weeks - 1)
    if tail:
        tail += int(shocks.detour_weeks.max(initial=0)) if shocks.has_detours else 0
        shocks = shock_plan(task.chain, compiled, threat, task.weeks + tail)
    served = np.zeros(compiled.n_nodes, dtype=bool)
    served[task.service.index.to_numpy(dtype=np.intp)] = True
    model = make_model(
        compiled,
        shocks,
        task.counted,
        periods=Periods.make(first=start, weeks=task.weeks, length=task.period, tail=tail),
        open_sites=task.open_sites,
        open_edges=task.open_edges,
        helped=task.helped,
        prefix=prefix,
        served=served if served.any() else None,
        labels=task.edge_labels,
    )
    builder = ProgramBuilder(f"answer to {threat.name}")
    spend = builder.columns("spend", [task.spend_labels], unit="USD million", lower=-np.inf)
    columns = add_columns(builder, model)
    rows = add_rows(builder, model, columns)
    linker = Linker(builder, model, rows, candidates, spend)
    linker.link()
    add_modes(linker, RowAdder(builder, model, columns), columns)
    add_reserved(linker)
    releases = Releases() if task.pool is None else add_releases(linker, task.pool.lead_weeks)
    service = np.empty(0, dtype=np.intp)
    if len(task.service):
        service = add_service(builder, model, columns, task.service)
    missing = np.empty(0, dtype=np.intp)
    if task.terminal == "valued":
        missing = add_terminal(builder, model, columns)
    part = Part(builder.build(), shared=len(candidates.table), weight=weight)
    return Answer(part, model, columns, service, releases, missing)
