"""The command line: ``chokepoint report`` and ``chokepoint validate``.

Results go to files and the standard output, progress and errors to the error stream. Exit codes:
0 done, 2 the input is wrong or something is missing, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from chokepoint.errors import ChokepointError, OptionError, TableError

__all__ = ["main"]

_FAST = "CHOKEPOINT_FAST"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the name of the program; None = those of the process.

    Examples
    --------
    >>> main(["validate", "no_such_folder"])
    2
    """
    try:
        arguments = _parser().parse_args(argv)
        code: int = arguments.run(arguments)
        return code
    except TableError as error:
        _say(str(error))  # one message that collects every problem, a line each
    except ChokepointError as error:
        _say(f"chokepoint: {_one_line(str(error))}")
    except OSError as error:
        _say(f"chokepoint: {error.strerror or error}: {error.filename or ''}".rstrip(": "))
    except KeyboardInterrupt:
        _say("chokepoint: interrupted; no file was changed")
        return 130
    return 2


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        raise OptionError(f"{message}; see {self.prog} --help")


def _parser() -> _Parser:
    from chokepoint import __version__

    parser = _Parser(
        prog="chokepoint",
        description="Supply chains as graphs: what a disruption costs, who gains leverage from "
        "it, and what can be done about it.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"chokepoint {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_report(commands)
    _add_validate(commands)
    return parser


# --------------------------------------------------------------------------------------- report


def _add_report(commands: argparse._SubParsersAction[_Parser]) -> None:
    report = commands.add_parser(
        "report",
        help="write the main result as one page and a table of figures",
        description="Write what bans on the goods of a chain cost whom, for how long, how sure "
        "that is, and which measures reduce it: one HTML page that opens without a network, and "
        f"the ledger of its figures as CSV. With {_FAST}=1 in the environment: few draws, short.",
        allow_abbrev=False,
    )
    options: dict[str, dict[str, Any]] = {
        "--chain": {
            "metavar": "NAME",
            "default": "rare_earths",
            "help": "a shipped chain or a folder of tables (default: %(default)s)",
        },
        "--out": {
            "metavar": "FILE",
            "type": Path,
            "default": Path("report.html"),
            "help": "the page (default: %(default)s)",
        },
        "--data": {"metavar": "FILE", "type": Path, "help": "the ledger as CSV"},
        "--draws": {
            "metavar": "N",
            "type": _count,
            "help": "draws of the data behind each interval; 0 = no interval",
        },
        "--seed": {
            "metavar": "N",
            "type": _count,
            "default": 1,
            "help": "seed of the draws (default: %(default)s)",
        },
    }
    for name, option in options.items():
        report.add_argument(name, **option)
    report.add_argument("--quiet", action="store_true", help="no progress on the error stream")
    report.set_defaults(run=_report)


def _report(arguments: argparse.Namespace) -> int:
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
    print(report.headline)
    print("wrote " + " and ".join(str(path) for path in files))
    return 0


# ------------------------------------------------------------------------------------- validate


def _add_validate(commands: argparse._SubParsersAction[_Parser]) -> None:
    validate = commands.add_parser(
        "validate",
        help="check the tables of a chain",
        description="Check the tables of a chain: columns, types, bounds, references, accounting "
        "identities and, with --provenance, that every number has a range, a source and a grade. "
        "Every problem is reported at once.",
        allow_abbrev=False,
    )
    validate.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="a folder of CSV or Parquet files, or a workbook",
    )
    validate.add_argument(
        "--provenance",
        action="store_true",
        help="list numbers without range, source, grade or derivation as problems",
    )
    validate.set_defaults(run=_validate)


def _validate(arguments: argparse.Namespace) -> int:
    from chokepoint.chain import SupplyChain, read_tables
    from chokepoint.schema import check_provenance

    chain = SupplyChain.read(arguments.folder)
    tables = read_tables(arguments.folder)
    unsourced = check_provenance(tables)
    if unsourced and arguments.provenance:
        raise TableError(unsourced, sizes={name: len(table) for name, table in tables.items()})
    kinds = chain.nodes["kind"].value_counts()
    rows = len({(issue.table, str(issue.row)) for issue in unsourced})
    provenance = (
        f"{rows:,} rows lack a range, a source, a grade or a derivation (--provenance lists them)"
        if rows
        else "every number has a range, a source and a grade"
    )
    print(
        f"{chain.name}: {len(tables)} tables in order; {len(chain.products):,} products, "
        f"{kinds.get('site', 0):,} sites, {kinds.get('market', 0):,} markets, "
        f"{len(chain.flows):,} flows; {provenance}"
    )
    return 0


# -------------------------------------------------------------------------------------- helpers


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 0, got {text!r}")
    return int(text)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _say(text: str) -> None:
    print(text, file=sys.stderr)
