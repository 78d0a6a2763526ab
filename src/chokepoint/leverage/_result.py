"""What `leverage` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.leverage._frontier import Frontier, frontier
from chokepoint.propagate import Outcome

if TYPE_CHECKING:
    from chokepoint.leverage._study import Study

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
        ``self_harm``, ``self_harm_share`` (over the actor's GDP), ``third_party``, ``unmet`` and
        ``self_unmet`` (final demand that target and actor do not get; no part of a loss), and
        ``onset_weeks`` (first week in which an end-sector site of the target is 5 % below
        baseline).
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
    study : Study, optional
        What was run, for what is computed when asked for.
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
    study: Study | None = field(default=None, repr=False)

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

    @property
    def share(self) -> pd.DataFrame:
        """Gross leverage as a share of the target's GDP of the same weeks; as :attr:`matrix`."""
        largest = self.table["share_of_gdp"].groupby(["actor", "target", "weeks"]).max()
        table: pd.DataFrame = largest.clip(lower=0.0).unstack(["target", "weeks"])
        table.attrs["unit"] = "share of the target's GDP of the same weeks"
        return table

    def frontier(self, actor: str, target: str, **options: Any) -> Frontier:
        """Return the coercion frontier of an actor against a target, searched when asked for.

        Parameters
        ----------
        actor, target : str
            Names of the table.
        **options
            As for :func:`frontier`; `weeks` is the horizon of :attr:`headline` unless given.

        Raises
        ------
        UnknownLabelError
            If there is no such actor or target.
        OptionError
            If the result was put together without its study.
        """
        for name, kind, known in ((actor, "actor", self.actors), (target, "target", self.targets)):
            if name not in known:
                raise UnknownLabelError(name, kind, list(known))
        if self.study is None:
            raise OptionError("Expected a result of leverage(), got one without its study.")
        settings = {"weeks": self.headline[1], "behaviour": self.study.behaviour, **options}
        return frontier(self.study.chain, self.actors[actor], self.targets[target], **settings)

    def leakage(self, actor: str, target: str, bundle: str) -> pd.DataFrame:
        """Return how much of what is stopped reaches the target all the same, by event.

        Columns as in :meth:`chokepoint.Outcome.leakage`; needs a result with every site kept.
        """
        rows = self.outcome.leakage()
        mine = rows.index.get_level_values("scenario") == self.scenario(actor, target, bundle)
        return rows[mine].droplevel("scenario")

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
