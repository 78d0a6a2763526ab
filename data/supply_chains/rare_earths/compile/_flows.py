"""Who prefers whom, which pairs of countries are too small to follow, and the lead of each flow."""

from __future__ import annotations

import numpy as np
import pandas as pd

from _common import read
from _sparse import SMALL_OF_EXPORTER, SMALL_OF_IMPORTER, small_pairs

import chokepoint as cp

REGION_BLOCS = ("EU27", "USMCA", "ASEAN")
LEAD = {"home": 1, "region": 1, "far": 5}
LEAD_MAGNETS_FAR = 2
LEAD_COMPONENTS_FAR = 4


def preferences(sectors: pd.DataFrame) -> pd.DataFrame:
    """Return stated preferences of final demand: home first, then the region."""
    rows = []
    for rule in read("market_rules").itertuples():
        rows.append(_preference("WLD", "WLD", rule.product, 1.0))
        rows += [_preference(b, b, rule.product, rule.region_factor) for b in REGION_BLOCS]
        makers = sorted(set(sectors.loc[sectors["product"] == rule.product, "country"]))
        rows += [_preference(c, c, rule.product, rule.home_factor) for c in makers]
    return pd.DataFrame(rows)


def _preference(supplier: str, buyer: str, product: str, factor: float) -> dict[str, object]:
    how = "judgement: final goods are bought at home first, then in the region"
    return {
        "supplier_country": supplier,
        "buyer_country": buyer,
        "product": product,
        "factor": factor,
        "low": factor / 2 if factor != 1.0 else 1.0,
        "high": factor * 2 if factor != 1.0 else 1.0,
        "source": "own_assumption",
        "confidence": "D",
        "derivation": how,
    }


def without_small_pairs(chain: cp.SupplyChain) -> pd.DataFrame:
    """Return preference rows that forbid pairs of countries with tiny flows of a product."""
    nodes, edges = chain.nodes, chain.edges
    edges = edges[~edges["dormant"]].reset_index(drop=True)
    pairs = small_pairs(edges, nodes["country"], _blocks(chain, edges, nodes["country"]))
    rows = [_preference(r.exporter, r.importer, r.product, 0.0) for r in pairs.itertuples()]
    out = pd.DataFrame(rows)
    out["low"] = out["high"] = 0.0
    out["derivation"] = (
        f"first fit gave less than {100 * SMALL_OF_IMPORTER:g} % of what the importer gets and "
        f"{100 * SMALL_OF_EXPORTER:g} % of what the exporter ships; left out to keep the chain small"
    )
    return out


def _blocks(chain: cp.SupplyChain, edges: pd.DataFrame, country: pd.Series) -> list[np.ndarray]:
    """Return the positions of the edges of each fitted trade total, all between two countries."""
    exporter, importer = edges["supplier"].map(country), edges["buyer"].map(country)
    blocks = []
    for row in chain.trade.query("role == 'fit'").itertuples():
        inside = edges["product"].isin(chain.products_in(row.products.split(";")))
        inside &= (exporter == row.exporter) & (importer == row.importer)
        blocks.append(np.flatnonzero(inside))
    return [block for block in blocks if len(block)]


def leads(flows: pd.DataFrame, sites: pd.DataFrame, markets: pd.DataFrame, tiers: pd.Series) -> pd.Series:
    """Return weeks from dispatch to arrival.

    One week at home and inside a region; far away five weeks for materials and final goods by sea,
    four for components and two for magnets, which partly fly: the observed time to the first stop
    in 2025 already holds the pipeline, so no longer sea lead is added.
    """
    region = read("countries").set_index("area")["region"]
    place = pd.concat([sites.set_index("site")["country"], markets.set_index("market")["country"]])
    tier = flows["supplier"].map(sites.set_index("site")["product"]).map(tiers)
    origin, target = flows["supplier"].map(place), flows["buyer"].map(place)
    near = (origin.map(region) == target.map(region)) | (origin == target)
    far = np.select(
        [tier == 6, tier == 7], [LEAD_MAGNETS_FAR, LEAD_COMPONENTS_FAR], default=LEAD["far"]
    )
    return pd.Series(np.where(near, LEAD["home"], far), index=flows.index).astype(int)
