"""Which trade totals can be met, and the nearest ones where they cannot.

Supplier totals and slot needs are hard. If they leave no room for all reported totals, a linear
program finds totals with the smallest weighted deviations: first those beyond the reported range,
then those inside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from chokepoint.chain._scaling import FloatArray
from chokepoint.errors import InfeasibleError, SolverError

__all__ = ["TradeTotals", "hard_violations", "reconcile"]

_BEYOND = 1e3
_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class TradeTotals:
    """Reported totals of trade blocks with their ranges and spreads, and the flows they cover.

    Attributes
    ----------
    matrix : sparse array (blocks, flows)
        1 where the block covers the flow.
    reported, low, high : array (blocks,)
        Totals left after known flows [units per year].
    spread : array (blocks,)
        Relative standard deviation; a deviation costs its share of the total over the spread.
    """

    matrix: sparse.csr_array
    reported: FloatArray
    low: FloatArray
    high: FloatArray
    spread: FloatArray


def reconcile(
    hard: sparse.csr_array, target: FloatArray, trade: TradeTotals, size: FloatArray
) -> FloatArray:
    """Return the nearest totals of the blocks that the hard totals allow.

    Parameters
    ----------
    hard, target : sparse array (totals, flows), array (totals,)
        Supplier totals and slot needs.
    trade : TradeTotals
        Reported totals.
    size : array (flows,)
        Largest possible flow, the unit of the program's variables [units per year].

    Returns
    -------
    array (blocks,)
        The reported total where it can be met.

    Raises
    ------
    InfeasibleError
        If the hard totals alone cannot be met.
    """
    flows, blocks = len(size), len(trade.reported)
    scale = np.where(trade.reported > 0, trade.reported, 1.0)
    part = sparse.diags_array(scale)
    # total = reported + inside above + beyond above - inside below - beyond below
    matrix = sparse.vstack(
        [
            sparse.hstack([hard, sparse.csr_array((len(target), 4 * blocks))]),
            sparse.hstack([trade.matrix, -part, -part, part, part]),
        ]
    )
    cost = 1.0 / trade.spread
    above = np.maximum(trade.high - trade.reported, 0.0) / scale
    below = np.maximum(trade.reported - trade.low, 0.0) / scale
    open_end = np.full(blocks, np.inf)
    solved = _solve(
        np.concatenate([np.zeros(flows), cost, _BEYOND * cost, cost, _BEYOND * cost]),
        matrix,
        np.concatenate([target, trade.reported]),
        np.concatenate([np.full(flows, np.inf), above, open_end, below, open_end]),
        np.concatenate([size, np.ones(4 * blocks)]),
    )
    if solved is None:
        raise InfeasibleError("supplier totals and slot needs cannot be met together")
    total = np.asarray(trade.matrix @ solved[:flows])
    met = np.abs(total - trade.reported) <= _SLACK * scale
    return np.where(met, trade.reported, np.maximum(total, 0.0))


def hard_violations(
    hard: sparse.csr_array, target: FloatArray, size: FloatArray
) -> FloatArray | None:
    """Return by how much each hard total must be missed, or None if all can be met.

    Minimises the sum of relative violations; positive means more arrives than the total allows.
    """
    rows, flows = len(target), len(size)
    scale = np.where(target > 0, target, 1.0)
    part = sparse.diags_array(scale)
    solved = _solve(
        np.concatenate([np.zeros(flows), np.ones(2 * rows)]),
        sparse.hstack([hard, -part, part]),
        target,
        np.full(flows + 2 * rows, np.inf),
        np.concatenate([size, np.ones(2 * rows)]),
    )
    if solved is None:
        raise SolverError("the test of supplier totals and slot needs found no solution")
    missed = np.asarray(solved[flows : flows + rows] - solved[flows + rows :])
    return None if np.max(np.abs(missed), initial=0.0) <= _SLACK else missed * scale


def _solve(
    cost: FloatArray,
    matrix: Any,
    target: FloatArray,
    room: FloatArray,
    size: FloatArray,
) -> FloatArray | None:
    from scipy.optimize import linprog

    # Rows are divided by their targets and flows by their sizes: both range over many orders.
    weight = 1.0 / np.where(target > 0, target, 1.0)
    scaled = sparse.csr_array(sparse.diags_array(weight) @ matrix @ sparse.diags_array(size))
    bounds = np.column_stack([np.zeros(len(cost)), room])
    # scipy's types know no sparse matrices here, its documentation recommends them.
    solve: Any = linprog
    result = solve(cost, A_eq=scaled, b_eq=target * weight, bounds=bounds, method="highs")
    if result.status == 2:
        return None
    if result.status != 0:
        message = f"the linear program of the flow estimate stopped early: {result.message}"
        raise SolverError(message)
    return np.asarray(result.x, dtype=np.float64) * size
