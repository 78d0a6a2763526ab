"""The contract of a strategy: the built-in ones keep it, and it notices who does not."""

from __future__ import annotations

import numpy as np
import pytest

from chokepoint.resilience import Strategy, strategies
from chokepoint.testing import StrategyContract

BUILT_IN = (
    "none",
    "uniform",
    "exposure",
    "greedy",
    "betweenness",
    "cascade_index",
    "lp",
    "cvar",
    "worst_case",
    "allied",
)


@pytest.mark.parametrize("name", BUILT_IN)
class TestBuiltIn(StrategyContract):
    """Every built-in strategy keeps the contract."""

    @pytest.fixture(autouse=True)
    def _named(self, name):
        self.named = name

    def strategy(self):
        return self.named


def test_all_strategies_of_the_library_are_tested():
    assert set(BUILT_IN) <= set(strategies().index)


class Fickle(Strategy):
    """Breaks the contract: draws from randomness of its own."""

    name = "fickle"
    source = "made up"

    def plan(self, chain, threats, budget, measures, rng):
        return measures.spend(
            measures.shared_out(np.random.default_rng().random(len(measures.table)))
        )


def test_the_contract_notices_who_breaks_it():
    contract = StrategyContract()
    contract.strategy = Fickle
    with pytest.raises(AssertionError):
        contract.test_the_same_question_has_the_same_answer()
