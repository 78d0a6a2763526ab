"""Who prefers whom, which pairs of countries are too small to follow, and the lead of each flow."""

from __future__ import annotations

import numpy as np
import pandas as pd

import chokepoint as cp
from chokepoint.chain._preferences import factors
from compiler.areas import regions
from compiler.inputs import Inputs, text
from compiler.sparse import COVER_EXPORTER, COVER_IMPORTER, small_pairs

__all__ = ["dormant", "links", "narrowed", "preferences", "without_small_pairs"]

MANY = ("EU27", "WLD")
HOME = "HOME"
LEADS = {"home": 1, "region": 1, "far": 5}
GROWTH = 0.25
DORMANT_MAKERS = 3
KEYS = ["product", "exporter", "importer"]


def preferences(inputs: Inputs, sites: pd.DataFrame) -> pd.DataFrame:
    """Return stated preferences; a row HOME, HOME becomes one row per country that makes the good."""
    products = inputs["products"]
    makers = sites.groupby("product")["country"].agg(lambda cells: sorted(set(cells)))
    group = products.groupby("group")["product"].agg(list)
    everywhere = sorted(set(sites["country"]))
    rows = []
    for rule in inputs["preferences"].itertuples():
        product = text(rule.product)
        places = [(rule.supplier_country, rule.buyer_country)]
        if rule.supplier_country == HOME:
            members = group.get(product, [product]) if product else []
            known = sorted({c for p in members for c in makers.get(p, [])})
            places = [(c, c) for c in (known if product else everywhere)]
        sure = rule.factor in (0.0, 1.0)
        low = rule.low if rule.low == rule.low else rule.factor / (1 if sure else 3)
        high = rule.high if rule.high == rule.high else rule.factor * (1 if sure else 3)
        rows += [
            {
                "supplier_country": supplier,
                "buyer_country": buyer,
                "product": product,
                "factor": float(rule.factor),
                "low": low,
                "high": high,
                "source": rule.source,
                "confidence": rule.confidence,
                "derivation": text(rule.derivation),
            }
            for supplier, buyer in places
        ]
    columns = "supplier_country buyer_country product factor low high source confidence derivation"
    # A later row wins, as where a country's own habit follows the rule for all makers at home.
    frame = pd.DataFrame(rows, columns=columns.split())
    return frame.drop_duplicates(columns.split()[:3], keep="last").reset_index(drop=True)


def without_small_pairs(
    chain: cp.SupplyChain, inputs: Inputs, *, products: set[str] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return preference rows that forbid pairs of countries with tiny flows, and the edges left out.

    Only flows of `products` are looked at, where they are named.
    """
    cover_importer = float(inputs.setting("cover_importer", str(COVER_IMPORTER)))
    cover_exporter = float(inputs.setting("cover_exporter", str(COVER_EXPORTER)))
    nodes, edges = chain.nodes, chain.edges
    looked_at = ~edges["dormant"]
    if products is not None:
        looked_at &= edges["product"].isin(products)
    edges = edges[looked_at].reset_index(drop=True)
    blocks = _blocks(chain, edges, nodes["country"])
    single = [block for (_, importer), block in blocks if importer not in MANY]
    pairs = small_pairs(
        edges,
        nodes["country"],
        [block for _, block in blocks],
        single,
        cover_importer=cover_importer,
        cover_exporter=cover_exporter,
    )
    note = (
        f"larger flows of the first fit cover {100 * cover_importer:g} % of what the importer gets "
        f"and {100 * cover_exporter:g} % of what the exporter ships; left out to keep the chain small"
    )
    places = pd.DataFrame(
        {
            "product": edges["product"],
            "exporter": edges["supplier"].map(nodes["country"]),
            "importer": edges["buyer"].map(nodes["country"]),
        }
    )
    known = places.drop_duplicates()
    known = known.assign(factor=factors(chain.tables, known))
    left_out = pd.MultiIndex.from_frame(pairs[KEYS])
    known["kept"] = ~pd.MultiIndex.from_frame(known[KEYS]).isin(left_out)
    rows: list[tuple[str, str, str, float]] = []
    for (product, exporter), group in known.groupby(["product", "exporter"], sort=True):
        rows += _forbidden(str(product), str(exporter), group.sort_values("importer"))
    out = pd.DataFrame(rows, columns=["product", "supplier_country", "buyer_country", "factor"])
    ends = {"low": out["factor"], "high": out["factor"]}
    out = out.assign(**ends, source="own_assumption", confidence="D", derivation=note)
    gone = pd.MultiIndex.from_frame(places[KEYS]).isin(left_out)
    return out, edges[gone].assign(exporter=places["exporter"], importer=places["importer"])


def narrowed(preferences: pd.DataFrame, small: pd.DataFrame) -> pd.DataFrame:
    """Return preferences with the rows that leave small pairs out, which win over stated ones."""
    keys = ["supplier_country", "buyer_country", "product"]
    return pd.concat([preferences, small]).drop_duplicates(keys, keep="last")


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


def dormant(inputs: Inputs, left_out: pd.DataFrame) -> pd.DataFrame:
    """Return dormant alternatives: makers in countries whose flows to a buyer are not followed.

    For each slot the largest maker of each such country, of the DORMANT_MAKERS countries with the
    largest flow in the first fit.
    """
    columns = ["supplier", "buyer", "slot", "max_share", "low", "high"]
    columns += ["source", "confidence", "derivation"]
    stated = inputs["dormant"].set_index("product")
    frame = left_out[
        left_out["product"].isin(stated.index) & ~left_out["buyer"].str.startswith("market:")
    ]
    if frame.empty:
        return pd.DataFrame(columns=columns)
    slot = ["buyer", "slot", "product"]
    frame = frame.sort_values([*slot, "exporter", "quantity", "supplier"])
    frame = frame.groupby([*slot, "exporter"], as_index=False).last()
    frame = frame.sort_values([*slot, "quantity", "supplier"], ascending=True, kind="stable")
    frame = frame.groupby(slot, as_index=False).tail(DORMANT_MAKERS)
    for column in columns[3:]:
        frame[column] = frame["product"].map(stated[column])
    return frame[columns].reset_index(drop=True)


def links(
    inputs: Inputs, flows: pd.DataFrame, tables: dict[str, pd.DataFrame]
) -> tuple[pd.Series, pd.Series]:
    """Return weeks from dispatch to arrival, and growth before qualification, of each flow."""
    sites, markets, products = tables["sites"], tables["markets"], tables["products"]
    place = pd.concat([sites.set_index("site")["country"], markets.set_index("market")["country"]])
    region = regions()
    origin, target = flows["supplier"].map(place), flows["buyer"].map(place)
    near = (origin.map(region) == target.map(region)) & origin.map(region).ne("")
    distance = np.select([origin == target, near], ["home", "region"], default="far")
    product = flows["supplier"].map(sites.set_index("site")["product"])
    rules = _rules_by_product(inputs, products)
    weeks = [rules[p][d] for p, d in zip(product, distance, strict=True)]
    growth = [rules[p]["growth_max"] for p in product]
    return pd.Series(weeks, flows.index).astype(int), pd.Series(growth, flows.index, dtype=float)


def _rules_by_product(inputs: Inputs, products: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the row of `leads` of each product: its own, its group's, its stage's or the rest's."""
    rules = {text(row["product"]): row for row in inputs["leads"].to_dict("records")}
    out = {}
    for row in products.itertuples():
        chosen = next((rules[k] for k in (row.product, row.group, row.stage, "") if k in rules), {})
        known = {k: v for k, v in chosen.items() if k != "product" and v == v and v != ""}
        out[row.product] = {**LEADS, "growth_max": GROWTH, **known}
    return out
