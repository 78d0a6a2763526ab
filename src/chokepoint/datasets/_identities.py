"""The accounting identities of a chain as sparse rows over flows and sources."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["identities"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


def identities(
    nodes: pd.DataFrame,
    slots: pd.DataFrame,
    edges: pd.DataFrame,
    source: IntArray,
    factor: FloatArray,
) -> tuple[sparse.csr_array, int]:
    """Return the identities as ``rows @ (flows, sources) = 0``, and how many are about outputs.

    Parameters
    ----------
    nodes, slots, edges : DataFrame
        Views of the chain, the edges without dormant ones.
    source : array (nodes,)
        Source that each node follows.
    factor : array (nodes,)
        Output of the node per unit of its source.

    Returns
    -------
    rows : sparse array (identities, flows + sources)
        What each selling site ships less its output, then what fills each slot less its need,
        each divided by its baseline total.
    outputs : int
        Number of the former.
    """
    quantity = nodes["output_qty"].to_numpy()
    supplier = nodes.index.get_indexer(pd.Index(edges["supplier"]))
    slot = slots.index.get_indexer(pd.MultiIndex.from_frame(edges[["buyer", "slot"]]))
    buyer = nodes.index.get_indexer(slots.index.get_level_values("buyer"))
    recipe, need = edges["recipe"].to_numpy(), slots["need"].to_numpy()
    ships = np.flatnonzero((quantity > 0) & (nodes["kind"] == "site") & ~nodes["is_process"])
    fills = np.flatnonzero(need > 0)
    flows, sources = len(edges), int(source.max(initial=-1)) + 1
    out_row = np.full(len(nodes), -1)
    out_row[ships] = np.arange(len(ships))
    in_row = np.full(len(slots), -1)
    in_row[fills] = len(ships) + np.arange(len(fills))
    number = np.arange(flows)
    parts = [
        (out_row[supplier], number, 1.0 / quantity[supplier]),
        (out_row[ships], flows + source[ships], -factor[ships] / quantity[ships]),
        (in_row[slot], number, 1.0 / (recipe * need[slot])),
        (in_row[fills], flows + source[buyer[fills]], -1.0 / need[fills]),
    ]
    row, column, data = (np.concatenate(part) for part in zip(*parts, strict=True))
    used = (row >= 0) & np.isfinite(data)
    rows = sparse.csr_array(
        (data[used], (row[used], column[used])),
        shape=(len(ships) + len(fills), flows + sources),
    )
    return rows, len(ships)
