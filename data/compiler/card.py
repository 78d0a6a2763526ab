"""The data card: figures worked out from the chain, set into `card_template.md`."""

from __future__ import annotations

import numpy as np
import pandas as pd

import chokepoint as cp
from chokepoint.chain import FlowEstimate
from compiler.inputs import CHAINS_FOLDER

__all__ = ["card", "markdown", "short"]

OTHER_USE = ":other_use"
UNION = "EU27"
REPORTED_PART = "reported total, % of supply in the chain"
RESIDUAL_NOTE = (
    "Residual areas have the plants of all countries that a product does not name, their GDP is "
    "what all named areas leave: no share is given. What they have of Austria, Belgium, the "
    "Netherlands and others is missing there; the union as a whole is right."
)


def card(name: str, chain: cp.SupplyChain, free: FlowEstimate, fit: FlowEstimate) -> str:
    """Return the text of README.md.

    Parameters
    ----------
    name : str
        Chain whose template is filled.
    chain : SupplyChain
        The chain.
    free, fit : FlowEstimate
        The fit by size and preference alone, and the one with trade totals.
    """
    template = CHAINS_FOLDER / name / "compile" / "card_template.md"
    out = template.read_text(encoding="utf-8")
    parts = {
        "counts": counts(chain),
        "products": markdown(product_table(chain)),
        "closing": markdown(closing_table(chain)),
        "trade": markdown(trade_table(free, fit)),
        "import_shares": markdown(import_share_table(chain, free, fit)),
        "residual": f"{chain.balance()['relative'].abs().max():.0e}",
        "gdp": markdown(gdp_table(chain)) + "\n\n" + RESIDUAL_NOTE,
        "grades": markdown(grade_table(chain)),
        "controls": markdown(control_table(chain)),
    }
    for key, part in parts.items():
        out = out.replace("{" + key + "}", part)
    return out


def counts(chain: cp.SupplyChain) -> str:
    """Return one line of counts."""
    kinds = chain.countries["kind"].value_counts()
    return (
        f"{len(chain.products)} products, {len(chain.sites)} sites, {len(chain.markets)} markets, "
        f"{len(chain.flows):,} flows, {len(chain.alternatives)} dormant alternatives; "
        f"{kinds['country']} countries and {kinds.get('residual', 0)} residual areas"
    )


def product_table(chain: cp.SupplyChain) -> pd.DataFrame:
    """Return world output, concentration and the largest makers of each product."""
    sites, products = chain.sites, chain.products.set_index("product")
    made = sites.groupby(["product", "country"])["output_qty"].sum()
    total = made.groupby("product").sum()
    share = made / total
    frame = products[["tier", "group", "unit"]].copy()
    frame["world output"] = [short(total.get(p, np.nan)) for p in frame.index]
    frame["HHI"] = (share**2).groupby("product").sum().reindex(frame.index).round(2)
    frame["largest makers, %"] = [
        ", ".join(
            f"{country} {100 * part:.0f}"
            for country, part in share[p]
            .sort_values(ascending=False, kind="stable")
            .head(3)
            .items()
        )
        for p in frame.index
    ]
    return frame.reset_index().sort_values(["tier", "product"], kind="stable")


def closing_table(chain: cp.SupplyChain) -> pd.DataFrame:
    """Return what of each product the chain does not follow, and the residual after fitting."""
    markets = chain.markets
    rest = markets[markets["sector"] == "other_use"].groupby("product")["quantity"].sum()
    total = chain.sites.groupby("product")["output_qty"].sum()
    frame = pd.DataFrame({"world output": total.reindex(rest.index), "not followed": rest})
    frame["% of output"] = (100 * frame["not followed"] / frame["world output"]).round(1)
    balance = chain.balance()
    product = balance["node"].str.replace("market:", "", regex=False).str.split("@").str[0]
    residual = balance["relative"].abs().groupby(product).max()
    frame["residual after"] = residual.reindex(rest.index).map(lambda x: f"{x:.0e}")
    for column in ("world output", "not followed"):
        frame[column] = frame[column].map(short)
    return frame.reset_index()


def trade_table(free: FlowEstimate, fit: FlowEstimate) -> pd.DataFrame:
    """Return reported trade beside the fit without and with the totals as constraints."""
    frame = fit.trade[["products", "exporter", "importer", "period", "role", "reported"]].copy()
    frame["without totals"] = free.trade["fitted"].map(short)
    frame["fitted"] = fit.trade["fitted"].map(short)
    deviation = 100 * (fit.trade["fitted"] / fit.trade["reported"] - 1.0)
    frame["deviation %"] = deviation.map(lambda x: "" if x != x else f"{round(x, 1) + 0.0:.1f}")
    frame["reported"] = frame["reported"].map(short)
    return frame


def import_share_table(
    chain: cp.SupplyChain, free: FlowEstimate, fit: FlowEstimate
) -> pd.DataFrame:
    """Return parts of an importer's supply in the chain: reported total, before and after fitting.

    The reported total is a published quantity, what it is divided by is not: a part above 100 %
    says that the chain's importer gets less than was reported.
    """
    edges, nodes = chain.edges, chain.nodes
    edges = edges[~edges["dormant"]]
    importer = edges["buyer"].map(nodes["country"])
    rows = []
    for before, row in zip(free.trade.itertuples(), fit.trade.itertuples(), strict=True):
        inside = edges["product"].isin(chain.products_in(row.products.split(";")))
        need = edges.loc[inside & importer.isin(chain.areas(row.importer)), "quantity"].sum()
        if row.importer == "WLD" or not need > 0:
            continue
        rows.append(
            {
                "products": row.products,
                "importer": row.importer,
                "from": row.exporter,
                REPORTED_PART: f"{100 * row.reported / need:.0f}",
                "by size and preference, %": f"{100 * before.fitted / need:.0f}",
                "in the chain, %": f"{100 * row.fitted / need:.0f}",
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
    """Return value added in the chain and its exposed part beside GDP, USD billion.

    A residual area has the plants of all countries that a product does not name, its GDP is what
    all named areas leave; a share of the one in the other means nothing and is left blank.
    """
    nodes = chain.nodes
    value = nodes.groupby("country")["value_added_usd_m"].sum()
    exposed = exposed_value_added(chain).groupby(nodes["country"]).sum()
    frame = chain.countries.set_index("area")[["kind", "gdp_usd_m", "confidence", "blocs"]]
    frame["value"] = value.reindex(frame.index).fillna(0.0)
    frame["exposed"] = exposed.reindex(frame.index).fillna(0.0)
    member = frame["blocs"].str.split(";").map(lambda blocs: UNION in blocs)
    if (member & (frame["kind"] == "residual")).any():
        whole = frame.loc[member, ["gdp_usd_m", "value", "exposed"]].sum()
        label = f"all of {UNION}"
        frame.loc[label, whole.index] = whole
        frame.loc[label, ["kind", "confidence"]] = ["country", "D"]
    known = frame["kind"] != "residual"
    part = 100 * frame[["value", "exposed"]].div(frame["gdp_usd_m"], axis=0)
    out = pd.DataFrame({"GDP": (frame["gdp_usd_m"] / 1e3).round(0).astype(int)})
    out["grade"] = frame["confidence"]
    out["value added in chain"] = (frame["value"] / 1e3).round(1)
    out["% of GDP"] = part["value"].map("{:.1f}".format).where(known, "")
    out["exposed"] = (frame["exposed"] / 1e3).round(1)
    out["exposed % of GDP"] = part["exposed"].map("{:.2f}".format).where(known, "")
    return out.reset_index(names="area")


def grade_table(chain: cp.SupplyChain) -> pd.DataFrame:
    """Return how many rows of each table have which grade."""
    rows = []
    for name, frame in chain.tables.items():
        if "confidence" in frame and len(frame) and name not in ("flows", "sources"):
            found = frame["confidence"].value_counts()
            rows.append({"table": name, **{g: int(found.get(g, 0)) for g in "ABCD"}})
    return pd.DataFrame(rows)


def control_table(chain: cp.SupplyChain) -> pd.DataFrame:
    """Return the dated controls, shortened."""
    frame = chain.controls
    return frame[["control", "owner", "kind", "targets", "start", "end", "status"]]


def short(value: float) -> str:
    """Return a number with three digits or so, thousands apart."""
    if value != value:
        return ""
    if value == 0:
        return "0"
    digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{min(digits, 4)}f}".replace(",", " ")


def markdown(frame: pd.DataFrame) -> str:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(str(c) for c in frame.columns) + " |"]
    lines.append("|" + "---|" * len(frame.columns))
    for row in frame.itertuples(index=False):
        lines.append("| " + " | ".join("" if cell != cell else str(cell) for cell in row) + " |")
    return "\n".join(lines)
