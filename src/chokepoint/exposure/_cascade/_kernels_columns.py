"""Compiled loops for defaults that touch few firms downstream; loaded on first use, like numba."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import heapq

import numpy as np

from chokepoint._jit import compiled
from chokepoint.exposure._cascade._kernels_push import clear, spread

__all__ = ["adjoint", "small_defaults"]


@compiled()
def _column(sources, weights, wanted, n_wanted, factors, work, mark):
    """Solve (I - P) x = sum of weights at `sources`, for x at the `wanted` positions only."""
    n_out, scale, core = factors.n_out, factors.scale, factors.core
    out_start, out_to, out_share = factors.out_start, factors.out_to, factors.out_share
    in_start, in_from, in_share = factors.in_start, factors.in_from, factors.in_share
    right, value, stamp = work.right, work.value, work.stamp
    list_right, list_value = work.list_right, work.list_value
    heap = [np.int64(0) for _ in range(0)]
    n_right = 0
    for a in range(len(sources)):
        s = sources[a]
        if right[s] == 0.0 and weights[a] != 0.0:
            list_right[n_right] = s
            n_right += 1
            if s < n_out:
                heapq.heappush(heap, s)
        right[s] += weights[a]
    while len(heap) > 0:
        s = heapq.heappop(heap)
        amount = scale[s] * right[s]
        for e in range(in_start[s], in_start[s + 1]):
            i, part = in_from[e], in_share[e] * amount
            if part == 0.0:
                continue
            if right[i] == 0.0:
                list_right[n_right] = i
                n_right += 1
                if i < n_out:
                    heapq.heappush(heap, i)
            right[i] += part
    n_value = 0
    for a in range(n_wanted):
        t = wanted[a]
        if stamp[t] != mark:
            stamp[t] = mark
            list_value[n_value] = t
            n_value += 1
    seen = 0
    while seen < n_value:
        t = list_value[seen]
        seen += 1
        if t < n_out:
            for e in range(out_start[t], out_start[t + 1]):
                j = out_to[e]
                if stamp[j] != mark:
                    stamp[j] = mark
                    list_value[n_value] = j
                    n_value += 1
    order = np.sort(list_value[:n_value])[::-1]
    for t in order:
        total = 0.0
        if t >= n_out:
            row = core[t - n_out]
            for a in range(n_right):
                i = list_right[a]
                if i >= n_out:
                    total += row[i - n_out] * right[i]
        else:
            total = right[t]
            for e in range(out_start[t], out_start[t + 1]):
                total += out_share[e] * value[out_to[e]]
            total *= scale[t]
        value[t] = total
    for a in range(n_right):
        right[list_right[a]] = 0.0


@compiled()
def _touched(n_touched, k, least, weight, position, push, wanted):
    """List the positions of the firms that a cascade from k touches, and of k last.

    Those whose weighted loss is at most `least` are left out.
    """
    n_wanted = 0
    for b in range(n_touched):
        i = push.touched[b]
        if position[i] >= 0 and i != k and weight[i] * push.loss[i] > least:
            wanted[n_wanted] = position[i]
            n_wanted += 1
    if position[k] >= 0:
        wanted[n_wanted] = position[k]
        n_wanted += 1
    return n_wanted


@compiled()
def small_defaults(
    chosen, links, firms, replaceable, tolerance, most, left_out,
    factors, classes, price, push, work, result,
):  # fmt: skip
    """Write index, downstream and upstream part, pushes and returns of each firm's default.

    `price` is the loss per unit of a source in the upstream system, its adjoint solution. Returns
    are the chance to come back to the firm. Index and downstream part are NaN where cascades are
    too large for pushing. Firms whose weighted losses downstream add up to at most `left_out` are
    taken to lose as much upstream.
    """
    weight, position, closed = firms.weight, factors.position, classes.number
    for a in range(len(chosen)):
        k = chosen[a]
        n_touched, n_used, pushes = spread(
            chosen[a : a + 1], np.ones(1), links, firms, replaceable, tolerance, most, push
        )
        n_known = n_touched if pushes >= 0 else 0
        least = left_out / max(n_known, 1)
        n_wanted = _touched(n_known, k, least, weight, position, push, work.wanted)
        inside = closed[k]
        if inside < 0:
            sources, weights = position[k : k + 1], np.ones(1)
        else:
            enters = slice(classes.start[inside], classes.start[inside + 1])
            sources, weights = classes.source[enters], classes.share[enters]
        _column(sources, weights, work.wanted, n_wanted, factors, work, a + 1)
        norm = work.value[position[k]] if inside < 0 else 1.0
        if inside < 0 and position[k] >= factors.n_out:
            norm = factors.diagonal[position[k] - factors.n_out]
        up = 0.0
        for b in range(len(sources)):
            up += weights[b] * price[sources[b]]
        up /= norm
        if inside >= 0:
            up += classes.weight[inside]
        down, both = 0.0, up
        for b in range(n_known):
            i = push.touched[b]
            down += weight[i] * push.loss[i]
            if i == k or weight[i] * push.loss[i] <= least:
                continue
            if position[i] >= 0:
                other = work.value[position[i]] / norm
            else:
                other = 1.0 if closed[i] == inside else 0.0
            if push.loss[i] > other:
                both += weight[i] * (push.loss[i] - other)
        result[a, 0], result[a, 1], result[a, 2], result[a, 3] = both, down, up, pushes
        result[a, 4] = 1.0 - 1.0 / norm
        if pushes < 0:
            result[a, :2] = np.nan
        clear(n_touched, n_used, firms, push)


@compiled()
def adjoint(weight, factors):
    """Solve (I - P') y = weight, positions in, positions out."""
    n_out, scale, core = factors.n_out, factors.scale, factors.core
    out_start, out_to, out_share = factors.out_start, factors.out_to, factors.out_share
    in_start, in_from, in_share = factors.in_start, factors.in_from, factors.in_share
    work, result = weight.copy(), np.zeros(len(weight))
    for s in range(n_out):
        amount = scale[s] * work[s]
        for e in range(out_start[s], out_start[s + 1]):
            work[out_to[e]] += out_share[e] * amount
    for i in range(len(core)):
        for j in range(len(core)):
            result[n_out + j] += core[i, j] * work[n_out + i]
    for s in range(n_out - 1, -1, -1):
        total = work[s]
        for e in range(in_start[s], in_start[s + 1]):
            total += in_share[e] * result[in_from[e]]
        result[s] = scale[s] * total
    return result
