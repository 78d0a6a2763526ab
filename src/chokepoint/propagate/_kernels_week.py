"""A week of the compiled engine as recorders see it: computed where it is asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate import _kernels_arrays as arrays

if TYPE_CHECKING:
    from chokepoint.propagate._engine_numba import NumbaEngine

__all__ = ["NumbaState"]

Array = NDArray[np.floating]
IntArray = NDArray[np.integer[Any]]


class _Flows(NamedTuple):
    """What moves on some flows."""

    ordered: Array
    made: Array
    shipped: Array
    detoured: Array


class _Papers(NamedTuple):
    """Licensed flows at the end of the week."""

    queue: Array
    goods: Array
    accepted: Array


class NumbaState:
    """One week of a run, after outputs and fills, before goods are delivered."""

    def __init__(self, engine: NumbaEngine, week: int) -> None:
        self._engine, self._week = engine, week
        self._lanes = engine.lanes
        self._memo: tuple[IntArray | None, _Flows | None] = (None, None)

    @property
    def output(self) -> Array:
        """Deviation of the output of nodes."""
        return self._engine.state.site[:, arrays.OUTPUT, : self._lanes]

    @property
    def wanted(self) -> Array:
        """Deviation of what markets want."""
        return self._engine.state.site[:, arrays.DESIRED, : self._lanes]

    @property
    def asked(self) -> Array:
        """Orders of slots over baseline."""
        asked: Array = 1.0 + self._engine.state.group[:, arrays.ORDER, : self._lanes]
        return asked

    def ordered(self, edges: IntArray) -> Array:
        """Orders on flows."""
        return self._flows(edges).ordered

    def made(self, edges: IntArray) -> Array:
        """Goods made for flows."""
        return self._flows(edges).made

    def shipped(self, edges: IntArray) -> Array:
        """Goods that left on flows."""
        return self._flows(edges).shipped

    def detoured(self, edges: IntArray) -> Array:
        """Goods that left on detours."""
        return self._flows(edges).detoured

    @property
    def surplus(self) -> Array:
        """Joint output kept."""
        surplus = self._engine.state.surplus[:, : self._lanes]
        if len(surplus):
            return surplus
        return np.zeros((self._engine.chain.n_nodes, self._lanes), dtype=self._engine.dtype)

    @cached_property
    def used(self) -> Array:
        """Deviation of use."""
        from chokepoint.propagate._kernels_groups import use_slots

        engine = self._engine
        used = np.empty((engine.chain.n_groups, engine.padded), dtype=engine.dtype)
        now = self._week % engine.slots
        use_slots(engine.layout.arrays, engine.state, now, used)
        return used[:, : self._lanes]

    @property
    def stock(self) -> Array:
        """Stock at the end of the week."""
        engine, lanes = self._engine, self._lanes
        group = engine.state.group
        before = group[:, arrays.STOCK, :lanes]
        arrived = group[:, arrays.PIPE + self._week % engine.slots, :lanes]
        after = np.maximum(before + arrived - self.used, 0.0)
        keeps = (engine.layout.arrays.group_kind & arrays.STORES) > 0
        stock: Array = np.where(keeps[:, None], after, before)
        return stock

    @property
    def queue(self) -> Array:
        """Orders that wait for a licence."""
        return self._papers.queue

    @property
    def goods(self) -> Array:
        """Goods that wait for a licence."""
        return self._papers.goods

    @property
    def accepted(self) -> Array:
        """Orders taken on."""
        return self._papers.accepted

    # ------------------------------------------------------------------- reckoned here

    @property
    def _papers(self) -> _Papers:
        engine, lanes = self._engine, self._lanes
        licences = engine.shocks.licences
        if licences is None:
            none = np.zeros((0, lanes), dtype=engine.dtype)
            return _Papers(none, none, none)
        paper = engine.hit.licence[..., :lanes]
        waiting = paper[:, arrays.WAITING] > 0.0
        ready = paper[:, arrays.GOODS] + self.made(licences.edges)
        sent = np.minimum(ready, paper[:, arrays.RATE])
        kept = np.minimum(ready - sent, paper[:, arrays.MOST])
        left = paper[:, arrays.OUTSTANDING] - sent
        return _Papers(
            np.where(waiting & (left > arrays.ROUNDING), left, 0.0),
            np.where(waiting, kept, 0.0),
            paper[:, arrays.ACCEPTED] + 0.0,
        )

    def _flows(self, edges: IntArray) -> _Flows:
        known, flows = self._memo
        if flows is None or known is None or not np.array_equal(known, edges):
            flows = self._reckon(np.asarray(edges))
            self._memo = (np.array(edges), flows)
        return flows

    def _reckon(self, edges: IntArray) -> _Flows:
        engine, lanes = self._engine, self._lanes
        chain, state, layout = engine.chain, engine.state, engine.layout
        place = layout.positions(edges)
        group = chain.edge_group[edges]
        sigma = chain.sigma[edges].astype(engine.dtype)
        missing = state.supply[layout.arrays.edge_row[place], arrays.FILL, :lanes]
        placed = sigma * state.group[group, arrays.ORDER, :lanes]
        live = state.live[group] > 0
        placed[live] = state.edge[place[live], arrays.PLACED, :lanes]
        ordered: Array = sigma + placed
        made = ordered + ordered * missing
        pushed = chain.pushed[group]
        made[pushed] = (sigma + sigma * missing)[pushed]
        shipped, detoured = made.copy(), np.zeros_like(made)
        if not len(engine.hit.edge_special):
            return _Flows(ordered, made, shipped, detoured)
        special = engine.hit.edge_special[place]
        rows = np.flatnonzero(special >= 0)
        self._behind_caps(rows, special[rows], place[rows], made, pushed, sigma, detoured)
        shipped[rows] = made[rows]
        self._behind_papers(rows, special[rows], ordered, made, shipped)
        return _Flows(ordered, made, shipped, detoured)

    def _behind_caps(
        self,
        rows: IntArray,
        special: IntArray,
        place: IntArray,
        made: Array,
        pushed: NDArray[np.bool_],
        sigma: Array,
        detoured: Array,
    ) -> None:
        """Set what goes round caps, and what they leave of by-products."""
        engine = self._engine
        cap = engine.hit.cap[special, :, : self._lanes]
        sigma = np.broadcast_to(sigma, made.shape)[rows]
        own = engine.layout.arrays.edge_row[place] + engine.settings.equalising
        if engine.settings.detours:
            missing = engine.state.supply[own, arrays.FILL, : self._lanes]
            detoured[rows] = cap[:, arrays.ROUND_ASKED] * (1.0 + missing)
        # Rows called "next" become those of this week once goods are delivered.
        allowed = cap[:, arrays.NEXT]
        most = np.where(allowed < 1.0, allowed * sigma, np.inf)
        direct = np.minimum(made[rows], most)
        stopped = np.minimum(made[rows] - direct, cap[:, arrays.ROUND_NEXT] * sigma)
        here = pushed[rows]
        detoured[rows[here]] = stopped[here]
        made[rows[here]] = direct[here]

    def _behind_papers(
        self, rows: IntArray, special: IntArray, ordered: Array, made: Array, shipped: Array
    ) -> None:
        """Set what leaves of goods that wait for a licence."""
        licence = self._engine.hit.licence_of[special]
        rows, licence = rows[licence >= 0], licence[licence >= 0]
        paper = self._engine.hit.licence[licence, :, : self._lanes]
        waiting = paper[:, arrays.WAITING] > 0.0
        ready = paper[:, arrays.GOODS] + made[rows]
        sent = np.minimum(ready, paper[:, arrays.RATE])
        shipped[rows] = np.where(waiting, sent, made[rows])
        ordered[rows] = paper[:, arrays.ASKED]
