"""What every table of an outcome needs: labels, what was kept, sums over weeks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.errors import OptionError
from chokepoint.propagate._batch import Kept
from chokepoint.propagate._behaviour import Behaviour
from chokepoint.propagate._compile import CompiledChain

__all__ = ["Labelled"]

Array = NDArray[np.floating]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Weekly values with labels; the fields are those of :class:`Outcome`."""

    scenarios: pd.Index
    countries: pd.Index
    weeks: int
    behaviour: Behaviour
    end_sector: NDArray[np.bool_]
    _chain: CompiledChain
    _kept: Kept
    _values: tuple[FloatArray, FloatArray]
    _unmatched: tuple[tuple[str, str, str], ...] = ()

    def _recorded(self, name: str, record: str) -> Array:
        values: Array | None = getattr(self._kept.recorded, name)
        if values is None:
            kept = "countries" if self._kept.recorded.deviation is None else "sites"
            raise OptionError(
                f"Expected a run with record={record}, got one that keeps only {kept}. "
                f"Simulate again with record={record}."
            )
        return values

    def _summed(
        self, values: Array, columns: pd.Index, *, over: str | None, horizon: int, unit: str
    ) -> pd.DataFrame:
        """Return weekly values (scenario, week, column) as a table, the weeks summed or kept."""
        if over not in (None, "week"):
            raise OptionError(f'over must be "week" or None, got {over!r}.')
        if over is None:
            total = values.sum(axis=1, dtype=np.float64)
            table = pd.DataFrame(total, index=self.scenarios, columns=columns)
        else:
            rows = _with_weeks(self.scenarios, horizon)
            # A copy: what is recorded is read-only, and the table is the reader's own.
            weekly_values = values.reshape(len(rows), values.shape[2]).copy()
            table = pd.DataFrame(weekly_values, index=rows, columns=columns)
        table.attrs["unit"] = unit if over is None else f"{unit}, per week"
        return table

    def _horizon(self, weeks: int | None) -> int:
        if weeks is None:
            return self.weeks
        if not 1 <= weeks <= self.weeks:
            raise OptionError(
                f"Expected weeks between 1 and {self.weeks} (the length of the run), got "
                f"{weeks}. Simulate longer, or ask for a shorter horizon."
            )
        return weeks


def _with_weeks(scenarios: pd.Index, horizon: int) -> pd.MultiIndex:
    week = pd.Index(range(horizon), name="week")
    if isinstance(scenarios, pd.MultiIndex):
        keys = [(*key, t) for key in scenarios for t in week]
        return pd.MultiIndex.from_tuples(keys, names=[*scenarios.names, "week"])
    return pd.MultiIndex.from_product([scenarios, week], names=["scenario", "week"])
