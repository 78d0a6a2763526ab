"""What a USD of output is made of: cost shares of inputs, value added, and where sales go."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from chokepoint.chain._chain import SupplyChain

__all__ = ["CostShares", "cost_shares"]

FloatArray = NDArray[np.float64]

_KEY = "cost shares"
# From this share of entries on, a dense factorisation is the faster one.
_DENSE = 0.05


class _Factor(Protocol):
    def solve(self, right: FloatArray, *, transposed: bool = False) -> FloatArray: ...


@dataclass(frozen=True)
class CostShares:
    r"""A chain in value terms; positions are those of ``chain.nodes``.

    Attributes
    ----------
    value : array (N,)
        Output at baseline prices [USD million per year]; 0 for markets and pure processes.
    shares : scipy.sparse.csr_array (N, N)
        :math:`a_{ij}` in row `j` and column `i`: what buyer j spends on supplier i per USD of
        its output. Rows of markets are empty.
    value_added : array (N,)
        Value added per USD of output.
    final : array (N,)
        Sales to markets [USD million per year], at the site's own price.
    """

    value: FloatArray
    shares: csr_array
    value_added: FloatArray
    final: FloatArray

    def solve(self, right: FloatArray) -> FloatArray | None:
        r"""Return x of :math:`x_j = b_j + \sum_i a_{ij} x_i`, None where it has no solution.

        This is :math:`L' b` with the Leontief inverse :math:`L = (I - A)^{-1}`: what is put into
        outputs directly and indirectly. `right` has shape (N,) or (N, columns).
        """
        return self._solved(right, transposed=False)

    def solve_sales(self, right: FloatArray) -> FloatArray | None:
        r"""Return x of :math:`x_i = b_i + \sum_j a_{ij} x_j`, that is :math:`L b`."""
        return self._solved(right, transposed=True)

    def _solved(self, right: FloatArray, *, transposed: bool) -> FloatArray | None:
        factor = self._factor
        if factor is None:
            return None
        found = factor.solve(np.asarray(right, dtype=np.float64), transposed=transposed)
        return found if np.isfinite(found).all() else None

    @cached_property
    def _factor(self) -> _Factor | None:
        size = self.shares.shape[0]
        dense = self.shares.nnz > _DENSE * size**2
        try:
            return _Dense(self.shares) if dense else _Sparse(self.shares)
        except (RuntimeError, np.linalg.LinAlgError):
            return None


class _Sparse:
    def __init__(self, shares: Any) -> None:
        from scipy.sparse import csc_array, identity
        from scipy.sparse.linalg import splu

        size = shares.shape[0]
        self._factor: Any = splu(csc_array(identity(size, format="csc") - shares))

    def solve(self, right: FloatArray, *, transposed: bool = False) -> FloatArray:
        return np.asarray(self._factor.solve(right, "T" if transposed else "N"), dtype=np.float64)


class _Dense:
    def __init__(self, shares: Any) -> None:
        from scipy.linalg import LinAlgError, lapack

        system = np.asfortranarray(np.eye(shares.shape[0]) - shares.toarray())
        self._lu, self._pivot, failed = lapack.dgetrf(system, overwrite_a=True)
        if failed:
            raise LinAlgError("singular matrix")

    def solve(self, right: FloatArray, *, transposed: bool = False) -> FloatArray:
        from scipy.linalg import lapack

        found: FloatArray = lapack.dgetrs(self._lu, self._pivot, right, trans=int(transposed))[0]
        return found


def cost_shares(chain: SupplyChain) -> CostShares:
    r"""Return the chain in value terms: one matrix for all static measures.

    With flows :math:`f_{ij}` at the supplier's baseline price :math:`p_i` and outputs worth
    :math:`x_j`,

    .. math:: a_{ij} = p_i f_{ij} / x_j .

    The outputs of a joint process, and a site and its by-products, share the cost of the inputs
    by value: each spends the same share of its output on each input. So
    :math:`x_i = \sum_j a_{ij} x_j + y_i` with sales to markets :math:`y_i`, up to what is sold to
    sites whose output is worth nothing. Dormant alternatives count for nothing.

    Parameters
    ----------
    chain : SupplyChain
        The chain.

    Returns
    -------
    CostShares
        Values, shares, value added and final sales by node; computed once per chain.

    Examples
    --------
    >>> import numpy as np
    >>> from chokepoint.chain import cost_shares
    >>> money = cost_shares(cp.load("rare_earths"))
    >>> sold = money.shares.T @ money.value + money.final
    >>> bool(np.isclose(sold.sum(), money.value.sum()))
    True
    """
    if _KEY not in chain._cache:
        chain._cache[_KEY] = _made(chain)
    found: CostShares = chain._cache[_KEY]
    return found


def _made(chain: SupplyChain) -> CostShares:
    from scipy.sparse import csr_array

    nodes, links = chain.nodes, chain.links
    size = len(nodes)
    market = nodes["kind"].eq("market").to_numpy(dtype=bool)
    value = np.nan_to_num(nodes["value_usd_m"].to_numpy(dtype=float))
    value[market | nodes["is_process"].to_numpy(dtype=bool)] = 0.0
    price = _ratio(value, nodes["output_qty"].to_numpy(dtype=float))
    # A node is made of the inputs of its process, or of its own.
    named = nodes.index.get_indexer(pd.Index(nodes["process"]))
    process = np.where(named >= 0, named, np.arange(size))
    together = _sums(process, value, size)
    worth = price[links.supplier] * links.quantity
    worth[links.dormant] = 0.0
    sold = np.flatnonzero(market[links.buyer])
    final = _sums(links.supplier[sold], worth[sold], size)
    bought = np.flatnonzero(~market[links.buyer] & (worth > 0))
    supplier, buyer = links.supplier[bought], links.buyer[bought]
    share = _ratio(worth[bought], together[buyer])
    inputs = csr_array((share, (buyer, supplier)), shape=(size, size))
    makers = np.flatnonzero(value > 0)
    pick = csr_array((np.ones(len(makers)), (makers, process[makers])), shape=(size, size))
    added = np.nan_to_num(nodes["value_added_usd_m"].to_numpy(dtype=float))
    return CostShares(
        value=value,
        shares=csr_array(pick @ inputs),
        value_added=_ratio(added, value),
        final=final,
    )


def _sums(owner: NDArray[np.integer], value: FloatArray, size: int) -> FloatArray:
    return np.bincount(owner, weights=value, minlength=size).astype(np.float64)


def _ratio(upper: FloatArray, lower: FloatArray) -> FloatArray:
    return np.divide(upper, lower, out=np.zeros(len(upper)), where=lower > 0)
