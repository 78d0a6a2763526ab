"""Shock plans of a batch and sums by owner."""

from __future__ import annotations

import numpy as np
import pytest

from chokepoint.propagate import ShockPlan
from chokepoint.propagate._segments import Segments
from chokepoint.scenario import CapacityEffect, Effects, FlowEffect, LicenceEffect

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
