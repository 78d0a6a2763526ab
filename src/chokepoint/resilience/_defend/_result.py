"""A defence: what is bought against the worst attack, and what that attack still does."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.resilience._apply import apply_measures
from chokepoint.resilience._gap import CASES
from chokepoint.scenario import Scenario

__all__ = ["Defence"]


@dataclass(frozen=True, eq=False)
class Defence:
    """Measures bought against an attacker who sees them and then pulls what costs most.

    Losses are those of a planner who answers each attack as well as can be (see
    :func:`chokepoint.resilience.recourse`); what the attacks do without such a planner stands
    beside them in `behaviour`.

    Attributes
    ----------
    budget, spent : float
        Money allowed and spent [USD million].
    measures : pandas.DataFrame
        What is bought; columns as in :attr:`Plan.measures`.
    budget_value : float
        Worst loss avoided by one more USD of budget, in the last program of the defender [USD
        per USD].
    attack_before, attack_after : str
        The strongest attack where nothing is bought, and on the measures; names of rows of
        `losses`.
    loss_before, loss_after : float
        What they cost the targets [USD million].
    lower_bound, upper_bound : float
        Bounds on the least worst loss that the budget allows [USD million], each with a
        hundredth of a cent for every USD spent, so that of equally good plans the cheapest is
        taken. The upper one is that of `measures`.
    rounds : pandas.DataFrame
        One row a round: attack (on the measures of this round), loss, spent, and after it lower,
        upper, gap, and seconds since the beginning.
    losses : pandas.DataFrame
        The planner's loss under every attack found, before and after [USD million].
    levels : pandas.DataFrame
        How far each attack (row) pulls each instrument (column), from 0 to 1.
    scenarios : tuple of Scenario
        The attacks, as scenarios to be simulated again.
    behaviour : pandas.DataFrame
        Losses before and after by attack (rows): columns (case, loss) for the cases planner,
        reference and stressed; empty where nothing was simulated.
    warnings : tuple of str
        What speaks against taking the defence at its word.
    skipped : pandas.DataFrame
        Measures that were not on offer, and why.
    targets, owner : tuple of str
        Areas whose losses count, and those of the attacker.
    weeks, period : int
        Horizon, and weeks in a period.
    notice : float
        Weeks between the decision and week 0 of the attack.
    method : str
        How the strongest attack was found: "enumerated" or "program".
    solver : str
        Name and version of the solver of the defender's programs; blank where there was none.
    seconds : float
        Time of building, solving and simulating.
    """

    budget: float
    spent: float
    measures: pd.DataFrame = field(repr=False)
    budget_value: float
    attack_before: str
    attack_after: str
    loss_before: float
    loss_after: float
    lower_bound: float
    upper_bound: float
    rounds: pd.DataFrame = field(repr=False)
    losses: pd.DataFrame = field(repr=False)
    levels: pd.DataFrame = field(repr=False)
    scenarios: tuple[Scenario, ...] = field(repr=False)
    behaviour: pd.DataFrame = field(repr=False)
    warnings: tuple[str, ...]
    skipped: pd.DataFrame = field(repr=False)
    targets: tuple[str, ...]
    owner: tuple[str, ...]
    weeks: int
    period: int
    notice: float
    method: str
    solver: str
    seconds: float

    @property
    def saving(self) -> float:
        """How much less the worst attack costs, by the planner [USD million]."""
        return self.loss_before - self.loss_after

    @property
    def gap(self) -> float:
        """Relative distance between the bounds."""
        return max(self.upper_bound - self.lower_bound, 0.0) / max(1.0, abs(self.upper_bound))

    def apply(self, chain: SupplyChain) -> SupplyChain:
        """Return the chain with the measures in place; see :meth:`Plan.apply`."""
        return apply_measures(chain, self.measures, weeks=self.weeks)

    def summary(self) -> pd.DataFrame:
        """Return the loss of the worst of the attacks found, before and after, by case.

        Rows planner, reference, stressed; columns before, after, saving [USD million], and
        promise (saving over the planner's). In the weekly model another attack of those found
        may be the worst one. The planner alone where nothing was simulated.
        """
        return worst_by_case(self.losses, self.behaviour)

    def __repr__(self) -> str:
        head = (
            f"<Defence: {len(self.measures)} measures for {self.spent:,.0f} of {self.budget:,.0f} "
            f"USD million; planner's loss under the worst attack {self.loss_before:,.0f} "
            f"({self.attack_before}) -> {self.loss_after:,.0f} ({self.attack_after}) USD million; "
            f"{len(self.rounds)} rounds, gap {self.gap:.1e}"
        )
        lines = [head]
        if not self.behaviour.empty:
            table = self.summary()
            others = [
                f"{case} {table['before'].loc[case]:,.0f} -> {table['after'].loc[case]:,.0f}"
                for case in CASES[1:]
            ]
            lines.append(f"  weekly model, worst of {len(self.losses)}: {'; '.join(others)}")
        lines += [f"  WARNING: {warning}" for warning in self.warnings]
        return "\n".join(lines) + ">"

    def _repr_html_(self) -> str:
        head = escape(repr(self)).replace("\n", "<br>")
        tables = [self.summary().round(1), self.measures.head(12).round(3)]
        return "".join([f"<p>{head}</p>", *(table.to_html() for table in tables)])


def worst_by_case(losses: pd.DataFrame, behaviour: pd.DataFrame) -> pd.DataFrame:
    """Return the largest loss over attacks, before and after, by case."""
    if behaviour.empty:
        rows = {"planner": {what: float(losses[what].max()) for what in ("before", "after")}}
    else:
        rows = {
            case: {what: float(behaviour[case, what].max()) for what in ("before", "after")}
            for case in CASES
        }
    table = pd.DataFrame(rows).T[["before", "after"]]
    table["saving"] = table["before"] - table["after"]
    promise = float(table["saving"].loc["planner"])
    table["promise"] = table["saving"] / promise if promise > 0 else float("nan")
    table.index.name = "case"
    table.attrs["unit"] = "USD million of value added, worst attack; promise: share of the planner"
    return table
