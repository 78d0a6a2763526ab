"""Slots whose mix of inputs is stated for a place: taken apart for the fit, put together after it.

The inputs of a slot can replace each other, so a fit of flows may fill it with any of them. Where
a place has a mix of its own (home beans and imported ones, ore and scrap) it is held: for the fit
the slot becomes one slot per input, each with its part of the need.
"""

from __future__ import annotations

import pandas as pd

from compiler.inputs import Inputs
from compiler.recipes import placed_recipes

__all__ = ["KEY", "mixes_of_edges", "put_together", "stated_mixes", "taken_apart"]

SLOT = ["site", "slot"]
KEY = [*SLOT, "input"]
PART = " of "


def stated_mixes(inputs: Inputs, sites: pd.DataFrame) -> pd.DataFrame:
    """Return site, slot, input, share of the slots whose rows for a place state a share."""
    frame = placed_recipes(inputs, sites)
    frame = frame[(frame["site"] != "") & frame["stated"]]
    several = frame.groupby(SLOT)["input"].transform("nunique") > 1
    return frame.loc[several, [*KEY, "share"]].reset_index(drop=True)


def mixes_of_edges(edges: pd.DataFrame, free: set[str]) -> pd.DataFrame:
    """Return the mixes that a chain has in slots of which several inputs are to be fitted anew.

    Parameters
    ----------
    edges : DataFrame
        Edges of a chain that has its flows.
    free : set of str
        Products whose flows are fitted anew.
    """
    used = edges[~edges["dormant"]]
    part = (used["quantity"] / used["recipe"]).groupby(
        [used["buyer"], used["slot"], used["product"]]
    )
    mixes = part.sum().rename_axis(KEY).rename("share").reset_index()
    several = mixes["input"].isin(free).groupby([mixes["site"], mixes["slot"]]).transform("sum") > 1
    mixes = mixes[several]
    total = mixes.groupby(SLOT)["share"].transform("sum")
    return mixes.assign(share=mixes["share"] / total).reset_index(drop=True)


def taken_apart(tables: dict[str, pd.DataFrame], mixes: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the tables in which the slots with a mix are one slot per input."""
    if mixes.empty:
        return tables
    products = tables["sites"].set_index("site")["product"]
    pairs = {
        (products[site], slot) for site, slot in zip(mixes["site"], mixes["slot"], strict=True)
    }
    inputs = tables["inputs"]
    touched = [pair in pairs for pair in zip(inputs["product"], inputs["slot"], strict=True)]
    own = _of_every_site(inputs[touched], products)
    share = mixes.set_index(KEY)["share"]
    at = pd.MultiIndex.from_frame(own[KEY])
    held = pd.MultiIndex.from_frame(own[SLOT]).isin(pd.MultiIndex.from_frame(mixes[SLOT]))
    part = share.reindex(at).fillna(0.0).to_numpy()
    for column in ("quantity", "low", "high"):
        own[column] = own[column].where(~held, own[column] * part)
    own["slot"] = own["slot"].where(~held, own["slot"] + PART + own["input"])
    own = own[~held | (part > 0)]
    out = {**tables, "inputs": pd.concat([inputs[[not t for t in touched]], own])}
    made = tables["sites"].set_index("site")["product"]
    for table in ("alternatives", "flows"):
        if table in tables and len(tables[table]):
            out[table] = _renamed(tables[table], made, mixes)
    return out


def put_together(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows of flows or edges with the slots as they were."""
    return frame.assign(slot=frame["slot"].str.split(PART, regex=False).str[0])


def _of_every_site(inputs: pd.DataFrame, products: pd.Series) -> pd.DataFrame:
    """Return one row per site: its own, or that of all sites of the product."""
    general = inputs[inputs["site"] == ""].drop(columns="site")
    sites = products.rename("product").rename_axis("site").reset_index()
    spread = general.merge(sites, on="product")
    both = pd.concat([inputs[inputs["site"] != ""], spread], ignore_index=True)
    # A site with rows of its own for an input does not take the general row along.
    return both.drop_duplicates(KEY, keep="first").reset_index(drop=True)


def _renamed(frame: pd.DataFrame, made: pd.Series, mixes: pd.DataFrame) -> pd.DataFrame:
    """Return flows or alternatives that fill the slot of their own product."""
    places = pd.MultiIndex.from_frame(mixes[SLOT])
    inside = pd.MultiIndex.from_frame(frame[["buyer", "slot"]]).isin(places)
    slot = frame["slot"] + PART + frame["supplier"].map(made)
    return frame.assign(slot=frame["slot"].where(~inside, slot))
