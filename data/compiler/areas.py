"""The table `countries` of a chain: the areas that it uses, the rest of the world behind them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from compiler.inputs import read_table

__all__ = ["all_areas", "countries_table", "regions"]

INPUTS = Path(__file__).parent / "inputs"
RESIDUALS = {"X_EU": "EU27", "X_WLD": "WLD"}
COLUMNS = "area name kind gdp_usd_m year blocs low high source confidence derivation".split()


def all_areas() -> pd.DataFrame:
    """Return every area of any chain, indexed by code."""
    return read_table(INPUTS / "areas.csv").set_index("area", drop=False)


def regions() -> pd.Series:
    """Return the region of each area."""
    return all_areas()["region"]


def countries_table(used: Iterable[str]) -> pd.DataFrame:
    """Return the areas used, and the residuals with the GDP that the named ones leave.

    ``X_EU`` = EU27 less its named members; ``X_WLD`` = world less all named areas and ``X_EU``.
    """
    areas = all_areas()
    unknown = sorted(set(used) - set(areas.index))
    if unknown:
        raise ValueError(f"areas {unknown} are not in {INPUTS / 'areas.csv'}")
    chosen = areas[areas.index.isin(set(used) | set(RESIDUALS))].copy()
    totals = read_table(INPUTS / "totals.csv").set_index("area")
    european = chosen["blocs"].str.split(";").map(lambda blocs: "EU27" in blocs)
    named = chosen["kind"] == "country"
    for residual, total in RESIDUALS.items():
        inside = named & european if residual == "X_EU" else named | (chosen.index == "X_EU")
        whole = totals.loc[total]
        rest = float(whole["gdp_usd_m"]) - float(chosen.loc[inside, "gdp_usd_m"].sum())
        if rest <= 0:
            # All members of the union are named: the residual stands for nothing.
            chosen = chosen.drop(index=residual)
            continue
        spread = max(0.15, 0.01 * float(whole["gdp_usd_m"]) / rest)
        chosen.loc[residual, ["gdp_usd_m", "year"]] = [rest, whole["year"]]
        chosen.loc[residual, ["low", "high"]] = [max(rest * (1 - spread), 1.0), rest * (1 + spread)]
        chosen.loc[residual, ["source", "confidence"]] = [whole["source"], "D"]
        chosen.loc[residual, "derivation"] = f"GDP of {total} less that of the areas named here"
    return chosen[COLUMNS].reset_index(drop=True)
