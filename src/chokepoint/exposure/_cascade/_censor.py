r"""Upstream losses of every single default, from one factorisation.

What firm i loses when firm k stops buying is the chance that a walk along sales, which leaves the
network where revenue comes from outside, ever comes to k. With
:math:`G = (I - P)^{-1}` it is :math:`G_{ik} / G_{kk}`. Firms with few links are taken out one after
the other; a walk that skips them has the same chances (state reduction of Grassmann, Taksar and
Heyman 1985, which subtracts nothing and so loses no digits). What is left is small and dense, and
is inverted as a whole, in single precision if it would be too large otherwise.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.exposure._cascade._invert import invert_rates

__all__ = ["Censored", "censor", "closed_classes"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# A firm is taken out while that replaces its links by at most this many times as many others.
_DENSE = 0.1
_SMALL = 64
_CHEAPEST = 0.3


class Censored(NamedTuple):
    """Factors of :math:`I - P` on the firms that are in no closed class.

    Positions count firms in the order in which they were taken out; those that were not come
    last and form the core.

    Attributes
    ----------
    position : array of int (n,)
        Position of a firm, -1 for one in a closed class.
    firm : array of int (m,)
        Firm at each position.
    n_out : int
        Number of firms that were taken out.
    out_start, out_to, out_share : arrays
        Links from a firm that was taken out to those at later positions.
    in_start, in_from, in_share : arrays
        Links to a firm that was taken out from those at later positions.
    scale : array (n_out,)
        One over the chance to go elsewhere.
    core : array (c, c)
        Inverse on the core, float64 or float32.
    diagonal : array (c,)
        Its diagonal, in double precision.
    """

    position: IntArray
    firm: IntArray
    n_out: int
    out_start: IntArray
    out_to: IntArray
    out_share: FloatArray
    in_start: IntArray
    in_from: IntArray
    in_share: FloatArray
    scale: FloatArray
    core: NDArray[Any]
    diagonal: FloatArray


def closed_classes(shares: sparse.csr_array, leak: FloatArray) -> IntArray:
    """Return the number of the closed class of each firm, -1 for those in none.

    A class is closed if its firms sell to one another only; a walk that enters it comes to
    each of them.
    """
    from scipy.sparse import csgraph

    n_classes, label = csgraph.connected_components(shares, connection="strong")
    links = shares.tocoo()
    source, target = label[links.coords[0]], label[links.coords[1]]
    opened = np.zeros(n_classes, dtype=bool)
    opened[source[source != target]] = True
    opened[label[leak > 0]] = True
    numbers = np.cumsum(~opened) - 1
    return np.where(opened[label], -1, numbers[label]).astype(np.int64)


def censor(
    shares: sparse.csr_array,
    leak: FloatArray,
    closed: IntArray,
    *,
    largest: int,
    largest_single: int,
) -> Censored | None:
    """Return the factors, or None if more than `largest_single` firms would be left as core.

    The core is inverted in double precision up to `largest` firms.
    """
    rest = np.flatnonzero(closed < 0)
    away = shares[rest][:, np.flatnonzero(closed >= 0)].sum(axis=1)
    links = _off_diagonal(shares[rest][:, rest])
    leak = leak[rest] + np.asarray(away)
    alive, rounds = rest, []
    while len(alive) > _SMALL and links.nnz < _DENSE * len(alive) ** 2:
        chosen = _independent(links)
        if chosen.sum() < 0.002 * len(alive) and links.nnz > 0.02 * len(alive) ** 2:
            break
        out, stay = np.flatnonzero(chosen), np.flatnonzero(~chosen)
        onward, inward = links[out][:, stay], links[stay][:, out]
        scale = 1.0 / (leak[out] + onward.sum(axis=1))
        rounds.append((alive[out], alive[stay], onward, inward, scale))
        scaled = (inward * scale[None, :]).tocsr()
        leak = leak[stay] + scaled @ leak[out]
        links = _off_diagonal(links[stay][:, stay] + scaled @ onward)
        alive = alive[stay]
    if len(alive) > largest_single:
        return None
    kind = np.float64 if len(alive) <= largest else np.float32
    return _assembled(len(closed), rounds, alive, *_inverse(links, leak, kind))


def _off_diagonal(links: sparse.csr_array) -> sparse.csr_array:
    """Return the links without those from a firm to itself: staying is not going."""
    kept = links.tocoo()
    other = kept.coords[0] != kept.coords[1]
    coords = (kept.coords[0][other], kept.coords[1][other])
    return sparse.coo_array((kept.data[other], coords), shape=links.shape).tocsr()


def _independent(links: sparse.csr_array) -> NDArray[np.bool_]:
    """Return firms with few links, no two of them linked."""
    n = links.shape[0]
    cost = np.diff(links.indptr) * np.bincount(links.indices, minlength=n).astype(float)
    # The position breaks ties, so that the order does not depend on chance.
    rank = np.empty(n)
    rank[np.argsort(cost, kind="stable")] = np.arange(n)
    limit = max(float(np.quantile(cost, _CHEAPEST)), 4.0)
    rank[cost > limit] = np.inf
    both = (links + links.T).tocsr()
    lowest = np.full(n, np.inf)
    filled = np.diff(both.indptr) > 0
    if both.nnz:
        lowest[filled] = np.minimum.reduceat(rank[both.indices], both.indptr[:-1][filled])
    chosen: NDArray[np.bool_] = np.isfinite(rank) & (rank < lowest)
    return chosen


def _inverse(
    links: sparse.csr_array, leak: FloatArray, kind: type
) -> tuple[NDArray[Any], FloatArray]:
    """Return the inverse on the core, and its diagonal in double precision."""
    core: NDArray[Any] = np.zeros(links.shape, dtype=kind)
    entries = links.tocoo()
    source, target = entries.coords[0], entries.coords[1]
    core[source, target] = entries.data
    invert_rates(core, leak)
    if kind is np.float64:
        return core, np.diagonal(core).copy()
    # What comes back is rounded to single precision, not what was there at first.
    back = np.bincount(source, entries.data * core[target, source], minlength=len(leak))
    return core, (1.0 + back) / (leak + links.sum(axis=1))


def _assembled(
    n: int, rounds: list[tuple[IntArray, IntArray, sparse.csr_array, sparse.csr_array, FloatArray]],
    alive: IntArray, core: NDArray[Any], diagonal: FloatArray,
) -> Censored:  # fmt: skip
    firm = np.concatenate([*(out for out, *_ in rounds), alive]).astype(np.int64)
    position = np.full(n, -1, dtype=np.int64)
    position[firm] = np.arange(len(firm))
    onward = [matrix.tocsr() for _, _, matrix, _, _ in rounds]
    inward = [matrix.T.tocsr() for _, _, _, matrix, _ in rounds]
    later = [position[stay] for _, stay, _, _, _ in rounds]
    return Censored(
        position=position,
        firm=firm,
        n_out=len(firm) - len(alive),
        out_start=_starts(onward),
        out_to=_joined([at[m.indices] for at, m in zip(later, onward, strict=True)]),
        out_share=np.concatenate([np.empty(0), *(m.data for m in onward)]),
        in_start=_starts(inward),
        in_from=_joined([at[m.indices] for at, m in zip(later, inward, strict=True)]),
        in_share=np.concatenate([np.empty(0), *(m.data for m in inward)]),
        scale=np.concatenate([np.empty(0), *(scale for *_, scale in rounds)]),
        core=core,
        diagonal=diagonal,
    )


def _starts(parts: list[sparse.csr_array]) -> IntArray:
    counts = np.concatenate([np.zeros(1, dtype=np.int64), *(np.diff(m.indptr) for m in parts)])
    return np.cumsum(counts).astype(np.int64)


def _joined(parts: list[IntArray]) -> IntArray:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts]).astype(np.int64)
