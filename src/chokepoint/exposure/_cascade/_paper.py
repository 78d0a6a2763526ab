"""The cascade as the paper iterates it: all firms at once, until no loss grows much in a step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.errors import ConvergenceError
from chokepoint.exposure._cascade._network import FirmNetwork
from chokepoint.exposure._cascade._shocks import Shocks

__all__ = ["Paper"]

FloatArray = NDArray[np.float64]

_MOST_STEPS = 100_000


@dataclass(frozen=True)
class Paper:
    """All firms updated at once, stopped as in the paper."""

    network: FirmNetwork
    weight: FloatArray
    replaceability: bool
    stop: float
    cases_per_block: int = 64

    @property
    def settings(self) -> tuple[object, ...]:
        """See `Solver`."""
        return ("paper", self.replaceability, self.stop)

    def solve(self, shocks: Shocks, cases: slice) -> FloatArray:
        """See `Solver`."""
        down, up, steps = _iterated(
            self.network,
            shocks.columns(cases),
            replaceability=self.replaceability,
            stop=self.stop,
        )
        w = self.weight
        return np.column_stack([w @ np.maximum(down, up), w @ down, w @ up, steps])


def _iterated(
    network: FirmNetwork, shock: FloatArray, *, replaceability: bool, stop: float
) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Return losses downstream and upstream (n, lanes) and steps, when no loss grows by `stop`.

    `shock` has shape (n, lanes). Each lane stops by itself; what it had then is kept.
    """
    down, up = shock.copy(), shock.copy()
    kept_down, kept_up = down.copy(), up.copy()
    steps = np.zeros(shock.shape[1], dtype=np.int64)
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
            kept_down[:, going[done]] = down[:, done]
            kept_up[:, going[done]] = up[:, done]
            steps[going[done]] = step
            going, down, up = going[~done], down[:, ~done], up[:, ~done]
        if not len(going):
            return kept_down, kept_up, steps
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
