"""What a strategy is: a rule that turns a budget into a plan, and says what it looks at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from chokepoint.chain import SupplyChain
from chokepoint.resilience._offer import Offer
from chokepoint.resilience._plan_result import Plan
from chokepoint.scenario import Scenario

__all__ = ["Strategy"]


class Strategy(ABC):
    """A rule that turns a budget into a plan.

    A subclass states facts about itself and has one method, :meth:`plan`. Instances are given to
    :func:`chokepoint.compare`, or registered under their name with
    :func:`chokepoint.resilience.register`. The class
    :class:`chokepoint.testing.StrategyContract` holds the tests that every strategy must pass.

    Attributes
    ----------
    name : str
        Name in tables; unique among registered strategies.
    source : str
        Where the rule comes from: a reference, or what it is in words.
    deterministic : bool
        Whether `rng` is left alone, so that two calls give the same plan.
    uses_threats : bool
        Whether it looks at the threats; if not, other threats give the same purchases.
    uses_structure : bool
        Whether it looks at the flows of the chain.
    uses_planner : bool
        Whether it asks the planner's program.

    Examples
    --------
    A strategy that puts all money into the cheapest stock:

    >>> import numpy as np
    >>> import chokepoint as cp
    >>> class OneStock(cp.Strategy):
    ...     name = "one_stock"
    ...     source = "example"
    ...
    ...     def plan(self, chain, threats, budget, measures, rng):
    ...         stocks = measures.table["kind"].eq("stock")
    ...         return measures.spend(measures.shared_out(stocks.astype(float)))
    >>> chain = cp.load("rare_earths")
    >>> ban = cp.Scenario("ban", cp.ExportBan(by="CHN", against="JPN", products="oxide_heavy"))
    >>> table = cp.compare(
    ...     chain,
    ...     ban,
    ...     strategies=["none", OneStock()],
    ...     budgets=[5],
    ...     targets="JPN",
    ...     weeks=26,
    ... ).table
    >>> float(table.loc[("one_stock", 5.0), "spent"])
    5.0
    """

    name: str
    source: str
    deterministic: bool = True
    uses_threats: bool = False
    uses_structure: bool = False
    uses_planner: bool = False

    @abstractmethod
    def plan(
        self,
        chain: SupplyChain,
        threats: Sequence[Scenario],
        budget: float,
        measures: Offer,
        rng: np.random.Generator,
    ) -> Plan:
        """Return what to buy.

        Parameters
        ----------
        chain : SupplyChain
            The chain as it is.
        threats : sequence of Scenario
            What may happen.
        budget : float
            Money [USD million]; the plan spends no more.
        measures : Offer
            Measures and places on offer; makes plans of purchases (``measures.spend(money)``) and
            asks the planner (``measures.optimise()``).
        rng : numpy.random.Generator
            Randomness, for strategies that declare ``deterministic = False``.
        """

    def __repr__(self) -> str:
        return f"<Strategy {self.name}>"
