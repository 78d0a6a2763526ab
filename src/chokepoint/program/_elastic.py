"""Which rows of an infeasible program contradict each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.program._blocks import Block, Blocks
from chokepoint.program._highs import HighsSession
from chokepoint.program._program import LinearProgram
from chokepoint.program._solution import Status

__all__ = ["conflict"]

# Above this many rows the second program would cost more than its hint is worth.
_MOST_ROWS = 200_000
_SECONDS = 20.0
_MOST_NAMES = 6


def conflict(program: LinearProgram) -> list[str]:
    r"""Return the rows whose bounds a least stretched solution breaks, with the size.

    Elastic relaxation (Chinneck, 2008): every row may miss its bounds at a cost of one a
    unit, :math:`\min \sum_i (p_i + n_i)` with :math:`\ell \le Ax + p - n \le u`. Rows whose
    duals are not zero in this program take part in the conflict; they follow the broken ones.

    Returns
    -------
    list of str
        Empty if the program is feasible, or too large for the hint.
    """
    if program.n_rows > _MOST_ROWS:
        return []
    raw = HighsSession(_elastic(program)).run(time_limit=_SECONDS)
    if raw.status is not Status.OPTIMAL or raw.objective <= 1e-9:
        return []
    stretch = raw.values[program.n_columns :].reshape(2, -1)
    size = np.abs(stretch[0] - stretch[1])
    broken = _largest(size)
    taking_part = _largest(np.where(size > 1e-9, 0.0, np.abs(raw.duals)))
    named = [f"{program.rows.text(row)} (missed by {size[row]:.3g})" for row in broken]
    return (named + program.rows.texts(taking_part))[:_MOST_NAMES]


def _largest(size: NDArray[np.float64]) -> NDArray[np.intp]:
    places = np.flatnonzero(size > 1e-9)
    return places[np.argsort(-size[places], kind="stable")][:_MOST_NAMES]


def _elastic(program: LinearProgram) -> LinearProgram:
    rows = program.n_rows
    unit = sparse.eye_array(rows, format="csr")
    none = np.zeros(program.n_columns)
    return LinearProgram(
        name=f"{program.name}, stretched",
        cost=np.concatenate([none, np.ones(2 * rows)]),
        matrix=sparse.csr_array(sparse.hstack([program.matrix, unit, -unit])),
        row_lower=program.row_lower.copy(),
        row_upper=program.row_upper.copy(),
        column_lower=np.concatenate([program.column_lower, np.zeros(2 * rows)]),
        column_upper=np.concatenate([program.column_upper, np.full(2 * rows, np.inf)]),
        rows=program.rows,
        columns=Blocks([*program.columns, *_stretch_names(rows)]),
    )


def _stretch_names(rows: int) -> list[Block]:
    axis = Blocks.plain("row", rows)["row"].axes
    return [Block("stretched up", "", axis), Block("stretched down", "", axis)]
