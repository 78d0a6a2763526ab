"""Step 2: caps on flows, and the detours round them, as they stand in a week."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate._shocks import ShockPlan
from chokepoint.propagate._steps._arrays import Array
from chokepoint.propagate._steps._numbers import Numbers

__all__ = ["Caps"]

IntArray = NDArray[np.intp]


class Caps:
    r"""Caps :math:`m_e \sigma_e` on the flows that are capped in any lane (M rows).

    Attributes
    ----------
    edges : array of int (M,)
        Capped flows, sorted.
    active : bool
        Whether any cap is in force this week.
    cap : array (M, lanes)
        Largest order as a share of the slot; infinite where no cap is in force.
    trusted : array (M, lanes)
        Share of the baseline flow that a buyer can count on, detour included: at most 1.
    detour : array (M, lanes)
        Most that may be ordered on the detour, as a share of the slot.
    detour_lead : array of int (M, lanes)
        Weeks that goods take on the detour.
    """

    cap: Array
    trusted: Array
    detour: Array

    def __init__(self, numbers: Numbers, shocks: ShockPlan) -> None:
        self._numbers, self._shocks = numbers, shocks
        self.edges = shocks.capped_edges
        self.index = numbers.arrays.plain(self.edges)
        self.active = False
        self.has_detours = shocks.has_detours
        lead = numbers.chain.lead[self.edges].astype(np.intp)
        self.detour_lead = lead[:, None] + shocks.detour_weeks
        self._sigma = numbers.chain.sigma[self.edges]
        self._cap = np.empty((0, shocks.lanes))

    def read(self, week: int) -> None:
        """Read the caps of a week in which they change."""
        number = self._numbers.arrays.number
        allowed = self._shocks.allowed_rows(week)
        self._cap = np.where(allowed < 1.0, allowed * self._sigma, np.inf)
        self.active = bool((allowed < 1.0).any())
        self.cap = number(self._cap)
        trusted = np.minimum(allowed, 1.0)
        if self.has_detours:
            detour = self._shocks.detour_rows(week)
            trusted = np.minimum(trusted + detour, 1.0)
            self.detour = number(detour * self._sigma)
        self.trusted = number(trusted)

    def on(self, edges: IntArray) -> Array:
        """Return the caps on other flows, infinite where there is none."""
        caps = np.full((len(edges), self._shocks.lanes), np.inf)
        if self.active:
            _, here, there = np.intersect1d(edges, self.edges, return_indices=True)
            caps[here] = self._cap[there]
        return self._numbers.arrays.number(caps)
