"""Which numbers stand behind a part of a chain, and how good they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint import schema
from chokepoint.chain._select import select_areas, select_products
from chokepoint.errors import UnknownLabelError

__all__ = ["Chosen", "Provenance", "provenance_of", "row_names"]

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int32] | NDArray[np.intp]

_GRADES = ("A", "B", "C", "D")
_TEXT = ("confidence", "source", "titles", "derivation")

# Tables whose rows belong to nodes, products or areas, and the columns that name these.
_OF_LABELS = {
    "countries": ("areas", "area"),
    "products": ("products", "product"),
    "sites": ("nodes", "site"),
    "markets": ("nodes", "market"),
    "flows": ("nodes", "supplier", "buyer"),
    "alternatives": ("nodes", "supplier", "buyer"),
    "projects": ("nodes", "site"),
}
# Tables whose rows speak of goods between areas: the column of goods, those of areas.
_OF_TRADE = {
    "trade": ("products", "exporter", "importer"),
    "measures": ("product", "country"),
    "controls": ("products", "owner", "targets"),
    "preferences": ("product", "supplier_country", "buyer_country"),
}


@dataclass(frozen=True)
class Provenance:
    """Numbers of a chain with their ranges, sources and grades.

    Attributes
    ----------
    numbers : DataFrame
        One row per number: table, row (its key), column, value, low, high (blank where no range is
        known), unit, confidence (the grade of its row), source (labels), titles (of the sources),
        derivation. Flows that the library estimated are results of the others and left out.
    """

    _numbers: pd.DataFrame
    _sources: pd.DataFrame

    @property
    def numbers(self) -> pd.DataFrame:
        """The numbers, a copy."""
        return self._numbers.copy()

    @cached_property
    def _grades(self) -> pd.DataFrame:
        table = self._numbers["table"].to_numpy(dtype=object)
        grade = self._numbers["confidence"].to_numpy(dtype=object)
        ranged = (self._numbers["low"].notna() & self._numbers["high"].notna()).to_numpy()
        rows = {name: table == name for name in schema.TABLE_NAMES if (table == name).any()}
        rows["all"] = np.ones(len(table), dtype=bool)
        counts = {
            name: [*(int((grade[mine] == one).sum()) for one in _GRADES),
                   int(mine.sum()), int(ranged[mine].sum())]
            for name, mine in rows.items()
        }  # fmt: skip
        columns = [*_GRADES, "numbers", "ranged"]
        frame = pd.DataFrame.from_dict(counts, orient="index", columns=columns)
        return frame.rename_axis(index="table")

    @property
    def grades(self) -> pd.DataFrame:
        """Numbers by grade: rows are tables and "all", columns A, B, C, D, numbers, ranged."""
        return self._grades.copy()

    @property
    def sources(self) -> pd.DataFrame:
        """The cited sources, most cited first: columns of the table, and numbers that cite them."""
        cited = [one for cell in self._numbers["source"] for one in schema.split_list(cell)]
        counts = pd.Series(cited, dtype="str").value_counts()
        frame = self._sources[self._sources["source"].isin(counts.index)]
        frame = frame.assign(numbers=frame["source"].map(counts).to_numpy(dtype=np.int64))
        order = frame.sort_values("numbers", ascending=False, kind="stable")
        return order.reset_index(drop=True)

    def __len__(self) -> int:
        """Return how many numbers there are."""
        return len(self._numbers)

    def __repr__(self) -> str:
        """Return how many numbers there are, by grade."""
        total = len(self)
        every = dict(self._grades.loc["all"])
        mix = ", ".join(f"{grade} {every[grade] / max(total, 1):.0%}" for grade in _GRADES)
        return f"<Provenance: {total:,} numbers from {len(self.sources):,} sources; {mix}>"

    def _repr_html_(self) -> str:
        """Return the summary by grade as a table."""
        return str(self._grades.to_html())


@dataclass(frozen=True)
class Chosen:
    """The part of a chain that is asked about.

    Attributes
    ----------
    nodes, products, areas : frozenset of str
        Labels of sites and markets, their products and areas.
    rows : frozenset of int
        Rows of `inputs` that the sites use.
    whole : bool
        Whether nothing was left out.
    """

    nodes: frozenset[str]
    products: frozenset[str]
    areas: frozenset[str]
    rows: frozenset[int]
    whole: bool

    @classmethod
    def of(
        cls,
        tables: Mapping[str, pd.DataFrame],
        nodes: pd.DataFrame,
        recipe: pd.DataFrame,
        *,
        products: str | Iterable[str] | None,
        countries: str | Iterable[str] | None,
        sites: str | Iterable[str] | None,
        links: tuple[IntArray, IntArray] | None,
    ) -> Chosen:
        """Choose nodes by product, area and label; with `links` also all that supplies them."""
        good = nodes["product"].isin(select_products(tables, products))
        inside = np.array(good & nodes["country"].isin(select_areas(tables, countries)))
        if sites is not None:
            inside &= _labelled(nodes.index, [sites] if isinstance(sites, str) else list(sites))
        if links is not None:
            processes = nodes.index.get_indexer(pd.Index(nodes["process"]))
            inside = _upstream(inside, *links, processes)
        part = nodes[inside]
        used = recipe.loc[recipe["buyer"].isin(part.index) & (recipe["row"] >= 0), "row"]
        return cls(
            nodes=frozenset(part.index),
            products=frozenset(part["product"]),
            areas=frozenset(part["country"]),
            rows=frozenset(used),
            whole=bool(inside.all()),
        )


def provenance_of(
    tables: Mapping[str, pd.DataFrame], chosen: Chosen, names: str | Iterable[str] | None
) -> Provenance:
    """Return the numbers of the chosen part in the named tables.

    Raises
    ------
    UnknownLabelError
        If there is no table of such a name.
    """
    known = [table for table in schema.TABLE_NAMES if schema.spec(table).measure]
    wanted = known if names is None else [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in known:
            raise UnknownLabelError(name, "table with numbers", known)
    titles = dict(zip(tables["sources"]["source"], tables["sources"]["title"], strict=True))
    frames = [
        _numbers(table, _rows_of(table, tables, chosen), titles)
        for table in schema.TABLE_NAMES
        if table in wanted
    ]
    return Provenance(pd.concat(frames, ignore_index=True), tables["sources"])


def row_names(table: str, rows: pd.DataFrame) -> list[str]:
    """Return the key of each row as one text: its parts that are not blank, joined by bars."""
    spec = schema.spec(table)
    key = list(spec.key) or [c.name for c in spec.columns if c.is_text and c.name not in _TEXT]
    cells = rows[key].itertuples(index=False, name=None)
    return [" | ".join(word for word in words if word) for words in cells]


def _labelled(index: pd.Index, labels: list[str]) -> BoolArray:
    for label in labels:
        if label not in index:
            raise UnknownLabelError(label, "site or market", index)
    return np.asarray(index.isin(labels))


def _upstream(
    inside: BoolArray,
    supplier: IntArray,
    buyer: IntArray,
    processes: IntArray,
) -> BoolArray:
    """Return the nodes inside and all whose output reaches them, processes of children included."""
    child = np.flatnonzero(processes >= 0)
    supplier = np.concatenate([supplier, processes[child]])
    buyer = np.concatenate([buyer, child])
    reached = inside.copy()
    count = 0
    while count != (count := int(reached.sum())):
        reached[supplier[reached[buyer]]] = True
    return reached


def _rows_of(table: str, tables: Mapping[str, pd.DataFrame], chosen: Chosen) -> pd.DataFrame:
    frame = tables[table]
    inside = np.ones(len(frame), dtype=bool) if chosen.whole else _inside(table, tables, chosen)
    if table == "flows":
        inside = inside & (frame["known"] != "estimated").to_numpy()
    return frame[inside]


def _inside(table: str, tables: Mapping[str, pd.DataFrame], chosen: Chosen) -> BoolArray:
    """Return which rows of a table speak of the chosen part."""
    frame = tables[table]
    if table in _OF_LABELS:
        kind, *columns = _OF_LABELS[table]
        return _any(frame[column].isin(getattr(chosen, kind)) for column in columns)
    if table in _OF_TRADE:
        goods, *areas = _OF_TRADE[table]
        good = _meets(frame[goods], chosen.products, lambda cell: select_products(tables, cell))
        area = [
            _meets(frame[column], chosen.areas, lambda cell: select_areas(tables, cell))
            for column in areas
        ]
        return np.asarray(good & np.logical_or.reduce(area))
    if table == "inputs":
        return np.isin(np.arange(len(frame)), list(chosen.rows))
    if table == "joint":
        mine = _any(frame[column].isin(chosen.products) for column in ("process", "product"))
        sites = tables["sites"]
        process = sites.loc[sites["site"].isin(chosen.nodes), "process"]
        return mine & _any([frame["site"].isin([*chosen.nodes, *process, ""])])
    # Figures published by others are compared with results; they drive none.
    return np.zeros(len(frame), dtype=bool)


def _meets(
    cells: pd.Series, chosen: frozenset[str], select: Callable[[str | None], tuple[str, ...]]
) -> BoolArray:
    """Return which cells, of labels, groups and blocs, stand for something chosen.

    A blank cell speaks of all.
    """
    met = {cell: not chosen.isdisjoint(select(cell or None)) for cell in cells.unique()}
    return np.array([met[cell] for cell in cells], dtype=bool)


def _any(flags: Iterable[pd.Series]) -> BoolArray:
    return np.asarray(np.logical_or.reduce([one.to_numpy(dtype=bool) for one in flags]))


def _numbers(table: str, rows: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """Return one row per number of the chosen rows that is not blank, row by row."""
    spec, label = schema.spec(table), row_names(table, rows)
    cited = {
        cell: "; ".join(titles.get(one, one) for one in schema.split_list(cell))
        for cell in rows["source"].unique()
    }
    shared = {
        "confidence": rows["confidence"].to_numpy(),
        "source": rows["source"].to_numpy(),
        "titles": [cited[cell] for cell in rows["source"]],
        "derivation": rows["derivation"].to_numpy(),
    }
    parts = []
    for value, low, high in spec.ranges:
        part = pd.DataFrame(
            {
                "table": table,
                "row": label,
                "column": value,
                "value": rows[value].to_numpy(dtype=np.float64),
                "low": rows[low].to_numpy(dtype=np.float64),
                "high": rows[high].to_numpy(dtype=np.float64),
                "unit": spec.by_name[value].unit,
                **shared,
            }
        )
        parts.append(part.assign(position=np.arange(len(rows))))
    every = pd.concat(parts, ignore_index=True).sort_values("position", kind="stable")
    text = dict.fromkeys(("table", "row", "column", "unit", *_TEXT), "str")
    return every[every["value"].notna()].drop(columns="position").astype(text)
