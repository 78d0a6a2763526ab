"""The table `inputs`: recipes of all sites of a product, and those of single sites."""

from __future__ import annotations

import pandas as pd

from compiler.inputs import Inputs, text

__all__ = ["RECIPE_KEY", "inputs_table", "placed_recipes", "recipes_completed"]

RECIPE_KEY = ["product", "slot", "input"]
DEFAULTS = {
    "share": 1.0,
    "use_share": 1.0,
    "criticality": 1.0,
    "stock_weeks": 2.0,
    "reorder_weeks": 4.0,
    "qualification_weeks": 26.0,
    "combine": "nested",
}
RANGED = ("use_share", "criticality", "stock_weeks", "qualification_weeks")
PLAIN = ("reorder_weeks", "decay_weekly", "repair_weeks", "thrift_weekly", "thrift_floor")


def recipes_completed(inputs: Inputs) -> pd.DataFrame:
    """Return the recipes with blank cells filled.

    A blank cell of a row with a country is that of the general row of the same slot and input; a
    blank cell of a general row is the default of the schema, a blank range the number itself.
    """
    frame = inputs["recipes"].copy()
    frame["slot"] = frame["slot"].where(frame["slot"] != "", frame["input"])
    general = frame[frame["country"] == ""]
    own = frame[frame["country"] != ""].copy()
    usual = general.set_index(RECIPE_KEY)
    at = usual.index.get_indexer(pd.MultiIndex.from_frame(own[RECIPE_KEY]))
    ends = [f"{column}_{end}" for column in RANGED for end in ("low", "high")]
    for column in ("quantity", "share", "combine", "throttle_weeks_high", *RANGED, *ends, *PLAIN):
        taken = usual[column].reset_index(drop=True).reindex(at).set_axis(own.index)
        blank = own[column].isna() | (own[column] == "")
        if column.endswith(("_low", "_high")):
            # A site with a number of its own does not take the general range along.
            blank &= own[column.rsplit("_", 1)[0]].isna() if column[:8] != "throttle" else True
        own[column] = own[column].where(~blank, taken)
    for end in ("low", "high"):
        own[end] = own[end].where(own[end].notna(), own["quantity"])
    out = pd.concat([general, own])
    given = inputs["recipes"]["share"].reindex(out.index)
    out["stated"] = (out["country"] != "") & given.notna()
    for column, value in DEFAULTS.items():
        blank = out[column].isna() | (out[column] == "")
        out[column] = out[column].where(~blank, value)
    for column in RANGED:
        for end in ("low", "high"):
            name = f"{column}_{end}"
            out[name] = out[name].where(out[name].notna(), out[column])
    return out.reset_index(drop=True)


def inputs_table(inputs: Inputs, sites: pd.DataFrame) -> pd.DataFrame:
    """Return the table `inputs`; a row with a country becomes one row per site there."""
    out = placed_recipes(inputs, sites)
    out["throttle_weeks"] = 1.0
    out["throttle_weeks_low"] = 1.0
    most = 1.0 + out["stock_weeks_low"]
    out["throttle_weeks_high"] = out["throttle_weeks_high"].fillna(most).clip(lower=1.0)
    out["throttle_weeks_high"] = out[["throttle_weeks_high"]].assign(most=most).min(axis=1).round(3)
    out["lead_weeks"] = 1
    return out.drop(columns=["country", "firm", "share", "stated"])


def placed_recipes(inputs: Inputs, sites: pd.DataFrame) -> pd.DataFrame:
    """Return the completed recipes, site blank for all sites of a product.

    Column `stated` is true where a row for a place has a share of its own.
    """
    frame = recipes_completed(inputs)
    frame["site"] = ""
    named = frame["country"] != ""
    parts = [frame[~named]]
    for row in frame[named].itertuples(index=False):
        here = (sites["product"] == row.product) & (sites["country"] == row.country)
        if text(row.firm):
            here &= sites["firm"] == row.firm
        labels = sites.loc[here, "site"]
        if labels.empty:
            where = f"{row.product}@{row.country}:{row.firm}".rstrip(":")
            raise ValueError(f"recipes have a row for {where}, which is no place of the product")
        parts += [pd.DataFrame([row._asdict()]).assign(site=label) for label in labels]
    # A row for one firm wins over one for its country.
    out = pd.concat(parts, ignore_index=True)
    out["_exact"] = out["firm"] != ""
    out = out.sort_values("_exact", kind="stable")
    out = out.drop_duplicates(["site", *RECIPE_KEY], keep="last").sort_index()
    return out.drop(columns="_exact")
