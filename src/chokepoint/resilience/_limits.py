"""What sites and flows can do at most in each period, whoever decides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate import CompiledChain, ShockPlan
from chokepoint.resilience._demand import market_demand
from chokepoint.resilience._periods import Periods
from chokepoint.resilience._upkeep import capacity_kept, least_use, rebuilt

__all__ = ["Limits", "period_limits", "sum_from"]

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


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
    demand_so_far : array (N, P)
        What a market with stock takes from the first week on to the end of each period.
    detour : array (E, P)
        Goods that may leave round a cap [weeks of the whole slot].
    detour_lead : array of int (E,)
        Weeks from dispatch to arrival on the detour.
    use : array (G, P)
        Least use over baseline use, at baseline output.
    weekly : array (W, E)
        Goods that may leave in one week, from the first on [weeks of the whole slot]; like
        `flow`, and no more than the supplier can make.
    detour_weekly : array (W, E)
        Goods that may leave round a cap in one week.
    left : array (W, N)
        Share of capacity that the shocks leave in each week, at best.
    gain : array (W, E)
        1 in weeks in which a limit on orders holds that earlier qualification would lift.
    free : array (W, E)
        1 in weeks in which neither a cap nor a licence holds.
    """

    capacity: FloatArray
    scale: FloatArray
    flow: FloatArray
    accepted: FloatArray
    demand: FloatArray
    demand_so_far: FloatArray
    detour: FloatArray
    detour_lead: IntArray
    use: FloatArray
    weekly: FloatArray
    detour_weekly: FloatArray
    left: FloatArray
    gain: FloatArray
    free: FloatArray


def period_limits(
    chain: CompiledChain,
    shocks: ShockPlan,
    periods: Periods,
    *,
    head_start: int = 0,
    helped: BoolArray | None = None,
) -> Limits:
    """Return the limits of `chain` under `shocks`.

    Parameters
    ----------
    chain, shocks, periods
        The chain, the scenario and its periods.
    head_start : int
        Weeks before the first in which capacity may begin to ramp up.
    helped : array of bool (G,), optional
        Slots that a plan may help, whose decay is left out.
    """
    weeks = range(int(periods.starts[0]), periods.end)
    given = np.stack([shocks.capacity(week)[:, 0] for week in weeks])
    capacity = given * rebuilt(shocks, chain.n_nodes, weeks)
    head = 1.0 + _head(chain, len(weeks), head_start)
    # A joint output has a ceiling of its own only in an outage.
    free = chain.is_child[None, :] & (capacity >= 1.0)
    flow, accepted, gain, unbound = _flows(chain, shocks, periods)
    detour, detour_lead = _detours(chain, shocks, weeks)

    def weekly(reach: FloatArray) -> FloatArray:
        made = _made_in_a_week(chain, shocks, np.where(free, np.inf, reach))
        return np.minimum(flow, made)

    left = capacity * capacity_kept(
        chain, weekly(capacity * head), detour, detour_lead,
        skipped=np.zeros(chain.n_groups, dtype=bool) if helped is None else helped,
    )  # fmt: skip
    reach = left * head
    demand = market_demand(chain, shocks, given, weeks)
    ends = periods.starts + periods.lengths - 1 - periods.starts[0]
    return Limits(
        capacity=_summed(np.where(free, np.inf, reach), periods),
        scale=_summed(np.where(free, 1.0, np.maximum(reach, 1.0)), periods),
        flow=_summed(flow, periods),
        accepted=_summed(accepted, periods),
        demand=_summed(demand.weekly, periods),
        demand_so_far=demand.so_far[ends].T,
        detour=_summed(detour, periods),
        detour_lead=detour_lead,
        use=least_use(chain, len(weeks))[ends].T,
        weekly=weekly(reach),
        detour_weekly=detour,
        left=left,
        gain=gain,
        free=unbound,
    )


def _detours(chain: CompiledChain, shocks: ShockPlan, weeks: range) -> tuple[FloatArray, IntArray]:
    """Return what may leave round caps in each week, (W, E), and how long it takes, (E,)."""
    lead = np.array(chain.lead, dtype=np.intp)
    lead[shocks.capped_edges] += shocks.detour_weeks[:, 0]
    if not shocks.has_detours:
        return np.zeros((len(weeks), chain.n_edges)), lead
    share = np.stack([shocks.detour(week)[:, 0] for week in weeks])
    return share * chain.sigma[:, 0], lead


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


def _head(chain: CompiledChain, weeks: int, head_start: int) -> FloatArray:
    r"""Return how far capacity can be above baseline, week by week (step 10).

    A site that ramps up as fast as it can reaches
    :math:`(\alpha^{max} - 1)(1 - (1 - 1/\tau)^j)` after :math:`j` weeks.
    """
    step = np.minimum(1.0 / chain.ramp_weeks[:, 0], 1.0)
    done = 1.0 - (1.0 - step) ** (np.arange(weeks) + head_start)[:, None]
    return np.asarray(np.where(chain.is_market, 0.0, chain.ramp_max[:, 0] - 1.0) * done)


def _flows(
    chain: CompiledChain, shocks: ShockPlan, periods: Periods
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return weekly limits of shipments and of accepted orders (steps 2 and 2b), (W, E).

    The third array tells in which weeks qualification is what is missing, the fourth in which
    neither a cap nor a licence holds.
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
    leaving, accepted, gain, free = [], [], [], []
    for week in range(first, periods.end):
        allowed = shocks.allowed(week)[:, 0]
        cap = np.where(allowed < 1.0, allowed * sigma, np.inf)
        order = np.minimum(np.where(week >= ready, after, before), cap)
        leave = order.copy()
        unbound = allowed >= 1.0
        if licences is not None:
            edges, (release, taken) = licences.edges, licences.terms(week)
            active = np.isfinite(release[:, 0])
            rate = np.where(active, np.where(active, release[:, 0], 0.0) * sigma[edges], np.inf)
            leave[edges] = np.minimum(rate, cap[edges])
            unbound[edges] &= ~active
            order[edges] = np.where(taken[:, 0] > 0, order[edges], 0.0) * taken[:, 0]
        leaving.append(leave)
        accepted.append(order)
        gain.append((unbound & (week < ready)).astype(np.float64))
        free.append(unbound.astype(np.float64))
    return np.stack(leaving), np.stack(accepted), np.stack(gain), np.stack(free)
