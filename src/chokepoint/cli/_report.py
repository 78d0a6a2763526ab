"""``chokepoint report``: the main result as a page and a ledger."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from chokepoint.cli._options import Commands, Parser, add_chain, add_quiet, count
from chokepoint.cli._text import say
from chokepoint.errors import OptionError

__all__ = ["add"]

_FAST = "CHOKEPOINT_FAST"


def add(commands: Commands[Parser]) -> None:
    """Add the command to a parser."""
    report = commands.add_parser(
        "report",
        help="write the main result as one page and a table of figures",
        description="Write what bans on the goods of a chain cost whom, for how long, how sure "
        "that is, and which measures reduce it: one HTML page that opens without a network, and "
        f"the ledger of its figures as CSV. With {_FAST}=1 in the environment: few draws, short.",
        allow_abbrev=False,
    )
    add_chain(report)
    report.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        default=Path("report.html"),
        help="the page (default: %(default)s)",
    )
    report.add_argument("--data", metavar="FILE", type=Path, help="the ledger as CSV")
    report.add_argument(
        "--draws",
        metavar="N",
        type=count,
        help="draws of the data behind each interval; 0 = no interval",
    )
    report.add_argument(
        "--seed",
        metavar="N",
        type=count,
        default=1,
        help="seed of the draws (default: %(default)s)",
    )
    add_quiet(report)
    report.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from chokepoint.report import build_report, check_writable

    files = [arguments.out, *([arguments.data] if arguments.data else [])]
    if len({path.resolve() for path in files}) < len(files):
        raise OptionError(f"--out and --data name the same file {arguments.out}; name two.")
    for path in files:
        check_writable(path)
    report = build_report(
        arguments.chain,
        draws=arguments.draws,
        rng=arguments.seed,
        fast=os.environ.get(_FAST, "0") not in ("", "0"),
        progress=not arguments.quiet,
    )
    report.write(arguments.out, arguments.data)
    say(report.headline)
    say("wrote " + " and ".join(str(path) for path in files))
    return 0
