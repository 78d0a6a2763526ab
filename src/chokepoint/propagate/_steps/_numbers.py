"""The numbers of a chain in the precision and the array library of one run, and its indices."""

from __future__ import annotations

from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate._compile import CompiledChain
from chokepoint.propagate._steps._arrays import Array, Arrays, NumpyArrays, PortableArrays

__all__ = ["ROUNDING", "Numbers", "ratio"]

ROUNDING = 1e-6
"""A shortage or queue below this share of baseline is rounding, in single precision too."""


class Numbers:
    """What all steps read and none of them changes.

    Rows are nodes (N), groups (G) or edges (E); numbers have one column, or one per lane.

    Parameters
    ----------
    chain : CompiledChain
        The chain.
    xp : module
        Array library, such as numpy.
    dtype : numpy.dtype
        Precision.
    lanes : int
        Number of scenarios.
    """

    # Cast from the chain, under its names.
    ramp_max: Array
    ramp_weeks: Array
    surplus_weeks: Array
    eps: Array
    phi: Array
    stock: Array
    throttle: Array
    reorder: Array
    sigma: Array
    kappa: Array
    growth: Array
    qualification: Array
    reserve: Array
    thrift: Array
    thrift_floor: Array
    decay: Array
    repair: Array
    backlog: Array

    def __init__(
        self, chain: CompiledChain, xp: ModuleType, dtype: np.dtype[np.floating], lanes: int
    ) -> None:
        self.chain, self.xp, self.dtype, self.lanes = chain, xp, dtype, lanes
        # What two numbers of the size of one may differ by in their last digits.
        self.noise = 64.0 * float(np.finfo(dtype).eps)
        fast = xp is np
        self.arrays: Arrays = (
            NumpyArrays(dtype, lanes) if fast else PortableArrays(xp, dtype, lanes)
        )
        for name in ("ramp_max", "ramp_weeks", "surplus_weeks", "eps", "phi", "stock", "throttle",
                     "reorder", "sigma", "kappa", "growth", "qualification", "reserve", "thrift",
                     "thrift_floor", "decay", "repair", "backlog"):  # fmt: skip
            setattr(self, name, self.arrays.number(getattr(chain, name)))
        # Rounded apart, stock + 1 could fall short of the throttle cover without a shock.
        self.throttle = xp.minimum(self.throttle, self.stock + 1.0)
        self._index()

    def _index(self) -> None:
        chain, arrays = self.chain, self.arrays
        supplier = chain.edge_supplier.astype(np.intp, copy=False)
        group = chain.edge_group.astype(np.intp, copy=False)
        buyer = chain.group_buyer.astype(np.intp, copy=False)
        self.edge_supplier, self.edge_group, self.group_buyer = supplier, group, buyer
        self.supplier_of_edge = arrays.plain(supplier)
        self.group_of_edge = arrays.plain(group)
        self.buyer_of_group = arrays.plain(buyer)
        self.by_supplier = arrays.segments(supplier, chain.n_nodes)
        self.by_group = arrays.segments(group, chain.n_groups)
        self.by_buyer = arrays.segments(buyer, chain.n_nodes)
        self.pushed_edges = np.flatnonzero(chain.is_pushed[supplier])
        self.is_market = self.mask(chain.is_market)
        self.is_process = self.mask(chain.is_process)
        self.is_child = self.mask(chain.is_child)
        self.storable = self.mask(chain.storable)
        self.pushed = self.mask(chain.pushed)
        self.dormant = self.mask(chain.dormant)
        self.decaying = self.decay > 0
        self.has_children = bool(chain.is_child.any())
        self.has_disjoint = bool((chain.phi > 0).any())
        self.has_thrift = bool((chain.thrift > 0).any())
        self.has_decay = bool((chain.decay > 0).any())
        self.has_backlog = bool((chain.backlog > 0).any())

    def mask(self, flags: NDArray[np.bool_]) -> Array:
        """Return flags of rows as a column."""
        return self.arrays.plain(flags[:, None])


def ratio(xp: ModuleType, amount: Array, whole: Array, otherwise: float) -> Array:
    """Return amount / whole, or `otherwise` where there is nothing to divide by."""
    there = whole > 0
    return xp.where(there, amount / xp.where(there, whole, 1.0), otherwise)
