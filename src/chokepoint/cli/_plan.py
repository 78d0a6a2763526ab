"""``chokepoint plan``: what to buy for a budget before threats come true."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from chokepoint.cli._files import add_out, check_places, write_tables
from chokepoint.cli._options import (
    Commands,
    Parser,
    add_chain,
    add_quiet,
    amount,
    load_chain,
    names,
)
from chokepoint.cli._shocks import scenarios_of
from chokepoint.cli._text import Stages, grid, listed, number, say
from chokepoint.cli._threats import add_threats, planning

if TYPE_CHECKING:
    from chokepoint.resilience import Plan

__all__ = ["add"]

_SHOWN = 10
_MEASURES = {
    "kind": "kind",
    "where": "where",
    "quantity": "quantity",
    "unit": "unit",
    "cost_usd_m": "USD million",
}
_VALUES = {
    "kind": "kind",
    "where": "where",
    "usd_per_usd": "USD per USD",
}
_CASES = {
    "case": "case",
    "before": "before",
    "after": "after",
    "saving": "saving",
}


def _risk(text: str) -> tuple[float, float]:
    """Return level and weight of ``LEVEL[:WEIGHT]``."""
    level, _, weight = text.partition(":")
    try:
        return float(level), float(weight or 0.5)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected LEVEL:WEIGHT such as 0.8:0.5, got {text!r}"
        ) from None


def add(commands: Commands[Parser]) -> None:
    """Add the command to a parser."""
    plan = commands.add_parser(
        "plan",
        help="find what to buy for a budget before threats come true",
        description="Find the measures that avoid most of the expected loss for a budget, and say "
        "what they do by the planner's account and in the weekly model.",
        allow_abbrev=False,
    )
    add_chain(plan)
    add_threats(plan)
    plan.add_argument(
        "--budget", metavar="N", type=amount, required=True, help="money in all [USD million]"
    )
    plan.add_argument(
        "--risk",
        metavar="LEVEL:WEIGHT",
        type=_risk,
        help="weight of the worst threats: 0.8:0.5 = half for the mean of the worst fifth",
    )
    plan.add_argument(
        "--whole", metavar="KINDS", type=names, default=[], help="kinds bought whole or not at all"
    )
    plan.add_argument("--pool", metavar="AREAS", type=names, help="allies who keep stocks together")
    plan.add_argument(
        "--service",
        metavar="SHARE",
        type=amount,
        help="least share of demand of critical markets that is served in every threat",
    )
    plan.add_argument(
        "--tolerance",
        metavar="GAP",
        type=amount,
        default=1e-4,
        help="relative gap at which a large plan stops (default: %(default)s)",
    )
    add_out(plan, "what is bought")
    add_out(plan, "what one more USD is worth at every candidate and limit", option="--values")
    add_quiet(plan)
    plan.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    check_places(arguments.out, arguments.values)
    stages = Stages(quiet=arguments.quiet)
    stages.begin(f"reading the chain {arguments.chain}")
    chain = load_chain(arguments.chain)
    threats, weights = scenarios_of(arguments, chain)
    options = planning(arguments, weights, len(threats)) | _extras(arguments)
    from chokepoint.resilience import plan

    stages.begin(f"plan; threats: {len(threats)}")
    found = plan(chain, threats, budget=arguments.budget, **options)
    files = {arguments.out: found.measures, arguments.values: found.values}
    files = {place: held for place, held in files.items() if place is not None}
    write_tables(files)
    _summary(chain.name, found)
    if files:
        say("wrote " + " and ".join(str(place) for place in files))
    return 0


def _extras(arguments: argparse.Namespace) -> dict[str, Any]:
    from chokepoint.program import CVaR
    from chokepoint.resilience import Pool

    found: dict[str, Any] = {"whole": arguments.whole, "tolerance": arguments.tolerance}
    if arguments.risk is not None:
        level, weight = arguments.risk
        found["risk"] = CVaR(level, weight=weight)
    if arguments.pool:
        found["pool"] = Pool(arguments.pool)
    if arguments.service is not None:
        found["service"] = arguments.service
    return found


def _summary(chain: str, found: Plan) -> None:
    """Print one screen: what is bought, what it does, what more money would be worth."""
    say(
        f"{chain}: {found.spent:,.6g} of {found.budget:,.6g} USD million spent, losses of "
        f"{listed(found.targets)} over {found.weeks} weeks"
    )
    say()
    if found.measures.empty:
        say("nothing is bought")
    else:
        rows = found.measures.sort_values("cost_usd_m", ascending=False, kind="stable")
        say(grid(rows, heads=_MEASURES, most=_SHOWN))
    say()
    say("expected loss of value added [USD million], without and with the plan:")
    say(grid(found.summary().reset_index(), heads=_CASES))
    _risks(found)
    say()
    say("loss that the planner avoids by one more USD:")
    say(grid(_best(found), heads=_VALUES, most=_SHOWN))
    if found.gap > 1e-6:
        say(f"within {found.gap:.1e} of the best plan ({found.method})")
    for warning in found.warnings:
        say(f"WARNING: {warning}")


def _risks(found: Plan) -> None:
    if found.risk is None:
        return
    without, left = found.tail_loss
    share = f"{100.0 * (1.0 - found.risk.level):.3g}"
    say(f"worst {share} % of threats, planner: {number(without)} before, {number(left)} after")


def _best(found: Plan) -> Any:
    """Return the limits of money, then what is worth most."""
    values = found.values
    money = values["kind"].eq("budget")
    ranked = values[~money].sort_values("usd_per_usd", ascending=False, kind="stable")
    import pandas as pd

    worth = ranked[ranked["usd_per_usd"] > 0]
    return pd.concat([values[money], worth])
