"""A plan: what was bought, what it is worth, and what it does in the weekly model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.program import Solution
from chokepoint.propagate import Behaviour, simulate
from chokepoint.resilience._apply import apply_measures
from chokepoint.resilience._shortfall import shortfall
from chokepoint.scenario import Scenario

__all__ = ["Plan"]


@dataclass(frozen=True, eq=False)
class Plan:
    """Measures bought under a budget, and what the planner expects of them.

    The losses are those of a planner who answers each threat as well as can be (see
    :func:`chokepoint.resilience.recourse`); what the measures do without such a planner is
    found by simulating ``plan.apply(chain)``.

    Attributes
    ----------
    budget, spent : float
        Money allowed and spent [USD million].
    measures : pandas.DataFrame
        What is bought: measure, kind, product, where, quantity, unit, cost_usd_m, delay_weeks,
        and the labels site, slot, supplier.
    marginal_value : pandas.DataFrame
        All candidates, the best first: measure, kind, where, usd_per_usd (loss avoided by one
        more USD), usd_per_unit, unit, bought.
    budget_value : float
        Loss avoided by one more USD of budget [USD per USD].
    baseline_loss, residual_loss : pandas.Series
        The planner's loss without and with the plan, by threat [USD million].
    probabilities : pandas.Series
        Weight of each threat.
    skipped : pandas.DataFrame
        Measures that were not on offer, and why.
    targets : tuple of str
        Areas whose losses count.
    weeks, period : int
        Horizon, and weeks in a period.
    notice : float
        Weeks between the decision and week 0 of the threats.
    solver : str
        Name and version of the solver.
    seconds : float
        Time of building and solving, without and with the budget.
    """

    budget: float
    spent: float
    measures: pd.DataFrame = field(repr=False)
    marginal_value: pd.DataFrame = field(repr=False)
    budget_value: float
    baseline_loss: pd.Series
    residual_loss: pd.Series
    probabilities: pd.Series
    skipped: pd.DataFrame = field(repr=False)
    targets: tuple[str, ...]
    weeks: int
    period: int
    notice: float
    solver: str
    seconds: float
    solution: Solution = field(repr=False)

    @property
    def saving(self) -> float:
        """Expected loss that the planner avoids with the plan [USD million]."""
        return float(((self.baseline_loss - self.residual_loss) * self.probabilities).sum())

    def apply(self, chain: SupplyChain) -> SupplyChain:
        """Return the chain with the measures in place, to be simulated again.

        How each measure is written into the tables:

        * *stock* raises ``stock_weeks`` of the slot at that site by the weeks of cover that
          were bought. In the weekly model the higher stock is also the level that buyers
          order up to again; for the planner it is there once.
        * *capacity* raises ``ramp_max`` by its share of baseline output, and shortens
          ``ramp_weeks`` so that the first week's ramp is the sum of the old one and of the
          new capacity coming at once (or within its delay): the weekly model still needs a
          shortage before a site makes more.
        * *second source* on a flow raises ``growth_max``; on a dormant supplier it shortens
          ``qualification_weeks`` so that as many units become available within the horizon.

        Measures that work only after week 0 (``delay_weeks`` above 0) are left out, except
        capacity and dormant suppliers, whose delay the tables can say.

        Parameters
        ----------
        chain : SupplyChain
            The chain that was planned for, or one with the same sites and slots.
        """
        return apply_measures(chain, self.measures, weeks=self.weeks)

    def check(
        self,
        chain: SupplyChain,
        threats: Scenario | Iterable[Scenario],
        *,
        behaviour: Behaviour | None = None,
    ) -> pd.DataFrame:
        """Return what the plan saves by the planner's account and in the weekly model.

        Parameters
        ----------
        chain : SupplyChain
            The chain that was planned for.
        threats : Scenario or iterable of Scenario
            The threats of the plan, or others.
        behaviour : Behaviour, optional
            Settings of the weekly model.

        Returns
        -------
        pandas.DataFrame
            Rows are threats; columns planner_before, planner_after, planner_saving (blank for
            threats that the plan does not know) and simulated_before, simulated_after,
            simulated_saving: shortfall of value added of the targets [USD million].
        """
        listed = [threats] if isinstance(threats, Scenario) else list(threats)
        names = pd.Index([threat.name for threat in listed], name="threat")
        table = pd.DataFrame(index=names)
        table["planner_before"] = self.baseline_loss.reindex(names)
        table["planner_after"] = self.residual_loss.reindex(names)
        for column, one in (("before", chain), ("after", self.apply(chain))):
            outcome = simulate(one, listed, weeks=self.weeks, behaviour=behaviour)
            lost = shortfall(outcome, one, targets=self.targets)
            table[f"simulated_{column}"] = lost.reindex(names)
        for kind in ("planner", "simulated"):
            table[f"{kind}_saving"] = table[f"{kind}_before"] - table[f"{kind}_after"]
        table.attrs["unit"] = "USD million of value added, shortfall"
        return table

    def __repr__(self) -> str:
        before = float((self.baseline_loss * self.probabilities).sum())
        return (
            f"<Plan: {len(self.measures)} measures for {self.spent:,.0f} of {self.budget:,.0f} "
            f"USD million; planner's expected loss {before:,.0f} -> {before - self.saving:,.0f} "
            f"USD million; {self.budget_value:.2f} USD per further USD>"
        )
