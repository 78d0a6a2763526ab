"""The data card: figures computed from the chain, set into `card_template.md`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from _common import CHINA

import chokepoint as cp
from chokepoint.chain import FlowEstimate

TEMPLATE = Path(__file__).parent / "card_template.md"
ELEMENTS = {
    "NdPr": ("oxide_ndpr", "oxide_ndpr_recycled"),
    "Dy": ("oxide_dy", "oxide_dy_recycled"),
    "Tb": ("oxide_tb", "oxide_tb_recycled"),
    "Sm": ("oxide_sm", None),
    "Gd": ("oxide_gd", None),
    "Y": ("oxide_y", None),
    "La, Ce": ("oxide_lace", None),
}
COVER_COUNTRIES = ("USA", "DEU", "JPN", "KOR", "IND")


def card(chain: cp.SupplyChain, free: FlowEstimate, fit: FlowEstimate) -> str:
    """Return the text of README.md; `free` is the fit without trade totals."""
    parts = {
        "counts": _counts(chain),
        "products": _markdown(product_table(chain)),
        "elements": _markdown(element_balance(chain)),
        "closing": _markdown(closing_table(chain)),
        "trade": _markdown(trade_table(free, fit)),
        "residual": f"{chain.balance()['relative'].abs().max():.0e}",
        "cover": _markdown(cover_table(chain)),
        "gdp": _markdown(gdp_table(chain)),
        "grades": _markdown(grade_table(chain)),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace("{" + name + "}", part)
    return text


def _counts(chain: cp.SupplyChain) -> str:
    kinds = chain.countries["kind"].value_counts()
    return (
        f"{len(chain.products)} products, {len(chain.sites)} sites, {len(chain.markets)} markets, "
        f"{len(chain.flows):,} flows, {len(chain.alternatives)} dormant alternatives; "
        f"{kinds['country']} countries and {kinds['residual']} residual areas"
    )


def product_table(chain: cp.SupplyChain) -> pd.DataFrame:
    """Return world output and Chinese share of each product."""
    sites, products = chain.sites, chain.products.set_index("product")
    total = sites.groupby("product")["output_qty"].sum()
    china = sites[sites["country"] == CHINA].groupby("product")["output_qty"].sum()
    frame = products[["tier", "group", "unit"]].copy()
    frame["world output"] = [_short(total.get(p, np.nan)) for p in frame.index]
    share = (china / total * 100.0).reindex(frame.index)
    frame["China %"] = [f"{x:.0f}" if x == x else "0" for x in share]
    frame["countries"] = sites.groupby("product")["country"].nunique().reindex(frame.index)
    return frame.reset_index()


def element_balance(chain: cp.SupplyChain) -> pd.DataFrame:
    """Return what becomes of each element, t of oxide a year.

    New oxide of the mines + oxide recycled from swarf = oxide to metal makers + other uses that the
    chain follows + other_use; the difference is what the identities leave.
    """
    sites, flows = chain.sites.set_index("site"), chain.flows
    made = flows["supplier"].map(sites["product"])
    buyer = flows["buyer"].map(sites["product"])
    rest = flows["buyer"].str.endswith(":other_use")
    rows = []
    for element, (new, recycled) in ELEMENTS.items():
        own = made.isin([new, recycled])
        metal = own & buyer.fillna("").str.startswith("metal_")
        quantity = flows["quantity"]
        supply = sites.loc[sites["product"] == new, "output_qty"].sum()
        again = sites.loc[sites["product"] == recycled, "output_qty"].sum()
        to_metal, to_rest = quantity[metal].sum(), quantity[own & rest].sum()
        to_use = quantity[own & ~metal & ~rest].sum()
        rows.append(
            {
                "element": element,
                "new from mines": _short(supply),
                "recycled": _short(again),
                "to metal": _short(to_metal),
                "to other uses": _short(to_use),
                "other_use": _short(to_rest),
                "other_use %": f"{100 * to_rest / (supply + again):.0f}",
                "difference": f"{supply + again - to_metal - to_use - to_rest:.0e}",
            }
        )
    return pd.DataFrame(rows)


def closing_table(chain: cp.SupplyChain) -> pd.DataFrame:
    """Return supply less followed need of each product before other_use closes it."""
    markets = chain.markets
    rest = markets[markets["sector"] == "other_use"].groupby("product")["quantity"].sum()
    total = chain.sites.groupby("product")["output_qty"].sum()
    frame = pd.DataFrame({"world output": total.reindex(rest.index), "not followed": rest})
    frame["% of output"] = (100 * frame["not followed"] / frame["world output"]).round(1)
    frame["residual after"] = _residuals(chain).reindex(rest.index)
    for column in ("world output", "not followed"):
        frame[column] = frame[column].map(_short)
    frame["residual after"] = frame["residual after"].map(lambda x: f"{x:.0e}")
    return frame.reset_index()


def _residuals(chain: cp.SupplyChain) -> pd.Series:
    frame = chain.balance()
    product = frame["node"].str.replace("market:", "", regex=False).str.split("@").str[0]
    return frame["relative"].abs().groupby(product).max()


def trade_table(free: FlowEstimate, fit: FlowEstimate) -> pd.DataFrame:
    """Return reported trade beside the fit without and with the totals as constraints."""
    before = free.trade["fitted"]
    frame = fit.trade[["products", "exporter", "importer", "period", "role", "reported"]].copy()
    frame["without totals"] = before.map(_short)
    frame["fitted"] = fit.trade["fitted"].map(_short)
    deviation = 100 * (fit.trade["fitted"] / fit.trade["reported"] - 1.0)
    frame["deviation %"] = deviation.round(1).map(lambda x: f"{x + 0.0:.1f}")
    frame["reported"] = frame["reported"].map(_short)
    return frame


def cover_table(chain: cp.SupplyChain) -> pd.DataFrame:
    """Return weeks from a stop of Chinese magnets to an empty slot along magnet, motor and car.

    Weeks = lead of the magnet + magnet stock of the motor maker + lead of the motor + motor stock
    of the car plant, for plants that depend on Chinese magnets alone.
    """
    edges, slots = chain.edges, chain.slots
    rows = []
    for country in COVER_COUNTRIES:
        maker = f"motor_auto_aux@{country}"
        magnets = edges[(edges["buyer"] == maker) & (edges["slot"] == "magnet_heavy")]
        lead = magnets.loc[
            magnets["supplier"].str.startswith(f"magnet_ndfeb_heavy@{CHINA}"), "lead_weeks"
        ]
        stock = slots.loc[(maker, "magnet_heavy"), "stock_weeks"]
        plants = chain.sites[
            (chain.sites["product"] == "car_conventional") & (chain.sites["country"] == country)
        ].set_index("site")
        weeks = {
            name.split("#")[1]: lead.min()
            + stock
            + 1
            + slots.loc[(name, "motor_auto_aux"), "stock_weeks"]
            for name in plants.index
        }
        part = plants["output_qty"] / plants["output_qty"].sum()
        mean = sum(part[n] * weeks[n.split("#")[1]] for n in plants.index)
        rows.append(
            {
                "cars of": country,
                "magnet lead": int(lead.min()),
                "stock of motor maker": f"{stock:g}",
                **{cohort: f"{value:.1f}" for cohort, value in sorted(weeks.items())},
                "mean": f"{mean:.1f}",
            }
        )
    return pd.DataFrame(rows)


def exposed_value_added(chain: cp.SupplyChain) -> pd.Series:
    """Return value added that stops if every slot of a site runs dry, USD million by site."""
    slots = chain.slots.reset_index()
    slots["part"] = slots["use_share"] * slots["criticality"]
    nested = slots[slots["combine"] == "nested"].groupby("buyer")["part"].max()
    disjoint = slots[slots["combine"] == "disjoint"].groupby("buyer")["part"].sum()
    nodes = chain.nodes
    part = pd.concat([nested, disjoint], axis=1).max(axis=1).reindex(nodes.index).fillna(0.0)
    return part.clip(upper=1.0) * nodes["value_added_usd_m"]


def gdp_table(chain: cp.SupplyChain) -> pd.DataFrame:
    """Return value added in the chain and its exposed part beside GDP, USD billion."""
    nodes = chain.nodes
    value = nodes.groupby("country")["value_added_usd_m"].sum()
    exposed = exposed_value_added(chain).groupby(nodes["country"]).sum()
    frame = chain.countries.set_index("area")[["gdp_usd_m", "confidence"]]
    out = pd.DataFrame({"GDP": (frame["gdp_usd_m"] / 1e3).round(0).astype(int)})
    out["grade"] = frame["confidence"]
    out["value added in chain"] = (value.reindex(out.index).fillna(0.0) / 1e3).round(1)
    out["% of GDP"] = (100 * out["value added in chain"] / out["GDP"]).round(1)
    out["exposed"] = (exposed.reindex(out.index).fillna(0.0) / 1e3).round(1)
    out["exposed % of GDP"] = (100 * out["exposed"] / out["GDP"]).round(2)
    return out.reset_index(names="area")


def grade_table(chain: cp.SupplyChain) -> pd.DataFrame:
    """Return how many rows of each table have which grade."""
    rows = []
    for name, frame in chain.tables.items():
        if "confidence" in frame and len(frame) and name not in ("flows", "sources"):
            counts = frame["confidence"].value_counts()
            rows.append({"table": name, **{g: int(counts.get(g, 0)) for g in "ABCD"}})
    return pd.DataFrame(rows)


def _short(value: float) -> str:
    if value != value:
        return ""
    if value == 0:
        return "0"
    digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{min(digits, 4)}f}".replace(",", " ")


def _markdown(frame: pd.DataFrame) -> str:
    head: Iterable[str] = [str(c) for c in frame.columns]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(frame.columns)]
    for row in frame.itertuples(index=False):
        lines.append("| " + " | ".join("" if cell != cell else str(cell) for cell in row) + " |")
    return "\n".join(lines)
