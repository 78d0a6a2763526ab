"""What a chain says about itself: a few lines of text, and the same as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import pandas as pd

from chokepoint import schema
from chokepoint.chain._table_store import TableStore, row_count

__all__ = ["concentration", "html", "text"]

_MOST_PRODUCTS = 10
_MOST_TIERS = 10


def text(tables: Mapping[str, pd.DataFrame], name: str) -> str:
    """Return at most six lines: counts, tiers, confidence."""
    facts = _facts(tables)
    lines = [f"<SupplyChain {name!r}>", *(f"  {label}: {fact}" for label, fact in facts.items())]
    return "\n".join(lines)


def html(tables: Mapping[str, pd.DataFrame], name: str) -> str:
    """Return the same facts as a table, and the most concentrated products below a fold."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(label)}</th>"
        f"<td style='text-align:left'>{escape(fact)}</td></tr>"
        for label, fact in _facts(tables).items()
    )
    top = concentration(tables).head(_MOST_PRODUCTS)
    body = "".join(
        f"<tr><td style='text-align:left'>{escape(str(product))}</td><td>{row['hhi']:.2f}</td>"
        f"<td>{escape(str(row['country']))}</td><td>{row['share']:.0%}</td></tr>"
        for product, row in top.iterrows()
    )
    return (
        f"<div><strong>SupplyChain {escape(name)}</strong><table>{rows}</table>"
        "<details><summary>Most concentrated products (HHI of output over countries, largest "
        "first)</summary><table><tr><th>product</th><th>HHI</th><th>largest</th><th>share</th>"
        f"</tr>{body}</table></details></div>"
    )


def concentration(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the Herfindahl-Hirschman index of output over countries, by product.

    Returns
    -------
    DataFrame
        Index product, sorted by hhi then value (largest first); columns hhi (0 to 1), country
        (the largest), share (its share of output), countries (number that make it), output
        (units per year), value_usd_m. Products that nobody makes are left out.
    """
    sites = tables["sites"]
    by_country = sites.groupby(["product", "country"], as_index=False)["output_qty"].sum()
    total = by_country.groupby("product")["output_qty"].transform("sum")
    made = by_country.assign(share=by_country["output_qty"] / total)
    made = made[made["output_qty"] > 0]
    grouped = made.groupby("product")
    largest = made.sort_values("share", ascending=False, kind="stable").drop_duplicates("product")
    frame = largest.set_index("product")[["country", "share"]]
    frame.insert(0, "hhi", (made["share"] ** 2).groupby(made["product"]).sum())
    frame["countries"] = grouped.size()
    frame["output"] = grouped["output_qty"].sum()
    frame["value_usd_m"] = sites.groupby("product")["output_usd_m"].sum()
    order = ["hhi", "value_usd_m"]
    return pd.DataFrame(frame.sort_values(order, ascending=False, kind="stable"))


def _facts(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    sites, markets = tables["sites"], tables["markets"]
    areas = pd.concat([sites["country"], markets["country"]]).nunique()
    # Flows of an input-output table are all reported; they are not made for being counted.
    flows = row_count(tables, "flows")
    made = isinstance(tables, TableStore)
    reported = flows if made else int((tables["flows"]["known"] == "reported").sum())
    nodes = (
        f"{len(tables['products']):,} products, {len(sites):,} sites, {len(markets):,} markets "
        f"in {areas:,} areas"
    )
    edges = f"{flows:,} ({reported:,} reported), {len(tables['alternatives']):,} dormant"
    facts = {"nodes": nodes, "flows": edges, "sites by tier": _tiers(tables)}
    facts["confidence"] = _grades(tables)
    return facts


def _tiers(tables: Mapping[str, pd.DataFrame]) -> str:
    products = tables["products"]
    tier = pd.Series(products["tier"].to_numpy(), index=products["product"])
    stage = dict(zip(products["tier"], products["stage"], strict=True))
    counts = tables["sites"]["product"].map(tier).value_counts().sort_index()
    if len(counts) > _MOST_TIERS:
        first, last, most = counts.index.min(), counts.index.max(), counts.idxmax()
        return f"{len(counts)} tiers from {first} to {last}, most in tier {most} ({counts.max():,})"
    parts = [f"{number} {stage[number]}".strip() + f": {n:,}" for number, n in counts.items()]
    return ", ".join(parts) or "none"


def _grades(tables: Mapping[str, pd.DataFrame]) -> str:
    grades = [
        tables[table]["confidence"]
        for table in schema.TABLE_NAMES
        if table != "flows" and "confidence" in tables[table] and len(tables[table])
    ]
    every = pd.concat(grades) if grades else pd.Series(dtype="str")
    share = every.value_counts(normalize=True)
    mix = ", ".join(f"{grade} {share.get(grade, 0.0):.0%}" for grade in "ABCD")
    return f"{mix} of {len(every):,} rows (flows not counted)"
