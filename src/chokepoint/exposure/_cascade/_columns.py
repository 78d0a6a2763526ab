"""Whole columns of the upstream system, side by side, and its adjoint solution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.exposure._cascade._censor import Censored
from chokepoint.exposure._cascade._lanes import LANES
from chokepoint.exposure._cascade._network import FirmNetwork

__all__ = ["Columns", "adjoint_price"]

FloatArray = NDArray[np.float64]

_WIDE = (0,) * LANES
_REFINEMENTS = 3


class Columns:
    """Solves (I - P) x = b for `LANES` right-hand sides at once, positions in, positions out.

    A core in single precision gives six digits; refined, what is left of b is solved for again.
    """

    def __init__(self, network: FirmNetwork, factors: Censored) -> None:
        self._factors = factors
        self.single = factors.core.dtype == np.float32
        if self.single:
            self._stay, self.shares = _system(network, factors)
            self._start = self.shares.indptr.astype(np.int64)
            self._target = self.shares.indices.astype(np.int64)

    def solve(self, right: FloatArray, *, refined: bool) -> FloatArray:
        """Return x; `right` is used up."""
        from chokepoint.exposure._cascade._kernels_dense import residual

        if not refined:
            return self._once(right)
        given = right.copy()
        value = self._once(right)
        residual(
            _WIDE, self._stay, self._start, self._target, self.shares.data, given, value, right
        )
        value += self._once(right)
        return value

    def left(self, given: FloatArray, price: FloatArray) -> FloatArray:
        """Return what an adjoint solution leaves of its right-hand side."""
        return np.asarray(given - (self._stay * price - self.shares.T @ price), dtype=np.float64)

    def _once(self, right: FloatArray) -> FloatArray:
        from chokepoint.exposure._cascade._kernels_dense import back, core_times, forward

        f, value = self._factors, np.empty_like(right)
        forward(_WIDE, f.n_out, f.in_start, f.in_from, f.in_share, f.scale, right)
        used = np.flatnonzero(right[f.n_out :].any(axis=1)).astype(np.int64)
        core_times(_WIDE, f.n_out, f.core, used, right, value)
        back(_WIDE, f.n_out, f.out_start, f.out_to, f.out_share, f.scale, right, value)
        return value


def adjoint_price(weight: FloatArray, factors: Censored, columns: Columns) -> FloatArray:
    """Return the loss per unit of a source: the solution of (I - P') y = weight."""
    from chokepoint.exposure._cascade._kernels_columns import adjoint

    price: FloatArray = adjoint(weight, factors)
    if columns.single:
        for _ in range(_REFINEMENTS):
            price = price + adjoint(columns.left(weight, price), factors)
    return price


def _system(network: FirmNetwork, factors: Censored) -> tuple[FloatArray, sparse.csr_array]:
    """Return the chance not to stay at a position, and those to go to others, by position."""
    links = network.upstream.tocoo()
    source, target = links.coords[0], links.coords[1]
    n, other = network.n, source != target
    away = np.bincount(source[other], weights=links.data[other], minlength=n) + network.leak
    inside = other & (factors.position[source] >= 0) & (factors.position[target] >= 0)
    coords = (factors.position[source[inside]], factors.position[target[inside]])
    size = len(factors.firm)
    shares = sparse.coo_array((links.data[inside], coords), shape=(size, size)).tocsr()
    return away[factors.firm], shares
