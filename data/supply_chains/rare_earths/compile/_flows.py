"""Who could supply once qualified, and the lead of each flow."""

from __future__ import annotations

import numpy as np
import pandas as pd
from compiler.areas import regions

DORMANT_PRODUCTS = (
    "magnet_ndfeb",
    "magnet_ndfeb_heavy",
    "magnet_bonded",
    "magnet_smco",
    "alloy_ndfeb",
    "metal_ndpr",
    "oxide_ndpr",
)
DORMANT_SELLERS = ("JPN", "KOR", "VNM", "DEU", "GBR", "MYS")
DORMANT_BUYERS = ("USA", "JPN", "KOR", "DEU", "FRA", "MEX", "IND")
LEAD = {"home": 1, "region": 1, "far": 5}
LEAD_MAGNETS_FAR = 2
LEAD_COMPONENTS_FAR = 4


def dormant(left_out: pd.DataFrame) -> pd.DataFrame:
    """Return dormant alternatives: who could supply magnets and their materials once qualified.

    Trade outside China that the first fit held for small is left out of the flows, but its makers
    could still be qualified: the largest maker of each such country becomes an alternative of the
    buyers of DORMANT_BUYERS.
    """
    frame = left_out[
        left_out["product"].isin(DORMANT_PRODUCTS)
        & left_out["exporter"].isin(DORMANT_SELLERS)
        & left_out["importer"].isin(DORMANT_BUYERS)
        & ~left_out["buyer"].str.startswith("market:")
    ]
    frame = frame.sort_values(["buyer", "slot", "exporter", "quantity", "supplier"])
    frame = frame.groupby(["buyer", "slot", "product", "exporter"], as_index=False).last()
    out = frame[["supplier", "buyer", "slot"]].copy()
    how = "judgement: outside China, beyond what the maker sells now, after qualification"
    return out.assign(
        max_share=0.25, low=0.1, high=0.5, source="own_assumption", confidence="D", derivation=how
    )


def leads(
    flows: pd.DataFrame, sites: pd.DataFrame, markets: pd.DataFrame, tiers: pd.Series
) -> pd.Series:
    """Return weeks from dispatch to arrival.

    One week at home and inside a region; far away five weeks for materials and final goods by sea,
    four for components and two for magnets, which partly fly: the observed time to the first stop
    in 2025 already holds the pipeline, so no longer sea lead is added.
    """
    region = regions()
    place = pd.concat([sites.set_index("site")["country"], markets.set_index("market")["country"]])
    tier = flows["supplier"].map(sites.set_index("site")["product"]).map(tiers)
    origin, target = flows["supplier"].map(place), flows["buyer"].map(place)
    near = (origin.map(region) == target.map(region)) | (origin == target)
    far = np.select(
        [tier == 6, tier == 7], [LEAD_MAGNETS_FAR, LEAD_COMPONENTS_FAR], default=LEAD["far"]
    )
    return pd.Series(np.where(near, LEAD["home"], far), index=flows.index).astype(int)
