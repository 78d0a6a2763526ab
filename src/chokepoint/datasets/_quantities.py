"""Random outputs, demands and flows that keep the accounting identities.

Outputs of one product are drawn as shares: the product's total is kept. Drawn flows are scaled
towards the drawn outputs and needs. Then the nearest quantities (least weighted squares of
relative changes) that meet every identity are found: sites and markets move as little as they can,
flows follow, and markets of sector `other_use` take up what joint outputs leave over.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.chain import SupplyChain
from chokepoint.chain._joint import children
from chokepoint.datasets._draw_sweeps import Sweeps
from chokepoint.datasets._identities import identities
from chokepoint.datasets._reconcile import Reconciler
from chokepoint.datasets._spread import Spread, column_spread
from chokepoint.errors import ConvergenceError
from chokepoint.schema import OTHER_USE

__all__ = ["Quantities"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

_STIFF = 1e2
"""How much dearer a relative deviation of an output is than one of all flows of a slot."""
_STIFF_STATED = 1e5
"""The same where outputs are stated rather than drawn."""
_HELD = 1e-2
"""How easily a reported flow moves beside an estimated one."""
_STATED = 1e-2
"""How easily a stated output moves beside one that is not stated."""
_LEAST = 1e-3
"""Smallest drawn output over baseline: identities hold relative to it."""
_LEAST_FLOW = 1e-6
"""Smallest drawn flow over baseline."""
_ROUNDS = 3
"""How often flows are scaled towards outputs that have given way."""
_ACCEPTED = 1e-10


@dataclass(frozen=True)
class Quantities:
    """What is fixed about a chain's quantities while their values vary.

    A *source* is a site that is no child, or a market; children follow their process. Variables
    are flows, then sources.

    Attributes
    ----------
    source : array (nodes,)
        Source that each node follows.
    is_source : array of bool (nodes,)
        Whether the node is one itself.
    factor : array (nodes,)
        Output of the node per unit of its source (the yield of a child, else 1).
    base : array (sources,)
        Baseline quantities.
    low, high : array (sources,)
        Bounds that the ranges of the source and its children leave.
    held : array of bool (flows,)
        Reported flows, which move less than estimated ones.
    group : array (sources,)
        Sources of one group keep their sum; -1 for markets of sector `other_use`.
    spread : Spread
        Of the sources.
    flows : Spread
        Of the flows.
    rows : sparse array (identities, variables)
        Identities ``rows @ variables = 0``, relative to baseline.
    outputs : int
        Number of identities about what sites ship, which stand first.
    """

    source: IntArray
    is_source: BoolArray
    factor: FloatArray
    base: FloatArray
    low: FloatArray
    high: FloatArray
    held: BoolArray
    group: IntArray
    spread: Spread
    flows: Spread
    rows: sparse.csr_array
    outputs: int

    @classmethod
    def of(cls, chain: SupplyChain) -> Quantities:
        """Return the quantities of a chain."""
        tables = chain.tables
        nodes, slots, edges = chain.nodes, chain.slots, chain.edges
        edges = edges[~edges["dormant"]]
        source, factor = _sources(tables, nodes)
        own = np.flatnonzero(source == np.arange(len(nodes)))
        number = np.full(len(nodes), -1)
        number[own] = np.arange(len(own))
        spread = _node_spread(tables)
        rows, outputs = identities(nodes, slots, edges, number[source], factor)
        low, high = _bounds(spread, source, factor, own)
        flows = column_spread("flows", _in_order(tables["flows"], edges), "quantity")
        return cls(
            source=number[source],
            is_source=number >= 0,
            factor=factor,
            base=spread.value[own],
            low=low,
            high=high,
            held=(edges["known"] == "reported").to_numpy(),
            group=_groups(nodes.iloc[own]),
            spread=spread.chosen(own),
            flows=flows,
            rows=rows,
            outputs=outputs,
        )

    def balanced(self, sources: FloatArray, flows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return drawn quantities brought back to the identities.

        Parameters
        ----------
        sources, flows : array (draws, sources) and (draws, flows)
            Drawn numbers.

        Returns
        -------
        array (draws, nodes), array (draws, flows)
            Quantities of all nodes, and flows in the order of `edges`.
        """
        wanted = _keep_sums(sources.T, self.base, self.group, self.low, self.high)
        nodes, found = self._nearest(flows.T, wanted, self._reconciler)
        return nodes.T, found.T

    def stated(self, outputs: FloatArray, fixed: BoolArray) -> tuple[FloatArray, FloatArray]:
        """Return nodes and flows where fixed sources have the stated outputs, sums being kept.

        Parameters
        ----------
        outputs : array (nodes,)
            Wanted quantities; those of children are ignored.
        fixed : array of bool (nodes,)
            Nodes that shall have them; the others of each group take up the difference.
        """
        held, value = np.zeros(len(self.base), dtype=bool), self.base.copy()
        held[self.source[self.is_source]] = fixed[self.is_source]
        value[self.source[self.is_source]] = outputs[self.is_source]
        value = np.where(held, value, self.base)
        low, high = np.where(held, value, 0.0), np.where(held, value, np.inf)
        wanted = _keep_sums(value, self.base, self.group, low, high)
        # Where all of a group are held their sum cannot be kept unless they give way in proportion.
        wanted = _rescaled(wanted, self.base, self.group)
        loose = self._loose(_STIFF_STATED)
        loose[len(self.flows.value) :][held] *= _STATED
        floor = np.where(held, np.minimum(value, _LEAST * self.base), _LEAST * self.base)
        lowest = np.concatenate([np.zeros(len(self.flows.value)), floor])
        reconciler = Reconciler(self.rows, self._baseline(), loose, low=lowest)
        nodes, flows = self._nearest(self.flows.value[:, None], wanted[:, None], reconciler)
        return nodes[:, 0], flows[:, 0]

    def _loose(self, stiff: float) -> FloatArray:
        """Return how easily each variable moves: flows and `other_use` 1, other sources little."""
        loose = np.ones(self.rows.shape[1])
        loose[: len(self.held)][self.held] = _HELD
        loose[len(self.held) :] = np.where(self.group >= 0, 1.0 / stiff, 1.0)
        return loose

    @cached_property
    def _sweeps(self) -> Sweeps:
        """Reported flows and those without room keep their number; the others are scaled."""
        return Sweeps.of(self.rows, self.outputs, ~self.held & ~self._fixed[: len(self.held)])

    @cached_property
    def _fixed(self) -> BoolArray:
        low, high = self._ranges()
        return np.asarray(low == high)

    @cached_property
    def _reconciler(self) -> Reconciler:
        """The projection that all draws share; quantities without room in their range stay."""
        low, high = self._ranges()
        loose = np.where(self._fixed, 0.0, self._loose(_STIFF))
        return Reconciler(self.rows, self._baseline(), loose, low=low, high=high, least=_LEAST_FLOW)

    def _baseline(self) -> FloatArray:
        return np.concatenate([self.flows.value, self.base])

    def _ranges(self) -> tuple[FloatArray, FloatArray]:
        least = np.maximum(self.low, _LEAST * self.base)
        low = np.concatenate([np.nan_to_num(self.flows.low, nan=0.0), least])
        high = np.concatenate([np.nan_to_num(self.flows.high, nan=np.inf), self.high])
        return low, high

    def _nearest(
        self, flows: FloatArray, wanted: FloatArray, reconciler: Reconciler
    ) -> tuple[FloatArray, FloatArray]:
        """Return nodes and flows (rows, draws) that meet the identities, near those given."""
        count, now = len(flows), wanted
        for _ in range(_ROUNDS - 1):
            start = np.concatenate([self._sweeps.scaled(flows, now), now])
            # Outputs give way where flows cannot carry them; then flows start again from there.
            now = reconciler.clipped(reconciler.projected(start), start)[count:]
        start = np.concatenate([self._sweeps.scaled(flows, now), now])
        found = reconciler.nearest(start)
        residual = reconciler.residual(found)
        if residual > _ACCEPTED:
            raise ConvergenceError(
                "no outputs and flows near the drawn ones keep the accounting identities "
                f"(relative residual {residual:.1e}, accepted {_ACCEPTED:.0e}); look at "
                "chain.balance() and at sites whose range excludes their own output"
            )
        return self.factor[:, None] * found[count:][self.source], found[:count]


def _sources(tables: dict[str, pd.DataFrame], nodes: pd.DataFrame) -> tuple[IntArray, FloatArray]:
    source, factor = np.arange(len(nodes)), np.ones(len(nodes))
    found = children(tables)
    position = found.index.to_numpy()
    source[position] = nodes.index.get_indexer(pd.Index(found["process"]))
    factor[position] = found["yield"].to_numpy()
    return source, factor


def _node_spread(tables: dict[str, pd.DataFrame]) -> Spread:
    sites = column_spread("sites", tables["sites"], "output_qty")
    markets = column_spread("markets", tables["markets"], "quantity")
    return Spread(
        value=np.concatenate([sites.value, markets.value]),
        low=np.concatenate([sites.low, markets.low]),
        high=np.concatenate([sites.high, markets.high]),
        sigma=np.concatenate([sites.sigma, markets.sigma]),
        floor=0.0,
        ceiling=np.inf,
    )


def _bounds(
    spread: Spread, source: IntArray, factor: FloatArray, own: IntArray
) -> tuple[FloatArray, FloatArray]:
    low, high = np.zeros(len(source)), np.full(len(source), np.inf)
    np.maximum.at(low, source, np.nan_to_num(spread.low, nan=0.0) / factor)
    np.minimum.at(high, source, np.nan_to_num(spread.high, nan=np.inf) / factor)
    # A child may miss yield x process by a rounding error; the baseline is always inside.
    value = spread.value[own]
    return np.minimum(low[own], value), np.maximum(high[own], value)


def _groups(sources: pd.DataFrame) -> IntArray:
    label = sources["kind"] + ":" + sources["product"]
    code = pd.factorize(label)[0]
    return np.where(sources["sector"] == OTHER_USE, -1, code)


def _in_order(flows: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    columns = ["supplier", "buyer", "slot"]
    known = pd.MultiIndex.from_frame(flows[columns])
    return flows.iloc[known.get_indexer(pd.MultiIndex.from_frame(edges[columns]))]


def _keep_sums(
    drawn: FloatArray, base: FloatArray, group: IntArray, low: FloatArray, high: FloatArray
) -> FloatArray:
    """Return the values scaled so that each group keeps its baseline sum, inside the bounds.

    `drawn` is (sources,) or (sources, draws); the factor of each group is found by bisection.
    """
    several = drawn.ndim > 1
    kept = np.flatnonzero(group >= 0)
    number = group[kept]
    shape = (int(number.max(initial=-1)) + 1, len(kept))
    sums: Any = sparse.csr_array((np.ones(len(kept)), (number, np.arange(len(kept)))), shape=shape)
    value, floor, ceiling, total = drawn[kept], low[kept], high[kept], sums @ base[kept]
    if several:
        floor, ceiling, total = floor[:, None], ceiling[:, None], total[:, None]
    below, above = (np.full((shape[0], *value.shape[1:]), end) for end in (-12.0, 12.0))
    for _ in range(60):
        middle = (below + above) / 2
        short = sums @ np.clip(value * np.exp(middle)[number], floor, ceiling) < total
        below, above = np.where(short, middle, below), np.where(short, above, middle)
    scaled = np.broadcast_to(base[:, None] if several else base, drawn.shape).copy()
    scaled[kept] = np.clip(value * np.exp((below + above) / 2)[number], floor, ceiling)
    return scaled


def _rescaled(value: FloatArray, base: FloatArray, group: IntArray) -> FloatArray:
    kept = group >= 0
    number = group[kept]
    wanted = np.bincount(number, weights=base[kept])
    given = np.bincount(number, weights=value[kept])
    scaled = value.copy()
    scaled[kept] *= (wanted / np.where(given > 0, given, 1.0))[number]
    return scaled
