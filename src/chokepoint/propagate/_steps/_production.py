"""Steps 1, 3, 4 and 5: what is at hand, what is made of it, and what is left in stock."""

from __future__ import annotations

import numpy as np

from chokepoint.propagate._steps._arrays import Array
from chokepoint.propagate._steps._long_run import Thrift
from chokepoint.propagate._steps._numbers import Numbers, ratio

__all__ = ["Production"]


class Production:
    """Stocks, the output that they allow and the use that it makes of them.

    Attributes
    ----------
    stock : array (G, lanes)
        Stock [weeks of baseline use].
    available : array (G, lanes)
        What can be used this week [weeks of baseline use].
    desired : array (N, lanes)
        Deviation of the output that demand and capacity allow.
    used : array (G, lanes)
        Deviation of use.
    """

    available: Array
    desired: Array

    def __init__(self, numbers: Numbers, thrift: Thrift) -> None:
        self._numbers, self._thrift = numbers, thrift
        self.stock = numbers.arrays.full(numbers.chain.n_groups, 0.0) + numbers.stock
        self.used = numbers.arrays.full(numbers.chain.n_groups, 0.0)
        # Infinite where a slot limits nothing, so that it never binds.
        self._loose = numbers.arrays.number(np.where(numbers.chain.eps > 0, 0.0, np.inf))

    def receive(self, arrived: Array) -> None:
        r"""Step 1: :math:`v_g = s_g + 1 + A_g`."""
        self._arrived = arrived
        self.available = self.stock + 1.0 + arrived

    def produce(self, demand: Array, ceiling: Array) -> Array:
        """Steps 3 and 4: the deviation of output under demand, capacity and inputs."""
        numbers, xp, arrays = self._numbers, self._numbers.xp, self._numbers.arrays
        desired = xp.minimum(ceiling, demand)
        self.desired = desired
        scale = arrays.rows(xp.maximum(desired, 0.0), numbers.buyer_of_group)
        throttle = self._thrift.of(numbers.throttle)
        # Deviation of cover from the desired scale: exactly 0 at baseline.
        gap = (self.available / throttle - 1.0) - scale
        limit = numbers.by_buyer.minimum(scale + numbers.eps * gap + self._loose)
        output = xp.minimum(desired, limit)
        if numbers.has_disjoint:
            short = numbers.by_buyer.add(numbers.phi * xp.maximum(-gap, 0.0))
            self._whole = xp.maximum(desired, 0.0) - short
            self._part = scale + xp.minimum(gap, 0.0)
            output = xp.minimum(output, self._whole)
        return xp.maximum(output, -1.0)

    def use(self, output: Array) -> Array:
        r"""Step 5: :math:`u_g = \min(\theta_g (1 + x_i) - 1, v_g - 1)`, and stocks after it."""
        numbers, xp = self._numbers, self._numbers.xp
        need = self._thrift.need(numbers.arrays.rows(output, numbers.buyer_of_group))
        if numbers.has_disjoint:
            need = xp.where(numbers.phi > 0, self._thrift.need(self._part_run(output)), need)
        if numbers.has_decay:
            # Upkeep takes the same whatever is made.
            need = xp.where(numbers.decaying, 0.0, need)
        self.used = xp.minimum(need, self.available - 1.0)
        stock = xp.maximum(self.stock + self._arrived - self.used, 0.0)
        self.stock = xp.where(numbers.storable, stock, numbers.stock)
        return self.used

    def _part_run(self, output: Array) -> Array:
        """Return how far the part behind a disjoint slot runs.

        It runs as far as its own slot goes, at the load of the whole site: what another part
        lacks does not save anything here.
        """
        numbers, xp = self._numbers, self._numbers.xp
        load = xp.minimum(ratio(xp, 1.0 + output, 1.0 + self._whole, 0.0), 1.0)
        load = xp.maximum(load, 0.0)
        return numbers.arrays.rows(load, numbers.buyer_of_group) * (1.0 + self._part) - 1.0
