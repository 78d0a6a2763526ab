"""Steps 3, 10 and 11: how much a site can make, as it ramps up, wears down and is repaired."""

from __future__ import annotations

import numpy as np

from chokepoint.propagate._steps._arrays import Array
from chokepoint.propagate._steps._numbers import ROUNDING, Numbers, ratio

__all__ = ["Capacity"]


class Capacity:
    r"""Capacity :math:`cap_i \alpha_i K_i` over baseline.

    Attributes
    ----------
    given : array (N, lanes)
        Multiplier from events: capacity of a site, demand of a market.
    ramp : array (N, lanes)
        :math:`\alpha_i`, what has been built up.
    kept : array (N, lanes)
        :math:`K_i`, what has not been lost for want of an input that keeps capacity alive.
    """

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self.given = numbers.arrays.full(numbers.chain.n_nodes, 1.0)
        self.ramp = numbers.arrays.full(numbers.chain.n_nodes, 1.0)
        self.kept = numbers.arrays.full(numbers.chain.n_nodes, 1.0)
        decaying = (numbers.chain.decay > 0).any(axis=1)
        self._slots = np.flatnonzero(decaying)
        self._index = numbers.arrays.plain(self._slots)
        buyer = numbers.group_buyer[self._slots]
        self._by_buyer = numbers.arrays.segments(buyer, numbers.chain.n_nodes)
        self._rounds = _rounds(numbers, buyer)
        if len(self._slots):
            self._decay = numbers.arrays.rows(numbers.decay, self._index)
            repair = numbers.arrays.rows(numbers.repair, self._index)
            repair = numbers.xp.where(self._decay > 0, repair, 1.0)
            self._repair = numbers.xp.maximum(self._by_buyer.maximum(repair), 1.0)

    def level(self) -> Array:
        """Return capacity over baseline."""
        level = self.given * self.ramp
        return level * self.kept if len(self._slots) else level

    def ceiling(self) -> Array:
        """Step 3: largest deviation of output.

        A market has none: it takes what it wants. A joint output has one of its own only where
        an event lowers it; otherwise its process decides.
        """
        numbers, xp = self._numbers, self._numbers.xp
        free = numbers.is_market
        if numbers.has_children:
            free = free | (numbers.is_child & (self.given >= 1.0))
        return xp.where(free, np.inf, self.level() - 1.0)

    def ramp_up(self, demand: Array, output: Array) -> None:
        r"""Step 10: sites that cannot meet demand build up capacity, others fall back.

        .. math:: \zeta_i = \frac{(D_i - x_i)_+}{1 + D_i}, \qquad
            \alpha_i \leftarrow \alpha_i + \frac{(\alpha^{max}_i - \alpha_i)\, \zeta_i}{T_i},

        and back towards 1 at the same pace where nothing is scarce.
        """
        xp = self._numbers.xp
        scarcity = ratio(xp, xp.maximum(demand - output, 0.0), 1.0 + demand, 0.0)
        self._move_ramp(scarcity, scarcity > ROUNDING, ~self._numbers.is_market)

    def ramp_early(self, demand: Array, output: Array, *, only: Array) -> None:
        r"""Step 10 as BoARIO 0.7.2 times it: by the output of the week before.

        .. math:: \zeta_i = \frac{D_i(t) - x_i(t - 1)}{1 + D_i(t)}

        moves capacity in both directions, and :math:`\alpha_i \ge 1`.
        """
        numbers, xp = self._numbers, self._numbers.xp
        scarcity = ratio(xp, demand - output, 1.0 + demand, 0.0)
        moving = xp.abs(scarcity) > numbers.noise
        self._move_ramp(scarcity, moving, only & ~numbers.is_market)
        self.ramp = xp.maximum(self.ramp, 1.0)

    def _move_ramp(self, scarcity: Array, moving: Array, sites: Array) -> None:
        numbers, xp = self._numbers, self._numbers.xp
        up = (numbers.ramp_max - self.ramp) * scarcity / numbers.ramp_weeks
        down = (1.0 - self.ramp) / numbers.ramp_weeks
        step = xp.where(moving, up, down)
        self.ramp = xp.where(sites, self.ramp + step, self.ramp)

    def wear(self, available: Array) -> None:
        r"""Step 11: capacity is lost without the inputs that keep it alive, and repaired later.

        .. math:: K_i \leftarrow K_i \prod_g (1 - \text{decay}_g\, \text{short}_g), \qquad
            \text{short}_g = (1 - v_g)_+,

        and where nothing is short :math:`K_i \leftarrow K_i + (1 - K_i) / \text{repair}_i`.
        """
        if not len(self._slots):
            return
        xp, arrays = self._numbers.xp, self._numbers.arrays
        short = xp.maximum(1.0 - arrays.rows(available, self._index), 0.0)
        short = xp.where(self._decay > 0, short, 0.0)
        lost = 1.0 - self._decay * short
        for slot, there in self._rounds:
            self.kept = self.kept * xp.where(there, arrays.rows(lost, slot), 1.0)
        calm = self._by_buyer.maximum(short) <= ROUNDING
        repaired = self.kept + (1.0 - self.kept) / self._repair
        self.kept = xp.where(calm, repaired, self.kept)


def _rounds(numbers: Numbers, buyer: np.ndarray) -> list[tuple[Array, Array]]:
    """Return the first slot of every buyer, then the second, ...: (slot, whether there is one)."""
    nodes = numbers.chain.n_nodes
    counts = np.bincount(buyer, minlength=nodes)
    start = np.cumsum(counts) - counts
    rounds = []
    for rank in range(int(counts.max(initial=0))):
        there = counts > rank
        slot = np.where(there, start + rank, 0)
        rounds.append((numbers.arrays.plain(slot), numbers.mask(there)))
    return rounds
