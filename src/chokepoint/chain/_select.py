"""Which areas and products a code, bloc, group or list of them stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.errors import UnknownLabelError
from chokepoint.schema import WORLD, split_list

__all__ = ["Inside", "select_areas", "select_products"]

BoolArray = NDArray[np.bool_]


def select_areas(
    tables: Mapping[str, pd.DataFrame], names: str | Iterable[str] | None
) -> tuple[str, ...]:
    """Return the areas, in the order of `countries`, that the names stand for."""
    areas = list(tables["countries"]["area"])
    return _select(_area_sets(tables["countries"]), areas, names, "country or bloc")


def select_products(
    tables: Mapping[str, pd.DataFrame], names: str | Iterable[str] | None
) -> tuple[str, ...]:
    """Return the products, in the order of `products`, that the names stand for."""
    products = list(tables["products"]["product"])
    return _select(_product_sets(tables["products"]), products, names, "product or group")


class Inside:
    """Answers for many pairs at once which of them lie between given areas, of given products.

    Parameters
    ----------
    tables : mapping of DataFrame
        Completed tables; `countries` and `products` are used.
    pairs : DataFrame
        Columns product, exporter, importer.
    """

    def __init__(self, tables: Mapping[str, pd.DataFrame], pairs: pd.DataFrame) -> None:
        self._areas = pd.Index(tables["countries"]["area"])
        self._products = pd.Index(tables["products"]["product"])
        self._area_sets = _area_sets(tables["countries"])
        self._product_sets = _product_sets(tables["products"])
        self._exporter = self._areas.get_indexer(pd.Index(pairs["exporter"]))
        self._importer = self._areas.get_indexer(pd.Index(pairs["importer"]))
        self._product = self._products.get_indexer(pd.Index(pairs["product"]))
        self._known: dict[tuple[str, str], BoolArray] = {}
        self.crosses_border: BoolArray = self._exporter != self._importer

    def areas(self, names: str) -> tuple[str, ...]:
        """Return the areas that a cell with codes and blocs stands for."""
        return _select(self._area_sets, list(self._areas), names, "country or bloc")

    def exporters(self, names: str) -> BoolArray:
        """Return which pairs have their exporter among the areas of a cell."""
        return np.asarray(self._area(names)[self._exporter])

    def importers(self, names: str) -> BoolArray:
        """Return which pairs have their importer among the areas of a cell."""
        return np.asarray(self._area(names)[self._importer])

    def products(self, names: str) -> BoolArray:
        """Return which pairs have their product among the products and groups of a cell."""
        key = ("product", names)
        if key not in self._known:
            kind = "product or group"
            chosen = _select(self._product_sets, list(self._products), names, kind)
            self._known[key] = np.asarray(self._products.isin(chosen))
        return np.asarray(self._known[key][self._product])

    def _area(self, names: str) -> BoolArray:
        key = ("area", names)
        if key not in self._known:
            self._known[key] = np.asarray(self._areas.isin(self.areas(names)))
        return self._known[key]


def _area_sets(countries: pd.DataFrame) -> dict[str, list[str]]:
    sets: dict[str, list[str]] = {WORLD: list(countries["area"])}
    for area, cell in zip(countries["area"], countries["blocs"], strict=True):
        for bloc in split_list(cell):
            sets.setdefault(bloc, []).append(area)
    # A code wins over a bloc of the same name.
    sets.update({area: [area] for area in countries["area"]})
    return sets


def _product_sets(products: pd.DataFrame) -> dict[str, list[str]]:
    sets: dict[str, list[str]] = {}
    for product, group in zip(products["product"], products["group"], strict=True):
        if group:
            sets.setdefault(group, []).append(product)
    sets.update({product: [product] for product in products["product"]})
    return sets


def _select(
    sets: Mapping[str, list[str]], order: list[str], names: str | Iterable[str] | None, kind: str
) -> tuple[str, ...]:
    if names is None:
        return tuple(order)
    chosen: set[str] = set()
    for name in split_list(names) if isinstance(names, str) else tuple(names):
        if name not in sets:
            raise UnknownLabelError(name, kind, sets)
        chosen.update(sets[name])
    return tuple(label for label in order if label in chosen)
