"""Losses of any shocks in networks of any size: pushed along links, or swept where they are many.

A shock that touches few firms is followed link by link. One that runs through the whole network
is found sooner by sweeps over all firms, for many shocks at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chokepoint.exposure._cascade._iterate import downstream_sweeps, upstream_sweeps
from chokepoint.exposure._cascade._network import FirmNetwork
from chokepoint.exposure._cascade._solvers import PASSED_ON, PUSHED, Shocks

__all__ = ["Swept"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# What is left out of an upstream loss, as a share of a firm's output.
_SETTLED = 1e-10


@dataclass(frozen=True)
class _Losses:
    """Losses of some firms; of all of them, in order, where `firms` is None."""

    firms: IntArray | None
    values: FloatArray
    steps: int

    def everywhere(self, n: int) -> FloatArray:
        if self.firms is None:
            return self.values
        full = np.zeros(n)
        full[self.firms] = self.values
        return full


@dataclass(frozen=True)
class Swept:
    """Losses pushed along links, and by sweeps where they are many: any shock, any size."""

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
        shock = [shocks.column(case) for case in range(*cases.indices(len(shocks)))]
        work = _Workspace(self.network)
        up = [work.rise(*one) for one in shock]
        down = [work.spread(*one, replaceability=self.replaceability) for one in shock]
        for lane, losses in self._swept_upstream(shock, up):
            up[lane] = losses
        for lane, losses in self._swept_downstream(shock, down):
            down[lane] = losses
        rows = [self._row(d, u) for d, u in zip(down, up, strict=True) if d and u]
        return np.array(rows).reshape(-1, 4)

    def _swept_upstream(self, shock: list[_Shock], found: list[_Losses | None]) -> _Found:
        large = [lane for lane, losses in enumerate(found) if losses is None]
        if not large:
            return []
        table = _table(self.network.n, [shock[lane] for lane in large])
        losses = upstream_sweeps(self.network, table, tolerance=_SETTLED)
        return [(lane, _Losses(None, losses[:, k], 0)) for k, lane in enumerate(large)]

    def _swept_downstream(self, shock: list[_Shock], found: list[_Losses | None]) -> _Found:
        large = [lane for lane, losses in enumerate(found) if losses is None]
        if not large:
            return []
        table = _table(self.network.n, [shock[lane] for lane in large])
        losses, steps = downstream_sweeps(
            self.network, table, replaceability=self.replaceability, tolerance=PASSED_ON
        )
        return [(lane, _Losses(None, losses[:, k], steps)) for k, lane in enumerate(large)]

    def _row(self, down: _Losses, up: _Losses) -> tuple[float, float, float, int]:
        weight, upward = self.weight, up.everywhere(self.network.n)
        total = weight @ upward if up.firms is None else weight[up.firms] @ up.values
        chosen = slice(None) if down.firms is None else down.firms
        own, also = weight[chosen], np.maximum(down.values - upward[chosen], 0.0)
        return float(total + own @ also), float(own @ down.values), float(total), down.steps


_Shock = tuple[IntArray, FloatArray]
_Found = list[tuple[int, _Losses]]


def _table(n: int, shock: list[_Shock]) -> FloatArray:
    table = np.zeros((n, len(shock)))
    for lane, (firms, size) in enumerate(shock):
        table[firms, lane] = size
    return table


class _Workspace:
    """Arrays for pushing losses, cleared where they were touched."""

    def __init__(self, network: FirmNetwork) -> None:
        self._network, links = network, network.downstream
        self._left = network.market_sales.copy()
        self._loss, self._pushed = np.zeros(network.n), np.zeros(network.n)
        self._incoming = np.zeros(network.n)
        self._missing = np.zeros(links.n_accounts)
        self._queued = np.zeros(network.n, dtype=np.bool_)
        self._touched = np.empty(network.n, dtype=np.int64)
        self._accounts = np.empty(links.n_accounts, dtype=np.int64)

    def spread(self, first: IntArray, size: FloatArray, *, replaceability: bool) -> _Losses | None:
        """Return the firms that lose anything downstream; None if they are too many."""
        from chokepoint.exposure._cascade._kernels import spread

        network, links = self._network, self._network.downstream
        n_touched, n_accounts, pushes = spread(
            first, size, links.start, links.buyer, links.account, links.share,
            network.sales, network.market, self._left, replaceability, PASSED_ON,
            PUSHED * len(links.buyer),
            self._loss, self._pushed, self._missing, self._queued, self._touched, self._accounts,
        )  # fmt: skip
        markets = network.market[self._touched[:n_touched]]
        self._left[markets] = network.market_sales[markets]
        self._missing[self._accounts[:n_accounts]] = 0.0
        return self._taken(n_touched, pushes)

    def rise(self, first: IntArray, size: FloatArray) -> _Losses | None:
        """Return the firms that lose anything upstream; None if they are too many."""
        from chokepoint.exposure._cascade._kernels import rise

        sold = self._network.orders
        n_touched, pushes = rise(
            first, size, sold.indptr, sold.indices, sold.data, _SETTLED, PUSHED * sold.nnz,
            self._loss, self._incoming, self._pushed, self._queued, self._touched,
        )  # fmt: skip
        self._incoming[self._touched[:n_touched]] = 0.0
        return self._taken(n_touched, pushes)

    def _taken(self, n_touched: int, pushes: int) -> _Losses | None:
        touched = self._touched[:n_touched].copy()
        losses = self._loss[touched]
        self._loss[touched] = self._pushed[touched] = 0.0
        return None if pushes < 0 else _Losses(touched, losses, pushes)
