"""What can be done about it: the planner's response to a scenario, and plans under a budget."""

from __future__ import annotations

from chokepoint.resilience._attack import Attack, attack
from chokepoint.resilience._budget import Budget, Pool
from chokepoint.resilience._compare import compare
from chokepoint.resilience._comparison import Comparison
from chokepoint.resilience._defend import Defence, defend
from chokepoint.resilience._disruptions import disruptions
from chokepoint.resilience._frontier import Frontier, frontier
from chokepoint.resilience._offer import Offer
from chokepoint.resilience._plan import plan
from chokepoint.resilience._plan_result import Plan
from chokepoint.resilience._recourse import recourse
from chokepoint.resilience._recourse_result import Recourse
from chokepoint.resilience._risk_exposure import risk_exposure
from chokepoint.resilience._shortfall import shortfall
from chokepoint.resilience._strategies import Strategy, register, strategies

__all__ = [
    "Attack",
    "Budget",
    "Comparison",
    "Defence",
    "Frontier",
    "Offer",
    "Plan",
    "Pool",
    "Recourse",
    "Strategy",
    "attack",
    "compare",
    "defend",
    "disruptions",
    "frontier",
    "plan",
    "recourse",
    "register",
    "risk_exposure",
    "shortfall",
    "strategies",
]
