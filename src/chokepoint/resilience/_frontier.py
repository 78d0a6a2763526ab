"""Plans for many budgets and weights of risk: one program, solved again and again."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.program import CVaR, Decomposition
from chokepoint.resilience._budget import Budget, Pool
from chokepoint.resilience._make_plan import make_plan, with_behaviour
from chokepoint.resilience._measures import KINDS
from chokepoint.resilience._plan_result import Plan
from chokepoint.resilience._recourse import Terminal
from chokepoint.resilience._service import Service
from chokepoint.resilience._solve_plan import (
    Method,
    Solved,
    answers_to,
    choose,
    read_whole,
    solve_pieces,
)
from chokepoint.resilience._study import Study, make_study
from chokepoint.scenario import Scenario

__all__ = ["Frontier", "frontier"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Frontier:
    """Plans for a range of budgets, and for several weights of risk.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a plan, with index (budget, level, weight). Columns: spent, expected_loss,
        tail_loss (mean of the worst threats at the level), budget_value (loss avoided by one
        more USD), gap, rounds (of cuts; 0 for one program), seconds.
    plans : tuple of Plan
        In the order of the table.
    seconds : float
        Time of all.
    """

    table: pd.DataFrame
    plans: tuple[Plan, ...] = field(repr=False)
    seconds: float

    def plan(self, budget: float, *, risk: CVaR | None = None) -> Plan:
        """Return the plan of a budget, and of a risk where there are several.

        Raises
        ------
        OptionError
            If there is none, or more than one.
        """
        found = [
            one
            for one in self.plans
            if np.isclose(one.budget, budget) and (risk is None or one.risk == risk)
        ]
        if len(found) != 1:
            budgets = sorted({one.budget for one in self.plans})
            raise OptionError(
                f"Expected one of the budgets {budgets} with one risk, got {budget} and {risk}: "
                f"{len(found)} plans."
            )
        return found[0]

    def __repr__(self) -> str:
        loss = self.table["expected_loss"]
        return (
            f"<Frontier: {len(self.table)} plans in {self.seconds:.1f} s; expected loss "
            f"{loss.max():,.0f} -> {loss.min():,.0f} USD million>"
        )


def frontier(
    chain: SupplyChain,
    threats: Scenario | Iterable[Scenario],
    *,
    budgets: Iterable[float],
    risks: Iterable[CVaR | None] = (None,),
    weeks: int = 52,
    period: int = 4,
    probabilities: Sequence[float] | Mapping[str, float] | None = None,
    kinds: Sequence[str] = KINDS,
    targets: str | Iterable[str] | None = None,
    notice: float = 104.0,
    whole: Sequence[str] = (),
    pool: Pool | None = None,
    service: Service | None = None,
    terminal: Terminal = "free",
    measures: pd.DataFrame | None = None,
    simulate: bool = False,
    method: Method = "auto",
    tolerance: float = 1e-4,
    threads: int | None = None,
    options: Mapping[str, Any] | None = None,
) -> Frontier:
    """Return plans for all budgets, and for all weights of risk: a Pareto frontier.

    The program is built once. In pieces, every cut that was found for one budget or risk holds
    for all others; in one program, a smaller budget starts from the solution of the one before.
    So many points cost little more than one.

    Parameters
    ----------
    chain, threats
        As for :func:`plan`.
    budgets : iterable of float
        Money for all measures together [USD million].
    risks : iterable of CVaR or None
        Weights and levels of the worst threats; None = the expected loss alone.
    weeks, period, probabilities, kinds, targets, notice, whole, pool, service, terminal, measures
        As for :func:`plan`.
    simulate : bool
        Whether each plan is simulated as well.
    method, tolerance, threads, options
        As for :func:`plan`.

    Returns
    -------
    Frontier

    Raises
    ------
    OptionError, InfeasibleError, SolverError
        As for :func:`plan`.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.resilience import frontier
    >>> from chokepoint.scenario import ExportBan, Scenario
    >>> ban = Scenario("ban", ExportBan(by="CHN", against="JPN", products="magnet_ndfeb_heavy"))
    >>> curve = frontier(cp.load("rare_earths"), ban, budgets=[0, 10, 40], targets="JPN", weeks=26)
    >>> bool(curve.table["expected_loss"].is_monotonic_decreasing)
    True
    """
    started = time.perf_counter()
    amounts, weighed = sorted({float(money) for money in budgets}), list(risks)
    if not amounts or not weighed:
        raise OptionError("Expected at least one budget and one risk, got none.")
    study = make_study(
        chain, threats, budget=Budget(amounts[-1]), weeks=weeks, period=period,
        probabilities=probabilities, kinds=kinds, targets=targets, notice=notice,
        risk=weighed[0], whole=whole, pool=pool, service=service, terminal=terminal,
        measures=measures, threads=threads,
    )  # fmt: skip
    Budget(by_year=amounts)
    how = choose(method, study.program, "highs")
    solve = _in_pieces if how == "decomposed" else _at_once
    nothing = np.zeros(len(study.task.candidates.table))
    without = answers_to(
        study.program.answers, nothing, relaxed=True,
        solver="highs", threads=study.threads, options=options,
    )  # fmt: skip
    found, began = [], time.perf_counter()
    for budget, risk, solved in solve(study, amounts, weighed, tolerance, options):
        problem = replace(study.program.problem, risk=risk)
        one = replace(study, budget=Budget(budget), program=replace(study.program, problem=problem))
        plan = make_plan(one, solved, without, seconds=time.perf_counter() - began)
        found.append((with_behaviour(one, plan, None) if simulate else plan, solved.rounds))
        began = time.perf_counter()
    return Frontier(_table(found), tuple(plan for plan, _ in found), time.perf_counter() - started)


def _in_pieces(
    study: Study,
    budgets: Sequence[float],
    risks: Sequence[CVaR | None],
    tolerance: float,
    options: Mapping[str, Any] | None,
) -> Iterator[tuple[float, CVaR | None, Solved]]:
    """Solve threat by threat; cuts are kept from one point to the next."""
    program = study.program
    pieces = Decomposition(program.problem, threads=study.threads, options=options)
    start: FloatArray | None = np.zeros(program.problem.first.n_columns)
    for risk in risks:
        if risk != pieces.problem.risk:
            pieces.change_risk(risk)
        for budget in budgets:
            row = np.array([program.first.budget])
            pieces.change_rows(row, lower=np.array([-np.inf]), upper=np.array([budget]))
            solved = solve_pieces(program, pieces, tolerance=tolerance, start=start)
            start = None
            yield budget, risk, solved


def _at_once(
    study: Study,
    budgets: Sequence[float],
    risks: Sequence[CVaR | None],
    tolerance: float,
    options: Mapping[str, Any] | None,
) -> Iterator[tuple[float, CVaR | None, Solved]]:
    """Solve one program for each risk, from the largest budget down, each from the last."""
    del tolerance  # an optimum is an optimum
    program = study.program
    for risk in risks:
        problem = replace(program.problem, risk=risk)
        here = replace(program, problem=problem)
        session = problem.extensive().session(options=options)
        solved = {}
        for budget in reversed(budgets):
            session.change_rows([program.first.budget], lower=-np.inf, upper=budget)
            solved[budget] = read_whole(here, session.solve(), "highs", options)
        for budget in budgets:
            yield budget, risk, solved[budget]


def _table(found: Sequence[tuple[Plan, int]]) -> pd.DataFrame:
    rows = []
    for plan, rounds in found:
        risk = plan.risk or CVaR(0.0, weight=0.0)
        expected = float((plan.residual_loss * plan.probabilities).sum())
        rows.append(
            {
                "budget": plan.budget, "level": risk.level, "weight": risk.weight,
                "spent": plan.spent, "expected_loss": expected, "tail_loss": plan.tail_loss[1],
                "budget_value": plan.budget_value, "gap": plan.gap, "rounds": rounds,
                "seconds": plan.seconds,
            }
        )  # fmt: skip
    table = pd.DataFrame(rows).set_index(["budget", "level", "weight"])
    table.attrs["unit"] = "USD million; budget_value: USD of loss avoided per USD"
    return table
