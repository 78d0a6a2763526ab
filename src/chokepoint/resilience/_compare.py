"""Compare strategies: the same threats, draws and budgets for all, judged by the weekly model."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.datasets import Draws, draw
from chokepoint.errors import OptionError
from chokepoint.propagate import Behaviour, simulate
from chokepoint.resilience._apply import with_releases
from chokepoint.resilience._comparison import Comparison
from chokepoint.resilience._hardened_draws import hardened
from chokepoint.resilience._make_plan import with_behaviour
from chokepoint.resilience._measures import KINDS
from chokepoint.resilience._offer import Offer
from chokepoint.resilience._plan_result import Plan
from chokepoint.resilience._shortfall import shortfall
from chokepoint.resilience._strategies import BUILT_IN, Strategy, resolve
from chokepoint.scenario import Scenario

__all__ = ["compare"]

_CASES = ("planner", "reference", "stressed")
_DRAWS_AT_ONCE = 64
"""Draws whose sites are held week by week together."""
_HELPS = 0.1
"""Share of the planner's promise below which a plan hardly helps."""
_SMALL = 1e-6


def compare(
    chain: SupplyChain,
    threats: Scenario | Iterable[Scenario],
    *,
    budgets: Iterable[float],
    strategies: str | Strategy | Iterable[str | Strategy] = BUILT_IN,
    weeks: int = 52,
    period: int = 4,
    probabilities: Sequence[float] | Mapping[str, float] | None = None,
    kinds: Sequence[str] = KINDS,
    targets: str | Iterable[str] | None = None,
    notice: float = 104.0,
    measures: pd.DataFrame | None = None,
    draws: int = 0,
    rng: np.random.Generator | int | None = None,
    behaviour: Behaviour | None = None,
    threads: int | None = None,
    options: Mapping[str, Any] | None = None,
    progress: bool | None = None,
) -> Comparison:
    r"""Return what several strategies buy, and what that saves where nobody coordinates.

    Every plan is written into the chain and simulated under all threats, so that

    .. math::
        \text{residual} = \sum_w p_w \sum_{t < h} \sum_{i \in \text{targets}} va_i\,
        (1 - x_{it})^+

    is the weekly model's verdict, not the planner's; the planner's promise stands beside it. All
    strategies meet the same threats and, with `draws`, the same draws of the data: differences
    between them are taken draw by draw.

    Parameters
    ----------
    chain : SupplyChain
        The chain, with a table of measures.
    threats : Scenario or iterable of Scenario
        What may happen; names must be unique.
    budgets : iterable of float
        Money [USD million].
    strategies : names or strategies
        Names of known strategies (:func:`chokepoint.resilience.strategies`) or instances of
        :class:`Strategy`; the default is all that come with the library.
    weeks, period, probabilities, kinds, targets, notice, measures, threads, options
        As for :func:`plan`.
    draws : int
        Draws of the data (:func:`chokepoint.datasets.draw`) on which each plan is run as well;
        plans are made on the chain as it is.
    rng : numpy.random.Generator, int or None
        Randomness of draws and of strategies that use it. The same seed gives the same plans,
        whatever other strategies are compared.
    behaviour : Behaviour, optional
        Settings of the weekly model for the reference case.
    progress : bool, optional
        Show progress bars of the runs on draws.

    Returns
    -------
    Comparison

    Raises
    ------
    OptionError
        If a strategy is not known, spends too much or returns no plan, or an argument is out of
        range.

    Examples
    --------
    >>> import chokepoint as cp
    >>> chain = cp.load("rare_earths")
    >>> ban = cp.Scenario("ban", cp.ExportBan(by="CHN", against="JPN", products="oxide_heavy"))
    >>> found = cp.compare(
    ...     chain, ban, strategies=["none", "lp"], budgets=[20], targets="JPN", weeks=26
    ... )
    >>> bool(found.table.loc[("none", 20.0), "saving"] == 0)
    True
    >>> bool(found.table.loc[("lp", 20.0), "promise"] > 0)
    True
    """
    chosen = resolve(strategies)
    money = _budgets(budgets)
    if draws < 0:
        raise OptionError(f"Expected draws of at least 0, got {draws}.")
    listed = [threats] if isinstance(threats, Scenario) else list(threats)
    seed = int(np.random.default_rng(rng).integers(2**62))
    offer = Offer.of(
        chain, listed, budget=max(money), weeks=weeks, period=period, probabilities=probabilities,
        kinds=kinds, targets=targets, notice=notice, measures=measures, threads=threads,
        options=options,
    )  # fmt: skip
    offer.prepare()
    judge = _Judge(chain, offer, draw(chain, draws, rng=seed), behaviour, progress)
    plans: dict[tuple[str, float], Plan] = {}
    seconds: dict[tuple[str, float], float] = {}
    for strategy in chosen:
        for number, budget in enumerate(money):
            key = (strategy.name, budget)
            dice = np.random.default_rng([seed, zlib.crc32(strategy.name.encode()), number])
            plans[key], seconds[key] = _found(strategy, chain, offer.with_budget(budget), dice)
    judged = {key: judge.judged(plan) for key, plan in plans.items()}
    return _comparison(judge, judged, seconds)


def _budgets(given: Iterable[float]) -> list[float]:
    money = [float(budget) for budget in given]
    if not money or not all(np.isfinite(money)) or min(money) < 0 or len({*money}) < len(money):
        raise OptionError(
            f"Expected different budgets of at least 0 USD million, at least one, got {money}."
        )
    return money


def _found(
    strategy: Strategy, chain: SupplyChain, offer: Offer, dice: np.random.Generator
) -> tuple[Plan, float]:
    """Return a strategy's plan and how long it took to find it."""
    started, judging = time.perf_counter(), offer.seconds
    plan = strategy.plan(chain, offer.threats, offer.budget, offer, dice)
    if not isinstance(plan, Plan):
        raise OptionError(
            f"Expected a plan from the strategy {strategy.name}, got a {type(plan).__name__}. "
            "Return measures.spend(money) or measures.optimise()."
        )
    if plan.spent > offer.budget * (1 + 1e-6) + 1e-9:
        raise OptionError(
            f"The strategy {strategy.name} spends {plan.spent:,.6g} of {offer.budget:,.6g} USD "
            "million. Use measures.fitted to cut money down to the budget."
        )
    if strategy.uses_planner:
        # What it asks the planner is part of finding the plan.
        return plan, time.perf_counter() - started
    return plan, time.perf_counter() - started - (offer.seconds - judging)


@dataclass(frozen=True, eq=False)
class _Judge:
    """Runs plans through the weekly model."""

    chain: SupplyChain
    offer: Offer
    draws: Draws
    behaviour: Behaviour | None
    progress: bool | None

    def judged(self, plan: Plan) -> tuple[Plan, pd.Series]:
        """Return the plan with its losses by all cases, and its expected loss by draw."""
        full = with_behaviour(self.offer.study, plan, self.behaviour)
        return full, self.on_draws(plan)

    def on_draws(self, plan: Plan | None) -> pd.Series:
        """Return the expected loss by draw; without a plan for None."""
        if not len(self.draws):
            return pd.Series(dtype=float)
        weights = self.offer.probabilities
        if plan is None or plan.releases.empty:
            batches = [(list(self.offer.threats), None if plan is None else plan.measures)]
        else:
            batches = [
                ([threat], with_releases(plan.measures, plan._released(threat.name)))
                for threat in self.offer.threats
            ]
        parts = []
        for start in range(0, len(self.draws), _DRAWS_AT_ONCE):
            some = self.draws[start : start + _DRAWS_AT_ONCE]
            lost = [self._lost(some, threats, measures) for threats, measures in batches]
            table = pd.concat(lost, axis=1)
            expected: pd.Series = (table * weights.reindex(table.columns)).sum(axis=1)
            parts.append(expected)
        joined: pd.Series = pd.concat(parts)
        return joined

    def _lost(
        self, draws: Draws, threats: list[Scenario], measures: pd.DataFrame | None
    ) -> pd.DataFrame:
        """Return the shortfall by draw (rows) and threat."""
        weeks = self.offer.weeks
        with_plan = draws if measures is None else hardened(draws, measures, weeks=weeks)
        outcome = simulate(
            with_plan, threats, weeks=weeks, behaviour=self.behaviour, progress=self.progress
        )
        lost = shortfall(outcome, self.chain, targets=self.offer.targets)
        table: pd.DataFrame = lost.unstack("scenario")
        return table[[threat.name for threat in threats]]


def _comparison(
    judge: _Judge,
    judged: Mapping[tuple[str, float], tuple[Plan, pd.Series]],
    seconds: Mapping[tuple[str, float], float],
) -> Comparison:
    offer = judge.offer
    weights = offer.probabilities
    plans = {key: plan for key, (plan, _) in judged.items()}
    losses = pd.concat(
        {key: _with_plan(plan) for key, plan in plans.items()}, names=["strategy", "budget"]
    )
    first = next(iter(plans.values()))
    without = pd.DataFrame({case: first.behaviour[case, "before"] for case in _CASES})
    without.attrs["unit"] = losses.attrs["unit"] = "USD million of value added, shortfall"
    samples = _samples(judge, judged)
    table = _table(plans, losses, without, weights, samples)
    table["seconds"] = [seconds[key] for key in plans]
    table.attrs["unit"] = "USD million; kept: share of the promise; seconds"
    return Comparison(
        table=table,
        losses=losses,
        without=without,
        samples=samples,
        plans=plans,
        probabilities=weights,
        warnings=_warnings(plans),
        targets=offer.targets,
        weeks=offer.weeks,
    )


def _with_plan(plan: Plan) -> pd.DataFrame:
    return pd.DataFrame({case: plan.behaviour[case, "after"] for case in _CASES})


def _samples(
    judge: _Judge, judged: Mapping[tuple[str, float], tuple[Plan, pd.Series]]
) -> pd.DataFrame:
    """Return the expected loss by draw, without any plan and with each."""
    if not len(judge.draws):
        return pd.DataFrame()
    rows = {("", 0.0): judge.on_draws(None)} | {key: row for key, (_, row) in judged.items()}
    table = pd.DataFrame(rows).T
    table.index = table.index.set_names(["strategy", "budget"])
    table.columns.name = "draw"
    return table


def _table(
    plans: Mapping[tuple[str, float], Plan],
    losses: pd.DataFrame,
    without: pd.DataFrame,
    weights: pd.Series,
    samples: pd.DataFrame,
) -> pd.DataFrame:
    keys = ["strategy", "budget"]
    by_threat = losses["reference"].unstack("threat")[list(weights.index)]
    expected = losses.mul(weights, axis=0, level="threat").groupby(keys, sort=False).sum()
    before = without.mul(weights, axis=0).sum()
    table = pd.DataFrame(index=pd.MultiIndex.from_tuples(list(plans), names=keys))
    table["spent"] = [plan.spent for plan in plans.values()]
    table["residual"] = expected["reference"].reindex(table.index)
    table["saving"] = before["reference"] - table["residual"]
    table["saving_per_usd"] = table["saving"] / table["spent"].where(table["spent"] > 0)
    table["worst"] = by_threat.max(axis=1).reindex(table.index)
    for name in ("saving_mean", "saving_low", "saving_high"):
        table[name] = np.nan
    if not samples.empty:
        saved = samples.iloc[0] - samples.iloc[1:]
        table["saving_mean"] = saved.mean(axis=1).reindex(table.index)
        table["saving_low"] = saved.quantile(0.05, axis=1).reindex(table.index)
        table["saving_high"] = saved.quantile(0.95, axis=1).reindex(table.index)
    least = table["residual"].groupby("budget").transform("min")
    table["regret"] = table["residual"] - least
    gap = by_threat - by_threat.groupby("budget").transform("min")
    table["regret_worst"] = gap.max(axis=1).reindex(table.index)
    table["promise"] = [plan.saving for plan in plans.values()]
    promised = table["promise"] > _SMALL * max(float(before["planner"]), 1.0)
    table["kept"] = table["saving"] / table["promise"].where(promised)
    table["stressed_saving"] = before["stressed"] - expected["stressed"].reindex(table.index)
    size = _SMALL * max(float(before["reference"]), 1.0)
    table["verdict"] = [
        _verdict(float(row["saving"]), float(row["promise"]) if some else 0.0, size)
        for (_, row), some in zip(table.iterrows(), promised, strict=True)
    ]
    table["measures"] = [len(plan.measures) for plan in plans.values()]
    return table


def _verdict(saving: float, promise: float, size: float) -> str:
    """Return in words what the weekly model makes of a plan."""
    if saving < -size:
        return "makes losses larger"
    if promise > 0 and saving < _HELPS * promise:
        return "the planner only: hardly helps"
    if saving > size:
        return "helps" if promise > 0 else "helps; the planner sees nothing"
    return "nothing"


def _warnings(plans: Mapping[tuple[str, float], Plan]) -> tuple[str, ...]:
    """Return what speaks against plans, each with its name."""
    return tuple(
        f"{strategy} with {budget:,.6g} USD million: {said}"
        for (strategy, budget), plan in plans.items()
        for said in plan.warnings
    )
