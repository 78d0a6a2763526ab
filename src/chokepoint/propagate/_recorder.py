"""What is kept of a run, week by week: sums by country, every site, or every flow as well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate._compile import CompiledChain
from chokepoint.propagate._engine import Recorder, WeekState
from chokepoint.propagate._layout import Layout
from chokepoint.propagate._shocks import ShockPlan

__all__ = ["RECORDS", "Kernel", "Record", "Recorded", "Recorders", "recorder"]

Array = NDArray[np.floating]
Kernel = Callable[..., None]

Record = Literal["country", "site", "all"]
RECORDS = get_args(Record)


@dataclass(frozen=True, eq=False)
class Recorded:
    """Weekly results, lane first; every chunk of a batch fills its own rows.

    Attributes
    ----------
    loss, unmet : array (lanes, weeks, countries)
        Value added lost and final demand unmet [USD million per week].
    worst : array (lanes, weeks, countries)
        Lowest deviation of output of any end-sector site; 0 where there is none.
    deviation : array (lanes, weeks, nodes) or None
        Deviation of the output of sites and of what markets got.
    wanted : array (lanes, weeks, markets) or None
        Deviation of what markets want, without what waits from earlier weeks.
    shipments : array (lanes, weeks, flows) or None
        Goods that left the exporter, detours included [product units per week].
    stock : array (lanes, weeks, slots) or None
        Stock at the end of the week [weeks of baseline use].
    asked : array (lanes, weeks, slots) or None
        Orders of the slot over baseline, before any cap or limit.
    """

    loss: Array
    unmet: Array
    worst: Array
    deviation: Array | None = None
    wanted: Array | None = None
    shipments: Array | None = None
    stock: Array | None = None
    asked: Array | None = None

    @classmethod
    def empty(
        cls,
        record: Record,
        chain: CompiledChain,
        layout: Layout,
        *,
        lanes: int,
        weeks: int,
        dtype: np.dtype[np.floating],
    ) -> Recorded:
        """Return arrays of zeros for what `record` names."""
        columns = [len(layout.countries)] * 3
        if record in ("site", "all"):
            columns += [chain.n_nodes, len(layout.markets)]
        if record == "all":
            columns += [chain.n_edges, chain.n_groups, chain.n_groups]
        return cls(*(np.zeros((lanes, weeks, size), dtype=dtype) for size in columns))

    def rows(self, lanes: slice) -> Recorded:
        """Return a view on some lanes."""
        kept = {name: None if all_ is None else all_[lanes] for name, all_ in vars(self).items()}
        return Recorded(**kept)  # type: ignore[arg-type]

    def freeze(self) -> None:
        """Make every array read-only."""
        for array in vars(self).values():
            if array is not None:
                array.flags.writeable = False


class Recorders:
    """Several recorders that look at the same weeks."""

    def __init__(self, parts: Sequence[Recorder]) -> None:
        self._parts = parts

    def __call__(self, week: int, state: WeekState, /) -> None:
        """Show the week to each of them."""
        for part in self._parts:
            part(week, state)


def recorder(
    record: Record,
    chain: CompiledChain,
    layout: Layout,
    shocks: ShockPlan,
    into: Recorded,
    kernel: Kernel | None = None,
) -> CountryRecorder:
    """Return the recorder that fills `into`, the rows of one chunk, with what `record` names.

    `kernel` sums a week by country in compiled code; None = with NumPy.
    """
    return _KINDS[record](chain, layout, shocks, into, kernel)


class CountryRecorder:
    """Keep sums by country: memory does not depend on the number of sites."""

    def __init__(
        self,
        chain: CompiledChain,
        layout: Layout,
        shocks: ShockPlan,
        into: Recorded,
        kernel: Kernel | None = None,
    ) -> None:
        dtype = into.loss.dtype
        self._layout, self._into, self._shocks, self._kernel = layout, into, shocks, kernel
        self._first = shocks.first
        self._lost = -chain.value_added.astype(dtype)
        final = chain.final_value[layout.markets]
        self._final = np.where(layout.followed[:, None], final, 0.0).astype(dtype)
        self._backlog = chain.backlog[layout.markets].astype(dtype)
        self._has_backlog = bool((self._backlog > 0).any())
        self._waiting = np.zeros((len(layout.markets), shocks.lanes), dtype=dtype)
        if kernel is None:
            self._product = np.empty((chain.n_nodes, shocks.lanes), dtype=dtype)
        else:
            self._total = np.empty((len(layout.countries), shocks.lanes), dtype=dtype)
            self._missing = np.empty_like(self._waiting)

    def __call__(self, week: int, state: WeekState, /) -> None:
        """Record one week; nothing is lost before the first shock."""
        if week < self._first:
            return
        if self._kernel is None:
            self._sum(week, state)
        else:
            layout, into = self._layout, self._into
            self._kernel(
                week, state.output, state.wanted, self._waiting, layout.nodes, layout.country,
                self._lost, layout.markets, layout.country[layout.markets], self._final,
                layout.ends, layout.country[layout.ends], self._total, self._missing,
                into.loss, into.unmet, into.worst,
            )  # fmt: skip
        if self._has_backlog or self._into.wanted is not None:
            self._follow_markets(week, state)

    def _sum(self, week: int, state: WeekState) -> None:
        """Write the sums of one week by country."""
        layout, into, x = self._layout, self._into, state.output
        np.multiply(x, self._lost, out=self._product)
        into.loss[:, week] = layout.by_country.add(self._product).T
        missing = (state.wanted[layout.markets] - self._waiting) - x[layout.markets]
        into.unmet[:, week] = layout.markets_by_country.add(missing * self._final).T
        if len(layout.ends):
            lowest = layout.ends_by_country.minimum(x[layout.ends])
            into.worst[:, week] = np.where(np.isfinite(lowest), lowest, 0.0).T

    def _follow_markets(self, week: int, state: WeekState) -> None:
        """Keep what markets newly want; what waits now is served later without being new."""
        markets = self._layout.markets
        served, wanted = state.output[markets], state.wanted[markets]
        fresh = wanted - self._waiting if self._has_backlog else wanted
        if self._into.wanted is not None:
            self._into.wanted[:, week] = fresh.T
        if self._has_backlog:
            self._waiting = self._backlog * self._unserved(week, served, wanted, fresh)

    def _unserved(self, week: int, served: Array, wanted: Array, fresh: Array) -> Array:
        """Return what may wait: what rebuilding did not get stays in the damage that is left."""
        if self._shocks.rebuilds is None:
            return wanted - served
        demand = (self._shocks.capacity(week)[self._layout.markets] - 1.0).astype(served.dtype)
        level = 1.0 + wanted
        fill = np.divide(1.0 + served, level, out=np.ones_like(level), where=level > 0)
        rest: Array = wanted - served - (fresh - demand) * (1.0 - fill)
        return rest


class SiteRecorder(CountryRecorder):
    """Keep every node as well."""

    def __call__(self, week: int, state: WeekState, /) -> None:
        """Record one week."""
        super().__call__(week, state)
        if week >= self._first:
            assert self._into.deviation is not None
            self._into.deviation[:, week] = state.output.T


class FlowRecorder(SiteRecorder):
    """Keep every flow and slot as well."""

    def __init__(
        self,
        chain: CompiledChain,
        layout: Layout,
        shocks: ShockPlan,
        into: Recorded,
        kernel: Kernel | None = None,
    ) -> None:
        super().__init__(chain, layout, shocks, into, kernel)
        self._edges = np.arange(chain.n_edges)
        self._detours = shocks.has_detours
        units = chain.kappa * chain.output[chain.edge_supplier]
        self._units = units.astype(into.loss.dtype)

    def __call__(self, week: int, state: WeekState, /) -> None:
        """Record one week."""
        super().__call__(week, state)
        assert self._into.shipments is not None
        assert self._into.stock is not None
        assert self._into.asked is not None
        left = state.shipped(self._edges)
        if self._detours:
            left = left + state.detoured(self._edges)
        self._into.shipments[:, week] = (left * self._units).T
        self._into.stock[:, week] = state.stock.T
        self._into.asked[:, week] = state.asked.T


_KINDS: dict[Record, type[CountryRecorder]] = {
    "country": CountryRecorder,
    "site": SiteRecorder,
    "all": FlowRecorder,
}
