"""Programs whose rows may be missed, at a cost."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from chokepoint.program._blocks import Block, Blocks
from chokepoint.program._program import LinearProgram

__all__ = ["stretched"]


def stretched(program: LinearProgram) -> LinearProgram:
    r"""Return the program that misses as little as it can.

    Elastic relaxation: every row may miss its bounds at a cost of one a unit,
    :math:`\min \sum_i (p_i + n_i)` with :math:`\ell \le Ax + p - n \le u`; the costs of
    `program` are left out. The new columns come last: all :math:`p`, then all :math:`n`.
    """
    rows = program.n_rows
    unit = sparse.eye_array(rows, format="csr")
    axis = Blocks.plain("row", rows)["row"].axes
    return LinearProgram(
        name=f"{program.name}, stretched",
        cost=np.concatenate([np.zeros(program.n_columns), np.ones(2 * rows)]),
        matrix=sparse.csr_array(sparse.hstack([program.matrix, unit, -unit])),
        row_lower=program.row_lower.copy(),
        row_upper=program.row_upper.copy(),
        column_lower=np.concatenate([program.column_lower, np.zeros(2 * rows)]),
        column_upper=np.concatenate([program.column_upper, np.full(2 * rows, np.inf)]),
        rows=program.rows,
        columns=Blocks(
            [*program.columns, Block("stretched up", "", axis), Block("stretched down", "", axis)]
        ),
    )
