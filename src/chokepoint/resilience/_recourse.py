"""The best coordinated response to a scenario: a lower bound on its losses."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.program import LinearProgram, ProgramBuilder, Solution
from chokepoint.propagate import compile_chain
from chokepoint.resilience._columns import Columns, Model, add_columns
from chokepoint.resilience._model import counted_sites, make_model, shock_plan
from chokepoint.resilience._periods import Periods
from chokepoint.resilience._price import MarginalPrices
from chokepoint.resilience._recourse_result import Recourse
from chokepoint.resilience._rows import Rows, add_rows
from chokepoint.resilience._tariffs import first_tariff, tariffs_of_flows, tariffs_paid
from chokepoint.resilience._values import capacity_values, stock_values, supply_values
from chokepoint.scenario import Scenario

__all__ = ["RecourseProgram", "Terminal", "add_terminal", "build_recourse", "recourse"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
Terminal = Literal["free", "valued"]
Scarcity = Literal["this_week", "last_output"]
Tariffs = Literal["apart", "cost"]


@dataclass(frozen=True, eq=False)
class RecourseProgram:
    """A recourse program and where its parts are."""

    program: LinearProgram
    model: Model
    columns: Columns
    rows: Rows


def recourse(
    chain: SupplyChain,
    scenario: Scenario,
    *,
    targets: str | Iterable[str] | None = None,
    weeks: int = 52,
    period: int = 1,
    terminal: Terminal = "free",
    scarcity: Scarcity = "this_week",
    tariffs: Tariffs = "apart",
    solver: str = "highs",
    time_limit: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> Recourse:
    r"""Return the least loss that a planner can reach under a scenario.

    The planner runs every site and flow of the chain, knows the whole course of the scenario
    from its first week on, and minimises the value added that the targets' sites lose,

    .. math:: \min \sum_{t < T} \sum_{i \in \text{targets}} va_i\, l_{it}, \qquad
              l_{it} \ge 1 - x_{it},\ l_{it} \ge 0,

    under the physical limits of the weekly model: recipes, stocks, transit, capacity and how
    fast it ramps up, the growth of a flow before the supplier is qualified, dormant suppliers
    after qualification, caps, licences, joint outputs. Habits are not limits: throttling,
    rationing, reordering and switching do not bind the planner. So every course that the
    weekly model can take is open to the planner, and its loss counted in the same way is
    never below the optimum (see :func:`shortfall`).

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    scenario : Scenario
        What happens.
    targets : str or iterable of str, optional
        Areas or blocs whose losses are minimised: a bound on the loss of each set of targets
        needs a run of its own. None = all areas, a coordinated plan for the world.
    weeks : int
        Weeks whose losses count.
    period : int
        Weeks in a period. Above 1 the weekly rows are added up over periods, which allows
        more than they do one by one: the optimum is still a lower bound, and not above that
        of weekly periods.
    terminal : {"free", "valued"}
        Whether stocks may be eaten up by the end for nothing (the lower bound), or the program
        goes on for the longest lead and each week of cover that is then missing costs the
        value added that it carries.
    scarcity : {"this_week", "last_output"}
        The timing of ramp-up in the weekly model that the bound is for; with "last_output"
        capacity may grow in the very week of the shock.
    tariffs : {"apart", "cost"}
        Whether tariffs are left out of what is minimised, so that `loss` is a bound on losses,
        or the sum of losses and of tariffs on the flows of the program is minimised; that sum
        is then a bound on the same sum in the weekly model, and `loss` alone is none.
    solver : str
        ``"highs"`` or ``"pulp:NAME"``; see :meth:`LinearProgram.solve`.
    time_limit : float, optional
        Seconds for the solver.
    options : mapping, optional
        Options of the solver.

    Returns
    -------
    Recourse

    Raises
    ------
    UnknownLabelError
        If a target is not an area or bloc of the chain.
    OptionError
        If `weeks`, `period`, `terminal`, `scarcity` or `tariffs` is out of range, or there is no
        site in the targets.
    SolverError
        If the solver stops early.

    Notes
    -----
    *Periods are a relaxation.* Let a course satisfy the weekly rows, and add them up over
    the weeks of a period. Sums of output, flows, use and orders satisfy the sums of the rows,
    and stocks at the end of a period those that balance them. Goods sent in a period arrive
    in one or two periods; the program counts all of them in the first. The stock of a slot
    then also holds what is counted too early, which is not negative, and at least what
    cannot have left in the first weeks of the period (rows ``late``). Losses within a period
    are added up before they are cut off at zero: :math:`\sum_t (1 - x_t)^+ \ge
    (\sum_t 1 - x_t)^+`. So the sums are a point of the program with a loss that is not higher.

    *Choices.* Stocks at the end are free or valued; a hard bound would be
    infeasible under a lasting ban, and is broken by every course of the weekly model there.
    The planner starts in the first week in which anything happens, not before. Capacity
    follows the fastest ramp, ``1 + (ramp_max - 1)(1 - (1 - 1/ramp_weeks)^t)``, instead of
    being there at once. Both make the bound tighter and hold for the weekly model.

    *Effects that depend on the course.* Thrift saves as much as it ever can; capacity decays
    by no more than the limits on flows into its slots force; rebuilding goes as fast as it
    can, and is asked for as if it did not; backlog waits as if nothing had been sold. Each is
    a bound that no course of the weekly model passes, given with its formula on the page *The
    weekly model*. Frozen orders are outside: they send markets goods that nobody wants.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.resilience import recourse
    >>> from chokepoint.scenario import ExportBan, Scenario
    >>> ban = Scenario("ban", ExportBan(by="CHN", against="JPN", products="magnet_ndfeb_heavy"))
    >>> best = recourse(cp.load("rare_earths"), ban, targets="JPN", weeks=26, period=4)
    >>> bool(best.loss_total >= 0)
    True
    """
    started = time.perf_counter()
    built = build_recourse(
        chain, scenario, targets=targets, weeks=weeks, period=period, terminal=terminal,
        scarcity=scarcity, tariffs=tariffs,
    )  # fmt: skip
    solution = built.program.solve(solver=solver, time_limit=time_limit, options=options)
    return _result(
        chain, scenario, built, solution,
        targets=chain.areas(targets), weeks=weeks, period=period,
        seconds=time.perf_counter() - started,
    )  # fmt: skip


def build_recourse(
    chain: SupplyChain,
    scenario: Scenario,
    *,
    targets: str | Iterable[str] | None = None,
    weeks: int = 52,
    period: int = 1,
    terminal: Terminal = "free",
    scarcity: Scarcity = "this_week",
    tariffs: Tariffs = "apart",
    first: int | None = None,
) -> RecourseProgram:
    """Return the program that :func:`recourse` solves.

    Parameters
    ----------
    first : int, optional
        First week of the planner; None = the first in which anything happens.
    """
    if weeks < 1:
        raise OptionError(f"Expected weeks of at least 1, got {weeks}.")
    _check_choice("terminal", terminal, get_args(Terminal))
    _check_choice("scarcity", scarcity, get_args(Scarcity))
    _check_choice("tariffs", tariffs, get_args(Tariffs))
    compiled = compile_chain(chain)
    counted = counted_sites(chain, compiled, targets)
    shocks = shock_plan(chain, compiled, scenario, weeks)
    tail = 0
    if terminal == "valued":
        longest = shocks.detour_weeks.max(initial=0) if shocks.has_detours else 0
        tail = int(compiled.lead.max(initial=1) + longest)
        shocks = shock_plan(chain, compiled, scenario, weeks + tail)
    pays = tariffs == "cost"
    if first is None:
        first = min(shocks.first, first_tariff(shocks)) if pays else shocks.first
    start = min(first, weeks - 1)
    periods = Periods.make(first=start, weeks=weeks, length=period, tail=tail)
    model = make_model(
        compiled, shocks, counted, periods=periods, pays=pays,
        head_start=int(scarcity == "last_output"),
    )  # fmt: skip
    if not model.extent.counted.any():
        raise OptionError(
            f"Expected targets with sites that add value, got {targets!r}, which has none."
        )
    builder = ProgramBuilder(f"recourse to {scenario.name}")
    columns = add_columns(builder, model)
    rows = add_rows(builder, model, columns)
    if terminal == "valued":
        add_terminal(builder, model, columns)
    return RecourseProgram(builder.build(), model, columns, rows)


def _check_choice(name: str, given: str, choices: tuple[str, ...]) -> None:
    if given not in choices:
        expected = " or ".join(f'"{choice}"' for choice in choices)
        raise OptionError(f"Expected {name} {expected}, got {given!r}.")


def add_terminal(builder: ProgramBuilder, model: Model, columns: Columns) -> IntArray:
    """Value stock that is missing at the end like the output that it carries.

    Returns the positions of the columns of what is missing.
    """
    chain = model.chain
    stored = model.stored[chain.storable[model.stored]]
    mine = stored[model.extent.counted[chain.group_buyer[stored]]]
    share = np.maximum(chain.eps[mine, 0], chain.phi[mine, 0])
    cost = chain.value_added[chain.group_buyer[mine], 0] * share * model.weight
    labels = [model.labels("slot", mine)]
    unit = "weeks of baseline use"
    missing = builder.columns(model.prefix + "missing", labels, unit=unit, cost=cost)
    rows = builder.rows(model.prefix + "terminal", labels, unit=unit, lower=chain.stock[mine, 0])
    builder.add(rows, columns.stock[mine, -1], 1.0)
    builder.add(rows, missing, 1.0)
    return missing


def _result(
    chain: SupplyChain,
    scenario: Scenario,
    built: RecourseProgram,
    solution: Solution,
    *,
    targets: tuple[str, ...],
    weeks: int,
    period: int,
    seconds: float,
) -> Recourse:
    model, columns = built.model, built.columns
    by_week = loss_by_week(model, columns, solution).reindex(columns=list(targets), fill_value=0.0)
    total = by_week.sum().rename("loss")
    total.attrs["unit"] = by_week.attrs["unit"] = "USD million of value added, shortfall"
    # With stocks valued, the objective also holds the weeks after the last one that counts.
    paid = tariffs_paid(model, columns, solution)
    rest = 0.0
    if model.periods.end > weeks:
        in_program = tariffs_of_flows(model, columns, solution).sum() if model.pays else 0.0
        rest = solution.objective - float(total.sum() + in_program)
    return Recourse(
        scenario=scenario.name,
        targets=targets,
        weeks=weeks,
        period=period,
        loss=total,
        loss_by_week=by_week,
        output=_output(model, columns, solution),
        stock_value=stock_values(chain, model, built.rows, solution),
        capacity_value=capacity_values(model, columns, solution),
        supply_value=supply_values(chain, model, columns, solution),
        tariffs=paid,
        terminal_value=rest,
        solver=solution.solver,
        seconds=seconds,
        solution=solution,
        prices=MarginalPrices(chain, model, built.rows, solution),
    )


def loss_by_week(model: Model, columns: Columns, solution: Solution) -> pd.DataFrame:
    """Return the loss by first week of a period and country [USD million per period]."""
    counted = np.flatnonzero(model.extent.counted)
    lost = solution.values[columns.loss[counted, : model.periods.counted]]
    value = lost * model.chain.value_added[counted]
    country = model.chain.nodes["country"].to_numpy()[counted]
    table = pd.DataFrame(value, index=country, columns=model.periods.index[: lost.shape[1]])
    return table.groupby(level=0).sum().T + 0.0


def _output(model: Model, columns: Columns, solution: Solution) -> pd.DataFrame:
    counted, sites = model.extent.counted, model.extent.sites
    weeks = model.periods.lengths.astype(float)
    level = np.zeros((model.chain.n_nodes, len(weeks)))
    values = solution.values
    level[counted] = weeks - values[columns.loss[counted]] + values[columns.extra[counted]]
    others = sites & ~counted
    level[others] = values[columns.output[others]]
    mean = (level / weeks)[sites]
    return pd.DataFrame(mean.T, index=model.periods.index, columns=model.chain.nodes.index[sites])
