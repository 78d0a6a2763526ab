"""What to buy under a budget before threats come true."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.program import CVaR
from chokepoint.propagate import Behaviour
from chokepoint.resilience._budget import Budget, Pool
from chokepoint.resilience._make_plan import error_of_periods, make_plan, with_behaviour
from chokepoint.resilience._measures import KINDS
from chokepoint.resilience._plan_result import Plan
from chokepoint.resilience._recourse import Terminal
from chokepoint.resilience._service import Service
from chokepoint.resilience._solve_plan import Method, answers_to, choose, solve_plan
from chokepoint.resilience._study import make_study
from chokepoint.scenario import Scenario

__all__ = ["plan"]


def plan(
    chain: SupplyChain,
    threats: Scenario | Iterable[Scenario],
    *,
    budget: float | Budget,
    weeks: int = 52,
    period: int = 4,
    probabilities: Sequence[float] | Mapping[str, float] | None = None,
    kinds: Sequence[str] = KINDS,
    targets: str | Iterable[str] | None = None,
    notice: float = 104.0,
    risk: CVaR | None = None,
    whole: Sequence[str] = (),
    pool: Pool | None = None,
    service: Service | None = None,
    terminal: Terminal = "free",
    measures: pd.DataFrame | None = None,
    simulate: bool = True,
    behaviour: Behaviour | None = None,
    period_error: bool = False,
    method: Method = "auto",
    tolerance: float = 1e-4,
    threads: int | None = None,
    solver: str = "highs",
    time_limit: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> Plan:
    r"""Return the measures that avoid most of the expected loss for a budget.

    .. math::
        \min_{y \in Y}\ (1-\lambda) \sum_w p_w L_w(y) + \lambda\, \text{CVaR}_\beta(L(y))
        \quad\text{s.t.}\quad \mathbf 1^\top y \le B

    A plan in two stages: money is spent before it is known which threat comes true; the planner
    then answers each of them with foresight. So the plan shows what measures *can* save. What
    they save where nobody coordinates is simulated with ``plan.apply(chain)`` and stands beside
    it in :attr:`Plan.behaviour`; where the two disagree, :attr:`Plan.warnings` says so.

    Parameters
    ----------
    chain : SupplyChain
        The chain, with a table of measures.
    threats : Scenario or iterable of Scenario
        What may happen; names must be unique.
    budget : float or Budget
        Money for all measures together [USD million], or with limits by year and by country.
    weeks, period : int
        Weeks whose losses count, and weeks in a period of the program. Above 1 the program
        allows more than week by week; `period_error` says how much.
    probabilities : sequence or mapping of float, optional
        Weight of each threat, above 0, adding up to at most 1; None = equal weights that add
        up to 1.
    kinds : sequence of str
        Kinds of measures on offer: stock, capacity, reserved_capacity, second_source,
        recycling, substitution.
    targets : str or iterable of str, optional
        Areas or blocs whose losses count and whose sites hold stocks and qualify suppliers;
        None = all.
    notice : float
        Weeks between the decision and week 0 of the threats: a measure with lead time L works
        from week ``L - notice`` on, or from the start.
    risk : CVaR, optional
        Weight of the worst threats; None = the expected loss alone. With fewer threats than
        ``risk.cases_needed`` the tail is little more than the worst one, and the plan says so.
    whole : sequence of str
        Kinds that are bought whole or not at all, for example ``["second_source"]``: up to
        what is of use at the place, or on offer. Needs a solver for whole numbers.
    pool : Pool, optional
        Allies who keep stocks together and pay for each other's measures.
    service : float or mapping of str to float, optional
        Least share of demand of markets in the targets that must be served in every threat:
        for all markets with a critical weight, or by product or group.
    terminal : {"free", "valued"}
        What stocks at the end are worth; see :func:`recourse`.
    measures : DataFrame, optional
        What is on offer, with the columns of the table of measures; None = that of the chain.
    simulate : bool
        Whether the plan is simulated, before and after.
    behaviour : Behaviour, optional
        Settings of the weekly model for the reference case.
    period_error : bool
        Whether the planner's loss with the plan is also found week by week.
    method : {"auto", "extensive", "decomposed"}
        All threats in one program, or one by one with cuts; "auto" goes by size.
    tolerance : float
        Relative gap at which the decomposed program stops; :attr:`Plan.gap` says what it came to.
    threads : int, optional
        Threats that are solved at once; None = as many as there are processors.
    solver, time_limit, options
        As for :func:`chokepoint.resilience.recourse`.

    Returns
    -------
    Plan

    Raises
    ------
    OptionError
        If an argument is out of range or the chain offers no such measure.
    InfeasibleError
        If the markets cannot be served as they must; the message names what contradicts.
    SolverError, ConvergenceError
        If the solver, or the decomposition, stops early.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.resilience import plan
    >>> from chokepoint.scenario import ExportBan, Scenario
    >>> ban = Scenario("ban", ExportBan(by="CHN", against="JPN", products="magnet_ndfeb_heavy"))
    >>> bought = plan(cp.load("rare_earths"), ban, budget=50, targets="JPN", weeks=26)
    >>> bool(bought.spent <= 50 and bought.saving >= 0)
    True
    """
    started = time.perf_counter()
    study = make_study(
        chain, threats, budget=Budget.of(budget), weeks=weeks, period=period,
        probabilities=probabilities, kinds=kinds, targets=targets, notice=notice, risk=risk,
        whole=whole, pool=pool, service=service, terminal=terminal, measures=measures,
        threads=threads,
    )  # fmt: skip
    program = study.program
    how = choose(method, program, solver)
    solving: dict[str, Any] = {
        "solver": solver, "threads": study.threads, "time_limit": time_limit, "options": options
    }  # fmt: skip
    nothing = np.zeros(len(study.task.candidates.table))
    without = answers_to(program.answers, nothing, relaxed=True, **solving)
    solved = solve_plan(program, method=how, tolerance=tolerance, **solving)
    found = make_plan(study, solved, without, seconds=time.perf_counter() - started)
    if period_error:
        found = replace(found, period_error=error_of_periods(study, solved, found, solving))
    if simulate:
        found = with_behaviour(study, found, behaviour)
    return replace(found, seconds=time.perf_counter() - started)
