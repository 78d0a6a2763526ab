"""Orders, supplier switching, growth limits and ramp-up, week by week."""

from __future__ import annotations

import numpy as np
import pytest
from propagate._chains import Alternative, Draft, Flow, line
from propagate._play import STIFF, activity, watch

from chokepoint.errors import OptionError
from chokepoint.propagate import Behaviour, simulate
from chokepoint.scenario import Boycott, DemandShift, ExportBan, Outage, Scenario

SWITCHING = Behaviour(ramp=False)


def two_mines(
    *, share: float = 0.5, growth: float = 0.25, qualification: float = 4.0, **columns: float
) -> Draft:
    """A Japanese mill with ore from Australia and Brazil, which has ample capacity."""
    flows = [
        Flow("ore@AUS", "mill@JPN", 52.0 * (1.0 - share)),
        Flow("ore@BRA", "mill@JPN", 52.0 * share, growth=growth),
        Flow("ore@BRA", "market:ore@BRA:other_use", 520.0),
        Flow("mill@JPN", "market:mill@JPN", 52.0),
    ]
    slot = {"stock_weeks": 2.0, "qualification_weeks": qualification} | columns
    return Draft(flows, slots={("mill@JPN", "ore"): slot})


def ore(
    draft: Draft, what: str, *events, weeks: int, behaviour: Behaviour
) -> dict[str, np.ndarray]:
    """Return a weekly quantity of the flows of ore to the mill, by supplier."""
    scenario = Scenario("some", events)
    compiled, seen = watch(draft.build(), [scenario], weeks=weeks, behaviour=behaviour)
    rows = compiled.edges[compiled.edges["buyer"] == "mill@JPN"]
    return {row.supplier: seen[what][:, i, 0] for i, row in rows.iterrows()}


class TestSwitching:
    def test_shares_move_at_the_stated_speed(self):
        # Australia's reliability f falls by a quarter a week; Brazil's new share is 1 / (1 + f).
        behaviour = Behaviour(ramp=False, memory=0.25, speed=0.5)
        draft = two_mines(qualification=0.0)
        weights = ore(draft, "weight", ExportBan(by="AUS"), weeks=2, behaviour=behaviour)
        first = 0.5 + 0.5 * (1 / 1.75 - 0.5)
        second = first + 0.5 * (1 / 1.5625 - first)
        # Brazil cannot quite fill the larger order, which costs it some reliability.
        assert weights["ore@BRA"][0] == pytest.approx(first, abs=1e-15)
        assert weights["ore@BRA"][1] == pytest.approx(second, abs=5e-4)

    def test_a_small_loss_does_not_trigger_it(self):
        small, large = (ExportBan(by="AUS", severity=s) for s in (0.19, 0.21))
        draft = two_mines()
        still = ore(draft, "weight", small, weeks=1, behaviour=SWITCHING)
        moved = ore(draft, "weight", large, weeks=1, behaviour=SWITCHING)
        assert still["ore@BRA"].tolist() == [0.5]
        assert moved["ore@BRA"][0] > 0.5

    @pytest.mark.parametrize("mines", [1, 3, 7, 10])
    def test_a_loss_of_just_the_trigger_is_no_trigger(self, mines):
        # A tenth is missing and the trigger is a tenth: not more than it, however sums round.
        flows = [Flow(f"ore@A{i:02}", "mill@JPN", 5.2 + 0.7 * i) for i in range(mines)]
        draft = Draft([*flows, Flow("mill@JPN", "market:mill@JPN", 52.0)])
        ban = ExportBan(by=[f"A{i:02}" for i in range(mines)], severity=0.1)
        _, seen = watch(draft.build(), [Scenario("ban", ban)], weeks=1)
        assert (seen["weight"][-1] == seen["weight"][0]).all()
        assert (seen["weight"][0][:mines, 0] == watch_shares(draft)[:mines]).all()

    def test_growth_beyond_the_limit_waits_for_qualification(self):
        # Stock is ample and never binds, so the mill orders its need. Triggered in week 0,
        # qualified in week 4.
        ample = {"stock_weeks": 50.0, "reorder_weeks": 1e9, "criticality": 0.0}
        draft = two_mines(qualification=4.0, **ample)
        behaviour = Behaviour(ramp=False, speed=1.0, memory=1.0)
        orders = ore(draft, "orders", ExportBan(by="AUS"), weeks=8, behaviour=behaviour)
        assert orders["ore@BRA"] == pytest.approx([0.5, *[0.625] * 4, 1.0, 1.0, 1.0], abs=2e-6)

    def test_a_dormant_supplier_waits_for_qualification_and_keeps_to_its_share(self):
        draft = two_mines(growth=0.0, qualification=9.0, stock_weeks=50.0, reorder_weeks=1e9)
        draft.flows = [*draft.flows, Flow("ore@CAN", "market:ore@CAN:other_use", 520.0)]
        draft.alternatives = [Alternative("ore@CAN", "mill@JPN", 0.25, qualification=2.0)]
        behaviour = Behaviour(ramp=False, speed=1.0, memory=1.0)
        orders = ore(draft, "orders", ExportBan(by="AUS"), weeks=6, behaviour=behaviour)
        assert orders["ore@CAN"] == pytest.approx([0.0] * 3 + [0.25] * 3, abs=1e-7)
        assert orders["ore@BRA"] == pytest.approx(0.5, abs=1e-7)

    def test_what_exceeds_a_limit_goes_to_suppliers_with_room(self):
        # Twelve mines of falling reliability: each round of filling takes one more to its limit.
        growths = [0.02 * (i + 1) for i in range(12)]
        flows = [Flow(f"ore@A{i:02}", "mill@JPN", 13.0, growth=g) for i, g in enumerate(growths)]
        flows += [
            Flow("ore@ZZZ", "mill@JPN", 39.0, growth=0.0),
            Flow("mill@JPN", "market:mill@JPN", 52.0),
        ]
        slot = {"stock_weeks": 50.0, "reorder_weeks": 1e9, "qualification_weeks": 99.0}
        draft = Draft(flows, slots={("mill@JPN", "ore"): slot})
        behaviour = Behaviour(ramp=False, speed=1.0, memory=1.0)
        ban = ExportBan(by="ZZZ", severity=0.6)
        weights = ore(draft, "weight", ban, weeks=1, behaviour=behaviour)
        # 39/195 of the slot at reliability 0.4; together the others may grow by 13 per cent.
        assert sum(weight[0] for weight in weights.values()) == pytest.approx(1.0, abs=1e-12)

    def test_an_idle_site_supplies_nothing(self):
        # Its output is 0, so there is no capacity that a share could be taken of.
        draft = two_mines(growth=0.0)
        draft.alternatives = [Alternative("ore@CAN", "mill@JPN", 1.0, qualification=0.0)]
        orders = ore(draft, "orders", ExportBan(by="AUS"), weeks=9, behaviour=Behaviour())
        assert (orders["ore@CAN"] == 0.0).all()

    def test_a_buyer_whose_only_supplier_fails_keeps_ordering(self):
        draft = line("ore@AUS", "mill@JPN", "market:mill@JPN", stock=0)
        behaviour = Behaviour(ramp=False, memory=1.0, speed=1.0)
        out = Scenario("out", Outage(products="ore", weeks=3))
        _, seen = watch(draft.build(), [out], weeks=5, behaviour=behaviour)
        assert seen["weight"][:, 0, 0] == pytest.approx(1.0, abs=1e-15)

    def test_switching_off_keeps_the_shares(self):
        weights = ore(two_mines(), "weight", ExportBan(by="AUS"), weeks=9, behaviour=STIFF)
        assert (weights["ore@BRA"] == 0.5).all()

    def test_buyers_come_back_after_a_ban(self):
        draft = two_mines(qualification=0.0)
        ban = ExportBan(by="AUS", weeks=8)
        weights = ore(draft, "weight", ban, weeks=60, behaviour=SWITCHING)["ore@AUS"]
        assert weights[7] < 0.3
        assert weights[-1] == pytest.approx(0.5, abs=1e-3)

    def test_nobody_moves_orders_of_what_is_pushed(self):
        # A boycott is told to the buyer, but by-products come as they fall off.
        flows = [
            Flow("magnet@JPN", "market:magnet@JPN", 30.0),
            Flow("magnet@AUS", "market:magnet@JPN", 22.0),
            Flow("swarf@JPN", "renewed@USA", 5.0),
            Flow("swarf@AUS", "renewed@USA", 5.0),
            Flow("renewed@USA", "market:renewed@USA", 10.0),
        ]
        byproducts = {"magnet@JPN": ["swarf@JPN"], "magnet@AUS": ["swarf@AUS"]}
        draft = Draft(flows, byproducts_of=byproducts)
        boycott = Boycott(by="USA", against="JPN", start=1)
        compiled, seen = watch(draft.build(), [Scenario("boycott", boycott)], weeks=9)
        rows = [i for i, row in compiled.edges.iterrows() if row.buyer == "renewed@USA"]
        weights = seen["weight"][:, rows, 0]
        assert (weights == weights[0]).all()


class TestDiscount:
    """China boycotts American beans and may not buy more from Brazil; Germany buys from both."""

    def weights(self, discount: float, *, trigger: float = 0.1, weeks: int = 2) -> np.ndarray:
        """Return the share of American beans in German orders at the end of each week."""
        flows = [
            Flow("bean@USA", "oil@CHN", 26.0),
            Flow("bean@BRA", "oil@CHN", 26.0, growth=0.0),
            Flow("bean@USA", "oil@DEU", 26.0, growth=2.0),
            Flow("bean@BRA", "oil@DEU", 26.0, growth=2.0),
            Flow("oil@CHN", "market:oil@CHN", 52.0),
            Flow("oil@DEU", "market:oil@DEU", 52.0),
        ]
        ample = {"stock_weeks": 50.0, "reorder_weeks": 1e9, "criticality": 0.0,
                 "qualification_weeks": 99.0}  # fmt: skip
        slots = {("oil@CHN", "bean"): ample, ("oil@DEU", "bean"): ample}
        behaviour = Behaviour(ramp=False, speed=1.0, memory=1.0, discount=discount, trigger=trigger)
        boycott = Boycott(by="CHN", against="USA", products="bean")
        compiled, seen = watch(
            Draft(flows, slots=slots).build(),
            [Scenario("boycott", boycott)],
            weeks=weeks,
            behaviour=behaviour,
        )
        row = compiled.edges.query("supplier == 'bean@USA' and buyer == 'oil@DEU'").index[0]
        return seen["weight"][:, row, 0]

    def test_shunned_goods_draw_buyers_who_are_not_short(self):
        # Half of American sales are gone: they count for 1 + 2 / 2 = 2 beside Brazil's 1. A week
        # later a third is idle in America and a sixth in Brazil: 5/3 beside 4/3.
        assert self.weights(2.0) == pytest.approx([2 / 3, 5 / 9], abs=1e-12)

    def test_without_it_only_a_shortage_moves_orders(self):
        assert self.weights(0.0).tolist() == [0.5, 0.5]

    def test_a_gain_of_less_than_the_trigger_moves_nothing(self):
        assert self.weights(0.19).tolist() == [0.5, 0.5]
        assert self.weights(0.21)[0] > 0.5
        assert self.weights(0.19, trigger=0.05)[0] > 0.5

    @pytest.mark.parametrize("discount", [-0.1, np.inf, np.nan])
    def test_only_numbers_from_zero_on(self, discount):
        with pytest.raises(OptionError, match="discount must be a number >= 0"):
            Behaviour(discount=discount)


def watch_shares(draft: Draft) -> np.ndarray:
    """Return the baseline shares of all flows."""
    compiled, _ = watch(draft.build(), [Scenario("fall", DemandShift(change=-0.1))], weeks=1)
    return compiled.sigma[:, 0]


class TestOrders:
    def test_a_gap_in_the_position_is_reordered_over_the_stated_weeks(self):
        # Nothing arrives in week 0's order: the position is one week short, a quarter is reordered.
        draft = line("ore@AUS", "mill@JPN", "market:mill@JPN", stock=9, reorder_weeks=4.0)
        ban = ExportBan(by="AUS", weeks=1)
        _, seen = watch(draft.build(), [Scenario("ban", ban)], weeks=3, behaviour=STIFF)
        assert seen["order"][0, 0, 0] == 0.25
        # The growth limit lets it pass, the mine's capacity does not.
        assert seen["orders"][1, 0, 0] == 1.25
        assert seen["shipped"][1, 0, 0] == 1.0

    def test_catching_up_stays_within_the_growth_limit(self):
        draft = two_mines(growth=0.1, stock_weeks=9.0, reorder_weeks=1.0)
        ban = ExportBan(by="AUS", weeks=3)
        orders = ore(draft, "orders", ban, weeks=4, behaviour=STIFF)
        assert orders["ore@BRA"][1:] == pytest.approx(0.55, abs=1e-15)
        assert orders["ore@AUS"][3] == pytest.approx(0.625, abs=1e-15)

    def test_frozen_orders_never_change(self):
        frozen = Behaviour(switching=False, ramp=False, frozen_orders=True)
        draft = two_mines(stock_weeks=9.0)
        ban = ExportBan(by="AUS", weeks=3)
        orders = ore(draft, "orders", ban, weeks=9, behaviour=frozen)
        assert (orders["ore@BRA"] == 0.5).all()

    def test_less_demand_travels_upstream_one_week_a_stage(self):
        draft = line("ore@AUS", "mill@JPN", "car@JPN", "market:car@JPN", stock=4)
        fall = DemandShift(change=-0.2)
        table = activity(draft, fall, weeks=6, behaviour=STIFF)
        first = {name: int(np.argmax(table[name] < 1.0)) for name in table}
        assert first == {"market:car@JPN": 0, "car@JPN": 1, "mill@JPN": 2, "ore@AUS": 3}
        assert table["car@JPN"].tolist() == [1.0, *[0.8] * 5]

    def test_more_demand_is_met_as_far_as_capacity_goes(self):
        draft = line("ore@AUS", "mill@JPN", "market:mill@JPN", stock=4)
        table = activity(draft, DemandShift(change=0.2), weeks=8, behaviour=STIFF)
        assert (table["market:mill@JPN"] == 1.0).all()


class TestRamp:
    def test_capacity_grows_with_scarcity_and_falls_back(self):
        draft = line("ore@AUS", "mill@JPN", "market:mill@JPN", stock=0, criticality=0.0)
        draft.sites = {"mill@JPN": {"ramp_max": 1.5, "ramp_weeks": 2.0}}
        more = DemandShift(change=0.25, weeks=2)
        compiled, seen = watch(
            draft.build(), [Scenario("more", more)], weeks=4, behaviour=Behaviour(switching=False)
        )
        mill = list(compiled.nodes.index).index("mill@JPN")
        # Orders follow in week 1: a fifth of 1.25 is missing, so capacity moves by 0.5 x 0.2 / 2;
        # in week 2, at 1.05, 0.16 is missing; in week 3 demand is back and half the rest goes.
        second = 1.05 + 0.45 * 0.16 / 2
        expected = [1.0, 1.05, second, 1.0 + (second - 1.0) / 2]
        assert seen["ramp"][:, mill, 0] == pytest.approx(expected, abs=1e-15)
        assert seen["output"][:, mill, 0] == pytest.approx([0.0, 0.0, 0.05, 0.0], abs=1e-15)

    def test_capacity_stays_between_baseline_and_its_maximum(self):
        draft = line("ore@AUS", "mill@JPN", "market:mill@JPN", stock=0, criticality=0.0)
        draft.sites = {"mill@JPN": {"ramp_max": 1.5, "ramp_weeks": 0.1}}
        more = DemandShift(change=1.0, weeks=20)
        compiled, seen = watch(draft.build(), [Scenario("more", more)], weeks=40)
        mill = list(compiled.nodes.index).index("mill@JPN")
        assert seen["ramp"][:, mill].max() <= 1.5
        assert seen["ramp"][:, mill].min() >= 1.0

    def test_ramp_applies_to_what_an_outage_leaves(self):
        draft = line("ore@AUS", "mill@JPN", "market:mill@JPN", stock=0, criticality=0.0)
        draft.sites = {"mill@JPN": {"ramp_max": 2.0, "ramp_weeks": 1.0}}
        out = Outage(products="mill", severity=0.5)
        weeks = activity(draft, out, weeks=3, behaviour=Behaviour(switching=False))["mill@JPN"]
        # Half is missing, so capacity moves half the way to 2: 0.5 x 1.5.
        assert weeks.tolist()[:2] == [0.5, 0.75]

    def test_off(self):
        draft = line("ore@AUS", "mill@JPN", "market:mill@JPN", stock=0, criticality=0.0)
        chain = draft.build()
        outcome = simulate(chain, Scenario("m", DemandShift(change=1.0)), behaviour=STIFF, weeks=9)
        assert (outcome.activity == 1.0).all()
