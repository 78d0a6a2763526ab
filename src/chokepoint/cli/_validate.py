"""``chokepoint validate``: the tables of a chain."""

from __future__ import annotations

import argparse
from pathlib import Path

from chokepoint.cli._options import Commands, Parser
from chokepoint.cli._text import say
from chokepoint.errors import TableError

__all__ = ["add"]


def add(commands: Commands[Parser]) -> None:
    """Add the command to a parser."""
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
    validate.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
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
    say(
        f"{chain.name}: {len(tables)} tables in order; {len(chain.products):,} products, "
        f"{kinds.get('site', 0):,} sites, {kinds.get('market', 0):,} markets, "
        f"{len(chain.flows):,} flows; {provenance}"
    )
    return 0
