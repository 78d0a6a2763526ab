"""The weekly model in compiled loops: the equations of the NumPy engine, faster.

A week is two passes. The pass over the nodes turns demand and limits by inputs into output and
fills; the pass over the slots ships, uses, orders, and adds next week's orders up to demand, so
that every array is read once. Orders are written at the end of a week, so the pass over the slots
knows the shocks of the week that follows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate import _kernels_arrays as arrays
from chokepoint.propagate._behaviour import Behaviour
from chokepoint.propagate._compile import CompiledChain
from chokepoint.propagate._engine import BaselineState, Recorder
from chokepoint.propagate._kernels_arrays import Settings, ShockArrays, StateArrays
from chokepoint.propagate._kernels_layout import Layout, aligned, layout_of
from chokepoint.propagate._kernels_notice import first_call
from chokepoint.propagate._kernels_rebuild import Rebuilding
from chokepoint.propagate._kernels_week import NumbaState
from chokepoint.propagate._shocks import ShockPlan

__all__ = ["COMPLETE", "NumbaEngine"]

# Whether the engine has every feature of the model, so that it may be chosen without being named.
COMPLETE = True

Array = NDArray[np.floating]
IntArray = NDArray[np.integer[Any]]

_RULES = {"use": arrays.USE, "desired": arrays.WISH, "realised": arrays.REALISED}

_LINE = 64  # bytes of a cache line: one vector of lanes


class NumbaEngine:
    """One run of a batch of scenarios; see `chokepoint.propagate._engine.Engine`."""

    def __init__(
        self,
        chain: CompiledChain,
        shocks: ShockPlan,
        behaviour: Behaviour,
        dtype: np.dtype[np.floating],
        classes: IntArray,
    ) -> None:
        self.chain, self.shocks, self.behaviour, self.dtype = chain, shocks, behaviour, dtype
        self.lanes = shocks.lanes
        # A single lane is not worth a vector.
        self.width = 1 if self.lanes == 1 else _LINE // dtype.itemsize
        self.padded = -(-self.lanes // self.width) * self.width
        self.layout: Layout = layout_of(
            chain, behaviour, dtype, classes, lanes=self.padded, detours=shocks.has_detours
        )
        self.settings = Settings(
            switching=int(behaviour.switching),
            frozen=int(behaviour.frozen_orders),
            ramp=int(behaviour.ramp),
            late=int(behaviour.scarcity == "last_output"),
            rule=_RULES[behaviour.order_rule],
            by_capacity=int(behaviour.order_shares == "capacity"),
            equalising=int(behaviour.rationing == "equalising"),
            detours=int(shocks.has_detours),
            backlog=int((chain.backlog > 0.0).any()),
            rebuild=int(shocks.rebuilds is not None),
            # A whole number would be another type, and everything be compiled once more.
            exponent=float(behaviour.exponent),
            discount=float(behaviour.discount) if behaviour.switching else 0.0,
        )

    @staticmethod
    def lanes_per_chunk(chain: CompiledChain, dtype: np.dtype[np.floating]) -> int:
        """Return how many lanes at once are fastest: the state of a week stays near the core."""
        most = 64 if chain.n_nodes <= 20_000 else 32
        return max(most * 4 // dtype.itemsize, 8)

    # ------------------------------------------------------------------ the run

    def run(self, record: Recorder) -> None:
        """Step through the weeks."""
        weeks, first = self.shocks.weeks, self.shocks.first
        if first > 0:
            still = BaselineState(self.chain, self.shocks, self.dtype)
            for week in range(min(first, weeks)):
                record(week, still)
        if first >= weeks:
            return
        self._start()
        self._step_through(record)

    def _step_through(self, record: Recorder) -> None:
        from chokepoint.propagate._kernels_groups import step_groups
        from chokepoint.propagate._kernels_sites import step_sites

        weeks, first = self.shocks.weeks, self.shocks.first
        chain, slots = self.layout.arrays, self.slots
        # Orders of the first week are written in the week before, in which nothing moves.
        self._read_orders(first)
        before = first - 1
        kind = (self.dtype, self.width, chain.sigma.ndim)
        with first_call((*kind, "groups")):
            step_groups(chain, self.state, self.hit, self.settings, before, before % slots)
        for week in range(first, weeks):
            self._read_capacity(week)
            with first_call((*kind, "sites")):
                step_sites(chain, self.state, self.hit, self.settings, week, week % slots)
            record(week, NumbaState(self, week))
            if self.rebuilding is not None:
                self.rebuilding.finish(self.state.site)
            if week + 1 < weeks:
                self._read_orders(week + 1)
                step_groups(chain, self.state, self.hit, self.settings, week, week % slots)

    def _start(self) -> None:
        chain, lanes, dtype = self.chain, self.padded, self.dtype
        self.slots = slots = self._weeks_under_way()
        n, g, e = chain.n_nodes, chain.n_groups, chain.n_edges
        settings, kinds = self.settings, self.layout.arrays.group_kind
        decays = bool((kinds & arrays.MAINTAINS).any())
        saves = bool((kinds & arrays.SAVES).any())
        rows = int(self.layout.arrays.row_first[-1])
        group = aligned((g, arrays.PIPE + slots, lanes), dtype, value=0.0)
        stock = self.layout.arrays.stock
        group[:, arrays.STOCK] = stock[:, None] if stock.ndim == 1 else stock
        site = aligned((n, 4, lanes), dtype, value=0.0)
        site[:, arrays.RAMP] = 1.0
        # Without slots there is no limit; where `LOOK` is set, the row is what could be made.
        looks = (self.layout.arrays.node_kind & arrays.LOOK) > 0
        site[~looks, arrays.LIMIT] = np.inf
        parts = 3 if self.behaviour.switching else 1
        self.state = StateArrays(
            wide=(0,) * self.width,
            supply=aligned((rows, 2, lanes), dtype, value=0.0),
            short=np.zeros(rows, dtype=np.uint8),
            site=site,
            surplus=aligned((n if chain.is_child.any() else 0, lanes), dtype, value=0.0),
            kept=aligned((n if decays else 0, lanes), dtype, value=1.0),
            waiting=aligned((n if settings.backlog else 0, lanes), dtype, value=0.0),
            saved=aligned((g if saves else 0, lanes), dtype, value=0.0),
            group=group,
            live=np.zeros(g, dtype=np.uint8),
            edge=aligned((e, parts, lanes), dtype),
            trigger=aligned((g if self.behaviour.switching else 0, lanes), dtype),
            scratch=aligned((2 * self.layout.most_edges + 1, self.width), dtype),
            # A difference of this size is rounding, where signs of differences count.
            rounding=np.array([64.0 * np.finfo(dtype).eps], dtype=dtype),
            idle=aligned((n if settings.discount else 0, lanes), dtype, value=0.0),
        )
        self._start_shocks()

    def _weeks_under_way(self) -> int:
        """Return the rows that the pipeline needs."""
        shocks, slots = self.shocks, self.layout.slots
        if not shocks.has_detours:
            return slots
        lead = self.chain.lead[shocks.capped_edges][:, None] + shocks.detour_weeks
        return max(slots, int(lead.max()) + 1)

    # -------------------------------------------------------------------- shocks

    def _start_shocks(self) -> None:
        chain, shocks, lanes = self.chain, self.shocks, self.padded
        nodes, capped, licences = shocks.nodes_hit, shocks.capped_edges, shocks.licences
        licensed = np.empty(0, dtype=np.intp) if licences is None else licences.edges
        special = np.union1d(capped, licensed).astype(np.intp)
        self._capped = np.searchsorted(special, capped)
        self._special = special
        licence_of = np.full(len(special), -1, dtype=np.int32)
        licence_of[np.searchsorted(special, licensed)] = np.arange(len(licensed))
        edge_special = np.full(chain.n_edges if len(special) else 0, -1, dtype=np.int32)
        edge_special[self.layout.positions(special)] = np.arange(len(special))
        group_hit = np.zeros(chain.n_groups, dtype=np.uint8)
        group_hit[chain.edge_group[special]] = 1
        node_row = np.full(chain.n_nodes, -1, dtype=np.int32)
        node_row[nodes] = np.arange(len(nodes))
        cap = aligned((len(special), 6, lanes), self.dtype, value=1.0)
        cap[:, arrays.TOLD :] = 0.0
        rows = int(self.layout.arrays.row_first[-1])
        cap_row = np.full(rows if self.settings.equalising else 0, -1, dtype=np.int32)
        if self.settings.equalising and shocks.has_detours:
            own = self.layout.arrays.edge_row[self.layout.positions(special)]
            cap_row[own + 1] = np.arange(len(special))
        detour_weeks = np.zeros((len(special), lanes), dtype=np.int32)
        detour_weeks[self._capped, : self.lanes] = shocks.detour_weeks
        licence = aligned((len(licensed), 10, lanes), self.dtype, value=0.0)
        licence[:, arrays.RELEASE], licence[:, arrays.TAKEN] = np.inf, 1.0
        if licences is not None:
            sigma = chain.sigma[licensed].astype(self.dtype)
            most = licences.goods_weeks.astype(self.dtype) * sigma
            licence[:, arrays.MOST, : self.lanes] = most
        capacity = aligned((len(nodes), lanes), self.dtype, value=1.0)
        extra = aligned((len(nodes) if self.settings.rebuild else 0, lanes), self.dtype, value=0.0)
        self.hit = ShockArrays(
            node_row=node_row,
            capacity=capacity,
            extra=extra,
            group_hit=group_hit,
            edge_special=edge_special,
            cap=cap,
            cap_row=cap_row,
            detour_weeks=detour_weeks,
            licence_of=licence_of,
            licence=licence,
        )
        self.rebuilding = Rebuilding(chain, shocks, self.dtype) if self.settings.rebuild else None

    def _read_capacity(self, week: int) -> None:
        hit, lanes, shocks = self.hit, self.lanes, self.shocks
        if self.rebuilding is not None:
            capacity, extra = self.rebuilding.start(week)
            hit.capacity[:, :lanes], hit.extra[:, :lanes] = capacity, extra
        elif shocks.capacity_changes[week]:
            hit.capacity[:, :lanes] = shocks.capacity_rows(week)

    def _read_orders(self, week: int) -> None:
        """Let what is known of `week` act on the orders that are placed for it."""
        cap, lanes, shocks = self.hit.cap, self.lanes, self.shocks
        cap[:, arrays.NOW] = cap[:, arrays.NEXT]
        cap[:, arrays.ROUND_NOW] = cap[:, arrays.ROUND_NEXT]
        cap[:, arrays.TOLD] = 0.0
        if shocks.flow_changes[week]:
            cap[self._capped, arrays.NEXT, :lanes] = shocks.allowed_rows(week)
            if shocks.has_detours:
                cap[self._capped, arrays.ROUND_NEXT, :lanes] = shocks.detour_rows(week)
            for lane, edges in shocks.redirections(week):
                cap[np.searchsorted(self._special, edges), arrays.TOLD, lane] = 1.0
        licences = shocks.licences
        if licences is not None and licences.changes[week]:
            release, taken = licences.terms(week)
            self.hit.licence[:, arrays.RELEASE, :lanes] = release
            self.hit.licence[:, arrays.TAKEN, :lanes] = taken
