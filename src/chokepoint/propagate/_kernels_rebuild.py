"""Rebuilding beside the compiled loops: a few entries, so NumPy on the rows that are touched."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate import _kernels_arrays as arrays
from chokepoint.propagate._compile import CompiledChain
from chokepoint.propagate._kernels_arrays import ROUNDING
from chokepoint.propagate._shocks import ShockPlan

__all__ = ["Rebuilding"]

Array = NDArray[np.floating]


class Rebuilding:
    """Damage left, one entry per event and lane; steps 2 and 11 as in the NumPy engine."""

    def __init__(
        self, chain: CompiledChain, shocks: ShockPlan, dtype: np.dtype[np.floating]
    ) -> None:
        assert shocks.rebuilds is not None
        self._shocks, self._plan = shocks, shocks.rebuilds
        plan = self._plan
        self._damage = plan.damage.astype(dtype)
        self._left = self._damage.copy()
        self._lost = plan.lost.astype(dtype)
        rows = shocks.nodes_hit
        self._site = (np.searchsorted(rows, plan.nodes), plan.lane[plan.node_entry])
        self._market_lane = plan.lane[plan.market_entry]
        self._market = (np.searchsorted(rows, plan.markets), self._market_lane)
        column = np.minimum(self._market_lane, chain.final_value.shape[1] - 1)
        value = chain.final_value[plan.markets, column]
        weekly = plan.shares / plan.weeks[plan.market_entry]
        # A market without value can deliver nothing.
        self._weekly = np.where(value > 0.0, weekly, 0.0).astype(dtype)
        per_value = np.divide(weekly, value, out=np.zeros_like(weekly), where=value > 0.0)
        self._per_value = per_value.astype(dtype)
        self._given = np.ones((len(rows), shocks.lanes), dtype=dtype)

    def start(self, week: int) -> tuple[Array, Array]:
        """Return capacity and extra demand of the touched rows in a week."""
        plan = self._plan
        if self._shocks.capacity_changes[week]:
            self._given = self._shocks.capacity_rows(week).astype(self._given.dtype)
        self._open = np.where(plan.first <= week, self._left, self._left.dtype.type(0.0))
        factor = 1.0 - self._lost * self._open / self._damage
        capacity = self._given.copy()
        np.multiply.at(capacity, self._site, factor[plan.node_entry])
        extra = np.zeros_like(capacity)
        np.add.at(extra, self._market, self._per_value * self._open[plan.market_entry])
        return capacity, extra

    def finish(self, site: NDArray[Any]) -> None:
        """Take off the damage what the markets got for it."""
        plan = self._plan
        demand = site[plan.markets, arrays.DESIRED, self._market_lane]
        output = site[plan.markets, arrays.OUTPUT, self._market_lane]
        missing = np.maximum(demand - output, 0.0)
        missing = np.divide(
            missing, 1.0 + demand, out=np.zeros_like(missing), where=1.0 + demand > 0.0
        )
        got = self._weekly * self._open[plan.market_entry] * (1.0 - missing)
        left = self._left.copy()
        np.subtract.at(left, plan.market_entry, got)
        self._left = np.where(left > ROUNDING * self._damage, left, left.dtype.type(0.0))
