"""What is on offer to a defender: measures, places, money; and plans of given purchases."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.program import CVaR, HighsSession, Solution, TwoStage
from chokepoint.resilience._budget import Budget, Pool
from chokepoint.resilience._first_stage import build_first_stage
from chokepoint.resilience._make_plan import make_plan
from chokepoint.resilience._measures import KINDS
from chokepoint.resilience._plan_program import Answer, PlanProgram
from chokepoint.resilience._plan_result import Plan
from chokepoint.resilience._solve_plan import Solved, choose, solve_plan
from chokepoint.resilience._study import Study, make_study
from chokepoint.scenario import Scenario

__all__ = ["Offer"]

FloatArray = NDArray[np.float64]

_USD = 1e6
_ROUNDING = 1e-9


@dataclass(eq=False)
class _Answers:
    """The planner's answers to all threats, solved again and again where other money is spent."""

    answers: list[Answer]
    options: Mapping[str, Any] | None
    sessions: dict[int, HighsSession] = field(default_factory=dict)
    without: list[FloatArray] | None = None
    seconds: float = 0.0

    def solve(self, spend: FloatArray) -> list[Solution]:
        started = time.perf_counter()
        places = np.arange(len(spend))
        found = []
        for number, answer in enumerate(self.answers):
            if number not in self.sessions:
                # Where markets must be served, the money decides whether they can be.
                free = answer.part.program.row_lower.copy()
                free[answer.service] = -np.inf
                program = replace(answer.part.program, row_lower=free)
                self.sessions[number] = program.session(options=self.options)
            session = self.sessions[number]
            session.change_columns(places, lower=spend, upper=spend)
            found.append(session.solve())
        self.seconds += time.perf_counter() - started
        return found

    def before(self, size: int) -> list[FloatArray]:
        """Return the answers where nothing is bought."""
        if self.without is None:
            self.without = [one.values for one in self.solve(np.zeros(size))]
        return self.without


@dataclass(frozen=True, eq=False)
class Offer:
    """Measures and places on offer against some threats, and a budget.

    A strategy reads :attr:`table`, decides how much money goes where, and returns
    ``offer.spend(money)``; or it lets the planner decide with ``offer.optimise()``.

    Attributes
    ----------
    study : Study
        The program of the plan.
    measures : pandas.DataFrame
        Table of measures on offer.
    kinds : tuple of str
        Kinds that are on offer.
    """

    study: Study
    measures: pd.DataFrame = field(repr=False)
    kinds: tuple[str, ...]
    _answers: _Answers = field(repr=False)

    @classmethod
    def of(
        cls,
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
        measures: pd.DataFrame | None = None,
        pool: Pool | None = None,
        threads: int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Offer:
        """Return what is on offer; arguments as for :func:`plan`.

        Raises
        ------
        OptionError
            As for :func:`plan`.
        """
        study = make_study(
            chain, threats, budget=Budget.of(budget), weeks=weeks, period=period,
            probabilities=probabilities, kinds=kinds, targets=targets, notice=notice, risk=None,
            whole=(), pool=pool, service=None, terminal="free", measures=measures,
            threads=threads,
        )  # fmt: skip
        table = chain.measures if measures is None else measures
        return cls(study, table, tuple(kinds), _Answers(study.program.answers, options))

    # ---------------------------------------------------------------------------- what it holds

    @property
    def table(self) -> pd.DataFrame:
        """One row per measure and place; a copy.

        Columns: measure, kind, product, where, site, slot, supplier, unit, unit_cost [USD per
        unit], delay [weeks after the threats begin], effect [per USD million: weeks of cover,
        share of baseline output, or share of the slot] and most [USD million that can be spent
        there].
        """
        columns = [
            "measure", "kind", "product", "where", "site", "slot", "supplier", "unit",
            "unit_cost", "delay", "effect",
        ]  # fmt: skip
        return self.study.task.candidates.table[columns].assign(most=self.most)

    @property
    def most(self) -> FloatArray:
        """Money that can be spent on each row of the table [USD million]."""
        candidates = self.study.task.candidates
        quantity = candidates.table["measure"].map(candidates.most).to_numpy(dtype=float)
        cost = candidates.table["unit_cost"].to_numpy(dtype=float)
        top = candidates.table["top"].to_numpy(dtype=float)
        return np.asarray(np.minimum(top, quantity * cost / _USD))

    @property
    def budget(self) -> float:
        """Money for all measures together [USD million]."""
        return self.study.budget.most

    @property
    def threats(self) -> tuple[Scenario, ...]:
        """What may happen."""
        return tuple(self.study.threats)

    @property
    def probabilities(self) -> pd.Series:
        """Weight of each threat; a copy."""
        return self.study.probabilities.copy()

    @property
    def targets(self) -> tuple[str, ...]:
        """Areas whose losses count."""
        return self.study.targets

    @property
    def weeks(self) -> int:
        """Weeks whose losses count."""
        return self.study.task.weeks

    @property
    def seconds(self) -> float:
        """Time that went into judging plans of given purchases, not into finding them."""
        return self._answers.seconds

    def prepare(self) -> None:
        """Solve the planner's answers without any plan, which all plans are compared with."""
        self._answers.before(len(self.most))

    def with_budget(self, budget: float) -> Offer:
        """Return the same offer with other money; what was solved is kept."""
        money = Budget.of(budget)
        first = build_first_stage(self.study.task.candidates, money, purses={})
        old = self.study.program
        problem = TwoStage(first.program, old.problem.parts, None)
        program = PlanProgram(problem, first, old.answers)
        return replace(self, study=replace(self.study, budget=money, program=program))

    def pooled(self, members: Sequence[str], *, lead_weeks: int = 1) -> Offer:
        """Return the offer to allies who keep stocks together and pay for each other."""
        task, study = self.study.task, self.study
        return Offer.of(
            task.chain, study.threats, budget=self.budget, weeks=task.weeks, period=task.period,
            probabilities=study.probabilities.tolist(), kinds=self.kinds, targets=study.targets,
            notice=study.notice, measures=self.measures,
            pool=Pool(members, lead_weeks=lead_weeks), threads=study.threads,
            options=self._answers.options,
        )  # fmt: skip

    # -------------------------------------------------------------------------------- decisions

    def fitted(self, money: ArrayLike) -> FloatArray:
        """Return money cut down to what each place, each measure and the budget allow.

        Parameters
        ----------
        money : array-like
            Money for each row of the table [USD million].

        Raises
        ------
        OptionError
            If there is not one amount, at least 0, for each row.
        """
        wanted = np.asarray(money, dtype=np.float64)
        size = len(self.study.task.candidates.table)
        if wanted.shape != (size,) or not (wanted >= 0).all():
            raise OptionError(
                f"Expected {size} amounts of money of at least 0, one for each row of the offer's "
                f"table, got {wanted.shape} from {wanted.min(initial=0.0)} on."
            )
        allowed = np.minimum(wanted, self.most)
        place, limit = self._limits()
        by_measure = np.bincount(place, allowed, minlength=len(limit))
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(by_measure > limit, limit / by_measure, 1.0)
        allowed = allowed * share[place]
        total = float(allowed.sum())
        return allowed * (self.budget / total) if total > self.budget else allowed

    def shared_out(self, weight: ArrayLike) -> FloatArray:
        """Return the budget in proportion to weights, what is too much for one going to others.

        Parameters
        ----------
        weight : array-like
            Weight of each row of the table, at least 0.
        """
        weights = np.asarray(weight, dtype=np.float64)
        money = np.zeros(len(weights))
        open_to_more = weights > 0
        for _ in range(len(weights) + 1):
            left = self.budget - float(money.sum())
            weighed = np.where(open_to_more, weights, 0.0)
            if left <= _ROUNDING * max(self.budget, 1.0) or not weighed.sum() > 0:
                break
            wanted = money + left * weighed / weighed.sum()
            money = self.fitted(wanted)
            open_to_more &= money >= wanted * (1 - _ROUNDING)
        return money

    def _limits(self) -> tuple[NDArray[np.intp], FloatArray]:
        """Return the measure of each row as a number, and the money that each measure can take."""
        candidates = self.study.task.candidates
        code, names = pd.factorize(candidates.table["measure"])
        most = candidates.most.reindex(names).to_numpy(dtype=float)
        cost = candidates.table.groupby("measure", sort=False)["unit_cost"].first()
        worth = most * cost.reindex(names).to_numpy(dtype=float) / _USD
        return np.asarray(code, dtype=np.intp), np.asarray(worth)

    def marginal(self, money: ArrayLike) -> FloatArray:
        """Return the loss that the planner avoids by one more USD on each row [USD per USD].

        Parameters
        ----------
        money : array-like
            What is spent already [USD million].
        """
        spend = self.fitted(money)
        weights = self.study.probabilities.to_numpy(dtype=float)
        found = self._answers.solve(spend)
        prices = np.array([one.reduced_costs[: len(spend)] for one in found])
        return np.asarray(np.maximum(-(weights @ prices), 0.0))

    def spend(self, money: ArrayLike) -> Plan:
        """Return the plan that spends given money, with the planner's opinion of it.

        Parameters
        ----------
        money : array-like
            Money for each row of the table [USD million]; cut down to what is allowed.
        """
        spend = self.fitted(money)
        program, weights = self.study.program, self.study.probabilities.to_numpy(dtype=float)
        without = self._answers.before(len(spend))
        found = self._answers.solve(spend)
        prices = np.array([one.reduced_costs[: len(spend)] for one in found])
        x = np.zeros(program.problem.first.n_columns)
        x[: len(spend)] = spend
        costs = np.array([one.objective for one in found])
        solved = Solved(
            x=x,
            values=[one.values for one in found],
            worth=-(weights @ prices),
            prices=np.full(program.problem.first.n_rows, np.nan),
            objective=program.problem.value(x, costs),
            bound=-np.inf,
            solution=found[-1],
            method="given",
        )
        return make_plan(self.study, solved, without, seconds=0.0)

    def optimise(self, *, risk: CVaR | None = None) -> Plan:
        """Return the plan that the planner likes best; see :func:`plan`.

        Parameters
        ----------
        risk : CVaR, optional
            Weight of the worst threats; None = the expected loss alone.
        """
        started = time.perf_counter()
        old = self.study.program
        problem = TwoStage(old.problem.first, old.problem.parts, risk)
        study = replace(self.study, program=replace(old, problem=problem))
        without = self._answers.before(len(self.most))
        solved = solve_plan(
            study.program, method=choose("auto", study.program, "highs"), solver="highs",
            tolerance=1e-4, threads=study.threads, time_limit=None,
            options=self._answers.options,
        )  # fmt: skip
        return make_plan(study, solved, without, seconds=time.perf_counter() - started)
