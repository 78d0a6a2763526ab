"""What to buy under a budget before threats come true."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.program import Solution
from chokepoint.propagate import compile_chain
from chokepoint.resilience._measures import KINDS, Candidates, find_candidates
from chokepoint.resilience._model import counted_sites
from chokepoint.resilience._plan_program import PlanProgram, build_plan
from chokepoint.resilience._plan_result import Plan
from chokepoint.scenario import Scenario

__all__ = ["plan"]

FloatArray = NDArray[np.float64]

# Money below this share of the budget is solver noise.
_NOISE = 1e-7


def plan(
    chain: SupplyChain,
    threats: Scenario | Iterable[Scenario],
    *,
    budget: float,
    weeks: int = 52,
    period: int = 4,
    probabilities: Sequence[float] | Mapping[str, float] | None = None,
    kinds: Sequence[str] = KINDS,
    targets: str | Iterable[str] | None = None,
    notice: float = 104.0,
    risk: None = None,
    solver: str = "highs",
    time_limit: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> Plan:
    r"""Return the measures that avoid most of the expected loss for a budget.

    .. math:: \min_y \sum_w p_w\, \text{Loss}_w(y) \quad\text{s.t.}\quad c^\top y \le B

    A deterministic plan: the threats and their weights are given, the planner answers each of
    them with foresight. So the plan shows what measures *can* save; simulate
    ``plan.apply(chain)`` to see what they save where nobody coordinates.

    Parameters
    ----------
    chain : SupplyChain
        The chain, with a table of measures.
    threats : Scenario or iterable of Scenario
        What may happen; names must be unique.
    budget : float
        Money for all measures together [USD million].
    weeks, period : int
        Weeks whose losses count, and weeks in a period of the program.
    probabilities : sequence or mapping of float, optional
        Weight of each threat, above 0, adding up to at most 1; None = equal weights that add
        up to 1.
    kinds : sequence of str
        Kinds of measures on offer.
    targets : str or iterable of str, optional
        Areas or blocs whose losses count and whose sites hold stocks and qualify suppliers;
        None = all.
    notice : float
        Weeks between the decision and week 0 of the threats: a measure with lead time L works
        from week ``L - notice`` on, or from the start.
    risk : None
        Kept for risk measures; the expected loss is minimised.
    solver, time_limit, options
        As for :func:`chokepoint.resilience.recourse`.

    Returns
    -------
    Plan

    Raises
    ------
    OptionError
        If an argument is out of range or the chain offers no such measure.
    SolverError
        If the solver stops early.

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
    listed = [threats] if isinstance(threats, Scenario) else list(threats)
    weights = _weights(listed, probabilities)
    if risk is not None:
        raise OptionError(f"Expected risk=None (the expected loss), got {risk!r}.")
    if not budget >= 0:
        raise OptionError(f"Expected a budget of at least 0 USD million, got {budget}.")
    compiled = compile_chain(chain)
    candidates = find_candidates(
        chain, compiled, kinds=kinds, targets=targets, notice=notice, weeks=weeks
    )
    if candidates.table.empty:
        raise OptionError(
            f"The chain offers no measure of the kinds {', '.join(kinds)} that could help: "
            + "; ".join(f"{one.measure}: {one.reason}" for one in candidates.skipped.itertuples())
            + ". Add rows to its table of measures."
        )
    counted = counted_sites(chain, compiled, targets)
    built = build_plan(
        chain, compiled, listed, weights.tolist(), candidates, counted,
        budget=budget, weeks=weeks, period=period,
    )  # fmt: skip
    solve = {"time_limit": time_limit, "options": options}
    without, best = _solve_without_and_with(built, budget, solver, solve)
    return Plan(
        budget=float(budget),
        spent=float(best.values[built.spend].sum()),
        measures=_bought(candidates, built, best, budget),
        marginal_value=_marginal(candidates, built, best, budget),
        budget_value=float(max(-best.duals[built.budget], 0.0)),
        baseline_loss=_losses(built, without, weights.index),
        residual_loss=_losses(built, best, weights.index),
        probabilities=weights,
        skipped=candidates.skipped,
        targets=chain.areas(targets),
        weeks=weeks,
        period=period,
        notice=float(notice),
        solver=best.solver,
        seconds=time.perf_counter() - started,
        solution=best,
    )


def _weights(
    threats: Sequence[Scenario], probabilities: Sequence[float] | Mapping[str, float] | None
) -> pd.Series:
    names = pd.Index([threat.name for threat in threats], name="threat")
    if names.empty or names.has_duplicates:
        raise OptionError(f"Expected threats with unique names, got {list(names)}.")
    if probabilities is None:
        values: Sequence[float] = [1.0 / len(names)] * len(names)
    elif isinstance(probabilities, Mapping):
        if set(probabilities) != set(names):
            raise OptionError(
                f"Expected probabilities for {list(names)}, got {list(probabilities)}."
            )
        values = [probabilities[name] for name in names]
    else:
        values = list(probabilities)
    if len(values) != len(names) or not min(values) > 0 or sum(values) > 1 + 1e-9:
        raise OptionError(
            f"Expected {len(names)} probabilities above 0 that add up to at most 1, got {values}."
        )
    return pd.Series(values, index=names, name="probability", dtype=float)


def _solve_without_and_with(
    built: PlanProgram, budget: float, solver: str, how: dict[str, Any]
) -> tuple[Solution, Solution]:
    """Solve without money, then with the budget; every solver does both from scratch."""
    limit = built.program.row_upper.copy()
    limit[built.budget] = 0.0
    nothing = replace(built.program, row_upper=limit)
    without = nothing.solve(solver=solver, **how)
    return without, without if budget == 0 else built.program.solve(solver=solver, **how)


def _losses(built: PlanProgram, solution: Solution, names: pd.Index) -> pd.Series:
    losses = []
    for model, columns in built.parts:
        counted = np.flatnonzero(model.extent.counted)
        lost = solution.values[columns.loss[counted]]
        losses.append(float((lost * model.chain.value_added[counted]).sum()))
    series = pd.Series(losses, index=names, name="loss", dtype=float)
    series.attrs["unit"] = "USD million of value added, planner's shortfall"
    return series


def _bought(
    candidates: Candidates, built: PlanProgram, solution: Solution, budget: float
) -> pd.DataFrame:
    cost = solution.values[built.spend]
    table = candidates.table.assign(cost_usd_m=cost)
    table["quantity"] = cost * 1e6 / table["unit_cost"].to_numpy(dtype=float)
    table["share"] = cost * table["effect"].to_numpy(dtype=float)
    table = table.rename(columns={"delay": "delay_weeks"})
    columns = [
        "measure", "kind", "product", "where", "quantity", "unit", "cost_usd_m", "share",
        "delay_weeks", "site", "slot", "supplier",
    ]  # fmt: skip
    kept = table.loc[cost > _NOISE * max(budget, 1e-9), columns]
    kept = kept.sort_values("cost_usd_m", ascending=False, kind="stable").reset_index(drop=True)
    kept.attrs["unit"] = (
        "share: weeks of cover (stock), of baseline output (capacity), of the slot (second source)"
    )
    return kept


def _marginal(
    candidates: Candidates, built: PlanProgram, solution: Solution, budget: float
) -> pd.DataFrame:
    """Return what one more USD for each candidate avoids, the rest of the program answering."""
    duals = solution.duals.copy()
    duals[built.first_stage] = 0.0
    worth = np.maximum((built.program.matrix.T @ duals)[built.spend], 0.0)
    table = candidates.table[["measure", "kind", "where", "unit", "unit_cost"]].copy()
    table["usd_per_usd"] = worth
    table["usd_per_unit"] = worth * table.pop("unit_cost").to_numpy(dtype=float)
    table["bought"] = solution.values[built.spend] > _NOISE * max(budget, 1e-9)
    ranked = table.sort_values("usd_per_usd", ascending=False, kind="stable")
    ranked.attrs["unit"] = "USD of expected loss avoided per USD, and per unit"
    return ranked.reset_index(drop=True)
