"""Shocks by case, and what every way of solving them offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chokepoint.exposure._cascade._network import FirmNetwork

__all__ = ["Shocks", "Solver"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Shocks:
    """Shocks by case: one firm that fails altogether, or a stated column."""

    n: int
    firms: IntArray
    table: FloatArray | None = None

    @classmethod
    def defaults(cls, n: int, firms: IntArray) -> Shocks:
        """Return the default of each of `firms`, one after the other."""
        return cls(n, firms)

    @classmethod
    def stated(cls, table: FloatArray) -> Shocks:
        """Return the columns of a table (n, cases)."""
        return cls(len(table), np.empty(0, dtype=np.int64), table)

    @property
    def single(self) -> bool:
        """Whether each case is the default of one firm."""
        return self.table is None

    def __len__(self) -> int:
        return len(self.firms) if self.table is None else self.table.shape[1]

    def of(self, case: int) -> tuple[IntArray, FloatArray]:
        """Return the firms that a case hits, and the share of capacity that each loses."""
        if self.table is None:
            return self.firms[case : case + 1], np.ones(1)
        firms = np.flatnonzero(self.table[:, case]).astype(np.int64)
        return firms, self.table[firms, case]

    def columns(self, cases: slice) -> FloatArray:
        """Return the shocks of some cases, shape (n, cases)."""
        if self.table is not None:
            return np.ascontiguousarray(self.table[:, cases])
        chosen = self.firms[cases]
        shock = np.zeros((self.n, len(chosen)))
        shock[chosen, np.arange(len(chosen))] = 1.0
        return shock


class Solver(Protocol):
    """Finds index, downstream part, upstream part and steps of some cases."""

    @property
    def cases_per_block(self) -> int:
        """How many cases one call should take at most."""
        ...

    @property
    def settings(self) -> tuple[object, ...]:
        """What the result depends on beside the network, for checkpoints."""
        ...

    def solve(self, shocks: Shocks, cases: slice) -> FloatArray:
        """Return one row per case."""
        ...

    @property
    def network(self) -> FirmNetwork:
        """The network."""
        ...

    @property
    def weight(self) -> FloatArray:
        """Weights of firms, adding up to 1."""
        ...
