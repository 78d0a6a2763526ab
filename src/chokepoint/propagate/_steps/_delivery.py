"""Step 7: goods leave, are under way, and arrive."""

from __future__ import annotations

import numpy as np

from chokepoint.propagate._steps._arrays import Array, Reducer
from chokepoint.propagate._steps._caps import Caps
from chokepoint.propagate._steps._licences import Licences
from chokepoint.propagate._steps._numbers import Numbers

__all__ = ["Delivery"]


class Delivery:
    """Shipments and the pipeline.

    Attributes
    ----------
    sent : array (E, lanes)
        Goods that left the exporter this week, as shares of the slot, detours excluded.
    detoured : array (M, lanes)
        Goods that left on detours, on the capped flows.
    received : array (G, lanes)
        Deviation of what left for a slot this week, detours included.
    pipeline : list of array (G, lanes)
        Deviation of what will arrive, by week modulo its length.
    """

    sent: Array
    received: Array

    def __init__(self, numbers: Numbers, caps: Caps) -> None:
        self._numbers, self._caps = numbers, caps
        chain, arrays = numbers.chain, numbers.arrays
        self._by_lead = [
            (int(lead), *_flows_with(numbers, np.flatnonzero(chain.lead == lead)))
            for lead in np.unique(chain.lead)
        ]
        self._detour_leads = [int(lead) for lead in np.unique(caps.detour_lead)]
        self._detour_lead = arrays.plain(caps.detour_lead)
        self._capped_by_group = arrays.segments(numbers.edge_group[caps.edges], chain.n_groups)
        longest = max([int(chain.lead.max(initial=1)), *self._detour_leads])
        self.pipeline = [arrays.full(chain.n_groups, 0.0) for _ in range(longest + 1)]
        self.detoured = arrays.full(len(caps.edges), 0.0)
        # Written over week after week: fresh arrays cost more than what is computed in them.
        self._sent = arrays.full(chain.n_edges, 0.0)
        self._change = arrays.full(chain.n_edges, 0.0)
        pushed = numbers.pushed_edges
        self._pushed_supplier = arrays.plain(numbers.edge_supplier[pushed])
        self._pushed_sigma = arrays.rows(numbers.sigma, arrays.plain(pushed))
        self._pushed_cap = arrays.full(len(pushed), np.inf)
        # By-products whose flow is capped: their rows among the capped and among the pushed.
        _, self._capped_rows, rows = np.intersect1d(caps.edges, pushed, return_indices=True)
        self._capped_index, self._capped_pushed = (
            arrays.plain(self._capped_rows),
            arrays.plain(rows),
        )

    def arrivals(self, week: int) -> Array:
        """Step 1: return the deviation of what is due this week."""
        slot = week % len(self.pipeline)
        arrived = self.pipeline[slot]
        self.pipeline[slot] = self._numbers.arrays.full(self._numbers.chain.n_groups, 0.0)
        return arrived

    def read_caps(self) -> None:
        """Take note of caps that have changed."""
        self._pushed_cap = self._caps.on(self._numbers.pushed_edges)

    def ship(self, orders: Array, fill: Array, output: Array, licences: Licences) -> None:
        """Set what leaves the exporter for each flow.

        By-products go along their flows in proportion to the process, whatever is wanted; what
        a cap stops of them takes the detour as far as it goes.
        """
        numbers, arrays = self._numbers, self._numbers.arrays
        sent = arrays.multiply(orders, fill, out=self._sent)
        if len(numbers.pushed_edges):
            pushed = self._pushed_sigma * (1.0 + arrays.rows(output, self._pushed_supplier))
            direct = numbers.xp.minimum(pushed, self._pushed_cap)
            sent = arrays.put(sent, numbers.pushed_edges, direct)
            if self._caps.active and self._caps.has_detours and len(self._capped_rows):
                stopped = arrays.rows(pushed - direct, self._capped_pushed)
                width = arrays.rows(self._caps.detour, self._capped_index)
                round_about = numbers.xp.minimum(stopped, width)
                self.detoured = arrays.put(self.detoured, self._capped_rows, round_about)
        self.sent = licences.release(sent) if licences else sent

    def dispatch(self, week: int) -> None:
        """Put what was sent under way: it arrives after its lead, on a detour later."""
        numbers, arrays = self._numbers, self._numbers.arrays
        change = arrays.subtract(self.sent, numbers.sigma, out=self._change)
        self.received = None
        for lead, index, by_group in self._by_lead:
            part = change if index is None else arrays.rows(change, index)
            self._put_under_way(week + lead, by_group.add(part))
        if self._caps.has_detours:
            for lead in self._detour_leads:
                here = numbers.xp.where(self._detour_lead == lead, self.detoured, 0.0)
                self._put_under_way(week + lead, self._capped_by_group.add(here))

    def _put_under_way(self, week: int, goods: Array) -> None:
        slot = week % len(self.pipeline)
        self.pipeline[slot] += goods
        self.received = goods if self.received is None else self.received + goods


def _flows_with(numbers: Numbers, edges: np.ndarray) -> tuple[Array, Reducer]:
    """Return an index of flows (None for all) and their sums by slot."""
    chain, arrays = numbers.chain, numbers.arrays
    by_group = arrays.segments(numbers.edge_group[edges], chain.n_groups)
    return (None if len(edges) == chain.n_edges else arrays.plain(edges)), by_group
