"""Rules that ask the planner: step by step, the expected loss, its tail, the worst, allies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.program import CVaR
from chokepoint.resilience._offer import Offer
from chokepoint.resilience._plan_result import Plan
from chokepoint.resilience._strategies._contract import Strategy
from chokepoint.resilience._strategies._registry import register
from chokepoint.scenario import Scenario

__all__ = ["Allied", "ExpectedLoss", "Greedy", "TailLoss", "WorstCase"]


@register
class Greedy(Strategy):
    """Spend in steps, each on the measure of the highest marginal value at what is bought so far.

    Parameters
    ----------
    steps : int
        Parts into which the budget is cut.
    """

    name = "greedy"
    source = "greedy selection by the planner's prices, taken anew after each purchase"
    uses_threats = True
    uses_structure = True
    uses_planner = True

    def __init__(self, steps: int = 8) -> None:
        if steps < 1:
            raise OptionError(f"Expected at least 1 step, got {steps}.")
        self.steps = steps

    def plan(
        self,
        chain: SupplyChain,
        threats: Sequence[Scenario],
        budget: float,
        measures: Offer,
        rng: np.random.Generator,
    ) -> Plan:
        """Return purchases, one step after the other."""
        money = np.zeros(len(measures.most))
        for step in range(1, self.steps + 1):
            worth = measures.marginal(money)
            for row in np.argsort(-worth, kind="stable"):
                left = budget * step / self.steps - float(money.sum())
                if left <= 1e-9 * max(budget, 1.0) or worth[row] <= 0:
                    break
                wanted = money.copy()
                wanted[row] += left
                money = measures.fitted(wanted)
        return measures.spend(money)


@register
class ExpectedLoss(Strategy):
    """Minimise the planner's expected loss over the threats."""

    name = "lp"
    source = "two-stage linear program (Dantzig 1955)"
    uses_threats = True
    uses_structure = True
    uses_planner = True

    def plan(
        self,
        chain: SupplyChain,
        threats: Sequence[Scenario],
        budget: float,
        measures: Offer,
        rng: np.random.Generator,
    ) -> Plan:
        """Return the planner's plan."""
        return measures.optimise()


@register
class TailLoss(Strategy):
    """Minimise the planner's expected loss and the mean of its worst tail.

    Parameters
    ----------
    level, weight : float
        As for :class:`chokepoint.CVaR`.
    """

    name = "cvar"
    source = "Rockafellar, Uryasev (2000), Optimization of conditional value-at-risk"
    uses_threats = True
    uses_structure = True
    uses_planner = True

    def __init__(self, level: float = 0.8, weight: float = 0.5) -> None:
        self.risk = CVaR(level, weight=weight)

    def plan(
        self,
        chain: SupplyChain,
        threats: Sequence[Scenario],
        budget: float,
        measures: Offer,
        rng: np.random.Generator,
    ) -> Plan:
        """Return the planner's plan."""
        return measures.optimise(risk=self.risk)


@register
class WorstCase(Strategy):
    """Minimise the planner's largest loss over the threats, whatever their probabilities."""

    name = "worst_case"
    source = "minimax (Wald 1945), as the tail of the least likely threat"
    uses_threats = True
    uses_structure = True
    uses_planner = True

    def plan(
        self,
        chain: SupplyChain,
        threats: Sequence[Scenario],
        budget: float,
        measures: Offer,
        rng: np.random.Generator,
    ) -> Plan:
        """Return the planner's plan."""
        # A tail no heavier than half the least likely threat holds nothing but the worst one.
        level = 1.0 - 0.5 * float(measures.probabilities.min())
        return measures.optimise(risk=CVaR(level, weight=1.0))


@register
class Allied(Strategy):
    """Minimise the planner's expected loss of the targets with allies who pool their stocks.

    Allies are all areas that share a bloc of the chain with a target; without any, the targets
    are on their own. What the pool pays for counts like other money.

    Parameters
    ----------
    lead_weeks : int
        Weeks from the release of pooled goods to their arrival at a member.
    """

    name = "allied"
    source = "joint stockpiles, after the oil stocks of the International Energy Agency"
    uses_threats = True
    uses_structure = True
    uses_planner = True

    def __init__(self, lead_weeks: int = 1) -> None:
        self.lead_weeks = lead_weeks

    def plan(
        self,
        chain: SupplyChain,
        threats: Sequence[Scenario],
        budget: float,
        measures: Offer,
        rng: np.random.Generator,
    ) -> Plan:
        """Return the planner's plan with pooled stocks on offer."""
        members = allies(chain, measures.targets)
        return measures.pooled(members, lead_weeks=self.lead_weeks).optimise()


def allies(chain: SupplyChain, targets: Sequence[str]) -> list[str]:
    """Return the targets and all areas that share a bloc with one of them."""
    countries = chain.countries
    if countries.empty:
        return list(targets)
    blocs = {
        str(area): {part for part in str(held).split(";") if part}
        for area, held in zip(countries["area"], countries["blocs"], strict=True)
    }
    shared = set().union(*(blocs.get(area, set()) for area in targets))
    return [area for area in chain.areas() if area in targets or blocs.get(area, set()) & shared]
