"""Rows that stand under a licence of their own: split off on writing, joined again on reading.

A source may carry a licence that the rest of a chain does not have (non-commercial, share-alike).
Rows that cite it, and flows out of or into a site or market that does, are kept in a resource of
their own, so that whoever needs the rest alone can leave those files out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from chokepoint import schema

__all__ = [
    "Part",
    "described_licence",
    "licence_name",
    "parts_of",
    "suffixes",
    "table_of",
]

_AND = "_and_"
_CREATIVE = re.compile(r"CC-(BY(?:-NC)?(?:-SA|-ND)?)-(\d\.\d)")
_WORDS = {
    "BY": "Attribution",
    "NC": "NonCommercial",
    "SA": "ShareAlike",
    "ND": "NoDerivatives",
}
_OTHERS = {
    "CC0-1.0": ("CC0 1.0 Universal", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "ODBL-1.0": ("Open Database License 1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a table that go into one file.

    Attributes
    ----------
    table : str
        Table kind.
    rows : DataFrame
        The rows, in the order of the table.
    licences : tuple of str
        Licences of their sources, sorted; empty = those of the whole chain.
    """

    table: str
    rows: pd.DataFrame
    licences: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the file without its ending: the table, and the licences if there are any."""
        more = _AND.join(_slug(licence) for licence in self.licences)
        return f"{self.table}_{more}" if more else self.table


def licence_name(cell: str) -> str:
    """Return the name that licence lists give to a licence.

    Examples
    --------
    >>> licence_name("CC BY-NC 4.0")
    'CC-BY-NC-4.0'
    """
    return re.sub(r"\s+", "-", cell.strip())


def described_licence(name: str) -> dict[str, str]:
    """Return a licence as data packages state it: name, and title and path where known.

    Examples
    --------
    >>> described_licence("CC-BY-4.0")["path"]
    'https://creativecommons.org/licenses/by/4.0/'
    """
    found = _CREATIVE.fullmatch(name.upper())
    if found:
        letters, version = found[1], found[2]
        title = "-".join(_WORDS[letter] for letter in letters.split("-"))
        path = f"https://creativecommons.org/licenses/{letters.lower()}/{version}/"
        title = f"Creative Commons {title} {version} International"
        return {"name": name, "title": title, "path": path}
    if name.upper() in _OTHERS:
        title, path = _OTHERS[name.upper()]
        return {"name": name, "title": title, "path": path}
    return {"name": name}


def parts_of(tables: Mapping[str, pd.DataFrame], *, own: Iterable[str] = ()) -> list[Part]:
    """Return the tables with rows, cut into the parts that go into one file each.

    Parameters
    ----------
    tables : mapping of DataFrame
        Completed tables.
    own : iterable of str
        Licences of the whole chain: rows whose sources carry no other stay with the rest.
    """
    carried = _carried(tables["sources"], {licence_name(name) for name in own})
    of_row = {
        table: _licences(frame["source"], carried)
        for table, frame in tables.items()
        if carried and "source" in frame.columns
    }
    # Sources themselves are facts about documents.
    of_row.pop("sources", None)
    if of_row:
        of_row["flows"] = _flow_licences(tables, of_row)
    parts = []
    for table, frame in tables.items():
        licences = of_row.get(table, [()] * len(frame))
        for chosen in sorted(set(licences)):
            inside = np.fromiter((one == chosen for one in licences), bool, len(frame))
            parts.append(Part(table, frame[inside], chosen))
    return parts


def suffixes(sources: pd.DataFrame) -> frozenset[str]:
    """Return what licences of a raw table of sources add to the names of files."""
    cells = sources["licence"] if "licence" in sources.columns else ()
    return frozenset(_slug(str(cell)) for cell in cells if str(cell).strip())


def table_of(stem: str, known: frozenset[str]) -> str | None:
    """Return the table that a file belongs to, None if it is none.

    Parameters
    ----------
    stem : str
        Name of a file without its ending.
    known : frozenset of str
        What the licences of the chain's sources add to names of files.

    Examples
    --------
    >>> table_of("sites_cc_by_nc_4_0", frozenset({"cc_by_nc_4_0"}))
    'sites'
    """
    if stem in schema.TABLE_NAMES:
        return stem
    table, _, rest = stem.partition("_")
    licensed = table in schema.TABLE_NAMES and rest and known.issuperset(rest.split(_AND))
    return table if licensed else None


def _slug(licence: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", licence.strip().lower()).strip("_")


def _carried(sources: pd.DataFrame, own: set[str]) -> dict[str, str]:
    """Return the licence of each source that carries one of its own."""
    cells = zip(sources["source"], sources["licence"], strict=True)
    return {
        source: licence_name(licence)
        for source, licence in cells
        if licence and licence_name(licence) not in own
    }


def _licences(cells: pd.Series, carried: Mapping[str, str]) -> list[tuple[str, ...]]:
    of_cell = {
        cell: tuple(sorted({carried[one] for one in schema.split_list(cell) if one in carried}))
        for cell in cells.unique()
    }
    return [of_cell[cell] for cell in cells]


def _flow_licences(
    tables: Mapping[str, pd.DataFrame], of_row: Mapping[str, list[tuple[str, ...]]]
) -> list[tuple[str, ...]]:
    """Return the licences of flows: their own and those of the rows at both ends."""
    of_node: dict[str, tuple[str, ...]] = {}
    for table, label in (("sites", "site"), ("markets", "market")):
        of_node |= dict(zip(tables[table][label], of_row[table], strict=True))
    flows = tables["flows"]
    ends = zip(of_row["flows"], flows["supplier"], flows["buyer"], strict=True)
    return [
        tuple(sorted({*own, *of_node[supplier], *of_node[buyer]})) for own, supplier, buyer in ends
    ]
