"""A compiled chain as the arrays that the compiled loops walk through."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate import _kernels_arrays as arrays
from chokepoint.propagate._behaviour import Behaviour, reactions
from chokepoint.propagate._compile import CompiledChain
from chokepoint.propagate._kernels_arrays import ChainArrays

__all__ = ["Layout", "aligned", "layout_of"]

Array = NDArray[np.floating]
IntArray = NDArray[np.integer[Any]]

_LINE = 64  # bytes of a cache line


@dataclass(frozen=True)
class Layout:
    """A chain for the loops, and where its flows stand in them.

    Attributes
    ----------
    arrays : ChainArrays
        What the loops read.
    place : array of int (E,) or None
        Position in the loops of each flow of the chain; None = the chain's own order.
    slots : int
        Rows of the pipeline.
    most_edges : int
        Flows of the largest slot.
    """

    arrays: ChainArrays
    place: IntArray | None
    slots: int
    most_edges: int

    def positions(self, edges: IntArray) -> IntArray:
        """Return the positions in the loops of flows of the chain."""
        return edges if self.place is None else self.place[edges]


def aligned(shape: tuple[int, ...], dtype: np.dtype[Any], *, value: float | None = None) -> Array:
    """Return an array that begins at a cache line: vectors then never straddle two."""
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.empty(size + _LINE, dtype=np.uint8)
    start = -raw.ctypes.data % _LINE
    out: Array = raw[start : start + size].view(dtype).reshape(shape)
    if value is not None:
        out.fill(value)
    return out


# The layout of the last chain: chunks of one batch share it.
_LAST: list[tuple[weakref.ref[CompiledChain], tuple[Any, ...], Layout]] = []


def layout_of(
    chain: CompiledChain,
    behaviour: Behaviour,
    dtype: np.dtype[np.floating],
    classes: IntArray,
    *,
    lanes: int,
    detours: bool,
) -> Layout:
    """Return the layout; `lanes` is the padded number of lanes where each has its own chain."""
    equalising = behaviour.rationing == "equalising"
    each = (2 if detours else 1) if equalising else 0
    own = lanes if chain.sigma.shape[1] > 1 else 1
    reacts = reactions(behaviour, chain.reactions)
    key = (behaviour.rationing, behaviour.alliances, dtype, own, each, reacts.tobytes())
    for known, known_key, layout in _LAST:
        if known() is chain and known_key == key:
            return layout
    layout = _build(chain, dtype, classes, lanes, each, reacts)
    _LAST[:] = [(weakref.ref(chain), key, layout)]
    return layout


def _build(
    chain: CompiledChain,
    dtype: np.dtype[np.floating],
    classes: IntArray,
    lanes: int,
    each: int,
    reacts: Array,
) -> Layout:
    order = _edge_order(chain)
    parts = _parts(chain, order)
    rows = _rows_of_orders(chain, each) if each else _rows(chain, classes)
    group_first = np.zeros(chain.n_nodes + 1, dtype=np.int32)
    np.cumsum(np.bincount(chain.group_buyer, minlength=chain.n_nodes), out=group_first[1:])
    children = np.flatnonzero(chain.is_child)
    processes, child_first, child = _processes(chain)
    group_kind = _group_kind(chain)

    def cast(values: Array, where: IntArray | None = None) -> Array:
        values = values if where is None else values[where]
        values = values.astype(dtype)
        if values.shape[1] == 1:
            return np.ascontiguousarray(values[:, 0])
        out = np.empty((len(values), lanes), dtype=dtype)
        out[:, : values.shape[1]] = values
        out[:, values.shape[1] :] = values[:, :1]
        return out

    reacts = np.broadcast_to(reacts, (len(reacts), chain.sigma.shape[1]))
    stock = cast(chain.stock)
    # Rounded apart, stock + 1 could fall short of the throttle cover without a shock.
    throttle = np.minimum(cast(chain.throttle), stock + dtype.type(1.0))
    with np.errstate(divide="ignore"):
        numbers = ChainArrays(
            node_kind=_node_kind(chain, group_kind),
            row_first=rows.first,
            row_base=cast(rows.total(chain.sigma * chain.kappa)),
            row_share=cast(rows.total(_baseline_order(chain) * chain.kappa)),
            row_node=rows.node(chain),
            backlog=cast(chain.backlog),
            repair=cast(_repair(chain)),
            group_first=group_first,
            process=processes,
            child_first=child_first,
            child=child,
            children=children.astype(np.int32),
            child_process=chain.process[children].astype(np.int32),
            ramp_max=cast(chain.ramp_max),
            ramp_speed=cast(1.0 / chain.ramp_weeks),
            surplus_weeks=cast(chain.surplus_weeks),
            group_kind=group_kind,
            part_first=parts.first,
            part_edge=parts.edge,
            part_lead=parts.lead,
            eps=cast(chain.eps),
            phi=cast(chain.phi),
            stock=stock,
            throttle=throttle,
            per_throttle=(1.0 / throttle).astype(dtype),
            per_reorder=cast(1.0 / chain.reorder),
            target=cast(chain.stock + _mean_lead(chain)),
            thrift=cast(chain.thrift),
            floor=cast(chain.thrift_floor),
            decay=cast(chain.decay),
            growth_least=cast(_growth_least(chain)),
            edge_row=rows.of_edge(order),
            sigma=cast(chain.sigma, order),
            kappa=cast(chain.kappa, order),
            growth=cast(np.where(chain.sigma > 0.0, chain.growth, 0.0), order),
            qualification=cast(chain.qualification, order),
            reserve=cast(chain.reserve, order),
            dormant=_taken(chain.dormant, order).astype(np.uint8),
            trigger=cast(reacts[:1]),
            memory=cast(reacts[1:2]),
            speed=cast(reacts[2:]),
        )
    place = None
    if order is not None:
        place = np.empty(len(order), dtype=np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
    edges_of = np.bincount(chain.edge_group, minlength=1)
    return Layout(numbers, place, int(chain.lead.max(initial=1)) + 1, int(edges_of.max()))


def _taken(values: NDArray[Any], order: IntArray | None) -> NDArray[Any]:
    return values if order is None else values[order]


def _edge_order(chain: CompiledChain) -> IntArray | None:
    """Return flows by slot, long leads first; None where they are in this order already."""
    group, lead = chain.edge_group, chain.lead
    same = group[1:] == group[:-1]
    if bool(((group[1:] > group[:-1]) | (same & (lead[1:] <= lead[:-1]))).all()):
        return None
    return np.lexsort((-lead, group)).astype(np.int32)


@dataclass(frozen=True)
class _Parts:
    """Flows of one slot with one lead follow each other: first part of a slot, first flow."""

    first: IntArray
    edge: IntArray
    lead: IntArray


def _parts(chain: CompiledChain, order: IntArray | None) -> _Parts:
    group, lead = _taken(chain.edge_group, order), _taken(chain.lead, order)
    new = np.ones(len(group), dtype=bool)
    new[1:] = (group[1:] != group[:-1]) | (lead[1:] != lead[:-1])
    starts = np.flatnonzero(new)
    first = np.zeros(chain.n_groups + 1, dtype=np.int32)
    np.cumsum(np.bincount(group[starts], minlength=chain.n_groups), out=first[1:])
    edge = np.append(starts, len(group)).astype(np.int32)
    return _Parts(first, edge, lead[starts].astype(np.int32))


@dataclass(frozen=True)
class _Rows:
    """Rows of suppliers: one per class or order of each, at least one."""

    first: IntArray
    edge_row: IntArray
    proportional: bool = False

    def of_edge(self, order: IntArray | None) -> IntArray:
        beyond = np.zeros(arrays.AHEAD, dtype=np.int32)
        return np.append(_taken(self.edge_row, order), beyond)

    def total(self, values: Array) -> Array:
        """Return sums of values of flows by row; nobody asks where there is one row a node."""
        if self.proportional:
            return np.ones((1, 1))
        total = np.zeros((int(self.first[-1]), values.shape[1]))
        np.add.at(total, self.edge_row, values)
        return total

    def node(self, chain: CompiledChain) -> IntArray:
        """Return the node of each row."""
        return np.repeat(np.arange(chain.n_nodes, dtype=np.int32), np.diff(self.first))


def _baseline_order(chain: CompiledChain) -> Array:
    return np.where(chain.dormant[:, None], chain.reserve, chain.sigma)


def _repair(chain: CompiledChain) -> Array:
    """Return the weeks in which a node wins back lost capacity: those of its slowest slot."""
    weeks = np.ones((chain.n_nodes, chain.repair.shape[1]))
    np.maximum.at(weeks, chain.group_buyer, np.where(chain.decay > 0.0, chain.repair, 1.0))
    return weeks


def _rows_of_orders(chain: CompiledChain, each: int) -> _Rows:
    """Return rows of single orders; `each` 2: every order is followed by its detour."""
    counts = np.bincount(chain.edge_supplier, minlength=chain.n_nodes)
    first = np.zeros(chain.n_nodes + 1, dtype=np.int32)
    np.cumsum(each * np.maximum(counts, 1), out=first[1:])
    order = np.argsort(chain.edge_supplier, kind="stable")
    rank = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    edge_row = np.empty(len(order), dtype=np.int32)
    edge_row[order] = first[chain.edge_supplier[order]] + each * rank
    return _Rows(first, edge_row)


def _rows(chain: CompiledChain, classes: IntArray) -> _Rows:
    supplier = chain.edge_supplier
    if not classes.any():
        first = np.arange(chain.n_nodes + 1, dtype=np.int32)
        return _Rows(first, supplier.astype(np.int32, copy=False), proportional=True)
    width = int(classes.max()) + 1
    # Every node has a row of class 0, so that processes have one too.
    keys = np.append(supplier * width + classes, np.arange(chain.n_nodes) * width)
    present, inverse = np.unique(keys, return_inverse=True)
    first = np.searchsorted(present, np.arange(chain.n_nodes + 1) * width).astype(np.int32)
    return _Rows(first, inverse[: len(supplier)].astype(np.int32))


def _processes(chain: CompiledChain) -> tuple[IntArray, IntArray, IntArray]:
    """Return pure processes and the wanted outputs of each."""
    wanted = np.flatnonzero(chain.is_child & ~chain.is_pushed)
    wanted = wanted[np.argsort(chain.process[wanted], kind="stable")]
    processes = np.flatnonzero(chain.is_process)
    counts = np.bincount(chain.process[wanted], minlength=chain.n_nodes)
    wanted = wanted[chain.is_process[chain.process[wanted]]]
    first = np.append(0, np.cumsum(counts[processes]))
    return processes.astype(np.int32), first.astype(np.int32), wanted.astype(np.int32)


def _group_kind(chain: CompiledChain) -> NDArray[np.uint8]:
    full = (chain.eps == 1.0).all(axis=1)
    bits = (
        (chain.storable, arrays.STORES),
        (chain.pushed, arrays.TAKES_PUSHED),
        (full, arrays.ESSENTIAL),
        ((chain.eps > 0.0).any(axis=1) & ~full, arrays.PARTLY),
        ((chain.phi > 0.0).any(axis=1), arrays.DISJOINT),
        ((chain.thrift > 0.0).any(axis=1), arrays.SAVES),
        ((chain.decay > 0.0).any(axis=1), arrays.MAINTAINS),
    )
    return _bits(bits, chain.n_groups)


def _node_kind(chain: CompiledChain, group_kind: NDArray[np.uint8]) -> NDArray[np.uint8]:
    look = np.zeros(chain.n_nodes, dtype=bool)
    look[chain.group_buyer[(group_kind & (arrays.PARTLY | arrays.DISJOINT)) > 0]] = True
    decays = np.zeros(chain.n_nodes, dtype=bool)
    decays[chain.group_buyer[(group_kind & arrays.MAINTAINS) > 0]] = True
    bits = (
        (decays, arrays.DECAYS),
        (chain.is_market, arrays.MARKET),
        (chain.is_process, arrays.PROCESS),
        (chain.is_child, arrays.CHILD),
        (chain.is_pushed, arrays.PUSHED),
        (look, arrays.LOOK),
    )
    return _bits(bits, chain.n_nodes)


def _bits(bits: tuple[tuple[Any, int], ...], count: int) -> NDArray[np.uint8]:
    kind = np.zeros(count, dtype=np.uint8)
    for flags, bit in bits:
        kind[flags] |= np.uint8(bit)
    return kind


def _mean_lead(chain: CompiledChain) -> Array:
    total = np.zeros((chain.n_groups, chain.sigma.shape[1]))
    for lane in range(chain.sigma.shape[1]):
        total[:, lane] = np.bincount(
            chain.edge_group, chain.sigma[:, lane] * chain.lead, minlength=chain.n_groups
        )
    return total


def _growth_least(chain: CompiledChain) -> Array:
    """Return by how much every order of a slot may grow before a limit of a flow acts."""
    shape = (len(chain.sigma), max(chain.sigma.shape[1], chain.growth.shape[1]))
    growth = np.where(chain.sigma > 0.0, chain.growth, np.inf)
    growth = np.broadcast_to(growth, shape)
    out = np.full((chain.n_groups, shape[1]), np.inf)
    np.minimum.at(out, chain.edge_group, growth)
    return out
