"""Shock plans of a batch and sums by owner."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from chokepoint.propagate import ShockPlan
from chokepoint.propagate._segments import Segments
from chokepoint.scenario import (
    CapacityEffect,
    Effects,
    FlowEffect,
    LicenceEffect,
    RebuildEffect,
    TariffEffect,
)

INF = np.inf


def plan(*effects: Effects, weeks: int = 4) -> ShockPlan:
    return ShockPlan(effects, n_nodes=3, n_edges=4, weeks=weeks)


def capacity(nodes, factor) -> Effects:
    return Effects(capacity=(CapacityEffect(np.array(nodes), np.array(factor)),))


def flow(edges, allowed) -> Effects:
    return Effects(flows=(FlowEffect(np.array(edges), np.array(allowed)),))


def licence(edges, release, refused=0.0, goods=0.0) -> Effects:
    effect = LicenceEffect(np.array(edges), np.array(release), refused, goods)
    return Effects(licences=(effect,))


def test_lanes_are_kept_apart_and_effects_in_one_lane_multiply():
    both = capacity([0, 1], [1.0, 0.5, 0.5, 1.0]) + capacity([1], [1.0, 1.0, 0.5, 1.0])
    shocks = plan(Effects(), both)
    assert shocks.capacity(2).T.tolist() == [[1.0, 1.0, 1.0], [0.5, 0.25, 1.0]]
    assert shocks.capacity_changes.tolist() == [False, True, True, True]
    assert shocks.nodes_hit.tolist() == [0, 1]


def test_the_first_week_is_the_first_in_which_any_lane_is_hit():
    assert plan(Effects()).first == 4
    assert plan(Effects(), flow([0], [1.0, 1.0, 0.0, 0.0])).first == 2
    late, early = capacity([0], [1.0, 1.0, 1.0, 0.0]), licence([1], [INF, 0.0, 0.0, INF])
    assert plan(late, early).first == 1
    assert plan(capacity([0], [1.0, 1.0, 1.0, 1.0])).first == 4


def test_bans_multiply_and_nothing_else_is_touched():
    shocks = plan(flow([1, 2], [0.5] * 4) + flow([2], [0.5] * 4))
    assert shocks.allowed(0)[:, 0].tolist() == [1.0, 0.5, 0.25, 1.0]
    assert shocks.flow_changes.tolist() == [True, False, False, False]


def test_the_slower_of_two_licences_holds_and_refusals_compound_while_both_do():
    one = licence([1], [1.5, 1.5, INF, INF], refused=0.5, goods=2.0)
    other = licence([1, 3], [INF, 0.5, 0.5, INF], refused=0.2, goods=1.0)
    plan_of = plan(Effects(), one + other).licences
    assert plan_of.edges.tolist() == [1, 3]
    assert plan_of.goods_weeks.T.tolist() == [[0.0, 0.0], [2.0, 1.0]]
    terms = [plan_of.terms(week) for week in range(4)]
    assert [release[:, 1].tolist() for release, _ in terms] == [
        [1.5, INF],
        [0.5, 0.5],
        [0.5, 0.5],
        [INF, INF],
    ]
    assert [taken[0, 1] for _, taken in terms] == pytest.approx([0.5, 0.4, 0.8, 1.0])
    assert all(np.isinf(release[:, 0]).all() for release, _ in terms)
    assert plan_of.changes.tolist() == [True, True, True, True]


def test_only_boycotts_that_tighten_redirect():
    boycott = FlowEffect(np.array([0]), np.array([1.0, 0.5, 0.5, 0.2]), redirect=True)
    shocks = plan(Effects(flows=(boycott,)), flow([1], [0.0] * 4))
    found = [[(lane, edges.tolist()) for lane, edges in shocks.redirections(t)] for t in range(4)]
    assert found == [[], [(0, [0])], [], [(0, [0])]]


def detour(edges, allowed, share, extra) -> Effects:
    effect = FlowEffect(
        np.array(edges), np.array(allowed), detour=np.array(share), detour_weeks=extra
    )
    return Effects(flows=(effect,))


def tariff(edges, rate) -> Effects:
    return Effects(tariffs=(TariffEffect(np.array(edges), np.array(rate)),))


def rebuild(nodes, first, markets=(2,), shares=(1.0,), lost=0.5) -> Effects:
    effect = RebuildEffect(
        np.array(nodes), lost, first, 8.0, 100.0, np.array(markets), np.array(shares)
    )
    return Effects(rebuilds=(effect,))


class TestRows:
    """Only what some lane touches."""

    def test_capped_flows_of_all_lanes_and_weeks(self):
        shocks = plan(flow([3], [0.5] * 4), Effects(), flow([1, 3], [1.0, 1.0, 0.2, 1.0]))
        assert shocks.capped_edges.tolist() == [1, 3]
        assert shocks.allowed_rows(0).tolist() == [[1.0, 1.0, 1.0], [0.5, 1.0, 1.0]]
        assert shocks.allowed_rows(2).tolist() == [[1.0, 1.0, 0.2], [0.5, 1.0, 0.2]]
        assert shocks.allowed(2).tolist() == [
            [1.0, 1.0, 1.0],
            [1.0, 1.0, 0.2],
            [1.0, 1.0, 1.0],
            [0.5, 1.0, 0.2],
        ]

    def test_nodes_that_are_hit(self):
        shocks = plan(capacity([2], [0.5] * 4), capacity([0, 2], [0.25] * 4))
        assert shocks.nodes_hit.tolist() == [0, 2]
        assert shocks.capacity_rows(1).tolist() == [[1.0, 0.25], [0.5, 0.25]]

    def test_nothing_at_all(self):
        shocks = plan(Effects(), Effects())
        assert shocks.capped_edges.shape == shocks.nodes_hit.shape == shocks.tariff_edges.shape
        assert shocks.allowed_rows(0).shape == shocks.detour_rows(0).shape == (0, 2)
        assert not shocks.has_detours
        assert shocks.rebuilds is None

    def test_a_plan_needs_no_array_as_long_as_the_chain(self):
        some = [flow([5, 10**9], [0.0] * 4) + capacity([10**9], [0.5] * 4)] * 128
        shocks = ShockPlan(some, n_nodes=2 * 10**9, n_edges=2 * 10**9, weeks=4)
        assert shocks.allowed_rows(1).shape == (2, 128)
        assert shocks.capacity_rows(1).shape == (1, 128)

    @given(data=st.data())
    def test_effects_on_one_thing_multiply_whatever_their_order(self, data):
        lanes = [data.draw(st.integers(0, 3)) for _ in range(3)]
        share = st.sampled_from([0.0, 0.3, 0.7, 1.0, 1.3])
        hit = st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True)
        drawn = [
            [(data.draw(hit), data.draw(st.lists(share, min_size=4, max_size=4))) for _ in range(n)]
            for n in lanes
        ]
        shocks = plan(*(sum((flow(e, p) for e, p in one), Effects()) for one in drawn))
        for week in range(4):
            expected = np.ones((4, 3))
            for lane, one in enumerate(drawn):
                for edges, path in one:
                    for edge in edges:
                        expected[edge, lane] *= path[week]
            assert np.array_equal(shocks.allowed(week), expected)

    def test_a_lane_is_the_same_beside_any_others(self):
        one = flow([0, 2], [0.1, 0.3, 0.7, 0.9]) + flow([2], [0.7, 0.1, 0.3, 0.2])
        one += flow([2], [0.3, 0.3, 0.1, 0.1])
        other = flow([1, 2], [0.9] * 4) + flow([1], [0.3] * 4)
        alone, beside = plan(one), plan(other, one, other)
        for week in range(4):
            assert np.array_equal(alone.allowed(week)[:, 0], beside.allowed(week)[:, 1])


class TestDetours:
    def test_by_flow_week_and_lane(self):
        shocks = plan(
            flow([0], [0.5] * 4), detour([0, 1], [0.0] * 4, [0.0, 0.0, 0.3, 0.3], 5), Effects()
        )
        assert shocks.has_detours
        assert shocks.detour_rows(1).tolist() == [[0.0] * 3, [0.0] * 3]
        assert shocks.detour_rows(2).tolist() == [[0.0, 0.3, 0.0], [0.0, 0.3, 0.0]]
        assert shocks.detour(2)[:, 1].tolist() == [0.3, 0.3, 0.0, 0.0]
        assert shocks.detour_weeks.tolist() == [[0, 5, 0], [0, 5, 0]]
        # The opening of a detour is a change, though the cap stays.
        assert shocks.flow_changes.tolist() == [True, False, True, False]

    def test_the_widest_holds_and_none_is_wider_than_what_is_stopped(self):
        both = detour([0], [0.5] * 4, [0.1] * 4, 2) + detour([0], [0.8] * 4, [0.2] * 4, 1)
        assert plan(both).detour_rows(0).tolist() == [[0.2]]
        assert plan(both).detour_weeks.tolist() == [[2]]
        assert plan(detour([0], [0.7] * 4, [0.9] * 4, 0)).detour_rows(0) == pytest.approx(0.3)
        raised = detour([0], [1.5] * 4, [0.9] * 4, 0)
        assert plan(raised).detour_rows(0).tolist() == [[0.0]]

    def test_a_detour_that_never_opens_is_none(self):
        assert not plan(detour([0], [0.0] * 4, [0.0] * 4, 3)).has_detours


class TestTariffs:
    def test_they_add_up_and_change_nothing_else(self):
        both = tariff([1, 3], [0.0, 0.25, 0.25, 0.0]) + tariff([3], [0.1] * 4)
        shocks = plan(Effects(), both)
        assert shocks.tariff_edges.tolist() == [1, 3]
        assert shocks.tariff_rows(1).tolist() == [[0.0, 0.25], [0.0, 0.35]]
        assert shocks.tariff_changes.tolist() == [True, True, False, True]
        assert shocks.first == 4
        assert not len(shocks.capped_edges)


class TestRebuilds:
    def test_entries_name_lanes_sites_and_markets(self):
        one, two = rebuild([0], 2), rebuild([0, 1], 1, markets=(1, 2), shares=(0.4, 0.6))
        plan_of = plan(one, Effects(), two + one).rebuilds
        assert plan_of.lane.tolist() == [0, 2, 2]
        assert plan_of.first.tolist() == [2, 1, 2]
        assert plan_of.nodes.tolist() == [0, 0, 1, 0]
        assert plan_of.node_entry.tolist() == [0, 1, 1, 2]
        assert plan_of.markets.tolist() == [2, 1, 2, 2]
        assert plan_of.market_entry.tolist() == [0, 1, 1, 2]
        assert plan_of.shares.tolist() == [1.0, 0.4, 0.6, 1.0]
        assert plan_of.damage.tolist() == [100.0] * 3
        assert plan_of.weeks.tolist() == [8.0] * 3

    def test_sites_and_markets_count_as_hit_from_the_first_week_of_rebuilding(self):
        shocks = plan(rebuild([0], 2))
        assert shocks.nodes_hit.tolist() == [0, 2]
        assert shocks.first == 2
        # What rebuilding does depends on the run.
        assert shocks.capacity_rows(3).tolist() == [[1.0], [1.0]]

    def test_rebuilding_beyond_the_horizon_changes_nothing(self):
        assert plan(rebuild([0], 9)).first == 4


class TestSegments:
    @pytest.mark.parametrize("owner", [[0, 0, 2, 2, 2], [2, 0, 2, 0, 2]])
    def test_reductions_by_owner(self, owner):
        values = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0], [5.0, 50.0]])
        segments = Segments(np.array(owner), 4)
        rows = {i: values[np.array(owner) == i] for i in range(4)}
        assert segments.add(values).tolist() == [list(rows[i].sum(axis=0)) for i in range(4)]
        assert segments.minimum(values).tolist() == [
            list(rows[i].min(axis=0)) if len(rows[i]) else [INF, INF] for i in range(4)
        ]
        assert segments.maximum(values).tolist() == [
            list(rows[i].max(axis=0)) if len(rows[i]) else [-INF, -INF] for i in range(4)
        ]

    def test_no_rows_at_all(self):
        segments = Segments(np.empty(0, dtype=np.intp), 2)
        assert segments.add(np.empty((0, 3))).tolist() == [[0.0] * 3] * 2

    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    def test_a_sum_does_not_depend_on_the_other_lanes(self, dtype):
        rng = np.random.default_rng(4)
        owner = np.sort(rng.integers(0, 5, 400))
        values = rng.normal(size=(400, 37)).astype(dtype)
        together = Segments(owner, 5).add(values)
        assert together.dtype == dtype
        for lane in range(37):
            alone = Segments(owner, 5).add(np.ascontiguousarray(values[:, lane : lane + 1]))
            assert np.array_equal(together[:, lane], alone[:, 0])
