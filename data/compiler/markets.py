"""Final demand, and the markets that take what the chain does not follow."""

from __future__ import annotations

import pandas as pd

from compiler.inputs import SPREAD, Inputs
from compiler.world import World

__all__ = ["OTHER_USE", "markets_table", "other_use"]

OTHER_USE = "other_use"
COLUMNS = (
    "market product country sector quantity value_usd_m critical_weight lead_weeks "
    "qualification_weeks stock_weeks backlog_share low high source confidence derivation"
).split()
OWN_MARKETS = "CHN;USA;JPN;KOR;DEU;IND"
KEPT = ("critical_weight", "stock_weeks", "qualification_weeks", "lead_weeks", "backlog_share")


def markets_table(
    inputs: Inputs, world: World, countries: pd.DataFrame, borrowed: pd.DataFrame
) -> pd.DataFrame:
    """Return the table `markets`.

    Stated quantities come first; what is then left of world output goes to the stated shares of
    it, and the rest to `other_use` of the countries that make it, in proportion to their output.
    Products of other chains keep their final markets.
    """
    demand, left = inputs["demand"], world.left.copy()
    own = borrowed[borrowed["sector"] != OTHER_USE]
    left = left.sub(own.groupby("product")["quantity"].sum(), fill_value=0.0)
    rows = []
    stated = demand[demand["basis"] == "quantity"]
    for row in stated.itertuples():
        rows.append(_row(row, row.country, row.value, low=row.low, high=row.high))
    left = left.sub(stated.groupby("product")["value"].sum(), fill_value=0.0)
    made = world.sites.groupby("product")["output_qty"].sum()
    for product in left.index[left < -1e-9 * made.reindex(left.index).fillna(1.0)]:
        world.problems.append(
            f"{product}: final demand takes {-left[product]:g} more than is left of world output"
        )
    for row in demand[demand["basis"] == "share"].itertuples():
        quantity = row.value / 100.0 * left[row.product]
        scale = quantity / row.value if row.value else 0.0
        rows.append(_row(row, row.country, quantity, low=row.low * scale, high=row.high * scale))
    taken = demand[demand["basis"] == "share"].groupby("product")["value"].sum() / 100.0
    for row in demand[demand["basis"] == "mix"].itertuples():
        if not made.get(row.product, 0.0) > 0:
            world.problems.append(f"{row.product}: nothing is made, so no demand can be spread")
            continue
        for area, part in _mix(inputs, world, countries, row.product, row.value).items():
            rows.append(_row(row, area, part * left[row.product]))
        taken[row.product] = 1.0
    left = left * (1.0 - taken.reindex(left.index).fillna(0.0))
    rest = left[left > 1e-9 * made.reindex(left.index).fillna(0.0)]
    out = pd.concat(
        [pd.DataFrame(rows, columns=COLUMNS[1:]), other_use(world.sites, rest)], ignore_index=True
    )
    price = inputs["products"].set_index("product")["price_usd"]
    out["value_usd_m"] = out["quantity"] * out["product"].map(price) / 1e6
    sector = out["sector"].where(out["sector"] == "", ":" + out["sector"])
    out["market"] = "market:" + out["product"] + "@" + out["country"] + sector
    return pd.concat([out[out["quantity"] > 0], own], ignore_index=True)[COLUMNS]


def _row(row, country: str, quantity: float, **ends: float) -> dict[str, object]:
    spread = SPREAD[row.confidence]
    low, high = ends.get("low", float("nan")), ends.get("high", float("nan"))
    known = low == low and high == high
    return {
        "product": row.product,
        "country": country,
        "sector": row.sector,
        "quantity": quantity,
        "low": min(low, quantity) if known else quantity * (1 - spread),
        "high": max(high, quantity) if known else quantity * (1 + spread),
        "source": row.source,
        "confidence": row.confidence,
        "derivation": row.derivation,
        **{column: getattr(row, column) for column in KEPT},
    }


def _mix(
    inputs: Inputs, world: World, countries: pd.DataFrame, product: str, weight: float
) -> pd.Series:
    """Return shares of areas: weight x share of output + (1 - weight) x share of GDP.

    Areas without a market of their own are pooled: members of the EU in X_EU, others in X_WLD.
    """
    own = set(inputs.setting("market_places", OWN_MARKETS).split(";"))
    frame = countries.set_index("area")
    european = frame["blocs"].str.split(";").map(lambda blocs: "EU27" in blocs)
    residual = european.map({True: "X_EU", False: "X_WLD"})
    known = set(frame.index)
    pool = pd.Series(
        [c if c in own or r not in known else r for c, r in residual.items()], frame.index
    )
    gdp = frame["gdp_usd_m"].groupby(pool).sum()
    sites = world.sites[world.sites["product"] == product]
    output = sites["output_qty"].groupby(sites["country"].map(pool)).sum()
    made = output.reindex(gdp.index).fillna(0.0) / output.sum()
    return weight * made + (1.0 - weight) * gdp / gdp.sum()


def other_use(sites: pd.DataFrame, rest: pd.Series) -> pd.DataFrame:
    """Return what the chain does not follow, used where the product is made."""
    made = sites.groupby(["product", "country"])["output_qty"].sum()
    rows = []
    for product, quantity in rest.items():
        share = made[product] / made[product].sum()
        for country, part in share.items():
            amount = quantity * part
            rows.append(
                {
                    "product": product,
                    "country": country,
                    "sector": OTHER_USE,
                    "quantity": amount,
                    "critical_weight": 0.0,
                    "low": 0.5 * amount,
                    "high": 1.5 * amount,
                    "source": "own_assumption",
                    "confidence": "D",
                    "derivation": "world output less what the chain follows, shared as output is",
                }
            )
    return pd.DataFrame(rows, columns=COLUMNS[1:])
