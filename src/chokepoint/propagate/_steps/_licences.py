"""Step 2b: orders that need a licence wait in a queue."""

from __future__ import annotations

import numpy as np

from chokepoint.propagate._shocks import ShockPlan
from chokepoint.propagate._steps._arrays import Array
from chokepoint.propagate._steps._caps import Caps
from chokepoint.propagate._steps._numbers import ROUNDING, Numbers, ratio

__all__ = ["Licences"]


class Licences:
    """Queues on the flows that need a licence in any lane (K rows).

    Of each order a refused share is lost. The rest leaves at no more than the release rate; the
    exporter makes goods ahead up to a limit. A cap holds back the queue too.

    Attributes
    ----------
    edges : array of int (K,)
        Licensed flows.
    waiting : array of bool (K, lanes)
        Whether orders wait: a licence is needed, or an old queue is still there.
    queue, goods : array (K, lanes)
        Orders that wait and goods that are ready, as shares of the slot.
    placed, accepted, made, sent : array (K, lanes)
        Orders placed and taken on, goods made and goods that left in this week.
    """

    waiting: Array
    placed: Array
    accepted: Array
    made: Array
    sent: Array

    def __init__(self, numbers: Numbers, shocks: ShockPlan, caps: Caps) -> None:
        self._numbers, self._shocks, self._caps = numbers, shocks, caps
        plan, arrays = shocks.licences, numbers.arrays
        self.edges = np.empty(0, dtype=np.intp) if plan is None else plan.edges
        self._index = arrays.plain(self.edges)
        self._sigma = arrays.rows(numbers.sigma, self._index)
        self._by_group = arrays.segments(numbers.edge_group[self.edges], numbers.chain.n_groups)
        nothing = arrays.full(len(self.edges), 0.0)
        self.queue, self.goods, self.accepted = nothing, nothing, nothing
        self._release, self._taken = nothing + np.inf, nothing + 1.0
        self._limit, self._cap = nothing, nothing + np.inf
        if plan is not None:
            self._limit = arrays.number(plan.goods_weeks) * self._sigma

    def __bool__(self) -> bool:
        return len(self.edges) > 0

    def read(self, week: int) -> None:
        """Read the terms of a week, where there are licences at all."""
        plan = self._shocks.licences
        if plan is not None and plan.changes[week]:
            release, taken = plan.terms(week)
            number = self._numbers.arrays.number
            self._release, self._taken = number(release), number(taken)
        if plan is not None and self._shocks.flow_changes[week]:
            self._cap = self._caps.on(self.edges)

    def to_make(self, orders: Array) -> Array:
        """Return orders as the exporter's works see them."""
        xp, arrays = self._numbers.xp, self._numbers.arrays
        needed = xp.isfinite(self._release)
        self.placed = arrays.rows(orders, self._index)
        self.accepted = self.placed * self._taken
        self.waiting = needed | (self.queue > 0)
        self._outstanding = self.queue + self.accepted
        release = xp.where(needed, self._release, 0.0) * self._sigma
        rate = xp.where(needed, release, np.inf)
        rate = xp.minimum(rate, self._outstanding)
        self._rate = xp.minimum(rate, self._cap)
        room = self._limit + self._rate - self.goods
        making = xp.maximum(xp.minimum(self._outstanding - self.goods, room), 0.0)
        return arrays.put(orders, self.edges, xp.where(self.waiting, making, self.placed))

    def release(self, made: Array) -> Array:
        """Return what leaves of the goods `made` for all flows; the rest stays behind."""
        xp, arrays = self._numbers.xp, self._numbers.arrays
        self.made = arrays.rows(made, self._index)
        ready = self.goods + self.made
        leaving = xp.minimum(ready, self._rate)
        self.sent = xp.where(self.waiting, leaving, self.made)
        kept = xp.minimum(ready - leaving, self._limit)
        self.goods = xp.where(self.waiting, kept, 0.0)
        left = self._outstanding - leaving
        self.queue = xp.where(self.waiting & (left > ROUNDING), left, 0.0)
        return arrays.put(made, self.edges, self.sent)

    def promised(self) -> Array:
        """Return what is on order without being under way, by slot: orders added to queues."""
        change = self.accepted - self.sent
        return self._by_group.add(self._numbers.xp.where(self.waiting, change, 0.0))

    def seen(self, fill: Array) -> Array:
        """Return the fills that buyers see: where orders wait, what leaves of an order."""
        xp, arrays = self._numbers.xp, self._numbers.arrays
        served = ratio(xp, self.sent, self.placed, 1.0)
        served = xp.maximum(xp.minimum(served, 1.0), 0.0)
        known = xp.where(self.waiting, served, arrays.rows(fill, self._index))
        return arrays.put(fill, self.edges, known)
