"""The runs behind a leverage table: who bans what against whom, and what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.datasets import draw
from chokepoint.leverage._lever_sets import LeverSet, lever_events
from chokepoint.leverage._reach import reach
from chokepoint.leverage._result import scenario_name
from chokepoint.leverage._variants import one_at_a_time, stressed
from chokepoint.propagate import WEEKS_PER_YEAR, Behaviour, Outcome, simulate
from chokepoint.propagate._recorder import Record
from chokepoint.propagate._simulate import Precision
from chokepoint.scenario import Event, ExportBan, Scenario

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
    levers : sequence of {"exports", "imports", "controls", "everything"}
        Sets of levers that are pulled beside the bundles.
    dtype : {"float64", "float32"}
        Precision of the reference and the stressed run.
    """

    chain: SupplyChain
    actors: Members
    targets: Members
    bundles: Members
    horizons: Sequence[int]
    behaviour: Behaviour
    progress: bool | None
    levers: Sequence[LeverSet] = ()
    dtype: Precision = "float64"

    def scenarios(self, *, bundle: str | None = None) -> dict[tuple[str, str, str], Scenario]:
        """Return what is done by (actor, target, bundle); nobody is its own target."""
        names = [*self.levers, *self.bundles] if bundle is None else [bundle]
        return {
            (actor, target, name): Scenario(
                scenario_name(actor, target, name), self._events(actor, target, name)
            )
            for actor, target in self.pairs()
            for name in names
        }

    def _events(self, actor: str, target: str, name: str) -> list[Event]:
        """Return the events of a bundle or set; none where the actor sells none of the goods."""
        mine, aimed = self.actors[actor], self.targets[target]
        if name not in self.bundles:
            return lever_events(self.chain, name, mine, aimed)
        ban = ExportBan(by=mine, against=aimed, products=self.bundles[name])
        return [ban] if ban.matches(self.chain) else []

    def pairs(self) -> list[tuple[str, str]]:
        """Return the pairs of actor and target that have no area in common."""
        return [
            (actor, target)
            for actor in self.actors
            for target in self.targets
            if not set(self.actors[actor]) & set(self.targets[target])
        ]

    def reference(self, *, record: Record = "site") -> Outcome:
        """Return the reference run of all bans; unless told otherwise every site is kept."""
        return simulate(
            self.chain,
            list(self.scenarios().values()),
            weeks=self.horizons[-1],
            behaviour=self.behaviour,
            record=record,
            dtype=self.dtype,
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
            dtype=self.dtype,
            progress=self.progress,
        )

    def table(self, reference: Outcome, tight: Outcome | None) -> pd.DataFrame:
        """Return damage, self-harm and the rest by (actor, target, bundle, weeks)."""
        keys = list(self.scenarios())
        hit = np.array([_mask(reference, self.targets[target]) for _, target, _ in keys])
        own = np.array([_mask(reference, self.actors[actor]) for actor, _, _ in keys])
        income = np.array([self._gdp(self.targets[target]) for _, target, _ in keys])
        own_income = np.array([self._gdp(self.actors[actor]) for actor, _, _ in keys])
        onset = np.where(hit, reference.time_to_impact().to_numpy(), np.inf).min(axis=1)
        parts = []
        for horizon in self.horizons:
            loss, unmet = (
                table(weeks=horizon).to_numpy() for table in (reference.loss, reference.unmet)
            )
            years = horizon / WEEKS_PER_YEAR
            damage, harm = (loss * hit).sum(axis=1), (loss * own).sum(axis=1)
            worse = np.full(len(keys), np.nan)
            if tight is not None:
                worse = (tight.loss(weeks=horizon).to_numpy() * hit).sum(axis=1)
            columns = {
                "planner": np.nan,
                "reference": damage,
                "stressed": worse,
                "low": np.nan,
                "high": np.nan,
                "share_of_gdp": damage / (income * years),
                "share_of_annual_gdp": damage / income,
                "self_harm": harm,
                "self_harm_share": harm / (own_income * years),
                "third_party": (loss * (~hit & ~own)).sum(axis=1),
                "unmet": (unmet * hit).sum(axis=1),
                "self_unmet": (unmet * own).sum(axis=1),
                "onset_weeks": onset,
            }
            index = pd.MultiIndex.from_tuples([(*key, horizon) for key in keys], names=KEYS)
            parts.append(pd.DataFrame(columns, index=index))
        table = pd.concat(parts).sort_index()
        table.attrs["unit"] = "USD million of value added or of unmet demand; shares of GDP; weeks"
        return table

    def goods(self, bundle: str, actor: Sequence[str]) -> tuple[str, ...]:
        """Return the products of a bundle; of a set of levers, all that the actor makes."""
        if bundle in self.bundles:
            return self.bundles[bundle]
        sites = self.chain.sites
        made = set(sites.loc[sites["country"].isin(list(actor)), "product"])
        return tuple(product for product in self.chain.products_in() if product in made)

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
            ends = one_at_a_time(
                self.chain,
                list(mine.values()),
                weeks=horizon,
                behaviour=self.behaviour,
                owners={"the owner": (areas, self.goods(bundle, areas))},
                progress=self.progress,
            )
            for (assumption, end), (outcome, place, setting) in ends.items():
                loss = pd.DataFrame(outcome.loss().xs(place, level="draw"))
                for (_, target, _), scenario in mine.items():
                    row = rows.setdefault((actor, target, assumption), {})
                    row[end] = _of(loss.loc[[scenario.name]], self.targets[target]).item()
                    row[f"{end}_setting"] = setting
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
                products=self.goods(bundle, self.actors[actor]),
            )
            for actor, target in self.pairs()
        }
        return pd.concat(tables, names=["actor", "target"]).sort_index()


def _mask(outcome: Outcome, areas: Sequence[str]) -> NDArray[np.bool_]:
    """Return which columns belong to the areas; areas without a site have nothing to lose."""
    return np.asarray(outcome.countries.isin(list(areas)))


def _present(table: pd.DataFrame, areas: Sequence[str]) -> pd.DataFrame:
    """Return the columns of areas that are in the chain; the others have nothing to lose."""
    return table[[area for area in areas if area in table.columns]]


def _of(loss: pd.DataFrame, areas: Sequence[str]) -> pd.Series:
    return _present(loss, areas).sum(axis=1)


def _frame(rows: Mapping[Any, Mapping[str, Any]], names: list[str]) -> pd.DataFrame:
    table = pd.DataFrame.from_dict(dict(rows), orient="index")
    table.index = pd.MultiIndex.from_tuples(list(rows), names=names)
    return table.sort_index()
