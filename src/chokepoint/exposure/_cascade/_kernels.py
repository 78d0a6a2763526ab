"""Compiled loops of the cascade index; loaded on first use because numba takes a second to import.

A default touches few firms downstream, so each loop keeps lists of what it touched and clears
only that.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import heapq

import numpy as np

from chokepoint._jit import compiled

__all__ = [
    "adjoint",
    "downstream_sweep",
    "market_left",
    "single_defaults",
    "spread",
    "sweep",
]


@compiled()
def _replaceability(i, sales, market, left):
    """Return how much of what firm i sold its market cannot replace."""
    rest = left[market[i]]
    return sales[i] / rest if rest > sales[i] else 1.0


@compiled()
def spread(
    first, size, start, buyer, account, share,
    sales, market, left, replaceable, tolerance, most,
    loss, pushed, missing, queued, touched, accounts,
):  # fmt: skip
    """Push losses downstream until nothing above `tolerance` is left to push.

    Every update only adds, so any order ends in the same least fixed point. Returns the number
    of firms and accounts touched, and of pushes; -1 pushes if that takes more than `most` links:
    large cascades are found faster by sweeps. `first` are the firms that lose `size` at once.
    """
    n_touched = n_accounts = pushes = followed = 0
    for a in range(len(first)):
        i = first[a]
        if loss[i] == 0.0 and size[a] > 0.0:
            touched[n_touched] = i
            n_touched += 1
        if size[a] > loss[i]:
            left[market[i]] -= sales[i] * (size[a] - loss[i])
            loss[i] = size[a]
    line = [np.int64(0) for _ in range(0)]
    for a in range(n_touched):
        line.append(touched[a])
        queued[touched[a]] = True
    while True:
        head = 0
        while head < len(line):
            i = line[head]
            head += 1
            queued[i] = False
            factor = _replaceability(i, sales, market, left) if replaceable else 1.0
            more = factor * loss[i] - pushed[i]
            if more <= tolerance:
                continue
            pushed[i] += more
            pushes += 1
            followed += start[i + 1] - start[i]
            if followed > most:
                for b in range(head, len(line)):
                    queued[line[b]] = False
                return n_touched, n_accounts, -1
            for e in range(start[i], start[i + 1]):
                g, part = account[e], share[e] * more
                if part == 0.0:
                    continue
                if missing[g] == 0.0:
                    accounts[n_accounts] = g
                    n_accounts += 1
                missing[g] += part
                j = buyer[e]
                new = min(missing[g], 1.0)
                if new > loss[j]:
                    if loss[j] == 0.0:
                        touched[n_touched] = j
                        n_touched += 1
                    left[market[j]] -= sales[j] * (new - loss[j])
                    loss[j] = new
                    if not queued[j] and start[j + 1] > start[j]:
                        queued[j] = True
                        line.append(j)
        line.clear()
        if not replaceable:
            break
        # Markets have shrunk: what was replaced before may not be any more.
        for a in range(n_touched):
            i = touched[a]
            if start[i + 1] == start[i]:
                continue
            if _replaceability(i, sales, market, left) * loss[i] - pushed[i] > tolerance:
                line.append(i)
                queued[i] = True
        if len(line) == 0:
            break
    return n_touched, n_accounts, pushes


@compiled()
def _clear(
    n_touched, n_accounts, market, market_sales,
    left, loss, pushed, missing, touched, accounts,
):  # fmt: skip
    for a in range(n_touched):
        i = touched[a]
        left[market[i]] = market_sales[market[i]]
        loss[i] = pushed[i] = 0.0
    for a in range(n_accounts):
        missing[accounts[a]] = 0.0


@compiled()
def _column(
    sources, weights, wanted, n_wanted, n_out,
    out_start, out_to, out_share, in_start, in_from, in_share, scale, core,
    right, value, stamp, mark, list_right, list_value,
):  # fmt: skip
    """Solve (I - P) x = sum of weights at `sources`, for x at the `wanted` positions only.

    Returns how much of `list_right` and `list_value` was used, for clearing.
    """
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
def single_defaults(
    chosen, given, steps, start, buyer, account, share, n_accounts,
    sales, market, market_sales, replaceable, tolerance, most, weight,
    position, firm, n_out, out_start, out_to, out_share,
    in_start, in_from, in_share, scale, core, price,
    closed, class_weight, entry_start, entry_from, entry_share,
    result,
):  # fmt: skip
    """Write index, downstream and upstream part and pushes of each chosen firm's default.

    `price` is the loss per unit of a source in the upstream system, its adjoint solution.
    Downstream losses are those in the columns of `given`, found in `steps`, if it has any; else
    they are found by pushing, and rows of cascades that are too large for it are NaN.
    """
    n, m = len(sales), len(firm)
    loss, pushed, missing = np.zeros(n), np.zeros(n), np.zeros(n_accounts)
    queued = np.zeros(n, dtype=np.bool_)
    touched, accounts = np.empty(n, dtype=np.int64), np.empty(n_accounts, dtype=np.int64)
    left = market_sales.copy()
    right, value = np.zeros(m), np.zeros(m)
    stamp = np.zeros(m, dtype=np.int64)
    list_right, list_value = np.empty(m, dtype=np.int64), np.empty(m, dtype=np.int64)
    wanted = np.empty(m + 1, dtype=np.int64)
    first, size = np.empty(1, dtype=np.int64), np.ones(1)
    for a in range(len(chosen)):
        k = chosen[a]
        first[0] = k
        if given.shape[1] > 0:
            n_touched, n_used, pushes = 0, 0, steps
            for i in range(n):
                if given[i, a] > 0.0:
                    loss[i] = given[i, a]
                    touched[n_touched] = i
                    n_touched += 1
        else:
            n_touched, n_used, pushes = spread(
                first, size, start, buyer, account, share, sales, market, left, replaceable,
                tolerance, most, loss, pushed, missing, queued, touched, accounts,
            )  # fmt: skip
        if pushes < 0:
            result[a] = np.nan
            _clear(
                n_touched, n_used, market, market_sales,
                left, loss, pushed, missing, touched, accounts,
            )  # fmt: skip
            continue
        n_wanted = 0
        down = 0.0
        for b in range(n_touched):
            i = touched[b]
            down += weight[i] * loss[i]
            if position[i] >= 0 and i != k:
                wanted[n_wanted] = position[i]
                n_wanted += 1
        inside = closed[k]
        if inside < 0:
            sources, weights = np.array([position[k]]), np.ones(1)
            wanted[n_wanted] = position[k]
            n_wanted += 1
        else:
            sources = entry_from[entry_start[inside] : entry_start[inside + 1]]
            weights = entry_share[entry_start[inside] : entry_start[inside + 1]]
        _column(
            sources, weights, wanted, n_wanted, n_out, out_start, out_to, out_share,
            in_start, in_from, in_share, scale, core,
            right, value, stamp, a + 1, list_right, list_value,
        )  # fmt: skip
        norm = value[position[k]] if inside < 0 else 1.0
        up = 0.0
        for b in range(len(sources)):
            up += weights[b] * price[sources[b]]
        up /= norm
        if inside >= 0:
            up += class_weight[inside]
        both = up
        for b in range(n_touched):
            i = touched[b]
            if i == k:
                continue
            if position[i] >= 0:
                other = value[position[i]] / norm
            else:
                other = 1.0 if closed[i] == inside else 0.0
            if loss[i] > other:
                both += weight[i] * (loss[i] - other)
        result[a, 0], result[a, 1], result[a, 2], result[a, 3] = both, down, up, pushes
        _clear(
            n_touched, n_used, market, market_sales, left, loss, pushed, missing, touched, accounts
        )


@compiled()
def adjoint(
    weight,
    n_out,
    out_start,
    out_to,
    out_share,
    in_start,
    in_from,
    in_share,
    scale,
    core,
):
    """Solve (I - P') y = weight, positions in, positions out."""
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


@compiled()
def sweep(start, buyer, share, loss):
    """Update upstream losses (firms x lanes) in place, firm after firm; return the largest change.

    A firm loses what its buyers lose, in proportion, and no less than it did before: losses that
    start at the shock only grow.
    """
    lanes = loss.shape[1]
    total = np.empty(lanes, dtype=loss.dtype)
    largest = 0.0
    for i in range(len(start) - 1):
        total[:] = 0.0
        for e in range(start[i], start[i + 1]):
            row, part = loss[buyer[e]], share[e]
            for lane in range(lanes):
                total[lane] += part * row[lane]
        mine = loss[i]
        change = 0.0
        for lane in range(lanes):
            new = max(total[lane], mine[lane])
            change = max(change, new - mine[lane])
            mine[lane] = new
        largest = max(largest, change)
    return largest


@compiled()
def market_left(market, sales, loss, left):
    """Write what is left of each market's sales, by lane."""
    left[:] = 0.0
    for i in range(len(market)):
        row, mine, sold = left[market[i]], loss[i], sales[i]
        for lane in range(loss.shape[1]):
            row[lane] += sold * (1.0 - mine[lane])


@compiled()
def downstream_sweep(
    backwards, replaceable, tolerance, buyer_start, account_start, supplier, share,
    market, sales, left, loss, passed, moved, seen, clock,
):  # fmt: skip
    """Update downstream losses (firms x lanes) in place, buyer after buyer; return the change.

    A buyer loses what its worst account misses; `passed` is what of each firm's loss is felt by
    its buyers, `left` what is left of the sales of each market. A rise below `tolerance` is not
    passed on before it has grown, and an account is looked at again only where a supplier has
    `moved` since its buyer was `seen`, or with it, as one that buys from itself; `clock` counts
    visits.
    """
    n, lanes = loss.shape
    total, worst, felt = np.empty(lanes), np.empty(lanes), np.empty(lanes)
    largest = 0.0
    for step in range(n):
        j = n - 1 - step if backwards else step
        mine, rest, sold = loss[j], left[market[j]], sales[j]
        since, looked = seen[j], False
        clock[0] += 1
        seen[j] = clock[0]
        for g in range(buyer_start[j], buyer_start[j + 1]):
            stirred = False
            for e in range(account_start[g], account_start[g + 1]):
                stirred |= moved[supplier[e]] >= since
            if not stirred:
                continue
            if not looked:
                looked = True
                worst[:] = mine
            total[:] = 0.0
            for e in range(account_start[g], account_start[g + 1]):
                row, part = passed[supplier[e]], share[e]
                for lane in range(lanes):
                    total[lane] += part * row[lane]
            for lane in range(lanes):
                worst[lane] = max(worst[lane], total[lane])
        if looked:
            for lane in range(lanes):
                new = min(1.0, worst[lane])
                rest[lane] -= sold * (new - mine[lane])
                mine[lane] = new
        # What buyers feel may rise where a loss does not: the market has shrunk.
        change = 0.0
        for lane in range(lanes):
            base = max(sold, rest[lane])
            felt[lane] = mine[lane] * (sold / base) if replaceable and sold > 0.0 else mine[lane]
            more = felt[lane] - passed[j, lane]
            change = max(change, more)
        if change > tolerance:
            passed[j] = felt
            moved[j] = clock[0]
            largest = max(largest, change)
    return largest
