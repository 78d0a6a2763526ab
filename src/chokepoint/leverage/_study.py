"""The runs behind a leverage table: who bans what against whom, and what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.datasets import draw
from chokepoint.leverage._reach import reach
from chokepoint.leverage._result import scenario_name
from chokepoint.leverage._variants import stressed, variants
from chokepoint.propagate import WEEKS_PER_YEAR, Behaviour, Outcome, simulate
from chokepoint.scenario import ExportBan, Scenario

__all__ = ["Study"]

Members = Mapping[str, tuple[str, ...]]
KEYS = ["actor", "target", "bundle", "weeks"]
INTERVAL = (5.0, 95.0)


@dataclass(frozen=True)
class Study:
    """A set of bans on one chain and the settings they are run with.

    Attributes
    ----------
    chain : SupplyChain
        The chain.
    actors, targets, bundles : mapping of name to labels
        Who bans, against whom, and which products.
    horizons : sequence of int
        Weeks over which damage is counted, ascending.
    behaviour : Behaviour
        Settings of the reference run.
    progress : bool, optional
        Show progress bars.
    """

    chain: SupplyChain
    actors: Members
    targets: Members
    bundles: Members
    horizons: Sequence[int]
    behaviour: Behaviour
    progress: bool | None

    def scenarios(self, *, bundle: str | None = None) -> dict[tuple[str, str, str], Scenario]:
        """Return the bans by (actor, target, bundle); nobody is its own target."""
        chosen = self.bundles if bundle is None else {bundle: self.bundles[bundle]}
        return {
            (actor, target, name): Scenario(
                scenario_name(actor, target, name), self._bans(actor, target, held)
            )
            for actor, target in self.pairs()
            for name, held in chosen.items()
        }

    def _bans(self, actor: str, target: str, products: tuple[str, ...]) -> list[ExportBan]:
        """Return the ban, or nothing where the actor sells the target none of the products."""
        ban = ExportBan(by=self.actors[actor], against=self.targets[target], products=products)
        return [ban] if ban.matches(self.chain) else []

    def pairs(self) -> list[tuple[str, str]]:
        """Return the pairs of actor and target that have no area in common."""
        return [
            (actor, target)
            for actor in self.actors
            for target in self.targets
            if not set(self.actors[actor]) & set(self.targets[target])
        ]

    def reference(self) -> Outcome:
        """Return the reference run of all bans, with every site kept."""
        return simulate(
            self.chain,
            list(self.scenarios().values()),
            weeks=self.horizons[-1],
            behaviour=self.behaviour,
            progress=self.progress,
        )

    def stressed(self) -> Outcome:
        """Return the run with stocks at their low, slowing down at once, and no switching."""
        return simulate(
            stressed(self.chain),
            list(self.scenarios().values()),
            weeks=self.horizons[-1],
            behaviour=Behaviour(switching=False),
            record="country",
            progress=self.progress,
        )

    def table(self, reference: Outcome, tight: Outcome) -> pd.DataFrame:
        """Return damage, self-harm and the rest by (actor, target, bundle, weeks)."""
        onset = reference.time_to_impact()
        rows = {}
        for horizon in self.horizons:
            loss, worse = reference.loss(weeks=horizon), tight.loss(weeks=horizon)
            for (actor, target, bundle), scenario in self.scenarios().items():
                mine = loss.loc[[scenario.name]]
                hit = self.targets[target]
                damage = _of(mine, hit).item()
                harm = _of(mine, self.actors[actor]).item()
                income = self._gdp(hit)
                rows[actor, target, bundle, horizon] = {
                    "planner": np.nan,
                    "reference": damage,
                    "stressed": _of(worse.loc[[scenario.name]], hit).item(),
                    "low": np.nan,
                    "high": np.nan,
                    "share_of_gdp": damage / (income * horizon / WEEKS_PER_YEAR),
                    "share_of_annual_gdp": damage / income,
                    "self_harm": harm,
                    "third_party": mine.to_numpy().sum() - damage - harm,
                    "onset_weeks": _present(onset.loc[[scenario.name]], hit).min(axis=1).item(),
                }
        table = _frame(rows, KEYS)
        table.attrs["unit"] = "USD million of value added; shares of GDP; weeks"
        return table

    def _gdp(self, areas: Sequence[str]) -> float:
        """Return the yearly GDP of areas; not a number if one of them has none."""
        gdp = self.chain.countries.set_index("area")["gdp_usd_m"]
        return float(np.sum(gdp.reindex(list(areas)).to_numpy(dtype=float)))

    def planner(self, bundle: str, horizons: Sequence[int]) -> pd.Series:
        """Return the planner's lower bound, from the recourse program in four-week periods."""
        from chokepoint.resilience import recourse

        bounds = {
            (*key, horizon): recourse(
                self.chain,
                scenario,
                targets=self.targets[key[1]],
                weeks=horizon,
                period=4,
                scarcity=self.behaviour.scarcity,
            ).loss_total
            for horizon in horizons
            for key, scenario in self.scenarios(bundle=bundle).items()
        }
        return pd.Series(bounds, dtype=float)

    def interval(
        self, bundle: str, *, draws: int, rng: np.random.Generator | int | None
    ) -> pd.DataFrame:
        """Return the 5th and 95th percentile of the reference damage over draws of the data."""
        scenarios = self.scenarios(bundle=bundle)
        outcome = simulate(
            draw(self.chain, draws, rng=rng),
            list(scenarios.values()),
            weeks=self.horizons[-1],
            behaviour=self.behaviour,
            record="country",
            progress=self.progress,
        )
        rows = {}
        for horizon in self.horizons:
            loss = outcome.loss(weeks=horizon)
            names = loss.index.get_level_values("scenario").to_series()
            for key, scenario in scenarios.items():
                damage = _of(loss[names.eq(scenario.name).to_numpy()], self.targets[key[1]])
                low, high = np.percentile(damage, INTERVAL)
                rows[(*key, horizon)] = {"low": low, "high": high}
        return _frame(rows, KEYS)

    def assumptions(self, bundle: str, horizon: int) -> pd.DataFrame:
        """Return the damage with one assumption at a time moved to the ends of its range."""
        rows: dict[tuple[str, ...], dict[str, float | str]] = {}
        for actor, areas in self.actors.items():
            mine = {k: s for k, s in self.scenarios(bundle=bundle).items() if k[0] == actor}
            if not mine:
                continue
            for variant in variants(
                self.chain, self.behaviour, owner=areas, products=self.bundles[bundle]
            ):
                loss = simulate(
                    variant.chain,
                    list(mine.values()),
                    weeks=horizon,
                    behaviour=variant.behaviour,
                    record="country",
                    progress=self.progress,
                ).loss()
                for (_, target, _), scenario in mine.items():
                    row = rows.setdefault((actor, target, variant.assumption), {})
                    row[variant.end] = _of(loss.loc[[scenario.name]], self.targets[target]).item()
                    row[f"{variant.end}_setting"] = variant.setting
        table = _frame(rows, ["actor", "target", "assumption"])
        table.attrs["unit"] = "USD million of value added"
        return table

    def not_reached(self, bundle: str) -> pd.DataFrame:
        """Return how the banned goods enter each target besides the flows that are stopped."""
        tables = {
            (actor, target): reach(
                self.chain,
                by=self.actors[actor],
                against=self.targets[target],
                products=self.bundles[bundle],
            )
            for actor, target in self.pairs()
        }
        return pd.concat(tables, names=["actor", "target"]).sort_index()


def _present(table: pd.DataFrame, areas: Sequence[str]) -> pd.DataFrame:
    """Return the columns of areas that are in the chain; the others have nothing to lose."""
    return table[[area for area in areas if area in table.columns]]


def _of(loss: pd.DataFrame, areas: Sequence[str]) -> pd.Series:
    return _present(loss, areas).sum(axis=1)


def _frame(rows: Mapping[Any, Mapping[str, Any]], names: list[str]) -> pd.DataFrame:
    table = pd.DataFrame.from_dict(dict(rows), orient="index")
    table.index = pd.MultiIndex.from_tuples(list(rows), names=names)
    return table.sort_index()
