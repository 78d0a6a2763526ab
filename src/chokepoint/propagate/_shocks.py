"""Weekly shock arrays of a batch: capacity, allowed flow, detours, licences, tariffs, rebuilding.

Two ways to read them: whole arrays (`capacity`, `allowed`), or only the rows that some lane
touches (`nodes_hit` with `capacity_rows`, `capped_edges` with `allowed_rows`), which is what a
fast engine wants.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate._touched import TouchedRows, changes, joined
from chokepoint.scenario import Effects, FlowEffect, LicenceEffect, RebuildEffect

__all__ = ["LicencePlan", "RebuildPlan", "ShockPlan"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]


class LicencePlan:
    """Licences of a batch, on the flows that need one in any lane.

    Attributes
    ----------
    edges : array of int (K,)
        Licensed flows.
    goods_weeks : array (K, lanes)
        Weeks of goods the exporter holds while papers wait.
    changes : array of bool (weeks,)
        Weeks in which the terms differ from those of the week before.
    """

    def __init__(
        self, given: Sequence[tuple[int, LicenceEffect]], *, lanes: int, weeks: int
    ) -> None:
        self.edges = np.unique(np.concatenate([effect.edges for _, effect in given]))
        self._given = [
            (lane, np.searchsorted(self.edges, effect.edges), effect) for lane, effect in given
        ]
        self._weeks, self._shape = weeks, (len(self.edges), lanes)
        self.goods_weeks = np.zeros(self._shape)
        for lane, rows, effect in self._given:
            longest = np.maximum(self.goods_weeks[rows, lane], effect.goods_weeks)
            self.goods_weeks[rows, lane] = longest
        self.changes = changes([effect.release for _, effect in given], weeks, before=np.inf)

    def terms(self, week: int) -> tuple[FloatArray, FloatArray]:
        """Return the release per week and the share of orders accepted, shape (K, lanes).

        The release is a share of the baseline flow, infinite where no licence is needed. Of two
        licences on one flow the slower release holds, and refusals compound.
        """
        release, accepted = np.full(self._shape, np.inf), np.ones(self._shape)
        for lane, rows, effect in self._given:
            if np.isfinite(effect.release[week]):
                release[rows, lane] = np.minimum(release[rows, lane], effect.release[week])
                accepted[rows, lane] *= 1.0 - effect.refused
        return release, accepted

    @property
    def release(self) -> FloatArray:
        """Release of all weeks, shape (weeks, K, lanes)."""
        return np.stack([self.terms(week)[0] for week in range(self._weeks)])


class RebuildPlan:
    """Rebuilding in a batch: one entry per event and lane, sites and markets in long lists.

    While an entry ``m`` has `left[m]` of its damage to rebuild, from week ``first[m]`` on: the
    capacity of ``nodes[p]`` in lane ``lane[node_entry[p]]`` is multiplied by ``1 - lost * left /
    damage`` of its entry, and market ``markets[q]`` wants ``shares[q] * left / weeks`` of its
    entry [USD million per week at baseline prices] beyond its own demand.

    Attributes
    ----------
    lane, first : array of int (M,)
        Lane and first week of each entry.
    lost, weeks, damage : array (M,)
        Share of capacity lost, time constant [weeks], damage [USD million].
    nodes, node_entry : array of int (P,)
        Damaged sites and the entry of each.
    markets, market_entry : array of int (Q,)
        Markets that deliver and the entry of each.
    shares : array (Q,)
        Shares of the damage; they add up to 1 within an entry.
    """

    def __init__(self, given: Sequence[tuple[int, RebuildEffect]]) -> None:
        effects = [effect for _, effect in given]
        entries = np.arange(len(given))
        self.lane = np.array([lane for lane, _ in given], dtype=np.intp)
        self.first = np.array([effect.first for effect in effects], dtype=np.intp)
        self.lost = np.array([effect.lost for effect in effects], dtype=float)
        self.weeks = np.array([effect.weeks for effect in effects], dtype=float)
        self.damage = np.array([effect.damage for effect in effects], dtype=float)
        self.nodes = joined([effect.nodes for effect in effects])
        self.node_entry = np.repeat(entries, [len(effect.nodes) for effect in effects])
        self.markets = joined([effect.markets for effect in effects])
        self.market_entry = np.repeat(entries, [len(effect.markets) for effect in effects])
        self.shares = np.concatenate([np.asarray(e.shares, dtype=float) for e in effects])


class _FlowRows(NamedTuple):
    """The caps of a batch on the flows that are capped in any lane."""

    edges: IntArray
    allowed: TouchedRows
    detour: TouchedRows
    detour_weeks: IntArray


class ShockPlan:
    """The effects of a batch, ready to be read week by week.

    Arrays need rebuilding only in weeks in which some effect changes, so that long quiet
    stretches cost nothing.

    Attributes
    ----------
    lanes, weeks : int
        Number of scenarios and of weeks.
    capacity_changes, flow_changes, tariff_changes : array of bool (weeks,)
        Weeks in which capacity, caps (or detours) or tariffs differ from the week before.
    nodes_hit : array of int
        Sites and markets whose capacity or demand an effect changes in any lane, sorted;
        those that are rebuilt, and the markets that deliver to it, are among them.
    capped_edges, tariff_edges : array of int
        Flows with a cap, and with a tariff, in any lane, sorted.
    has_detours : bool
        Whether any flow may take a detour in any lane and week.
    detour_weeks : array of int (capped_edges, lanes)
        Weeks that a detour takes beyond the lead of the flow.
    licences : LicencePlan or None
        Licences, if there are any.
    rebuilds : RebuildPlan or None
        Rebuilding, if there is any.
    first : int
        First week in which anything but a tariff differs from baseline; `weeks` if none.
    """

    def __init__(
        self, effects: Sequence[Effects], *, n_nodes: int, n_edges: int, weeks: int
    ) -> None:
        self.lanes = len(effects)
        self.weeks = weeks
        self._n_nodes, self._n_edges = n_nodes, n_edges
        self._flows = [(lane, e) for lane, one in enumerate(effects) for e in one.flows]
        licences = [(lane, e) for lane, one in enumerate(effects) for e in one.licences]
        self.licences = LicencePlan(licences, lanes=self.lanes, weeks=weeks) if licences else None
        rebuilds = [(lane, e) for lane, one in enumerate(effects) for e in one.rebuilds]
        self.rebuilds = RebuildPlan(rebuilds) if rebuilds else None
        self._plan_capacity(effects)
        self._plan_flows()
        self._plan_tariffs(effects)
        self.first = self._first_week()

    def _plan_capacity(self, effects: Sequence[Effects]) -> None:
        given = [
            (lane, e.nodes, e.factor) for lane, one in enumerate(effects) for e in one.capacity
        ]
        hit = [nodes for _, nodes, _ in given]
        if self.rebuilds is not None:
            hit += [self.rebuilds.nodes, self.rebuilds.markets]
        self.nodes_hit = np.unique(joined(hit))
        self._capacity = TouchedRows(given, self.nodes_hit, lanes=self.lanes, neutral=1.0)
        self.capacity_changes = changes([factor for _, _, factor in given], self.weeks)

    def _plan_flows(self) -> None:
        edges = np.unique(joined([effect.edges for _, effect in self._flows]))
        allowed = [(lane, effect.edges, effect.allowed) for lane, effect in self._flows]
        detours = [
            (lane, effect.edges, effect.detour)
            for lane, effect in self._flows
            if effect.detour is not None
        ]
        longest = np.zeros((len(edges), self.lanes), dtype=np.intp)
        for lane, effect in self._flows:
            if effect.detour is not None:
                rows = np.searchsorted(edges, effect.edges)
                longest[rows, lane] = np.maximum(longest[rows, lane], effect.detour_weeks)
        self._caps = _FlowRows(
            edges,
            TouchedRows(allowed, edges, lanes=self.lanes, neutral=1.0),
            TouchedRows(detours, edges, lanes=self.lanes, neutral=0.0),
            longest,
        )
        self.has_detours = any(bool((profile > 0).any()) for _, _, profile in detours)
        self.flow_changes = changes([profile for _, _, profile in allowed], self.weeks)
        self.flow_changes |= changes([profile for _, _, profile in detours], self.weeks, before=0.0)

    def _plan_tariffs(self, effects: Sequence[Effects]) -> None:
        given = [(lane, e.edges, e.rate) for lane, one in enumerate(effects) for e in one.tariffs]
        self.tariff_edges = np.unique(joined([edges for _, edges, _ in given]))
        self._tariffs = TouchedRows(given, self.tariff_edges, lanes=self.lanes, neutral=0.0)
        self.tariff_changes = changes([rate for _, _, rate in given], self.weeks, before=0.0)

    def _first_week(self) -> int:
        """Return the first week in which anything differs from baseline."""
        differs = self.capacity_changes | self.flow_changes
        if self.licences is not None:
            differs |= self.licences.changes
        if self.rebuilds is not None:
            differs[self.rebuilds.first[self.rebuilds.first < self.weeks]] = True
        return int(np.argmax(differs)) if differs.any() else self.weeks

    @property
    def capped_edges(self) -> IntArray:
        """Flows with a cap in any lane and week, sorted."""
        return self._caps.edges

    @property
    def detour_weeks(self) -> IntArray:
        """Weeks that a detour takes beyond the lead of the flow, shape (capped_edges, lanes)."""
        return self._caps.detour_weeks

    def capacity_rows(self, week: int) -> FloatArray:
        """Return the capacity or demand multiplier of `nodes_hit`, shape (K, lanes).

        Without what rebuilding does: that depends on the run.
        """
        return self._capacity.at(week, np.multiply)

    def allowed_rows(self, week: int) -> FloatArray:
        """Return the allowed share of the baseline flow on `capped_edges`, shape (K, lanes)."""
        return self._caps.allowed.at(week, np.multiply)

    def detour_rows(self, week: int) -> FloatArray:
        """Return the share of the baseline flow that may pass round the cap, shape (K, lanes).

        Of several detours of one flow the widest holds, and none is wider than what is stopped.
        """
        widest = self._caps.detour.at(week, np.maximum)
        return np.minimum(widest, 1.0 - np.minimum(self.allowed_rows(week), 1.0))

    def tariff_rows(self, week: int) -> FloatArray:
        """Return the tariff on `tariff_edges` as a share of the value, shape (K, lanes)."""
        return self._tariffs.at(week, np.add)

    def capacity(self, week: int) -> FloatArray:
        """Return the capacity (site) or demand (market) multiplier, shape (N, lanes)."""
        factor = np.ones((self._n_nodes, self.lanes))
        factor[self.nodes_hit] = self.capacity_rows(week)
        return factor

    def allowed(self, week: int) -> FloatArray:
        """Return the allowed share of the baseline flow, shape (E, lanes)."""
        share = np.ones((self._n_edges, self.lanes))
        share[self.capped_edges] = self.allowed_rows(week)
        return share

    def detour(self, week: int) -> FloatArray:
        """Return the share of the baseline flow that may take a detour, shape (E, lanes)."""
        share = np.zeros((self._n_edges, self.lanes))
        share[self.capped_edges] = self.detour_rows(week)
        return share

    def redirections(self, week: int) -> list[tuple[int, IntArray]]:
        """Return (lane, flows) of boycotts that tighten in this week."""
        return [
            (lane, np.asarray(effect.edges, dtype=np.intp))
            for lane, effect in self._flows
            if effect.redirect and _tightens(effect, week)
        ]


def _tightens(effect: FlowEffect, week: int) -> bool:
    before = 1.0 if week == 0 else effect.allowed[week - 1]
    return bool(effect.allowed[week] < before)
