"""Thrift, decay without a service, waiting demand, finished goods, rebuilding: by hand."""

from __future__ import annotations

import numpy as np
import pytest
from propagate._chains import Draft, Flow, line
from propagate._engines import ENGINES, Run, run

from chokepoint.propagate import Behaviour
from chokepoint.scenario import CapacityEffect, Effects, FlowEffect, RebuildEffect

STIFF = Behaviour(switching=False, ramp=False)
pytestmark = pytest.mark.parametrize("engine", ENGINES)


def cut(draft: Draft, label: str, factor: list[float]) -> Effects:
    nodes = list(draft.build().nodes.index)
    return Effects(capacity=(CapacityEffect(np.array([nodes.index(label)]), np.array(factor)),))


def stop(draft: Draft, supplier: str, allowed: list[float], **detour) -> Effects:
    edges = draft.build().edges
    rows = np.flatnonzero(edges["supplier"].eq(supplier))
    return Effects(flows=(FlowEffect(rows, np.array(allowed), **detour),))


def play(engine: str, draft: Draft, what: Effects, weeks: int, how: Behaviour = STIFF) -> Run:
    return run(engine, draft.build(), [what], weeks=weeks, behaviour=how)


def row(seen: Run, label: str, name: str = "output") -> list[float]:
    """Return levels of a site or market by week."""
    nodes = list(seen.chain.nodes.index)
    return (1.0 + seen.seen[name][:, nodes.index(label), 0]).tolist()


class TestThrift:
    def draft(self, **columns) -> Draft:
        slot = {"stock": 1.0, "thrift_weekly": 0.2, "thrift_floor": 0.6} | columns
        return line("gas@RUS", "glass@DEU", "market:glass@DEU", **slot)

    def test_a_full_shortage_saves_the_stated_share_down_to_the_floor(self, engine):
        draft = self.draft(stock=40.0)
        seen = play(engine, draft, stop(draft, "gas@RUS", [0.0] * 5), 5)
        # Shortage is felt from week 0, use falls from week 1: 1, 0.8, 0.64, then the floor.
        used = 1.0 + seen.used[:, 0, 0]
        assert used == pytest.approx([1.0, 0.8, 0.64, 0.6, 0.6], abs=1e-14)
        assert row(seen, "glass@DEU") == [1.0] * 5

    def test_half_a_shortage_saves_half(self, engine):
        draft = self.draft(stock=40.0, reorder_weeks=1e9)
        seen = play(engine, draft, stop(draft, "gas@RUS", [0.5] * 2), 2)
        assert 1.0 + seen.used[1, 0, 0] == pytest.approx(0.9, abs=1e-9)

    def test_what_is_left_goes_further(self, engine):
        # Of the first order 0.3 is missing, which saves a fifth of that: 0.7 makes 0.7 / 0.94.
        draft = self.draft(stock=0.0, thrift_floor=0.01)
        seen = play(engine, draft, stop(draft, "gas@RUS", [0.7] * 2), 2)
        assert row(seen, "glass@DEU") == pytest.approx([1.0, 0.7 / 0.94], abs=1e-14)

    def test_savings_last(self, engine):
        draft = self.draft(stock=9.0)
        seen = play(engine, draft, stop(draft, "gas@RUS", [0.0] * 2 + [1.0] * 28), 30)
        assert 1.0 + seen.used[-1, 0, 0] == pytest.approx(0.64, abs=1e-12)
        assert row(seen, "glass@DEU") == [1.0] * 30


class TestDecay:
    def draft(self, **columns) -> Draft:
        slot = {"decay_weekly": 0.1, "repair_weeks": 4.0, "criticality": 0.0} | columns
        draft = line("service@NLD", "fab@CHN", "market:fab@CHN", **{"stock": 0.0} | slot)
        draft.services = ("service",)
        return draft

    def test_capacity_is_lost_without_service_and_repaired_with_it(self, engine):
        draft = self.draft()
        seen = play(engine, draft, stop(draft, "service@NLD", [0.0] * 3 + [1.0] * 5), 8)
        # Missing from week 1 (a week on the way) to week 3; felt one week later each.
        expected = [1.0, 1.0, 0.9, 0.81, 0.729]
        for _ in range(3):
            expected.append(expected[-1] + (1.0 - expected[-1]) / 4.0)
        assert row(seen, "fab@CHN") == pytest.approx(expected, abs=1e-14)

    def test_half_a_service_keeps_half(self, engine):
        draft = self.draft()
        seen = play(engine, draft, stop(draft, "service@NLD", [0.5] * 4), 4)
        expected = [1.0, 1.0, 0.95, 0.95**2]
        assert row(seen, "fab@CHN") == pytest.approx(expected, abs=1e-14)

    def test_maintenance_does_not_fall_with_output(self, engine):
        draft = self.draft()
        seen = play(engine, draft, cut(draft, "fab@CHN", [0.2] * 4), 4)
        assert (seen.used[:, 0, 0] == 0.0).all()
        assert seen.ordered[:, 0, 0].tolist() == [1.0] * 4

    def test_a_worn_site_is_not_worn_by_more_service_than_it_needs(self, engine):
        # Stored spare parts: nothing decays while they last.
        draft = self.draft(stock=2.0)
        draft.services = ()
        draft.slots = {
            key: {**dict(value), "stock_weeks": 2.0} for key, value in draft.slots.items()
        }
        seen = play(engine, draft, stop(draft, "service@NLD", [0.0] * 6), 6)
        assert row(seen, "fab@CHN") == pytest.approx([1, 1, 1, 1, 0.9, 0.81], abs=1e-14)


class TestMarkets:
    def draft(self, **columns) -> Draft:
        draft = line("ore@AUS", "mill@JPN", "market:mill@JPN", stock=0.0, criticality=0.0)
        draft.markets = {"market:mill@JPN": columns}
        draft.sites = {"mill@JPN": {"ramp_max": 1.0}}
        return draft

    def test_half_of_what_is_missing_waits(self, engine):
        draft = self.draft(backlog_share=0.5)
        seen = play(engine, draft, cut(draft, "mill@JPN", [0.0, 1.0, 1.0, 1.0]), 4)
        # Week 1: nothing arrives; half of it is wanted again in week 2, in full supply a quarter
        # of what is still missing is left a week later.
        assert row(seen, "market:mill@JPN", "wanted") == pytest.approx([1, 1, 1.5, 1.25])
        assert row(seen, "market:mill@JPN") == pytest.approx([1, 0, 1, 1])

    def test_finished_goods_bridge_a_stop_and_are_filled_again(self, engine):
        draft = self.draft(stock_weeks=1.5, reorder_weeks=2.0)
        seen = play(engine, draft, cut(draft, "mill@JPN", [0.0, 0.0, 1.0, 1.0, 1.0]), 5)
        assert row(seen, "market:mill@JPN") == pytest.approx([1, 1, 0.5, 1, 1])
        slot = list(seen.chain.group_buyer).index(
            list(seen.chain.nodes.index).index("market:mill@JPN")
        )
        assert seen.stock[:, slot, 0] == pytest.approx([1.5, 0.5, 0, 0, 0])
        # A gap of one week in the position after the first week is ordered over two.
        market = np.flatnonzero(seen.chain.edge_group == slot)[0]
        assert seen.ordered[1, market, 0] == pytest.approx(1.25)  # the growth limit of 1.5


class TestRebuild:
    def draft(self) -> Draft:
        return Draft(
            flows=[
                Flow("steel@JPN", "market:steel@JPN", 52.0),
                Flow("mill@JPN", "market:mill@JPN", 52.0),
            ],
            sites={"steel@JPN": {"ramp_max": 1.0}},
        )

    def effect(self, draft: Draft, weeks: int, spare: float = 1.0, **changes) -> Effects:
        nodes = list(draft.build().nodes.index)
        steel = nodes.index("steel@JPN")
        how = {
            "nodes": np.array([nodes.index("mill@JPN")]),
            "lost": 0.5,
            "first": 1,
            "weeks": 4.0,
            "damage": 2.0,
            "markets": np.array([nodes.index("market:steel@JPN")]),
            "shares": np.array([1.0]),
        }
        capacity = CapacityEffect(np.array([steel]), np.full(weeks, spare))
        return Effects(capacity=(capacity,), rebuilds=(RebuildEffect(**how | changes),))

    def test_damage_is_ordered_from_markets_and_capacity_returns_as_it_is_delivered(self, engine):
        # Steel is sold at USD 1 million a week. Damage 2 over 4 weeks: half a week of steel.
        draft = self.draft()
        seen = play(engine, draft, self.effect(draft, 5), 5)
        wanted = row(seen, "market:steel@JPN", "wanted")
        # Steel makes no more than at baseline, which ordinary and rebuild demand share:
        # of the half, a third of it each week: 0.5 / 1.5.
        left = [2.0, 2.0]
        for _ in range(3):
            asks = left[-1] / 4.0
            left.append(left[-1] - asks / (1.0 + asks))
        assert wanted == pytest.approx([1.0, *(1.0 + some / 4.0 for some in left[1:])], abs=1e-12)
        expected = [1.0, *(1.0 - 0.5 * some / 2.0 for some in left[1:])]
        assert row(seen, "mill@JPN") == pytest.approx(expected, abs=1e-12)
        assert row(seen, "market:steel@JPN") == pytest.approx([1.0] * 5, abs=1e-12)

    def test_nothing_is_rebuilt_where_nothing_is_delivered(self, engine):
        draft = self.draft()
        what = self.effect(draft, 6, spare=0.0, first=2)
        seen = play(engine, draft, what, 6)
        assert row(seen, "mill@JPN") == [1.0, 1.0, 0.5, 0.5, 0.5, 0.5]

    def test_a_waiting_market_does_not_ask_twice_for_rebuilding(self, engine):
        draft = self.draft()
        draft.markets = {"market:steel@JPN": {"backlog_share": 1.0}}
        seen = play(engine, draft, self.effect(draft, 3), 3)
        # Of 1 + 0.5 wanted in week 1, a third is not served: 1/3 of ordinary demand waits, and
        # 1.5 + 1/6 of the damage is left.
        left = 2.0 - 0.5 / 1.5
        assert row(seen, "market:steel@JPN", "wanted")[2] == pytest.approx(
            1.0 + 1.0 / 3.0 + left / 4.0, abs=1e-12
        )


class TestDetour:
    def draft(self) -> Draft:
        return line("ore@CHN", "mill@JPN", "market:mill@JPN", lead=1, stock=0.0)

    def test_it_opens_after_its_lag_keeps_to_its_cap_and_takes_longer(self, engine):
        draft = self.draft()
        way = np.array([0.0, 0.0, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3])
        what = stop(draft, "ore@CHN", [0.0] * 8, detour=way, detour_weeks=2)
        how = Behaviour(switching=False, ramp=False, frozen_orders=True)
        seen = play(engine, draft, what, 8, how)
        assert seen.detoured[:, 0, 0] == pytest.approx([0, 0, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3])
        # Week 2 plus a lead of one and two more: 0.3 from week 5 on.
        assert row(seen, "mill@JPN") == pytest.approx([1, 0, 0, 0, 0, 0.3, 0.3, 0.3], abs=1e-15)
        assert row(seen, "ore@CHN") == pytest.approx([0, 0, *[0.3] * 6], abs=1e-15)

    def test_only_what_the_cap_stops_goes_round_it(self, engine):
        draft = self.draft()
        what = stop(draft, "ore@CHN", [0.9] * 3, detour=np.full(3, 0.1))
        how = Behaviour(switching=False, ramp=False, frozen_orders=True)
        seen = play(engine, draft, what, 3, how)
        assert seen.shipped[:, 0, 0] == pytest.approx(0.9)
        assert seen.detoured[:, 0, 0] == pytest.approx(0.1)
        assert row(seen, "mill@JPN") == pytest.approx([1.0] * 3)

    def test_by_products_that_nobody_orders_take_it_too(self, engine):
        draft = Draft(
            flows=[
                Flow("nd@JPN", "magnet@JPN", 100.0),
                Flow("magnet@JPN", "market:magnet@JPN", 80.0),
                Flow("swarf@JPN", "renewed@CHN", 20.0),
                Flow("renewed@CHN", "market:renewed@CHN", 10.0),
            ],
            byproducts_of={"magnet@JPN": ["swarf@JPN"]},
        )
        what = stop(draft, "swarf@JPN", [0.2] * 3, detour=np.array([0.0, 0.5, 0.5]))
        half = cut(draft, "magnet@JPN", [1.0, 1.0, 0.5])
        seen = play(engine, draft, what + half, 3)
        edges = seen.chain.edges
        swarf = list(edges["supplier"]).index("swarf@JPN")
        # In week 2 half of the swarf is there: a fifth of the flow passes, 0.3 goes round.
        assert seen.shipped[:, swarf, 0] == pytest.approx([0.2, 0.2, 0.2])
        assert seen.detoured[:, swarf, 0] == pytest.approx([0.0, 0.5, 0.3])

    def test_a_supplier_that_delivers_round_the_cap_is_trusted_for_it(self, engine):
        draft = Draft(
            flows=[
                Flow("ore@AUS", "mill@JPN", 26.0, growth=9.0),
                Flow("ore@BRA", "mill@JPN", 26.0, growth=9.0),
                Flow("mill@JPN", "market:mill@JPN", 52.0),
            ],
            slots={
                ("mill@JPN", "ore"): {
                    "stock_weeks": 50.0, "reorder_weeks": 1e9, "criticality": 0.0,
                    "qualification_weeks": 0.0,
                }
            },
        )  # fmt: skip
        half = stop(draft, "ore@AUS", [0.0, 1.0], detour=np.array([0.5, 0.0]))
        how = Behaviour(ramp=False, memory=1.0, speed=1.0)
        seen = play(engine, draft, half, 2, how)
        # Australia delivered half of its flow: shares go as 0.5 x 0.5 to 0.5.
        assert seen.ordered[1, :2, 0] == pytest.approx([1 / 3, 2 / 3], abs=1e-6)

    def test_a_boycott_of_by_products_moves_no_orders(self, engine):
        # Scrap of two countries is pushed to one recycler: nobody can order more of either.
        draft = Draft(
            flows=[
                Flow(f"{product}@{country}", buyer, 20.0, growth=9.0)
                for country in ("JPN", "USA")
                for product, buyer in [
                    ("magnet", f"market:magnet@{country}"),
                    ("swarf", "renewed@CHN"),
                ]
            ]
            + [Flow("renewed@CHN", "market:renewed@CHN", 10.0)],
            byproducts_of={f"magnet@{c}": [f"swarf@{c}"] for c in ("JPN", "USA")},
        )
        edges = draft.build().edges
        japanese = np.flatnonzero(edges["supplier"].eq("swarf@JPN"))
        boycott = FlowEffect(japanese, np.full(3, 0.5), redirect=True)
        seen = play(engine, draft, Effects(flows=(boycott,)), 3, Behaviour())
        pushed = np.flatnonzero(edges["buyer"].eq("renewed@CHN"))
        expected = [0.25 if e in japanese else 0.5 for e in pushed]
        assert seen.ordered[2, pushed, 0] == pytest.approx(expected)
        assert seen.shipped[2, pushed, 0] == pytest.approx(expected)
