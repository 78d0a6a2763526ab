"""Which pairs of countries to leave out so that the chain stays small and can still balance."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import linprog

__all__ = ["COVER_EXPORTER", "COVER_IMPORTER", "small_pairs"]

COVER_IMPORTER = 0.75
COVER_EXPORTER = 0.40


def small_pairs(
    edges: pd.DataFrame,
    country: pd.Series,
    blocks: list[np.ndarray],
    reported: list[np.ndarray],
    *,
    cover_importer: float = COVER_IMPORTER,
    cover_exporter: float = COVER_EXPORTER,
) -> pd.DataFrame:
    """Return pairs (product, exporter, importer) whose flows are left out.

    Pairs are kept, largest first, until they cover `cover_importer` of what each importer gets of
    a product and `cover_exporter` of what each exporter ships of it in the first fit; trade at home
    and pairs that a total between two countries reports stay. Pairs that the totals cannot do
    without come back: a linear program finds flows that meet every supplier total, slot need and
    fitted trade total with the least use of the other pairs, and every pair that it uses is kept.

    Parameters
    ----------
    edges : DataFrame
        Edges of the first fit (supplier, buyer, slot, product, quantity, recipe).
    country : Series
        Country of each node.
    blocks : list of arrays
        Positions of the edges of each fitted trade total.
    reported : list of arrays
        Positions of edges that stay because a total between two countries reports them.
    cover_importer, cover_exporter : float
        Parts of an importer's and an exporter's trade in a product that are followed.
    """
    frame = edges.assign(
        exporter=edges["supplier"].map(country).to_numpy(),
        importer=edges["buyer"].map(country).to_numpy(),
    )
    keys = ["product", "exporter", "importer"]
    pair = frame.groupby(keys, sort=True)["quantity"].sum()
    small = _beyond(pair, "importer", cover_importer) & _beyond(pair, "exporter", cover_exporter)
    small &= pair.index.get_level_values("exporter") != pair.index.get_level_values("importer")
    for block in reported:
        small[pd.MultiIndex.from_frame(frame.loc[block, keys]).unique()] = False
    costly = small.reindex(pd.MultiIndex.from_frame(frame[keys])).to_numpy()
    used = _least_use(frame, costly, blocks)
    needed = pd.MultiIndex.from_frame(frame.loc[costly & (used > 0), keys]).unique()
    left_out = small[small].index.difference(needed)
    return left_out.to_frame(index=False)


def _beyond(pair: pd.Series, side: str, cover: float) -> pd.Series:
    """Return whether larger pairs of the same product and side already cover the given share."""
    ordered = pair.sort_values(ascending=False, kind="stable")
    groups = ordered.groupby(["product", side])
    before = groups.cumsum() - ordered
    return (before >= cover * groups.transform("sum")).reindex(pair.index)


def _least_use(frame: pd.DataFrame, costly: np.ndarray, blocks: list[np.ndarray]) -> np.ndarray:
    quantity = frame["quantity"].to_numpy()
    supplier = frame["supplier"].astype("category").cat.codes.to_numpy()
    slot = frame.groupby(["buyer", "slot"], sort=False).ngroup().to_numpy()
    flow = np.arange(len(frame))
    # Unknowns are multiples of the first fit, so that all of them are near one.
    parts = [
        sparse.csr_array((quantity, (supplier, flow))),
        sparse.csr_array((quantity / frame["recipe"].to_numpy(), (slot, flow))),
    ]
    parts += [
        sparse.csr_array((quantity[b], (np.zeros(len(b), int), b)), shape=(1, len(flow)))
        for b in blocks
    ]
    matrix = sparse.vstack(parts).tocsr()
    target = matrix @ np.ones(len(flow))
    scale = sparse.diags_array(1.0 / target)
    value = quantity / frame.groupby("product")["quantity"].transform("sum").to_numpy()
    solved = linprog(
        np.where(costly, value, 0.0),
        A_eq=scale @ matrix,
        b_eq=np.ones(len(target)),
        method="highs-ds",
    )
    if solved.x is None:
        raise ValueError(f"no sparse flows found: {solved.message}")
    return np.where(solved.x > 1e-9, solved.x, 0.0)
