"""Options that several commands share, and what their words mean."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from chokepoint.errors import OptionError, nearest_label

if TYPE_CHECKING:
    from chokepoint.chain import SupplyChain

__all__ = [
    "Commands",
    "Parser",
    "add_chain",
    "add_draws",
    "add_quiet",
    "amount",
    "amounts",
    "count",
    "counts",
    "load_chain",
    "names",
]


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong with the arguments."""
        raise OptionError(f"{message}; see {self.prog} --help")


Commands = argparse._SubParsersAction


# ---------------------------------------------------------------------------- words to values


def count(text: str) -> int:
    """Return a whole number of at least 0."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 0, got {text!r}")
    return int(text)


def amount(text: str) -> float:
    """Return a number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of at least 0, got {text!r}")
    return value


def names(text: str) -> list[str]:
    """Return the names between commas."""
    found = [part.strip() for part in text.split(",")]
    if not all(found):
        raise argparse.ArgumentTypeError(f"expected names between commas, got {text!r}")
    return found


def _each(kind: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    def parse(text: str) -> list[Any]:
        return [kind(part) for part in names(text)]

    return parse


counts = _each(count)
amounts = _each(amount)


# ------------------------------------------------------------------------------- the options


def add_chain(parser: argparse.ArgumentParser) -> None:
    """Add the chain."""
    parser.add_argument(
        "--chain",
        metavar="NAME",
        default="rare_earths",
        help="a shipped chain or a folder of tables (default: %(default)s)",
    )


def add_draws(parser: argparse.ArgumentParser, default: int) -> None:
    """Add the number of draws of the data and their seed."""
    parser.add_argument(
        "--draws",
        metavar="N",
        type=count,
        default=default,
        help="draws of the data behind each interval; 0 = no interval (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=count,
        default=1,
        help="seed of what is random (default: %(default)s)",
    )


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Add the option that keeps the error stream empty."""
    parser.add_argument("--quiet", action="store_true", help="no progress on the error stream")


def load_chain(name: str) -> SupplyChain:
    """Return a shipped chain, or the chain of a folder.

    Raises
    ------
    OptionError
        If there is neither.
    TableError
        If the tables break their rules.
    """
    from chokepoint import datasets
    from chokepoint.chain import SupplyChain

    if name in datasets.names():
        return datasets.load(name)
    if Path(name).is_dir():
        return SupplyChain.read(name)
    nearest = nearest_label(name, datasets.names())
    raise OptionError(
        f"Expected a shipped chain ({', '.join(datasets.names())}) or a folder of tables, got "
        f'"{name}"' + (f'; closest: "{nearest}".' if nearest else ".")
    )
