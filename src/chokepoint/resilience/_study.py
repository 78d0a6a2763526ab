"""The program of a plan and all that goes into it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.program import CVaR
from chokepoint.propagate import compile_chain
from chokepoint.resilience._budget import Budget, Pool
from chokepoint.resilience._first_stage import FirstStage, build_first_stage
from chokepoint.resilience._measures import find_candidates
from chokepoint.resilience._model import counted_sites
from chokepoint.resilience._plan_program import PlanProgram, Task, build_plan
from chokepoint.resilience._recourse import Terminal
from chokepoint.resilience._service import Service, find_service
from chokepoint.scenario import Scenario

__all__ = ["Study", "make_first_stage", "make_study", "make_task"]


@dataclass(frozen=True, eq=False)
class Study:
    """A plan program with all that a plan is made from.

    Attributes
    ----------
    task : Task
        The chain and what all threats have in common.
    threats : list of Scenario
        Threats.
    probabilities : pandas.Series
        Their weights.
    budget : Budget
        Money.
    targets : tuple of str
        Areas whose losses count.
    notice : float
        Weeks between decision and threats.
    program : PlanProgram
        The program.
    threads : int
        Threats that are solved at once.
    purses : dict
        Areas of each country, or bloc, with a purse of its own.
    """

    task: Task
    threats: list[Scenario]
    probabilities: pd.Series
    budget: Budget
    targets: tuple[str, ...]
    notice: float
    program: PlanProgram
    threads: int
    purses: dict[str, frozenset[str]]

    @property
    def risk(self) -> CVaR | None:
        """How the worst threats weigh."""
        return self.program.problem.risk


def make_study(
    chain: SupplyChain,
    threats: Scenario | Iterable[Scenario],
    *,
    budget: Budget,
    weeks: int,
    period: int,
    probabilities: Sequence[float] | Mapping[str, float] | None,
    kinds: Sequence[str],
    targets: str | Iterable[str] | None,
    notice: float,
    risk: CVaR | None,
    whole: Sequence[str],
    pool: Pool | None,
    service: Service | None,
    terminal: Terminal,
    measures: pd.DataFrame | None,
    threads: int | None,
) -> Study:
    """Return the program of a plan; see :func:`plan`."""
    listed = [threats] if isinstance(threats, Scenario) else list(threats)
    weights = _weights(listed, probabilities)
    if risk is not None and not isinstance(risk, CVaR):
        raise OptionError(f"Expected risk=None (the expected loss) or a CVaR, got {risk!r}.")
    if terminal not in ("free", "valued"):
        raise OptionError(f'Expected terminal "free" or "valued", got {terminal!r}.')
    task = make_task(
        chain, weeks=weeks, period=period, kinds=kinds, targets=targets, notice=notice,
        measures=measures, years=max(len(budget.by_year), 1), pool=pool, service=service,
        terminal=terminal,
    )  # fmt: skip
    first, purses = make_first_stage(task, budget, whole=whole)
    program = build_plan(task, first, listed, weights.tolist(), risk)
    if threads is None:
        threads = min(os.cpu_count() or 1, len(listed))
    areas = chain.areas(targets)
    return Study(
        task, listed, weights, budget, areas, float(notice), program, max(threads, 1), purses
    )


def make_task(
    chain: SupplyChain,
    *,
    weeks: int,
    period: int,
    kinds: Sequence[str],
    targets: str | Iterable[str] | None,
    notice: float,
    measures: pd.DataFrame | None,
    years: int = 1,
    pool: Pool | None = None,
    service: Service | None = None,
    terminal: Terminal = "free",
) -> Task:
    """Return what is on offer and what all threats have in common; see :func:`plan`."""
    if weeks < 1:
        raise OptionError(f"Expected weeks of at least 1, got {weeks}.")
    compiled = compile_chain(chain)
    candidates = find_candidates(
        chain, compiled, kinds=kinds, targets=targets, notice=notice, weeks=weeks,
        measures=measures, years=years, pool=pool,
    )  # fmt: skip
    if candidates.table.empty:
        raise OptionError(
            f"The chain offers no measure of the kinds {', '.join(kinds)} that could help: "
            + "; ".join(f"{one.measure}: {one.reason}" for one in candidates.skipped.itertuples())
            + ". Add rows to its table of measures."
        )
    return Task(
        chain=chain,
        compiled=compiled,
        candidates=candidates,
        counted=counted_sites(chain, compiled, targets),
        service=find_service(chain, compiled, service, chain.areas(targets)),
        weeks=weeks,
        period=period,
        terminal=terminal,
        pool=pool,
    )


def make_first_stage(
    task: Task, budget: Budget, *, whole: Sequence[str] = ()
) -> tuple[FirstStage, dict[str, frozenset[str]]]:
    """Return the first stage, and the areas of each country or bloc with a purse of its own."""
    areas = task.chain.areas
    members = frozenset(areas(task.pool.members)) if task.pool else frozenset()
    purses = {payer: frozenset(areas(payer)) for payer in budget.by_country}
    first = build_first_stage(task.candidates, budget, purses=purses, whole=whole, members=members)
    return first, purses


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
