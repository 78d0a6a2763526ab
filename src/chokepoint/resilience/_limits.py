"""What sites and flows can do at most in each period, whoever decides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate import CompiledChain, ShockPlan
from chokepoint.resilience._periods import Periods

__all__ = ["Limits", "period_limits", "sum_from"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Limits:
    """Sums over the weeks of each period; infinite where nothing limits.

    Attributes
    ----------
    capacity : array (N, P)
        Output [weeks of baseline output].
    scale : array (N, P)
        Scale of a buyer's plants, never below baseline [weeks of baseline output].
    flow : array (E, P)
        Goods that may leave for the buyer [weeks of the whole slot].
    accepted : array (E, P)
        Orders that may be taken on, for licensed flows [weeks of the whole slot].
    demand : array (N, P)
        What a market takes [weeks of baseline demand].
    weekly : array (W, E)
        Goods that may leave in one week, from the first on [weeks of the whole slot]; like
        `flow`, and no more than the supplier can make.
    left : array (W, N)
        Share of capacity that the shocks leave in each week.
    gain : array (W, E)
        1 in weeks in which a limit on orders holds that earlier qualification would lift.
    """

    capacity: FloatArray
    scale: FloatArray
    flow: FloatArray
    accepted: FloatArray
    demand: FloatArray
    weekly: FloatArray
    left: FloatArray
    gain: FloatArray


def period_limits(chain: CompiledChain, shocks: ShockPlan, periods: Periods) -> Limits:
    """Return the limits of `chain` under `shocks`."""
    first = int(periods.starts[0])
    weeks = range(first, periods.end)
    capacity = np.stack([shocks.capacity(week)[:, 0] for week in weeks])
    head = 1.0 + _head(chain, len(weeks))
    reach = capacity * head
    free = chain.is_child[None, :] & (capacity >= 1.0)
    scale = np.where(free, 1.0, np.maximum(reach, 1.0))
    weekly, accepted, gain = _flows(chain, shocks, periods)
    return Limits(
        capacity=_summed(np.where(free, np.inf, reach), periods),
        scale=_summed(scale, periods),
        flow=_summed(weekly, periods),
        accepted=_summed(accepted, periods),
        demand=_summed(_demand(chain, capacity), periods),
        weekly=np.minimum(weekly, _made_in_a_week(chain, shocks, np.where(free, np.inf, reach))),
        left=capacity,
        gain=gain,
    )


def sum_from(weekly: FloatArray, periods: Periods, week: float = 0.0) -> FloatArray:
    """Return sums by period of weekly numbers, items first, from `week` on."""
    late = np.arange(periods.starts[0], periods.end) >= week
    return _summed(weekly * late[:, None], periods)


def _made_in_a_week(chain: CompiledChain, shocks: ShockPlan, reach: FloatArray) -> FloatArray:
    """Return what a supplier can make for each flow in a week, shape (W, E)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        most = reach[:, chain.edge_supplier] / chain.kappa[:, 0]
    most = np.where(chain.kappa[:, 0] > 0, most, np.inf)
    if shocks.licences is not None:
        # Goods made earlier may leave when their licence comes.
        most[:, shocks.licences.edges] = np.inf
    return most


def _summed(weekly: FloatArray, periods: Periods) -> FloatArray:
    """Return sums by period, items first; `weekly` starts in the first week of the periods."""
    return np.add.reduceat(weekly, periods.starts - periods.starts[0], axis=0).T


def _head(chain: CompiledChain, weeks: int) -> FloatArray:
    r"""Return how far capacity can be above baseline, week by week (step 10).

    A site that ramps up as fast as it can reaches
    :math:`(\alpha^{max} - 1)(1 - (1 - 1/\tau)^j)` after :math:`j` weeks.
    """
    step = np.minimum(1.0 / chain.ramp_weeks[:, 0], 1.0)
    done = 1.0 - (1.0 - step) ** np.arange(weeks)[:, None]
    return np.asarray(np.where(chain.is_market, 0.0, chain.ramp_max[:, 0] - 1.0) * done)


def _demand(chain: CompiledChain, multiplier: FloatArray) -> FloatArray:
    """Return what each market may be sent a week: never more than it will want on arrival.

    Orders follow the demand of the week before, and a far-sighted seller that of any week
    until the goods arrive.
    """
    weeks = len(multiplier)
    before = np.vstack([np.ones_like(multiplier[:1]), multiplier[:-1]])
    most = np.maximum(multiplier, before)
    for ahead in range(1, min(int(chain.lead.max(initial=1)) + 1, weeks)):
        later = np.vstack([multiplier[ahead:], np.repeat(multiplier[-1:], ahead, axis=0)])
        most = np.maximum(most, later)
    return np.where(chain.is_market, most, np.inf)


def _flows(
    chain: CompiledChain, shocks: ShockPlan, periods: Periods
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return weekly limits of shipments and of accepted orders (steps 2 and 2b), (W, E).

    The third array tells in which weeks qualification is what is missing.
    """
    sigma, dormant = chain.sigma[:, 0], chain.dormant
    before = np.where(dormant, 0.0, (1.0 + chain.growth[:, 0]) * sigma)
    after = np.where(dormant, chain.reserve[:, 0], np.inf)
    # By-products go along with the process (a row of their own), not with orders.
    by_product = chain.is_pushed[chain.edge_supplier]
    before, after = (np.where(by_product, np.inf, limit) for limit in (before, after))
    first = int(periods.starts[0])
    ready = first + chain.qualification[:, 0]
    licences = shocks.licences
    leaving, accepted, gain = [], [], []
    for week in range(first, periods.end):
        allowed = shocks.allowed(week)[:, 0]
        cap = np.where(allowed < 1.0, allowed * sigma, np.inf)
        order = np.minimum(np.where(week >= ready, after, before), cap)
        leave = order.copy()
        missing = (week < ready) & (allowed >= 1.0)
        if licences is not None:
            edges, (release, taken) = licences.edges, licences.terms(week)
            active = np.isfinite(release[:, 0])
            rate = np.where(active, np.where(active, release[:, 0], 0.0) * sigma[edges], np.inf)
            leave[edges] = np.minimum(rate, cap[edges])
            missing[edges] &= ~active
            order[edges] = np.where(taken[:, 0] > 0, order[edges], 0.0) * taken[:, 0]
        leaving.append(leave)
        accepted.append(order)
        gain.append(missing.astype(np.float64))
    return np.stack(leaving), np.stack(accepted), np.stack(gain)
