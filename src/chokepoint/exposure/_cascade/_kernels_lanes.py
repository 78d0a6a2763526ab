"""Sweeps over the firms with many shocks side by side, in registers; loaded on first use.

Numba takes a second to import. Each lane sees the same operations whatever is in its neighbours.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from __future__ import annotations

import numpy as np

from chokepoint._jit import compiled
from chokepoint.propagate._kernels_vector import (
    constant,
    larger,
    load_row,
    smaller,
    store_row,
)

__all__ = ["downstream_sweep", "empty", "judge", "market_left", "take_out", "upstream_sweep"]

# Loops own nothing, and divide as NumPy does.
_OPTIONS = {"error_model": "numpy", "_nrt": False}


@compiled(**_OPTIONS)
def downstream_sweep(
    wide, replaceable, buyer_start, account_start, supplier, share,
    market, sales, weight, left, loss, felt, grown,
):  # fmt: skip  # pragma: no cover  (compiled)
    """Update downstream losses (firms x lanes) in place, buyer after buyer.

    A buyer loses what its worst account misses; `felt` is what of each firm's loss is felt by its
    buyers, `left` what is left of the sales of each market. Row 0 of `grown` is the rise of the
    weighted sum of losses, row 1 the largest rise of what is felt.
    """
    none = constant(0.0, loss, wide)
    total, most = none, none
    for j in range(len(sales)):
        old = load_row(loss, j, 0, wide)
        worst = old
        for g in range(buyer_start[j], buyer_start[j + 1]):
            missing = none
            for e in range(account_start[g], account_start[g + 1]):
                missing = missing + share[e] * load_row(felt, supplier[e], 0, wide)
            worst = larger(missing, worst)
        worst = smaller(worst, 1.0)
        more = worst - old
        total = total + weight[j] * more
        store_row(loss, j, 0, worst)
        if sales[j] > 0.0:
            now = worst
            if replaceable:
                rest = load_row(left, market[j], 0, wide) - sales[j] * more
                store_row(left, market[j], 0, rest)
                # What buyers feel may rise where a loss does not: the market has shrunk.
                now = worst * (sales[j] / larger(rest, sales[j]))
            most = larger(now - load_row(felt, j, 0, wide), most)
            store_row(felt, j, 0, now)
    store_row(grown, 0, 0, total)
    store_row(grown, 1, 0, most)


@compiled(**_OPTIONS)
def upstream_sweep(wide, start, buyer, share, weight, loss, grown):  # pragma: no cover
    """Update upstream losses (firms x lanes) in place, firm after firm.

    A firm loses what its buyers lose, in proportion, and no less than it did before: losses that
    start at the shock only grow. `grown` is as in `downstream_sweep`.
    """
    none = constant(0.0, loss, wide)
    total, most = none, none
    for i in range(len(start) - 1):
        lost = none
        for e in range(start[i], start[i + 1]):
            lost = lost + share[e] * load_row(loss, buyer[e], 0, wide)
        old = load_row(loss, i, 0, wide)
        now = larger(lost, old)
        total = total + weight[i] * (now - old)
        most = larger(now - old, most)
        store_row(loss, i, 0, now)
    store_row(grown, 0, 0, total)
    store_row(grown, 1, 0, most)


@compiled(**_OPTIONS)
def market_left(lane, market, sales, loss, left):  # pragma: no cover
    """Add up anew what is left of each market's sales in one lane."""
    for k in range(len(left)):
        left[k, lane] = 0.0
    for i in range(len(market)):
        left[market[i], lane] += sales[i] * (1.0 - loss[i, lane])


@compiled(**_OPTIONS)
def take_out(lane, order, loss, column, target):  # pragma: no cover
    """Copy a lane to a column of `target`, rows in the order of firms."""
    for i in range(len(order)):
        target[order[i], column] = loss[i, lane]


@compiled(**_OPTIONS)
def empty(lanes, values, level):  # pragma: no cover
    """Set some lanes to a level of their row."""
    for i in range(len(values)):
        for a in range(len(lanes)):
            values[i, lanes[a]] = level[i]


@compiled(**_OPTIONS)
def judge(
    going, grown, before, ratios, turn, slowest, weighed, felt, sweeps, done
):  # pragma: no cover
    """Note in which lanes what is still to come is small, by how fast rises fall.

    `ratios` keeps those of the last three sweeps: losses may pause and go on, where a market
    shrinks or another input becomes the worst.
    """
    for lane in range(len(going)):
        small = True
        for kind in range(2):
            ratio, last = slowest, before[kind, lane]
            if 0.0 < last < np.inf:
                ratio = min(grown[kind, lane] / last, slowest)
            ratios[turn, kind, lane] = ratio
            before[kind, lane] = grown[kind, lane]
            rate = max(ratios[0, kind, lane], ratios[1, kind, lane], ratios[2, kind, lane])
            rest = grown[kind, lane] * rate / (1.0 - rate)
            small = small and rest <= (weighed if kind == 0 else felt)
        if going[lane]:
            sweeps[lane] += 1
            done[lane] = small
