"""What the weekly model returns."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.errors import OptionError
from chokepoint.propagate._behaviour import Behaviour
from chokepoint.propagate._compile import CompiledChain
from chokepoint.propagate._recorder import Recorded

__all__ = ["Outcome"]

FloatArray = NDArray[np.float64]
By = Literal["country", "product", "tier", "site", "total"]
_BREAKDOWNS = get_args(By)
LOSS_UNIT = "USD million of value added, baseline prices"
UNMET_UNIT = "USD million of final demand, baseline prices"


@dataclass(frozen=True, eq=False)
class Outcome:
    """Weekly trajectories of a batch of scenarios, with labels.

    Losses of value added and unmet final demand are different things and are never added.
    A positive loss is a fall below baseline; sites that gain count with a minus sign.

    Attributes
    ----------
    scenarios : pandas.Index
        Names of the scenarios, or (draw, scenario) pairs.
    countries : pandas.Index
        Areas, in the order of the last axis of the arrays.
    weeks : int
        Number of weeks simulated.
    behaviour : Behaviour
        Settings of the run.
    end_sector : numpy.ndarray
        Whether a node sells to final demand and to no site.
    """

    scenarios: pd.Index
    countries: pd.Index
    weeks: int
    behaviour: Behaviour
    end_sector: NDArray[np.bool_]
    _nodes: pd.DataFrame
    _recorded: Recorded

    @classmethod
    def join(
        cls,
        parts: Sequence[Recorded],
        *,
        labels: pd.Index,
        chain: CompiledChain,
        weeks: int,
        behaviour: Behaviour,
    ) -> Outcome:
        """Return one outcome from the chunks of a batch."""
        names = ["loss", "unmet", "worst"]
        if parts[0].activity is not None:
            names += ["activity", "wanted", "value_added", "final_value"]
        arrays = {name: _joined([getattr(part, name) for part in parts]) for name in names}
        for array in arrays.values():
            array.flags.writeable = False
        countries = pd.Index(sorted(chain.nodes["country"].unique()), name="country")
        return cls(
            labels, countries, weeks, behaviour, chain.end_sector, chain.nodes, Recorded(**arrays)
        )

    # ------------------------------------------------------------------- tables

    @property
    def nodes(self) -> pd.DataFrame:
        """Sites and markets with their facts, as ``chain.nodes``; a copy."""
        return self._nodes.copy()

    @property
    def activity(self) -> FloatArray:
        """Output over baseline, shape (scenario, week, node), nodes as in ``nodes``; read-only.

        For a market it is the demand that was served over baseline demand.
        """
        if self._recorded.activity is None:
            raise OptionError(
                'Expected a run that keeps sites, got one with record="country". '
                'Simulate again with record="site".'
            )
        return self._recorded.activity

    def loss(
        self,
        *,
        by: By = "country",
        over: Literal["week"] | None = None,
        weeks: int | None = None,
    ) -> pd.DataFrame:
        r"""Return the loss of value added [USD million, baseline prices].

        .. math:: D = \sum_{t < h} \sum_i -x_i(t)\, va_i

        Parameters
        ----------
        by : {"country", "product", "tier", "site", "total"}
            Columns of the result.
        over : {"week"}, optional
            Keep the weeks: rows are then (scenario, week) and figures per week.
        weeks : int, optional
            Count only the first weeks; None = all.

        Returns
        -------
        pandas.DataFrame
            Rows are scenarios, columns the labels of `by`.

        Raises
        ------
        OptionError
            If sites are asked of a run that kept only countries.
        """
        return self._table("loss", by=by, over=over, weeks=weeks, unit=LOSS_UNIT)

    def unmet(
        self,
        *,
        by: By = "country",
        over: Literal["week"] | None = None,
        weeks: int | None = None,
    ) -> pd.DataFrame:
        """Return unmet final demand [USD million, baseline prices]; arguments as for `loss`.

        It is the demand of the week less what comes: demand that falls is not unmet. Markets
        with sector ``other_use`` do not count.
        """
        return self._table("unmet", by=by, over=over, weeks=weeks, unit=UNMET_UNIT)

    def _table(
        self, what: str, *, by: By, over: str | None, weeks: int | None, unit: str
    ) -> pd.DataFrame:
        horizon = self._horizon(weeks)
        if by not in _BREAKDOWNS:
            raise OptionError(f"by must be one of {', '.join(_BREAKDOWNS)}; got {by!r}.")
        if over not in (None, "week"):
            raise OptionError(f'over must be "week" or None, got {over!r}.')
        if by in ("country", "total"):
            values = getattr(self._recorded, what)[:, :horizon]
            columns = self.countries
            if by == "total":
                values, columns = values.sum(axis=2, keepdims=True), pd.Index(["total"])
        else:
            values, columns = self._by_node(what, by, horizon)
        if over is None:
            table = pd.DataFrame(values.sum(axis=1), index=self.scenarios, columns=columns)
        else:
            rows = _with_weeks(self.scenarios, horizon)
            # A copy: what is recorded is read-only, and the table is the reader's own.
            weekly = values.reshape(len(rows), values.shape[2]).copy()
            table = pd.DataFrame(weekly, index=rows, columns=columns)
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

    def _by_node(self, what: str, by: str, horizon: int) -> tuple[FloatArray, pd.Index]:
        activity, recorded = self.activity[:, :horizon], self._recorded
        assert recorded.wanted is not None
        if what == "loss":
            kind, weight, missing = "site", recorded.value_added, 1.0 - activity
        else:
            kind, weight = "market", recorded.final_value
            missing = recorded.wanted[:, :horizon] - activity
        assert weight is not None
        keep = self._nodes["kind"].eq(kind).to_numpy()
        # Minus zero is written as zero.
        values = (missing * weight[:, None, :])[:, :, keep] + 0.0
        nodes = self._nodes[keep]
        if by == "site":
            return values, nodes.index.rename(kind)
        codes, labels = pd.factorize(nodes[by], sort=True)
        summed = np.zeros((*values.shape[:2], len(labels)))
        for code in range(len(labels)):
            summed[:, :, code] = values[:, :, codes == code].sum(axis=2)
        return summed, pd.Index(labels, name=by)

    def to_frame(self) -> pd.DataFrame:
        """Return a tidy table: loss and unmet demand by scenario, week and country."""
        loss = self.loss(over="week").stack()
        unmet = self.unmet(over="week").stack()
        table = pd.DataFrame({"loss_usd_m": loss, "unmet_usd_m": unmet})
        table.attrs["unit"] = f"loss: {LOSS_UNIT}; unmet: {UNMET_UNIT}; both per week"
        return table

    # -------------------------------------------------------------------- times

    def time_to_impact(self, threshold: float = 0.05) -> pd.DataFrame:
        """Return the weeks until an end-sector site falls `threshold` below its baseline.

        Parameters
        ----------
        threshold : float
            Share of the site's own baseline output.

        Returns
        -------
        pandas.DataFrame
            Full weeks before the first such week, scenario x country; infinite if none.
        """
        hit = self._hit(threshold)
        weeks = np.where(hit.any(axis=1), hit.argmax(axis=1), np.inf)
        return self._times(weeks)

    def time_to_recover(self, threshold: float = 0.05) -> pd.DataFrame:
        """Return the weeks from first impact until all end-sector sites stay back.

        Returns
        -------
        pandas.DataFrame
            Scenario x country; 0 if never hit, infinite if still hit in the last week.
        """
        hit = self._hit(threshold)
        first = hit.argmax(axis=1)
        last = self.weeks - 1 - hit[:, ::-1].argmax(axis=1)
        weeks = np.where(hit.any(axis=1), last + 1.0 - first, 0.0)
        weeks = np.where(hit[:, -1], np.inf, weeks)
        return self._times(weeks)

    def _hit(self, threshold: float) -> NDArray[np.bool_]:
        if not 0.0 < threshold <= 1.0:
            raise OptionError(f"threshold must be a share in (0, 1], got {threshold}.")
        hit: NDArray[np.bool_] = self._recorded.worst <= -threshold
        return hit

    def _times(self, weeks: FloatArray) -> pd.DataFrame:
        table = pd.DataFrame(weeks, index=self.scenarios, columns=self.countries)
        table.attrs["unit"] = "weeks"
        return table

    # --------------------------------------------------------------- appearance

    @property
    def plot(self) -> Any:
        """Pictures of the outcome (needs the extra ``plot``)."""
        # Pictures stand to the right of this package; they are found when asked for.
        return importlib.import_module("chokepoint.plot").OutcomePlots(self)

    def _facts(self) -> list[tuple[str, str]]:
        total = self.loss(by="total")["total"]
        return [
            ("scenarios", str(len(self.scenarios))),
            ("weeks", str(self.weeks)),
            ("sites", str(int(self._nodes["kind"].eq("site").sum()))),
            ("loss", f"{total.min():,.0f} to {total.max():,.0f} USD million of value added"),
        ]

    def __repr__(self) -> str:
        return "<Outcome: " + ", ".join(f"{name} {value}" for name, value in self._facts()) + ">"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in self._facts()
        )
        return f"<table><caption>Outcome</caption>{rows}</table>"


def _joined(parts: Sequence[FloatArray]) -> FloatArray:
    """Return the chunks one after the other; a last axis of one column is spread where needed."""
    width = max(part.shape[-1] for part in parts)
    wide = [np.broadcast_to(part, (*part.shape[:-1], width)) for part in parts]
    return np.concatenate(wide)


def _with_weeks(scenarios: pd.Index, horizon: int) -> pd.MultiIndex:
    week = pd.Index(range(horizon), name="week")
    if isinstance(scenarios, pd.MultiIndex):
        keys = [(*key, t) for key in scenarios for t in week]
        return pd.MultiIndex.from_tuples(keys, names=[*scenarios.names, "week"])
    return pd.MultiIndex.from_product([scenarios, week], names=["scenario", "week"])
