"""Proportional fitting: the flows nearest to a seed in relative entropy that meet all totals.

Minimise ``sum f (ln(f / seed) - 1)`` subject to linear totals. The solution is the seed times one
factor per total. Sweeps over the totals (Deming and Stephan 1940; generalised iterative scaling
where coefficients differ, Darroch and Ratcliff 1972) bring it near; Newton steps on the
logarithms of the factors finish with quadratic convergence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["FloatArray", "Scaling", "Totals", "newton", "scale"]

FloatArray = NDArray[np.float64]

_SWEEPS = 60
_NEWTON_STEPS = 60
_LARGEST_STEP = 3.0
_DENSE_ROWS = 80


@dataclass(frozen=True, slots=True)
class Totals:
    """Linear totals ``matrix @ flow = target``, all coefficients >= 0.

    Attributes
    ----------
    matrix : sparse array (constraints, flows)
        Rows are suppliers, slots and trade blocks.
    target : array (constraints,)
        Totals to meet.
    families : tuple of slice
        Runs of rows in which each flow occurs at most once, scaled together in a sweep.
    """

    matrix: sparse.csr_array
    target: FloatArray
    families: tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class Scaling:
    """Fitted flows, largest relative residual, number of sweeps and steps."""

    flow: FloatArray
    residual: FloatArray
    iterations: int

    @property
    def worst(self) -> float:
        """Largest relative residual of a total."""
        return float(np.max(np.abs(self.residual), initial=0.0))


def scale(seed: FloatArray, totals: Totals, *, tolerance: float = 1e-12) -> Scaling:
    """Return the flows nearest to the seed that meet the totals.

    Parameters
    ----------
    seed : array (flows,)
        Prior flows, > 0.
    totals : Totals
        What the flows have to add up to.
    tolerance : float
        Relative residual at which to stop.

    Returns
    -------
    Scaling
        Not necessarily converged: the caller looks at ``worst``.
    """
    flow, sweeps = _sweep(seed, totals, tolerance)
    residual = _residual(flow, totals)
    if np.max(np.abs(residual), initial=0.0) <= tolerance:
        return Scaling(flow, residual, sweeps)
    flow, steps = _finish(flow, residual, totals, tolerance)
    return Scaling(flow, _residual(flow, totals), sweeps + steps)


def _sweep(seed: FloatArray, totals: Totals, tolerance: float) -> tuple[FloatArray, int]:
    families = []
    for rows in totals.families:
        part = totals.matrix[rows].tocoo()
        largest = np.zeros(part.shape[0])
        np.maximum.at(largest, part.row, part.data)
        exponent = part.data / largest[part.row]
        families.append((part, totals.target[rows], exponent, bool(np.all(exponent == 1.0))))
    flow = seed.copy()
    for sweep in range(1, _SWEEPS + 1):
        gap = 0.0
        for part, target, exponent, plain in families:
            total = np.bincount(
                part.row, weights=part.data * flow[part.col], minlength=part.shape[0]
            )
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = np.where(total > 0, target / total, 1.0)
            gap = max(gap, float(np.max(np.abs(ratio - 1.0), initial=0.0)))
            factor = ratio[part.row] if plain else ratio[part.row] ** exponent
            flow[part.col] *= factor
        if gap <= tolerance:
            return flow, sweep
    return flow, _SWEEPS


def _finish(
    flow: FloatArray, residual: FloatArray, totals: Totals, tolerance: float
) -> tuple[FloatArray, int]:
    from scipy.sparse.csgraph import connected_components

    # Newton steps only where the sweeps have not arrived, one connected part at a time.
    link = (totals.matrix @ totals.matrix.T).tocsr()
    count, part = connected_components(link, directed=False)
    late = np.zeros(count, dtype=bool)
    np.logical_or.at(late, part, np.abs(residual) > tolerance)
    flow, steps = flow.copy(), 0
    for number in np.flatnonzero(late):
        chosen = np.flatnonzero(part == number)
        block = totals.matrix[chosen]
        columns = np.unique(block.indices)
        own = Totals(block[:, columns], totals.target[chosen], ())
        flow[columns], taken = newton(flow[columns], own, tolerance)
        steps = max(steps, taken)
    return flow, steps


def newton(flow: FloatArray, totals: Totals, tolerance: float) -> tuple[FloatArray, int]:
    """Return the flows after Newton steps on the logarithms of the factors, and their number.

    Coefficients may have any sign here. Rows with target 0 count absolutely. If the tolerance is
    not reached, the flows with the smallest residual are returned.
    """
    # Rows are divided by their targets, so that residuals and the matrix are relative.
    weight = 1.0 / np.where(totals.target != 0, np.abs(totals.target), 1.0)
    rows = sparse.diags_array(weight) @ totals.matrix
    target = totals.target * weight
    best, best_gap = flow, np.inf
    for step in range(1, _NEWTON_STEPS + 1):
        residual = target - rows @ flow
        gap = float(np.max(np.abs(residual), initial=0.0))
        if gap < best_gap:
            best, best_gap = flow, gap
        if gap <= tolerance:
            return flow, step
        factor = _solve(rows, flow, residual)
        change = rows.T @ factor
        if not np.isfinite(change).all():
            break
        flow = _climb(flow, change, float(factor @ target), float(factor @ residual))
    return best, _NEWTON_STEPS


def _climb(flow: FloatArray, change: FloatArray, gain: float, slope: float) -> FloatArray:
    """Return the flows after a step that raises the dual ``target @ factor - sum(flow)``.

    The dual is concave in the logarithms of the factors, so that steps that raise it enough arrive
    from anywhere (Armijo 1966).
    """
    largest = float(np.max(np.abs(change), initial=0.0))
    step = min(1.0, _LARGEST_STEP / max(largest, 1e-300))
    for _ in range(30):
        trial = flow * np.exp(step * change)
        raised = step * gain - float((trial - flow).sum())
        if raised >= 1e-4 * step * slope or abs(step * largest) < 1e-6:
            break
        step /= 2
    return np.asarray(trial)


def _solve(rows: sparse.csr_array, flow: FloatArray, residual: FloatArray) -> FloatArray:
    # Totals of suppliers and slots are linearly dependent, hence the small ridge.
    hessian = rows @ sparse.diags_array(flow) @ rows.T
    ridge = 1e-13 * hessian.diagonal() + 1e-300
    if hessian.shape[0] <= _DENSE_ROWS:
        dense = hessian.toarray()
        dense[np.diag_indices_from(dense)] += ridge
        try:
            return np.asarray(np.linalg.solve(dense, residual))
        except np.linalg.LinAlgError:
            return np.asarray(np.linalg.lstsq(dense, residual, rcond=None)[0])
    from scipy.sparse.linalg import spsolve

    return np.asarray(spsolve((hessian + sparse.diags_array(ridge)).tocsc(), residual))


def _residual(flow: FloatArray, totals: Totals) -> FloatArray:
    target = totals.target
    gap = totals.matrix @ flow - target
    return np.asarray(gap / np.where(target > 0, target, 1.0))
