"""Step 2: what each flow is asked for, and what that adds up to at its supplier."""

from __future__ import annotations

from chokepoint.propagate._steps._arrays import Array
from chokepoint.propagate._steps._caps import Caps
from chokepoint.propagate._steps._numbers import Numbers

__all__ = ["Orders"]


class Orders:
    r"""Orders :math:`o_e = \min(w_e (1 + r_g), \text{limit}_e, m_e \sigma_e)`, and detours.

    What a cap stops is ordered on the detour, up to its width:

    .. math:: d_e = \min(\max(w_e (1 + r_g) - o_e, 0), \text{detour}_e \sigma_e).

    Attributes
    ----------
    placed : array (E, lanes)
        Orders of the week as shares of the slot, detours excluded; where an order waits for a
        licence, what the exporter's works see of it.
    detoured : array (M, lanes)
        Orders on detours, on the capped flows.
    """

    def __init__(self, numbers: Numbers, caps: Caps) -> None:
        self._numbers, self._caps = numbers, caps
        self.placed = numbers.arrays.full(numbers.chain.n_edges, 0.0)
        self._change = numbers.arrays.full(numbers.chain.n_edges, 0.0)
        self.detoured = numbers.arrays.full(len(caps.edges), 0.0)
        # By-products are not ordered: they add nothing to the demand on their site.
        chain = numbers.chain
        ordered = ~chain.is_pushed[numbers.edge_supplier]
        self._kappa = numbers.arrays.number(chain.kappa * ordered[:, None])
        self._kappa_capped = numbers.arrays.rows(self._kappa, caps.index)
        self._capped_by_supplier = numbers.arrays.segments(
            numbers.edge_supplier[caps.edges], chain.n_nodes
        )

    def place(self, order: Array, weight: Array, bound: Array) -> Array:
        """Return orders per flow, under growth limits and caps on the baseline flow."""
        numbers, arrays, caps = self._numbers, self._numbers.arrays, self._caps
        orders = arrays.rows(1.0 + order, numbers.group_of_edge, out=self.placed)
        orders *= weight
        orders = arrays.minimum(orders, bound, out=orders)
        if caps.active:
            asked = arrays.rows(orders, caps.index)
            held = arrays.minimum(asked, caps.cap)
            orders = arrays.put(orders, caps.edges, held)
            if caps.has_detours:
                self.detoured = arrays.minimum(asked - held, caps.detour)
        elif caps.has_detours:
            self.detoured = arrays.full(len(caps.edges), 0.0)
        self.placed = orders
        return orders

    def demand(self, orders: Array) -> Array:
        r"""Return :math:`D_i = \sum_e \kappa_e (o_e + d_e - \sigma_e)` for every site."""
        numbers, arrays = self._numbers, self._numbers.arrays
        change = arrays.subtract(orders, numbers.sigma, out=self._change)
        change *= self._kappa
        demand = numbers.by_supplier.add(change)
        if self._caps.has_detours:
            demand += self._capped_by_supplier.add(self._kappa_capped * self.detoured)
        return demand
