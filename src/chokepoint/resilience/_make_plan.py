"""From a solved program to a plan: tables, the weekly model beside it, and warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.propagate import Behaviour
from chokepoint.resilience import _plan_tables as tables
from chokepoint.resilience._gap import behaviour_table, behaviour_warnings
from chokepoint.resilience._plan_program import build_answer
from chokepoint.resilience._plan_result import Plan
from chokepoint.resilience._solve_plan import Solved, answers_to
from chokepoint.resilience._study import Study

__all__ = ["error_of_periods", "make_plan", "with_behaviour"]

FloatArray = NDArray[np.float64]

_UNIT = "USD million of value added, planner's shortfall"


def make_plan(
    study: Study, solved: Solved, without: Sequence[FloatArray], *, seconds: float
) -> Plan:
    """Return the plan of a solved program; it is not simulated yet.

    Parameters
    ----------
    study : Study
        The program.
    solved : Solved
        Its solution.
    without : sequence of array
        Columns of each threat's program where nothing is bought.
    seconds : float
        Time spent.
    """
    task, names = study.task, study.probabilities.index
    answers, program = study.program.answers, study.program
    before = [tables.losses_by_country(*pair) for pair in zip(answers, without, strict=True)]
    after = [tables.losses_by_country(*pair) for pair in zip(answers, solved.values, strict=True)]
    spend = solved.x[: len(task.candidates.table)]
    most = max(study.budget.most if np.isfinite(study.budget.most) else spend.sum(), 1e-9)
    ranked, values = tables.value_tables(task, program, solved, most)
    total = program.first.budget
    benefits = tables.benefit_table(task, before, after, study.probabilities)
    return Plan(
        budget=study.budget.most,
        spent=float(spend.sum()),
        measures=tables.bought_table(task.candidates, spend, most),
        marginal_value=ranked,
        values=values,
        budget_value=float(max(-solved.prices[total], 0.0)),
        baseline_loss=_by_threat([one.sum() for one in before], names),
        residual_loss=_by_threat([one.sum() for one in after], names),
        probabilities=study.probabilities,
        behaviour=pd.DataFrame(),
        warnings=_few_threats(study),
        benefits=benefits,
        payments=tables.payment_table(program, solved, benefits, study.purses),
        service=tables.service_table(task, answers, solved.values, names),
        releases=tables.release_table(task, answers, solved, names),
        terminal_loss=_by_threat(tables.terminal_losses(answers, solved.values), names),
        period_error=None,
        skipped=task.candidates.skipped,
        targets=study.targets,
        weeks=task.weeks,
        period=task.period,
        notice=study.notice,
        risk=study.risk,
        method=solved.method,
        gap=solved.gap,
        solver=solved.solution.solver,
        seconds=seconds,
        solution=solved.solution,
    )


def _by_threat(values: Sequence[float], names: pd.Index) -> pd.Series:
    series = pd.Series(list(values), index=names, name="loss", dtype=float)
    series.attrs["unit"] = _UNIT
    return series


def _few_threats(study: Study) -> tuple[str, ...]:
    risk, given = study.risk, len(study.threats)
    if risk is None or risk.weight == 0 or given >= risk.cases_needed:
        return ()
    said = (
        f"The mean of the worst {1 - risk.level:.3g} of cases stands on {given} threats: expected "
        f"{risk.cases_needed}, so that ten are in the tail; it is little more than the worst one."
    )
    return (said,)


def error_of_periods(
    study: Study, solved: Solved, found: Plan, solving: dict[str, Any]
) -> pd.Series:
    """Return how much more the planner loses week by week with the same purchases."""
    names = study.probabilities.index
    if study.task.period == 1:
        return _by_threat([0.0] * len(names), names)
    weekly = replace(study.task, period=1)
    spend = solved.x[: len(weekly.candidates.table)]
    answers = [build_answer(weekly, threat, weight=1.0) for threat in study.threats]
    values = answers_to(answers, spend, relaxed=True, **solving)
    lost = [tables.losses_by_country(*pair).sum() for pair in zip(answers, values, strict=True)]
    return _by_threat(lost, names) - found.residual_loss


def with_behaviour(study: Study, found: Plan, behaviour: Behaviour | None) -> Plan:
    """Return the plan with its losses in the weekly model, and what speaks against it."""
    planner = pd.DataFrame({"before": found.baseline_loss, "after": found.residual_loss})
    table = behaviour_table(
        study.task.chain,
        study.threats,
        planner,
        lambda chain, threat: found.apply(chain, threat=threat),
        one_for_all=found.releases.empty,
        targets=found.targets,
        weeks=found.weeks,
        behaviour=behaviour,
    )
    said = behaviour_warnings(table, found.probabilities, found.measures)
    return replace(found, behaviour=table, warnings=(*found.warnings, *said))
