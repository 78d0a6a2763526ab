"""Joint processes: which sites are the outputs of which process, and at what yield.

A child site names its process in `sites.process`. A process with a wanted child is *pure*: it ships
nothing itself. A process whose only children are by-products also sells its own product.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from chokepoint import schema

__all__ = ["children", "pure_processes"]


def children(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return one row per child site, matched to its row of `joint`.

    Returns
    -------
    DataFrame
        Index = position of the child in `sites`; columns child, process, product, yield, wanted
        and `row` (position in `joint`, -1 where there is none; then yield is NaN).
    """
    sites, joint = tables["sites"], tables["joint"]
    found = sites.loc[sites["process"] != "", ["site", "process", "product"]]
    frame = found.rename(columns={"site": "child"})
    kind = dict(zip(sites["site"], sites["product"], strict=True))
    rows = {
        (process, site, product): i
        for i, (process, site, product) in enumerate(
            zip(joint["process"], joint["site"], joint["product"], strict=True)
        )
    }
    matched = []
    for process, product in zip(frame["process"], frame["product"], strict=True):
        made = kind.get(process, "")
        matched.append(rows.get((made, process, product), rows.get((made, "", product), -1)))
    row = np.array(matched, dtype=np.int64)
    yields = np.append(joint["yield"].to_numpy(dtype=np.float64), np.nan)
    wanted = np.append(joint["wanted"].to_numpy(dtype=bool), True)
    return frame.assign(**{"yield": yields[row], "wanted": wanted[row], "row": row})


def pure_processes(
    tables: Mapping[str, pd.DataFrame], found: pd.DataFrame | None = None
) -> set[str]:
    """Return the labels of the sites that only run a process and ship nothing themselves."""
    frame = children(tables) if found is None else found
    return set(schema.text_column(frame.loc[frame["wanted"], "process"]))
