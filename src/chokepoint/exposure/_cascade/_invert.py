"""The inverse of a dense core in place, without subtractions that lose digits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["invert_rates"]

FloatArray = NDArray[np.float64]

# Firms that are taken out together.
_BLOCK = 256


def invert_rates(rates: NDArray[Any], leak: FloatArray) -> None:
    r"""Overwrite rates of going from row to column by the inverse of what they stand for.

    The matrix to invert has :math:`-r_{ij}` off the diagonal and
    :math:`l_i + \sum_{j \ne i} r_{ij}` on it, with the leak :math:`l`; what `rates` hold on the
    diagonal does not count. Gauss-Jordan elimination by blocks: with B the block,
    :math:`M = A_{BB}^{-1}` and all other rows and columns J,

    .. math:: r_{JJ} \mathrel{+}= r_{JB} M r_{BJ},\quad r_{BJ} = M r_{BJ},\quad
              r_{JB} = r_{JB} M,\quad r_{BB} = M .

    Diagonals come from sums of rates and leak (Grassmann, Taksar, Heyman 1985), so that all terms
    are positive and every entry keeps its relative accuracy, also in single precision.

    Parameters
    ----------
    rates : array (c, c)
        Row-major, float64 or float32; overwritten.
    leak : array (c,)
        Rate of leaving.
    """
    from chokepoint.exposure._cascade._kernels_core import invert_block

    leak = leak.copy()
    for first in range(0, len(rates), _BLOCK):
        block = slice(first, min(first + _BLOCK, len(rates)))
        later = slice(block.stop, len(rates))
        inverse = rates[block, block].astype(np.float64)
        exits = leak[block] + rates[block, later].sum(axis=1, dtype=np.float64)
        invert_block(inverse, exits)
        rows = inverse @ rates[block]
        columns = rates[:, block].astype(np.float64)
        rows[:, block], columns[block] = 0.0, 0.0
        leak[later] += columns[later] @ (inverse @ leak[block])
        _add_product(rates, columns, rows)
        rates[:, block] = columns @ inverse
        rates[block] = rows
        rates[block, block] = inverse


def _add_product(target: NDArray[Any], left: FloatArray, right: FloatArray) -> None:
    """Add left @ right to `target`, in place."""
    from scipy.linalg import blas

    product = blas.dgemm if target.dtype == np.float64 else blas.sgemm
    kind = target.dtype
    # BLAS counts columns first: what is row-major here is a transpose there, without a copy.
    product(
        1.0, right.astype(kind, copy=False).T, left.astype(kind, copy=False).T,
        beta=1.0, c=target.T, overwrite_c=True,
    )  # fmt: skip
