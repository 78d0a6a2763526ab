"""Strategies: the contract, the registry, and the comparison on chains worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from resilience import _small

import chokepoint as cp
from chokepoint.errors import OptionError
from chokepoint.resilience import Offer, Strategy, compare, register, strategies

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


def test_all_strategies_of_the_issue_are_known():
    assert set(strategies().index) >= set(BUILT_IN)


def test_no_plan_can_spend_more_than_there_is(chain):
    offer = Offer.of(chain, _small.BAN, budget=0.4, weeks=12, targets="JPN", notice=52.0)
    assert offer.spend(np.full(len(offer.table), 5.0)).spent == pytest.approx(0.4)


def test_a_name_is_taken_once():
    class Mine(Strategy):
        name = "lp"
        source = "made up"

        def plan(self, chain, threats, budget, measures, rng):
            return measures.spend(0.0 * measures.most)

    with pytest.raises(OptionError, match="known already"):
        register(Mine)


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(OptionError, match='closest: "greedy"'):
        compare(_small.offer(_small.mill(), _small.stock()), _small.BAN, budgets=[1.0],
                strategies=["greddy"])  # fmt: skip


@pytest.fixture(scope="module")
def chain():
    return _small.offer(_small.mill(), _small.stock())


@pytest.fixture(scope="module")
def found(chain):
    return compare(
        chain,
        _small.BAN,
        budgets=[0.2, 0.4],
        strategies=["none", "uniform", "lp"],
        targets="JPN",
        weeks=12,
        period=1,
        notice=52.0,
    )


def simulated(chain, plan) -> float:
    hardened = plan.apply(chain)
    return float(cp.simulate(hardened, _small.BAN, weeks=12).loss(by="country")["JPN"].iloc[0])


def test_residual_losses_are_those_of_the_weekly_model(chain, found):
    """The table's loss is that of simulating the hardened chain, not the program's opinion."""
    without = float(cp.simulate(chain, _small.BAN, weeks=12).loss(by="country")["JPN"].iloc[0])
    assert found.table.loc[("none", 0.2), "residual"] == pytest.approx(without, rel=1e-9)
    for budget in (0.2, 0.4):
        offer = Offer.of(
            chain, _small.BAN, budget=budget, weeks=12, period=1, targets="JPN", notice=52.0
        )
        plan = offer.spend(offer.shared_out(np.ones(len(offer.table))))
        assert found.table.loc[("uniform", budget), "residual"] == pytest.approx(
            simulated(chain, plan), rel=1e-9
        )


def test_a_week_of_stock_saves_a_week_of_output(found):
    """0.1 USD million buys a unit of ore: a week of output, half a million of value added."""
    for budget in (0.2, 0.4):
        row = found.table.loc[("lp", budget)]
        assert row["saving"] == pytest.approx(budget / 0.1 * _small.VALUE, rel=1e-6)
        assert row["promise"] == pytest.approx(row["saving"], rel=1e-6)
        assert row["regret"] == 0.0


def test_regret_is_the_distance_to_the_best(found):
    table = found.table["residual"]
    for budget in (0.2, 0.4):
        here = table.xs(budget, level="budget")
        regret = found.table["regret"].xs(budget, level="budget")
        assert np.allclose(regret, here - here.min(), atol=1e-9)


def test_draws_are_shared_and_paired(chain):
    """The same draws for every strategy: nothing bought saves exactly nothing in each of them."""
    more = {"targets": "JPN", "weeks": 12, "period": 1, "notice": 52.0}
    found = compare(
        chain, _small.BAN, budgets=[0.2], strategies=["none", "lp"], draws=8, rng=3, **more
    )
    none, best = found.table.loc[("none", 0.2)], found.table.loc[("lp", 0.2)]
    assert (none["saving_low"], none["saving_high"]) == (0.0, 0.0)
    assert best["saving_low"] <= best["saving_mean"] <= best["saving_high"]
    again = compare(chain, _small.BAN, budgets=[0.2], strategies=["lp"], draws=8, rng=3, **more)
    assert again.table.loc[("lp", 0.2), "saving_mean"] == pytest.approx(best["saving_mean"])


def test_hardened_draws_are_the_hardened_chains(chain):
    """Measures written into draws as arrays do what they do to each drawn chain."""
    from chokepoint.resilience._hardened_draws import hardened

    offer = Offer.of(chain, _small.BAN, budget=0.4, weeks=12, targets="JPN", notice=52.0)
    plan = offer.spend(offer.shared_out(np.ones(len(offer.table))))
    draws = cp.datasets.draw(chain, 5, rng=2)
    at_once = cp.simulate(hardened(draws, plan.measures, weeks=12), _small.BAN, weeks=12).loss(
        by="country"
    )["JPN"]
    one_by_one = [
        float(cp.simulate(plan.apply(one), _small.BAN, weeks=12).loss(by="country")["JPN"].iloc[0])
        for one in draws
    ]
    assert np.allclose(at_once.to_numpy().ravel(), one_by_one, rtol=1e-9, atol=1e-12)
