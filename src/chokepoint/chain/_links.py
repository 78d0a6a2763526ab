"""The flows of a chain as positions and numbers, without a label: what engines and events read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Links", "links_of"]

IntArray = NDArray[np.int32]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """Flows and dormant alternatives in the order of ``chain.edges``; all arrays are read-only.

    Attributes
    ----------
    supplier, buyer : array of int
        Positions in ``chain.nodes``.
    slot : array of int
        Positions in ``chain.slots``.
    product : array of int
        Positions in ``chain.products``.
    quantity, recipe, growth_max, lead_weeks, qualification_weeks, max_share : array of float
        Columns of ``chain.edges``.
    dormant : array of bool
        Whether it is an alternative without a baseline flow.
    """

    supplier: IntArray
    buyer: IntArray
    slot: IntArray
    product: IntArray
    quantity: FloatArray
    recipe: FloatArray
    growth_max: FloatArray
    lead_weeks: FloatArray
    qualification_weeks: FloatArray
    max_share: FloatArray
    dormant: NDArray[np.bool_]

    def __len__(self) -> int:
        """Number of flows."""
        return len(self.supplier)

    def frozen(self) -> Links:
        """Return the same with arrays that cannot be written to."""
        for field in fields(self):
            getattr(self, field.name).flags.writeable = False
        return self


def links_of(
    tables: Mapping[str, pd.DataFrame], nodes: pd.Index, slots: pd.Index, edges: pd.DataFrame
) -> Links:
    """Return the links of a chain whose edges have labels."""
    keys = pd.MultiIndex.from_frame(edges[["buyer", "slot"]])
    products = pd.Index(tables["products"]["product"])
    return Links(
        supplier=_positions(nodes, edges["supplier"]),
        buyer=_positions(nodes, edges["buyer"]),
        slot=slots.get_indexer(keys).astype(np.int32),
        product=_positions(products, edges["product"]),
        quantity=_numbers(edges["quantity"]),
        recipe=_numbers(edges["recipe"]),
        growth_max=_numbers(edges["growth_max"]),
        lead_weeks=_numbers(edges["lead_weeks"]),
        qualification_weeks=_numbers(edges["qualification_weeks"]),
        max_share=_numbers(edges["max_share"]),
        dormant=edges["dormant"].to_numpy(dtype=bool, copy=True),
    ).frozen()


def _numbers(column: pd.Series) -> FloatArray:
    return column.to_numpy(dtype=np.float64, copy=True)


def _positions(index: pd.Index, labels: pd.Series) -> IntArray:
    return index.get_indexer(pd.Index(labels)).astype(np.int32)
