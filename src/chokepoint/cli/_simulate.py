"""``chokepoint simulate``: what scenarios cost whom."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from chokepoint.cli._files import add_out, check_places, write_tables
from chokepoint.cli._options import (
    Commands,
    Parser,
    add_chain,
    add_draws,
    add_quiet,
    count,
    load_chain,
    names,
)
from chokepoint.cli._shocks import add_shocks, scenarios_of
from chokepoint.cli._text import Stages, grid, number, say

if TYPE_CHECKING:
    import pandas as pd

    from chokepoint.chain import SupplyChain
    from chokepoint.propagate import Outcome
    from chokepoint.scenario import Scenario

__all__ = ["add"]

_BREAKDOWNS = ("country", "product", "tier", "site", "total")
_SHOWN = 12
_PERIOD = 4
_HEADS = {
    "reference_usd_m": "reference",
    "stressed_usd_m": "stressed",
    "low_usd_m": "low",
    "high_usd_m": "high",
    "unmet_usd_m": "unmet",
    "impact_weeks": "impact",
    "recovery_weeks": "recovery",
}


def add(commands: Commands[Parser]) -> None:
    """Add the command to a parser."""
    simulate = commands.add_parser(
        "simulate",
        help="run scenarios week by week",
        description="Run scenarios week by week and say what they cost whom: loss of value added "
        "at baseline prices, by the reference case, the stressed case and draws of the data.",
        allow_abbrev=False,
    )
    add_chain(simulate)
    add_shocks(simulate)
    simulate.add_argument(
        "--weeks", metavar="N", type=count, default=52, help="weeks (default: %(default)s)"
    )
    simulate.add_argument(
        "--by",
        choices=_BREAKDOWNS,
        default="country",
        help="what losses are broken down by (default: %(default)s)",
    )
    simulate.add_argument(
        "--targets", metavar="AREAS", type=names, help="areas or blocs that are shown (by country)"
    )
    simulate.add_argument(
        "--planner",
        action="store_true",
        help="find the planner's least loss of the targets together: a lower bound (slower)",
    )
    add_draws(simulate, default=20)
    add_out(simulate, "losses by scenario and row")
    add_out(simulate, "losses and unmet demand by scenario, week and country", option="--weekly")
    add_quiet(simulate)
    simulate.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    check_places(arguments.out, arguments.weekly)
    stages = Stages(quiet=arguments.quiet)
    stages.begin(f"reading the chain {arguments.chain}")
    chain = load_chain(arguments.chain)
    scenarios, _ = scenarios_of(arguments, chain)
    shown = chain.areas(arguments.targets) if arguments.targets else None
    from chokepoint.propagate import simulate

    stages.begin(f"{arguments.weeks} weeks, reference and stressed; scenarios: {len(scenarios)}")
    outcome = simulate(chain, scenarios, weeks=arguments.weeks, progress=False)
    table = _table(chain, scenarios, outcome, arguments)
    if arguments.draws:
        stages.begin(f"{arguments.draws} draws of the data")
        table = _with_interval(table, chain, scenarios, arguments)
    totals = table.groupby("scenario", sort=False)[["reference_usd_m", "stressed_usd_m"]].sum()
    if arguments.planner:
        stages.begin("planner's lower bound")
        table = _with_planner(table, chain, scenarios, arguments)
    if shown is not None and arguments.by == "country":
        table = table[table["country"].isin(shown)]
    files = {arguments.out: table, arguments.weekly: outcome.to_frame().reset_index()}
    files = {place: held for place, held in files.items() if place is not None}
    write_tables(files)
    _summary(chain, table, totals, arguments)
    if files:
        say("wrote " + " and ".join(str(place) for place in files))
    return 0


def _table(
    chain: SupplyChain,
    scenarios: list[Scenario],
    outcome: Outcome,
    arguments: argparse.Namespace,
) -> pd.DataFrame:
    """Return a row for each scenario and country (or what else losses are broken down by)."""
    import pandas as pd

    from chokepoint.leverage import stressed
    from chokepoint.propagate import Behaviour, simulate

    worse = simulate(
        stressed(chain),
        scenarios,
        weeks=arguments.weeks,
        behaviour=Behaviour(switching=False),
        progress=False,
    )
    columns = {"reference_usd_m": outcome.loss(by=arguments.by)}
    columns["stressed_usd_m"] = worse.loss(by=arguments.by)
    if arguments.by in ("country", "total"):
        columns["unmet_usd_m"] = outcome.unmet(by=arguments.by)
    if arguments.by == "country":
        columns["impact_weeks"] = outcome.time_to_impact()
        columns["recovery_weeks"] = outcome.time_to_recover()
    long = {
        name: wide.rename_axis(index="scenario", columns=arguments.by).stack()
        for name, wide in columns.items()
    }
    return pd.DataFrame(long).reset_index()


def _with_interval(
    table: pd.DataFrame,
    chain: SupplyChain,
    scenarios: list[Scenario],
    arguments: argparse.Namespace,
) -> pd.DataFrame:
    """Return the table with the 5th and 95th percentile over draws."""
    from chokepoint.datasets import draw
    from chokepoint.propagate import simulate

    draws = draw(chain, arguments.draws, rng=arguments.seed)
    record = "country" if arguments.by in ("country", "total") else "site"
    outcome = simulate(draws, scenarios, weeks=arguments.weeks, record=record, progress=False)  # type: ignore[arg-type]
    grouped = outcome.loss(by=arguments.by).groupby("scenario", sort=False)
    where = list(zip(table["scenario"], table[arguments.by], strict=True))
    for place, (name, level) in enumerate((("low_usd_m", 0.05), ("high_usd_m", 0.95)), start=4):
        wide = grouped.quantile(level)
        long: Any = wide.rename_axis(index="scenario", columns=arguments.by).stack()
        table.insert(place, name, long.reindex(where).tolist())
    return table


def _with_planner(
    table: pd.DataFrame,
    chain: SupplyChain,
    scenarios: list[Scenario],
    arguments: argparse.Namespace,
) -> pd.DataFrame:
    """Return the table with the least loss of all targets together, the same in every row."""
    from chokepoint.resilience import recourse

    least = {
        one.name: recourse(
            chain, one, targets=arguments.targets, weeks=arguments.weeks, period=_PERIOD
        ).loss_total
        for one in scenarios
    }
    return table.assign(planner_together_usd_m=table["scenario"].map(least))


def _summary(
    chain: SupplyChain, table: pd.DataFrame, totals: pd.DataFrame, arguments: argparse.Namespace
) -> None:
    """Print one screen: the largest losses of each scenario."""
    unit = "USD million at baseline prices"
    say(f"{chain.name}, {arguments.weeks} weeks: loss of value added [{unit}]")
    notes = ["stressed: thin stocks, early throttling, no change of supplier"]
    if arguments.draws:
        notes.insert(
            0, f"low, high: 5th and 95th percentile of {arguments.draws} draws of the data"
        )
    if "unmet_usd_m" in table:
        notes.append("unmet: final demand not served [USD million], never part of the loss")
    if "impact_weeks" in table:
        notes.append(
            "impact, recovery: weeks until an end sector is 5 % down, and from then to back"
        )
    heads = {arguments.by: arguments.by, **{k: v for k, v in _HEADS.items() if k in table}}
    scenarios = table["scenario"].drop_duplicates()
    most = max(3, _SHOWN // max(len(scenarios), 1))
    for scenario in scenarios:
        rows = table[table["scenario"] == scenario]
        order = rows["reference_usd_m"].abs().sort_values(ascending=False, kind="stable").index
        everywhere, worse = (number(float(value)) for value in totals.loc[scenario])
        say()
        say(f"{scenario}: {everywhere} in all, {worse} stressed")
        if arguments.planner:
            least = number(float(rows["planner_together_usd_m"].iloc[0]))
            who = ", ".join(arguments.targets) if arguments.targets else "all areas"
            say(f"a planner would lose at least {least} (shortfall of {who} together)")
        say(grid(rows.loc[order], heads=heads, most=most))
    say()
    for note in notes:
        say(note)
