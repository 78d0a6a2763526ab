"""Which areas and products a code, bloc, group or list of them stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from chokepoint.errors import UnknownLabelError
from chokepoint.schema import WORLD, split_list

__all__ = ["select_areas", "select_products"]


def select_areas(
    tables: Mapping[str, pd.DataFrame], names: str | Iterable[str] | None
) -> tuple[str, ...]:
    """Return the areas, in the order of `countries`, that the names stand for."""
    countries = tables["countries"]
    sets: dict[str, list[str]] = {WORLD: list(countries["area"])}
    for area, cell in zip(countries["area"], countries["blocs"], strict=True):
        for bloc in split_list(cell):
            sets.setdefault(bloc, []).append(area)
    # A code wins over a bloc of the same name.
    sets.update({area: [area] for area in countries["area"]})
    return _select(sets, list(countries["area"]), names, "country or bloc")


def select_products(
    tables: Mapping[str, pd.DataFrame], names: str | Iterable[str] | None
) -> tuple[str, ...]:
    """Return the products, in the order of `products`, that the names stand for."""
    products = tables["products"]
    sets: dict[str, list[str]] = {}
    for product, group in zip(products["product"], products["group"], strict=True):
        if group:
            sets.setdefault(group, []).append(product)
    sets.update({product: [product] for product in products["product"]})
    return _select(sets, list(products["product"]), names, "product or group")


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
