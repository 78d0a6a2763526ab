"""``chokepoint compare``: strategies against each other, judged by the weekly model."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from chokepoint.cli._files import add_out, check_places, write_tables
from chokepoint.cli._options import (
    Commands,
    Parser,
    add_chain,
    add_draws,
    add_quiet,
    amounts,
    load_chain,
    names,
)
from chokepoint.cli._shocks import scenarios_of
from chokepoint.cli._text import Stages, grid, listed, number, say
from chokepoint.cli._threats import add_threats, planning

if TYPE_CHECKING:
    from chokepoint.resilience import Comparison

__all__ = ["add"]

_HEADS = {
    "strategy": "strategy",
    "spent": "spent",
    "residual": "left",
    "saving": "saved",
    "saving_low": "low",
    "saving_high": "high",
    "stressed_saving": "stressed",
    "promise": "promised",
    "regret": "regret",
    "seconds": "seconds",
    "verdict": "verdict",
}


def add(commands: Commands[Parser]) -> None:
    """Add the command to a parser."""
    compare = commands.add_parser(
        "compare",
        help="hold strategies against each other",
        description="Hold strategies against each other: the same threats, budgets and draws of "
        "the data for all, judged by what the weekly model saves.",
        allow_abbrev=False,
    )
    add_chain(compare)
    add_threats(compare)
    compare.add_argument(
        "--budgets", metavar="N,N", type=amounts, required=True, help="money [USD million]"
    )
    compare.add_argument(
        "--strategies", metavar="NAMES", type=names, help="strategies (default: all that there are)"
    )
    add_draws(compare, default=0)
    add_out(compare, "figures by strategy and budget")
    add_out(compare, "losses by strategy, budget and threat", option="--losses")
    add_quiet(compare)
    compare.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    check_places(arguments.out, arguments.losses)
    stages = Stages(quiet=arguments.quiet)
    stages.begin(f"reading the chain {arguments.chain}")
    chain = load_chain(arguments.chain)
    threats, weights = scenarios_of(arguments, chain)
    options = planning(arguments, weights, len(threats))
    if arguments.strategies:
        options["strategies"] = arguments.strategies
    from chokepoint.resilience import compare

    stages.begin(f"strategies; threats: {len(threats)}")
    found = compare(
        chain,
        threats,
        budgets=arguments.budgets,
        draws=arguments.draws,
        rng=arguments.seed,
        progress=False,
        **options,
    )
    files = {arguments.out: found.table, arguments.losses: found.losses}
    files = {place: held.reset_index() for place, held in files.items() if place is not None}
    write_tables(files)
    _summary(chain.name, found)
    if files:
        say("wrote " + " and ".join(str(place) for place in files))
    return 0


def _summary(chain: str, found: Comparison) -> None:
    """Print one screen: the strategies at each budget, the best first."""
    before = float((found.without["reference"] * found.probabilities).sum())
    say(
        f"{chain}: losses of {listed(found.targets)} over {found.weeks} weeks "
        "[USD million of value added, expected]"
    )
    say(f"without any plan: {number(before)} in the reference case")
    drawn = not found.samples.empty
    heads = {k: v for k, v in _HEADS.items() if drawn or k not in ("saving_low", "saving_high")}
    table = found.table.reset_index()
    for budget in found.budgets:
        rows = table[table["budget"] == budget].sort_values("residual", kind="stable")
        say()
        say(f"with {budget:,.6g} USD million:")
        say(grid(rows, heads=heads))
    say()
    say("saved: by the weekly model; promised: by the planner; stressed: saved with thin stocks,")
    say("early throttling and no change of supplier; regret: left more than the best strategy")
    if drawn:
        say(f"low, high: 5th and 95th percentile of {found.samples.shape[1]} draws of the data")
    for warning in found.warnings:
        say(f"WARNING: {warning}")
