"""Step 6: how a supplier that cannot fill all orders shares out its output."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate._steps._arrays import Array
from chokepoint.propagate._steps._caps import Caps
from chokepoint.propagate._steps._numbers import Numbers, ratio

__all__ = ["ByClass", "Equalising", "Rule"]

IntArray = NDArray[np.intp]


class ByClass:
    r"""Classes of flows are served in turn, within a class in proportion to orders.

    With :math:`\text{rem}` at first the output :math:`1 + x_i` and :math:`(1 + D)_c` the orders
    of class c, :math:`\text{fill}_c = \text{clip}(\text{rem} / (1 + D)_c, 0, 1)`, and what the
    class asked for is taken off :math:`\text{rem}`. One class is proportional rationing. A
    supplier that meets its demand fills all orders exactly. A detour is served with its flow.
    """

    def __init__(self, numbers: Numbers, caps: Caps, classes: IntArray) -> None:
        self._numbers, self._caps = numbers, caps
        self._count = int(classes.max(initial=0)) + 1
        arrays, nodes = numbers.arrays, numbers.chain.n_nodes
        owner = numbers.edge_supplier * self._count + classes.astype(np.intp)
        self._owner = arrays.plain(owner)
        self._by_class = arrays.segments(owner, nodes * self._count)
        capped = owner[caps.edges]
        self._capped_owner = arrays.plain(capped)
        self._capped_by_class = arrays.segments(capped, nodes * self._count)
        self._kappa_capped = arrays.rows(numbers.kappa, caps.index)
        # Written over week after week: fresh arrays cost more than what is computed in them.
        self._fill = arrays.full(numbers.chain.n_edges, 1.0)
        self._detour_fill = arrays.full(len(caps.edges), 1.0)

    def fills(
        self, orders: Array, detoured: Array, demand: Array, output: Array
    ) -> tuple[Array, Array]:
        """Return the share of each order that is filled, of flows (E) and of detours (M)."""
        arrays = self._numbers.arrays
        if self._count == 1:
            fill_of = self._filled(1.0 + output, 1.0 + demand, demand, output)
        else:
            fill_of = self._in_turn(orders, detoured, demand, output)
        fill = arrays.rows(fill_of, self._owner, out=self._fill)
        if self._caps.has_detours:
            self._detour_fill = arrays.rows(fill_of, self._capped_owner)
        return fill, self._detour_fill

    def _filled(self, left: Array, asked: Array, demand: Array, output: Array) -> Array:
        xp = self._numbers.xp
        # What is left of orders that cancel to their last digits asks for nothing.
        asked = xp.where(asked > self._numbers.noise, asked, 0.0)
        share = xp.maximum(xp.minimum(ratio(xp, left, asked, 1.0), 1.0), 0.0)
        return xp.where(output >= demand, 1.0, share)

    def _in_turn(self, orders: Array, detoured: Array, demand: Array, output: Array) -> Array:
        numbers, xp, count = self._numbers, self._numbers.xp, self._count
        asked = self._by_class.add(orders * numbers.kappa)
        if self._caps.has_detours:
            asked = asked + self._capped_by_class.add(detoured * self._kappa_capped)
        asked = xp.reshape(asked, (numbers.chain.n_nodes, count, numbers.lanes))
        left, fills = 1.0 + output, []
        for one in range(count):
            here = asked[:, one, :]
            fills.append(self._filled(left, here, demand, output))
            left = left - here
        return xp.reshape(xp.stack(fills, axis=1), (-1, numbers.lanes))


class Equalising:
    r"""All clients' ratios of order to baseline order are raised together (Inoue and Todo 2019).

    .. math:: \text{shipped}_e = \min(o_e, \lambda_i \text{base}_e), \qquad
        \sum_e \kappa_e\, \text{shipped}_e = 1 + x_i,

    with :math:`\text{base}_e` the share of the flow, the reserve of a dormant supplier, or the
    width of a detour. The level :math:`\lambda_i` is found by setting aside the orders that it
    fills and sharing the rest, which ends after finitely many rounds.
    """

    def __init__(self, numbers: Numbers, caps: Caps) -> None:
        self._numbers, self._caps = numbers, caps
        arrays = numbers.arrays
        self._base = numbers.xp.where(numbers.dormant, numbers.reserve, numbers.sigma)
        self._kappa_capped = arrays.rows(numbers.kappa, caps.index)
        supplier = numbers.edge_supplier[caps.edges]
        self._capped_supplier = arrays.plain(supplier)
        self._capped_by_supplier = arrays.segments(supplier, numbers.chain.n_nodes)

    def fills(
        self, orders: Array, detoured: Array, demand: Array, output: Array
    ) -> tuple[Array, Array]:
        """Return the share of each order that is filled, of flows (E) and of detours (M)."""
        numbers = self._numbers
        flows = _Clients(numbers, orders, self._base, numbers.kappa,
                         numbers.supplier_of_edge, numbers.by_supplier)  # fmt: skip
        everybody = [flows]
        if self._caps.active and self._caps.has_detours:
            everybody.append(
                _Clients(numbers, detoured, self._caps.detour, self._kappa_capped,
                         self._capped_supplier, self._capped_by_supplier)
            )  # fmt: skip
        level = self._level(everybody, output)
        met = output >= demand
        fills = [client.fill(level, met) for client in everybody]
        return fills[0], fills[1] if len(fills) > 1 else detoured

    def _level(self, everybody: list[_Clients], output: Array) -> Array:
        """Return the ratio up to which all clients of a supplier are served."""
        xp = self._numbers.xp
        while True:
            room = sum(client.room() for client in everybody)
            taken = sum(client.taken() for client in everybody)
            level = ratio(xp, xp.maximum(1.0 + output - taken, 0.0), room, 0.0)
            more = [client.set_aside(level) for client in everybody]
            if not any(more):
                return level


class _Clients:
    """Orders on some suppliers: those that are filled in any case, and those that share."""

    def __init__(
        self,
        numbers: Numbers,
        orders: Array,
        base: Array,
        kappa: Array,
        supplier: Array,
        by_supplier: Array,
    ) -> None:
        self._numbers, self._supplier, self._by_supplier = numbers, supplier, by_supplier
        self._orders, self._base, self._kappa = orders, base, kappa
        self._full = orders <= 0.0

    def room(self) -> Array:
        """Return what one unit of the level takes for the clients that share."""
        base = self._numbers.xp.where(self._full, 0.0, self._base)
        return self._by_supplier.add(base * self._kappa)

    def taken(self) -> Array:
        """Return what the clients that are filled in any case take."""
        orders = self._numbers.xp.where(self._full, self._orders, 0.0)
        return self._by_supplier.add(orders * self._kappa)

    def set_aside(self, level: Array) -> bool:
        """Count the orders that the level fills among the filled; tell whether there are new."""
        xp = self._numbers.xp
        share = self._numbers.arrays.rows(level, self._supplier) * self._base
        full = self._full | (self._orders <= share)
        new = bool(xp.any(full & ~self._full))
        self._full = full
        return new

    def fill(self, level: Array, met: Array) -> Array:
        """Return shipped over ordered; all of it from suppliers that meet their demand."""
        xp, rows = self._numbers.xp, self._numbers.arrays.rows
        share = rows(level, self._supplier) * self._base
        part = xp.minimum(ratio(xp, share, self._orders, 1.0), 1.0)
        return xp.where(self._full | rows(met, self._supplier), 1.0, part)


Rule = ByClass | Equalising
