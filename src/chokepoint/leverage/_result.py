"""What `leverage` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

import pandas as pd

from chokepoint.errors import UnknownLabelError
from chokepoint.propagate import Outcome

__all__ = ["Leverage", "scenario_name"]


def scenario_name(actor: str, target: str, bundle: str) -> str:
    """Return the name under which the ban of a bundle runs."""
    return f"{actor} > {target}: {bundle}"


@dataclass(frozen=True)
class Leverage:
    """Gross leverage, self-harm and what stands behind them.

    Every figure is a fall of value added at baseline prices [USD million], counted over the
    first `weeks` weeks of a permanent export ban. Only sites of the chain count.

    Attributes
    ----------
    table : pandas.DataFrame
        Index (actor, target, bundle, weeks). Columns: ``planner`` (best coordinated
        response with full foresight: a lower bound on the shortfall, in which weeks above
        baseline do not make up for weeks below; blank where not asked for), ``reference``,
        ``stressed`` (stocks at their low, sites slow down at once, no switching), ``low``
        and ``high`` (5th and 95th percentile of data draws of the reference case), ``share_of_gdp``
        (reference over the target's GDP of the same weeks), ``share_of_annual_gdp``,
        ``self_harm``, ``third_party``, and ``onset_weeks`` (first week in which an
        end-sector site of the target is 5 % below baseline).
    assumptions : pandas.DataFrame
        One assumption at a time at its low and high end, for the bundle and horizon of
        :attr:`headline`.
    not_reached : pandas.DataFrame
        How the banned goods enter the target besides the direct flows that the ban stops.
    actors, targets : dict
        Names and their areas.
    bundles : dict
        Names and the products they hold.
    headline : tuple
        (bundle, weeks) that the assumptions table is about.
    draws : int
        Number of data draws behind ``low`` and ``high``.
    """

    table: pd.DataFrame
    assumptions: pd.DataFrame
    not_reached: pd.DataFrame
    actors: dict[str, tuple[str, ...]]
    targets: dict[str, tuple[str, ...]]
    bundles: dict[str, tuple[str, ...]]
    headline: tuple[str, int]
    draws: int
    outcome: Outcome = field(repr=False)

    @property
    def matrix(self) -> pd.DataFrame:
        """Gross leverage: largest reference damage over the bundles [USD million].

        Rows are actors, columns (target, weeks). An actor may also do nothing, so no entry
        is below zero.
        """
        largest = self.table["reference"].groupby(["actor", "target", "weeks"]).max()
        table: pd.DataFrame = largest.clip(lower=0.0).unstack(["target", "weeks"])
        table.attrs["unit"] = "USD million of value added"
        return table

    @property
    def self_harm(self) -> pd.DataFrame:
        """The actor's own loss under the bundle that hurts most [USD million]."""
        index = self.table["reference"].groupby(["actor", "target", "weeks"]).idxmax()
        worst = self.table.loc[index.to_numpy(), "self_harm"].droplevel("bundle")
        table: pd.DataFrame = worst.unstack(["target", "weeks"])
        table.attrs["unit"] = "USD million of value added"
        return table

    def scenario(self, actor: str, target: str, bundle: str) -> str:
        """Return the name of a ban in :attr:`outcome`.

        Raises
        ------
        UnknownLabelError
            If no such ban was run.
        """
        name = scenario_name(actor, target, bundle)
        if name not in self.outcome.scenarios:
            raise UnknownLabelError(name, "ban", self.outcome.scenarios)
        return name

    @property
    def asymmetry(self) -> pd.DataFrame:
        r"""Asymmetry index of actors that are each other's targets.

        .. math:: AI = \frac{\Lambda_{A\to T} - \Lambda_{T\to A}}
            {\Lambda_{A\to T} + \Lambda_{T\to A}}

        with both as shares of the target's GDP; in [-1, 1], 0 = parity. The comparison of
        mutual losses, not of flows, goes back to Hirschman (1945).
        """
        names = ["actor", "target", "weeks"]
        share = self.table["share_of_gdp"].groupby(names).max().clip(lower=0.0)
        back = share.rename_axis(["target", "actor", "weeks"]).swaplevel("target", "actor")
        both = pd.DataFrame({"there": share, "back": back}).dropna()
        index = (both["there"] - both["back"]) / (both["there"] + both["back"])
        return index.dropna().to_frame("asymmetry")

    def __repr__(self) -> str:
        return (
            f"<Leverage: {len(self.actors)} actors on {len(self.targets)} targets, "
            f"{len(self.bundles)} bundles, {self.draws} draws>"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>{self.table.to_html(max_rows=60)}"
