"""Quantities brought back to the accounting identities with as little change as possible."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["Reconciler"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

_RIDGE = 1e-11
_REFINEMENTS = 8
_EXACT = 1e-12
_GOOD = 1e-11
_HELD = 1e-3
_SLACK = 1e-11
_HOLDING_ROUNDS = 20
_CELLS_KEPT = 8_000_000


class Reconciler:
    r"""Nearest quantities that satisfy linear identities, factorised once for many draws.

    For identities :math:`A v = 0`, which the baseline :math:`b` meets, and weights
    :math:`w_i = \ell_i b_i^2` (how easily each quantity moves, in relative terms) the nearest
    quantities to :math:`s` in :math:`\sum_i (v_i - s_i)^2 / w_i` are

    .. math:: v = s - W A^\top (A W A^\top)^{-1} A s.

    The matrix does not depend on the draw, so that draws are so many right-hand sides.
    Quantities that leave their range (or fall to zero) start again from its end and are held
    there: their weights shrink by a factor of a thousand, again and again until all are inside.
    With the columns :math:`K` held, :math:`D` what their weights lost and
    :math:`H = A W A^\top`, Woodbury's identity

    .. math:: (H - A_K D A_K^\top)^{-1} = H^{-1}
              + Z (D^{-1} - A_K^\top Z)^{-1} Z^\top, \qquad Z = H^{-1} A_K

    needs no other factorisation. If anything is outside even then, the draw moves towards the
    baseline until nothing is.

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
    least : float
        Share of its baseline below which nothing falls. A flow that vanished would be another
        structure of the chain.
    """

    def __init__(
        self,
        rows: sparse.csr_array,
        base: FloatArray,
        loose: FloatArray,
        *,
        low: FloatArray | None = None,
        high: FloatArray | None = None,
        least: float = 0.0,
    ) -> None:
        self._rows = sparse.csr_array(rows)
        self._back = sparse.csr_array(rows.T)
        self._columns = sparse.csc_array(rows)
        self._base = base
        self._loose = loose
        floor = least * base
        self._low = floor if low is None else np.clip(low, floor, base)
        self._high = np.full(len(base), np.inf) if high is None else np.maximum(high, base)
        self._weight = loose * base**2
        self._known: dict[int, FloatArray] = {}

    @cached_property
    def _factors(self) -> Any:
        return _factorised(self._rows, self._weight)

    def nearest(self, wanted: FloatArray) -> FloatArray:
        """Return the quantities nearest to `wanted` that meet identities and ranges.

        Parameters
        ----------
        wanted : array (variables,) or (variables, draws)

        Returns
        -------
        array of the same shape
        """
        several = wanted.ndim > 1
        start = self._with_zeros(wanted if several else wanted[:, None])
        found = self.projected(start)
        for draw in np.flatnonzero(self._outside(found).any(axis=0)):
            found[:, draw] = self._held(start[:, draw], found[:, draw])
        return found if several else found[:, 0]

    def projected(self, wanted: FloatArray) -> FloatArray:
        """Return the nearest quantities (variables, draws) that meet the identities, any sign."""
        found = self._with_zeros(wanted)
        weight = self._weight[:, None]
        for _ in range(_REFINEMENTS):
            residual = self._rows @ found
            # No draw's numbers depend on how many steps the others need.
            late = np.flatnonzero(np.abs(residual).max(axis=0, initial=0.0) > _EXACT)
            if not len(late):
                break
            found[:, late] -= weight * (self._back @ _solved(self._factors, residual[:, late]))
        return found

    def clipped(self, quantities: FloatArray, start: FloatArray) -> FloatArray:
        """Return quantities with what left its range put to the end of it, or to a tenth."""
        several = quantities.ndim > 1
        low, high, base = (
            part[:, None] if several else part for part in (self._low, self._high, self._base)
        )
        floor = np.maximum(low, 0.1 * np.minimum(np.minimum(base, high), np.maximum(start, low)))
        out = (quantities < low) | (quantities > high)
        return np.where(out, np.clip(quantities, floor, high), quantities)

    def residual(self, quantities: FloatArray) -> float:
        """Return the largest residual of the identities, relative to the baseline."""
        return float(np.max(np.abs(self._rows @ quantities), initial=0.0))

    def _with_zeros(self, wanted: FloatArray) -> FloatArray:
        return np.where(self._base[:, None] > 0, wanted, 0.0)

    def _outside(self, found: FloatArray) -> BoolArray:
        several = found.ndim > 1
        low, high, base = (
            part[:, None] if several else part for part in (self._low, self._high, self._base)
        )
        return np.asarray((found < low - _SLACK * base) | (found > high + _SLACK * base))

    # ------------------------------------------------------------------ one draw, ranges held

    def _held(self, start: FloatArray, found: FloatArray) -> FloatArray:
        """Return one draw inside its ranges."""
        held = _Held(self._rows, self._columns, self._factors, self._weight, self._known)
        for _ in range(_HOLDING_ROUNDS):
            out = self._outside(found)
            if not out.any():
                return found
            held.add(np.flatnonzero(out & (self._weight > 0.0)))
            found = held.projected(self.clipped(found, start))
        return self._towards_baseline(found)

    def _towards_baseline(self, found: FloatArray) -> FloatArray:
        """Identities are linear, so every point between here and the baseline meets them."""
        out = self._outside(found)
        if not out.any():
            return found
        end = np.where(found < self._base, self._low, self._high)
        step = (end - self._base)[out] / (found - self._base)[out]
        return self._base + float(np.clip(step.min(), 0.0, 1.0)) * (found - self._base)


class _Held:
    """Projections of one draw with more and more quantities held."""

    def __init__(
        self,
        rows: sparse.csr_array,
        columns: sparse.csc_array,
        factors: Any,
        weight: FloatArray,
        known: dict[int, FloatArray],
    ) -> None:
        self._rows, self._columns, self._factors, self._weight = rows, columns, factors, weight
        # Draws hold much the same quantities: what was solved for one serves the next.
        self._known = known
        self._which = np.empty(0, dtype=np.intp)
        self._times = np.empty(0)
        self._solved = np.empty((rows.shape[0], 0))

    def add(self, some: IntArray) -> None:
        """Hold some quantities, or hold them harder."""
        self._times = self._times + np.isin(self._which, some)
        new = np.setdiff1d(some, self._which)
        if len(new):
            solved = [self._column(one) for one in new.tolist()]
            self._solved = np.column_stack([self._solved, *solved])
            self._which = np.append(self._which, new)
            self._times = np.append(self._times, np.ones(len(new)))

    def _column(self, one: int) -> FloatArray:
        if one in self._known:
            return self._known[one]
        found: FloatArray = self._factors.solve(self._columns[:, [one]].toarray()[:, 0])
        if (len(self._known) + 1) * len(found) <= _CELLS_KEPT:
            self._known[one] = found
        return found

    def projected(self, start: FloatArray) -> FloatArray:
        """Return the nearest quantities that meet the identities."""
        left = _HELD**self._times
        weight = self._weight.copy()
        weight[self._which] *= left
        lost = self._weight[self._which] * (1.0 - left)
        own = sparse.csr_array(self._columns[:, self._which].T)
        try:
            small = np.linalg.inv(np.diag(1.0 / lost) - own @ self._solved)
        except np.linalg.LinAlgError:
            small = np.full((len(lost), len(lost)), np.nan)

        def solve(residual: FloatArray) -> FloatArray:
            plain: FloatArray = self._factors.solve(residual)
            more: FloatArray = np.einsum("ij,j->i", self._solved, small @ (own @ plain))
            return plain + more

        found, gap = self._refined(start, weight, solve)
        if not gap <= _GOOD:
            # Too little is left to move in some identity: such draws get factors of their own.
            factors = _factorised(self._rows, weight)
            found, _ = self._refined(start, weight, factors.solve)
        return found

    def _refined(
        self, start: FloatArray, weight: FloatArray, solve: Any
    ) -> tuple[FloatArray, float]:
        found, gap = start, np.inf
        for _ in range(_REFINEMENTS):
            residual = self._rows @ found
            gap = float(np.max(np.abs(residual), initial=0.0))
            if not gap > _EXACT:
                break
            found = found - weight * (self._rows.T @ solve(residual))
        return found, gap


def _solved(factors: Any, right: FloatArray) -> FloatArray:
    """Solve one right-hand side after the other.

    Together they would be split among threads, which costs far more than what is computed.
    """
    solved = [factors.solve(column) for column in np.ascontiguousarray(right.T)]
    return np.stack(solved, axis=1)


def _factorised(rows: sparse.csr_array, weight: FloatArray) -> Any:
    from scipy.sparse.linalg import splu

    weighted = rows @ sparse.diags_array(weight) @ rows.T
    # Supply and demand of a product repeat one another; the ridge settles such rows.
    ridge = _RIDGE * sparse.diags_array(np.maximum(weighted.diagonal(), 1e-30))
    # The matrix is symmetric and definite: an ordering for such fills in a quarter.
    return splu(
        sparse.csc_array(weighted + ridge),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
