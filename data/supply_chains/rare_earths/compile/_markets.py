"""Final demand by country, and the markets that take what the chain does not follow."""

from __future__ import annotations

import pandas as pd
from _common import read, text
from _supply import other_use

PLACES = ("CHN", "USA", "JPN", "KOR", "DEU")
RESIDUALS = ("X_EU", "X_WLD")


def final_markets(sectors: pd.DataFrame, countries: pd.DataFrame) -> pd.DataFrame:
    """Return demand for the output of each sector.

    Demand of an area = world output x (w x its share of output + (1 - w) x its share of GDP); w is
    stated per sector. Five countries have markets of their own; the demand of other EU members is
    pooled in X_EU, that of all others in X_WLD.
    """
    european = countries.set_index("area")["blocs"].str.contains("EU27")
    pool = pd.Series(
        {c: c if c in PLACES else RESIDUALS[0 if eu else 1] for c, eu in european.items()}
    )
    gdp = countries.set_index("area")["gdp_usd_m"].groupby(pool).sum()
    rows = []
    for rule in read("market_rules").itertuples():
        own = sectors[sectors["product"] == rule.product]
        output = own["quantity"].groupby(own["country"].map(pool)).sum()
        areas = [*PLACES, *RESIDUALS]
        made = output.reindex(areas).fillna(0.0) / output.sum()
        wealth = gdp.reindex(areas) / gdp.reindex(areas).sum()
        part = rule.output_weight * made + (1.0 - rule.output_weight) * wealth
        for area in areas:
            rows.append(
                {
                    "product": rule.product,
                    "country": area,
                    "sector": "",
                    "quantity": output.sum() * part[area],
                    "source": rule.source,
                    "confidence": "D",
                    "derivation": f"world output x ({rule.output_weight:g} x share of output + "
                    f"{1 - rule.output_weight:g} x share of GDP)",
                }
            )
    return pd.DataFrame(rows)


def rest_markets(sites: pd.DataFrame, need: pd.Series, magnets: pd.DataFrame) -> pd.DataFrame:
    """Return markets outside the end sectors: other_use of each product, and medicines."""
    return pd.concat(
        [other_use(sites, need), _unfollowed_magnets(magnets), _medicines()], ignore_index=True
    )


def _unfollowed_magnets(magnets: pd.DataFrame) -> pd.DataFrame:
    notes = read("other_use")
    notes = notes[notes["kind"] == "world"].set_index("product")
    rows = [
        {
            "product": product,
            "country": country,
            "sector": "other_use",
            "quantity": quantity,
            "source": notes.loc[product, "source"],
            "confidence": "D",
            "derivation": "part of the magnets of the country left after its components; "
            + text(notes.loc[product, "derivation"]),
        }
        for product in magnets.columns
        for country, quantity in magnets[product].items()
    ]
    return pd.DataFrame(rows)


def _medicines() -> pd.DataFrame:
    table = read("other_use")
    return pd.DataFrame(
        {
            "product": row.product,
            "country": row.country,
            "sector": "medical",
            "quantity": float(row.value),
            "source": row.source,
            "confidence": row.confidence,
            "derivation": text(row.derivation),
        }
        for row in table[table["kind"] == "final"].itertuples()
    )
