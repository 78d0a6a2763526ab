"""Tariffs paid and what leaks round caps, recorded on the flows that are touched and no others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate._compile import CompiledChain
from chokepoint.propagate._engine import WeekState
from chokepoint.propagate._layout import Layout
from chokepoint.propagate._segments import Segments
from chokepoint.propagate._shocks import ShockPlan
from chokepoint.scenario import Effects, FlowEffect

__all__ = ["Leak", "LeakageRecorder", "TariffRecorder", "caps_of"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


class TariffRecorder:
    """Sum up tariffs by the importer's country.

    Attributes
    ----------
    paid : array (lanes, weeks, countries)
        Tariffs [USD million per week].
    """

    def __init__(
        self, chain: CompiledChain, layout: Layout, shocks: ShockPlan, sales: FloatArray
    ) -> None:
        self._shocks, self._edges = shocks, shocks.tariff_edges
        self._value = _values(chain, self._edges, sales)
        buyer = layout.country[chain.group_buyer[chain.edge_group[self._edges]]]
        self._by_importer = Segments(buyer, len(layout.countries))
        self._cost = np.zeros((len(self._edges), shocks.lanes))
        self.paid = np.zeros((shocks.lanes, shocks.weeks, len(layout.countries)))

    def __call__(self, week: int, state: WeekState, /) -> None:
        """Record what leaves the supplier under a tariff in one week."""
        if self._shocks.tariff_changes[week]:
            self._cost = self._shocks.tariff_rows(week) * self._value
        if not self._cost.any():
            return
        paid = state.shipped(self._edges) * self._cost
        self.paid[:, week] = self._by_importer.add(paid).T


@dataclass(frozen=True)
class Leak:
    """What became of the goods that one cap should keep from its target [USD million].

    Attributes
    ----------
    lane, label : int, str
        Lane in the chunk, and the event in words.
    banned : float
        Baseline value of the capped flows in the weeks of the cap.
    passed, detoured, diverted : float
        What passed in spite of the cap, went through third countries, and came on other flows
        of the same products beyond their baseline.
    """

    lane: int
    label: str
    banned: float
    passed: float
    detoured: float
    diverted: float


@dataclass(frozen=True)
class _Cells:
    """Cells (flow, lane) that belong to caps, one long list; `place` counts them row by row."""

    cap: IntArray
    place: IntArray
    sigma: FloatArray
    value: FloatArray


class LeakageRecorder:
    """Follow goods into the areas that caps are aimed at.

    The target of a cap are the areas of the buyers of the capped flows. Goods are counted when
    they leave for the target, in weeks in which the cap is in force, at baseline prices.
    """

    def __init__(
        self,
        chain: CompiledChain,
        layout: Layout,
        shocks: ShockPlan,
        sales: FloatArray,
        caps: Sequence[tuple[int, FlowEffect]],
    ) -> None:
        self._shocks, self._caps = shocks, caps
        self._active = np.stack([effect.allowed < 1.0 for _, effect in caps])
        capped = [np.asarray(effect.edges, dtype=np.intp) for _, effect in caps]
        others = [_other_ways_in(chain, layout, edges) for edges in capped]
        self._edges = np.unique(np.concatenate([*capped, *others]))
        value = _values(chain, self._edges, sales)
        sigma = chain.sigma[self._edges]
        lanes = np.array([lane for lane, _ in caps], dtype=np.intp)
        self._on = self._cells(capped, lanes, sigma, value)
        self._off = self._cells(others, lanes, sigma, value)
        self._banned, self._passed, self._detoured, self._diverted = np.zeros((4, len(caps)))

    def _cells(
        self, edges: Sequence[IntArray], lanes: IntArray, sigma: FloatArray, value: FloatArray
    ) -> _Cells:
        sizes = [len(some) for some in edges]
        cap = np.repeat(np.arange(len(edges)), sizes)
        row = np.searchsorted(self._edges, np.concatenate(edges))
        lane = lanes[cap]
        # Numbers of the chain have one column, or one for each lane.
        return _Cells(
            cap,
            row * self._shocks.lanes + lane,
            sigma[row, lane if sigma.shape[1] > 1 else 0],
            value[row, lane if value.shape[1] > 1 else 0],
        )

    def __call__(self, week: int, state: WeekState, /) -> None:
        """Record one week of the caps in force."""
        active = self._active[:, week]
        if not active.any():
            return
        on, off = self._on, self._off
        shipped = state.shipped(self._edges)
        self._banned += self._sum(on, on.sigma, active)
        self._passed += self._sum(on, _at(shipped, on), active)
        self._diverted += self._sum(off, _at(shipped, off) - off.sigma, active)
        if self._shocks.has_detours:
            detoured = state.detoured(self._edges)
            for cells in (on, off):
                self._detoured += self._sum(cells, _at(detoured, cells), active)

    def _sum(
        self, cells: _Cells, share: NDArray[np.floating], active: NDArray[np.bool_]
    ) -> FloatArray:
        value = np.bincount(cells.cap, weights=share * cells.value, minlength=len(active))
        return np.where(active, value, 0.0)

    def result(self) -> list[Leak]:
        """Return one entry per cap."""
        sums = (self._banned, self._passed, self._detoured, self._diverted)
        numbers = np.stack(sums, axis=1).tolist()
        return [
            Leak(lane, effect.label, *row)
            for (lane, effect), row in zip(self._caps, numbers, strict=True)
        ]


def _at(values: NDArray[np.floating], cells: _Cells) -> NDArray[np.floating]:
    # No place is out of bounds; "clip" spares the check.
    return np.take(values, cells.place, mode="clip")


def caps_of(effects: Sequence[Effects]) -> list[tuple[int, FlowEffect]]:
    """Return (lane, effect) of every cap that is ever in force."""
    return [
        (lane, effect)
        for lane, one in enumerate(effects)
        for effect in one.flows
        if len(effect.edges) and bool((effect.allowed < 1.0).any())
    ]


def _other_ways_in(chain: CompiledChain, layout: Layout, capped: IntArray) -> IntArray:
    """Return flows of the capped products that enter the target from outside it.

    Without labels, the other flows into the slots of the capped ones.
    """
    if layout.product is None:
        ways = np.isin(chain.edge_group, chain.edge_group[capped])
    else:
        buyer = chain.group_buyer[chain.edge_group]
        target = np.zeros(len(layout.countries), dtype=bool)
        target[layout.country[buyer[capped]]] = True
        goods = np.zeros(int(layout.product.max()) + 1, dtype=bool)
        goods[layout.product[chain.edge_supplier[capped]]] = True
        ways = goods[layout.product[chain.edge_supplier]] & target[layout.country[buyer]]
        ways &= ~target[layout.country[chain.edge_supplier]]
    ways[capped] = False
    return np.flatnonzero(ways)


def _values(chain: CompiledChain, edges: IntArray, sales: FloatArray) -> FloatArray:
    """Return the value of a whole slot on these flows [USD million per week].

    Shares of a slot times this are values at the supplier's baseline prices.
    """
    value: FloatArray = chain.kappa[edges] * sales[chain.edge_supplier[edges]]
    return value
