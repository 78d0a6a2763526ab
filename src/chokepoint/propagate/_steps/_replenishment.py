"""Step 9: what a slot orders for the next week."""

from __future__ import annotations

from chokepoint.propagate._behaviour import Behaviour
from chokepoint.propagate._steps._arrays import Array
from chokepoint.propagate._steps._long_run import Thrift
from chokepoint.propagate._steps._numbers import Numbers

__all__ = ["Replenishment"]


class Replenishment:
    """Orders up to a target of the inventory *position*: stock, goods under way, open orders.

    Attributes
    ----------
    order : array (G, lanes)
        Deviation of the order of a slot.
    position : array (G, lanes)
        Deviation of the inventory position [weeks of baseline use].
    """

    def __init__(self, numbers: Numbers, behaviour: Behaviour, thrift: Thrift) -> None:
        self._numbers, self._thrift, self._rule = numbers, thrift, behaviour.order_rule
        arrays, chain = numbers.arrays, numbers.chain
        self.order = arrays.full(chain.n_groups, 0.0)
        self.position = arrays.full(chain.n_groups, 0.0)
        lead = arrays.number(chain.lead[:, None].astype(float))
        self._target = numbers.stock + numbers.by_group.add(numbers.sigma * lead)
        # What final demand wants, and what cannot be kept, is ordered for the wanted output.
        self._exogenous = numbers.is_market
        fleeting = ~chain.storable
        self._fleeting = numbers.mask(fleeting)
        self._has_fleeting = bool(fleeting.any())
        self._has_pushed = bool(chain.pushed.any())

    def renew(self, desired: Array, output: Array, used: Array) -> None:
        r"""Set the order of the next week.

        With :math:`y` the use that is wished, ``"use"`` orders
        :math:`u_g + ((n_g + \bar L_g)\, y - ip_g)_+ / \tau_g`, the others
        :math:`\max(-1, y + ((n_g + \bar L_g)\, y - ip_g) / \tau_g)`. What is wished belongs to
        the output that is desired; under ``"realised"`` to the output that came about. Thrift
        lowers it, and upkeep is wished as at baseline.
        """
        numbers, xp = self._numbers, self._numbers.xp
        wished = self._wished(desired)
        aim = wished
        if self._rule == "realised":
            aim = self._wished(xp.where(self._exogenous, desired, output))
        gap = self._target * aim - self.position
        if self._rule == "use":
            order = used + xp.maximum(gap, 0.0) / numbers.reorder
        else:
            order = xp.maximum(aim + gap / numbers.reorder, -1.0)
        if self._has_fleeting:
            order = xp.where(self._fleeting, wished, order)
        if self._has_pushed:
            order = xp.where(numbers.pushed, 0.0, order)
        self.order = order

    def _wished(self, run: Array) -> Array:
        """Return the use that a buyer means to have, slot by slot."""
        numbers, xp = self._numbers, self._numbers.xp
        wished = self._thrift.need(numbers.arrays.rows(run, numbers.buyer_of_group))
        return xp.where(numbers.decaying, 0.0, wished) if numbers.has_decay else wished
