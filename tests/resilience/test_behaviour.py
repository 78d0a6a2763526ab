"""The planner beside the weekly model, and plans that help only on paper."""

from __future__ import annotations

import numpy as np
import pytest
from resilience._small import (
    BAN,
    JPN,
    KOR,
    VALUE,
    mill,
    offer,
    plan_for_japan,
    stock,
    two_mills,
)

import chokepoint as cp
from chokepoint.leverage import stressed
from chokepoint.propagate import Behaviour
from chokepoint.resilience import Pool, plan, shortfall
from chokepoint.resilience._gap import CASES, behaviour_warnings
from chokepoint.resilience._stress import STRESSED, with_thin_stocks
from chokepoint.scenario import ExportBan, Scenario


def test_losses_stand_side_by_side_before_and_after():
    chain = offer(mill(), stock())
    bought = plan_for_japan(chain, 0.3, simulate=True)
    row = bought.behaviour.loc["ban"]
    # One mill, one supplier: nobody has anything to coordinate.
    assert row["planner", "before"] == pytest.approx(9 * VALUE)
    assert row["reference", "before"] == pytest.approx(9 * VALUE)
    assert row["reference", "after"] == pytest.approx(6 * VALUE)
    assert row["planner", "saving"] == pytest.approx(row["reference", "saving"])
    # Thin stocks are half of what is stated.
    assert row["stressed", "before"] > row["reference", "before"]
    assert bought.warnings == ()
    summary = bought.summary()
    assert summary.index.tolist() == list(CASES)
    assert summary.loc["reference", "promise"] == pytest.approx(1.0)
    assert "weekly model: reference" in repr(bought)
    assert "<table" in bought._repr_html_()


def test_the_table_is_what_simulation_gives():
    chain = offer(two_mills(), stock())
    threats = [JPN, KOR]
    bought = plan_for_japan(chain, 0.4, threats, targets=["JPN", "KOR"], simulate=True)
    for case, worse, how in (
        ("reference", lambda one: one, None),
        ("stressed", stressed, Behaviour(switching=False)),
    ):
        for what, one in (("before", chain), ("after", bought.apply(chain))):
            outcome = cp.simulate(worse(one), threats, weeks=12, behaviour=how, progress=False)
            lost = shortfall(outcome, one, targets=["JPN", "KOR"])
            np.testing.assert_allclose(bought.behaviour[case, what], lost)


def test_thin_stocks_are_those_of_the_stressed_case():
    chain = cp.load("rare_earths")
    thin, inputs = with_thin_stocks(chain), chain.inputs
    assert thin == stressed(chain)
    inputs["stock_weeks"] = inputs["stock_weeks_low"].fillna(inputs["stock_weeks"] / 2)
    inputs["throttle_weeks"] = 1.0 + inputs["stock_weeks"]
    assert thin.slots["stock_weeks"].equals(chain.replace(inputs=inputs).slots["stock_weeks"])
    assert thin.slots["throttle_weeks"].equals(chain.replace(inputs=inputs).slots["throttle_weeks"])
    assert Behaviour(switching=False) == STRESSED


def test_pooled_stocks_are_simulated_threat_by_threat():
    chain = offer(two_mills(), stock())
    both = {"targets": ["JPN", "KOR"], "pool": Pool(["JPN", "KOR"]), "simulate": True}
    bought = plan_for_japan(chain, 0.3, [JPN, KOR], **both)
    saving = bought.behaviour["reference", "saving"]
    assert saving.to_dict() == pytest.approx({"jpn": 3 * VALUE, "kor": 3 * VALUE})


def test_a_plan_that_is_late_in_the_weekly_model_says_so():
    chain = offer(mill(), stock(lead_weeks=60))
    late = plan_for_japan(chain, 0.3, notice=56.0, simulate=True)
    assert late.saving > 0
    assert late.behaviour.loc["ban", ("reference", "saving")] == 0.0
    text = "\n".join(late.warnings)
    assert "hardly helps in the reference case" in text
    assert "hardly helps in the stressed case" in text
    assert "work only after the threats begin" in text
    assert repr(late).count("WARNING") == 3


def test_harm_is_named():
    chain = offer(mill(), stock())
    bought = plan_for_japan(chain, 0.3, simulate=True)
    table = bought.behaviour.copy()
    table["reference", "saving"] = -1.5
    said = behaviour_warnings(table, bought.probabilities, bought.measures)
    assert any("makes losses larger in the reference case" in one for one in said)
    assert any("under ban (by up to 1.5 USD million)" in one for one in said)


def test_a_plan_that_was_not_simulated_shows_the_planner_alone():
    bought = plan_for_japan(offer(mill(), stock()), 0.3)
    assert bought.behaviour.empty
    assert bought.summary().index.tolist() == ["planner"]
    assert "weekly model" not in repr(bought)


def test_the_shipped_chain_keeps_its_promise_in_part():
    chain = cp.load("rare_earths")
    threats = [
        Scenario("all", ExportBan(by="CHN", against="JPN")),
        Scenario("magnets", ExportBan(by="CHN", against="JPN", products="magnet_ndfeb_heavy")),
    ]
    bought = plan(chain, threats, budget=30, targets="JPN", weeks=26)
    table = bought.behaviour
    # The planner's loss is a bound on the weekly model's, with and without the plan.
    for what in ("before", "after"):
        assert (table["planner", what] <= table["reference", what] + 1e-6).all()
        assert (table["reference", what] <= table["stressed", what] + 1e-6).all()
    assert bought.summary().loc["reference", "promise"] > 0


def test_periods_are_said_to_allow_more():
    chain = cp.load("rare_earths")
    ban = Scenario("all", ExportBan(by="CHN", against="JPN"))
    bought = plan(chain, ban, budget=20, targets="JPN", weeks=26, simulate=False, period_error=True)
    assert bought.period == 4
    assert bought.period_error["all"] > 0
    weekly = plan(chain, ban, budget=20, targets="JPN", weeks=26, period=1, simulate=False,
                  period_error=True)  # fmt: skip
    assert weekly.period_error["all"] == 0.0
    # Between what periods promise and what their purchases give lies the best weekly plan.
    best = weekly.residual_loss["all"]
    assert bought.residual_loss["all"] <= best + 1e-6
    assert best <= bought.residual_loss["all"] + bought.period_error["all"] + 1e-6


def test_the_reference_case_takes_other_settings():
    chain = offer(two_mills(), stock())
    calm = plan_for_japan(chain, 0.2, BAN, simulate=True, behaviour=Behaviour(ramp=False))
    assert calm.behaviour["reference", "before"].notna().all()
