"""Facts about nodes, slots and flows that follow from several columns of a chain."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import Links
from chokepoint.schema import split_list

__all__ = ["bids", "blocs_by_area", "end_sectors", "reorder_weeks"]

IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]


def end_sectors(nodes: pd.DataFrame, links: Links) -> BoolArray:
    """Return sites whose product ends in final demand and enters no other site."""
    is_site = nodes["kind"].eq("site").to_numpy()
    is_final = ~is_site & nodes["sector"].ne("other_use").to_numpy()
    active = ~links.dormant
    feeds_site, feeds_final = np.zeros((2, len(nodes)), dtype=bool)
    feeds_site[links.supplier[active & is_site[links.buyer]]] = True
    feeds_final[links.supplier[active & is_final[links.buyer]]] = True
    return np.asarray(feeds_final & ~feeds_site)


def reorder_weeks(
    weeks: FloatArray,
    stops: BoolArray,
    edge_group: IntArray,
    under_way: FloatArray,
    stock: FloatArray,
) -> FloatArray:
    """Return the weeks over which a gap is reordered, at most the weeks of the whole position.

    `weeks`, `stock` and `stops` (whether the slot can stop its buyer) are (G, lanes), `under_way`
    is (E, lanes).

    A buyer that has stopped orders its gap alone, which is the whole position. If it spread
    that over more weeks it would order less than it needs, and never start again. What cannot
    stop the buyer keeps its weeks, and so does upkeep, which is used whatever is made.
    """
    sums = [np.bincount(edge_group, lane, minlength=len(weeks)) for lane in under_way.T]
    position = stock + np.stack(sums, axis=1)
    return np.where(stops, np.minimum(weeks, np.maximum(position, 1.0)), weeks)


def bids(
    value: FloatArray, is_process: BoolArray, process: IntArray, slot: FloatArray, buyer: IntArray
) -> FloatArray:
    """Return the value of buyer output per unit of input [USD]; a process is worth its outputs.

    `value` is (N, lanes), `slot` (E, lanes) what the buyer takes of the input.
    """
    value = np.nan_to_num(value)
    outputs = np.zeros(value.shape)
    np.add.at(outputs, process[process >= 0], value[process >= 0])
    value = np.where(is_process[:, None], outputs, value)
    return 1e6 * np.divide(value[buyer], slot, out=np.zeros(slot.shape), where=slot > 0)


def blocs_by_area(countries: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Return the blocs of each area."""
    return {
        area: frozenset(split_list(blocs))
        for area, blocs in zip(countries["area"], countries["blocs"], strict=True)
    }
