"""Weekly shock arrays of a batch: capacity, allowed flow and licences per lane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chokepoint.scenario import Effects, FlowEffect

__all__ = ["LicencePlan", "ShockPlan"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class LicencePlan:
    """Licences of a batch, on the flows that need one in any lane.

    Attributes
    ----------
    edges : array of int (K,)
        Licensed flows.
    release : array (weeks, K, lanes)
        Weekly release as a share of the baseline flow; infinite where none is needed.
    refused, goods_weeks : array (K, lanes)
        Share refused for good, and weeks of goods the exporter holds.
    """

    edges: NDArray[np.intp]
    release: FloatArray
    refused: FloatArray
    goods_weeks: FloatArray


class ShockPlan:
    """The effects of a batch, ready to be read week by week.

    Arrays are rebuilt only in weeks in which some effect changes, so that long quiet
    stretches cost nothing.
    """

    def __init__(
        self, effects: Sequence[Effects], *, n_nodes: int, n_edges: int, weeks: int
    ) -> None:
        self.lanes = len(effects)
        self.weeks = weeks
        self._n_nodes, self._n_edges = n_nodes, n_edges
        self._capacity = [(lane, e) for lane, one in enumerate(effects) for e in one.capacity]
        self._flows = [(lane, e) for lane, one in enumerate(effects) for e in one.flows]
        self.capacity_changes = _changes([e.factor for _, e in self._capacity], weeks)
        self.flow_changes = _changes([e.allowed for _, e in self._flows], weeks)
        self.licences = self._licence_plan(effects)
        self.first = self._first_week()

    def _first_week(self) -> int:
        """Return the first week in which anything differs from baseline."""
        starts = [self.weeks]
        starts += [
            int(np.argmax(e.factor != 1)) for _, e in self._capacity if (e.factor != 1).any()
        ]
        starts += [int(np.argmax(e.allowed != 1)) for _, e in self._flows if (e.allowed != 1).any()]
        if self.licences is not None:
            active = np.isfinite(self.licences.release).any(axis=(1, 2))
            if active.any():
                starts.append(int(np.argmax(active)))
        return min(starts)

    def _licence_plan(self, effects: Sequence[Effects]) -> LicencePlan | None:
        given = [(lane, e) for lane, one in enumerate(effects) for e in one.licences]
        if not given:
            return None
        edges = np.unique(np.concatenate([e.edges for _, e in given]))
        release = np.full((self.weeks, len(edges), self.lanes), np.inf)
        passed = np.ones((len(edges), self.lanes))
        goods = np.zeros((len(edges), self.lanes))
        for lane, effect in given:
            rows = np.searchsorted(edges, effect.edges)
            # Two licences on one flow: the slower release holds, refusals compound.
            slower = np.minimum(release[:, rows, lane], effect.release[:, None])
            release[:, rows, lane] = slower
            passed[rows, lane] *= 1.0 - effect.refused
            goods[rows, lane] = np.maximum(goods[rows, lane], effect.goods_weeks)
        return LicencePlan(edges, release, 1.0 - passed, goods)

    def capacity(self, week: int) -> FloatArray:
        """Return the capacity (site) or demand (market) multiplier, shape (N, lanes)."""
        factor = np.ones((self._n_nodes, self.lanes))
        for lane, effect in self._capacity:
            factor[effect.nodes, lane] *= effect.factor[week]
        return factor

    def allowed(self, week: int) -> FloatArray:
        """Return the allowed share of the baseline flow, shape (E, lanes)."""
        share = np.ones((self._n_edges, self.lanes))
        for lane, effect in self._flows:
            share[effect.edges, lane] *= effect.allowed[week]
        return share

    def redirections(self, week: int) -> list[tuple[int, NDArray[np.intp]]]:
        """Return (lane, flows) of boycotts that tighten in this week."""
        return [
            (lane, effect.edges)
            for lane, effect in self._flows
            if effect.redirect and _tightens(effect, week)
        ]


def _tightens(effect: FlowEffect, week: int) -> bool:
    before = 1.0 if week == 0 else effect.allowed[week - 1]
    return bool(effect.allowed[week] < before)


def _changes(profiles: Sequence[FloatArray], weeks: int) -> NDArray[np.bool_]:
    """Return the weeks in which any profile differs from the week before (1 before week 0)."""
    changed = np.zeros(weeks, dtype=bool)
    for profile in profiles:
        changed |= np.diff(profile, prepend=1.0) != 0
    return changed
