"""Plans that weigh the worst threats, and how few threats are said to be few."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from resilience._small import BAN, JPN, KOR, VALUE, mill, offer, plan_for_japan, stock, two_mills

from chokepoint.errors import OptionError
from chokepoint.program import CVaR
from chokepoint.scenario import ExportBan, Scenario

BOTH = ["JPN", "KOR"]
SHORT = Scenario("short", ExportBan(by="AUS", against="JPN", weeks=6))


def test_the_worst_threat_decides_where_it_weighs():
    chain = offer(two_mills(), stock())
    # A likely short ban on one, an unlikely long one on the other.
    threats, chances = [SHORT, KOR], {"short": 0.9, "kor": 0.1}
    mean = plan_for_japan(chain, 0.3, threats, targets=BOTH, probabilities=chances)
    assert mean.measures["site"].tolist() == ["mill@JPN"]
    worst = plan_for_japan(chain, 0.3, threats, targets=BOTH, probabilities=chances, risk=CVaR(0.9))
    assert worst.measures["site"].tolist() == ["mill@KOR"]
    # The tail is the long ban alone: nine weeks without, six with the plan.
    assert worst.tail_loss == pytest.approx((9 * VALUE, 6 * VALUE))
    # The other threat costs nothing in the program, and is answered as well as can be all the same.
    assert worst.residual_loss.to_dict() == pytest.approx({"short": 4 * VALUE, "kor": 6 * VALUE})
    # What one more USD avoids in the tail, as the plan weighs it.
    assert worst.budget_value == pytest.approx(VALUE / 0.1, rel=1e-3)
    assert mean.budget_value == pytest.approx(0.9 * VALUE / 0.1, rel=1e-3)


@pytest.mark.parametrize("method", ["extensive", "decomposed"])
@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("level", [0.0, 0.5, 0.8])
def test_no_other_plan_is_better_at_the_same_weight(method, weight, level):
    """Slow and obvious: every split of the money on a grid, weighed by the closed form."""
    chain = offer(two_mills(), stock())
    threats = [SHORT, JPN, KOR]
    chances = np.array([0.5, 0.2, 0.3])
    risk = CVaR(level, weight=weight)
    found = plan_for_japan(
        chain, 0.6, threats, targets=BOTH, probabilities=chances.tolist(), risk=risk,
        method=method, tolerance=1e-9,
    )  # fmt: skip
    cost = risk.value(found.residual_loss.to_numpy(), chances)
    best = np.inf
    for ours, theirs in itertools.product(np.linspace(0, 6, 13), repeat=2):
        if ours + theirs > 6 + 1e-9:
            continue
        # Weeks without ore: a ban of six weeks, two of which are covered, or of eleven.
        lost = VALUE * np.array([max(4 - ours, 0), max(9 - ours, 0), max(9 - theirs, 0)])
        best = min(best, risk.value(lost, chances))
    assert cost <= best + 1e-3
    assert found.gap <= 1e-6
    # Whatever the weights, no threat is answered worse than without the plan.
    assert (found.residual_loss <= found.baseline_loss + 1e-3).all()


def test_few_threats_are_said_to_be_few():
    chain = offer(two_mills(), stock())
    few = plan_for_japan(chain, 0.3, [JPN, KOR], targets=BOTH, risk=CVaR(0.9, weight=0.5))
    assert few.warnings[0].startswith("The mean of the worst 0.1 of cases stands on 2 threats")
    assert "expected 100" in few.warnings[0]
    assert "WARNING: The mean of the worst" in repr(few)
    many = [
        Scenario(f"ban {week}", ExportBan(by="AUS", against="JPN", weeks=week + 1))
        for week in range(20)
    ]
    enough = plan_for_japan(chain, 0.3, many, risk=CVaR(0.5))
    assert enough.warnings == ()
    assert plan_for_japan(chain, 0.3, [JPN], risk=CVaR(0.9, weight=0.0)).warnings == ()


def test_what_may_not_happen_counts_as_no_loss():
    chain = offer(mill(), stock())
    rare = {"ban": 0.05}
    # The worst tenth holds the ban and as much of nothing.
    found = plan_for_japan(chain, 0.3, BAN, probabilities=rare, risk=CVaR(0.9))
    assert found.tail_loss == pytest.approx((4.5 * 0.5, 3.0 * 0.5))
    assert found.budget_value == pytest.approx(0.5 * VALUE / 0.1, rel=1e-3)


@pytest.mark.parametrize("risk", [0.9, "cvar"])
def test_risk_is_none_or_a_cvar(risk):
    with pytest.raises(OptionError, match="risk=None"):
        plan_for_japan(offer(mill(), stock()), 1.0, risk=risk)
