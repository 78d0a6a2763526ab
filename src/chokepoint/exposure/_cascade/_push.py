"""Losses pushed downstream along links, for shocks that touch few firms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chokepoint.exposure._cascade._network import Downstream, FirmNetwork

__all__ = ["PASSED_ON", "Firms", "PushWork", "most_links", "push"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Losses below this are not passed on downstream; what that leaves out of an index stays below 1e-9.
PASSED_ON = 1e-11
# Cascades that follow more links than this share of all of them are left to sweeps.
PUSHED = 0.1
# Up to so many links nothing is gained by sweeps.
_FEW_LINKS = 1000


class Firms(NamedTuple):
    """What compiled loops need to know of firms and markets."""

    sales: FloatArray
    market: IntArray
    market_sales: FloatArray
    weight: FloatArray

    @classmethod
    def of(cls, network: FirmNetwork, weight: FloatArray) -> Firms:
        """Return the arrays of a network."""
        return cls(network.sales, network.market, network.market_sales, weight)


class PushWork(NamedTuple):
    """Arrays that pushing works on, cleared where they were touched."""

    left: FloatArray
    loss: FloatArray
    pushed: FloatArray
    missing: FloatArray
    queued: NDArray[np.bool_]
    touched: IntArray
    accounts: IntArray

    @classmethod
    def of(cls, network: FirmNetwork) -> PushWork:
        """Return arrays for a network on which nothing is lost."""
        n, n_accounts = network.n, network.downstream.n_accounts
        return cls(
            network.market_sales.copy(), np.zeros(n), np.zeros(n), np.zeros(n_accounts),
            np.zeros(n, dtype=np.bool_), np.empty(n, dtype=np.int64),
            np.empty(n_accounts, dtype=np.int64),
        )  # fmt: skip


def most_links(links: Downstream) -> float:
    """Return how many links a cascade may follow before it is left to sweeps."""
    return max(PUSHED * len(links.buyer), _FEW_LINKS)


def push(
    network: FirmNetwork,
    firms: Firms,
    shock: tuple[IntArray, FloatArray],
    work: PushWork,
    *,
    replaceability: bool,
) -> tuple[IntArray, FloatArray, int]:
    """Return the firms that lose anything, their losses, and pushes; -1 if they are too many."""
    from chokepoint.exposure._cascade._kernels_push import clear, spread

    links = network.downstream
    n_touched, n_accounts, pushes = spread(
        *shock, links, firms, replaceability, PASSED_ON, most_links(links), work
    )
    touched = work.touched[:n_touched].copy()
    losses = work.loss[touched]
    clear(n_touched, n_accounts, firms, work)
    return touched, losses, int(pushes)
