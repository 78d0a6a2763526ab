"""What each target could buy against the ban, and what that saves when it is simulated again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chokepoint.chain import SupplyChain
from chokepoint.leverage import stressed
from chokepoint.propagate import Behaviour, simulate
from chokepoint.resilience import Plan, plan
from chokepoint.scenario import Scenario

__all__ = ["TargetPlan", "make_plans"]


@dataclass(frozen=True)
class TargetPlan:
    """A plan of one target, and its losses in the weekly model [USD million].

    Attributes
    ----------
    plan : Plan
        What is bought.
    reference, stressed : float
        Loss with the plan in place, in the reference and in the stressed case.
    """

    plan: Plan
    reference: float
    stressed: float


def make_plans(
    chain: SupplyChain, bans: Mapping[str, Scenario], *, budget: float, weeks: int
) -> dict[str, TargetPlan]:
    """Return a plan for each target against the ban on it; empty if nothing is on offer.

    Parameters
    ----------
    bans : mapping of str to Scenario
        The ban by target.
    budget : float
        Money of each target [USD million].
    weeks : int
        Weeks whose losses count.
    """
    found: dict[str, TargetPlan] = {}
    if chain.measures.empty:
        return found
    for target, ban in bans.items():
        bought = plan(chain, ban, budget=budget, targets=target, weeks=weeks)
        hardened = bought.apply(chain)
        found[target] = TargetPlan(
            plan=bought,
            reference=_loss(hardened, ban, target, weeks, Behaviour()),
            stressed=_loss(stressed(hardened), ban, target, weeks, Behaviour(switching=False)),
        )
    return found


def _loss(
    chain: SupplyChain, ban: Scenario, target: str, weeks: int, behaviour: Behaviour
) -> float:
    outcome = simulate(chain, ban, weeks=weeks, behaviour=behaviour, record="country")
    return float(outcome.loss().filter(list(chain.areas(target))).to_numpy().sum())
