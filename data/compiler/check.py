"""What the input tables of a chain must obey before anything is worked out from them."""

from __future__ import annotations

import pandas as pd

import chokepoint as cp
from compiler.inputs import WITHOUT_PROVENANCE, Inputs, text
from compiler.recipes import recipes_completed

__all__ = ["check_inputs", "check_value", "over_value"]

MEASURES = {
    "products": "price_usd",
    "outputs": "value",
    "places": "value",
    "recipes": "quantity",
    "joint": "yield",
    "demand": "value",
    "preferences": "factor",
    "trade": "quantity",
    "alternatives": "max_share",
    "projects": "added_share",
    "measures": "unit_cost",
    "controls": "enforceability",
    "estimates": "value",
}
SLACK = 1e-9


def check_inputs(inputs: Inputs) -> list[str]:
    """Return every problem of the input tables, in words."""
    return [
        *_labels(inputs),
        *_provenance(inputs),
        *_ranges(inputs),
        *_places(inputs),
        *_slots(inputs),
        *_tiers(inputs),
    ]


def _labels(inputs: Inputs) -> list[str]:
    known = set(inputs["products"]["product"])
    out = []
    doubled = inputs["products"]["product"]
    out += [f"products: {p} twice" for p in doubled[doubled.duplicated()]]
    for table, column in (
        ("outputs", "product"),
        ("places", "product"),
        ("recipes", "product"),
        ("recipes", "input"),
        ("joint", "process"),
        ("joint", "product"),
        ("demand", "product"),
        ("dormant", "product"),
    ):
        for label in sorted(set(inputs[table][column]) - known):
            out.append(f"{table}: {column} {label} is not in products")
    return out


def _provenance(inputs: Inputs) -> list[str]:
    out = []
    for table, frame in inputs.tables.items():
        if table in WITHOUT_PROVENANCE or table == "sources" or frame.empty:
            continue
        for column in ("source", "confidence"):
            for i in frame.index[frame[column].map(text) == ""][:5]:
                out.append(f"{table} line {i + 2}: {column} is blank")
        bad = frame.index[~frame["confidence"].isin(list("ABCD"))]
        out += [f"{table} line {i + 2}: confidence must be A, B, C or D" for i in bad[:5]]
        assumed = (frame["source"] == "own_assumption") & frame["confidence"].isin(["A", "B"])
        for i in frame.index[assumed][:5]:
            out.append(f"{table} line {i + 2}: an assumption cannot be graded A or B")
    return out


def _ranges(inputs: Inputs) -> list[str]:
    out = []
    for table, measure in MEASURES.items():
        frame = inputs[table]
        if frame.empty:
            continue
        columns = [(measure, "low", "high")]
        if table == "recipes":
            frame = recipes_completed(inputs)
            columns += [
                (c, f"{c}_low", f"{c}_high")
                for c in ("use_share", "criticality", "stock_weeks", "qualification_weeks")
            ]
        if table == "places":
            columns += [("va_share", "va_low", "va_high")]
        for value, low, high in columns:
            number = frame[[value, low, high]].apply(pd.to_numeric, errors="coerce")
            slack = SLACK * number[value].abs()
            bad = (number[low] > number[value] + slack) | (number[high] < number[value] - slack)
            for i in frame.index[bad][:10]:
                name = " ".join(str(frame.loc[i, c]) for c in frame.columns[:5])
                out.append(
                    f"{table} ({name}): {value} {number.loc[i, value]:g} is outside "
                    f"[{number.loc[i, low]:g}, {number.loc[i, high]:g}]"
                )
    return out


def _places(inputs: Inputs) -> list[str]:
    out = []
    places = inputs["places"]
    key = ["product", "country", "firm"]
    for row in places[places.duplicated(key)].itertuples():
        out.append(f"places: {row.product}@{row.country}:{text(row.firm)} twice")
    for product, rows in places.groupby("product"):
        kinds = set(rows["basis"])
        if kinds - {"share", "quantity", "rest"} or {"share", "quantity"} <= kinds:
            out.append(
                f"places of {product}: basis {sorted(kinds)}; use share or quantity, and rest"
            )
        if kinds == {"share"} and abs(rows["value"].sum() - 100.0) > 0.5:
            out.append(f"places of {product}: shares add up to {rows['value'].sum():g} %")
    borrowed = set(inputs["borrow"]["product"])
    placed = set(places["product"]) | set(inputs["joint"]["product"]) | borrowed
    for product in sorted(set(inputs["products"]["product"]) - placed):
        out.append(f"places: nobody makes {product}")
    if places["va_share"].isna().any():
        for row in places[places["va_share"].isna()].head(5).itertuples():
            out.append(f"places: {row.product}@{row.country} has no va_share")
    return out


def _slots(inputs: Inputs) -> list[str]:
    out = []
    frame = recipes_completed(inputs)
    general = frame[frame["country"] == ""]
    key = ["product", "slot", "input"]
    for row in general[general.duplicated(key)].itertuples():
        out.append(f"recipes: {row.product}, {row.slot}, {row.input} twice")
    for columns, group in frame.groupby(["product", "country", "firm", "slot"], sort=False):
        if abs(group["share"].sum() - 1.0) > 1e-6:
            where = " ".join(text(cell) for cell in columns)
            out.append(f"recipes: shares of slot {where} add up to {group['share'].sum():g}")
    for row in frame[frame["quantity"].isna()].head(5).itertuples():
        out.append(f"recipes: {row.product}, {row.input} has no quantity")
    return out


def _tiers(inputs: Inputs) -> list[str]:
    tier = inputs["products"].set_index("product")["tier"].astype(float)
    frame = recipes_completed(inputs)
    upkeep = frame["decay_weekly"].fillna(0.0) > 0
    wrong = frame["input"].map(tier) >= frame["product"].map(tier)
    return [
        f"recipes: {row.input} (tier {tier[row.input]:g}) feeds {row.product} "
        f"(tier {tier[row.product]:g}), which must be higher"
        for row in frame[wrong & ~upkeep].itertuples()
    ]


def over_value(chain: cp.SupplyChain) -> pd.DataFrame:
    """Return sites whose inputs and value added are worth more than their output, worst first.

    Outputs of a process are judged together with their process.
    """
    nodes, edges = chain.nodes, chain.edges
    price = chain.products.set_index("product")["price_usd"]
    bought = edges["quantity"].fillna(0.0) * edges["product"].map(price) / 1e6
    cost = bought.groupby(edges["buyer"]).sum().reindex(nodes.index).fillna(0.0)
    sites = nodes[nodes["kind"] == "site"]
    owner = sites["process"].where(sites["process"] != "", sites.index.to_series())
    frame = pd.DataFrame(
        {
            "inputs": cost.reindex(sites.index),
            "value_added": sites["value_added_usd_m"].where(~sites["is_process"], 0.0),
            "output": sites["value_usd_m"].where(~sites["is_process"], 0.0),
        }
    )
    total = frame.groupby(owner).sum()
    total["ratio"] = (total["inputs"] + total["value_added"]) / total["output"]
    return total[total["ratio"] > 1 + 1e-6].sort_values("ratio", ascending=False)


def check_value(chain: cp.SupplyChain) -> list[str]:
    """Return sites whose inputs and value added are worth more than their output, in words."""
    return [
        f"{site}: inputs {row['inputs']:g} and value added {row['value_added']:g} are worth more "
        f"than output {row['output']:g} [USD million]"
        for site, row in over_value(chain).head(40).iterrows()
    ]
