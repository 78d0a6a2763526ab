"""Reading the small input tables, and arithmetic that several steps share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

INPUTS = Path(__file__).parent / "inputs"
CHINA = "CHN"
NAN = float("nan")


def read(name: str) -> pd.DataFrame:
    """Return one input table; text columns have "" for blank cells."""
    frame = pd.read_csv(INPUTS / f"{name}.csv", keep_default_na=False, na_values=[""])
    for column in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[column]):
            frame[column] = frame[column].astype(object).where(frame[column].notna(), "")
    if "derivation" in frame:
        frame["derivation"] = _written_out(frame["derivation"])
    return frame


def _written_out(notes: pd.Series) -> list[str]:
    """Return notes with "as above" written out: tables are sorted later."""
    out: list[str] = []
    for note in notes:
        out.append(out[-1] if note == "as above" else note)
    return out


def text(cell: object) -> str:
    """Return a cell of a text column that pandas may have read as NaN."""
    return "" if cell is None or (isinstance(cell, float) and np.isnan(cell)) else str(cell)


def number(cell: object) -> float:
    """Return a cell as a float, NaN for a blank one."""
    return NAN if cell in ("", None) else float(cell)  # type: ignore[arg-type]


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


def rounded(value: float, digits: int = 6) -> float:
    """Return a number with at most so many significant digits."""
    return float(f"{value:.{digits}g}")
