"""Flows in proportion to their seeds that roughly meet outputs and needs, for many draws at once.

Each sweep multiplies the flows out of a site until they add up to its output, then those into a
slot until they fill it (Deming and Stephan 1940). A few sweeps bring drawn flows near the drawn
outputs with all of them positive; the identities are met exactly afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["Sweeps"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

_SWEEPS = 10
_LEAST = 1e-2
"""What estimated flows carry at least of a total beside reported ones."""


@dataclass(frozen=True)
class _Family:
    """Rows in which each flow occurs at most once; flows that are in none have the last row."""

    row: IntArray
    free: sparse.csr_array
    held: sparse.csr_array
    target: sparse.csr_array


@dataclass(frozen=True)
class Sweeps:
    """The identities as two families: what sites ship, and what fills slots."""

    families: tuple[_Family, _Family]

    @classmethod
    def of(cls, rows: sparse.csr_array, outputs: int, moves: BoolArray) -> Sweeps:
        """Return the families.

        Parameters
        ----------
        rows : sparse array (identities, flows + sources)
            Identities ``rows @ (flows, sources) = 0``.
        outputs : int
            Number of identities about what sites ship, which stand first.
        moves : array of bool (flows,)
            Flows that are scaled; the others keep their number.
        """
        flows = len(moves)
        return cls((_family(rows[:outputs], flows, moves), _family(rows[outputs:], flows, moves)))

    def scaled(self, flows: FloatArray, sources: FloatArray) -> FloatArray:
        """Return the flows (flows, draws) after ten sweeps towards the sources."""
        found = flows.copy()
        targets = []
        for family in self.families:
            total = family.target @ sources
            targets.append(np.maximum(total - family.held @ flows, _LEAST * total))
        ratio = [np.ones((len(total) + 1, flows.shape[1])) for total in targets]
        for _ in range(_SWEEPS):
            for family, target, factor in zip(self.families, targets, ratio, strict=True):
                given = family.free @ found
                np.divide(target, given, out=factor[:-1], where=given > 0.0)
                found *= factor[family.row]
        return found


def _family(rows: sparse.csr_array, flows: int, moves: BoolArray) -> _Family:
    part = sparse.coo_array(rows[:, :flows])
    row = np.full(flows, rows.shape[0], dtype=np.intp)
    row[part.col] = part.row
    row[~moves] = rows.shape[0]
    return _Family(
        row=row,
        free=sparse.csr_array(part @ sparse.diags_array(moves.astype(np.float64))),
        held=sparse.csr_array(part @ sparse.diags_array((~moves).astype(np.float64))),
        target=sparse.csr_array(-rows[:, flows:]),
    )
