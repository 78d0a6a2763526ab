"""What the weekly model returns."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.errors import OptionError
from chokepoint.propagate._batch import Kept
from chokepoint.propagate._behaviour import Behaviour
from chokepoint.propagate._chains import Chains
from chokepoint.propagate._layout import Layout
from chokepoint.propagate._outcome_base import Array, FloatArray
from chokepoint.propagate._outcome_flows import FlowTables

__all__ = ["Outcome"]

By = Literal["country", "product", "tier", "site", "total"]
_BREAKDOWNS = get_args(By)
LOSS_UNIT = "USD million of value added, baseline prices"
UNMET_UNIT = "USD million of final demand, baseline prices"


@dataclass(frozen=True, eq=False)
class Outcome(FlowTables):
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

    @classmethod
    def of(
        cls,
        kept: Kept,
        *,
        labels: pd.Index,
        chains: Chains,
        weeks: int,
        behaviour: Behaviour,
        unmatched: Sequence[tuple[str, str, str]] = (),
    ) -> Outcome:
        """Return the outcome of a batch: what was kept of it, and its labels."""
        first, layout = chains.first, Layout.of(chains.first)
        followed = np.zeros(first.n_nodes, dtype=bool)
        followed[layout.markets[layout.followed]] = True
        # Shape (draws, nodes) [USD million per week].
        added, final = chains.values()
        values = (added, np.where(followed, final, 0.0))
        return cls(
            labels,
            layout.countries,
            weeks,
            behaviour,
            first.end_sector,
            first,
            kept,
            values,
            tuple(unmatched),
        )

    # ------------------------------------------------------------------- tables

    @property
    def nodes(self) -> pd.DataFrame:
        """Sites and markets with their facts, as ``chain.nodes``; a copy."""
        return self._chain.nodes.copy()

    @cached_property
    def activity(self) -> Array:
        """Output over baseline, shape (scenario, week, node), nodes as in ``nodes``; read-only.

        For a market it is the demand that was served over baseline demand.
        """
        activity = 1.0 + self._recorded("deviation", '"site"')
        activity.flags.writeable = False
        return activity

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

        It is the demand of the week less what comes: demand that falls is not unmet. Demand
        that waits (``backlog_share`` of a market) counts once, in the week in which it was
        new; the week in which it is served late has a minus sign, so that summed over weeks
        the figure is what was wanted minus what was served. Markets with sector ``other_use``
        do not count.
        """
        return self._table("unmet", by=by, over=over, weeks=weeks, unit=UNMET_UNIT)

    def _table(
        self, what: str, *, by: By, over: str | None, weeks: int | None, unit: str
    ) -> pd.DataFrame:
        horizon = self._horizon(weeks)
        if by not in _BREAKDOWNS:
            raise OptionError(f"by must be one of {', '.join(_BREAKDOWNS)}; got {by!r}.")
        if by in ("country", "total"):
            values = getattr(self._kept.recorded, what)[:, :horizon]
            columns = self.countries
            if by == "total":
                values = values.sum(axis=2, keepdims=True, dtype=np.float64)
                columns = pd.Index(["total"])
        else:
            values, columns = self._by_node(what, by, horizon)
        return self._summed(values, columns, over=over, horizon=horizon, unit=unit)

    def _by_node(self, what: str, by: str, horizon: int) -> tuple[FloatArray, pd.Index]:
        deviation = self._recorded("deviation", '"site"')[:, :horizon]
        is_market = self._chain.is_market
        if what == "loss":
            keep, kind = ~is_market, "site"
            missing, weights = -deviation[:, :, keep], self._values[0][:, keep]
        else:
            keep, kind = is_market, "market"
            wanted = self._recorded("wanted", '"site"')[:, :horizon]
            missing, weights = wanted - deviation[:, :, keep], self._values[1][:, keep]
        weight = np.repeat(weights, len(self.scenarios) // len(weights), axis=0)
        # Minus zero is written as zero.
        values: FloatArray = missing * weight[:, None, :] + 0.0
        nodes = self._chain.nodes[keep]
        if by == "site":
            return values, nodes.index.rename(kind)
        if by not in nodes:
            raise OptionError(
                f'by="{by}" needs a chain whose nodes have a column {by}. Ask for '
                'by="site" or by="total", or give the nodes of the chain that column.'
            )
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
        hit: NDArray[np.bool_] = self._kept.recorded.worst <= -threshold
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
        facts = [
            ("scenarios", str(len(self.scenarios))),
            ("weeks", str(self.weeks)),
            ("sites", str(int((~self._chain.is_market).sum()))),
            ("loss", f"{total.min():,.0f} to {total.max():,.0f} USD million of value added"),
        ]
        if self._unmatched:
            facts.append(("unmatched", f"{len(self._unmatched)} selections of events"))
        return facts

    def __repr__(self) -> str:
        return "<Outcome: " + ", ".join(f"{name} {value}" for name, value in self._facts()) + ">"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in self._facts()
        )
        return f"<table><caption>Outcome</caption>{rows}</table>"
