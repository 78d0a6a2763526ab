"""Compiled sums of a week by country; loaded on first use because numba takes a second to import.

The same additions in the same order as the NumPy path of the recorder.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from chokepoint._jit import compiled

__all__ = ["country_week"]


@compiled()
def _add(rows, places, weights, values, total):
    """Add ``weights * values`` of `rows` to the rows of `total` that `places` name."""
    wide = weights.shape[1] > 1
    for k in range(len(rows)):
        i, place = rows[k], places[k]
        if wide:
            for lane in range(total.shape[1]):
                total[place, lane] += values[i, lane] * weights[k, lane]
        elif weights[k, 0] != 0.0:
            weight = weights[k, 0]
            for lane in range(total.shape[1]):
                total[place, lane] += values[i, lane] * weight


@compiled()
def _write(total, week, into):
    for lane in range(total.shape[1]):
        for place in range(total.shape[0]):
            # Minus zero is written as zero.
            into[lane, week, place] = total[place, lane] + into.dtype.type(0.0)


@compiled()
def country_week(
    week, output, wanted, waiting, nodes, country, lost, markets, market_country, final,
    ends, end_country, total, missing, loss, unmet, worst,
):  # fmt: skip
    """Write the sums of one week: value added lost, demand unmet, lowest end-sector site.

    Parameters
    ----------
    week : int
        The week that is written.
    output, wanted : array (N, lanes)
        Deviations of the week.
    waiting : array (markets, lanes)
        Demand that waits from earlier weeks.
    nodes, country, lost : arrays (N,), (N,), (N, 1 or lanes)
        All nodes, their countries, and minus their value added.
    markets, market_country, final : arrays (markets,), (markets,), (markets, 1 or lanes)
        Markets, their countries, and the value of their demand.
    ends, end_country : array (ends,)
        End-sector sites and their countries.
    total, missing : arrays (countries, lanes), (markets, lanes)
        Scratch.
    loss, unmet, worst : array (lanes, weeks, countries)
        What is written.
    """
    lanes = total.shape[1]
    total[:] = 0.0
    _add(nodes, country, lost, output, total)
    _write(total, week, loss)
    for k in range(len(markets)):
        i = markets[k]
        for lane in range(lanes):
            missing[k, lane] = (wanted[i, lane] - waiting[k, lane]) - output[i, lane]
    total[:] = 0.0
    _add(np.arange(len(markets)), market_country, final, missing, total)
    _write(total, week, unmet)
    total[:] = np.inf
    for k in range(len(ends)):
        i, place = ends[k], end_country[k]
        for lane in range(lanes):
            total[place, lane] = min(total[place, lane], output[i, lane])
    for place in range(total.shape[0]):
        for lane in range(lanes):
            if np.isinf(total[place, lane]):
                total[place, lane] = 0.0
    _write(total, week, worst)
