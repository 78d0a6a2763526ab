"""Losses, outputs and duals of small chains, worked out on paper."""

from __future__ import annotations

import numpy as np
import pytest
from propagate._chains import Alternative, Draft, Flow
from resilience._small import BAN, VALUE, mill, rigid, two_suppliers

from chokepoint.resilience import recourse
from chokepoint.resilience._recourse import build_recourse
from chokepoint.scenario import DemandShift, ExportBan, Licence, Outage, Scenario


def best(draft: Draft, scenario: Scenario = BAN, *, targets="JPN", weeks=12, **options):
    return recourse(draft.build(), scenario, targets=targets, weeks=weeks, **options)


@pytest.mark.parametrize(("lead", "stock"), [(1, 0), (1, 2), (3, 1.5), (4, 6)])
def test_a_site_runs_on_what_is_on_its_way_and_in_stock(lead, stock):
    found = best(mill(lead=lead, stock=stock))
    assert found.loss_total == pytest.approx((12 - lead - stock) * VALUE)


@pytest.mark.parametrize("period", [1, 2, 3, 4, 5, 12])
def test_nothing_is_lost_on_longer_periods_where_timing_does_not_matter(period):
    # Goods on their way before the ban come in their weeks whatever the period.
    assert best(mill(lead=3, stock=2), period=period).loss_total == pytest.approx(7 * VALUE)


def test_a_throttle_does_not_bind_the_planner():
    assert best(mill(stock=3, throttle_weeks=4.0)).loss_total == pytest.approx(8 * VALUE)


def test_a_partial_ban_lets_its_share_through():
    # Weeks 0..11: one week in transit, two in stock, then 0.6 a week sent in weeks 0..10.
    ban = Scenario("ban", ExportBan(by="AUS", severity=0.4))
    assert best(mill(), ban).loss_total == pytest.approx((12 - 3 - 0.6 * 11) * VALUE)


def test_the_world_loses_the_ore_as_well():
    found = best(mill(), targets=None)
    assert found.loss.to_dict() == pytest.approx({"AUS": 12 * VALUE, "JPN": 9 * VALUE})
    assert best(mill(), targets="AUS").loss_total == pytest.approx(12 * VALUE)


def test_losses_come_when_stock_is_gone():
    found = best(mill(), weeks=6)
    # The planner may choose when to stand still, but not before goods could run out.
    assert found.loss_by_week.sum().to_dict() == pytest.approx({"JPN": 3 * VALUE})
    assert found.output["mill@JPN"].sum() == pytest.approx(3.0)


def test_a_planner_starts_with_the_shock_not_before():
    ban = Scenario("ban", ExportBan(by="AUS", start=5))
    found = best(mill(), ban)
    assert found.loss_total == pytest.approx((12 - 5 - 3) * VALUE)
    assert found.output.index[0] == 5


def test_growth_is_limited_until_the_supplier_is_qualified():
    free = {"ore@USA": {"ramp_max": 5.0, "ramp_weeks": 1.0}}
    found = best(two_suppliers(sites=free))
    # Week 0 is in transit and nobody ramps up within it; weeks 2..8 get 1.2 x 0.5 sent in weeks
    # 1..7; then all that is wanted.
    assert found.loss_total == pytest.approx((0.5 + 7 * 0.4) * VALUE)


def test_the_ramp_limits_a_qualified_supplier():
    slow = {"ore@USA": {"ramp_max": 1.4, "ramp_weeks": 2.0}}
    found = best(two_suppliers(sites=slow))
    made = 0.5 * (1 + 0.4 * (1 - 0.5 ** np.arange(11)))
    sent = np.where(np.arange(11) < 8, np.minimum(made, 0.6), made)
    assert found.loss_total == pytest.approx((11 - sent.sum()) * VALUE)


def test_a_dormant_supplier_helps_after_qualification():
    draft = Draft(
        flows=[
            Flow("ore@AUS", "mill@JPN"),
            Flow("ore@USA", "market:ore@USA"),
            Flow("mill@JPN", "market:mill@JPN"),
        ],
        alternatives=[Alternative("ore@USA", "mill@JPN", 0.3, qualification=4, lead=2)],
        slots={("mill@JPN", "ore"): {"stock_weeks": 1.0}},
    )
    # Goods sent in weeks 4..9 arrive in weeks 6..11.
    found = best(draft)
    assert found.loss_total == pytest.approx((12 - 2 - 6 * 0.3) * VALUE)
    # The seller's own market is what it costs; the planner for Japan does not mind.
    assert best(draft, targets="USA").loss_total == pytest.approx(0.0)


@pytest.mark.parametrize(("share", "hard"), [(0.5, 1.0), (1.0, 0.25)])
def test_only_the_part_that_needs_the_slot_stops(share, hard):
    draft = mill(use_share=share, criticality=hard)
    assert best(draft).loss_total == pytest.approx((12 - 3) * share * hard * VALUE)


def test_disjoint_parts_add_up():
    slot = {"combine": "disjoint", "use_share": 0.3, "stock_weeks": 0.0}
    draft = Draft(
        flows=[
            Flow("left@AUS", "mill@JPN"),
            Flow("right@AUS", "mill@JPN"),
            Flow("mill@JPN", "market:mill@JPN"),
        ],
        slots={("mill@JPN", "left"): slot, ("mill@JPN", "right"): slot},
    )
    draft = rigid(draft)
    assert best(draft).loss_total == pytest.approx(11 * 0.6 * VALUE)
    one = Scenario("one", ExportBan(by="AUS", products="left"))
    assert best(draft, one).loss_total == pytest.approx(11 * 0.3 * VALUE)


def test_lost_demand_is_lost_output():
    fall = Scenario("fall", DemandShift(country="JPN", change=-0.25))
    # The first order is that of the week before.
    assert best(mill(), fall).loss_total == pytest.approx(11 * 0.25 * VALUE)


def test_an_outage_is_made_up_for_from_stock():
    fire = Scenario("fire", Outage(sites="ore@AUS", weeks=2))
    assert best(mill(stock=2), fire).loss_total == pytest.approx(0.0)
    fire = Scenario("fire", Outage(sites="ore@AUS", weeks=5))
    assert best(mill(stock=2), fire).loss_total == pytest.approx(3 * VALUE)


def test_a_licence_delays_and_then_lets_the_queue_through():
    licence = Scenario("licence", Licence(by="AUS", review_weeks=6, clearing=2.0, goods_weeks=9.0))
    found = best(mill(stock=1), licence)
    # Nothing leaves in weeks 0..5: weeks 0 and 1 run, 2..6 stand still, then two a week come.
    assert found.loss_total == pytest.approx(5 * VALUE)
    refused = Scenario("refused", Licence(by="AUS", review_weeks=0, clearing=1.0, refused=1.0))
    assert best(mill(stock=1), refused).loss_total == pytest.approx(10 * VALUE)


def test_joint_outputs_come_together():
    draft = Draft(
        flows=[
            Flow("ore@AUS", "split@AUS"),
            Flow("nd@AUS", "magnet@JPN"),
            Flow("dy@AUS", "lamp@USA"),
            Flow("magnet@JPN", "market:magnet@JPN"),
            Flow("lamp@USA", "market:lamp@USA"),
        ],
        outputs_of={"split@AUS": ["nd@AUS", "dy@AUS"]},
        slots={
            ("magnet@JPN", "nd"): {"stock_weeks": 0.0},
            ("lamp@USA", "dy"): {"stock_weeks": 0.0},
            ("split@AUS", "ore"): {"stock_weeks": 0.0},
        },
    )
    draft = rigid(draft)
    fire = Scenario("fire", Outage(sites="split@AUS", severity=0.5))
    found = best(draft, fire, targets=["JPN", "USA"])
    assert found.loss.to_dict() == pytest.approx({"USA": 11 * 0.5 * VALUE, "JPN": 11 * 0.5 * VALUE})
    ban = Scenario("ban", ExportBan(by="AUS", products="nd"))
    found = best(draft, ban, targets=["JPN", "USA"])
    assert found.loss.to_dict() == pytest.approx({"USA": 0.0, "JPN": 11 * VALUE})


def test_stock_at_the_end_can_be_given_a_value():
    ban = Scenario("ban", ExportBan(by="AUS", weeks=2))
    free, valued = (best(mill(stock=4), ban, weeks=8, terminal=how) for how in ("free", "valued"))
    assert free.loss_total == pytest.approx(0.0)
    assert free.terminal_value == 0.0
    # Two weeks of goods are missing for good: lost output or lost stock, at the same value.
    assert valued.loss_total + valued.terminal_value == pytest.approx(2 * VALUE)


# ------------------------------------------------------------------------- duals


def test_a_week_of_cover_is_worth_a_week_of_output():
    found = best(mill())
    row = found.stock_value.loc[("mill@JPN", "ore")]
    assert row["usd_m_per_week_of_cover"] == pytest.approx(VALUE)
    # One unit of ore is a week of cover and costs USD 1 million.
    assert row["usd_per_unit"] == pytest.approx(VALUE * 1e6)
    assert row["usd_per_usd"] == pytest.approx(VALUE)
    assert row["product"] == "ore"


def test_duals_are_derivatives():
    draft = two_suppliers(sites={"ore@USA": {"ramp_max": 1.1, "ramp_weeks": 1.0}})
    found = best(draft)
    more = two_suppliers(sites={"ore@USA": {"ramp_max": 1.1 + 1e-4, "ramp_weeks": 1.0}})
    gain = (found.loss_total - best(more).loss_total) / 1e-4
    # A higher head is there from the second week on, capacity from the first.
    value = found.capacity_value.loc["ore@USA", "usd_m_per_baseline_capacity"]
    assert value * 10 / 11 == pytest.approx(gain, rel=1e-3)
    assert found.capacity_value.loc["ore@USA", "usd_per_unit_per_year"] == pytest.approx(
        value * 1e6 / 26.0
    )


def test_the_worth_of_a_flow_limit_is_a_derivative():
    free = {"ore@USA": {"ramp_max": 5.0, "ramp_weeks": 1.0}}
    draft = two_suppliers(sites=free)
    found = best(draft)
    draft.flows = [draft.flows[0], Flow("ore@USA", "mill@JPN", 26.0, growth=0.2002), draft.flows[2]]
    gain = (found.loss_total - best(draft).loss_total) / 0.0001  # of the slot
    row = found.supply_value.loc[("ore@USA", "mill@JPN", "ore")]
    assert row["usd_m_per_slot"] == pytest.approx(gain, rel=1e-6)
    assert row["usd_per_unit_per_year"] == pytest.approx(gain * 1e6 / 52.0)


def test_all_solvers_agree():
    pytest.importorskip("pulp")
    first = best(two_suppliers())
    second = best(two_suppliers(), solver="pulp:HiGHS")
    assert second.loss_total == pytest.approx(first.loss_total)
    assert second.solver.startswith("PuLP")


def test_repr_names_scenario_target_and_loss():
    text = repr(best(mill()))
    assert "'ban'" in text
    assert "JPN in 12 weeks 4.5 USD million" in text


def test_the_program_is_readable():
    built = build_recourse(mill().build(), BAN, targets="JPN", weeks=2)
    assert built.program.name == "recourse to ban"
    # Banned flows never carry anything and are left out; so is the market, which wants it all.
    names = {block.name: block.shape for block in built.program.columns}
    assert names["loss"] == (1, 2)
    assert names["flow"] == (1, 2)
    assert built.program.columns.text(0) == "loss[mill@JPN, 0]"
