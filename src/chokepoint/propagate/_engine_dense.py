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
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.errors import OptionError
from chokepoint.propagate._behaviour import Behaviour
from chokepoint.propagate._compile import CompiledChain
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
_NO_LIMIT = 1e6
_MOST_LEVELS = 8
_SAME = 1e-12
_ROUNDING = 1e-6
_ROWS = 8
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
    return not dense_reason(chain, shocks, behaviour) and _blocks(chain).density >= _DENSE


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
    return _blocks(chain).reason


@dataclass(frozen=True)
class _Blocks:
    """Flows of a chain as matrices, one per set of suppliers that share slots.

    Attributes
    ----------
    reason : str
        Why the chain has no such form, "" where it has.
    density : float
        Flows as a share of the entries of all matrices.
    slot : array of int (G,)
        Slots in the order of the blocks.
    levels : array of float
        The levels of essentiality there are, without 0.
    """

    reason: str
    density: float = 0.0
    slot: IntArray | None = None
    levels: NDArray[np.float64] | None = None
    arrays: dict[str, NDArray[Any]] | None = None
    slots: dict[str, NDArray[Any]] | None = None


_KNOWN: dict[int, _Blocks] = {}


def _blocks(chain: CompiledChain) -> _Blocks:
    """Return the blocks of a chain; they are found once for each chain."""
    key = id(chain)
    if key not in _KNOWN:
        found = _find_blocks(chain)
        weakref.finalize(chain, _KNOWN.pop, key, None)
        _KNOWN[key] = found
    return _KNOWN[key]


def _find_blocks(chain: CompiledChain) -> _Blocks:
    reason = _structure_reason(chain)
    if reason:
        return _Blocks(reason)
    supplier, group = chain.edge_supplier, chain.edge_group
    need, size, reason = _factors(chain)
    if reason:
        return _Blocks(reason)
    count, label = _components(supplier, group, chain.n_nodes, chain.n_groups)
    of_supplier, of_group = label[: chain.n_nodes], label[chain.n_nodes :]
    sells = np.zeros(chain.n_nodes, dtype=bool)
    sells[supplier] = True
    suppliers = np.flatnonzero(sells)
    suppliers = suppliers[np.argsort(of_supplier[suppliers], kind="stable")]
    # Within a block, slots whose order shares may move come first.
    final = chain.is_market[chain.group_buyer]
    slot = np.lexsort((np.arange(chain.n_groups), final, of_group))
    widths = np.bincount(of_supplier[suppliers], minlength=count)
    heights = np.bincount(of_group, minlength=count)
    moving = np.bincount(of_group[~final], minlength=count)
    first = {
        "first_supplier": _starts(widths),
        "first_slot": _starts(heights),
        "first_weight": _starts(widths * heights),
    }
    entries = int(first["first_weight"][-1])
    density = chain.n_edges / max(entries, 1)
    if density < _DENSE / 4:
        return _Blocks(f"flows fill {density:.1%} of the matrices", density)
    column = np.zeros(chain.n_nodes, dtype=np.int64)
    column[suppliers] = np.arange(len(suppliers)) - first["first_supplier"][of_supplier[suppliers]]
    row = np.empty(chain.n_groups, dtype=np.int64)
    row[slot] = np.arange(chain.n_groups) - first["first_slot"][of_group[slot]]
    row = first["first_weight"][of_group] + row * widths[of_group]
    # Compiled loops read whole groups of rows, the last of which may reach beyond the end.
    weight = np.zeros(entries + _ROWS * int(widths.max(initial=0)))
    weight[row[group] + column[supplier]] = chain.sigma[:, 0]
    share = np.bincount(
        supplier, weights=chain.kappa[:, 0] * chain.sigma[:, 0] * ~final[group],
        minlength=chain.n_nodes,
    )  # fmt: skip
    arrays = {
        "supplier": suppliers.astype(np.int64),
        **first,
        "first_fixed": first["first_slot"][:-1] + moving,
        "weight": weight,
        "size": size,
        "whole": share,
    }
    levels, slots = _slot_numbers(chain, slot, need)
    if len(levels) > _MOST_LEVELS:
        return _Blocks(f"slots have more than {_MOST_LEVELS} levels of essentiality")
    return _Blocks("", density, slot, levels, arrays, slots)


def _structure_reason(chain: CompiledChain) -> str:
    refused = {
        "some goods travel for more than a week": bool((chain.lead != 1).any()),
        "the chain has joint processes": bool(chain.is_child.any() or chain.is_process.any()),
        "the chain has dormant alternatives": bool(chain.dormant.any()),
        "growth of flows is limited": bool((chain.growth < _NO_LIMIT).any()),
        "some slots are disjoint": bool((chain.phi > 0).any()),
        "buyers save on short inputs": bool((chain.thrift > 0).any()),
        "capacity decays": bool((chain.decay > 0).any()),
        "unmet demand waits": bool((chain.backlog > 0).any()),
    }
    return next((reason for reason, found in refused.items() if found), "")


def _factors(chain: CompiledChain) -> tuple[NDArray[np.float64], NDArray[np.float64], str]:
    r"""Return a and b with :math:`\kappa_e = a_g b_{s(e)}`, or why there are none."""
    supplier, group = chain.edge_supplier, chain.edge_group
    sigma, kappa = chain.sigma[:, 0], chain.kappa[:, 0]
    output = chain.output[:, 0]
    size = np.divide(1.0, output, out=np.zeros(len(output)), where=output > 0)
    need = np.zeros(chain.n_groups)
    need[group] = kappa * output[supplier]
    total = np.bincount(group, weights=sigma, minlength=chain.n_groups)
    if (np.abs(total - 1.0) > _SAME).any():
        return need, size, "some slots are not filled exactly"
    if (np.abs(need[group] * size[supplier] - kappa) > _SAME * kappa).any():
        return need, size, "inputs of one slot differ in their recipes"
    return need, size, ""


def _components(
    supplier: IntArray, group: IntArray, n_nodes: int, n_groups: int
) -> tuple[int, IntArray]:
    """Return the connected sets of suppliers and slots, numbered."""
    from scipy.sparse import csgraph

    size = n_nodes + n_groups
    # Flows are sorted by slot: the rows of a sparse matrix as they stand.
    pointer = np.zeros(size + 1, dtype=np.int64)
    pointer[n_nodes + 1 :] = np.cumsum(np.bincount(group, minlength=n_groups))
    flags = np.ones(len(supplier), dtype=np.int8)
    graph = sparse.csr_array((flags, supplier, pointer), shape=(size, size))
    count, label = csgraph.connected_components(graph, directed=False)
    return int(count), label.astype(np.intp)


def _starts(counts: IntArray) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _slot_numbers(
    chain: CompiledChain, slot: IntArray, need: NDArray[np.float64]
) -> tuple[NDArray[np.float64], dict[str, NDArray[Any]]]:
    eps = chain.eps[slot, 0]
    levels = np.unique(eps[eps > 0])
    level = np.where(eps > 0, np.searchsorted(levels, eps), -1)
    stock, throttle = chain.stock[slot, 0], chain.throttle[slot, 0]
    buyer = chain.group_buyer[slot]
    return levels, {
        "buyer": buyer.astype(np.int64),
        "level": level.astype(np.int64),
        "stock": stock,
        "target": stock + 1.0,
        "pace": 1.0 / chain.reorder[slot, 0],
        "spare": np.maximum(stock + 1.0 - throttle, 0.0),
        "per_throttle": 1.0 / throttle,
        "need": need[slot],
        "fleeting": ~chain.storable[slot],
        "final": chain.is_market[buyer],
    }


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
        self._blocks = _blocks(chain)
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
