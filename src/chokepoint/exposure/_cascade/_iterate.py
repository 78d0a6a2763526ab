"""The cascade as the paper iterates it, and upstream losses by sweeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.errors import ConvergenceError
from chokepoint.exposure._cascade._network import FirmNetwork

__all__ = ["Losses", "downstream_sweeps", "paper_iteration", "upstream_sweeps"]

FloatArray = NDArray[np.float64]

_MOST_STEPS = 100_000
# Rises that are left for a later sweep, as a share of what may be left out.
_UNFELT = 0.1


@dataclass(frozen=True)
class Losses:
    """Losses of firms (n, lanes) and the number of steps taken in each lane."""

    downstream: FloatArray
    upstream: FloatArray
    steps: NDArray[np.int64]


def paper_iteration(
    network: FirmNetwork, shock: FloatArray, *, replaceability: bool, stop: float
) -> Losses:
    """Update all firms at once until no firm's loss grows by more than `stop` in a step.

    `shock` has shape (n, lanes). Each lane stops by itself; what it had then is kept.
    """
    down, up = shock.copy(), shock.copy()
    kept = Losses(down.copy(), up.copy(), np.zeros(shock.shape[1], dtype=np.int64))
    accounts = _Accounts(network)
    going = np.arange(shock.shape[1])
    for step in range(1, _MOST_STEPS + 1):
        factor = _factors(network, down, replaceability=replaceability)
        new_down = np.maximum(shock[:, going], accounts.worst(factor * down))
        new_up = np.maximum(shock[:, going], network.upstream @ up)
        growth = np.maximum(new_down - down, new_up - up).max(axis=0, initial=0.0)
        down, up = new_down, np.minimum(new_up, 1.0)
        done = growth <= stop
        if done.any():
            kept.downstream[:, going[done]] = down[:, done]
            kept.upstream[:, going[done]] = up[:, done]
            kept.steps[going[done]] = step
            going, down, up = going[~done], down[:, ~done], up[:, ~done]
        if not len(going):
            return kept
    raise ConvergenceError(
        f"Expected the cascade to settle to {stop:g} within {_MOST_STEPS:,} steps, it did not in "
        f'{len(going)} of {shock.shape[1]} cases. Use stop="fixed_point".'
    )


def _factors(network: FirmNetwork, down: FloatArray, *, replaceability: bool) -> FloatArray:
    """Return how much of what each firm sold cannot be replaced, in [0, 1]."""
    if not replaceability:
        return np.ones((network.n, 1))
    members = sparse.csr_array(
        (network.sales, (network.market, np.arange(network.n))),
        shape=(len(network.market_sales), network.n),
    )
    left = np.asarray(members @ (1.0 - down))[network.market]
    sales = np.broadcast_to(network.sales[:, None], left.shape)
    factor: FloatArray = np.divide(sales, left, where=left > sales, out=np.ones_like(left))
    return factor


class _Accounts:
    """What each buyer misses: the worst of its essential inputs and of all others together."""

    def __init__(self, network: FirmNetwork) -> None:
        links = network.downstream
        supplier = np.repeat(np.arange(network.n), np.diff(links.start))
        self._missing = sparse.csr_array(
            (links.share, (links.account, supplier)), shape=(links.n_accounts, network.n)
        )
        owner = np.zeros(links.n_accounts, dtype=np.int64)
        owner[links.account] = links.buyer
        owner[links.n_accounts - network.n :] = np.arange(network.n)
        self._order = np.argsort(owner, kind="stable")
        # Every firm has an account of non-essential inputs, so none is without a row.
        self._starts = np.searchsorted(owner[self._order], np.arange(network.n))

    def worst(self, lost: FloatArray) -> FloatArray:
        missing = np.asarray(self._missing @ lost)[self._order]
        return np.minimum(np.maximum.reduceat(missing, self._starts, axis=0), 1.0)


def upstream_sweeps(network: FirmNetwork, shock: FloatArray, *, tolerance: float) -> FloatArray:
    """Return upstream losses (n, lanes) by sweeps over the firms, each using the newest values."""
    from chokepoint.exposure._cascade._kernels import sweep

    shares = network.upstream
    loss = np.array(shock, dtype=np.float64, order="C")
    start, buyer = shares.indptr.astype(np.int64), shares.indices.astype(np.int64)
    _settle(lambda _: float(sweep(start, buyer, shares.data, loss)), tolerance, "upstream")
    return np.minimum(loss, 1.0)


def downstream_sweeps(
    network: FirmNetwork, shock: FloatArray, *, replaceability: bool, tolerance: float
) -> tuple[FloatArray, int]:
    """Return downstream losses (n, lanes) by sweeps to and fro, and the number of sweeps."""
    from chokepoint.exposure._cascade._kernels import downstream_sweep, market_left

    accounts, sales, market = network.accounts, network.sales, network.market
    loss = np.array(shock, dtype=np.float64, order="C")
    left = np.empty((len(network.market_sales), shock.shape[1]))
    market_left(market, sales, loss, left)
    passed = loss * _factors(network, loss, replaceability=replaceability)
    moved, seen = np.ones(network.n, dtype=np.int64), np.zeros(network.n, dtype=np.int64)
    clock = np.ones(1, dtype=np.int64)

    def once(number: int) -> float:
        market_left(market, sales, loss, left)
        change: float = downstream_sweep(
            number % 2 == 1, replaceability, _UNFELT * tolerance,
            accounts.buyer_start, accounts.start,
            accounts.supplier, accounts.share, market, sales, left, loss, passed,
            moved, seen, clock,
        )  # fmt: skip
        return change

    return loss, _settle(once, tolerance, "downstream")


def _settle(once: Callable[[int], float], tolerance: float, side: str) -> int:
    """Sweep until what is still to come, judged by how fast changes fall, is below `tolerance`."""
    before, rates = np.inf, [0.999]
    for number in range(_MOST_STEPS):
        change = once(number)
        rates.append(min(change / before, 0.999) if 0 < before < np.inf else 0.999)
        # Losses may pause and go on, where a market shrinks or another input becomes the worst.
        rate = max(rates[-3:])
        if change * rate <= tolerance * (1.0 - rate):
            return number + 1
        before = change
    raise ConvergenceError(
        f"Expected {side} losses to settle to {tolerance:g} within {_MOST_STEPS:,} sweeps. "
        "State revenue, so that sales leave the network."
    )
