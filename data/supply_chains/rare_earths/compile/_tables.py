"""From the steps of the compile to the tables of the schema."""

from __future__ import annotations

import numpy as np
import pandas as pd
from _common import NAN, read, text

MONEY_PRODUCTS_TIER = 8
SPREAD = {"A": 0.05, "B": 0.10, "C": 0.25, "D": 0.50}
KEY_COLUMNS = ["product", "country", "firm", "cohort"]
RAMP = {6: (1.15, 26.0), 7: (1.15, 26.0), 8: (1.10, 26.0)}


def label(row: pd.Series) -> str:
    """Return the label of a site row."""
    firm = f":{row['firm']}" if row["firm"] else ""
    cohort = f"#{row['cohort']}" if row["cohort"] else ""
    return f"{row['product']}@{row['country']}{firm}{cohort}"


def sites_table(
    sectors: pd.DataFrame, components: pd.DataFrame, materials: pd.DataFrame, products: pd.DataFrame
) -> pd.DataFrame:
    """Return the table sites; ranges of quantities follow the grade where none is stated."""
    frame = pd.concat([materials, components, sectors], ignore_index=True)
    for column in ("firm", "cohort", "process"):
        frame[column] = frame[column].map(text)
    tier = frame["product"].map(products.set_index("product")["tier"])
    price = frame["product"].map(products.set_index("product")["price_usd"])
    out = pd.DataFrame({"site": frame.apply(label, axis=1)})
    out = pd.concat([out, frame[[*KEY_COLUMNS, "process"]]], axis=1)
    out["output_qty"] = frame["quantity"]
    is_sector = tier == MONEY_PRODUCTS_TIER
    gross = frame["gross_value_added"] / frame["va_share"]
    out["output_usd_m"] = np.where(is_sector, gross, frame["quantity"] * price / 1e6)
    kept = frame["value_added"] / frame["gross_value_added"]
    share = np.where(is_sector, frame["va_share"] * kept, frame["va_share"])
    out["value_added_share"] = np.round(share, 6)
    low = np.where(is_sector, share * frame["va_low"], frame["va_low"])
    high = np.where(is_sector, share * frame["va_high"], frame["va_high"])
    out["value_added_share_low"] = np.round(low, 6)
    out["value_added_share_high"] = np.round(np.minimum(high, 1.0), 6)
    out["ramp_max"] = frame["ramp_max"].fillna(tier.map(lambda t: RAMP.get(t, (1.1, 26.0))[0]))
    out["ramp_weeks"] = frame["ramp_weeks"].fillna(26.0)
    out["surplus_weeks"] = np.where(frame["process"] != "", 13.0, 4.0)
    out["year"] = 2024
    spread = frame["confidence"].map(SPREAD)
    stated_low, stated_high = frame["low"].astype(float), frame["high"].astype(float)
    out["low"] = stated_low.fillna(frame["quantity"] * (1 - spread)).map(_six)
    out["high"] = stated_high.fillna(frame["quantity"] * (1 + spread)).map(_six)
    out[["source", "confidence", "derivation"]] = frame[["source", "confidence", "derivation"]]
    if out["site"].duplicated().any():
        raise ValueError(f"two sites {out.loc[out['site'].duplicated(), 'site'].tolist()}")
    order = out.assign(tier=tier).sort_values(["tier", "product", "country", "firm", "cohort"])
    return order.drop(columns="tier").reset_index(drop=True)


def _six(value: float) -> float:
    return NAN if np.isnan(value) else float(f"{value:.6g}")


def markets_table(markets: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Return the table markets; a label is market:PRODUCT@COUNTRY[:SECTOR]."""
    out = markets[markets["quantity"] > 0].copy()
    sector = out["sector"].where(out["sector"] == "", ":" + out["sector"])
    out.insert(0, "market", "market:" + out["product"] + "@" + out["country"] + sector)
    price = out["product"].map(products.set_index("product")["price_usd"])
    out["value_usd_m"] = out["quantity"] * price / 1e6
    weight = out["product"].map(products.set_index("product")["critical_weight"])
    out["critical_weight"] = np.where(out["sector"] == "other_use", 0.0, weight)
    spread = out["confidence"].map(SPREAD)
    out["low"] = (out["quantity"] * (1 - spread)).map(_six)
    out["high"] = (out["quantity"] * (1 + spread)).map(_six)
    order = out.assign(tier=out["product"].map(products.set_index("product")["tier"]))
    order = order.sort_values(["tier", "product", "sector", "country"], kind="stable")
    return order.drop(columns="tier").reset_index(drop=True)


def inputs_table(recipes: pd.DataFrame, sectors: pd.DataFrame) -> pd.DataFrame:
    """Return the table inputs: recipes, then rows of single sites where stock differs.

    Cohorts hold the stock of the product's row times their factor in the slots of motors; some
    countries hold more of some materials.
    """
    frame = recipes.copy()
    frame.insert(1, "site", "")
    parts = [frame, *_cohort_rows(frame, sectors), *_country_rows(frame)]
    out = pd.concat(parts, ignore_index=True)
    out["throttle_weeks"] = 1.0
    out["throttle_weeks_low"] = 1.0
    out["throttle_weeks_high"] = np.round(1.0 + out["stock_weeks_low"], 3)
    out["reorder_weeks"] = 4.0
    out["lead_weeks"] = 1
    return out


def _cohort_rows(recipes: pd.DataFrame, sectors: pd.DataFrame) -> list[pd.DataFrame]:
    out = []
    for row in sectors[sectors["cohort"] != ""].itertuples():
        own = recipes[
            (recipes["product"] == row.product)
            & recipes["slot"].isin(["motor_auto_aux", "motor_ev"])
        ].copy()
        own["site"] = f"{row.product}@{row.country}#{row.cohort}"
        for column in ("stock_weeks", "stock_weeks_low", "stock_weeks_high"):
            own[column] = (own[column] * row.stock_factor).round(3)
        own["source"] = row.cohort_source
        own["confidence"] = "D"
        own["derivation"] = f"stock of the product's row times {row.stock_factor:g} of the cohort"
        out.append(own)
    return out


def _country_rows(recipes: pd.DataFrame) -> list[pd.DataFrame]:
    out = []
    sites = read("material_sites")
    components = read("component_shares")
    for stock in read("stock_overrides").itertuples():
        known = pd.concat(
            [sites[["product", "country", "firm"]], components[["product", "country", "firm"]]]
        )
        here = known[(known["product"] == stock.product) & (known["country"] == stock.country)]
        for firm in here["firm"].map(text):
            own = recipes[
                (recipes["product"] == stock.product) & (recipes["slot"] == stock.slot)
            ].copy()
            own["site"] = f"{stock.product}@{stock.country}" + (f":{firm}" if firm else "")
            for column in ("stock_weeks", "stock_weeks_low", "stock_weeks_high"):
                own[column] = getattr(stock, column)
            own["source"], own["confidence"] = stock.source, stock.confidence
            own["derivation"] = stock.derivation
            out.append(own)
    return out


def joint_table(materials: pd.DataFrame) -> pd.DataFrame:
    """Return the table joint: general yields, and those of named sites."""
    frame = read("yields")
    sites = materials.assign(
        site=materials["product"]
        + "@"
        + materials["country"]
        + materials["firm"].map(lambda f: f":{f}" if f else "")
    )
    named = frame["country"] != ""
    key = (
        frame["process"]
        + "@"
        + frame["country"]
        + frame["firm"].map(lambda f: f":{f}" if f else "")
    )
    unknown = set(key[named]) - set(sites["site"])
    if unknown:
        raise ValueError(f"yields of unknown sites {sorted(unknown)}")
    frame.insert(1, "site", key.where(named, ""))
    return frame.drop(columns=["country", "firm"])


def trade_table() -> pd.DataFrame:
    """Return the table trade: Chinese magnet exports by destination, then other totals."""
    use = read("magnet_use")
    magnets = pd.DataFrame(
        {
            "products": "ndfeb_sintered;bonded;smco",
            "exporter": "CHN",
            "importer": use["country"],
            "period": "2024",
            "quantity": use["from_china_t"],
            "unit": "t",
            "value_usd_m": NAN,
            "role": "fit",
            "low": use["low"],
            "high": use["high"],
            "source": use["source"],
            "confidence": use["confidence"],
            "derivation": use["derivation"],
        }
    )
    return pd.concat([magnets, read("trade")], ignore_index=True)
