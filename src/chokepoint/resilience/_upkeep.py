"""Bounds on what shortages do to use and to capacity, whoever decides.

A slot that runs short teaches its buyer thrift, and a plant without its services decays. Both
depend on the run; a lower bound on losses may take the most of the first and the least of the
second that the limits on flows leave room for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate import CompiledChain, ShockPlan

__all__ = ["capacity_kept", "least_use", "rebuilt"]

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

# A shortage below this counts as none (step 11), with room for rounding.
_ROUNDING = 1e-6 + 1e-9


def least_use(chain: CompiledChain, weeks: int) -> FloatArray:
    r"""Return the least use of a slot over baseline use at baseline output, shape (W, G).

    Savings of a week are at most :math:`\mu_g` and work from the next week on, so that
    :math:`\theta_{g,j} \ge \max(\theta^{min}_g, (1 - \mu_g)^j)`.
    """
    saved = (1.0 - chain.thrift[:, 0]) ** np.arange(weeks)[:, None]
    return np.asarray(np.maximum(chain.thrift_floor[:, 0], saved))


def rebuilt(shocks: ShockPlan, n_nodes: int, weeks: range) -> FloatArray:
    r"""Return the largest capacity that rebuilding leaves, shape (W, N).

    Damage falls by what markets deliver, at most the share :math:`1/\text{weeks}` of what is
    left: :math:`R_j \ge \text{damage} (1 - 1/\text{weeks})^j`, and below a millionth of the
    damage it is nothing.
    """
    kept = np.ones((len(weeks), n_nodes))
    plan = shocks.rebuilds
    if plan is None:
        return kept
    week = np.asarray(weeks)[:, None]
    share = np.clip(1.0 - 1.0 / plan.weeks, 0.0, None)
    left = share ** np.maximum(week - plan.first, 0)
    left = np.where(left < _ROUNDING, 0.0, left)
    factor = np.where(week >= plan.first, 1.0 - plan.lost * left, 1.0)
    for place, node in enumerate(plan.nodes):
        kept[:, node] *= factor[:, plan.node_entry[place]]
    return kept


def capacity_kept(
    chain: CompiledChain,
    weekly: FloatArray,
    detour: FloatArray,
    detour_lead: IntArray,
    *,
    skipped: BoolArray,
) -> FloatArray:
    r"""Return the largest share of capacity that the decay recursion leaves, shape (W, N).

    With the largest arrivals :math:`A` that limits on flows allow, the most that a slot can
    have is :math:`v_{g,t} = (v_{g,t-1} - 1)^+ + A_{g,t}`, where what cannot be kept starts
    from zero each week, and

    .. math:: K_i \leftarrow K_i \prod_g \bigl(1 - \delta_g (1 - v_g)^+\bigr),

    or a step of :math:`1/\text{repair}` back towards 1 where nothing is short (step 11). More
    in a slot never leaves less capacity, so this is an upper bound on every course.

    Parameters
    ----------
    chain : CompiledChain
        The chain.
    weekly, detour : array (W, E)
        Most that may leave for a slot in each week, on the flow and on its detour.
    detour_lead : array of int (E,)
        Weeks from dispatch to arrival on the detour.
    skipped : array of bool (G,)
        Slots that a plan may help; their decay is left out.
    """
    groups = np.flatnonzero((chain.decay[:, 0] > 0) & ~skipped)
    kept = np.ones((len(weekly), chain.n_nodes))
    if not len(groups):
        return kept
    arrived = _largest_arrivals(chain, weekly, detour, detour_lead)[:, groups]
    buyers, place = np.unique(chain.group_buyer[groups], return_inverse=True)
    repair = np.zeros(len(buyers))
    np.maximum.at(repair, place, chain.repair[groups, 0])
    stock, storable = chain.stock[groups, 0].copy(), chain.storable[groups]
    share = np.ones(len(buyers))
    for week, arrival in enumerate(arrived):
        kept[week, buyers] = share
        there = stock + arrival
        short = np.maximum(1.0 - there, 0.0)
        stock = np.where(storable, np.maximum(there - 1.0, 0.0), 0.0)
        left = np.ones(len(buyers))
        np.multiply.at(left, place, 1.0 - chain.decay[groups, 0] * short)
        worst = np.zeros(len(buyers))
        np.maximum.at(worst, place, short)
        share = share * left
        share = np.where(worst > _ROUNDING, share, share + (1.0 - share) / repair)
    return kept


def _largest_arrivals(
    chain: CompiledChain, weekly: FloatArray, detour: FloatArray, detour_lead: IntArray
) -> FloatArray:
    """Return the most that can arrive in each slot and week, shape (W, G)."""
    weeks = len(weekly)
    arrived = np.zeros((chain.n_groups, weeks))
    for lead in np.unique(chain.lead):
        edges = np.flatnonzero(chain.lead == lead)
        sent = np.repeat(chain.sigma[edges], min(int(lead), weeks), axis=1)
        sent = np.hstack([sent, weekly[: max(weeks - int(lead), 0), edges].T])
        np.add.at(arrived, chain.edge_group[edges], sent)
    for edge in np.flatnonzero((detour > 0).any(axis=0)):
        late = weekly.shape[0] - int(detour_lead[edge])
        if late > 0:
            arrived[chain.edge_group[edge], -late:] += detour[:late, edge]
    return arrived.T
