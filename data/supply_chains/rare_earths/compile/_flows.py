"""Who prefers whom, which pairs of countries are too small to follow, and the lead of each flow."""

from __future__ import annotations

import numpy as np
import pandas as pd
from _common import read, text
from _sparse import COVER_EXPORTER, COVER_IMPORTER, small_pairs

import chokepoint as cp
from chokepoint.chain._preferences import factors

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
MANY = ("EU27", "WLD")
LEAD = {"home": 1, "region": 1, "far": 5}
LEAD_MAGNETS_FAR = 2
LEAD_COMPONENTS_FAR = 4


def preferences(sites: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Return stated preferences; a row HOME, HOME becomes one row per country that makes the good."""
    makers = sites.groupby("product")["country"].agg(lambda cells: sorted(set(cells)))
    group = products.groupby("group")["product"].agg(list)
    everywhere = sorted(set(sites["country"]))
    rows = []
    for rule in read("preference_rules").itertuples():
        product = text(rule.product)
        places = [(rule.supplier_country, rule.buyer_country)]
        if rule.supplier_country == "HOME":
            members = group.get(product, [product]) if product else []
            known = sorted({c for p in members for c in makers.get(p, [])})
            places = [(c, c) for c in (known if product else everywhere)]
        rows += [_preference(rule, product, a, b) for a, b in places]
    return pd.DataFrame(rows)


def _preference(rule, product: str, supplier: str, buyer: str) -> dict[str, object]:
    sure = rule.factor in (0.0, 1.0)
    return {
        "supplier_country": supplier,
        "buyer_country": buyer,
        "product": product,
        "factor": float(rule.factor),
        "low": rule.factor / (1 if sure else 3),
        "high": rule.factor * (1 if sure else 3),
        "source": rule.source,
        "confidence": rule.confidence,
        "derivation": text(rule.derivation),
    }


def without_small_pairs(chain: cp.SupplyChain) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return preference rows that forbid pairs of countries with tiny flows, and the edges left out."""
    nodes, edges = chain.nodes, chain.edges
    edges = edges[~edges["dormant"]].reset_index(drop=True)
    blocks = _blocks(chain, edges, nodes["country"])
    single = [block for (_, importer), block in blocks if importer not in MANY]
    pairs = small_pairs(edges, nodes["country"], [block for _, block in blocks], single)
    note = (
        f"larger flows of the first fit cover {100 * COVER_IMPORTER:g} % of what the importer gets "
        f"and {100 * COVER_EXPORTER:g} % of what the exporter ships; left out to keep the chain small"
    )
    known = edges.assign(
        exporter=edges["supplier"].map(nodes["country"]),
        importer=edges["buyer"].map(nodes["country"]),
    )[["product", "exporter", "importer"]].drop_duplicates()
    known = known.assign(factor=factors(chain.tables, known))
    left_out = pd.MultiIndex.from_frame(pairs)
    known["kept"] = ~pd.MultiIndex.from_frame(known[["product", "exporter", "importer"]]).isin(
        left_out
    )
    rows: list[tuple[str, str, str, float]] = []
    for (product, exporter), group in known.groupby(["product", "exporter"], sort=True):
        rows += _forbidden(str(product), str(exporter), group.sort_values("importer"))
    out = pd.DataFrame(rows, columns=["product", "supplier_country", "buyer_country", "factor"])
    ends = {"low": out["factor"], "high": out["factor"]}
    out = out.assign(**ends, source="own_assumption", confidence="D", derivation=note)
    places = pd.DataFrame(
        {
            "product": edges["product"],
            "exporter": edges["supplier"].map(nodes["country"]),
            "importer": edges["buyer"].map(nodes["country"]),
        }
    )
    gone = pd.MultiIndex.from_frame(places).isin(left_out)
    return out, edges[gone].assign(exporter=places["exporter"], importer=places["importer"])


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


def _forbidden(
    product: str, exporter: str, group: pd.DataFrame
) -> list[tuple[str, str, str, float]]:
    """Return the shorter of two ways to say which pairs are left out: name them, or name the rest."""
    kept, left_out = group[group["kept"]], group[~group["kept"]]
    if len(left_out) <= len(kept) + 1:
        return [(product, exporter, importer, 0.0) for importer in left_out["importer"]]
    named = zip(kept["importer"], kept["factor"], strict=True)
    return [(product, exporter, "WLD", 0.0), *((product, exporter, b, float(f)) for b, f in named)]


def _blocks(
    chain: cp.SupplyChain, edges: pd.DataFrame, country: pd.Series
) -> list[tuple[tuple[str, str], np.ndarray]]:
    """Return exporter, importer and the positions of the edges of each fitted trade total."""
    exporter, importer = edges["supplier"].map(country), edges["buyer"].map(country)
    blocks = []
    for row in chain.trade.query("role == 'fit'").itertuples():
        inside = edges["product"].isin(chain.products_in(row.products.split(";")))
        inside &= exporter.isin(chain.areas(row.exporter)) & importer.isin(
            chain.areas(row.importer)
        )
        inside &= exporter != importer
        blocks.append(((row.exporter, row.importer), np.flatnonzero(inside)))
    return [(places, block) for places, block in blocks if len(block)]


def leads(
    flows: pd.DataFrame, sites: pd.DataFrame, markets: pd.DataFrame, tiers: pd.Series
) -> pd.Series:
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
