"""The weekly model, vectorised over scenarios with NumPy or another array library.

The steps are numbered as on the page *The weekly model* of the docs. All variables are
deviations from baseline: a site's output is ``1 + x`` times its baseline. Without a shock every
deviation is exactly 0.0. Rows are nodes (N), groups (G) or edges (E); the last axis is the lane,
one per scenario. Each step has a room of its own in ``_steps``; here stands their order.

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

from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate import _steps as steps
from chokepoint.propagate._behaviour import Behaviour
from chokepoint.propagate._compile import CompiledChain
from chokepoint.propagate._engine import BaselineState, Recorder
from chokepoint.propagate._rationing import rationing_classes
from chokepoint.propagate._shocks import ShockPlan
from chokepoint.propagate._steps._arrays import Array

__all__ = ["NumpyEngine"]

IntArray = NDArray[np.intp]


class NumpyEngine:
    """One run of a batch of scenarios; `run` shows each week to a recorder.

    Parameters
    ----------
    chain, shocks, behaviour, dtype, classes
        As for :class:`~chokepoint.propagate._engine.Engine`; `classes` None = by `behaviour`.
    xp : module
        Array library that follows the array API standard.
    """

    demand: Array
    called: Array

    def __init__(
        self,
        chain: CompiledChain,
        shocks: ShockPlan,
        behaviour: Behaviour,
        dtype: np.dtype[np.floating],
        classes: IntArray | None = None,
        *,
        xp: ModuleType = np,
    ) -> None:
        self.chain, self.shocks, self.behaviour = chain, shocks, behaviour
        self.dtype = dtype
        self.numbers = steps.Numbers(chain, xp, dtype, shocks.lanes)
        if classes is None:
            classes = rationing_classes(chain, behaviour)
        self._open_rooms(classes)
        self.output = self.numbers.arrays.full(chain.n_nodes, 0.0)

    def _open_rooms(self, classes: IntArray) -> None:
        numbers, shocks, behaviour = self.numbers, self.shocks, self.behaviour
        self.caps = steps.Caps(numbers, shocks)
        self.orders = steps.Orders(numbers, self.caps)
        self.licences = steps.Licences(numbers, shocks, self.caps)
        self.capacity = steps.Capacity(numbers)
        self.joint = steps.JointOutputs(numbers)
        self.thrift = steps.Thrift(numbers)
        self.production = steps.Production(numbers, self.thrift)
        self.delivery = steps.Delivery(numbers, self.caps)
        self.suppliers = steps.Suppliers(numbers, behaviour, self.caps)
        self.replenishment = steps.Replenishment(numbers, behaviour, self.thrift)
        self.backlog = steps.Backlog(numbers)
        self.rebuilding = steps.Rebuilding(numbers, shocks)
        self.rule: steps.Rule = (
            steps.Equalising(numbers, self.caps)
            if behaviour.rationing == "equalising"
            else steps.ByClass(numbers, self.caps, classes)
        )
        by_capacity = behaviour.order_shares == "capacity"
        self.capacity_shares = steps.CapacityShares(numbers) if by_capacity else None

    # ------------------------------------------------------------------ the run

    def run(self, record: Recorder) -> None:
        """Step through the weeks; `record(week, state)` sees each of them."""
        weeks, first = self.shocks.weeks, self.shocks.first
        still = BaselineState(self.chain, self.shocks, self.dtype)
        for week in range(min(first, weeks)):
            record(week, still)
        self._given = self.capacity.given
        state = _Week(self)
        for week in range(first, weeks):
            self._read_shocks(week)
            fill = self._move_goods(week)
            record(week, state)
            self._adapt(week, fill)

    def _read_shocks(self, week: int) -> None:
        shocks = self.shocks
        if shocks.capacity_changes[week]:
            self._given = self.numbers.arrays.number(shocks.capacity(week))
        self.capacity.given = self.rebuilding.start(week, self._given)
        if shocks.flow_changes[week]:
            self.caps.read(week)
            self.delivery.read_caps()
            if self.behaviour.switching:
                self.suppliers.redirect(week, shocks)
        self.licences.read(week)

    def _move_goods(self, week: int) -> Array:
        """Steps 1 to 7: what is ordered, made and sent; return the fills of orders."""
        production, delivery, orders = self.production, self.delivery, self.orders
        production.receive(delivery.arrivals(week))
        self.suppliers.qualify(week)
        called = orders.place(self.replenishment.order, self.suppliers.weight, self.suppliers.bound)
        if self.licences:
            called = self.licences.to_make(called)
        self.called = called
        demand, ceiling = self._demand_and_ceiling(week, called)
        output = production.produce(demand, ceiling)
        output = self.joint.share_out(production.desired, output, self.capacity.given)
        self.replenishment.position -= production.use(output)
        fill, detour_fill = self.rule.fills(called, orders.detoured, demand, output)
        delivery.detoured = orders.detoured * detour_fill
        delivery.ship(called, fill, output, self.licences)
        delivery.dispatch(week)
        self.replenishment.position += delivery.received
        if self.licences:
            # A queued order is on order: the buyer does not order it again.
            self.replenishment.position += self.licences.promised()
        self.demand, self.output = demand, output
        return fill

    def _demand_and_ceiling(self, week: int, called: Array) -> tuple[Array, Array]:
        """Steps 2, 3 and 12, with step 10 before step 3 where ramp-up looks a week back."""
        numbers, capacity = self.numbers, self.capacity
        demand = self.orders.demand(called)
        demand = numbers.xp.where(numbers.is_market, self._wanted(), demand)
        early = self.behaviour.ramp and self.behaviour.scarcity == "last_output" and week >= 2
        if early:
            capacity.ramp_early(demand, self.output, only=~numbers.is_process)
        ceiling = capacity.ceiling()
        if numbers.has_children:
            demand = self.joint.call(demand, ceiling)
        if early and numbers.chain.is_process.any():
            capacity.ramp_early(demand, self.output, only=numbers.is_process)
            ceiling = capacity.ceiling()
        return demand, ceiling

    def _wanted(self) -> Array:
        """Step 2: what markets want, with what waits and what rebuilding takes."""
        wanted = self.capacity.given - 1.0
        if self.numbers.has_backlog:
            wanted = wanted + self.backlog.waiting
        rebuilding = self.rebuilding.wanted
        return wanted if rebuilding is None else wanted + rebuilding

    def _adapt(self, week: int, fill: Array) -> None:
        """Steps 8 to 11: what the week changes for those that follow."""
        behaviour, order = self.behaviour, self.replenishment.order
        demand, output = self.demand, self.output
        self.thrift.learn(order, self.delivery.received)
        if behaviour.switching:
            self.suppliers.learn(
                week, fill, self.licences, order=order, received=self.delivery.received,
                demand=demand, output=output,
            )  # fmt: skip
            self.suppliers.switch(week)
        if not behaviour.frozen_orders:
            production = self.production
            self.replenishment.renew(production.desired, output, production.used)
        if behaviour.ramp and behaviour.scarcity == "this_week":
            self.capacity.ramp_up(demand, output)
        self.capacity.wear(self.production.available)
        self.backlog.update(demand, output, self.rebuilding.wanted)
        self.rebuilding.finish(demand, output)
        if self.capacity_shares is not None:
            self.suppliers.weight = self.capacity_shares.weight(self.capacity.level())


class _Week:
    """The week that an engine has just moved, as recorders see it."""

    def __init__(self, engine: NumpyEngine) -> None:
        self._engine = engine
        self._rows, self._numpy = engine.numbers.arrays.rows, engine.numbers.arrays.numpy

    def _on(self, values: Array, edges: IntArray) -> NDArray[np.floating]:
        index = self._engine.numbers.arrays.plain(edges)
        return self._numpy(self._rows(values, index))

    def _with(
        self, values: Array, edges: IntArray, some: IntArray, other: Array
    ) -> NDArray[np.floating]:
        """Return values on flows, taken from `other` for the flows in `some`."""
        found = np.array(self._on(values, edges))
        _, here, there = np.intersect1d(edges, some, return_indices=True)
        found[here] = self._numpy(other)[there]
        return found

    @property
    def output(self) -> NDArray[np.floating]:
        return self._numpy(self._engine.output)

    @property
    def wanted(self) -> NDArray[np.floating]:
        return self._numpy(self._engine.demand)

    @property
    def asked(self) -> NDArray[np.floating]:
        return self._numpy(1.0 + self._engine.replenishment.order)

    def ordered(self, edges: IntArray) -> NDArray[np.floating]:
        engine, licences = self._engine, self._engine.licences
        if not licences:
            return self._on(engine.orders.placed, edges)
        return self._with(engine.orders.placed, edges, licences.edges, licences.placed)

    def made(self, edges: IntArray) -> NDArray[np.floating]:
        engine, licences = self._engine, self._engine.licences
        if not licences:
            return self.shipped(edges)
        return self._with(engine.delivery.sent, edges, licences.edges, licences.made)

    def shipped(self, edges: IntArray) -> NDArray[np.floating]:
        return self._on(self._engine.delivery.sent, edges)

    def detoured(self, edges: IntArray) -> NDArray[np.floating]:
        engine = self._engine
        nothing = engine.numbers.arrays.full(engine.chain.n_edges, 0.0)
        if not engine.caps.has_detours:
            return self._on(nothing, edges)
        return self._with(nothing, edges, engine.caps.edges, engine.delivery.detoured)

    @property
    def stock(self) -> NDArray[np.floating]:
        return self._numpy(self._engine.production.stock)

    @property
    def used(self) -> NDArray[np.floating]:
        return self._numpy(self._engine.production.used)

    @property
    def surplus(self) -> NDArray[np.floating]:
        return self._numpy(self._engine.joint.surplus)

    @property
    def queue(self) -> NDArray[np.floating]:
        return self._numpy(self._engine.licences.queue)

    @property
    def goods(self) -> NDArray[np.floating]:
        return self._numpy(self._engine.licences.goods)

    @property
    def accepted(self) -> NDArray[np.floating]:
        return self._numpy(self._engine.licences.accepted)
