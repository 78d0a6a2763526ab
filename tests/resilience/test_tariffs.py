"""Tariffs beside losses, and within what is minimised."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from propagate._chains import Alternative, Draft, Flow
from resilience._cases import WEEKS, cases, weekly_shortfall
from resilience._small import BAN, VALUE, mill, rigid, two_suppliers

import chokepoint as cp
from chokepoint.errors import OptionError
from chokepoint.resilience import recourse
from chokepoint.scenario import ExportBan, Scenario, Tariff

# A week of ore for the mill costs USD 1 million.
TARIFF = Tariff(by="JPN", against="USA", products="ore", rate=0.3)


def best(draft: Draft, *events, targets="JPN", weeks=12, **options):
    scenario = Scenario("some", list(events))
    return recourse(draft.build(), scenario, targets=targets, weeks=weeks, **options)


def test_tariffs_leave_the_loss_as_it_is():
    alone = best(two_suppliers(), *BAN.events)
    beside = best(two_suppliers(), *BAN.events, TARIFF)
    assert beside.loss_total == alone.loss_total
    assert alone.tariffs.empty
    # Every ton is scarce: half of the ore each week, in the last of them needed by nobody.
    assert 0.3 * 0.5 * 11 - 1e-9 <= beside.tariffs["JPN"] <= 0.3 * 0.5 * 12 + 1e-9


def test_a_tariff_alone_is_paid_or_avoided():
    apart = best(two_suppliers(), TARIFF)
    assert apart.loss_total == 0.0
    # Half of the ore for a planner that starts in the last week: 11 weeks at baseline at least.
    assert apart.tariffs["JPN"] >= 0.3 * 0.5 * 11 - 1e-9
    # Cheaper by far than standing still; the other supplier grows by its quarter, and for the
    # last week nothing has to be sent: 0.5 - 0.125 a week for 11 weeks.
    draft = two_suppliers(sites={"ore@AUS": {"ramp_max": 1.5, "ramp_weeks": 1.0}})
    cost = best(draft, TARIFF, tariffs="cost", weeks=6)
    assert cost.loss_total == pytest.approx(0.0)
    # Weeks 0 to 4 count; AUS can send no more in week 0 and a quarter more from week 1 on.
    assert cost.tariffs["JPN"] == pytest.approx(0.3 * (0.5 + 4 * 0.375))


def test_a_tariff_that_costs_more_than_it_saves_stops_the_flow():
    draft = rigid(
        Draft(
            flows=[Flow("ore@AUS", "mill@JPN"), Flow("mill@JPN", "market:mill@JPN")],
            slots={("mill@JPN", "ore"): {"stock_weeks": 0.0}},
        )
    )
    high = Tariff(by="JPN", against="AUS", products="ore", rate=0.6)
    stopped = best(draft, high, tariffs="cost", weeks=6)
    # A week of ore costs 0.6 in tariffs and carries 0.5 of value added: all but the first stand.
    assert stopped.loss_total == pytest.approx(5 * VALUE)
    assert stopped.tariffs.empty
    low = Tariff(by="JPN", against="AUS", products="ore", rate=0.4)
    runs = best(draft, low, tariffs="cost", weeks=6)
    assert runs.loss_total == pytest.approx(0.0)
    assert runs.tariffs["JPN"] == pytest.approx(5 * 0.4)


def test_the_planner_takes_the_supplier_without_a_tariff():
    draft = rigid(
        Draft(
            flows=[
                Flow("ore@AUS", "mill@JPN"),
                Flow("ore@USA", "market:ore@USA"),
                Flow("mill@JPN", "market:mill@JPN"),
            ],
            alternatives=[Alternative("ore@USA", "mill@JPN", 1.0, qualification=2)],
            slots={("mill@JPN", "ore"): {"stock_weeks": 0.0}},
        )
    )
    found = best(draft, Tariff(by="JPN", against="AUS", rate=0.2), tariffs="cost", weeks=8)
    assert found.loss_total == pytest.approx(0.0)
    assert found.tariffs["JPN"] == pytest.approx(2 * 0.2)  # weeks 0 and 1


def test_a_period_pays_the_lowest_of_its_rates():
    late = Tariff(by="JPN", against="AUS", rate=0.4, start=2)
    ban = ExportBan(by="AUS", severity=0.0)
    weekly = best(mill(stock=0), late, ban, tariffs="cost", weeks=8).tariffs.sum()
    longer = best(mill(stock=0), late, ban, tariffs="cost", weeks=8, period=4).tariffs.sum()
    assert weekly == pytest.approx(0.4 * 5)
    assert longer <= weekly + 1e-9


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases(), st.sampled_from([1, 4]), st.sampled_from([0.05, 0.6]))
def test_losses_and_tariffs_together_are_a_bound_on_their_sum(case, period, rate):
    chain, scenario, behaviour = case
    owner = chain.nodes["country"].iloc[0]
    tariff = Tariff(by=owner, rate=rate, start=2)
    if not tariff.matches(chain):
        return
    both = Scenario("both", [*scenario.events, tariff])
    best = recourse(chain, both, weeks=WEEKS, period=period, tariffs="cost")
    outcome = cp.simulate(chain, both, weeks=WEEKS, behaviour=behaviour)
    paid = float(outcome.tariffs(by="scenario").to_numpy().sum())
    lost = weekly_shortfall(chain, scenario, behaviour, weeks=WEEKS)
    assert best.loss_total + best.tariffs.sum() <= lost + paid + 1e-6


def test_the_option_is_checked():
    with pytest.raises(OptionError, match='tariffs "apart" or "cost"'):
        best(mill(), TARIFF, tariffs="some")
