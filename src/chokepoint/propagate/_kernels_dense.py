"""Compiled loops of the dense engine; needs numba, and is imported when they are needed.

A block is the matrix of flows of one product: one row per slot that buys it, one column per
supplier. A slot is dealt with in one visit: what arrives is a row times the suppliers' fills, the
new order follows from it, and the order times the row is demand on the suppliers. So the table is
read once a week.

Everything is a deviation from baseline, and nothing rounds there. Sums run in a fixed order: a
lane's numbers do not depend on the lanes beside it.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from chokepoint._jit import compiled
from chokepoint.propagate._kernels_matrix import LANES, ROWS, add_rows, times_pair

__all__ = ["LANES", "Slots", "Structure", "batch_week", "nodes_week", "single_week"]


def _compiled(**options: Any) -> Callable[[Any], Any]:
    return compiled(error_model="numpy", **options)


_CHUNK = 64
_FAST = {"contract", "reassoc"}
_SCARCE = 0.01


class Structure(NamedTuple):
    r"""Blocks of flows: who supplies and who buys in each of them.

    Attributes
    ----------
    supplier, first_supplier : array of int
        Suppliers of all blocks, and where each block starts.
    first_slot, first_fixed : array of int
        Where the slots of each block start, and those of them whose order shares never move.
    first_weight : array of int
        Where the matrix of each block starts.
    weight : array
        Shares of the suppliers in the slots, block by block, slot by slot.
    size : array (N,)
        Factor of a supplier in :math:`\kappa_e = a_g b_i`.
    whole : array (N,)
        Part of a site's output that goes to slots whose order shares move.
    """

    supplier: np.ndarray
    first_supplier: np.ndarray
    first_slot: np.ndarray
    first_fixed: np.ndarray
    first_weight: np.ndarray
    weight: np.ndarray
    size: np.ndarray
    whole: np.ndarray


class Slots(NamedTuple):
    r"""Numbers of the slots, in the order of the blocks.

    Attributes
    ----------
    buyer, level : array of int
        Buyer, and which of the levels of essentiality the slot has (-1 = none).
    stock, target, pace : array
        Stock cover, target of the inventory position, and one over the reorder time.
    spare, per_throttle : array
        Cover beyond the throttle cover at baseline, and one over the throttle cover.
    need : array
        Factor of the slot in :math:`\kappa_e = a_g b_i`.
    fleeting, final : array of bool
        Whether nothing is kept; whether the buyer is a market.
    """

    buyer: np.ndarray
    level: np.ndarray
    stock: np.ndarray
    target: np.ndarray
    pace: np.ndarray
    spare: np.ndarray
    per_throttle: np.ndarray
    need: np.ndarray
    fleeting: np.ndarray
    final: np.ndarray


@njit(inline="always")
def _order(rule, fleeting, final, x, wish, after, used, target, pace):  # pragma: no cover
    """Step 9 for one slot."""
    if fleeting:
        return wish
    aim = wish
    if rule == 2 and not final:
        aim = x
    gap = target * aim - after
    if rule == 0:
        return used + max(gap, 0.0) * pace
    return max(aim + gap * pace, -1.0)


@_compiled()
def nodes_week(  # pragma: no cover
    ramping, threshold, market, top, tempo, levels, cap, alpha, demand, x, wish, lowest,
    chi, fixed, moving,
):  # fmt: skip
    """Steps 3, 4, 6 and 10 for all nodes; `ramping`: 0 no, 1 after output, 2 before it."""
    lanes = cap.shape[1]
    for i in range(cap.shape[0]):
        if market[i]:
            for k in range(lanes):
                demand[i, k] = cap[i, k] - 1.0
        elif ramping == 2:
            for k in range(lanes):
                asked = 1.0 + demand[i, k]
                scarcity = (demand[i, k] - x[i, k]) / asked if asked > 0.0 else 0.0
                up = (top[i] - alpha[i, k]) * scarcity
                step = up if abs(scarcity) > threshold else 1.0 - alpha[i, k]
                alpha[i, k] = max(alpha[i, k] + step / tempo[i], 1.0)
        for k in range(lanes):
            ceiling = cap[i, k] * alpha[i, k] - 1.0
            if market[i]:
                ceiling = np.inf
            wish[i, k] = min(ceiling, demand[i, k])
            x[i, k] = wish[i, k]
        for level in range(len(levels)):
            eps = levels[level]
            for k in range(lanes):
                scale = max(wish[i, k], 0.0)
                x[i, k] = min(x[i, k], scale + eps * (lowest[level, i, k] - scale))
        for k in range(lanes):
            x[i, k] = max(x[i, k], -1.0)
            asked = 1.0 + demand[i, k]
            short = max(demand[i, k] - x[i, k], 0.0)
            scarcity = short / asked if asked > 0.0 else 0.0
            missing = max(-scarcity, -1.0)
            fixed[i, k] = missing
            moving[i, k] = chi[i, k] + missing + chi[i, k] * missing
            if ramping == 1 and not market[i]:
                up = (top[i] - alpha[i, k]) * scarcity
                step = up if scarcity > threshold else 1.0 - alpha[i, k]
                alpha[i, k] += step / tempo[i]
            chi[i, k] = cap[i, k] * alpha[i, k] - 1.0


@_compiled(fastmath=_FAST)
def single_week(  # pragma: no cover
    structure, slots, rule, frozen, sharing, x, wish, fixed, moving, chi,
    stock, order, held, lowest, demand,
):  # fmt: skip
    """Steps 1, 5, 7 and 9 of all slots and step 2 of the next week, for one lane."""
    lowest[:] = np.inf
    widest = 1
    for block in range(len(structure.first_slot) - 1):
        widest = max(widest, structure.first_supplier[block + 1] - structure.first_supplier[block])
    fill, extra = np.zeros(widest, x.dtype), np.zeros(widest, x.dtype)
    grown, asked, also = (
        np.zeros(widest, x.dtype),
        np.zeros(widest, x.dtype),
        np.zeros(widest, x.dtype),
    )
    arrives, z = np.zeros(_CHUNK, x.dtype), np.zeros(_CHUNK, x.dtype)
    for block in range(len(structure.first_slot) - 1):
        s0, s1 = structure.first_supplier[block], structure.first_supplier[block + 1]
        width = s1 - s0
        g0, g1 = structure.first_slot[block], structure.first_slot[block + 1]
        parted = structure.first_fixed[block] if sharing else g0
        asked[:width] = 0.0
        also[:width] = 0.0
        for part in range(2):
            start, end = (g0, parted) if part == 0 else (parted, g1)
            shares = part == 0
            quiet = True
            for j in range(width):
                i = structure.supplier[s0 + j]
                fill[j] = moving[i] if shares else fixed[i]
                extra[j] = fixed[i]
                grown[j] = chi[i]
                quiet = quiet and fill[j] == 0.0
            for c in range(start, end, _CHUNK):
                count = min(_CHUNK, end - c)
                at = structure.first_weight[block] + (c - g0) * width
                for q in range(count):
                    total = 0.0 * z[0]
                    if not quiet:
                        row = structure.weight[at + q * width : at + (q + 1) * width]
                        for j in range(width):
                            total += row[j] * fill[j]
                    arrives[q] = total
                if shares:
                    _add_held(structure, held, c, count, at, width, extra, arrives, order)
                for q in range(count):
                    g = c + q
                    i = slots.buyer[g]
                    got = order[g] + (1.0 + order[g]) * arrives[q]
                    used = min(x[i], slots.stock[g] + stock[g])
                    kept = max(stock[g] - used, -slots.stock[g])
                    after = got if slots.fleeting[g] else kept + got
                    stock[g] = after
                    r = _order(
                        rule, slots.fleeting[g], slots.final[g], x[i], wish[i], after, used,
                        slots.target[g], slots.pace[g],
                    )  # fmt: skip
                    order[g] = 0.0 if frozen else r
                for q in range(count):
                    g = c + q
                    level = slots.level[g]
                    if level >= 0:
                        i = slots.buyer[g]
                        cover = (slots.spare[g] + stock[g]) * slots.per_throttle[g]
                        lowest[level, i] = min(lowest[level, i], cover)
                if shares:
                    for q in range(count):
                        total = 0.0 * z[0]
                        row = structure.weight[at + q * width : at + (q + 1) * width]
                        for j in range(width):
                            total += row[j] * grown[j]
                        arrives[q] = total
                    _share(structure, slots, held, c, count, at, width, grown, arrives, order, also)
                for q in range(count):
                    z[q] = order[c + q] * slots.need[c + q]
                _demand(structure.weight, at, count, width, z, asked)
            if shares:
                for j in range(width):
                    i = structure.supplier[s0 + j]
                    mine = structure.size[i] * asked[j]
                    own = (1.0 + chi[i]) * mine + chi[i] * structure.whole[i]
                    demand[i] = own + structure.size[i] * also[j]
                    asked[j] = 0.0
            else:
                for j in range(width):
                    i = structure.supplier[s0 + j]
                    rest = structure.size[i] * asked[j]
                    demand[i] = demand[i] + rest if sharing else rest


@_compiled(fastmath=_FAST)
def _demand(weight, at, count, width, z, asked):  # pragma: no cover
    """Add orders times rows to the demand on suppliers, four slots at a time."""
    q = 0
    while q + 4 <= count:
        a = weight[at + q * width : at + (q + 1) * width]
        b = weight[at + (q + 1) * width : at + (q + 2) * width]
        c = weight[at + (q + 2) * width : at + (q + 3) * width]
        d = weight[at + (q + 3) * width : at + (q + 4) * width]
        for j in range(width):
            asked[j] += (a[j] * z[q] + b[j] * z[q + 1]) + (c[j] * z[q + 2] + d[j] * z[q + 3])
        q += 4
    while q < count:
        a = weight[at + q * width : at + (q + 1) * width]
        for j in range(width):
            asked[j] += a[j] * z[q]
        q += 1


@_compiled()
def _add_held(  # pragma: no cover
    structure, held, c, count, at, width, extra, arrives, order
):  # fmt: skip
    """Orders that kept their shares because nobody had capacity: they arrive by those."""
    for q in range(count):
        if held[c + q] > 0.0:
            total = 0.0
            for j in range(width):
                total += structure.weight[at + q * width + j] * extra[j]
            # The order that moves is -1 here, so that this is all that arrives.
            order[c + q] = held[c + q] - 1.0
            arrives[q] = total
            held[c + q] = 0.0


@_compiled()
def _share(  # pragma: no cover
    structure, slots, held, c, count, at, width, grown, totals, order, also
):  # fmt: skip
    """Turn orders into orders per unit of capacity: (1 + r) / (1 + N) - 1."""
    for q in range(count):
        g = c + q
        total = totals[q]
        if total > _SCARCE - 1.0:
            order[g] = (order[g] - total) / (1.0 + total)
            continue
        # Nearly all capacity is gone: count what is left of it instead of what is lost.
        left = 0.0
        for j in range(width):
            left += structure.weight[at + q * width + j] * (1.0 + grown[j])
        if left > 0.0:
            order[g] = (1.0 + order[g]) / left - 1.0
        else:
            held[g] = 1.0 + order[g]
            order[g] = -1.0
            for j in range(width):
                also[j] += structure.weight[at + q * width + j] * held[g] * slots.need[g]


@_compiled(fastmath=_FAST)
def batch_week(  # pragma: no cover
    structure, slots, rule, frozen, sharing, x, wish, fixed, moving, chi,
    stock, order, held, is_held, lowest, demand,
):  # fmt: skip
    """Do for `LANES` lanes at once what :func:`single_week` does for one."""
    lowest[:] = np.inf
    widest = 1
    for block in range(len(structure.first_slot) - 1):
        widest = max(widest, structure.first_supplier[block + 1] - structure.first_supplier[block])
    size = (widest, LANES)
    fill, extra = np.zeros(size, x.dtype), np.zeros(size, x.dtype)
    grown, asked, also = np.zeros(size, x.dtype), np.zeros(size, x.dtype), np.zeros(size, x.dtype)
    arrives, z = np.zeros((ROWS, LANES), x.dtype), np.zeros((ROWS, LANES), x.dtype)
    for block in range(len(structure.first_slot) - 1):
        s0, s1 = structure.first_supplier[block], structure.first_supplier[block + 1]
        width = s1 - s0
        g0, g1 = structure.first_slot[block], structure.first_slot[block + 1]
        parted = structure.first_fixed[block] if sharing else g0
        for part in range(2):
            start, end = (g0, parted) if part == 0 else (parted, g1)
            shares = part == 0
            scarce = False
            for j in range(width):
                i = structure.supplier[s0 + j]
                source = moving if shares else fixed
                for k in range(LANES):
                    asked[j, k] = 0.0
                    fill[j, k] = source[i, k]
                if shares:
                    for k in range(LANES):
                        also[j, k] = 0.0
                        extra[j, k] = fixed[i, k]
                        grown[j, k] = chi[i, k]
                        scarce = scarce or chi[i, k] <= _SCARCE - 1.0
            for c in range(start, end, ROWS):
                count = min(ROWS, end - c)
                at = structure.first_weight[block] + (c - g0) * width
                for q in range(0, count, 2):
                    times_pair(structure.weight, at + q * width, width, fill, arrives, q)
                if shares:
                    for q in range(count):
                        if is_held[c + q]:
                            _add_held_lanes(structure, held, is_held, c + q, at + q * width,
                                            width, extra, arrives[q], order)  # fmt: skip
                for q in range(count):
                    _renew(slots, c + q, rule, frozen, x, wish, arrives, q, stock, order, lowest)
                if shares:
                    for q in range(0, count, 2):
                        times_pair(structure.weight, at + q * width, width, grown, arrives, q)
                    for q in range(count):
                        # An average of capacities is not scarce where none of them is.
                        if scarce:
                            _share_scarce(structure, slots, held, is_held, c + q, at + q * width,
                                          width, grown, arrives[q], order, also)  # fmt: skip
                        else:
                            _share_lanes(arrives, q, order, c + q)
                for q in range(count):
                    need = slots.need[c + q]
                    for k in range(LANES):
                        z[q, k] = order[c + q, k] * need
                for q in range(count, ROWS):
                    for k in range(LANES):
                        z[q, k] = 0.0
                add_rows(structure.weight, at, width, z, asked)
            for j in range(width):
                i = structure.supplier[s0 + j]
                own, whole = structure.size[i], structure.whole[i]
                if shares:
                    for k in range(LANES):
                        mine = (1.0 + chi[i, k]) * (own * asked[j, k]) + chi[i, k] * whole
                        demand[i, k] = mine + own * also[j, k]
                elif sharing:
                    for k in range(LANES):
                        demand[i, k] += own * asked[j, k]
                else:
                    for k in range(LANES):
                        demand[i, k] = own * asked[j, k]


@_compiled(fastmath={"contract"}, forceinline=True)
def _renew(  # pragma: no cover
    slots, g, rule, frozen, x, wish, arrives, q, stock, order, lowest
):  # fmt: skip
    """Steps 1, 5, 7 and 9 of one slot in all lanes."""
    i, level = slots.buyer[g], slots.level[g]
    cover, target, pace = slots.stock[g], slots.target[g], slots.pace[g]
    fleeting, final = slots.fleeting[g], slots.final[g]
    spare, per_throttle = slots.spare[g], slots.per_throttle[g]
    zero = 0.0 * arrives[q, 0]
    for k in range(LANES):
        got = order[g, k] + (1.0 + order[g, k]) * arrives[q, k]
        used = min(x[i, k], cover + stock[g, k])
        kept = max(stock[g, k] - used, -cover)
        after = got if fleeting else kept + got
        r = _order(rule, fleeting, final, x[i, k], wish[i, k], after, used, target, pace)
        stock[g, k] = after
        order[g, k] = zero if frozen else r
    if level >= 0:
        for k in range(LANES):
            reach = (spare + stock[g, k]) * per_throttle
            lowest[level, i, k] = min(lowest[level, i, k], reach)


@_compiled()
def _add_held_lanes(  # pragma: no cover
    structure, held, is_held, g, at, width, extra, arrives, order
):  # fmt: skip
    is_held[g] = False
    for k in range(LANES):
        if held[g, k] > 0.0:
            total = 0.0
            for j in range(width):
                total += structure.weight[at + j] * extra[j, k]
            order[g, k] = held[g, k] - 1.0
            arrives[k] = total
            held[g, k] = 0.0


@_compiled(fastmath={"contract"}, forceinline=True)
def _share_lanes(grown, q, order, g):  # pragma: no cover
    for k in range(LANES):
        order[g, k] = (order[g, k] - grown[q, k]) / (1.0 + grown[q, k])


@_compiled()
def _share_scarce(  # pragma: no cover
    structure, slots, held, is_held, g, at, width, grown, total, order, also
):  # fmt: skip
    """Where nearly all capacity is gone, count what is left of it instead of what is lost."""
    for k in range(LANES):
        if total[k] > _SCARCE - 1.0:
            order[g, k] = (order[g, k] - total[k]) / (1.0 + total[k])
            continue
        placed = order[g, k]
        left = 0.0
        for j in range(width):
            left += structure.weight[at + j] * (1.0 + grown[j, k])
        if left > 0.0:
            order[g, k] = (1.0 + placed) / left - 1.0
        else:
            held[g, k] = 1.0 + placed
            is_held[g] = True
            order[g, k] = -1.0
            for j in range(width):
                also[j, k] += structure.weight[at + j] * held[g, k] * slots.need[g]
