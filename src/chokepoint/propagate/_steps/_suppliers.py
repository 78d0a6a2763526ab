"""Step 8: whom buyers order from, and how they change suppliers."""

from __future__ import annotations

import numpy as np

from chokepoint.propagate._behaviour import Behaviour, reactions
from chokepoint.propagate._shocks import ShockPlan
from chokepoint.propagate._steps._arrays import Array
from chokepoint.propagate._steps._caps import Caps
from chokepoint.propagate._steps._licences import Licences
from chokepoint.propagate._steps._numbers import ROUNDING, Numbers, ratio

__all__ = ["CapacityShares", "Suppliers"]


class Suppliers:
    r"""Order shares :math:`w_e` and what moves them.

    Attributes
    ----------
    weight : array (E, lanes)
        Order shares; one column for all lanes where nothing moves them.
    reliability : array (E, lanes)
        What buyers believe of suppliers, 1 at first; only where buyers change suppliers.
    triggered : array (G, lanes)
        Week in which a slot first ran short, at first infinite.
    bound : array (E, lanes)
        Largest order before and after qualification.
    """

    reliability: Array

    def __init__(self, numbers: Numbers, behaviour: Behaviour, caps: Caps) -> None:
        self._numbers, self._behaviour, self._caps = numbers, behaviour, caps
        xp, arrays, chain = numbers.xp, numbers.arrays, numbers.chain
        lanes = reactions(behaviour, chain.reactions)
        self._trigger, self._memory, self._speed = (
            arrays.number(lanes[row : row + 1]) for row in range(len(lanes))
        )
        # Growth may be infinite, which of a flow of nothing is nothing.
        grown = np.multiply(1.0 + chain.growth, chain.sigma, out=np.zeros_like(chain.sigma),
                            where=chain.sigma > 0)  # fmt: skip
        self._limit = xp.where(numbers.dormant, 0.0, arrays.number(grown))
        self._limit_qualified = xp.where(numbers.dormant, numbers.reserve, np.inf)
        self.weight = numbers.sigma
        self.triggered = arrays.full(chain.n_groups, np.inf)
        self.bound, self._pull = self._limit, numbers.sigma
        self._next_ready = np.inf
        if behaviour.switching:
            self._start()

    def _start(self) -> None:
        """Make what only buyers need who change suppliers."""
        arrays, flows = self._numbers.arrays, self._numbers.chain.n_edges
        self.weight = arrays.full(flows, 0.0) + self._numbers.sigma
        self.reliability = arrays.full(flows, 1.0)
        self._ready_week = arrays.full(flows, np.inf)
        # Written over week after week: fresh arrays cost more than what is computed in them.
        self._trust, self._share, self._part = (arrays.full(flows, 0.0) for _ in range(3))

    def qualify(self, week: int) -> None:
        """Update what suppliers may take, in a week in which one is qualified for more."""
        if week < self._next_ready:
            return
        xp, numbers = self._numbers.xp, self._numbers
        ready = self._ready_week <= week
        self.bound = xp.where(ready, self._limit_qualified, self._limit)
        self._pull = numbers.sigma + xp.where(ready, numbers.reserve, 0.0)
        later = xp.where(ready, np.inf, self._ready_week)
        self._next_ready = float(xp.min(later)) if len(numbers.edge_group) else np.inf

    def _triggers_changed(self) -> None:
        numbers = self._numbers
        weeks = numbers.arrays.rows(self.triggered, numbers.group_of_edge)
        self._ready_week = weeks + numbers.qualification
        self._next_ready = -np.inf

    def learn(
        self,
        week: int,
        fill: Array,
        licences: Licences,
        *,
        order: Array,
        received: Array,
        demand: Array,
        output: Array,
    ) -> None:
        r"""Update reliability :math:`f_e \leftarrow f_e + \eta (m_e \text{fill}_e + d_e - f_e)`.

        The first week in which a slot receives less than 1 - trigger of its order, or is offered
        a discount :math:`d_e` above the trigger, is kept.
        """
        numbers, xp, arrays = self._numbers, self._numbers.xp, self._numbers.arrays
        if licences:
            fill = licences.seen(fill)
        caps = self._caps
        if caps.active:
            trusted = arrays.rows(fill, caps.index) * caps.trusted
            fill = arrays.put(fill, caps.edges, trusted)
        missing = order - received - self._trigger * (1.0 + order)
        if self._behaviour.discount:
            offer = self._offers(fill, demand, output)
            fill = fill + offer
            missing = xp.maximum(missing, numbers.by_group.maximum(offer) - self._trigger)
        fill -= self.reliability
        fill *= self._memory
        self.reliability += fill
        short = (missing > ROUNDING) & ~numbers.pushed & xp.isinf(self.triggered)
        if bool(xp.any(short)):
            self.triggered = xp.where(short, float(week), self.triggered)
            self._triggers_changed()

    def _offers(self, fill: Array, demand: Array, output: Array) -> Array:
        """Return the discount of idle suppliers that serve the whole of an order."""
        numbers, xp, arrays = self._numbers, self._numbers.xp, self._numbers.arrays
        idle = xp.where(demand - output <= ROUNDING, xp.maximum(-demand, 0.0), 0.0)
        offer = self._behaviour.discount * arrays.rows(idle, numbers.supplier_of_edge)
        return xp.where(fill > 1.0 - ROUNDING, offer, 0.0)

    def switch(self, week: int) -> None:
        """Move order shares towards reliable suppliers that may take them."""
        numbers, xp, arrays = self._numbers, self._numbers.xp, self._numbers.arrays
        moving = self.triggered <= week
        if not bool(xp.any(moving)):
            return
        step = self._shares(week)
        step -= self.weight
        speed = xp.where(moving, self._speed, 0.0)
        step *= arrays.rows(speed, numbers.group_of_edge, out=self._part)
        self.weight += step

    def _shares(self, week: int) -> Array:
        """Return new order shares: reliability-weighted, within limits, adding up to one."""
        numbers, xp, arrays = self._numbers, self._numbers.xp, self._numbers.arrays
        self.qualify(week)
        # A little trust is left, so that a buyer whose suppliers all fail stays with them.
        pull = arrays.maximum(self.reliability, ROUNDING, out=self._trust)
        if self._behaviour.exponent != 1.0:
            pull **= self._behaviour.exponent
        pull *= self._pull
        scale = ratio(xp, 1.0, numbers.by_group.add(pull), 0.0)
        full = None
        while True:
            share = arrays.rows(scale, numbers.group_of_edge, out=self._share)
            share *= pull
            over = share > self.bound
            share = arrays.minimum(share, self.bound, out=share)
            if not bool(xp.any(over if full is None else over != full)):
                return share
            full = over
            taken = numbers.by_group.add(arrays.only(share, full, out=self._part))
            weight = numbers.by_group.add(arrays.only(pull, ~full, out=self._part))
            rest = ratio(xp, xp.maximum(1.0 - taken, 0.0), weight, 0.0)
            scale = xp.maximum(rest, scale)

    def redirect(self, week: int, shocks: ShockPlan) -> None:
        """A boycott is known to the buyer: orders move at once to qualified suppliers."""
        redirections = shocks.redirections(week)
        if not redirections:
            return
        numbers, xp, arrays = self._numbers, self._numbers.xp, self._numbers.arrays
        told = np.zeros((numbers.chain.n_edges, numbers.lanes), dtype=bool)
        for lane, edges in redirections:
            told[edges, lane] = True
        boycotted = arrays.plain(told)
        # Its own act: the buyer does not take the same goods round it.
        known = xp.minimum(self.reliability, arrays.number(shocks.allowed(week)))
        self.reliability = xp.where(boycotted, known, self.reliability)
        # Who does not buy from the boycotted has no reason to turn to others, and nobody orders
        # by-products.
        buys = xp.where(boycotted & (self.weight > 0), self.weight, 0.0)
        moved = (numbers.by_group.maximum(buys) > 0) & ~numbers.pushed
        at_latest = xp.minimum(self.triggered, float(week))
        self.triggered = xp.where(moved, at_latest, self.triggered)
        self._triggers_changed()
        shares = self._shares(week)
        here = arrays.rows(moved, numbers.group_of_edge)
        self.weight = xp.where(here, shares, self.weight)


class CapacityShares:
    r"""Orders in proportion to the capacity that suppliers have: :math:`w_e \propto \sigma_e c_s`.

    Markets keep their shares, as do slots that nobody could supply.
    """

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        keeps = numbers.chain.is_market[numbers.group_buyer] | numbers.chain.pushed
        self._keeps = numbers.mask(keeps)
        self._whole = numbers.by_group.add(numbers.sigma)

    def weight(self, capacity: Array) -> Array:
        """Return order shares for the capacity (N, lanes) of this week."""
        numbers, xp, arrays = self._numbers, self._numbers.xp, self._numbers.arrays
        pull = arrays.rows(capacity, numbers.supplier_of_edge) * numbers.sigma
        # At baseline the two sums are the same number, so that shares are kept to the last bit.
        scale = ratio(xp, numbers.by_group.add(pull), self._whole, 0.0)
        kept = arrays.rows((scale <= 0.0) | self._keeps, numbers.group_of_edge)
        scale = arrays.rows(xp.where(scale > 0.0, scale, 1.0), numbers.group_of_edge)
        return xp.where(kept, numbers.sigma, pull / scale)
