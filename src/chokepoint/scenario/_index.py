"""Integer codes of a chain, so that events find their flows and sites without searching text.

A chain never changes, so its codes are made once and kept with it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.schema import split_list

__all__ = ["ChainIndex", "Labels", "index_of", "listed", "words"]

Labels = str | Sequence[str]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

_KEY = "scenario index"


class ChainIndex:
    """Who sells what to whom, as codes.

    Attributes
    ----------
    areas, products : list of str
        Labels that the codes stand for.
    node : dict
        Position of each site and market by label.
    is_market : array of bool (N,)
        Markets, as against sites.
    node_area, node_product : array of int (N,)
        Codes of area and product.
    supplier, buyer : array of int (E,)
        Positions of the two ends of each flow.
    seller_area, buyer_area, edge_product : array of int (E,)
        Codes of the two areas and the product of each flow.
    live : array of bool (E,)
        Flows that carry something at baseline.
    derived : dict
        Results that depend on the chain alone, by any key.
    """

    def __init__(self, chain: SupplyChain) -> None:
        nodes, links = chain.nodes, chain.links
        self.areas, self.products = list(chain.areas()), list(chain.products_in())
        self.node = {label: i for i, label in enumerate(nodes.index)}
        self.is_market: BoolArray = nodes["kind"].eq("market").to_numpy(dtype=bool)
        self.node_area = _codes(self.areas, nodes["country"])
        self.node_product = _codes(self.products, nodes["product"])
        self.supplier: IntArray = links.supplier.astype(np.intp)
        self.buyer: IntArray = links.buyer.astype(np.intp)
        self.seller_area = self.node_area[self.supplier]
        self.buyer_area = self.node_area[self.buyer]
        self.edge_product: IntArray = links.product.astype(np.intp)
        self.live: BoolArray = ~links.dormant & (links.quantity > 0)
        self.derived: dict[Hashable, Any] = {}
        self._masks: dict[tuple[str, Hashable], BoolArray] = {}
        crossing = np.flatnonzero(self.seller_area != self.buyer_area)
        self._sold = _by_code(crossing, self.seller_area, len(self.areas))
        self._bought = _by_code(crossing, self.buyer_area, len(self.areas))

    def crossing(self, areas: BoolArray, *, sold: bool) -> IntArray:
        """Return the flows over a border that these areas sell (or buy), ascending."""
        parts = self._sold if sold else self._bought
        chosen = [parts[area] for area in np.flatnonzero(areas).tolist()]
        if len(chosen) == 1:
            return chosen[0]
        return np.sort(np.concatenate([_NOTHING, *chosen]))

    def in_areas(self, chain: SupplyChain, names: Labels | None) -> BoolArray:
        """Return which areas a code, a bloc or several of them stand for."""
        if names is None:
            return np.ones(len(self.areas), dtype=bool)
        return self._mask("area", names, chain, self.areas)

    def in_products(self, chain: SupplyChain, names: Labels | None) -> BoolArray:
        """Return which products a product, a group or several of them stand for."""
        if names is None:
            return np.ones(len(self.products), dtype=bool)
        return self._mask("product", names, chain, self.products)

    def _mask(
        self, kind: str, names: Labels, chain: SupplyChain, labels: Sequence[str]
    ) -> BoolArray:
        key = (kind, names if isinstance(names, str) else tuple(names))
        if key not in self._masks:
            select = chain.areas if kind == "area" else chain.products_in
            chosen = set(select(names))
            self._masks[key] = np.array([label in chosen for label in labels], dtype=bool)
        return self._masks[key]


_NOTHING = np.empty(0, dtype=np.intp)


def index_of(chain: SupplyChain) -> ChainIndex:
    """Return the codes of a chain, made on first use."""
    if _KEY not in chain._cache:
        chain._cache[_KEY] = ChainIndex(chain)
    found: ChainIndex = chain._cache[_KEY]
    return found


def words(names: Labels | None) -> list[str | None]:
    """Return the names that were given one by one; [None] where nothing was named."""
    if names is None:
        return [None]
    return list(split_list(names)) if isinstance(names, str) else list(names)


def listed(names: Sequence[str], most: int = 6) -> str:
    """Return names in one line, the last ones counted only.

    Examples
    --------
    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _codes(labels: Sequence[str], values: pd.Series) -> IntArray:
    return np.asarray(pd.Index(labels).get_indexer(pd.Index(values)), dtype=np.intp)


def _by_code(rows: IntArray, codes: IntArray, size: int) -> list[IntArray]:
    """Return the rows that carry each code, ascending."""
    order = rows[np.argsort(codes[rows], kind="stable")]
    return list(np.split(order, np.searchsorted(codes[order], np.arange(1, size))))
