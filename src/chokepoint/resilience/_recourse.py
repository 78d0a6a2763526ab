"""The best coordinated response to a scenario: a lower bound on its losses."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
from chokepoint.resilience._price import By, MarginalPrices, Measure, Place
from chokepoint.resilience._rows import Rows, add_rows
from chokepoint.resilience._values import capacity_values, stock_values, supply_values
from chokepoint.scenario import Scenario

__all__ = ["Recourse", "RecourseProgram", "build_recourse", "recourse"]

FloatArray = NDArray[np.float64]
Terminal = Literal["free", "valued"]
Scarcity = Literal["this_week", "last_output"]


@dataclass(frozen=True, eq=False)
class RecourseProgram:
    """A recourse program and where its parts are."""

    program: LinearProgram
    model: Model
    columns: Columns
    rows: Rows


@dataclass(frozen=True, eq=False)
class Recourse:
    """What a planner with foresight would make of a scenario.

    Attributes
    ----------
    scenario : str
        Name of the scenario.
    targets : tuple of str
        Areas whose losses are minimised and counted.
    weeks, period : int
        Horizon, and weeks in a period.
    loss : pandas.Series
        Shortfall of value added by country [USD million]: weeks above baseline do not make
        up for weeks below it.
    loss_by_week : pandas.DataFrame
        The same by first week of the period (rows) and country [USD million per period].
    output : pandas.DataFrame
        Output over baseline, mean of each period (rows), of every site that matters.
    stock_value, capacity_value, supply_value : pandas.DataFrame
        What one more unit of stock, of capacity, and of a flow's limit is worth, dearest first.
    terminal_value : float
        Where stocks at the end are valued: what is missing of them one longest lead later,
        and the output lost until then [USD million]; otherwise 0.
    solver : str
        Name and version of the solver.
    seconds : float
        Time of building and solving.
    solution : Solution
        The optimum with all labels.
    prices : MarginalPrices
        What :meth:`marginal_price` and :meth:`price_range` are read from.
    """

    scenario: str
    targets: tuple[str, ...]
    weeks: int
    period: int
    loss: pd.Series
    loss_by_week: pd.DataFrame = field(repr=False)
    output: pd.DataFrame = field(repr=False)
    stock_value: pd.DataFrame = field(repr=False)
    capacity_value: pd.DataFrame = field(repr=False)
    supply_value: pd.DataFrame = field(repr=False)
    terminal_value: float
    solver: str
    seconds: float
    solution: Solution = field(repr=False)
    prices: MarginalPrices = field(repr=False)

    @property
    def loss_total(self) -> float:
        """Shortfall of value added of all targets [USD million]."""
        return float(self.loss.sum())

    def marginal_price(
        self,
        products: str | Iterable[str] | None = None,
        *,
        at: Place = "buyer",
        measure: Measure = "price",
        by: By = "country",
    ) -> pd.DataFrame:
        r"""Return the marginal price of products by week and place.

        The price of a unit that is there for nothing, to a planner who knows the whole course:
        the baseline price and, where the unit is scarce, the value added of the targets that
        it makes possible along the chain. It is a **marginal** value, of the next unit and not
        of all, in a program that minimises lost value added: no market, no bargaining, no
        hoarding. Set it beside quoted prices with care (see the how-to *Marginal prices*).

        Parameters
        ----------
        products : str or iterable of str, optional
            Products or groups; None = all.
        at : {"buyer", "supplier"}
            One more unit in the slot of a buyer, or ready for shipment at a supplier.
        measure : {"price", "rent", "multiple"}
            Baseline price and rent, rent alone [USD per product unit], or price over baseline.
        by : {"country", "site"}
            Countries show the place where the unit is worth most; sites show each.

        Returns
        -------
        DataFrame
            Rows: first week of the period in which the unit is there; columns (product,
            country), with site (and slot) for ``by="site"``. Places that cannot matter for
            the targets' losses are missing.

        Raises
        ------
        OptionError, UnknownLabelError
            If an option or a product is not known.

        Notes
        -----
        *Sign.* Never below the baseline price: what is worth nothing can be thrown away.
        *Periods.* A unit counts as there in the first week of the period; goods that are sent
        count from the period on in which the first of them arrive.
        *Degeneracy.* At a kink of the optimum the dual is one of several: every value between
        what one more unit is worth and what one unit less costs is a dual, and which the
        solver returns is its own choice. :meth:`price_range` gives both ends.

        Examples
        --------
        >>> import chokepoint as cp
        >>> from chokepoint.resilience import recourse
        >>> from chokepoint.scenario import ExportBan, Scenario
        >>> ban = Scenario("ban", ExportBan(by="CHN", against="JPN", products="oxide_heavy"))
        >>> best = recourse(cp.load("rare_earths"), ban, targets="JPN", weeks=26, period=4)
        >>> bool((best.marginal_price("oxide_dy", measure="multiple") >= 1).all(axis=None))
        True
        """
        return self.prices.table(products, at=at, measure=measure, by=by)

    def price_range(self, product: str, country: str, *, step: float = 1e-3) -> pd.DataFrame:
        """Return the range of the marginal price of a product at the buyers of a country.

        Parameters
        ----------
        product, country : str
            A product that sites of the country use.
        step : float
            How much more and less is tried, in weeks of baseline use of the slot whose dual
            is dearest in the period.

        Returns
        -------
        DataFrame
            Rows: first week of the period; columns low (what a unit more is worth) and high
            (what a unit less costs; missing where there is nothing to take away), both with
            the baseline price [USD per product unit]. Every dual of the program is between.
        """
        return self.prices.bounds(product, country, step=step)

    def __repr__(self) -> str:
        aim = ", ".join(self.targets[:4]) + (", ..." if len(self.targets) > 4 else "")
        return (
            f"<Recourse to {self.scenario!r}: planner's loss of {aim} in {self.weeks} weeks "
            f"{self.loss_total:,.1f} USD million ({self.seconds:.1f} s)>"
        )


def recourse(
    chain: SupplyChain,
    scenario: Scenario,
    *,
    targets: str | Iterable[str] | None = None,
    weeks: int = 52,
    period: int = 1,
    terminal: Terminal = "free",
    scarcity: Scarcity = "this_week",
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
        If `weeks`, `period`, `terminal` or `scarcity` is out of range, or there is no site in
        the targets.
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
        scarcity=scarcity,
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
    compiled = compile_chain(chain)
    counted = counted_sites(chain, compiled, targets)
    shocks = shock_plan(chain, compiled, scenario, weeks)
    tail = 0
    if terminal == "valued":
        longest = shocks.detour_weeks.max(initial=0) if shocks.has_detours else 0
        tail = int(compiled.lead.max(initial=1) + longest)
        shocks = shock_plan(chain, compiled, scenario, weeks + tail)
    start = min(shocks.first, weeks - 1) if first is None else first
    periods = Periods.make(first=start, weeks=weeks, length=period, tail=tail)
    model = make_model(
        compiled, shocks, counted, periods=periods, head_start=int(scarcity == "last_output")
    )
    if not model.extent.counted.any():
        raise OptionError(
            f"Expected targets with sites that add value, got {targets!r}, which has none."
        )
    builder = ProgramBuilder(f"recourse to {scenario.name}")
    columns = add_columns(builder, model)
    rows = add_rows(builder, model, columns)
    if terminal == "valued":
        _add_terminal(builder, model, columns)
    return RecourseProgram(builder.build(), model, columns, rows)


def _check_choice(name: str, given: str, choices: tuple[str, ...]) -> None:
    if given not in choices:
        expected = " or ".join(f'"{choice}"' for choice in choices)
        raise OptionError(f"Expected {name} {expected}, got {given!r}.")


def _add_terminal(builder: ProgramBuilder, model: Model, columns: Columns) -> None:
    """Value stock that is missing at the end like the output that it carries."""
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
    rest = solution.objective - float(total.sum()) if model.periods.end > weeks else 0.0
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
