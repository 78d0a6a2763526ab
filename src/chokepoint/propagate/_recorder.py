"""What is kept of a run: every site and week, or sums by country."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.propagate._compile import CompiledChain
from chokepoint.propagate._segments import Segments
from chokepoint.propagate._shocks import ShockPlan

__all__ = ["CountryRecorder", "Recorded", "SiteRecorder"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Recorded:
    """Weekly results of some lanes, lane first.

    Attributes
    ----------
    loss, unmet : array (lanes, weeks, countries)
        Value added lost and final demand unmet [USD million per week].
    worst : array (lanes, weeks, countries)
        Lowest deviation of output of any end-sector site; 0 where there is none.
    activity : array (lanes, weeks, nodes) or None
        Output over baseline of every node.
    wanted : array (lanes, weeks, nodes or 1) or None
        Demand of a market over baseline; one column of ones where demand never changes.
    value_added, final_value : array (lanes, nodes) or None
        Baseline values of the nodes in these lanes [USD million per week].
    """

    loss: FloatArray
    unmet: FloatArray
    worst: FloatArray
    activity: FloatArray | None = None
    wanted: FloatArray | None = None
    value_added: FloatArray | None = None
    final_value: FloatArray | None = None


class CountryRecorder:
    """Keep sums by country: memory does not depend on the number of sites."""

    def __init__(self, chain: CompiledChain, shocks: ShockPlan) -> None:
        codes, countries = pd.factorize(chain.nodes["country"], sort=True)
        self._by_country = Segments(codes.astype(np.intp), len(countries))
        ends = np.flatnonzero(chain.end_sector)
        self._ends = ends
        self._ends_by_country = Segments(codes[ends].astype(np.intp), len(countries))
        followed = chain.nodes["sector"].ne("other_use").to_numpy()[:, None]
        self._value_added = chain.value_added
        self._final_value = np.where(followed, chain.final_value, 0.0)
        self._shocks = shocks
        self._wanted = np.zeros((chain.n_nodes, 1))
        shape = (shocks.lanes, shocks.weeks, len(countries))
        self._loss, self._unmet, self._worst = (np.zeros(shape) for _ in range(3))

    def __call__(self, week: int, x: NDArray[np.floating]) -> None:
        """Record the deviations `x` (nodes, lanes) of one week."""
        if self._shocks.capacity_changes[week]:
            # Only markets have a final value, and theirs is the multiplier of demand.
            self._wanted = self._shocks.capacity(week) - 1.0
        x = x.astype(np.float64)
        self._loss[:, week] = self._by_country.add(-x * self._value_added).T
        missing = (self._wanted - x) * self._final_value
        self._unmet[:, week] = self._by_country.add(missing).T
        if len(self._ends):
            lowest = self._ends_by_country.minimum(x[self._ends])
            self._worst[:, week] = np.where(np.isfinite(lowest), lowest, 0.0).T

    def result(self) -> Recorded:
        """Return what was kept; minus zero is written as zero."""
        return Recorded(self._loss + 0.0, self._unmet + 0.0, self._worst + 0.0)


class SiteRecorder(CountryRecorder):
    """Keep the activity of every node as well."""

    def __init__(self, chain: CompiledChain, shocks: ShockPlan) -> None:
        super().__init__(chain, shocks)
        size = (shocks.lanes, shocks.weeks)
        self._activity = np.ones((*size, chain.n_nodes))
        columns = chain.n_nodes if chain.is_market[shocks.nodes_hit].any() else 1
        self._wanted_level = np.ones((*size, columns))

    def __call__(self, week: int, x: NDArray[np.floating]) -> None:
        """Record the deviations `x` (nodes, lanes) of one week."""
        super().__call__(week, x)
        self._activity[:, week] = 1.0 + x.T.astype(np.float64)
        if self._wanted_level.shape[2] > 1:
            self._wanted_level[:, week] = 1.0 + self._wanted.T

    def result(self) -> Recorded:
        """Return what was kept."""
        sums = super().result()
        shape = (self._activity.shape[2], self._activity.shape[0])
        return Recorded(
            sums.loss,
            sums.unmet,
            sums.worst,
            self._activity,
            self._wanted_level,
            np.broadcast_to(self._value_added, shape).T,
            np.broadcast_to(self._final_value, shape).T,
        )
