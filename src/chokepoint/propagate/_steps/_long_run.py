"""Step 11: what a shortage changes for longer: thrift, and orders of final demand that wait."""

from __future__ import annotations

from chokepoint.propagate._steps._arrays import Array
from chokepoint.propagate._steps._numbers import ROUNDING, Numbers, ratio

__all__ = ["Backlog", "Thrift"]


class Thrift:
    r"""Buyers who run short learn to do with less.

    Use over baseline use is :math:`\theta_g (1 + x_i)`; what is kept here is
    :math:`\theta_g - 1`, so that without a shortage nothing is rounded.

    Attributes
    ----------
    saved : array (G, lanes)
        :math:`\theta_g - 1`, at most 0.
    """

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self.saved = numbers.arrays.full(numbers.chain.n_groups, 0.0)

    def of(self, cover: Array) -> Array:
        r"""Return a cover of baseline use in terms of use at present: :math:`k_g \theta_g`."""
        return cover + cover * self.saved if self._numbers.has_thrift else cover

    def need(self, run: Array) -> Array:
        r"""Return the use of a buyer that runs at 1 + `run`: :math:`\theta_g (1 + x) - 1`."""
        return run + self.saved * (1.0 + run) if self._numbers.has_thrift else run

    def learn(self, order: Array, received: Array) -> None:
        r"""Update :math:`\theta_g` from what came of the order of this week.

        .. math:: \theta_g \leftarrow
            \max(\text{floor}_g, \theta_g (1 - \mu_g (1 - \text{fill}_g)))
        """
        numbers, xp = self._numbers, self._numbers.xp
        if not numbers.has_thrift:
            return
        asked = xp.where(1.0 + order > ROUNDING, 1.0 + order, 0.0)
        missing = ratio(xp, xp.maximum(order - received, 0.0), asked, 0.0)
        lower = self.saved - (1.0 + self.saved) * numbers.thrift * missing
        lower = xp.maximum(lower, numbers.thrift_floor - 1.0)
        self.saved = xp.where(missing > ROUNDING, lower, self.saved)


class Backlog:
    r"""Final demand that was not met and waits: :math:`B_k \leftarrow b_k (D_k - x_k)`.

    What rebuilding did not get stays in the damage instead, and is not counted twice.

    Attributes
    ----------
    waiting : array (N, lanes)
        Deviation of demand through orders of earlier weeks; 0 for sites.
    """

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self.waiting = numbers.arrays.full(numbers.chain.n_nodes, 0.0)

    def update(self, demand: Array, output: Array, rebuilding: Array = None) -> None:
        """Put on the list what markets wanted for themselves and did not get."""
        numbers, xp = self._numbers, self._numbers.xp
        if not numbers.has_backlog:
            return
        missing = xp.maximum(demand - output, 0.0)
        if rebuilding is not None:
            # Both kinds of demand are served in the same proportion.
            missing = missing - rebuilding * ratio(xp, missing, 1.0 + demand, 0.0)
        self.waiting = numbers.backlog * missing
