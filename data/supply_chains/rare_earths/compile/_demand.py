"""End sectors by country, and the components they need: from final demand one step upward."""

from __future__ import annotations

import numpy as np
import pandas as pd
from _common import CHINA, NAN, ras, read, text
from compiler.areas import all_areas

CARS = ("car_conventional", "car_hybrid", "car_ev")
CAR_OUTPUT_SHARE = 0.25
SMALL_POWERTRAIN = (
    150_000  # units; fewer electric or hybrid cars of a country count as conventional
)
LARGE_CAR_COUNTRY = 1_000_000  # conventional cars a year; below, two cohorts are enough
SMALL_SECTOR = 0.03  # of world value added; smaller countries join the residual of their region
# Where magnets in uses that are not followed are used, as a multiple of the country's magnets.
REST_PLACES = {
    CHINA: 1,
    "USA": 3,
    "DEU": 1,
    "JPN": 1,
    "KOR": 1,
    "IND": 1,
    "VNM": 1,
    "TWN": 1,
    "X_WLD": 1,
}
MAGNETS = ("magnet_ndfeb", "magnet_ndfeb_heavy", "magnet_bonded", "magnet_smco")
COMPONENT_VALUE_ADDED = (0.30, 0.20, 0.40)
# Components whose value added the statistics count inside the sector that buys them.
INSIDE_SECTOR = {
    "motor_ev": CARS,
    "motor_auto_aux": CARS,
    "catalyst_auto": CARS,
    "battery_nimh": CARS,
    "motor_compressor": ("hvac",),
    "motor_appliance": ("appliances",),
    "audio_haptic": ("consumer_electronics",),
    "actuator_hdd": ("consumer_electronics",),
    "generator_wind": ("wind_turbine",),
    "motor_robot": ("robots",),
    "actuator_defence": ("defence",),
    "generator_aero": ("aircraft",),
}


def sector_sites() -> pd.DataFrame:
    """Return end-sector output by country, cars by powertrain, before cohorts."""
    return pd.concat([_cars(), _other_sectors()], ignore_index=True)


def _cars() -> pd.DataFrame:
    rows = []
    for v in read("vehicles").itertuples():
        split = {"car_ev": v.ev, "car_hybrid": v.hybrid}
        split = {p: units if units >= SMALL_POWERTRAIN else 0 for p, units in split.items()}
        split["car_conventional"] = v.vehicles - sum(split.values())
        for product, units in split.items():
            if units <= 0:
                continue
            part = units / v.vehicles
            how = "vehicles made in 2024 split by powertrain; value added of motor vehicles and parts by unit"
            rows.append(
                {
                    "product": product,
                    "country": v.country,
                    "quantity": float(units),
                    "value_added": v.value_added_usd_m * part,
                    "va_low": v.va_low / v.value_added_usd_m,
                    "va_high": v.va_high / v.value_added_usd_m,
                    "va_share": CAR_OUTPUT_SHARE,
                    "source": _sources(v.source, v.va_source, "ieaev2025"),
                    "confidence": "C",
                    "derivation": "; ".join(filter(None, [how, text(v.derivation)])),
                }
            )
    return pd.DataFrame(rows)


def _other_sectors() -> pd.DataFrame:
    rows = []
    for s in _pooled(read("sectors")).itertuples():
        output = s.value_added_usd_m / s.va_share
        rows.append(
            {
                "product": s.product,
                "country": s.country,
                "quantity": output if np.isnan(s.quantity) else float(s.quantity),
                "value_added": float(s.value_added_usd_m),
                "va_low": s.va_low / s.value_added_usd_m,
                "va_high": s.va_high / s.value_added_usd_m,
                "va_share": s.va_share,
                "source": s.source,
                "confidence": s.confidence,
                "derivation": text(s.derivation),
            }
        )
    return pd.DataFrame(rows)


def _pooled(table: pd.DataFrame) -> pd.DataFrame:
    """Return sectors with small countries added to the residual of their region."""
    frame = table.copy()
    total = frame.groupby("product")["value_added_usd_m"].transform("sum")
    countries = all_areas()
    european = frame["country"].map(countries["blocs"]).str.contains("EU27")
    small = (frame["value_added_usd_m"] < SMALL_SECTOR * total) & (
        frame["country"].map(countries["kind"]) == "country"
    )
    moved = frame["country"].where(~small, european.map({True: "X_EU", False: "X_WLD"}))
    frame["joined"] = frame["country"].where(small, "")
    frame["country"] = moved
    frame["order"] = small.astype(int)
    frame = frame.sort_values(["product", "country", "order"], kind="stable")
    how = dict.fromkeys(("quantity", "value_added_usd_m", "va_low", "va_high"), "sum")
    how |= dict.fromkeys(("va_share", "source", "confidence", "derivation"), "first")
    how["joined"] = lambda cells: ", ".join(c for c in cells if c)
    out = frame.groupby(["product", "country"], as_index=False, sort=True).agg(how)
    stated = table.groupby("product")["quantity"].first().notna()
    out["quantity"] = out["quantity"].where(out["product"].map(stated))
    note = "; with " + out["joined"] + ", each below 3 % of the sector"
    out["derivation"] = out["derivation"] + note.where(out["joined"] != "", "")
    return out


def _sources(*cells: str) -> str:
    return ";".join(dict.fromkeys(item for cell in cells for item in cell.split(";")))


def world_needs(sites: pd.DataFrame, recipes: pd.DataFrame) -> pd.Series:
    """Return need of each input product over all given sites, for slots with one input."""
    made = sites.groupby("product")["quantity"].sum()
    need = recipes["product"].map(made).fillna(0.0) * recipes["quantity"]
    return need.groupby(recipes["input"]).sum()


def component_sites(
    sectors: pd.DataFrame, recipes: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return component output by country and firm, and magnets in uses that are not followed.

    Components without magnets follow fixed shares. Components with magnets are balanced: the mass
    of magnets in the components of a country is what the country gets (Chinese exports to it plus
    other supply), and the mass in all units of a component is the world need.
    """
    need = world_needs(sectors, recipes)
    other = read("other_use")
    stated = other[other["kind"].isin(["quantity", "final"])].groupby("product")["value"].sum()
    need = need.add(stated, fill_value=0.0)
    shares = read("component_shares")
    fixed = shares[shares["basis"] == "share"]
    rows = [
        _component(s, need[s.product] * s.share / 100.0, s.derivation) for s in fixed.itertuples()
    ]
    balanced, unfollowed = _balanced(shares[shares["basis"] == "seed"], need, recipes, other)
    return pd.DataFrame(rows + balanced), unfollowed


def _component(share, quantity: float, derivation: str) -> dict[str, object]:
    value_added, low, high = COMPONENT_VALUE_ADDED
    return {
        "product": share.product,
        "country": share.country,
        "firm": text(share.firm),
        "quantity": quantity,
        "va_share": value_added,
        "va_low": low,
        "va_high": high,
        "source": share.source,
        "confidence": share.confidence,
        "derivation": derivation,
    }


def _balanced(
    seeds: pd.DataFrame, need: pd.Series, recipes: pd.DataFrame, other: pd.DataFrame
) -> tuple[list[dict[str, object]], pd.DataFrame]:
    content = magnet_content(recipes)
    world = {p: need[p] * content[p].sum() for p in seeds["product"].unique()}
    rest = other[other["kind"] == "world"].set_index("product")["value"].astype(float)
    use = read("magnet_use").set_index("country")
    rows = (use["from_china_t"] + use["from_others_t"]).astype(float)
    rows[CHINA] = sum(world.values()) + rest.sum() - rows.sum()
    columns = [*world, *(f"rest {p}" for p in rest.index)]
    seed = pd.DataFrame(0.0, index=rows.index, columns=columns)
    for s in seeds.itertuples():
        seed.loc[s.country, s.product] = s.share * world[s.product]
    for product, total in rest.items():
        weight = rows * rows.index.map(REST_PLACES).to_numpy(dtype=float)
        seed[f"rest {product}"] = (weight / weight.sum() * total).fillna(0.0)
    totals = np.array([*world.values(), *rest])
    fitted = pd.DataFrame(
        ras(seed.to_numpy(), rows.to_numpy(), totals), index=seed.index, columns=columns
    )
    out = []
    for s in seeds.itertuples():
        mass = fitted.loc[s.country, s.product]
        if mass > 0:
            out.append(_component(s, mass / content[s.product].sum(), s.derivation))
    tail = fitted.loc[fitted.index.isin(REST_PLACES), [f"rest {p}" for p in rest.index]]
    tail.columns = list(rest.index)
    return out, tail


def magnet_content(recipes: pd.DataFrame) -> dict[str, pd.Series]:
    """Return t of each magnet product per unit of each component."""
    rows = recipes[recipes["input"].isin(MAGNETS)]
    return {
        str(product): group.groupby("input")["quantity"].sum()
        for product, group in rows.groupby("product")
    }


def without_components(
    sectors: pd.DataFrame, components: pd.DataFrame, price: pd.Series
) -> pd.DataFrame:
    """Return sectors whose value added no longer holds that of the components made at home.

    Statistics count makers of motors for cars inside the motor industry; the chain has them as
    sites of their own, so their value added is taken out of the sector, at most 40 % of it.
    """
    inside = components[components["product"].isin(INSIDE_SECTOR)].copy()
    inside["value_added"] = (
        inside["quantity"] * inside["product"].map(price) / 1e6 * inside["va_share"]
    )
    inside["family"] = inside["product"].map(lambda p: INSIDE_SECTOR[p][0])
    taken = inside.groupby(["family", "country"])["value_added"].sum()
    frame = sectors.copy()
    frame["family"] = frame["product"].where(~frame["product"].isin(CARS), CARS[0])
    keys = pd.MultiIndex.from_frame(frame[["family", "country"]])
    total = frame.groupby(["family", "country"])["value_added"].sum().reindex(keys).to_numpy()
    part = np.minimum(taken.reindex(keys).fillna(0.0).to_numpy() / total, 0.4)
    frame["gross_value_added"] = frame["value_added"]
    frame["value_added"] = frame["value_added"] * (1.0 - part)
    return frame.drop(columns="family")


def cohorts(sectors: pd.DataFrame) -> pd.DataFrame:
    """Return sectors with one row per cohort where the plants of a country differ in stock.

    Three cohorts of conventional cars in countries that make LARGE_CAR_COUNTRY or more, two in the
    others and for electric and hybrid cars.
    """
    parts = read("cohorts").rename(columns={"sector": "product", "source": "cohort_source"})
    size = pd.Series("any", index=sectors.index)
    conventional = sectors["product"] == CARS[0]
    size[conventional] = "small"
    size[conventional & (sectors["quantity"] >= LARGE_CAR_COUNTRY)] = "large"
    columns = ["product", "size", "cohort", "share", "stock_factor", "cohort_source"]
    frame = sectors.assign(size=size).merge(parts[columns], on=["product", "size"], how="left")
    frame["cohort"] = frame["cohort"].astype(object).where(frame["cohort"].notna(), "")
    share = frame["share"].fillna(1.0)
    for column in ("quantity", "value_added", "gross_value_added"):
        frame[column] = frame[column] * share
    frame["stock_factor"] = frame["stock_factor"].astype(float).where(frame["cohort"] != "", NAN)
    return frame.drop(columns=["size", "share"])
