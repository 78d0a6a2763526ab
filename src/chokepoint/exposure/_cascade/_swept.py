"""Losses of any shocks in networks of any size, from sweeps over the firms.

Upstream losses reach nearly all firms, so they are swept for many shocks at once. Downstream a
shock that touches few firms is followed link by link, and only larger ones are swept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chokepoint.exposure._cascade._lanes import LANES, downstream_lanes, upstream_lanes
from chokepoint.exposure._cascade._network import FirmNetwork
from chokepoint.exposure._cascade._push import Firms, PushWork, push
from chokepoint.exposure._cascade._shocks import Shocks

__all__ = ["Swept"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Swept:
    """Any shock, any size."""

    network: FirmNetwork
    weight: FloatArray
    replaceability: bool
    cases_per_block: int = LANES

    @property
    def settings(self) -> tuple[object, ...]:
        """See `Solver`."""
        return ("sweeps", self.replaceability)

    def solve(self, shocks: Shocks, cases: slice) -> FloatArray:
        """See `Solver`."""
        numbers = np.arange(len(shocks))[cases]
        up, rows = np.empty((self.network.n, len(numbers))), np.empty((len(numbers), 4))
        for settled in upstream_lanes(self.network, self.weight, shocks, numbers):
            count = len(settled.cases)
            up[:, settled.cases - numbers[0]] = np.minimum(settled.losses[:, :count], 1.0)
        rows[:, 2] = self.weight @ up
        large = self._push(shocks, numbers, up, rows)
        for settled in downstream_lanes(
            self.network, self.weight, shocks, large, replaceability=self.replaceability
        ):
            for lane, case in enumerate(settled.cases):
                loss, row = settled.losses[:, lane], case - numbers[0]
                both = self.weight @ np.maximum(loss, up[:, row])
                rows[row, [0, 1, 3]] = both, self.weight @ loss, settled.sweeps[lane]
        return rows

    def _push(
        self, shocks: Shocks, numbers: IntArray, up: FloatArray, rows: FloatArray
    ) -> IntArray:
        """Fill in the rows of shocks that touch few firms downstream, and return the others."""
        firms, work = Firms.of(self.network, self.weight), PushWork.of(self.network)
        large = []
        for row, case in enumerate(numbers):
            touched, down, pushes = push(
                self.network, firms, shocks.of(case), work, replaceability=self.replaceability
            )
            if pushes < 0:
                large.append(case)
                continue
            own = self.weight[touched]
            beyond = own @ np.maximum(down - up[touched, row], 0.0)
            rows[row, [0, 1, 3]] = rows[row, 2] + beyond, own @ down, pushes
        return np.array(large, dtype=np.int64)
