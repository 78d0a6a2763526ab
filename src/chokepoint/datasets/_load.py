"""Find and read the shipped chains."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from chokepoint.chain import SupplyChain
from chokepoint.errors import UnknownLabelError

__all__ = ["load", "names"]

_PACKAGE = Path(__file__).resolve().parents[1]
_PLACES = (
    # inside an installed wheel, then in a checkout (src/chokepoint beside data/)
    _PACKAGE / "_data" / "supply_chains",
    _PACKAGE.parents[1] / "data" / "supply_chains",
)


def names() -> tuple[str, ...]:
    """Return the names of the shipped chains, sorted.

    Examples
    --------
    >>> isinstance(names(), tuple)
    True
    """
    return tuple(sorted(_folders()))


def load(name: str) -> SupplyChain:
    """Return a shipped chain by name.

    Parameters
    ----------
    name : str
        One of :func:`names`.

    Returns
    -------
    SupplyChain
        The chain; reading and validation happen once a session.

    Raises
    ------
    UnknownLabelError
        If no chain of that name is shipped; the message offers the nearest name.
    TableError
        If its tables break a rule.

    Examples
    --------
    >>> load("rare_earth")
    Traceback (most recent call last):
    ...
    chokepoint.errors.UnknownLabelError: ...
    """
    folders = _folders()
    if name not in folders:
        raise UnknownLabelError(name, "shipped chain", folders)
    return _read(folders[name])


@cache
def _read(folder: Path) -> SupplyChain:
    return SupplyChain.read(folder)


def _folders() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for place in _PLACES:
        if place.is_dir():
            for folder in place.iterdir():
                if (folder / "products.csv").is_file():
                    found.setdefault(folder.name, folder)
    return found
