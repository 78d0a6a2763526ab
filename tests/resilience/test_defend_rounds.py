"""Rounds of defender and attacker against all attacks in one program, and against `plan`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from resilience._attacks import all_choices, bans, diamond, levels
from resilience._contests import METHODS, WEEKS, contests, least_worst_loss, prepared
from resilience._small import (
    capacity,
    reserved,
    second,
    stock,
    substitution,
    table,
)

from chokepoint.program import CVaR
from chokepoint.resilience import defend, plan
from chokepoint.resilience._attack._instruments import Instruments
from chokepoint.resilience._attack._penalty import penalised
from chokepoint.scenario import ExportBan, Scenario, Tariff

FEW = settings(
    max_examples=6, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large,
                           HealthCheck.filter_too_much],
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rich", [False, True])
@FEW
@given(data=st.data())
def test_rounds_find_what_all_attacks_at_once_do(method, rich, data):
    chain, levers, measures, budget = data.draw(contests(rich=rich))
    most, period = data.draw(st.sampled_from([1, 2, 3])), data.draw(st.sampled_from([1, 4]))
    # Tariffs may be pulled in part, which a list of choices does not hold.
    assume(not Instruments.of(chain, levers, weeks=WEEKS).charges.any())
    answer, _ = prepared(chain, levers, measures, period=period)
    choices = list(all_choices(len(levers), min(most, len(levers))))
    least = least_worst_loss(answer, budget, choices, len(levers))
    found = defend(chain, levers, budget=budget, most=most, weeks=WEEKS, period=period,
                   measures=measures, method=method, tolerance=1e-7, simulate=False)  # fmt: skip
    scale = max(1.0, abs(found.loss_before))
    assert found.lower_bound <= least + 1e-6 * scale
    # The attacker's program is exact to a few 1e-6 of a loss, the list of choices to rounding.
    slack = 1e-6 if method == "enumerated" else 2e-5
    assert found.upper_bound == pytest.approx(least, abs=slack * scale)
    assert found.loss_after + 1e-4 * found.spent == pytest.approx(least, abs=1e-6 * scale)
    assert found.spent <= budget * (1 + 1e-9)
    bounds = found.rounds
    assert bounds["lower"].is_monotonic_increasing
    assert bounds["upper"].is_monotonic_decreasing
    assert (bounds["lower"] <= bounds["upper"] + 1e-6 * scale).all()
    assert found.losses["after"].max() == pytest.approx(found.loss_after, abs=1e-6 * scale)


@pytest.mark.slow
@pytest.mark.parametrize("rich", [False, True])
@FEW
@given(data=st.data())
def test_after_measures_a_price_is_still_as_good_as_a_ban(rich, data):
    chain, levers, measures, budget = data.draw(contests(rich=rich))
    period = data.draw(st.sampled_from([1, 4]))
    answer, _ = prepared(chain, levers, measures, period=period)
    rng = np.random.default_rng(len(levers))
    top = np.minimum(answer.task.candidates.table["top"].to_numpy(dtype=float), budget)
    spent = rng.random(answer.size) * top
    parts = penalised(answer, spent)
    for choice in all_choices(len(levers)):
        chosen = levels(choice, len(levers))
        banned = answer.under(chosen, spent).solve().objective
        cost = parts.cost(parts.variables(chosen))
        priced = replace(parts.program, cost=cost).solve().objective
        assert priced == pytest.approx(banned, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("period", [1, 4])
def test_it_is_the_plan_against_the_worst_of_all_attacks(method, period):
    """`plan` writes its programs without any attacker in mind."""
    options = [stock(2e5), second(), reserved(unit_cost=5e4), substitution(unit_cost=3e5)]
    options.append(capacity(country="", lead_weeks=10.0))
    chain, levers = diamond().build(), bans("AUS", "CHN", "USA")
    how = {"weeks": WEEKS, "period": period, "measures": table(*options), "simulate": False}
    choices = list(all_choices(3, 2))[1:]
    threats = [
        Scenario(str(choice), [e for k in choice for e in levers[k].events]) for choice in choices
    ]
    for budget in (0.1, 1.0, 4.0):
        worst = plan(chain, threats, budget=budget, risk=CVaR(1 - 0.5 / len(threats)), **how)
        found = defend(chain, levers, budget=budget, most=2, method=method, tolerance=1e-7, **how)
        least = worst.residual_loss.max() + 1e-4 * worst.spent
        assert found.upper_bound == pytest.approx(least, rel=1e-5, abs=1e-6)
        assert found.lower_bound == pytest.approx(least, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_an_instrument_that_stops_goods_and_charges_a_tariff(method):
    """The tariff costs more than either ban, and is a cost of columns, not a bound."""
    chain = diamond().build()
    both = [ExportBan(by="USA", severity=0.1), Tariff(by="JPN", against="AUS", rate=0.9)]
    levers = [*bans("AUS", severity=0.3), Scenario("USA, and a tariff", both)]
    measures = table(stock(2e5), second(unit_cost=2e4))
    answer, offered = prepared(chain, levers, measures)
    assert not offered.charges.any()
    for budget in (0.0, 0.5):
        least = least_worst_loss(answer, budget, list(all_choices(2, 1)), 2)
        found = defend(
            chain, levers, budget=budget, most=1, weeks=WEEKS, period=1, measures=measures,
            method=method, tolerance=1e-7, simulate=False,
        )  # fmt: skip
        assert found.upper_bound == pytest.approx(least, rel=2e-5)
        assert found.rounds["attack"].iloc[0] == "USA, and a tariff"


def test_measures_bought_whole_are_all_or_nothing():
    chain, levers = diamond().build(), bans("AUS", "CHN", "USA")
    measures = table(stock(2e5), second(unit_cost=2e4), second(
        measure="tests of others", unit_cost=4e4))  # fmt: skip
    answer, _ = prepared(chain, levers, measures)
    kinds = ["second_source"]
    least = least_worst_loss(answer, 0.9, list(all_choices(3, 1)), 3, whole=kinds)
    found = defend(chain, levers, budget=0.9, most=1, weeks=WEEKS, period=1, measures=measures,
                   whole=kinds, tolerance=1e-6, simulate=False)  # fmt: skip
    assert found.upper_bound == pytest.approx(least, rel=1e-6)
    parts = defend(chain, levers, budget=0.9, most=1, weeks=WEEKS, period=1, measures=measures,
                   tolerance=1e-6, simulate=False)  # fmt: skip
    assert parts.upper_bound <= found.upper_bound + 1e-6
