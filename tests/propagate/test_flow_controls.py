"""Export bans, licences and boycotts, week by week."""

from __future__ import annotations

import numpy as np
import pytest
from propagate._chains import Alternative, Draft, Flow, line
from propagate._play import STIFF, activity, watch

from chokepoint.propagate import Behaviour
from chokepoint.scenario import Boycott, ExportBan, Licence, Outage, Scenario

FREE = Behaviour(switching=False)


def ore_and_mill(*, stock: float = 0.0, spare: float = 1.0, **slot: float) -> Draft:
    """Australia sells ore to a Japanese mill; `spare` is the mine's largest output."""
    draft = line("ore@AUS", "mill@JPN", "market:mill@JPN", stock=stock, **slot)
    draft.sites = {"ore@AUS": {"ramp_max": spare, "ramp_weeks": 1.0}}
    return draft


def shipped(draft: Draft, *events, weeks: int, behaviour: Behaviour = STIFF) -> np.ndarray:
    """Return the weekly flow of ore as a share of baseline, from the first week of a shock."""
    scenario = Scenario("some", events)
    compiled, seen = watch(draft.build(), [scenario], weeks=weeks, behaviour=behaviour)
    row = int(np.flatnonzero(compiled.edges["supplier"] == "ore@AUS")[0])
    return seen["shipped"][:, row, 0] / compiled.sigma[row, 0]


def two_mines(**columns: float) -> Draft:
    """A mill that takes half its ore from Australia and half from Brazil."""
    flows = [
        Flow("ore@AUS", "mill@JPN", 26.0, growth=columns.pop("growth", 0.25)),
        Flow("ore@BRA", "mill@JPN", 26.0, growth=columns.pop("growth_other", 0.25)),
        Flow("mill@JPN", "market:mill@JPN", 52.0),
    ]
    slots = {("mill@JPN", "ore"): {"stock_weeks": 0.0, "qualification_weeks": 3.0, **columns}}
    sites = {"ore@BRA": {"ramp_max": 3.0, "ramp_weeks": 1.0}}
    return Draft(flows, slots=slots, sites=sites)


class TestBan:
    def test_inflated_orders_do_not_pass_a_ban_on_nine_tenths(self):
        # The mill's stock runs down, so that it orders far more than baseline; a tenth passes.
        draft = ore_and_mill(stock=6.0, spare=2.0, reorder_weeks=1.0)
        ban = ExportBan(by="AUS", severity=0.9)
        assert shipped(draft, ban, weeks=20, behaviour=FREE) == pytest.approx(0.1, abs=1e-15)

    def test_orders_below_the_cap_are_not_raised_by_it(self):
        stop = Outage(products="mill", severity=0.95)
        flow = shipped(
            ore_and_mill(reorder_weeks=1.0), stop, ExportBan(by="AUS", severity=0.9), weeks=9
        )
        assert flow[0] == pytest.approx(0.1, abs=1e-15)
        assert flow[-1] == pytest.approx(0.05, abs=1e-12)

    def test_goods_in_transit_arrive(self):
        draft = line("ore@AUS", "mill@JPN", "market:mill@JPN", lead=3, stock=0)
        ban = ExportBan(by="AUS")
        assert activity(draft, ban, weeks=5)["mill@JPN"].tolist() == [1.0, 1.0, 1.0, 0.0, 0.0]

    def test_two_bans_on_one_flow_multiply(self):
        bans = [ExportBan(by="AUS", severity=0.5), ExportBan(by="AUS", against="JPN", severity=0.5)]
        assert shipped(ore_and_mill(), *bans, weeks=3).tolist() == [0.25, 0.25, 0.25]

    def test_a_ban_and_a_boycott_on_one_flow_multiply(self):
        both = [ExportBan(by="AUS", severity=0.5), Boycott(by="JPN", against="AUS", severity=0.5)]
        assert shipped(ore_and_mill(), *both, weeks=3).tolist() == [0.25, 0.25, 0.25]

    def test_the_last_week_is_start_plus_weeks_minus_one(self):
        flow = shipped(ore_and_mill(stock=20.0), ExportBan(by="AUS", start=2, weeks=3), weeks=7)
        # The run starts with the ban: rows are weeks 2 to 6.
        assert (flow[:3] == 0.0).all()
        assert (flow[3:] > 0.0).all()

    def test_a_ban_after_the_horizon_changes_nothing(self):
        assert (activity(ore_and_mill(), ExportBan(by="AUS", start=12), weeks=12) == 1.0).all(
            axis=None
        )

    def test_one_buyer_less_leaves_more_for_the_others(self):
        # The mine loses half its capacity; with the Japanese mill banned the Chinese one is full.
        flows = [
            Flow("ore@AUS", "mill@JPN", 26.0),
            Flow("ore@AUS", "mill@CHN", 26.0),
            Flow("mill@JPN", "market:mill@JPN", 26.0),
            Flow("mill@CHN", "market:mill@CHN", 26.0),
        ]
        slots = {(mill, "ore"): {"stock_weeks": 0.0} for mill in ("mill@JPN", "mill@CHN")}
        draft, fire = Draft(flows, slots=slots), Outage(products="ore", severity=0.5)
        alone = activity(draft, fire, weeks=2, behaviour=STIFF)
        ban = ExportBan(by="AUS", against="JPN")
        joint = activity(draft, fire, ban, weeks=2, behaviour=STIFF)
        assert alone["mill@CHN"].tolist() == [1.0, 0.5]
        assert joint["mill@CHN"].tolist() == [1.0, 1.0]
        assert joint["mill@JPN"].tolist() == [1.0, 0.0]


class TestLicence:
    def test_nothing_leaves_during_the_review_and_the_queue_clears_at_its_rate(self):
        # Plenty of stock, so that the mill orders one unit each week: four wait after the review.
        licence = Licence(by="AUS", review_weeks=4, clearing=1.5)
        draft = ore_and_mill(stock=20.0, spare=2.0, throttle_weeks=1.0)
        flow = shipped(draft, licence, weeks=16, behaviour=FREE)
        assert flow[:4].tolist() == [0.0] * 4
        # 4 weeks late, half a week is made good each week, so eight weeks at 1.5.
        assert flow[4:12] == pytest.approx(1.5, abs=1e-12)
        assert flow[12:] == pytest.approx(1.0, abs=1e-12)

    def test_the_exporter_makes_goods_ahead_up_to_its_limit(self):
        licence = Licence(by="AUS", review_weeks=5, goods_weeks=2.0, clearing=10.0)
        table = activity(ore_and_mill(stock=20.0), licence, weeks=7, behaviour=STIFF)
        # Two weeks are made and held, then the mine waits for papers; in week 5 all is released
        # that is ready, and what is missing of the queue is made.
        assert table["ore@AUS"][:5].tolist() == [1.0, 1.0, 0.0, 0.0, 0.0]
        flow = shipped(ore_and_mill(stock=20.0), licence, weeks=7)
        assert flow[:6] == pytest.approx([0.0, 0.0, 0.0, 0.0, 0.0, 3.0], abs=1e-12)

    def test_queued_orders_count_in_the_inventory_position(self):
        # The mill does not order again what waits for papers: its orders stay at baseline.
        licence = Licence(by="AUS", review_weeks=6)
        scenario = Scenario("papers", licence)
        draft = ore_and_mill(stock=20.0, reorder_weeks=1.0)
        _, seen = watch(draft.build(), [scenario], weeks=10, behaviour=STIFF)
        assert np.abs(seen["order"]).max() < 1e-12

    def test_refused_orders_are_gone(self):
        licence = Licence(by="AUS", review_weeks=0, refused=0.25)
        draft = ore_and_mill(stock=50.0, reorder_weeks=1e9, criticality=0.0)
        flow = shipped(draft, licence, weeks=5)
        assert flow == pytest.approx(0.75, abs=1e-6)

    def test_a_refusal_ends_with_its_licence(self):
        licences = [
            Licence(by="AUS", review_weeks=0, refused=1.0, weeks=3),
            Licence(by="AUS", review_weeks=0, start=5, weeks=3),
        ]
        flow = shipped(ore_and_mill(stock=50.0, reorder_weeks=1e9), *licences, weeks=9)
        assert flow == pytest.approx([0.0] * 3 + [1.0] * 6, abs=1e-6)

    def test_a_release_profile_holds_its_last_value(self):
        licence = Licence(by="AUS", release=(0.5, 0.0, 0.25), weeks=5)
        flow = shipped(ore_and_mill(stock=50.0, spare=9.0), licence, weeks=6, behaviour=FREE)
        assert flow[:5].tolist() == [0.5, 0.0, 0.25, 0.25, 0.25]
        # When the licence ends the whole queue may leave: 6 - 1.25 weeks.
        assert flow[5] == pytest.approx(4.75, abs=1e-9)

    def test_of_two_licences_the_slower_holds(self):
        licences = [
            Licence(by="AUS", release=(1.0, 0.25, 1.0)),
            Licence(by="AUS", against="JPN", release=(0.5, 0.5, 0.5)),
        ]
        flow = shipped(ore_and_mill(stock=50.0), *licences, weeks=3)
        assert flow.tolist() == [0.5, 0.25, 0.5]

    def test_a_ban_holds_the_queue_back_as_well(self):
        licence = Licence(by="AUS", review_weeks=2, clearing=1.5)
        ban = ExportBan(by="AUS", start=3, weeks=4)
        flow = shipped(ore_and_mill(stock=50.0), licence, ban, weeks=9)
        assert flow[2] == pytest.approx(1.5, abs=1e-12)
        assert flow[3:7].tolist() == [0.0] * 4
        assert flow[7] == pytest.approx(1.5, abs=1e-12)

    def test_a_ban_after_the_licence_holds_what_is_left_of_the_queue(self):
        licence = Licence(by="AUS", review_weeks=3, weeks=3)
        ban = ExportBan(by="AUS", start=3, weeks=2, severity=0.5)
        flow = shipped(ore_and_mill(stock=50.0), licence, ban, weeks=5)
        assert flow.tolist() == [0.0, 0.0, 0.0, 0.5, 0.5]

    def test_a_licence_without_delay_changes_nothing(self):
        licence = Licence(by="AUS", review_weeks=0)
        assert (activity(ore_and_mill(), licence, weeks=8) == 1.0).all(axis=None)

    def test_buyers_learn_from_refusals(self):
        # Half of every order is refused: Brazil gets the larger part once it is qualified.
        licence = Licence(by="AUS", review_weeks=0, refused=0.5)
        draft = two_mines(stock_weeks=50.0, reorder_weeks=1e9, criticality=0.0)
        _, seen = watch(draft.build(), [Scenario("x", licence)], weeks=60)
        australia, brazil, _ = seen["weight"][-1][:, 0]
        # Brazil builds up capacity when orders exceed it, and lets go again: it fills most.
        assert brazil / australia == pytest.approx(2.0, rel=0.1)


class TestBoycott:
    def test_orders_move_in_the_same_week(self):
        draft = two_mines(growth_other=2.0)
        boycott = Boycott(by="JPN", against="AUS", start=1)
        compiled, seen = watch(draft.build(), [Scenario("boycott", boycott)], weeks=2)
        placed = dict(zip(compiled.edges["supplier"], seen["orders"][0][:, 0], strict=True))
        assert placed["ore@AUS"] == 0.0
        assert placed["ore@BRA"] == pytest.approx(1.0, abs=2e-6)

    def test_without_room_elsewhere_only_the_growth_limit_is_moved(self):
        boycott = Boycott(by="JPN", against="AUS")
        compiled, seen = watch(two_mines().build(), [Scenario("boycott", boycott)], weeks=2)
        placed = dict(zip(compiled.edges["supplier"], seen["orders"][0][:, 0], strict=True))
        assert placed["ore@BRA"] == 0.625

    def test_a_ban_is_not_known_beforehand(self):
        _, seen = watch(
            two_mines(growth_other=2.0).build(), [Scenario("b", ExportBan(by="AUS"))], weeks=1
        )
        assert seen["orders"][0][:, 0].tolist() == [0.0, 0.5, 1.0]

    def test_without_switching_orders_stay(self):
        boycott = Boycott(by="JPN", against="AUS")
        _, seen = watch(
            two_mines(growth_other=2.0).build(), [Scenario("b", boycott)], weeks=1, behaviour=STIFF
        )
        assert seen["orders"][0][:, 0].tolist() == [0.0, 0.5, 1.0]

    def test_the_boycotted_site_loses_and_the_other_gains(self):
        boycott = Boycott(by="JPN", against="AUS")
        table = activity(two_mines(growth_other=2.0, stock_weeks=4.0), boycott, weeks=40)
        assert (table["ore@AUS"] == 0.0).all()
        assert table["ore@BRA"].iloc[-1] > 1.8

    def test_a_dormant_supplier_takes_part_once_qualified(self):
        draft = two_mines()
        draft.alternatives = [Alternative("ore@CAN", "mill@JPN", 0.3, qualification=0)]
        draft.flows = [*draft.flows, Flow("ore@CAN", "market:ore@CAN:other_use", 52.0)]
        boycott = Boycott(by="JPN", against="AUS")
        compiled, seen = watch(draft.build(), [Scenario("boycott", boycott)], weeks=1)
        placed = {
            (e.supplier, e.buyer): seen["orders"][0][i, 0] for i, e in compiled.edges.iterrows()
        }
        # Pull 0.5 x reliability 0, 0.5 and 0.3; Brazil may grow by a quarter, Canada to 0.3.
        assert placed["ore@AUS", "mill@JPN"] == 0.0
        assert placed["ore@BRA", "mill@JPN"] == 0.625
        assert placed["ore@CAN", "mill@JPN"] == pytest.approx(0.3, abs=1e-15)

    def test_a_boycott_of_those_one_does_not_buy_from_changes_nothing(self):
        # Canada and the USA could supply the mill: a boycott of one is no reason for the other.
        draft = two_mines()
        others = ("ore@CAN", "ore@USA")
        draft.alternatives = [Alternative(s, "mill@JPN", 0.3, qualification=0) for s in others]
        draft.flows = [*draft.flows, *(Flow(s, f"market:{s}:other_use", 52.0) for s in others)]
        table = activity(draft, Boycott(by="JPN", against="CAN"), weeks=12)
        assert (table == 1.0).all(axis=None)

    def test_a_boycott_is_followed_by_one_of_a_supplier_that_took_over(self):
        draft = two_mines()
        draft.alternatives = [Alternative("ore@CAN", "mill@JPN", 0.3, qualification=0)]
        draft.flows = [*draft.flows, Flow("ore@CAN", "market:ore@CAN:other_use", 52.0)]
        both = [Boycott(by="JPN", against="AUS"), Boycott(by="JPN", against="CAN", start=3)]
        compiled, seen = watch(draft.build(), [Scenario("both", both)], weeks=5)
        canada = [e.supplier == "ore@CAN" and e.dormant for _, e in compiled.edges.iterrows()]
        orders = seen["orders"][:, np.flatnonzero(canada)[0], 0]
        assert (orders[:3] > 0.2).all()
        assert (orders[3:] == 0.0).all()
