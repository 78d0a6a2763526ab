"""Result tables: the place is checked before the work, and written whole or not at all."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from chokepoint._optional import require
from chokepoint.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["add_out", "check_places", "write_tables"]

_FORMATS = (".csv", ".parquet")


def add_out(
    parser: argparse.ArgumentParser, help_: str, *, option: str = "--out", metavar: str = "FILE"
) -> None:
    """Add an option for a table of results."""
    parser.add_argument(
        option, metavar=metavar, type=Path, help=f"{help_}, as .csv or .parquet by its ending"
    )


def check_places(*places: Path | None) -> None:
    """Refuse places that cannot be written to, before the work begins.

    Raises
    ------
    OptionError
        If an ending is not known, two places are one, or a folder cannot be written to.
    MissingDependencyError
        If Parquet is asked for and pyarrow is not installed.
    """
    given = [place for place in places if place is not None]
    if len({place.resolve() for place in given}) < len(given):
        raise OptionError(f"Two options name the same file {given[0]}; name two.")
    for place in given:
        if place.suffix.lower() not in _FORMATS:
            raise OptionError(
                f"Expected a file that ends in {' or '.join(_FORMATS)}, got {place}. "
                "Name it so; the ending decides the format."
            )
        if place.suffix.lower() == ".parquet":
            require("pyarrow", extra="parquet")
        _check_writable(place)


def write_tables(tables: Mapping[Path, pd.DataFrame]) -> None:
    """Write tables so that no reader ever sees half a file.

    Everything is written beside the targets first; the targets are replaced after that.
    """
    parts = {place: _part(place) for place in tables}
    try:
        for place, part in parts.items():
            if place.suffix.lower() == ".parquet":
                tables[place].to_parquet(part, engine="pyarrow", index=False)
            else:
                tables[place].to_csv(part, index=False, lineterminator="\n")
        for place, part in parts.items():
            part.replace(place)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def _check_writable(place: Path) -> None:
    """Refuse a folder, and a file in a folder that takes none."""
    if place.is_dir():
        raise OptionError(f"Expected a file to write to, {place} is a folder. Name a file in it.")
    probe = _part(place)
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OptionError(
            f"Expected a place to write {place.name}, cannot write to the folder {place.parent}: "
            f"{error.strerror}. Name another place."
        ) from error


def _part(place: Path) -> Path:
    return place.with_name(f".{place.name}.{os.getpid()}.part")
