"""A batch of scenarios, cut into chunks of lanes that run one after the other or side by side.

Effects and shock arrays of a chunk are made when the chunk runs and dropped after it; each chunk
writes its own rows of what is kept. So memory is bounded, and no result depends on where the cuts
fall or which chunk comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from chokepoint._progress import track
from chokepoint.propagate._behaviour import Behaviour
from chokepoint.propagate._chains import Chains
from chokepoint.propagate._compile import CompiledChain
from chokepoint.propagate._engine import Engine, Recorder
from chokepoint.propagate._engines import (
    EngineName,
    chunk_size,
    engine_class,
    engine_for,
    sums_kernel,
    thread_count,
)
from chokepoint.propagate._flow_recorder import Leak, LeakageRecorder, TariffRecorder, caps_of
from chokepoint.propagate._layout import Layout
from chokepoint.propagate._rationing import rationing_classes
from chokepoint.propagate._recorder import Kernel, Record, Recorded, Recorders, recorder
from chokepoint.propagate._shocks import ShockPlan
from chokepoint.scenario import Effects

__all__ = ["Batch", "Kept"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Kept:
    """What is kept of a batch.

    Attributes
    ----------
    recorded : Recorded
        Weekly results, read-only.
    tariffs : array (lanes, weeks, countries) or None
        Tariffs paid by importers [USD million per week]; None where there are none.
    leaks : tuple of Leak or None
        One entry per cap, with the lane in the batch; None where they were not recorded.
    """

    recorded: Recorded
    tariffs: FloatArray | None
    leaks: tuple[Leak, ...] | None


@dataclass(frozen=True)
class _Part:
    """What one chunk adds beside the rows that it has filled."""

    start: int
    tariffs: FloatArray | None
    leaks: list[Leak]


@dataclass(frozen=True, eq=False)
class Batch:
    """Every scenario on every chain; the lanes of one chain stand together.

    Attributes
    ----------
    chains : Chains
        Chains of one structure.
    scenarios : int
        Number of scenarios.
    effects : callable
        ``effects(chain, scenario)`` gives the effects of a scenario, both by position.
    weeks, behaviour, record, dtype
        As for :func:`chokepoint.simulate`.
    """

    chains: Chains
    scenarios: int
    effects: Callable[[int, int], Effects]
    weeks: int
    behaviour: Behaviour
    record: Record
    dtype: np.dtype[np.floating]

    @property
    def lanes(self) -> int:
        """Number of lanes: scenarios times chains."""
        return len(self.chains) * self.scenarios

    def run(
        self,
        engine: EngineName,
        *,
        threads: int | None,
        chunk: int | None,
        progress: bool | None,
    ) -> Kept:
        """Run all chunks; `chunk` overrides the number of lanes in each."""
        lanes, first = self.lanes, self.chains.first
        # What matters is whether there are several.
        some = [first] * min(len(self.chains), 2)
        name = engine_for(engine, some, self._all_effects, self.behaviour)
        threads, kind = thread_count(threads, name), engine_class(name)
        size = chunk or chunk_size(name, first, self.dtype, lanes=lanes, threads=threads)
        layout = Layout.of(first)
        run = _Run(self, kind, sums_kernel(name), layout, self._room(layout, lanes))
        chunks = [range(start, min(start + size, lanes)) for start in range(0, lanes, size)]
        if threads == 1 or len(chunks) == 1:
            parts = [run.chunk(some) for some in track(chunks, "simulate", progress=progress)]
        else:
            parts = _in_threads(run.chunk, chunks, threads, progress=progress)
        run.recorded.freeze()
        return Kept(run.recorded, self._tariffs(parts), self._leaks(parts))

    def _all_effects(self) -> Iterator[Effects]:
        for lane in range(self.lanes):
            yield self.effects(*divmod(lane, self.scenarios))

    def _room(self, layout: Layout, lanes: int) -> Recorded:
        return Recorded.empty(
            self.record, self.chains.first, layout, lanes=lanes, weeks=self.weeks, dtype=self.dtype
        )

    def _tariffs(self, parts: Sequence[_Part]) -> FloatArray | None:
        paid = [part for part in parts if part.tariffs is not None]
        if not paid:
            return None
        assert paid[0].tariffs is not None
        table = np.zeros((self.lanes, *paid[0].tariffs.shape[1:]))
        for part in paid:
            assert part.tariffs is not None
            table[part.start : part.start + len(part.tariffs)] = part.tariffs
        table.flags.writeable = False
        return table

    def _leaks(self, parts: Sequence[_Part]) -> tuple[Leak, ...] | None:
        if self.record == "country":
            return None
        return tuple(
            replace(leak, lane=leak.lane + part.start) for part in parts for leak in part.leaks
        )


class _Run:
    """One run of a batch: what its chunks share."""

    def __init__(
        self,
        batch: Batch,
        kind: type[Engine],
        kernel: Kernel | None,
        layout: Layout,
        recorded: Recorded,
    ) -> None:
        self.recorded = recorded
        self._batch, self._kind, self._kernel, self._layout = batch, kind, kernel, layout
        self._classes = rationing_classes(batch.chains.first, batch.behaviour)

    def chunk(self, lanes: range) -> _Part:
        """Run some lanes and fill their rows."""
        batch = self._batch
        pairs = [divmod(lane, batch.scenarios) for lane in lanes]
        effects = [batch.effects(chain, scenario) for chain, scenario in pairs]
        # Lanes on one chain share its numbers, which then have one column.
        merged, sales = batch.chains.lanes([chain for chain, _ in pairs])
        shocks = ShockPlan(
            effects, n_nodes=merged.n_nodes, n_edges=merged.n_edges, weeks=batch.weeks
        )
        rows = self.recorded.rows(slice(lanes.start, lanes.stop))
        recorders: list[Recorder] = [
            recorder(batch.record, merged, self._layout, shocks, rows, self._kernel),
        ]
        tariffs, leakage = self._flows(merged, sales, shocks, effects)
        recorders += [part for part in (tariffs, leakage) if part is not None]
        record = recorders[0] if len(recorders) == 1 else Recorders(recorders)
        self._kind(merged, shocks, batch.behaviour, batch.dtype, self._classes).run(record)
        return _Part(
            lanes.start,
            None if tariffs is None else tariffs.paid,
            [] if leakage is None else leakage.result(),
        )

    def _flows(
        self,
        merged: CompiledChain,
        sales: FloatArray,
        shocks: ShockPlan,
        effects: Sequence[Effects],
    ) -> tuple[TariffRecorder | None, LeakageRecorder | None]:
        """Return recorders of what single flows carry, where it is wanted."""
        caps = [] if self._batch.record == "country" else caps_of(effects)
        if not caps and not len(shocks.tariff_edges):
            return None, None
        tariffs = leakage = None
        if len(shocks.tariff_edges):
            tariffs = TariffRecorder(merged, self._layout, shocks, sales)
        if caps:
            leakage = LeakageRecorder(merged, self._layout, shocks, sales, caps)
        return tariffs, leakage


def _in_threads(
    work: Callable[[range], _Part],
    chunks: Sequence[range],
    threads: int,
    *,
    progress: bool | None,
) -> list[_Part]:
    """Run the chunks side by side; the first error stops those that have not begun."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="simulate")
    try:
        waiting = [pool.submit(work, some) for some in chunks]
        return [done.result() for done in track(waiting, "simulate", progress=progress)]
    finally:
        pool.shutdown(cancel_futures=True)
