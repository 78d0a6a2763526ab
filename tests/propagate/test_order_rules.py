"""What an order replaces, whom it goes to and when ramp-up sees it: computed on paper."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from propagate._chains import Draft, Flow, line
from propagate._engines import run

from chokepoint.errors import OptionError
from chokepoint.propagate import Behaviour
from chokepoint.scenario import DemandShift, ExportBan, Outage, Scenario

STIFF = {"switching": False, "ramp": False}
ORE = 0


def seen_of(draft, *events, weeks, **settings):
    """Return labels of sites and markets, and what was seen, by week, row and lane."""
    chain = draft.build()
    effects = [Scenario("some", events).effects(chain, weeks)]
    only = ("output", "asked", "ordered")
    behaviour = Behaviour(**settings)
    seen = run("numpy", chain, effects, weeks=weeks, behaviour=behaviour, only=only).seen
    return list(chain.nodes.index), seen


class TestOrderRule:
    @pytest.mark.parametrize(
        ("rule", "starving"), [("use", 0.0), ("desired", 1.0), ("realised", -1.0)]
    )
    def test_what_a_starved_slot_orders(self, rule, starving):
        """The position falls by a week each week; in week 3 nothing is left to use.

        From then on it stays 3 weeks short, which are reordered over 3 weeks. Use is -1, what is
        needed 0, what was made -1, and a target of 3 weeks of nothing leaves no gap.
        """
        draft = line("ore@AUS", "mill@JPN", "market:mill@JPN", stock=2, reorder_weeks=3.0)
        _, seen = seen_of(draft, ExportBan(by="AUS"), weeks=7, order_rule=rule, **STIFF)
        expected = [0.0, 1 / 3, 2 / 3, 1.0, *[starving] * 3]
        assert seen["asked"][:, ORE, 0] - 1.0 == pytest.approx(expected, abs=1e-14)

    def test_a_slot_that_can_stop_its_buyer_reorders_in_time_to_start_it_again(self):
        """Ten weeks in the table, but the whole position is 3: the gap alone is a full order."""
        draft = line("ore@AUS", "mill@JPN", "market:mill@JPN", stock=2, reorder_weeks=10.0)
        stop = ExportBan(by="AUS", weeks=9)
        names, seen = seen_of(draft, stop, weeks=60, **STIFF)
        made = seen["output"][:, names.index("mill@JPN"), 0]
        # Starved, it orders 3/3. What leaves in week 9 lets it run in week 10; the gap of 2 weeks
        # that is left when it still stands still is an order of 2/3 for the week after.
        assert made[:12] == pytest.approx([*[0.0] * 3, *[-1.0] * 7, 0.0, -1 / 3], abs=1e-14)
        assert made[40:] == pytest.approx(0.0, abs=1e-6)
        # A slot that stops nothing takes the weeks of the table.
        idle = line("ore@AUS", "mill@JPN", "market:mill@JPN", stock=2, reorder_weeks=10.0,
                    criticality=0.0)  # fmt: skip
        _, seen = seen_of(idle, stop, weeks=2, **STIFF)
        assert seen["asked"][1, ORE, 0] == pytest.approx(1.1, abs=1e-15)

    @pytest.mark.parametrize(
        ("rule", "order"), [("use", -0.5), ("desired", -1.0), ("realised", -1.0)]
    )
    def test_what_is_too_much_in_stock(self, rule, order):
        """Demand halves: half a week is too much in stock, and the target falls by 1.5 weeks.

        Two weeks are to go over 3: less than use, only where both signs of a gap count.
        """
        draft = line("ore@AUS", "mill@JPN", "market:mill@JPN", stock=2, reorder_weeks=3.0)
        fall = DemandShift(change=-0.5)
        _, seen = seen_of(draft, fall, weeks=3, order_rule=rule, **STIFF)
        assert seen["asked"][:, ORE, 0] - 1.0 == pytest.approx([0.0, 0.0, order], abs=1e-15)

    def test_what_was_not_made_is_wished_only_by_the_desired_rule(self):
        """Half of the mill is out: it wishes to make half. Power is out: it wishes to make all."""
        draft = Draft(
            [
                Flow("ore@AUS", "mill@JPN"),
                Flow("power@JPN", "mill@JPN"),
                Flow("mill@JPN", "market:mill@JPN"),
            ],
            slots={("mill@JPN", "ore"): {"stock_weeks": 2.0, "reorder_weeks": 3.0}},
            services=("power",),
        )
        halved = Outage(products="power", severity=0.5, weeks=1)
        found = {}
        for rule in ("desired", "realised"):
            _, seen = seen_of(draft, halved, weeks=3, order_rule=rule, **STIFF)
            found[rule] = seen["asked"][2, ORE, 0] - 1.0
        # Power that left in week 0 is missing in week 1: ore worth half a week is left over.
        # Desired: 0 - 0.5/3. Realised: -0.5 + (-1.5 - 0.5)/3, and not below -1.
        assert found == pytest.approx({"desired": -1 / 6, "realised": -1.0}, abs=1e-15)

    @pytest.mark.parametrize("rule", ["use", "desired", "realised"])
    def test_markets_and_services_are_ordered_for_what_is_wanted(self, rule):
        """An order for what came about would never recover from the stop in week 1."""
        draft = line("power@JPN", "mill@JPN", "market:mill@JPN")
        draft.services = ("power",)
        stop = Outage(products="power", start=1, weeks=1)
        names, seen = seen_of(draft, stop, weeks=6, order_rule=rule, **STIFF)
        assert (seen["asked"] == 1.0).all()
        served = seen["output"][:, names.index("market:mill@JPN"), 0]
        assert served.tolist() == [0.0, 0.0, 0.0, -1.0, 0.0, 0.0]

    def test_thrift_and_upkeep_lower_what_is_wished(self):
        slots = {
            ("mill@JPN", "ore"): {"stock_weeks": 0.0, "thrift_weekly": 0.5, "thrift_floor": 0.2,
                                  "criticality": 0.9, "reorder_weeks": 1.0},
            ("mill@JPN", "oil"): {"stock_weeks": 0.0, "decay_weekly": 0.1, "criticality": 0.0,
                                  "reorder_weeks": 1e9},
        }  # fmt: skip
        flows = [
            Flow("ore@AUS", "mill@JPN"),
            Flow("oil@JPN", "mill@JPN"),
            Flow("mill@JPN", "market:mill@JPN"),
        ]
        halved = Outage(products="ore", severity=0.5, weeks=1)
        draft = Draft(flows, slots=slots)
        names, seen = seen_of(draft, halved, weeks=3, order_rule="desired", **STIFF)
        # Half comes: a quarter of the use is saved for good, in week 0 already when it orders.
        # The position is half a week short of a week less a quarter.
        assert seen["asked"][1, ORE, 0] == pytest.approx(0.75 + 0.25, abs=1e-15)
        assert (seen["asked"][:, 1, 0] == 1.0).all()
        # In week 1 half a week of ore is two thirds of what is needed; nine tenths depend on it.
        made = 0.1 + 0.9 * 0.5 / 0.75
        assert 1.0 + seen["output"][1, names.index("mill@JPN"), 0] == pytest.approx(made)


class TestScarcity:
    @pytest.fixture
    def draft(self):
        draft = line("ore@AUS", "mill@JPN", "market:mill@JPN", stock=0, criticality=0.0)
        draft.sites = {"mill@JPN": {"ramp_max": 1.5, "ramp_weeks": 2.0}}
        return draft

    def output(self, draft, start, scarcity):
        more = DemandShift(change=0.25, start=start)
        names, seen = seen_of(draft, more, weeks=6, switching=False, scarcity=scarcity)
        return seen["output"][:, names.index("mill@JPN"), 0].tolist()

    def test_demand_of_this_week_against_output_of_the_last(self, draft):
        # A fifth of 1.25 is missing in week 3: capacity moves by 0.5 x 0.2 / 2, then by
        # 0.45 x 0.16 / 2.
        late, soon = (self.output(draft, 2, one) for one in ("this_week", "last_output"))
        assert late == pytest.approx([0.0, 0.0, 0.0, 0.0, 0.05, 0.086], abs=1e-15)
        assert soon[:5] == pytest.approx([0.0, 0.0, 0.0, 0.05, 0.086], abs=1e-15)

    def test_both_signs_count_early(self, draft):
        """In week 3 demand is a fifth below the output of week 2, which takes capacity down."""
        draft.sites = {"mill@JPN": {"ramp_max": 1.5, "ramp_weeks": 1.0}}
        events = [DemandShift(change=0.25, weeks=2), DemandShift(change=0.1, start=2)]
        found = {}
        for scarcity in ("this_week", "last_output"):
            names, seen = seen_of(draft, *events, weeks=5, switching=False, scarcity=scarcity)
            found[scarcity] = seen["output"][:, names.index("mill@JPN"), 0]
        # Week 2: a fifth of 1.25 is missing, capacity 1 + 0.5 x 0.2 = 1.1. Week 3: demand is 1.1
        # and so was output, so that capacity falls back to 1 and a tenth is not made.
        assert found["last_output"][:4] == pytest.approx([0.0, 0.0, 0.1, 0.0], abs=1e-14)
        # Seen in the same week, week 1 moved capacity to 1.1 and week 2 to 1.1 + 0.4 x 0.12.
        assert found["this_week"][:4] == pytest.approx([0.0, 0.0, 0.1, 0.1], abs=1e-14)

    def test_the_first_two_weeks_move_nothing(self, draft):
        # The extra orders come in week 1, which is too early to count.
        assert self.output(draft, 0, "last_output")[:3] == pytest.approx([0, 0, 0.05], abs=1e-15)


class TestSharesByCapacity:
    SETTINGS: ClassVar = {"order_shares": "capacity", **STIFF}

    def two_mines(self):
        slots = {("mill@JPN", "ore"): {"criticality": 0.0, "reorder_weeks": 1e12}}
        return Draft(
            [
                Flow("ore@AUS", "mill@JPN", 26.0, growth=9.0),
                Flow("ore@BRA", "mill@JPN", 26.0, growth=9.0),
                Flow("mill@JPN", "market:mill@JPN", 26.0),
                Flow("mill@KOR", "market:mill@JPN", 26.0),
                Flow("mill@JPN", "market:mill@USA", 26.0),
            ],
            slots=slots,
        )

    def test_orders_go_where_capacity_is(self):
        out = Outage(country="AUS", severity=0.6, start=1, weeks=2)
        _, seen = seen_of(self.two_mines(), out, weeks=5, **self.SETTINGS)
        # Written at the end of weeks 1 and 2, in the outage: 0.5 x 0.4 and 0.5 of 0.7.
        expected = [[0.5, 0.5], [0.5, 0.5], [2 / 7, 5 / 7], [2 / 7, 5 / 7], [0.5, 0.5]]
        assert seen["ordered"][:, :2, 0] == pytest.approx(np.array(expected), abs=1e-9)

    def test_limits_still_hold(self):
        draft = self.two_mines()
        draft.flows = [Flow(f.supplier, f.buyer, f.quantity, growth=0.25) for f in draft.flows]
        out = Outage(country="AUS", severity=0.6)
        _, seen = seen_of(draft, out, weeks=2, **self.SETTINGS)
        assert seen["ordered"][1, :2, 0] == pytest.approx([2 / 7, 0.625], abs=1e-9)

    def test_markets_keep_their_shares(self):
        out = Outage(products="mill", country="KOR", severity=0.6)
        _, seen = seen_of(self.two_mines(), out, weeks=3, **self.SETTINGS)
        assert (seen["ordered"][:, 2:, 0] == seen["ordered"][0, 2:, 0]).all()

    def test_a_slot_that_nobody_can_supply_keeps_its_shares(self):
        _, seen = seen_of(self.two_mines(), Outage(products="ore"), weeks=3, **self.SETTINGS)
        assert seen["ordered"][:, :2, 0] == pytest.approx(0.5, abs=1e-9)

    def test_ramp_counts_as_capacity(self):
        draft = self.two_mines()
        draft.sites = {"ore@AUS": {"ramp_max": 1.5, "ramp_weeks": 1.0}}
        out = Outage(country="AUS", severity=0.5)
        settings = {"order_shares": "capacity", "switching": False}
        _, seen = seen_of(draft, out, weeks=2, **settings)
        # Half is missing: the ramp moves by 0.5 x 0.5 to 1.25, and capacity to 0.625.
        expected = [0.625 / 1.625, 1 / 1.625]
        assert seen["ordered"][1, :2, 0] == pytest.approx(expected, abs=1e-9)


class TestSettings:
    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("rationing", "first_come"),
            ("order_rule", "used"),
            ("order_shares", "alt"),
            ("scarcity", "next_week"),
        ],
    )
    def test_a_choice_that_there_is_not(self, option, value):
        with pytest.raises(OptionError, match=f"{option} must be one of .*'{value}'"):
            Behaviour(**{option: value})

    def test_shares_by_capacity_take_the_place_of_switching(self):
        with pytest.raises(OptionError, match="switching=False"):
            Behaviour(order_shares="capacity")
        assert not Behaviour(order_shares="capacity", switching=False).switching

    def test_one_alliance_may_be_named_without_a_list(self):
        assert Behaviour(alliances="EU27").alliances == ("EU27",)
        assert Behaviour(alliances=["EU27", "NATO"]).alliances == ("EU27", "NATO")
        assert Behaviour().alliances is None
