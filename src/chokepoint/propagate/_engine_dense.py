r"""The weekly model on chains whose flows fill whole matrices, as input-output tables do.

Where every buyer of a product buys from nearly every supplier of it, the flows of a product are a
matrix M (slots x suppliers), and a week is two products with it: what arrives is
:math:`F = M \phi` with the suppliers' fills, and the demand on suppliers is :math:`M^T` times the
orders. As the orders of a slot move together, :math:`o_e = \sigma_e (1 + r_g)`, nothing else is
needed per flow. Where order shares follow capacity :math:`c`, so is

.. math:: o_e = \sigma_e c_s (1 + \rho_g), \qquad
    1 + \rho_g = \frac{1 + r_g}{\sum_{e' \in g} \sigma_{e'} c_{s'}}.

Goods travel for one week, so that the inventory position is the stock with what has just left.
The equations are those of the other engines, which the tests compare; stocks, orders and demand
are kept as deviations and are exactly 0 without a shock.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chokepoint.errors import OptionError
from chokepoint.propagate._behaviour import Behaviour
from chokepoint.propagate._compile import CompiledChain
from chokepoint.propagate._dense_blocks import blocks_of
from chokepoint.propagate._engine import BaselineState, Recorder
from chokepoint.propagate._shocks import ShockPlan

if TYPE_CHECKING:
    from chokepoint.propagate._kernels_dense import Slots, Structure

__all__ = ["DENSE_LANES", "DenseEngine", "dense_applies", "dense_reason"]

DENSE_LANES = 56
"""Most lanes in one run of the engine."""

IntArray = NDArray[np.intp]
Array = NDArray[np.floating[Any]]

_FEW_LANES = 4
_WORTHWHILE = 50_000
_DENSE = 0.25
_ROUNDING = 1e-6
_NOISE = 64.0
_RULES = ("use", "desired", "realised")


def dense_applies(chain: CompiledChain, shocks: ShockPlan, behaviour: Behaviour) -> bool:
    """Return whether the dense engine gives the same numbers sooner.

    Parameters
    ----------
    chain : CompiledChain
        The chain, with one lane.
    shocks : ShockPlan
        Shocks of any chunk of the batch.
    behaviour : Behaviour
        Settings of the run.
    """
    if chain.n_edges < _WORTHWHILE or importlib.util.find_spec("numba") is None:
        return False
    return not dense_reason(chain, shocks, behaviour) and blocks_of(chain).density >= _DENSE


def dense_reason(chain: CompiledChain, shocks: ShockPlan, behaviour: Behaviour) -> str:
    """Return why the dense engine cannot run this, "" where it can."""
    if behaviour.switching:
        return "buyers switch suppliers"
    if behaviour.rationing != "proportional":
        return f"rationing is {behaviour.rationing}"
    if len(shocks.capped_edges) or shocks.licences is not None:
        return "an event acts on flows"
    if shocks.rebuilds is not None:
        return "an event makes rebuilding demand"
    if chain.sigma.shape[1] > 1:
        return "the chain differs between lanes"
    return blocks_of(chain).reason


class DenseEngine:
    """Runs a batch of at most :data:`DENSE_LANES` scenarios on a chain of dense blocks.

    Parameters
    ----------
    chain, shocks, behaviour, dtype
        As for every engine.
    classes : array of int, optional
        Not used: the engine knows proportional rationing only.

    Raises
    ------
    OptionError
        If the chain, the shocks or the behaviour call for another engine.
    """

    def __init__(
        self,
        chain: CompiledChain,
        shocks: ShockPlan,
        behaviour: Behaviour,
        dtype: np.dtype[np.floating[Any]],
        classes: IntArray | None = None,  # noqa: ARG002
    ) -> None:
        reason = dense_reason(chain, shocks, behaviour)
        if reason:
            raise OptionError(
                f"The dense engine cannot run this: {reason}. Leave the engine to be chosen."
            )
        if shocks.lanes > DENSE_LANES:
            raise OptionError(
                f"The dense engine takes at most {DENSE_LANES} scenarios at once, "
                f"got {shocks.lanes}."
            )
        self.chain, self.shocks, self.behaviour = chain, shocks, behaviour
        self.dtype = np.dtype(dtype)
        self._blocks = blocks_of(chain)
        self.lanes = DENSE_LANES if shocks.lanes > _FEW_LANES else shocks.lanes
        self._read_numbers()
        self._start()

    def _read_numbers(self) -> None:
        from chokepoint.propagate import _kernels_dense as kernels

        blocks = self._blocks
        assert blocks.arrays is not None
        assert blocks.slots is not None
        assert blocks.levels is not None
        self._kernels = kernels
        self._structure: Structure = kernels.Structure(**self._cast(blocks.arrays))
        self._slots: Slots = kernels.Slots(**self._cast(blocks.slots))
        self._levels = blocks.levels.astype(self.dtype)
        self._top = self.chain.ramp_max[:, 0].astype(self.dtype)
        self._tempo = self.chain.ramp_weeks[:, 0].astype(self.dtype)

    def _cast(self, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {
            name: array.astype(self.dtype, copy=False) if array.dtype.kind == "f" else array
            for name, array in arrays.items()
        }

    def _zeros(self, rows: int) -> Array:
        return np.zeros((rows, self.lanes), dtype=self.dtype)

    def _start(self) -> None:
        nodes, groups = self.chain.n_nodes, self.chain.n_groups
        self.capacity = self._zeros(nodes) + self.dtype.type(1.0)
        self.ramp = self.capacity.copy()
        self.x, self.wish, self.demand = (self._zeros(nodes) for _ in range(3))
        self.fixed, self.moving, self.chi = (self._zeros(nodes) for _ in range(3))
        self.chi_before = self.chi
        self.stock, self.order = self._zeros(groups), self._zeros(groups)
        sharing = self.behaviour.order_shares == "capacity"
        self.held = self._zeros(groups if sharing else 1)
        self.is_held = np.zeros(groups if sharing else 1, dtype=bool)
        self.lowest = self._baseline_reach()

    def _baseline_reach(self) -> Array:
        slots, nodes = self._slots, self.chain.n_nodes
        lowest = np.full((len(self._levels), nodes), np.inf, dtype=self.dtype)
        there = slots.level >= 0
        reach = slots.spare * slots.per_throttle
        np.minimum.at(lowest, (slots.level[there], slots.buyer[there]), reach[there])
        return np.ascontiguousarray(np.repeat(lowest[:, :, None], self.lanes, axis=2))

    # ------------------------------------------------------------------ the run

    def run(self, record: Recorder) -> None:
        """Step through the weeks; `record(week, state)` sees each of them."""
        weeks, first = self.shocks.weeks, min(self.shocks.first, self.shocks.weeks)
        still = BaselineState(self.chain, self.shocks, self.dtype)
        for week in range(first):
            record(week, still)
        state = _DenseWeek(self)
        for week in range(first, weeks):
            self._read_shocks(week)
            self._produce(week)
            record(week, state)
            self._move_goods()

    def _read_shocks(self, week: int) -> None:
        if self.shocks.capacity_changes[week]:
            rows = self.shocks.nodes_hit
            self.capacity[rows, : self.shocks.lanes] = self.shocks.capacity_rows(week)

    def _produce(self, week: int) -> None:
        behaviour = self.behaviour
        early = behaviour.scarcity == "last_output"
        # What differs by less is rounding.
        least = _NOISE * np.finfo(self.dtype).eps if early else _ROUNDING
        ramping = 0
        if behaviour.ramp:
            ramping = (2 if week >= 2 else 0) if early else 1
        if behaviour.order_shares == "capacity":
            np.copyto(self._before(), self.chi)
        self._kernels.nodes_week(
            ramping, self.dtype.type(least), self.chain.is_market, self._top, self._tempo,
            self._levels, self.capacity, self.ramp, self.demand, self.x, self.wish, self.lowest,
            self.chi, self.fixed, self.moving,
        )  # fmt: skip

    def _before(self) -> Array:
        """Return the capacity by which the orders of this week were shared out."""
        if self.chi_before is self.chi:
            self.chi_before = np.zeros_like(self.chi)
        return self.chi_before

    def _move_goods(self) -> None:
        behaviour = self.behaviour
        rule, frozen = _RULES.index(behaviour.order_rule), behaviour.frozen_orders
        sharing = behaviour.order_shares == "capacity"
        settings = (self._structure, self._slots, rule, frozen, sharing)
        if self.lanes == DENSE_LANES:
            self._kernels.batch_week(
                *settings, self.x, self.wish, self.fixed, self.moving, self.chi,
                self.stock, self.order, self.held, self.is_held, self.lowest, self.demand,
            )  # fmt: skip
            return
        for lane in range(self.lanes):
            nodes = (self.x, self.wish, self.fixed, self.moving, self.chi)
            groups = (self.stock, self.order, self.held)
            columns = [np.ascontiguousarray(array[:, lane]) for array in (*nodes, *groups)]
            lowest = np.ascontiguousarray(self.lowest[:, :, lane])
            demand = np.ascontiguousarray(self.demand[:, lane])
            arguments: tuple[Any, ...] = (*settings, *columns, lowest, demand)
            self._kernels.single_week(*arguments)
            if self.lanes > 1:
                for array, column in zip(groups, columns[len(nodes) :], strict=True):
                    array[:, lane] = column
                self.lowest[:, :, lane], self.demand[:, lane] = lowest, demand


class _DenseWeek:
    """The week that the engine has just decided, as recorders see it."""

    def __init__(self, engine: DenseEngine) -> None:
        self._engine, self._chain = engine, engine.chain
        self._shown = engine.shocks.lanes
        slot = engine._blocks.slot
        assert slot is not None
        self._row = np.empty(len(slot), dtype=np.intp)
        self._row[slot] = np.arange(len(slot))

    def _cut(self, values: Array) -> Array:
        return values[:, : self._shown]

    @property
    def output(self) -> Array:
        return self._cut(self._engine.x)

    @property
    def wanted(self) -> Array:
        return self._cut(self._engine.demand)

    @property
    def asked(self) -> Array:
        engine, chain = self._engine, self._chain
        order = 1.0 + self._cut(engine.order)[self._row]
        if engine.behaviour.order_shares == "baseline":
            return np.asarray(order)
        # Shared out by capacity, the orders of a slot are kept per unit of capacity.
        chi = self._cut(engine.chi_before)[chain.edge_supplier]
        change = np.zeros_like(order)
        np.add.at(change, chain.edge_group, chain.sigma.astype(engine.dtype) * chi)
        change[chain.is_market[chain.group_buyer]] = 0.0
        return np.asarray(order * (1.0 + change) + self._cut(engine.held)[self._row])

    def ordered(self, edges: IntArray) -> Array:
        engine, chain = self._engine, self._chain
        supplier, group = chain.edge_supplier[edges], chain.edge_group[edges]
        row = self._row[group]
        sigma = chain.sigma[edges].astype(engine.dtype)
        order = self._cut(engine.order)[row]
        if engine.behaviour.order_shares == "baseline":
            return np.asarray(sigma * (1.0 + order))
        final = chain.is_market[chain.group_buyer[group]][:, None]
        by_capacity = 1.0 + self._cut(engine.chi_before)[supplier]
        moved = np.where(final, 1.0, by_capacity) * (1.0 + order)
        return np.asarray(sigma * (moved + self._cut(engine.held)[row]))

    def made(self, edges: IntArray) -> Array:
        return self.shipped(edges)

    def shipped(self, edges: IntArray) -> Array:
        fill = 1.0 + self._cut(self._engine.fixed)[self._chain.edge_supplier[edges]]
        return self.ordered(edges) * fill

    def detoured(self, edges: IntArray) -> Array:
        return np.zeros((len(edges), self._shown), dtype=self._engine.dtype)

    @property
    def stock(self) -> Array:
        engine, chain = self._engine, self._chain
        cover = chain.stock.astype(engine.dtype)
        before = self._cut(engine.stock)[self._row]
        left = cover + np.maximum(before - self.used, -cover)
        return np.where(chain.storable[:, None], left, cover)

    @property
    def used(self) -> Array:
        engine, chain = self._engine, self._chain
        before = self._cut(engine.stock)[self._row]
        cover = chain.stock.astype(engine.dtype)
        return np.minimum(self.output[chain.group_buyer], cover + before)

    @property
    def surplus(self) -> Array:
        return np.zeros((self._chain.n_nodes, self._shown), dtype=self._engine.dtype)

    @property
    def queue(self) -> Array:
        return np.zeros((0, self._shown), dtype=self._engine.dtype)

    @property
    def goods(self) -> Array:
        return self.queue

    @property
    def accepted(self) -> Array:
        return self.queue
