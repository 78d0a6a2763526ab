"""Which pairs of countries to leave out so that the chain stays small and can still balance."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import linprog

SMALL_OF_IMPORTER = 0.08
SMALL_OF_EXPORTER = 0.30


def small_pairs(edges: pd.DataFrame, country: pd.Series, blocks: list[np.ndarray]) -> pd.DataFrame:
    """Return pairs (product, exporter, importer) whose flows are left out.

    A pair goes where the first fit gave it less than SMALL_OF_IMPORTER of what the importer gets of
    the product and less than SMALL_OF_EXPORTER of what the exporter ships of it; trade at home
    stays. Pairs that the totals cannot do without come back: a linear program finds flows that meet
    every supplier total, slot need and fitted trade total with the least use of small pairs, and
    every small pair that it uses is kept.

    Parameters
    ----------
    edges : DataFrame
        Edges of the first fit (supplier, buyer, slot, product, quantity, recipe).
    country : Series
        Country of each node.
    blocks : list of arrays
        Positions of the edges of each fitted trade total.
    """
    frame = edges.assign(
        exporter=edges["supplier"].map(country).to_numpy(), importer=edges["buyer"].map(country).to_numpy()
    )
    keys = ["product", "exporter", "importer"]
    pair = frame.groupby(keys, sort=True)["quantity"].sum()
    got = pair.groupby(["product", "importer"]).transform("sum")
    shipped = pair.groupby(["product", "exporter"]).transform("sum")
    small = (pair < SMALL_OF_IMPORTER * got) & (pair < SMALL_OF_EXPORTER * shipped)
    small &= pair.index.get_level_values("exporter") != pair.index.get_level_values("importer")
    costly = small.reindex(pd.MultiIndex.from_frame(frame[keys])).to_numpy()
    used = _least_use(frame, costly, blocks)
    needed = pd.MultiIndex.from_frame(frame.loc[costly & (used > 0), keys]).unique()
    left_out = small[small].index.difference(needed)
    return left_out.to_frame(index=False)


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
    parts += [sparse.csr_array((quantity[b], (np.zeros(len(b), int), b)), shape=(1, len(flow))) for b in blocks]
    matrix = sparse.vstack(parts).tocsr()
    target = matrix @ np.ones(len(flow))
    scale = sparse.diags_array(1.0 / target)
    value = quantity / frame.groupby("product")["quantity"].transform("sum").to_numpy()
    solved = linprog(
        np.where(costly, value, 0.0), A_eq=scale @ matrix, b_eq=np.ones(len(target)), method="highs-ds"
    )
    if solved.x is None:
        raise ValueError(f"no sparse flows found: {solved.message}")
    return np.where(solved.x > 1e-9, solved.x, 0.0)
