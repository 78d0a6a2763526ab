"""Step 2 and 11: capital that was lost and is rebuilt, with goods that markets deliver."""

from __future__ import annotations

import numpy as np

from chokepoint.propagate._shocks import RebuildPlan, ShockPlan
from chokepoint.propagate._steps._arrays import Array
from chokepoint.propagate._steps._numbers import ROUNDING, Numbers, ratio

__all__ = ["Rebuilding"]


class Rebuilding:
    r"""Damage :math:`R` left, one entry per event and lane.

    From its first week on, the capacity of the damaged sites is multiplied by
    :math:`1 - \text{lost}\, R / R_0`, and the markets want goods worth
    :math:`\text{shares}_k R / T` per week on top. :math:`R` falls by what they get.

    Entries are columns of one lane each, so cells (node, lane) of the week's arrays are read and
    written as rows of arrays that have been laid out flat.

    Attributes
    ----------
    left : array (M, 1)
        Damage left [USD million].
    wanted : array (N, lanes) or None
        Deviation of the demand on markets through rebuilding; None without any.
    """

    left: Array
    wanted: Array = None

    def __init__(self, numbers: Numbers, shocks: ShockPlan) -> None:
        self._numbers, self.plan = numbers, shocks.rebuilds
        if self.plan is not None:
            self._index(self.plan)

    def _index(self, plan: RebuildPlan) -> None:
        numbers, lanes = self._numbers, self._numbers.lanes
        arrays, chain = numbers.arrays, numbers.chain
        self.left = arrays.number(plan.damage[:, None])
        self._damage = self.left + 0.0
        self._lost = arrays.number(plan.lost[:, None])
        site_cell = plan.nodes * lanes + plan.lane[plan.node_entry]
        market_cell = plan.markets * lanes + plan.lane[plan.market_entry]
        self._site_cells, site_owner = np.unique(site_cell, return_inverse=True)
        self._market_cells, market_owner = np.unique(market_cell, return_inverse=True)
        self._site_rounds = _rounds(site_owner)
        self._to_cell = arrays.segments(market_owner, len(self._market_cells))
        self._to_entry = arrays.segments(plan.market_entry, len(plan.lane))
        self._entry_of_site = arrays.plain(plan.node_entry)
        self._entry_of_market = arrays.plain(plan.market_entry)
        self._cell_of_market = arrays.plain(market_cell)
        value = np.broadcast_to(chain.final_value, (chain.n_nodes, lanes)).reshape(-1)[market_cell]
        weekly = plan.shares / plan.weeks[plan.market_entry]
        # A market without value can deliver nothing.
        self._weekly = arrays.number(np.where(value > 0, weekly, 0.0)[:, None])
        self._per_value = arrays.number(
            np.divide(weekly, value, out=np.zeros_like(weekly), where=value > 0)[:, None]
        )

    def start(self, week: int, given: Array) -> Array:
        """Return the multipliers `given` with what rebuilding does; set what it wants."""
        if self.plan is None:
            return given
        arrays, xp = self._numbers.arrays, self._numbers.xp
        begun = arrays.plain((self.plan.first <= week)[:, None])
        self._open = xp.where(begun, self.left, 0.0)
        factor = 1.0 - self._lost * self._open / self._damage
        flat = xp.reshape(given + 0.0, (-1, 1))
        for entries, cells in self._site_rounds:
            one = arrays.rows(factor, arrays.plain(self.plan.node_entry[entries]))
            here = self._site_cells[cells]
            flat = arrays.put(flat, here, arrays.rows(flat, arrays.plain(here)) * one)
        added = self._per_value * arrays.rows(self._open, self._entry_of_market)
        wanted = xp.reshape(arrays.full(self._numbers.chain.n_nodes, 0.0), (-1, 1))
        wanted = arrays.put(wanted, self._market_cells, self._to_cell.add(added))
        self.wanted = xp.reshape(wanted, given.shape)
        return xp.reshape(flat, given.shape)

    def finish(self, demand: Array, output: Array) -> None:
        """Take off the damage what the markets got for it."""
        if self.plan is None:
            return
        arrays, xp = self._numbers.arrays, self._numbers.xp
        missing = ratio(xp, xp.maximum(demand - output, 0.0), 1.0 + demand, 0.0)
        missing = arrays.rows(xp.reshape(missing, (-1, 1)), self._cell_of_market)
        asked = self._weekly * arrays.rows(self._open, self._entry_of_market)
        left = self.left - self._to_entry.add(asked * (1.0 - missing))
        self.left = xp.where(left > ROUNDING * self._damage, left, 0.0)


def _rounds(owner: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return rows so that no owner occurs twice in one round: (rows, owners) of each round."""
    order = np.argsort(owner, kind="stable")
    ordered = owner[order]
    first = np.searchsorted(ordered, ordered)
    rank = np.arange(len(owner)) - first
    return [(order[rank == one], ordered[rank == one]) for one in np.unique(rank)]
