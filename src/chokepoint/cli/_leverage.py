"""``chokepoint leverage``: who can hurt whom, how much, how soon, and at what cost to itself."""

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
    counts,
    load_chain,
    names,
)
from chokepoint.cli._text import Stages, grid, say

if TYPE_CHECKING:
    import pandas as pd

    from chokepoint.leverage import Leverage

__all__ = ["add"]

_LEVERS = ("exports", "imports", "controls", "everything")
_SHOWN = 16
_HEADS = {
    "planner": "planner",
    "reference": "reference",
    "stressed": "stressed",
    "low": "low",
    "high": "high",
    "gdp_percent": "% of GDP",
    "self_harm": "self-harm",
    "unmet": "unmet",
    "onset_weeks": "onset",
}


def _groups(text: str) -> dict[str, list[str]]:
    """Return names and what they stand for: ``CHN,West=USA+JPN``."""
    found: dict[str, list[str]] = {}
    for part in names(text):
        name, equals, held = part.partition("=")
        words = [word for word in held.split("+") if word] if equals else [name]
        if not name or not words or name in found:
            raise argparse.ArgumentTypeError(
                f"expected names, or NAME=A+B for several under one name, got {text!r}"
            )
        found[name] = words
    return found


def add(commands: Commands[Parser]) -> None:
    """Add the command to a parser."""
    leverage = commands.add_parser(
        "leverage",
        help="measure what stops of goods cost each target, and their owner",
        description="Measure what a complete stop of goods by each actor costs each target, and "
        "the actor itself, over several horizons.",
        epilog="Several areas or goods under one name: --actors CHN,West=USA+JPN+NLD "
        "--bundles magnets=ndfeb_sintered+bonded",
        allow_abbrev=False,
    )
    add_chain(leverage)
    leverage.add_argument(
        "--actors", metavar="NAMES", type=_groups, required=True, help="areas or blocs that ban"
    )
    leverage.add_argument(
        "--targets",
        metavar="NAMES",
        type=_groups,
        help="areas or blocs that are hit (default: the actors, each by the others)",
    )
    leverage.add_argument(
        "--bundles",
        metavar="GOODS",
        type=_groups,
        help="products or groups that are stopped together (default: each group, and all)",
    )
    leverage.add_argument(
        "--levers",
        metavar="SETS",
        type=names,
        default=[],
        help=f"sets of levers: {', '.join(_LEVERS)}",
    )
    leverage.add_argument(
        "--weeks",
        metavar="N,N",
        type=counts,
        default=[4, 13, 26, 52],
        help="horizons (default: 4,13,26,52)",
    )
    leverage.add_argument(
        "--planner",
        metavar="N,N",
        type=counts,
        default=[],
        help="horizons at which the planner's lower bound is found (slow)",
    )
    add_draws(leverage, default=0)
    add_out(leverage, "figures by actor, target, bundle and horizon")
    add_quiet(leverage)
    leverage.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    check_places(arguments.out)
    stages = Stages(quiet=arguments.quiet)
    stages.begin(f"reading the chain {arguments.chain}")
    chain = load_chain(arguments.chain)
    from chokepoint.leverage import leverage

    stages.begin("bans by each actor on each target")
    options: dict[str, Any] = {"draws": arguments.draws, "rng": arguments.seed}
    found = leverage(
        chain,
        actors=arguments.actors,
        targets=arguments.targets,
        weeks=arguments.weeks,
        bundles=arguments.bundles,
        levers=arguments.levers,
        planner=arguments.planner,
        progress=False,
        **options,
    )
    if arguments.out is not None:
        write_tables({arguments.out: found.table.reset_index()})
    _summary(chain.name, found)
    if arguments.out is not None:
        say(f"wrote {arguments.out}")
    return 0


def _summary(chain: str, found: Leverage) -> None:
    """Print one screen: the headline bundle at its horizon, and the largest over all bundles."""
    bundle, weeks = found.headline
    say(f'{chain}: a stop of "{bundle}" for {weeks} weeks [USD million of value added]')
    say(grid(_at(found, bundle, weeks), heads=_heads(found), most=_SHOWN))
    say()
    say("the bundle that costs the target most, at each horizon:")
    say(grid(_worst(found), heads={"actor": "actor", "target": "target", "weeks": "weeks",
                                   "bundle": "bundle", "reference": "reference",
                                   "self_harm": "self-harm"}, most=_SHOWN))  # fmt: skip
    say()
    say("planner: lower bound; stressed: thin stocks, early throttling, no change of supplier")
    if found.draws:
        say(f"low, high: 5th and 95th percentile of {found.draws} draws of the data")
    say("self-harm: the actor's own loss; unmet: final demand not served, never part of the loss;")
    say("onset: weeks until an end sector of the target is 5 % down")


def _heads(found: Leverage) -> dict[str, str]:
    blank = [name for name in ("planner", "low", "high") if found.table.get(name) is None]
    blank += [
        name
        for name in ("planner", "stressed", "low", "high")
        if name in found.table and found.table[name].isna().all()
    ]
    heads = {"actor": "actor", "target": "target", **_HEADS}
    return {name: head for name, head in heads.items() if name not in blank}


def _at(found: Leverage, bundle: str, weeks: int) -> pd.DataFrame:
    table = found.table.reset_index()
    rows = table[(table["bundle"] == bundle) & (table["weeks"] == weeks)]
    rows = rows.assign(gdp_percent=100.0 * rows["share_of_gdp"])
    return rows.sort_values("reference", ascending=False, kind="stable")


def _worst(found: Leverage) -> pd.DataFrame:
    places = found.table["reference"].groupby(["actor", "target", "weeks"], sort=False).idxmax()
    return found.table.loc[places.to_list()].reset_index()
