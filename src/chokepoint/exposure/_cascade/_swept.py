"""Losses of any shocks in networks of any size, from sweeps over the firms.

Upstream losses reach nearly all firms, so they are swept for many shocks at once. Downstream a
shock that touches few firms is followed link by link, and only larger ones are swept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chokepoint.exposure._cascade._iterate import downstream_sweeps, upstream_sweeps
from chokepoint.exposure._cascade._network import FirmNetwork
from chokepoint.exposure._cascade._solvers import PASSED_ON, PUSHED, Shocks, weighed

__all__ = ["Swept"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# What the sweeps leave out of an upstream loss, as a share of a firm's output.
_SETTLED = 1e-10


@dataclass(frozen=True)
class Swept:
    """Any shock, any size."""

    network: FirmNetwork
    weight: FloatArray
    replaceability: bool
    cases_per_block: int = 32

    @property
    def settings(self) -> tuple[object, ...]:
        """See `Solver`."""
        return ("sweeps", self.replaceability)

    def solve(self, shocks: Shocks, cases: slice) -> FloatArray:
        """See `Solver`."""
        shock = shocks.columns(cases)
        up = upstream_sweeps(self.network, shock, tolerance=_SETTLED)
        total = self.weight @ up
        rows = np.empty((shock.shape[1], 4))
        work, large = _Workspace(self.network), []
        for lane in range(shock.shape[1]):
            touched, down, pushes = work.spread(shock[:, lane], replaceability=self.replaceability)
            if pushes < 0:
                large.append(lane)
                continue
            own = self.weight[touched]
            beyond = np.maximum(down - up[touched, lane], 0.0)
            rows[lane] = total[lane] + own @ beyond, own @ down, total[lane], pushes
        if large:
            losses, steps = downstream_sweeps(
                self.network, shock[:, large],
                replaceability=self.replaceability, tolerance=PASSED_ON,
            )  # fmt: skip
            counts = np.full(len(large), steps)
            rows[large] = weighed(self.weight, losses, up[:, large], counts)
        return rows


class _Workspace:
    """Arrays for pushing losses downstream, cleared where they were touched."""

    def __init__(self, network: FirmNetwork) -> None:
        self._network, links = network, network.downstream
        self._left = network.market_sales.copy()
        self._loss, self._pushed = np.zeros(network.n), np.zeros(network.n)
        self._missing = np.zeros(links.n_accounts)
        self._queued = np.zeros(network.n, dtype=np.bool_)
        self._touched = np.empty(network.n, dtype=np.int64)
        self._accounts = np.empty(links.n_accounts, dtype=np.int64)

    def spread(
        self, shock: FloatArray, *, replaceability: bool
    ) -> tuple[IntArray, FloatArray, int]:
        """Return the firms that lose anything, their losses, and pushes; -1 if they are many."""
        from chokepoint.exposure._cascade._kernels import spread

        network, links = self._network, self._network.downstream
        first = np.flatnonzero(shock).astype(np.int64)
        n_touched, n_accounts, pushes = spread(
            first, shock[first], links.start, links.buyer, links.account, links.share,
            network.sales, network.market, self._left, replaceability, PASSED_ON,
            PUSHED * len(links.buyer),
            self._loss, self._pushed, self._missing, self._queued, self._touched, self._accounts,
        )  # fmt: skip
        touched = self._touched[:n_touched].copy()
        losses = self._loss[touched]
        markets = network.market[touched]
        self._left[markets] = network.market_sales[markets]
        self._loss[touched] = self._pushed[touched] = 0.0
        self._missing[self._accounts[:n_accounts]] = 0.0
        return touched, losses, int(pushes)
