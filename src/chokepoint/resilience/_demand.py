"""What markets can be sent at most, with backlog, rebuilding and stocks of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate import CompiledChain, ShockPlan

__all__ = ["Demand", "market_demand"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Demand:
    """Upper bounds on what is sent to markets [weeks of baseline demand]; infinite elsewhere.

    Attributes
    ----------
    weekly : array (W, N)
        In each week.
    so_far : array (W, N)
        From the first week to the end of each; infinite for markets without stock.
    """

    weekly: FloatArray
    so_far: FloatArray


def market_demand(
    chain: CompiledChain, shocks: ShockPlan, multiplier: FloatArray, weeks: range
) -> Demand:
    r"""Return what markets may be sent: never more than the weekly model can make them order.

    Orders follow what was wanted in the week before, :math:`W_{t-1}`, and a far-sighted seller
    that of any week until the goods arrive. A market without stock orders :math:`W_{t-1}`. One
    with stock :math:`n` also closes the gap of its inventory position, which is at most
    :math:`(n + \bar L) W_{t-1}` over :math:`\tau` weeks, and never leaves the position above
    its target: with :math:`m` the largest :math:`W` so far,

    .. math:: \sum_{s \le t} q_s \le (n + \bar L)(m - 1) + m + \sum_{0 < s \le t} W_{s-1}.

    Backlog counts as if nothing had been sold but what was already on its way, and rebuilding
    as if nothing had been rebuilt: both are more than any course leaves waiting.
    """
    base = np.where(chain.is_market, multiplier, 0.0)
    wanted = base + _waiting(chain, base, _rebuilding(chain, shocks, weeks))
    most = _until_arrival(chain, np.where(chain.is_market, wanted, 1.0))
    cover, reorder = np.zeros(chain.n_nodes), np.ones(chain.n_nodes)
    stocked = np.flatnonzero(chain.is_market[chain.group_buyer] & chain.storable)
    lead = np.bincount(chain.edge_group, chain.sigma[:, 0] * chain.lead, minlength=chain.n_groups)
    buyer = chain.group_buyer[stocked]
    cover[buyer] = chain.stock[stocked, 0] + lead[stocked]
    reorder[buyer] = chain.reorder[stocked, 0]
    largest = np.maximum(np.maximum.accumulate(most, axis=0), 1.0)
    so_far = cover * (largest - 1.0) + largest + np.cumsum(most, axis=0) - most[:1]
    has_stock = np.zeros(chain.n_nodes, dtype=bool)
    has_stock[buyer] = True
    return Demand(
        weekly=np.where(chain.is_market, most * (1.0 + cover / reorder), np.inf),
        so_far=np.where(has_stock, so_far, np.inf),
    )


def _rebuilding(chain: CompiledChain, shocks: ShockPlan, weeks: range) -> FloatArray:
    """Return the most that rebuilding asks of each market, shape (W, N)."""
    extra = np.zeros((len(weeks), chain.n_nodes))
    plan = shocks.rebuilds
    if plan is None:
        return extra
    for market, entry, share in zip(plan.markets, plan.market_entry, plan.shares, strict=True):
        worth = float(chain.final_value[market, 0])
        if worth > 0:
            late = np.asarray(weeks) >= plan.first[entry]
            extra[late, market] += share * plan.damage[entry] / plan.weeks[entry] / worth
    return extra


def _waiting(chain: CompiledChain, base: FloatArray, rebuilding: FloatArray) -> FloatArray:
    """Return rebuilding and the largest backlog, beyond the demand of the week itself, (W, N)."""
    share = chain.backlog[:, 0]
    if not (share > 0).any():
        return rebuilding
    waiting = rebuilding.copy()
    arriving = _on_the_way(chain, len(base))
    stock = np.zeros(chain.n_nodes)
    stock[chain.group_buyer] = np.where(
        chain.is_market[chain.group_buyer] & chain.storable, chain.stock[:, 0], 0.0
    )
    backlog = np.zeros(chain.n_nodes)
    for week, (demand, extra) in enumerate(zip(base, rebuilding, strict=True)):
        waiting[week] += backlog
        ordinary = demand + backlog
        wanted, there = ordinary + extra, stock + arriving[week]
        with np.errstate(divide="ignore", invalid="ignore"):
            missed = np.nan_to_num(np.maximum(1.0 - there / wanted, 0.0), nan=0.0, neginf=0.0)
        stock = np.where(stock > 0, np.maximum(there - wanted, 0.0), 0.0)
        backlog = share * ordinary * missed
    return waiting


def _on_the_way(chain: CompiledChain, weeks: int) -> FloatArray:
    """Return what arrives in each market of goods sent before the first week, shape (W, N)."""
    into = chain.group_buyer[chain.edge_group]
    sold = np.flatnonzero(chain.is_market[into])
    arriving = np.zeros((weeks, chain.n_nodes))
    for week in range(min(weeks, int(chain.lead.max(initial=1)))):
        edges = sold[chain.lead[sold] > week]
        arriving[week] = np.bincount(into[edges], chain.sigma[edges, 0], minlength=chain.n_nodes)
    return arriving


def _until_arrival(chain: CompiledChain, wanted: FloatArray) -> FloatArray:
    """Return the most wanted from the week before to that in which goods arrive, (W, N)."""
    weeks = len(wanted)
    before = np.vstack([np.ones_like(wanted[:1]), wanted[:-1]])
    most = np.maximum(wanted, before)
    for ahead in range(1, min(int(chain.lead.max(initial=1)) + 1, weeks)):
        later = np.vstack([wanted[ahead:], np.repeat(wanted[-1:], ahead, axis=0)])
        most = np.maximum(most, later)
    return most
