"""What every strategy must obey, as a class that its tests inherit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.resilience import Offer, Plan, Strategy
from chokepoint.scenario import ExportBan, Scenario

__all__ = ["StrategyContract"]

_TOLERANCE = 1e-6


class StrategyContract:
    """Tests of a strategy; a subclass says which one.

    Inherit it in a test module, give :meth:`strategy`, and run pytest. Another chain, threats or
    budget can be tested by overriding :meth:`chain`, :meth:`threats` and :attr:`budget`.

    Examples
    --------
    >>> from chokepoint.resilience import strategies
    >>> class TestUniform(StrategyContract):
    ...     def strategy(self):
    ...         return "uniform"
    >>> TestUniform().test_it_spends_no_more_than_the_budget()
    """

    budget = 2.0
    """USD million."""

    def strategy(self) -> str | Strategy:
        """Return the strategy, or the name of a registered one."""
        raise TypeError("expected a subclass that says in strategy() which strategy it tests")

    def chain(self) -> SupplyChain:
        """Return a chain with measures: two mines, a mill that needs one of them."""
        return SupplyChain.from_tables(
            products=pd.DataFrame({"product": ["ore", "metal"], "price_usd": [1e5, 1e6]}),
            sites=pd.DataFrame(
                {
                    "product": ["ore", "ore", "metal"],
                    "country": ["AUS", "USA", "JPN"],
                    "output_qty": [39.0, 13.0, 52.0],
                }
            ),
            inputs=pd.DataFrame({"product": ["metal"], "input": ["ore"], "quantity": [1.0]}),
            markets=pd.DataFrame({"product": ["metal"], "country": ["JPN"], "quantity": [52.0]}),
            measures=pd.DataFrame(
                {
                    "measure": ["cellar", "works"],
                    "kind": ["stock", "capacity"],
                    "product": ["ore", "ore"],
                    "country": ["", "USA"],
                    "unit_cost": [1e5, 1e5],
                    "lead_weeks": [4.0, 52.0],
                }
            ),
            name="two mines",
        )

    def threats(self) -> Sequence[Scenario]:
        """Return what may happen."""
        return [Scenario("ban", ExportBan(by="AUS", weeks=26))]

    def bought(self, *, budget: float | None = None, threats: Sequence[Scenario] = ()) -> Plan:
        """Return the plan of the strategy."""
        chain, feared = self.chain(), list(threats or self.threats())
        money = self.budget if budget is None else budget
        offer = Offer.of(chain, feared, budget=money, weeks=26)
        strategy = self._found()
        return strategy.plan(chain, feared, money, offer, np.random.default_rng(1))

    def _found(self) -> Strategy:
        from chokepoint.resilience._strategies._registry import resolve

        return resolve(self.strategy())[0]

    def test_it_declares_what_it_is(self) -> None:
        """A name, a source and facts."""
        found = self._found()
        assert found.name.strip()
        assert found.source.strip()

    def test_it_spends_no_more_than_the_budget(self) -> None:
        """Money is never negative and adds up to at most the budget."""
        money = self.bought().measures["cost_usd_m"]
        assert (money >= -_TOLERANCE).all()
        assert money.sum() <= self.budget * (1 + _TOLERANCE)

    def test_it_spends_nothing_without_money(self) -> None:
        """A budget of nothing buys nothing."""
        assert abs(self.bought(budget=0.0).measures["cost_usd_m"].sum()) <= _TOLERANCE

    def test_the_same_question_has_the_same_answer(self) -> None:
        """With one seed, whatever the strategy declares."""
        first, again = self.bought().measures, self.bought().measures
        pd.testing.assert_frame_equal(first, again)

    def test_it_looks_at_threats_only_if_it_says_so(self) -> None:
        """Other threats change nothing for a strategy that does not use them."""
        if self._found().uses_threats:
            return
        other = [Scenario("other", ExportBan(by="USA", weeks=13))]
        pd.testing.assert_frame_equal(
            self.bought().measures, self.bought(threats=other).measures, check_exact=False
        )

    def test_its_plan_can_be_applied(self) -> None:
        """The plan makes a new chain and leaves the old one alone."""
        chain = self.chain()
        hardened = self.bought().apply(chain)
        assert hardened.balance()["relative"].abs().max() < 1e-9
        assert chain == self.chain()
