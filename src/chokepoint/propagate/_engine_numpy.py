"""The weekly model, vectorised over scenarios with NumPy.

The steps are numbered as on the page *The weekly model* of the docs. All variables are
deviations from baseline: a site's output is ``1 + x`` times its baseline. Without a shock every
deviation is exactly 0.0. Rows are nodes (N), groups (G) or edges (E); the last axis is the lane,
one per scenario.

These points go beyond the plain equations, the first three so that the recourse program
has the same rows as the model:

* an order on a flow stays below ``(1 + growth_max)`` of its baseline until the supplier is
  qualified for more, in catching up as well as in switching;
* an order to a dormant supplier stays below its largest share;
* orders that no supplier may take under these limits go back to suppliers with room;
* what cannot be kept is ordered for the output that the buyer wants to make: an inventory
  position means nothing there, and one that counts goods which are gone is never refilled;
* caps hold back a licence queue too, and while orders wait, the fill that a buyer sees is what
  leaves of its order, refusals included;
* a joint output whose own capacity is out calls for no more of the process than it can take;
* a boycott is known to those who buy from the boycotted, and moves their orders at once;
* a shortage, queue or reliability below 1e-6 is rounding: it triggers nothing, and a buyer
  whose suppliers all fail stays with them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate._behaviour import Behaviour
from chokepoint.propagate._compile import CompiledChain
from chokepoint.propagate._segments import Segments
from chokepoint.propagate._shocks import ShockPlan

__all__ = ["NumpyEngine"]

Array = NDArray[np.floating]
Recorder = Callable[[int, Array], None]

# A shortage or queue below this share of baseline is a rounding error, in single precision too.
_ROUNDING = 1e-6


class NumpyEngine:
    """One run of a batch of scenarios; `run` hands each week's deviations to a recorder."""

    # Numbers of the chain in the precision of the run, shape (rows, 1) or (rows, lanes).
    ramp_max: Array
    ramp_weeks: Array
    surplus_weeks: Array
    eps: Array
    phi: Array
    stock: Array
    throttle: Array
    reorder: Array
    sigma: Array
    kappa: Array
    growth: Array
    qualification: Array
    reserve: Array

    def __init__(
        self,
        chain: CompiledChain,
        shocks: ShockPlan,
        behaviour: Behaviour,
        dtype: np.dtype[np.floating],
    ) -> None:
        self.chain, self.shocks, self.behaviour = chain, shocks, behaviour
        self.dtype, self.lanes = dtype, shocks.lanes
        self._cast_chain()
        self._index()
        self._start()

    def _cast_chain(self) -> None:
        chain = self.chain
        for name in ("ramp_max", "ramp_weeks", "surplus_weeks", "eps", "phi", "stock",
                     "throttle", "reorder", "sigma", "kappa", "growth", "qualification",
                     "reserve"):  # fmt: skip
            setattr(self, name, getattr(chain, name).astype(self.dtype))
        # Rounded apart, stock + 1 could fall short of the throttle cover without a shock.
        self.throttle = np.minimum(self.throttle, self.stock + 1.0)

    def _index(self) -> None:
        chain = self.chain
        self.by_supplier = Segments(chain.edge_supplier, chain.n_nodes)
        self.by_group = Segments(chain.edge_group, chain.n_groups)
        self.by_buyer = Segments(chain.group_buyer, chain.n_nodes)
        self.wanted_children = np.flatnonzero(chain.is_child & ~chain.is_pushed)
        self.to_process = Segments(chain.process[self.wanted_children], chain.n_nodes)
        self.children = np.flatnonzero(chain.is_child)
        self.pushed_edges = np.flatnonzero(chain.is_pushed[chain.edge_supplier])
        # A market orders its demand, which is the output that it wants.
        self.fleeting = np.flatnonzero(~chain.storable)
        self.has_disjoint = bool((chain.phi > 0).any())
        self.longest = int(chain.lead.max(initial=1))
        self.by_lead = [
            (int(lead), Segments(chain.edge_group, chain.n_groups, only=chain.lead == lead))
            for lead in np.unique(chain.lead)
        ]
        dormant = chain.dormant[:, None]
        self.limit = np.where(dormant, 0.0, (1.0 + self.growth) * self.sigma)
        self.limit_qualified = np.where(dormant, self.reserve, np.inf).astype(self.dtype)
        lead = chain.lead[:, None].astype(self.dtype)
        self.target = self.stock + self.by_group.add(self.sigma * lead)

    def _zeros(self, rows: int) -> Array:
        return np.zeros((rows, self.lanes), dtype=self.dtype)

    def _start(self) -> None:
        chain = self.chain
        self.inventory = self._zeros(chain.n_groups) + self.stock
        self.position = self._zeros(chain.n_groups)
        self.order = self._zeros(chain.n_groups)
        self.pipeline = np.zeros((self.longest + 1, chain.n_groups, self.lanes), dtype=self.dtype)
        self.ramp = np.ones((chain.n_nodes, self.lanes), dtype=self.dtype)
        self.surplus = self._zeros(chain.n_nodes)
        self.weight = self._zeros(chain.n_edges) + self.sigma
        self.reliability = np.ones((chain.n_edges, self.lanes), dtype=self.dtype)
        self.triggered = np.full((chain.n_groups, self.lanes), np.inf, dtype=self.dtype)
        self.bound, self.pull, self.n_ready = self.limit, self.sigma, 0
        # Arrays as long as the flows are written over week after week: fresh ones cost more
        # than what is computed in them.
        size = (chain.n_edges, self.lanes)
        self.orders, self.fill, self.change, self.moved, self.ready_week = (
            np.empty(size, dtype=self.dtype) for _ in range(5)
        )
        self.ready_week.fill(np.inf)
        licences = self.shocks.licences
        self.licensed = np.empty(0, dtype=np.intp) if licences is None else licences.edges
        self.by_licensed = Segments(chain.edge_group[self.licensed], chain.n_groups)
        self.queue, self.goods = self._zeros(len(self.licensed)), self._zeros(len(self.licensed))
        self.goods_limit = self._zeros(len(self.licensed))
        self.release, self.taken = self.goods_limit + np.inf, self.goods_limit + 1.0
        if licences is not None:
            goods_weeks = licences.goods_weeks.astype(self.dtype)
            self.goods_limit = goods_weeks * self.sigma[self.licensed]

    # ------------------------------------------------------------------ the run

    def run(self, record: Recorder) -> None:
        """Step through the weeks; `record(week, x)` gets the deviations of all nodes."""
        weeks, first = self.shocks.weeks, self.shocks.first
        still = self._zeros(self.chain.n_nodes)
        for week in range(first):
            record(week, still)
        self.capacity = still + 1.0
        self.allowed = np.ones((self.chain.n_edges, self.lanes), dtype=self.dtype)
        self.cap, self.banned = self.allowed, False
        for week in range(first, weeks):
            self._read_shocks(week)
            record(week, self._week(week))

    def _read_shocks(self, week: int) -> None:
        if self.shocks.capacity_changes[week]:
            self.capacity = self.shocks.capacity(week).astype(self.dtype)
        if self.shocks.flow_changes[week]:
            self.allowed = self.shocks.allowed(week).astype(self.dtype)
            self.cap = np.where(self.allowed < 1.0, self.allowed * self.sigma, np.inf)
            self.banned = bool((self.allowed < 1.0).any())
            if self.behaviour.switching:
                self._redirect(week)
        licences = self.shocks.licences
        if licences is not None and licences.changes[week]:
            release, taken = licences.terms(week)
            self.release, self.taken = release.astype(self.dtype), taken.astype(self.dtype)

    def _week(self, week: int) -> Array:
        arrived, available = self._arrivals(week)
        wanted = self._orders_placed(week)
        ceiling = self._ceiling()
        demand = self._demand(wanted, ceiling)
        desired, output = self._produce(demand, ceiling, available)
        self._use(output, arrived, available)
        shipped, fill = self._ship(wanted, demand, output)
        self._dispatch(week, shipped)
        if self.behaviour.switching:
            self._learn(week, shipped, fill)
            self._switch(week)
        if not self.behaviour.frozen_orders:
            self._reorder(desired)
        if self.behaviour.ramp:
            self._ramp_up(demand, output)
        return output

    # ------------------------------------------------------------ steps 1 and 2

    def _arrivals(self, week: int) -> tuple[Array, Array]:
        """Step 1: goods due this week, and what can be used [weeks of baseline use]."""
        slot = week % (self.longest + 1)
        arrived = self.pipeline[slot].copy()
        self.pipeline[slot] = 0.0
        return arrived, self.inventory + 1.0 + arrived

    def _orders_placed(self, week: int) -> Array:
        """Step 2: orders per flow, under growth limits and caps on the baseline flow."""
        self._qualify(week)
        orders = _rows(1.0 + self.order, self.chain.edge_group, out=self.orders)
        orders *= self.weight
        np.minimum(orders, self.bound, out=orders)
        if self.banned:
            np.minimum(orders, self.cap, out=orders)
        if len(self.licensed):
            self._queue_orders(orders)
        return orders

    def _qualify(self, week: int) -> None:
        """Update what a supplier may take, once it is qualified for more."""
        ready = self.ready_week <= week
        if np.count_nonzero(ready) != self.n_ready:
            self.n_ready = int(np.count_nonzero(ready))
            self.bound = np.where(ready, self.limit_qualified, self.limit)
            self.pull = self.sigma + self.reserve * ready

    def _queue_orders(self, orders: Array) -> None:
        """Step 2b: licensed orders wait; the exporter makes goods ahead up to a limit."""
        edges, sigma = self.licensed, self.sigma[self.licensed]
        active = np.isfinite(self.release)
        self.placed = orders[edges]
        self.accepted = self.placed * self.taken
        self.waiting = active | (self.queue > 0)
        self.outstanding = self.queue + self.accepted
        with np.errstate(invalid="ignore"):
            rate = np.where(active, self.release * sigma, np.inf)
        self.rate = np.minimum(rate, self.outstanding)
        if self.banned:
            self.rate = np.minimum(self.rate, self.cap[edges])
        room = self.goods_limit + self.rate - self.goods
        to_make = np.clip(np.minimum(self.outstanding - self.goods, room), 0.0, None)
        orders[edges] = np.where(self.waiting, to_make, self.placed)

    def _ceiling(self) -> Array:
        """Step 3: largest output; a joint output has one of its own only in an outage."""
        ceiling: Array = self.capacity * self.ramp - 1.0
        if len(self.children):
            free = self.chain.is_child[:, None] & (self.capacity >= 1.0)
            ceiling = np.where(free, np.inf, ceiling)
        return ceiling

    def _demand(self, orders: Array, ceiling: Array) -> Array:
        """Step 2: demand on each node; step 12: a process follows its most wanted output."""
        chain = self.chain
        change = np.subtract(orders, self.sigma, out=self.change)
        change *= self.kappa
        change[self.pushed_edges] = 0.0
        demand = self.by_supplier.add(change)
        demand[chain.is_market] = self.capacity[chain.is_market] - 1.0
        if len(self.children):
            outputs = self.wanted_children
            called = np.minimum(demand[outputs], ceiling[outputs]) - self.surplus[outputs]
            most = np.maximum(self.to_process.maximum(called), -1.0)
            demand[chain.is_process] = most[chain.is_process]
        return demand

    # ----------------------------------------------------------- steps 3, 4 and 5

    def _produce(self, demand: Array, ceiling: Array, available: Array) -> tuple[Array, Array]:
        """Steps 3 and 4: desired output and output under input limits."""
        chain = self.chain
        desired = np.minimum(ceiling, demand)
        scale = _rows(np.maximum(desired, 0.0), chain.group_buyer)
        # Deviation of available/throttle from the desired scale: exactly 0 at baseline.
        gap = (available / self.throttle - 1.0) - scale
        limit = self.by_buyer.minimum(scale + self.eps * gap + _loose(self.eps))
        output = np.minimum(desired, limit)
        if self.has_disjoint:
            short = self.by_buyer.add(self.phi * np.maximum(-gap, 0.0))
            self.whole = np.maximum(desired, 0.0) - short
            self.part = scale + np.minimum(gap, 0.0)
            output = np.minimum(output, self.whole)
        output = np.maximum(output, -1.0)
        if len(self.children):
            self._share_out(desired, output)
        return desired, output

    def _share_out(self, desired: Array, output: Array) -> None:
        """Step 12: joint outputs follow the process; surplus is kept, then dumped."""
        chain, children = self.chain, self.children
        activity = output[chain.process[children]]
        pushed = chain.is_pushed[children][:, None]
        stock = self.surplus[children]
        ceiling = np.where(self.capacity[children] < 1.0, self.capacity[children] - 1.0, np.inf)
        taken = np.where(
            pushed,
            np.minimum(activity, ceiling),
            np.minimum(desired[children], activity + stock),
        )
        output[children] = np.maximum(taken, -1.0)
        left = np.where(pushed, 0.0, stock + activity - output[children])
        self.surplus[children] = np.clip(left, 0.0, self.surplus_weeks[children])

    def _use(self, output: Array, arrived: Array, available: Array) -> None:
        """Step 5: inputs used, stocks and inventory positions."""
        buyer = self.chain.group_buyer
        self.used = np.minimum(_rows(output, buyer), available - 1.0)
        if self.has_disjoint:
            # The part behind a disjoint slot runs as far as its own slot goes, at the load of
            # the whole site: what another part lacks does not save anything here.
            with np.errstate(divide="ignore", invalid="ignore"):
                load = np.clip((1.0 + output) / (1.0 + self.whole), 0.0, 1.0)
            part = np.nan_to_num(load, nan=0.0)[buyer] * (1.0 + self.part) - 1.0
            self.used = np.where(self.phi > 0, np.minimum(part, available - 1.0), self.used)
        keeps = self.chain.storable[:, None]
        stock = np.maximum(self.inventory + arrived - self.used, 0.0)
        self.inventory = np.where(keeps, stock, self.stock)
        self.position -= self.used

    # ----------------------------------------------------------- steps 6 and 7

    def _ship(self, orders: Array, demand: Array, output: Array) -> tuple[Array, Array]:
        """Step 6: proportional rationing; pushed goods go along in proportion."""
        supplier = self.chain.edge_supplier
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.clip((1.0 + output) / (1.0 + demand), 0.0, 1.0)
        fill_of = np.where(output >= demand, 1.0, np.nan_to_num(share, nan=1.0))
        fill = _rows(fill_of, supplier, out=self.fill)
        shipped = np.multiply(orders, fill, out=orders)
        if len(self.pushed_edges):
            edges = self.pushed_edges
            pushed = self.sigma[edges] * (1.0 + output[supplier[edges]])
            shipped[edges] = np.minimum(pushed, self.cap[edges]) if self.banned else pushed
        if len(self.licensed):
            self._release(shipped)
        return shipped, fill

    def _release(self, shipped: Array) -> None:
        """Step 2b: goods leave as licences come; what is left stays in the queue."""
        made = shipped[self.licensed]
        ready = self.goods + made
        sent = np.minimum(ready, self.rate)
        shipped[self.licensed] = np.where(self.waiting, sent, made)
        kept = np.minimum(ready - sent, self.goods_limit)
        self.goods = np.where(self.waiting, kept, 0.0)
        left = self.outstanding - sent
        self.queue = np.where(self.waiting & (left > _ROUNDING), left, 0.0)

    def _dispatch(self, week: int, shipped: Array) -> None:
        """Step 7: goods enter the pipeline; the inventory position counts them at once."""
        change = np.subtract(shipped, self.sigma, out=self.change)
        self.received = self._zeros(self.chain.n_groups)
        for lead, segments in self.by_lead:
            sent = segments.add(change)
            self.pipeline[(week + lead) % (self.longest + 1)] += sent
            self.received += sent
        self.position += self.received
        if len(self.licensed):
            # A queued order is on order: the buyer does not order it again.
            promised = self.accepted - self.sigma[self.licensed] - change[self.licensed]
            self.position += self.by_licensed.add(np.where(self.waiting, promised, 0.0))

    # --------------------------------------------------------- steps 8, 9 and 10

    def _learn(self, week: int, shipped: Array, fill: Array) -> None:
        """Step 8: reliability of suppliers, and the first week of a shortage."""
        if len(self.licensed):
            # Where orders wait, a buyer sees what leaves of its order, refusals included.
            edges = self.licensed
            with np.errstate(divide="ignore", invalid="ignore"):
                served = np.nan_to_num(np.clip(shipped[edges] / self.placed, 0.0, 1.0), nan=1.0)
            fill[edges] = np.where(self.waiting, served, fill[edges])
        if self.banned:
            fill *= self.allowed
        fill -= self.reliability
        fill *= self.behaviour.memory
        self.reliability += fill
        missing = self.order - self.received - self.behaviour.trigger * (1.0 + self.order)
        short = missing > _ROUNDING
        short &= ~self.chain.pushed[:, None] & np.isinf(self.triggered)
        if short.any():
            self.triggered[short] = week
            self._triggers_changed()

    def _triggers_changed(self) -> None:
        _rows(self.triggered, self.chain.edge_group, out=self.ready_week)
        self.ready_week += self.qualification

    def _switch(self, week: int) -> None:
        """Step 8: move order shares towards reliable suppliers that may take them."""
        moving = self.triggered <= week
        if not moving.any():
            return
        step = self._shares(week)
        step -= self.weight
        speed = np.where(moving, self.behaviour.speed, 0.0).astype(self.dtype)
        step *= _rows(speed, self.chain.edge_group, out=self.fill)
        self.weight += step

    def _shares(self, week: int) -> Array:
        """Return new order shares: reliability-weighted, within limits, adding up to one."""
        self._qualify(week)
        group = self.chain.edge_group
        # A little trust is left, so that a buyer whose suppliers all fail stays with them.
        pull = np.maximum(self.reliability, _ROUNDING, out=self.change)
        if self.behaviour.exponent != 1.0:
            pull **= self.behaviour.exponent
        pull *= self.pull
        full = np.zeros(pull.shape, dtype=bool)
        scale = _divide(1.0, self.by_group.add(pull))
        while True:
            share = _rows(scale, group, out=self.moved)
            share *= pull
            over = share > self.bound
            np.minimum(share, self.bound, out=share)
            if np.array_equal(over, full):
                return share
            full = over
            taken = self.by_group.add(np.multiply(share, full, out=self.fill))
            weight = self.by_group.add(np.multiply(pull, ~full, out=self.fill))
            scale = np.maximum(_divide(1.0 - taken, weight), scale)

    def _redirect(self, week: int) -> None:
        """A boycott is known to the buyer: orders move at once to qualified suppliers."""
        redirections = self.shocks.redirections(week)
        if not redirections:
            return
        group, told = self.chain.edge_group, np.zeros(self.triggered.shape, dtype=bool)
        for lane, edges in redirections:
            # Who does not buy from the boycotted has no reason to turn to others.
            told[group[edges[self.weight[edges, lane] > 0]], lane] = True
            known = np.minimum(self.reliability[edges, lane], self.allowed[edges, lane])
            self.reliability[edges, lane] = known
        self.triggered[told] = np.minimum(self.triggered[told], week)
        self._triggers_changed()
        np.copyto(self.weight, self._shares(week), where=told[group])

    def _reorder(self, desired: Array) -> None:
        """Step 9: order up to the target of the inventory position."""
        wished = _rows(desired, self.chain.group_buyer)
        wanted = self.target * wished - self.position
        self.order = self.used + np.maximum(wanted, 0.0) / self.reorder
        self.order[self.fleeting] = wished[self.fleeting]
        self.order[self.chain.pushed] = 0.0

    def _ramp_up(self, demand: Array, output: Array) -> None:
        """Step 10: sites that cannot meet demand build up capacity, others fall back."""
        with np.errstate(divide="ignore", invalid="ignore"):
            scarcity = np.maximum(demand - output, 0.0) / (1.0 + demand)
        scarcity = np.nan_to_num(scarcity, nan=0.0, posinf=0.0)
        up = (self.ramp_max - self.ramp) * scarcity / self.ramp_weeks
        down = (1.0 - self.ramp) / self.ramp_weeks
        self.ramp += np.where(scarcity > _ROUNDING, up, down)
        self.ramp[self.chain.is_market] = 1.0


def _loose(eps: Array) -> Array:
    """Return infinity where a slot limits nothing, so that it never binds."""
    return np.where(eps > 0, 0.0, np.inf).astype(eps.dtype)


def _rows(values: Array, index: NDArray[np.intp], out: Array | None = None) -> Array:
    """Return ``values[index]``; "clip" spares a copy, and no index is out of bounds."""
    return np.take(values, index, axis=0, out=out, mode="clip")


def _divide(amount: Array | float, weight: Array) -> Array:
    """Return amount / weight, at least 0, and 0 where the weight is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(weight > 0, np.maximum(amount / weight, 0.0), 0.0)
