"""Flows of a chain as full matrices: one block for each set of suppliers that share slots."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.propagate._compile import CompiledChain

__all__ = ["Blocks", "blocks_of"]

IntArray = NDArray[np.intp]

_NO_LIMIT = 1e6
_MOST_LEVELS = 8
_SAME = 1e-12
_ROWS = 8
_SPARSE = 0.06


@dataclass(frozen=True)
class Blocks:
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


_KNOWN: dict[int, Blocks] = {}


def blocks_of(chain: CompiledChain) -> Blocks:
    """Return the blocks of a chain; they are found once for each chain."""
    key = id(chain)
    if key not in _KNOWN:
        found = _find_blocks(chain)
        weakref.finalize(chain, _KNOWN.pop, key, None)
        _KNOWN[key] = found
    return _KNOWN[key]


def _find_blocks(chain: CompiledChain) -> Blocks:
    reason = _structure_reason(chain)
    if reason:
        return Blocks(reason)
    supplier, group = chain.edge_supplier, chain.edge_group
    need, size, reason = _factors(chain)
    if reason:
        return Blocks(reason)
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
    if density < _SPARSE:
        return Blocks(f"flows fill {density:.1%} of the matrices", density)
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
        return Blocks(f"slots have more than {_MOST_LEVELS} levels of essentiality")
    return Blocks("", density, slot, levels, arrays, slots)


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
