"""Step 12: joint outputs follow the activity of their process."""

from __future__ import annotations

import numpy as np

from chokepoint.propagate._steps._arrays import Array
from chokepoint.propagate._steps._numbers import Numbers

__all__ = ["JointOutputs"]


class JointOutputs:
    """Outputs of processes, the surplus that is kept of them, and by-products.

    Attributes
    ----------
    surplus : array (N, lanes)
        Joint output kept [weeks of baseline output].
    """

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        chain, arrays = numbers.chain, numbers.arrays
        process = chain.process.astype(np.intp, copy=False)
        self._wanted = arrays.plain(np.flatnonzero(chain.is_child & ~chain.is_pushed))
        self._to_process = arrays.segments(
            process[chain.is_child & ~chain.is_pushed], chain.n_nodes
        )
        self._children = np.flatnonzero(chain.is_child)
        self._index = arrays.plain(self._children)
        self._process = arrays.plain(process[self._children])
        self._pushed = numbers.mask(chain.is_pushed[self._children])
        self._most = arrays.rows(numbers.surplus_weeks, self._index)
        self.surplus = arrays.full(chain.n_nodes, 0.0)

    def call(self, demand: Array, ceiling: Array) -> Array:
        """Return demand with that on processes: the most that a wanted output calls for."""
        if not self._numbers.has_children:
            return demand
        xp, arrays = self._numbers.xp, self._numbers.arrays
        within = xp.minimum(demand, ceiling) - self.surplus
        called = arrays.rows(within, self._wanted)
        most = xp.maximum(self._to_process.maximum(called), -1.0)
        return xp.where(self._numbers.is_process, most, demand)

    def share_out(self, desired: Array, output: Array, given: Array) -> Array:
        """Return output with that of joint outputs; what is not sold is kept, then dumped.

        A by-product goes along with the process, as far as its own capacity reaches.
        """
        if not self._numbers.has_children:
            return output
        xp, arrays = self._numbers.xp, self._numbers.arrays
        activity = arrays.rows(output, self._process)
        stock = arrays.rows(self.surplus, self._index)
        own = arrays.rows(given, self._index)
        ceiling = xp.where(own < 1.0, own - 1.0, np.inf)
        sold = xp.minimum(arrays.rows(desired, self._index), activity + stock)
        made = xp.where(self._pushed, xp.minimum(activity, ceiling), sold)
        made = xp.maximum(made, -1.0)
        left = xp.where(self._pushed, 0.0, stock + activity - made)
        left = xp.minimum(xp.maximum(left, 0.0), self._most)
        self.surplus = arrays.put(self.surplus, self._children, left)
        return arrays.put(output, self._children, made)
