"""Reading the small input tables, and arithmetic that several steps share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from compiler.inputs import NAN, read_table, text

__all__ = ["CHINA", "INPUTS", "NAN", "ras", "read", "text"]

INPUTS = Path(__file__).parent / "inputs"
CHINA = "CHN"


def read(name: str) -> pd.DataFrame:
    """Return one input table."""
    return read_table(INPUTS / f"{name}.csv")


def ras(
    seed: np.ndarray, rows: np.ndarray, columns: np.ndarray, *, tolerance: float = 1e-12
) -> np.ndarray:
    """Return the matrix nearest to `seed` with the given row and column sums.

    Proportional fitting; rows and columns are scaled in turn until both sums hold. Raises if the
    zeros of the seed do not allow it.
    """
    if not np.isclose(rows.sum(), columns.sum(), rtol=1e-9):
        raise ValueError(f"row sums add up to {rows.sum():g}, column sums to {columns.sum():g}")
    matrix = seed.astype(float).copy()
    for _ in range(200_000):
        matrix *= np.divide(rows, matrix.sum(1), out=np.zeros_like(rows), where=rows > 0)[:, None]
        matrix *= np.divide(columns, matrix.sum(0), out=np.zeros_like(columns), where=columns > 0)
        if np.max(np.abs(matrix.sum(1) - rows)) <= tolerance * rows.max():
            return matrix
    worst = int(np.argmax(np.abs(matrix.sum(1) - rows)))
    raise ValueError(f"balancing does not converge; worst row {worst}")
