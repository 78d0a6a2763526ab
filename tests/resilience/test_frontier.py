"""Many budgets and risks from one program: the same plans, sooner."""

from __future__ import annotations

import numpy as np
import pytest
from resilience._small import JPN, KOR, offer, plan_for_japan, second, stock, two_mills

import chokepoint as cp
from chokepoint.errors import OptionError
from chokepoint.program import CVaR
from chokepoint.resilience import frontier
from chokepoint.scenario import ExportBan, Scenario

BOTH = ["JPN", "KOR"]
BUDGETS = [0.0, 0.1, 0.25, 0.5, 0.8, 1.2, 3.0]


def curve(chain, threats, **options):
    how = {"targets": BOTH, "weeks": 12, "period": 1, "notice": 52.0, "tolerance": 1e-9} | options
    return frontier(chain, threats, **how)


def chain_with_both():
    return offer(two_mills(), stock(), second(unit_cost=2e4))


@pytest.mark.parametrize("method", ["extensive", "decomposed"])
def test_points_are_those_of_plans_made_one_by_one(method):
    chain, chances = chain_with_both(), [0.3, 0.6]
    risks = [None, CVaR(0.5, weight=0.7), CVaR(0.8)]
    found = curve(
        chain, [JPN, KOR], budgets=BUDGETS, risks=risks, probabilities=chances, method=method
    )
    assert len(found.table) == len(BUDGETS) * len(risks)
    assert {plan.method for plan in found.plans} == {method}
    for risk in risks:
        for budget in BUDGETS:
            one = found.plan(budget, risk=risk or None) if risk else _without(found, budget)
            alone = plan_for_japan(
                chain, budget, [JPN, KOR], targets=BOTH, probabilities=chances, risk=risk
            )
            assert _weighed(one) == pytest.approx(_weighed(alone), abs=2e-4)
            assert one.spent <= budget + 1e-9
            assert one.budget == budget


def _without(found, budget):
    return next(one for one in found.plans if one.risk is None and one.budget == budget)


def _weighed(plan):
    risk = plan.risk or CVaR(0.0, weight=0.0)
    return risk.value(plan.residual_loss.to_numpy(), plan.probabilities.to_numpy())


@pytest.mark.parametrize("method", ["extensive", "decomposed"])
def test_losses_fall_ever_more_slowly(method):
    found = curve(chain_with_both(), [JPN, KOR], budgets=BUDGETS, method=method)
    table = found.table.reset_index()
    loss, money = table["expected_loss"].to_numpy(), table["budget"].to_numpy()
    slopes = np.diff(loss) / np.diff(money)
    assert (slopes <= 1e-6).all()
    assert (np.diff(slopes) >= -1e-4).all()
    # The worth of a USD lies between the slopes to its left and to its right.
    worth = table["budget_value"].to_numpy()[1:-1]
    assert (worth <= -slopes[:-1] + 2e-3).all()
    assert (worth >= -slopes[1:] - 2e-3).all()
    assert found.table.attrs["unit"].startswith("USD million")
    assert repr(found).startswith("<Frontier: 7 plans in")


def test_whole_measures_along_a_frontier():
    chain = offer(two_mills(), stock(max=4.0))
    found = curve(chain, [JPN, KOR], budgets=[0.1, 0.4, 0.9], whole=["stock"], method="decomposed")
    assert found.table["spent"].tolist() == pytest.approx([0.0, 0.4, 0.4])


def test_plans_of_a_frontier_may_be_simulated():
    found = curve(chain_with_both(), [JPN, KOR], budgets=[0.5], simulate=True)
    assert not found.plans[0].behaviour.empty


def test_points_are_looked_up_by_budget():
    found = curve(chain_with_both(), JPN, budgets=[0.5, 1.0], risks=[None, CVaR(0.5)])
    with pytest.raises(OptionError, match="Expected one of the budgets"):
        found.plan(0.5)
    with pytest.raises(OptionError, match="got 7"):
        found.plan(7.0)


@pytest.mark.parametrize("budgets", [[], [-1.0], [float("nan")]])
def test_budgets_are_needed(budgets):
    with pytest.raises(OptionError, match="Expected"):
        curve(chain_with_both(), JPN, budgets=budgets)


def test_both_methods_agree_on_the_shipped_chain():
    chain = cp.load("rare_earths")
    threats = [
        Scenario(f"ban {share}", ExportBan(by="CHN", against="JPN", severity=share))
        for share in (0.5, 1.0)
    ]
    options = {"budgets": [5.0, 20.0], "targets": "JPN", "weeks": 26, "period": 4, "notice": 104.0}
    loss = {
        method: curve(chain, threats, method=method, tolerance=1e-4, **options).table
        for method in ("extensive", "decomposed")
    }
    np.testing.assert_allclose(
        loss["decomposed"]["expected_loss"], loss["extensive"]["expected_loss"], rtol=2e-4
    )
    assert (loss["decomposed"]["gap"] <= 1e-4).all()
