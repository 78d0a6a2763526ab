"""Quantities brought back to the accounting identities with as little change as possible."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["Reconciler"]

FloatArray = NDArray[np.float64]

_RIDGE = 1e-11
_REFINEMENTS = 8
_EXACT = 1e-12
_CHEAP_ROUNDS = 6
_HELD = 1e-3
_SLACK = 1e-11
_HOLDING_ROUNDS = 5


class _Projection:
    """Projection on the identities in one metric."""

    def __init__(self, rows: sparse.csr_array, weight: FloatArray) -> None:
        from scipy.sparse.linalg import splu

        self._rows, self._weight = rows, weight
        weighted = rows @ sparse.diags_array(weight) @ rows.T
        # Supply and demand of a product repeat one another; the ridge settles such rows.
        ridge = _RIDGE * sparse.diags_array(np.maximum(weighted.diagonal(), 1e-30))
        self._factors = splu(sparse.csc_array(weighted + ridge))

    def nearest(self, start: FloatArray) -> FloatArray:
        found = start
        for _ in range(_REFINEMENTS):
            residual = self._rows @ found
            if np.max(np.abs(residual), initial=0.0) <= _EXACT:
                break
            found = found - self._weight * (self._rows.T @ self._factors.solve(residual))
        return found


class Reconciler:
    r"""Nearest quantities that satisfy linear identities, factorised once for many draws.

    For identities :math:`A v = 0`, which the baseline :math:`b` meets, and weights
    :math:`w_i = \ell_i b_i^2` (how easily each quantity moves, in relative terms) the nearest
    quantities to :math:`s` in :math:`\sum_i (v_i - s_i)^2 / w_i` are

    .. math:: v = s - W A^\top (A W A^\top)^{-1} A s.

    The matrix does not depend on the draw, so that a draw costs a few substitutions. Quantities
    that leave their range (or fall below zero) start again from its end; those that still do are
    held there as far as the identities allow, with weights taken from where the draw stands. If
    anything is outside even then, the draw moves towards the baseline until nothing is.

    Parameters
    ----------
    rows : sparse array (identities, variables)
        The identities.
    base : array (variables,)
        Baseline quantities; those that are zero stay zero.
    loose : array (variables,)
        How easily each quantity moves; 0 holds it.
    low, high : array (variables,), optional
        Ranges the quantities should keep.
    """

    def __init__(
        self,
        rows: sparse.csr_array,
        base: FloatArray,
        loose: FloatArray,
        *,
        low: FloatArray | None = None,
        high: FloatArray | None = None,
    ) -> None:
        self._rows = rows
        self._base = base
        self._loose = loose
        self._low = np.zeros(len(base)) if low is None else np.minimum(low, base)
        self._high = np.full(len(base), np.inf) if high is None else np.maximum(high, base)

    @cached_property
    def _at_baseline(self) -> _Projection:
        return _Projection(self._rows, self._loose * self._base**2)

    def nearest(self, wanted: FloatArray) -> FloatArray:
        """Return the quantities nearest to `wanted` that meet the identities, none negative."""
        found = self._at_baseline.nearest(np.where(self._base > 0, wanted, 0.0))
        for _ in range(_CHEAP_ROUNDS):
            out = self._outside(found)
            if not out.any():
                return found
            found = self._at_baseline.nearest(self._brought_back(found, out))
        loose = self._loose.copy()
        for _ in range(_HOLDING_ROUNDS):
            out = self._outside(found)
            if not out.any():
                return found
            start = self._brought_back(found, out)
            loose[out & (self._base > 0)] *= _HELD
            found = _Projection(self._rows, loose * start**2).nearest(start)
        return self._towards_baseline(found)

    def _outside(self, found: FloatArray) -> NDArray[np.bool_]:
        room = _SLACK * self._base
        return (found < self._low - room) | (found > self._high + room)

    def _brought_back(self, found: FloatArray, out: NDArray[np.bool_]) -> FloatArray:
        """Return `found` with what left its range at the end of it, never at zero."""
        floor = np.maximum(self._low, 0.1 * np.minimum(self._base, self._high))
        return np.where(out, np.clip(found, floor, self._high), found)

    def residual(self, quantities: FloatArray) -> float:
        """Return the largest relative residual of the identities."""
        return float(np.max(np.abs(self._rows @ quantities), initial=0.0))

    def _towards_baseline(self, found: FloatArray) -> FloatArray:
        """Identities are linear, so every point between here and the baseline meets them."""
        out = self._outside(found)
        if not out.any():
            return found
        end = np.where(found < self._base, self._low, self._high)
        step = (end - self._base)[out] / (found - self._base)[out]
        kept = self._base + float(np.clip(step.min(), 0.0, 1.0)) * (found - self._base)
        return np.maximum(kept, 0.0)
