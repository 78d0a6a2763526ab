"""Compiled loops that push losses downstream; loaded on first use: numba takes a second to import.

A default touches few firms downstream, so each loop keeps lists of what it touched and clears
only that.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from chokepoint._jit import compiled

__all__ = ["clear", "spread"]


@compiled()
def _replaceability(i, sales, market, left):
    """Return how much of what firm i sold its market cannot replace."""
    rest = left[market[i]]
    return sales[i] / rest if rest > sales[i] else 1.0


@compiled()
def spread(first, size, links, firms, replaceable, tolerance, most, work):
    """Push losses downstream until nothing above `tolerance` is left to push.

    Every update only adds, so any order ends in the same least fixed point. Returns the number
    of firms and accounts touched, and of pushes; -1 pushes if that takes more than `most` links:
    large cascades are found faster by sweeps. `first` are the firms that lose `size` at once.
    """
    start, buyer, account, share = links.start, links.buyer, links.account, links.share
    sales, market, left = firms.sales, firms.market, work.left
    loss, pushed, missing = work.loss, work.pushed, work.missing
    queued, touched, accounts = work.queued, work.touched, work.accounts
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
def clear(n_touched, n_accounts, firms, work):
    """Put back what `spread` has changed."""
    market, market_sales, left = firms.market, firms.market_sales, work.left
    for a in range(n_touched):
        i = work.touched[a]
        left[market[i]] = market_sales[market[i]]
        work.loss[i] = work.pushed[i] = 0.0
    for a in range(n_accounts):
        work.missing[work.accounts[a]] = 0.0
