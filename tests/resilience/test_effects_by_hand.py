"""Detours, thrift, decay, backlog, stocks of markets and rebuilding, worked out on paper."""

from __future__ import annotations

import numpy as np
import pytest
from propagate._chains import Draft, Flow
from resilience._cases import Given, run_as_point
from resilience._small import BAN, VALUE, mill, offer, plan_for_japan, rigid, second, two_suppliers

from chokepoint.propagate import Behaviour
from chokepoint.resilience import recourse
from chokepoint.resilience._recourse import build_recourse
from chokepoint.scenario import (
    Boycott,
    CapacityEffect,
    DemandShift,
    Effects,
    ExportBan,
    Outage,
    RebuildEffect,
    Scenario,
)


def best(draft: Draft, scenario=BAN, *, targets="JPN", weeks=12, **options):
    return recourse(draft.build(), scenario, targets=targets, weeks=weeks, **options)


# ----------------------------------------------------------------------- detours


@pytest.mark.parametrize(("lag", "longer"), [(0, 0), (2, 3), (5, 1)])
def test_what_leaks_arrives_later_and_in_its_share(lag, longer):
    ban = ExportBan(by="AUS", leakage=0.3, leakage_lag=lag, leakage_weeks=longer)
    found = best(mill(stock=0), Scenario("ban", ban))
    # Week 0 is on its way; what leaks leaves from week `lag` on and takes a week and `longer`.
    assert found.loss_total == pytest.approx((11 - 0.3 * (12 - 1 - lag - longer)) * VALUE)


def test_a_detour_carries_a_share_of_what_is_stopped():
    ban = ExportBan(by="AUS", severity=0.5, leakage=0.4)
    found = best(mill(stock=0), Scenario("ban", ban))
    assert found.loss_total == pytest.approx(11 * (0.5 - 0.4 * 0.5) * VALUE)


def test_goods_on_a_detour_are_made_by_somebody():
    ban = Scenario("ban", [ExportBan(by="AUS", leakage=0.5), Outage(sites="ore@AUS", severity=0.8)])
    # The mine makes a fifth: no more than that can leak.
    assert best(mill(stock=0), ban).loss_total == pytest.approx(11 * 0.8 * VALUE)
    assert best(mill(), BAN, targets="AUS").loss_total == pytest.approx(12 * VALUE)
    leaky = Scenario("leaky", ExportBan(by="AUS", leakage=0.5))
    assert best(mill(), leaky, targets="AUS").loss_total == pytest.approx(6 * VALUE)


@pytest.mark.parametrize("period", [2, 3, 4])
def test_detours_on_longer_periods_are_a_relaxation(period):
    ban = Scenario("ban", ExportBan(by="AUS", leakage=0.3, leakage_lag=1, leakage_weeks=2))
    weekly = best(mill(stock=1), ban).loss_total
    assert weekly > 0
    assert best(mill(stock=1), ban, period=period).loss_total <= weekly + 1e-9


# ------------------------------------------------------------------------ thrift


def test_thrift_stretches_what_is_left():
    draft = mill(stock=0, thrift_weekly=0.2, thrift_floor=0.6)
    half = Scenario("half", ExportBan(by="AUS", severity=0.5))
    # Use per output falls to 1, 0.8, 0.64, then 0.6. A planner with 6.5 weeks of ore in all (one
    # in week 0, half in each of 11) keeps 5.4 for the nine weeks at 0.6, 0.64 for the one before
    # and has 0.46 left at 0.8.
    assert best(draft, half).loss_total == pytest.approx((12 - 9 - 1 - 0.46 / 0.8) * VALUE)
    assert best(mill(stock=0), half).loss_total == pytest.approx(5.5 * VALUE)


@pytest.mark.parametrize("combine", ["nested", "disjoint"])
def test_thrift_in_a_part_of_the_output(combine):
    columns = {"use_share": 0.5, "criticality": 1.0, "combine": combine}
    draft = mill(stock=0, thrift_weekly=0.9, thrift_floor=0.8, **columns)
    # From week 1 on nothing comes and nothing is left to save: half of the output stops, save
    # for what is kept of week 0: 1 week of ore makes 1.25 weeks of that half.
    assert best(draft).loss_total == pytest.approx(0.5 * (12 - 1.25) * VALUE)


# ------------------------------------------------------------------------- decay


def served(*, decay=0.1, repair=5.0, **columns) -> Draft:
    """A mill that slowly wears out without a service, which output as such does not need."""
    slot = {"decay_weekly": decay, "repair_weeks": repair, "criticality": 0.0} | columns
    flows = [
        Flow("care@AUS", "mill@JPN"),
        Flow("mill@JPN", "market:mill@JPN"),
    ]
    return rigid(Draft(flows, slots={("mill@JPN", "care"): slot}, services=("care",)))


def test_capacity_decays_where_the_service_is_stopped():
    # The service of week 0 is on its way; week 1 is the first without, felt from week 2 on.
    capacity = 0.9 ** np.maximum(np.arange(12) - 1, 0)
    assert best(served()).loss_total == pytest.approx((1 - capacity).sum() * VALUE)


def test_a_part_of_the_service_halves_the_decay_and_repair_follows():
    ban = Scenario("ban", ExportBan(by="AUS", severity=0.5, weeks=3))
    capacity, path = 1.0, []
    for week in range(12):
        path.append(capacity)
        short = 0.5 if 1 <= week <= 3 else 0.0
        capacity *= 1 - 0.1 * short
        if not short:
            capacity += (1 - capacity) / 5.0
    assert best(served(), ban).loss_total == pytest.approx((12 - sum(path)) * VALUE)


def test_parts_kept_in_stock_put_decay_off():
    draft = served(stock_weeks=3.0)
    draft.services = ()
    capacity = 0.9 ** np.maximum(np.arange(12) - 4, 0)
    assert best(draft).loss_total == pytest.approx((1 - capacity).sum() * VALUE)


def test_a_service_that_output_needs_as_well_serves_what_is_there():
    draft = served(criticality=1.0)
    assert best(draft).loss_total == pytest.approx(11 * VALUE)


def test_decay_is_left_out_where_money_may_help():
    draft = served(criticality=0.5)
    draft.flows = [
        Flow("care@AUS", "mill@JPN", 26.0),
        Flow("care@USA", "mill@JPN", 26.0, growth=0.0),
        Flow("mill@JPN", "market:mill@JPN"),
    ]
    draft.sites = {"care@USA": {"ramp_max": 3.0, "ramp_weeks": 1.0}, "mill@JPN": {"ramp_max": 1.0}}
    chain = offer(draft, second(product="care", lead_weeks=0))
    bought = plan_for_japan(chain, 1.0)
    alone = recourse(chain, BAN, targets="JPN", weeks=12).loss_total
    # A bound all the same, and never a saving that is only the decay that was left out.
    assert 0.0 < bought.baseline_loss["ban"] < alone
    assert bought.baseline_loss["ban"] == pytest.approx(11 * 0.25 * VALUE)
    assert bought.residual_loss["ban"] == pytest.approx(0.25 * VALUE)


# ----------------------------------------------------------------- markets that wait


def demand_of(draft: Draft, scenario, weeks=5):
    built = build_recourse(draft.build(), scenario, weeks=weeks, first=0)
    market = list(built.model.chain.nodes.index).index("market:mill@JPN")
    return built.model.limits.demand[market], built.model.limits.demand_so_far[market]


def test_backlog_is_what_waits_if_nothing_comes_but_goods_on_their_way():
    draft = mill()
    draft.markets = {"market:mill@JPN": {"backlog_share": 0.5}}
    weekly, so_far = demand_of(draft, Scenario("none"))
    # Goods of week 0 arrive; then half of what is wanted waits: 0, 0, 0.5, 0.75, 0.875; a seller
    # may look one week ahead.
    assert weekly.tolist() == pytest.approx([1.0, 1.5, 1.75, 1.875, 1.875])
    assert np.isinf(so_far).all()


def test_a_market_with_stock_takes_what_it_wants_and_fills_up():
    draft = mill()
    draft.markets = {"market:mill@JPN": {"stock_weeks": 3.0, "reorder_weeks": 4.0}}
    rise = Scenario("rise", DemandShift(country="JPN", change=0.5, start=2))
    weekly, so_far = demand_of(draft, rise)
    # Most wanted from the week before to the next: 1, 1.5, ...; the position of 3 + 1 weeks
    # grows by half, at a quarter of the gap each week.
    most = np.array([1.0, 1.5, 1.5, 1.5, 1.5])
    assert weekly.tolist() == pytest.approx((most * (1 + 4 / 4)).tolist())
    largest = np.maximum.accumulate(most)
    expected = 4 * (largest - 1) + largest + np.cumsum(most) - most[0]
    assert so_far.tolist() == pytest.approx(expected.tolist())


def test_stock_of_a_market_does_not_make_up_for_lost_demand():
    fall = Scenario("fall", DemandShift(country="JPN", change=-0.5))
    draft = mill()
    draft.markets = {"market:mill@JPN": {"stock_weeks": 3.0, "reorder_weeks": 4.0}}
    assert best(draft, fall).loss_total == pytest.approx(11 * 0.5 * VALUE)


# --------------------------------------------------------------------- rebuilding


def test_rebuilding_is_at_best_as_fast_as_its_weeks():
    chain = mill().build()
    nodes = list(chain.nodes.index)
    site, market = nodes.index("mill@JPN"), nodes.index("market:mill@JPN")
    effect = RebuildEffect(
        np.array([site]), lost=0.5, first=2, weeks=4.0, damage=6.0,
        markets=np.array([market]), shares=np.array([1.0]),
    )  # fmt: skip
    burnt = CapacityEffect(np.array([site]), np.where(np.arange(12) < 2, 0.5, 1.0))
    scenario = Given(Effects(capacity=(burnt,), rebuilds=(effect,)))
    lost = 2 * 0.5 + (0.5 * 0.75 ** np.arange(10)).sum()
    found = recourse(chain, scenario, targets="JPN", weeks=12)
    assert found.loss_total == pytest.approx(lost * VALUE)
    # Six weeks' worth of goods at a quarter a week: up to 1.5 times baseline beyond demand.
    built = build_recourse(chain, scenario, weeks=12, first=0)
    assert built.model.limits.demand[market, 5] == pytest.approx(1.0 + 6.0 / 4.0)


# ---------------------------------------------------------------- timing of ramp-up


def test_capacity_that_grows_in_the_week_of_the_shock_needs_a_week_of_ramp_more():
    draft = two_suppliers(sites={"ore@USA": {"ramp_max": 2.0, "ramp_weeks": 1.0}})
    draft.flows = [draft.flows[0], Flow("ore@USA", "mill@JPN", 26.0, growth=1.0), draft.flows[2]]
    chain = draft.build()
    boycott = Scenario("boycott", Boycott(by="JPN", against="AUS", start=3))
    at_once = Behaviour(scarcity="last_output")
    # Orders move in week 3, and capacity with them: all the ore comes from the USA at once.
    built, point = run_as_point(chain, boycott, at_once, targets="JPN", weeks=8, period=1)
    assert built.program.violations(point, tolerance=1e-9) == []
    late = build_recourse(chain, boycott, targets="JPN", weeks=8)
    assert late.program.violations(point, tolerance=1e-9) != []
    timed = best(draft, boycott, weeks=8, scarcity="last_output")
    assert timed.loss_total == pytest.approx(0.0)
    # Otherwise half of the ore of week 3 is missing in week 4.
    assert best(draft, boycott, weeks=8).loss_total == pytest.approx(0.5 * VALUE)
