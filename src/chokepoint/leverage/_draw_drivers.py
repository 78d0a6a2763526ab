"""Which drawn numbers a figure follows: rank correlations over draws of the data."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from chokepoint.chain._provenance import row_names
from chokepoint.datasets import Draws
from chokepoint.datasets._draw_columns import NAMES
from chokepoint.errors import ShapeError

__all__ = ["drivers_of_draws"]

FloatArray = NDArray[np.float64]

# Flows follow from the rest; prices of measures and probabilities of projects move no loss.
_LEFT_OUT = frozenset({"flows", "unit_cost", "enforceability", "added_share"})


def drivers_of_draws(
    draws: Draws, figures: Mapping[str, ArrayLike], *, top: int = 3
) -> dict[str, pd.DataFrame]:
    r"""Return for each figure the drawn numbers that it follows most closely.

    Spearman's rank correlation :math:`\rho` of each number with the figure over the draws. Among m
    numbers that have nothing to do with it the largest correlation is about
    :math:`\sqrt{2 \ln m / n}` over n draws; what does not reach that is left out. It costs no
    run, and sees all numbers at once; :func:`drivers` moves them one at a time instead.

    Parameters
    ----------
    draws : Draws
        The draws.
    figures : mapping of name to array (draws,)
        Values of each figure, in the order of the draws.
    top : int
        Numbers named for each figure.

    Returns
    -------
    dict of DataFrame
        For each figure columns table, row (its key), column, confidence (grade), source and
        correlation, strongest first; empty where nothing stands out.

    Raises
    ------
    ShapeError
        If a figure has not one value for each draw.

    Examples
    --------
    >>> chain = cp.load("rare_earths")
    >>> draws = cp.datasets.draw(chain, 40, rng=1)
    >>> found = drivers_of_draws(draws, {"one": draws.value_added_share[:, 0]}, top=1)
    >>> found["one"]["column"].tolist()
    ['value_added_share']
    """
    values = {name: np.asarray(given, dtype=float) for name, given in figures.items()}
    for name, value in values.items():
        if value.shape != (len(draws),):
            raise ShapeError(
                f"Expected {len(draws)} values of {name}, one for each draw, got {value.shape}."
            )
    ranked = {name: _ranks(value[:, None])[:, 0] for name, value in values.items()}
    strengths: dict[str, list[tuple[float, str, int]]] = {name: [] for name in values}
    count = 0
    for column in draws.names:
        if column not in NAMES or column in _LEFT_OUT:
            continue
        numbers = _ranks(draws.columns[column])
        moving = np.flatnonzero((numbers != 0).any(axis=0))
        count += len(moving)
        for name, rank in ranked.items():
            found = rank @ numbers[:, moving]
            best = np.argsort(-np.abs(found), kind="stable")[: 4 * top]
            strengths[name] += [(float(found[i]), column, int(moving[i])) for i in best]
    limit = math.sqrt(2.0 * math.log(max(count, 2)) / max(len(draws), 1))
    return {
        name: _named(draws, [one for one in strength if abs(one[0]) > limit], top)
        for name, strength in strengths.items()
    }


def _ranks(values: FloatArray) -> FloatArray:
    """Return ranks along the draws, centred and scaled to length 1; 0 where nothing moves."""
    order = values.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable").astype(float)
    same = values.max(axis=0, initial=-np.inf) == values.min(axis=0, initial=np.inf)
    order = np.where(same, 0.0, order - order.mean(axis=0))
    length = np.sqrt(np.square(order).sum(axis=0))
    scaled: FloatArray = np.divide(order, length, out=np.zeros_like(order), where=length > 0)
    return scaled


def _named(draws: Draws, strength: list[tuple[float, str, int]], top: int) -> pd.DataFrame:
    """Return the strongest with their grades; rows that move together are named once."""
    rows: list[dict[str, object]] = []
    for value, column, place in sorted(strength, key=lambda one: -abs(one[0])):
        table, name = NAMES[column]
        frame = draws.chain._tables[table]
        if any(row["column"] == name and row["correlation"] == value for row in rows):
            continue
        rows.append(
            {
                "table": table,
                "row": row_names(table, frame.iloc[[place]])[0],
                "column": name,
                "confidence": frame["confidence"].iloc[place],
                "source": frame["source"].iloc[place],
                "correlation": value,
            }
        )
        if len(rows) == top:
            break
    columns = ["table", "row", "column", "confidence", "source", "correlation"]
    return pd.DataFrame(rows, columns=columns)
