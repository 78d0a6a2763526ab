"""Strategies side by side: what each costs, promises and does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

import numpy as np
import pandas as pd

from chokepoint.errors import OptionError
from chokepoint.resilience._plan_result import Plan

__all__ = ["Comparison"]

_LOSS = "USD million of value added, shortfall of the targets"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Plans of several strategies under the same threats, data and budgets.

    Attributes
    ----------
    table : pandas.DataFrame
        Index (strategy, budget). What a plan does is the expected shortfall of the targets in
        the weekly model [USD million]:

        * ``spent``; ``residual`` (loss left with the plan); ``saving`` (loss without it less
          that); ``saving_per_usd``; ``worst`` (loss left under the worst threat);
        * ``saving_low``, ``saving_high`` (5th and 95th percentile over draws of the data, each
          draw with and without the plan) and ``saving_mean``; blank without draws;
        * ``regret`` (residual less the least of all strategies at the budget) and
          ``regret_worst`` (the same under the threat where it is largest);
        * ``promise`` (what the planner says the plan saves), ``kept`` (saving over promise),
          ``stressed_saving`` (saving with thin stocks, early throttling and no change of
          supplier) and ``verdict``;
        * ``measures`` (rows bought) and ``seconds`` (time to find the plan).
    losses : pandas.DataFrame
        Index (strategy, budget, threat); columns planner, reference and stressed, with the plan
        [USD million].
    without : pandas.DataFrame
        The same losses without any plan, by threat.
    samples : pandas.DataFrame
        Expected loss with each plan (rows strategy, budget) by draw of the data; the row
        ("", 0.0) is without any plan. Empty without draws.
    plans : dict
        The plan of each (strategy, budget).
    probabilities : pandas.Series
        Weight of each threat.
    warnings : tuple of str
        What speaks against plans that look good to the planner.
    targets : tuple of str
        Areas whose losses count.
    weeks : int
        Weeks that count.
    """

    table: pd.DataFrame
    losses: pd.DataFrame = field(repr=False)
    without: pd.DataFrame = field(repr=False)
    samples: pd.DataFrame = field(repr=False)
    plans: Mapping[tuple[str, float], Plan] = field(repr=False)
    probabilities: pd.Series = field(repr=False)
    warnings: tuple[str, ...]
    targets: tuple[str, ...]
    weeks: int

    @property
    def strategies(self) -> list[str]:
        """Names of the strategies."""
        return list(dict.fromkeys(self.table.index.get_level_values("strategy")))

    @property
    def budgets(self) -> list[float]:
        """Budgets [USD million]."""
        return list(dict.fromkeys(self.table.index.get_level_values("budget")))

    def plan(self, strategy: str, budget: float) -> Plan:
        """Return a plan.

        Raises
        ------
        OptionError
            If there is none of that name and budget.
        """
        return self.plans[self._key(strategy, budget)]

    def best(self) -> pd.DataFrame:
        """Return the strategy that leaves least at each budget; of equals the cheaper one."""
        ranked = self.table.sort_values(["residual", "spent"], kind="stable").reset_index()
        first = ranked.drop_duplicates("budget").set_index("budget").sort_index()
        return first[["strategy", "spent", "residual", "saving", "promise", "verdict"]]

    def difference(self, one: str, other: str, budget: float) -> pd.Series:
        """Return how much less is lost with one strategy than with another, draw by draw.

        Both are run on the same draws and threats, so that what they have in common drops out.

        Parameters
        ----------
        one, other : str
            Names of strategies.
        budget : float
            A budget of the comparison.

        Returns
        -------
        pandas.Series
            central (data as they are), mean, low, high (5th and 95th percentile), standard_error
            of the mean [USD million], and better (share of draws in which `one` loses less).
            Blank without draws, except central.
        """
        keys = [self._key(name, budget) for name in (one, other)]
        places = self.table.index.get_indexer(pd.Index(keys))
        central = self.table["residual"].to_numpy(dtype=float)[places].tolist()
        found = {"central": central[1] - central[0]}
        names = ("mean", "low", "high", "standard_error", "better")
        found |= dict.fromkeys(names, float("nan"))
        if not self.samples.empty:
            places = self.samples.index.get_indexer(pd.Index(keys))
            rows = self.samples.to_numpy(dtype=float)[places]
            gap = rows[1] - rows[0]
            low, high = np.percentile(gap, [5.0, 95.0])
            error = gap.std(ddof=1) / np.sqrt(len(gap)) if len(gap) > 1 else np.nan
            found |= {
                "mean": gap.mean(), "low": low, "high": high, "standard_error": error,
                "better": (gap > 0).mean(),
            }  # fmt: skip
        series = pd.Series(found, name=f"{other} less {one}", dtype=float)
        series.attrs["unit"] = _LOSS
        return series

    def _key(self, strategy: str, budget: float) -> tuple[str, float]:
        found = [
            key
            for key in self.plans
            if key[0] == strategy and np.isclose(key[1], budget, rtol=1e-9, atol=1e-12)
        ]
        if not found:
            raise OptionError(
                f"Expected a strategy among {self.strategies} and a budget among {self.budgets}, "
                f"got {strategy!r} and {budget}."
            )
        return found[0]

    def __repr__(self) -> str:
        head = (
            f"<Comparison: {len(self.strategies)} strategies, {len(self.budgets)} budgets, "
            f"{len(self.probabilities)} threats, {self.samples.shape[1]} draws"
        )
        lines = [head]
        for budget, row in self.best().iterrows():
            lines.append(
                f"  {budget:,.6g} USD million: {row['strategy']} leaves {row['residual']:,.4g} of "
                f"{row['residual'] + row['saving']:,.4g} USD million ({row['verdict']})"
            )
        lines += [f"  WARNING: {warning}" for warning in self.warnings]
        return "\n".join(lines) + ">"

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{escape(warning)}</p>" for warning in self.warnings)
        return self.table.round(3).to_html() + said
