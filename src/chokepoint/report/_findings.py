"""Everything a report says, computed; nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import product
from typing import Any

import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.leverage import Leverage, stressed, time_to_survive
from chokepoint.leverage import Study as Bans
from chokepoint.propagate import Behaviour, Outcome, simulate
from chokepoint.report._plans import TargetPlan, make_plans
from chokepoint.report._settings import Settings
from chokepoint.report._stages import Stages
from chokepoint.report._study import Study, bundles_of
from chokepoint.scenario import ExportBan, Scenario

__all__ = ["Damage", "Findings", "Swing", "ban", "compute"]


@dataclass(frozen=True)
class Damage:
    """One row of a leverage table; money in USD million, blank where not computed."""

    planner: float
    reference: float
    stressed: float
    low: float
    high: float
    share_of_gdp: float
    share_of_annual_gdp: float
    self_harm: float
    third_party: float
    onset_weeks: float


@dataclass(frozen=True)
class Swing:
    """Damage with one assumption at its ends [USD million]."""

    assumption: str
    low: float
    high: float
    low_setting: str
    high_setting: str

    def size(self, reference: float) -> float:
        """Return the distance between the largest and the smallest figure."""
        values = (self.low, self.high, reference)
        return max(values) - min(values)


@dataclass(frozen=True)
class Findings:
    """Results behind a report.

    Attributes
    ----------
    chain : SupplyChain
        The chain.
    load_call : str
        Python expression that gives the chain.
    study : Study
        What was asked.
    settings : Settings
        How much was computed.
    bundles : dict
        Bundles of goods: names of products and groups.
    main : Leverage
        Materials, and materials with parts, over all horizons, with band and interval.
    damages : dict
        What every ban costs, by (target, bundle, weeks); single groups at the headline horizon.
    survival : DataFrame
        Least weeks until a stopped flow is felt, (target, tier, stage) x (thinnest, typical).
    sectors, tight_sectors : DataFrame
        Loss by product and target at the headline horizon, in the reference and in the
        stressed case [USD million].
    by_country : DataFrame
        Loss of every country under each headline ban, target x country [USD million].
    plans : dict
        What each target could buy and what that saves; empty where nothing is on offer.
    seconds : dict
        Time by stage.
    """

    chain: SupplyChain
    load_call: str
    study: Study
    settings: Settings
    bundles: Mapping[str, list[str]]
    main: Leverage
    damages: Mapping[tuple[str, str, int], Damage]
    survival: pd.DataFrame
    sectors: pd.DataFrame
    tight_sectors: pd.DataFrame
    by_country: pd.DataFrame
    plans: Mapping[str, TargetPlan]
    seconds: Mapping[str, float]

    @property
    def targets(self) -> dict[str, tuple[str, ...]]:
        """Names of the targets and their areas."""
        return self.main.targets

    @property
    def groups(self) -> list[str]:
        """Names of the groups that were banned alone."""
        return [name for name in self.bundles if name not in self.main.bundles]

    def damage(self, target: str, bundle: str | None = None, weeks: int | None = None) -> Damage:
        """Return what a ban costs a target; the headline where nothing else is named."""
        key = (target, bundle or self.study.narrow, weeks or self.settings.headline)
        return self.damages[key]

    def swings(self, target: str) -> list[Swing]:
        """Return the one-at-a-time table of a headline, the widest swing first."""
        table = self.main.assumptions.xs((self.study.actor, target), level=("actor", "target"))
        rows = [
            Swing(
                str(row["assumption"]),
                float(row["low"]),
                float(row["high"]),
                str(row["low_setting"]),
                str(row["high_setting"]),
            )
            for row in table.reset_index().to_dict("records")
        ]
        reference = self.damage(target).reference
        return sorted(rows, key=lambda swing: -swing.size(reference))


def _damages(table: pd.DataFrame, bans: Bans) -> dict[tuple[str, str, int], Damage]:
    """Return the rows of a leverage table by bundle, target and weeks, in the order given."""
    names = [one.name for one in fields(Damage)]
    rows: Any = table[names].to_dict("index")
    found = {
        (target, bundle, weeks): Damage(**{name: float(row[name]) for name in names})
        for (_, target, bundle, weeks), row in rows.items()
    }
    order = product(bans.bundles, bans.targets, bans.horizons)
    return {
        (target, bundle, weeks): found[target, bundle, weeks] for bundle, target, weeks in order
    }


def ban(chain: SupplyChain, study: Study, target: str, products: list[str]) -> Scenario:
    """Return a complete and permanent export ban of the study's actor.

    Where the actor sells the target none of the products, nothing happens.
    """
    event = ExportBan(by=study.actor, against=target, products=products)
    return Scenario(f"{study.actor} stops {target}", [event] if event.matches(chain) else [])


def compute(
    chain: SupplyChain, load_call: str, study: Study, settings: Settings, stages: Stages
) -> Findings:
    """Compute everything that a report says, in stages."""
    bundles = bundles_of(chain, study)
    large = (study.narrow, study.wide)
    single = {name: held for name, held in bundles.items() if name not in large}
    bans = _bans(chain, study, {name: bundles[name] for name in large}, settings.weeks)
    main = _headline(bans, study, settings, stages)
    damages = _damages(main.table, bans)
    if single:
        with stages.stage(f"bans on each of {len(single)} product groups"):
            alone = _bans(chain, study, single, (settings.headline,))
            damages |= _damages(alone.table(alone.reference(), alone.stressed()), alone)
    with stages.stage("where and when it hurts"):
        survival = _survival(chain, study, bundles[study.narrow])
        sectors = _sectors(main.outcome, main, study, settings.headline)
        tight_sectors = _sectors(_tight(bans, study), main, study, settings.headline)
        by_country = _by_country(main, study, settings.headline)
    with stages.stage("a plan for each target, simulated again"):
        plans = make_plans(
            chain,
            {name: ban(chain, study, name, bundles[study.narrow]) for name in study.targets},
            budget=study.budget_usd_m,
            weeks=settings.headline,
        )
    return Findings(
        chain=chain,
        load_call=load_call,
        study=study,
        settings=settings,
        bundles=bundles,
        main=main,
        damages=damages,
        survival=survival,
        sectors=sectors,
        tight_sectors=tight_sectors,
        by_country=by_country,
        plans=plans,
        seconds=stages.seconds,
    )


def _bans(
    chain: SupplyChain, study: Study, bundles: Mapping[str, list[str]], weeks: tuple[int, ...]
) -> Bans:
    return Bans(
        chain,
        actors={study.actor: chain.areas(study.actor)},
        targets={name: chain.areas(name) for name in study.targets},
        bundles={name: chain.products_in(held) for name, held in bundles.items()},
        horizons=weeks,
        behaviour=Behaviour(),
        progress=None,
    )


def _headline(bans: Bans, study: Study, settings: Settings, stages: Stages) -> Leverage:
    """Return leverage of the two large bundles; as `leverage`, stage by stage."""
    count = len(bans.scenarios())
    with stages.stage(f"{count} bans over {settings.weeks[-1]} weeks, reference and stressed"):
        reference = bans.reference()
        table = bans.table(reference, bans.stressed())
    if settings.planner:
        with stages.stage(f"planner over {' and '.join(map(str, settings.planner))} weeks"):
            bounds = bans.planner(study.narrow, settings.planner)
            table["planner"] = bounds.reindex(table.index)
    with stages.stage("one assumption at a time"):
        assumptions = bans.assumptions(study.narrow, settings.headline)
    with stages.stage("what the bans do not reach"):
        not_reached = bans.not_reached(study.narrow)
    if settings.draws:
        with stages.stage(f"{settings.draws} draws of the data"):
            interval = bans.interval(study.narrow, draws=settings.draws, rng=settings.rng)
            table[["low", "high"]] = interval.reindex(table.index)[["low", "high"]]
    return Leverage(
        table=table,
        assumptions=assumptions,
        not_reached=not_reached,
        actors=dict(bans.actors),
        targets=dict(bans.targets),
        bundles=dict(bans.bundles),
        headline=(study.narrow, settings.headline),
        draws=settings.draws,
        outcome=reference,
    )


def _survival(chain: SupplyChain, study: Study, products: list[str]) -> pd.DataFrame:
    """Return the least and the typical cumulative cover by tier for each target [weeks]."""
    facts = chain.products
    stage = dict(zip(facts["product"], facts["stage"], strict=True))
    tables = {}
    for target in study.targets:
        found = time_to_survive(chain, ban(chain, study, target, products), country=target)
        found = found.reset_index()
        found["stage"] = found["product"].map(stage)
        grouped = found.groupby(["tier", "stage"])
        tables[target] = pd.DataFrame(
            {
                "sites": grouped["sites"].sum(),
                "thinnest": grouped["thinnest"].min(),
                "typical": grouped["median"].median(),
            }
        )
    table = pd.concat(tables, names=["target"])
    table.attrs["unit"] = "weeks (sites: count)"
    return table


def _tight(bans: Bans, study: Study) -> Outcome:
    """Return the stressed run of the headline bans with every site kept."""
    return simulate(
        stressed(bans.chain),
        list(bans.scenarios(bundle=study.narrow).values()),
        weeks=max(bans.horizons),
        behaviour=Behaviour(switching=False),
    )


def _sectors(outcome: Outcome, main: Leverage, study: Study, weeks: int) -> pd.DataFrame:
    """Return the loss by product and target under the headline ban [USD million]."""
    lost = outcome.loss(by="site", weeks=weeks)
    nodes = outcome.nodes.loc[lost.columns]
    columns = {}
    for target, areas in main.targets.items():
        row = lost.loc[main.scenario(study.actor, target, study.narrow)]
        inside = nodes["country"].isin(areas)
        columns[target] = row[inside].groupby(nodes.loc[inside, "product"]).sum()
    table = pd.DataFrame(columns).fillna(0.0)
    table.attrs["unit"] = "USD million of value added"
    return table


def _by_country(main: Leverage, study: Study, weeks: int) -> pd.DataFrame:
    lost = main.outcome.loss(weeks=weeks)
    names = [main.scenario(study.actor, target, study.narrow) for target in main.targets]
    table = lost.loc[names]
    table.index = pd.Index(list(main.targets), name="target")
    return table
