"""Slow, obvious versions of what the library does fast, to compare with.

Nothing here is vectorised or clever; each function follows the definition in words.
"""

from __future__ import annotations

import numpy as np


def slow_recipes(tables):
    """Recipe quantity by (buyer, slot, input), overrides applied, children left out."""
    found = {}
    for site in tables["sites"].itertuples():
        if site.process:
            continue
        for row in tables["inputs"].itertuples():
            if row.product == site.product and row.site == "":
                found[site.site, row.slot, row.input] = row.quantity
        for row in tables["inputs"].itertuples():
            if row.site == site.site:
                found[site.site, row.slot, row.input] = row.quantity
    for market in tables["markets"].itertuples():
        found[market.market, "demand", market.product] = 1.0
    return found


def slow_balance(tables):
    """Largest relative residual of the three identities, site by site."""
    recipe = slow_recipes(tables)
    output = {s.site: s.output_qty for s in tables["sites"].itertuples()}
    product = {s.site: s.product for s in tables["sites"].itertuples()}
    need = output | {m.market: m.quantity for m in tables["markets"].itertuples()}
    shipped, filled = dict.fromkeys(output, 0.0), {}
    for flow in tables["flows"].itertuples():
        shipped[flow.supplier] += flow.quantity
        key = (flow.buyer, flow.slot)
        units = recipe[flow.buyer, flow.slot, product[flow.supplier]]
        filled[key] = filled.get(key, 0.0) + flow.quantity / units
    worst = 0.0
    pure = {child.process for child, _, wanted in slow_children(tables) if wanted}
    for site, quantity in output.items():
        if site not in pure:
            worst = max(worst, abs(shipped[site] - quantity) / quantity)
    for buyer, slot, _ in recipe:
        worst = max(worst, abs(filled.get((buyer, slot), 0.0) - need[buyer]) / need[buyer])
    for child, share, _ in slow_children(tables):
        expected = share * output[child.process]
        worst = max(worst, abs(child.output_qty - expected) / expected)
    return worst


def slow_children(tables):
    """Triples (child row, yield, wanted)."""
    product = {s.site: s.product for s in tables["sites"].itertuples()}
    for child in tables["sites"].itertuples():
        if not child.process:
            continue
        rows = [
            row
            for row in tables["joint"].itertuples(index=False)
            if row.process == product[child.process] and row.product == child.product
        ]
        own = [row for row in rows if row.site == child.process]
        chosen = own[0] if own else next(row for row in rows if row.site == "")
        yield child, chosen[3], chosen.wanted


def slow_fit(supply, need, seed, *, sweeps=5_000):
    """Biproportional fitting of a matrix to row and column sums, one cell at a time."""
    flow = [[float(cell) for cell in row] for row in seed]
    rows, columns = range(len(supply)), range(len(need))
    for _ in range(sweeps):
        for i in rows:
            total = sum(flow[i])
            for j in columns:
                flow[i][j] *= supply[i] / total
        for j in columns:
            total = sum(flow[i][j] for i in rows)
            for i in rows:
                flow[i][j] *= need[j] / total
    return np.array(flow)


def is_nearest_to_seed(flow, seed, totals):
    """Whether flows minimise relative entropy to the seed among those with the same totals.

    The optimum is the seed times one factor per total: log(flow / seed) is a combination of the
    rows of `totals`.
    """
    log = np.log(np.asarray(flow) / np.asarray(seed))
    rows = np.asarray(totals, dtype=float)
    factors = np.linalg.lstsq(rows.T, log, rcond=None)[0]
    return bool(np.allclose(rows.T @ factors, log, atol=1e-7))
