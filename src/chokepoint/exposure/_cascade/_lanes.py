"""Shocks side by side: each is swept until it has settled, then its lane takes the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chokepoint.errors import ConvergenceError
from chokepoint.exposure._cascade._network import FirmNetwork
from chokepoint.exposure._cascade._shocks import Shocks

__all__ = ["LANES", "Settled", "downstream_lanes", "upstream_lanes"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Shocks that are swept together: two vectors of 64 bytes for each firm.
LANES = 16
_WIDE = (0,) * LANES
# So many lanes are emptied and filled at a time: a pass over all firms costs the same for one.
_REFILLED = 4
# What sweeps leave out of the weighted sum of losses, and of what any firm feels.
_WEIGHED = 1e-10
_FELT = 1e-9
_MOST_SWEEPS = 100_000
# Slowest fall of rises from sweep to sweep that is believed.
_SLOWEST = 0.99999
# Sums that are kept up to date gather rounding errors; they are added up anew after so many sweeps.
_SWEEPS_PER_SUM = 64


@dataclass(frozen=True)
class Settled:
    """Losses (n, lanes) of m cases that have settled, and the sweeps that each of them took.

    Lanes beyond the cases hold nothing of use.
    """

    cases: IntArray
    losses: FloatArray
    sweeps: IntArray


def downstream_lanes(
    network: FirmNetwork,
    weight: FloatArray,
    shocks: Shocks,
    cases: IntArray,
    *,
    replaceability: bool,
) -> Iterator[Settled]:
    """Yield downstream losses of the cases in the order in which they settle.

    The array of losses is used again for the next ones.
    """
    from chokepoint.exposure._cascade._kernels_lanes import downstream_sweep, empty, market_left

    accounts = network.accounts
    order = accounts.order
    sales, market, weight = network.sales[order], network.market[order], weight[order]
    lanes = _Lanes(order)
    felt, nothing = np.zeros((network.n, LANES)), np.zeros(network.n)
    left = np.zeros((len(network.market_sales), LANES))

    def place(chosen: IntArray, hits: list[tuple[IntArray, FloatArray]]) -> None:
        empty(chosen, felt, nothing)
        empty(chosen, left, network.market_sales)
        for lane, (firms, size) in zip(chosen, hits, strict=True):
            np.subtract.at(left[:, lane], market[firms], sales[firms] * size)
            base = np.maximum(left[market[firms], lane], sales[firms])
            share = np.divide(sales[firms], base, out=np.ones(len(firms)), where=base > 0)
            felt[firms, lane] = size * share if replaceability else size

    def sweep() -> None:
        for lane in np.flatnonzero(lanes.sweeps % _SWEEPS_PER_SUM == _SWEEPS_PER_SUM - 1):
            market_left(lane, market, sales, lanes.loss, left)
        downstream_sweep(
            _WIDE, replaceability, accounts.buyer_start, accounts.start,
            accounts.supplier, accounts.share, market, sales, weight,
            left, lanes.loss, felt, lanes.grown,
        )  # fmt: skip

    yield from lanes.run(shocks, cases, accounts.position, place, sweep)


def upstream_lanes(
    network: FirmNetwork, weight: FloatArray, shocks: Shocks, cases: IntArray
) -> Iterator[Settled]:
    """Yield upstream losses of the cases; see `downstream_lanes`."""
    from chokepoint.exposure._cascade._kernels_lanes import upstream_sweep

    shares = network.upstream
    start, buyer = shares.indptr.astype(np.int64), shares.indices.astype(np.int64)
    order = np.arange(network.n)
    lanes = _Lanes(order)

    def sweep() -> None:
        upstream_sweep(_WIDE, start, buyer, shares.data, weight, lanes.loss, lanes.grown)

    yield from lanes.run(shocks, cases, order, lambda *_: None, sweep)


class _Lanes:
    """Losses (n, lanes), the case in each lane, and how fast its losses still grow."""

    def __init__(self, order: IntArray) -> None:
        self._order, self._nothing = order, np.zeros(len(order))
        self.loss = np.zeros((len(order), LANES))
        self.grown = np.zeros((2, LANES))
        self.sweeps = np.zeros(LANES, dtype=np.int64)
        self._case = np.full(LANES, -1, dtype=np.int64)
        self._before = np.full((2, LANES), np.inf)
        self._ratios, self._turn = np.full((3, 2, LANES), _SLOWEST), 0

    def run(
        self,
        shocks: Shocks,
        cases: IntArray,
        position: IntArray,
        place: Callable[[IntArray, list[tuple[IntArray, FloatArray]]], None],
        sweep: Callable[[], None],
    ) -> Iterator[Settled]:
        """Sweep until every case has settled; `place` is told which lanes take which shocks."""
        from chokepoint.exposure._cascade._kernels_lanes import take_out

        waiting = [int(case) for case in cases[::-1]]
        out = Settled(np.empty(LANES, np.int64), np.empty_like(self.loss), self.sweeps.copy())
        filled = 0
        while waiting or (self._case >= 0).any():
            free = np.flatnonzero(self._case < 0)
            if waiting and len(free) >= _REFILLED:
                self._fill(free[: len(waiting)], waiting, shocks, position, place)
            sweep()
            # A lane is left alone as soon as it has settled: what it holds then is the same
            # whatever is in the others.
            for lane in np.flatnonzero(self._settled()):
                take_out(lane, self._order, self.loss, filled, out.losses)
                out.cases[filled], out.sweeps[filled] = self._case[lane], self.sweeps[lane]
                self._case[lane] = -1
                filled += 1
                if filled == LANES:
                    yield out
                    filled = 0
        if filled:
            yield Settled(out.cases[:filled], out.losses, out.sweeps[:filled])

    def _fill(
        self,
        lanes: IntArray,
        waiting: list[int],
        shocks: Shocks,
        position: IntArray,
        place: Callable[[IntArray, list[tuple[IntArray, FloatArray]]], None],
    ) -> None:
        """Put the shocks that wait at the end of the line into empty lanes."""
        from chokepoint.exposure._cascade._kernels_lanes import empty

        empty(lanes, self.loss, self._nothing)
        hits = []
        for lane in lanes:
            self._case[lane] = waiting.pop()
            firms, size = shocks.of(self._case[lane])
            hits.append((position[firms], size))
            self.loss[position[firms], lane] = size
        self.sweeps[lanes] = 0
        self._before[:, lanes], self._ratios[:, :, lanes] = np.inf, _SLOWEST
        place(lanes, hits)

    def _settled(self) -> NDArray[np.bool_]:
        """Return which lanes are done, judged by how fast rises fall."""
        from chokepoint.exposure._cascade._kernels_lanes import judge

        done = np.zeros(LANES, dtype=np.bool_)
        self._turn = (self._turn + 1) % len(self._ratios)
        judge(
            self._case >= 0, self.grown, self._before, self._ratios, self._turn, _SLOWEST,
            _WEIGHED, _FELT, self.sweeps, done,
        )  # fmt: skip
        if (self.sweeps > _MOST_SWEEPS).any():
            raise ConvergenceError(
                f"Expected losses to settle within {_MOST_SWEEPS:,} sweeps. State revenue, so that "
                "sales leave the network."
            )
        return done
