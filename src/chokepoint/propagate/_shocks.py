"""Weekly shock arrays of a batch: capacity, allowed flow and licences per lane."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chokepoint.scenario import Effects, FlowEffect, LicenceEffect

__all__ = ["LicencePlan", "ShockPlan"]

FloatArray = NDArray[np.float64]


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
        self.changes = _changes([effect.release for _, effect in given], weeks, before=np.inf)

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
        licences = [(lane, e) for lane, one in enumerate(effects) for e in one.licences]
        self.licences = LicencePlan(licences, lanes=self.lanes, weeks=weeks) if licences else None
        self.first = self._first_week()

    def _first_week(self) -> int:
        """Return the first week in which anything differs from baseline."""
        changes = self.capacity_changes | self.flow_changes
        if self.licences is not None:
            changes = changes | self.licences.changes
        return int(np.argmax(changes)) if changes.any() else self.weeks

    @property
    def nodes_hit(self) -> NDArray[np.intp]:
        """Sites and markets whose capacity or demand an effect changes in any lane."""
        hit = [effect.nodes for _, effect in self._capacity]
        return np.unique(np.concatenate([np.empty(0, dtype=np.intp), *hit]))

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


def _changes(
    profiles: Sequence[FloatArray], weeks: int, *, before: float = 1.0
) -> NDArray[np.bool_]:
    """Return the weeks in which any profile differs from the week before."""
    changed = np.zeros(weeks, dtype=bool)
    for profile in profiles:
        changed |= profile != np.concatenate([[before], profile[:-1]])
    return changed
