"""Which inputs fill which slots of which site: the recipe rows after overrides.

A recipe row of a site comes from the row of `inputs` that names the site, else from the row of its
product. Children of a process have no recipe: what they need, the process needs. A market has one
slot, `demand`, filled by its product with recipe quantity 1.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from chokepoint import schema

__all__ = [
    "DEMAND",
    "INPUT_COLUMNS",
    "SLOT_COLUMNS",
    "infer_inputs",
    "market_recipes",
    "recipes",
    "slot_keys",
]

DEMAND = "demand"
"""Slot of a market."""

SLOT_COLUMNS = (
    "use_share",
    "combine",
    "criticality",
    "stock_weeks",
    "throttle_weeks",
    "reorder_weeks",
    "thrift_weekly",
    "thrift_floor",
    "decay_weekly",
    "repair_weeks",
)
"""Columns of `inputs` that describe the whole slot, so that they agree among its inputs."""

INPUT_COLUMNS = ("quantity", "lead_weeks", "qualification_weeks")
"""Columns of `inputs` that may differ between the inputs of one slot."""


def recipes(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return one row per buyer, slot and acceptable input.

    Parameters
    ----------
    tables : mapping of DataFrame
        Completed tables of a chain.

    Returns
    -------
    DataFrame
        Columns buyer, slot, product (the input), recipe, the slot columns, lead_weeks,
        qualification_weeks, storable and `row` (position in `inputs`, -1 for markets); ordered by
        buyer (sites, then markets), slot (in the order of `inputs`) and row. RangeIndex.
    """
    own = _site_recipes(tables["sites"], tables["inputs"])
    frame = pd.concat([own, market_recipes(tables["markets"])], ignore_index=True)
    products = tables["products"]
    storable = dict(zip(products["product"], products["storable"], strict=True))
    kept = np.array([storable.get(product, True) for product in frame["product"]], dtype=bool)
    # Final demand is served from week to week, unless the table says that it holds goods.
    frame["storable"] = np.where(frame["row"] >= 0, kept, frame["stock_weeks"] > 0)
    return frame


def slot_keys(frame: pd.DataFrame) -> pd.MultiIndex:
    """Return (buyer, slot) of each row as an index."""
    return pd.MultiIndex.from_frame(frame[["buyer", "slot"]])


def infer_inputs(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return recipes read off the flows: input per unit of output, one row per site and input.

    Used where a user gives flows and no recipes. Every input product becomes a slot of its own.
    """
    sites, flows = tables["sites"], tables["flows"]
    product = pd.Series(sites["product"].to_numpy(), index=sites["site"])
    product = product[~product.index.duplicated()]
    output = pd.Series(sites["output_qty"].to_numpy(), index=sites["site"])
    output = output[~output.index.duplicated()]
    inner = flows[flows["buyer"].isin(product.index) & flows["supplier"].isin(product.index)]
    frame = pd.DataFrame(
        {
            "site": inner["buyer"].to_numpy(),
            "input": inner["supplier"].map(product).to_numpy(),
            "quantity": inner["quantity"].to_numpy(),
        }
    )
    total = frame.groupby(["site", "input"], sort=False, as_index=False)["quantity"].sum()
    total = total[total["quantity"] > 0].reset_index(drop=True)
    with np.errstate(divide="ignore"):
        total["quantity"] /= total["site"].map(output).to_numpy()
    total["product"] = total["site"].map(product).to_numpy()
    total["derivation"] = "flow into the site / output of the site"
    return schema.coerce("inputs", total)[0]


def _site_recipes(sites: pd.DataFrame, inputs: pd.DataFrame) -> pd.DataFrame:
    rows = inputs.assign(row=np.arange(len(inputs)))
    makers = sites.loc[sites["process"] == "", ["site", "product"]]
    makers = makers.rename(columns={"site": "buyer"}).assign(position=makers.index)
    general = makers.merge(rows[rows["site"] == ""].drop(columns="site"), on="product")
    special = makers.merge(
        rows[rows["site"] != ""].drop(columns="product"), left_on="buyer", right_on="site"
    ).drop(columns="site")
    both = pd.concat([special, general], ignore_index=True)
    # The special rows stand first, so the general row of the same slot and input is the repeat.
    both = both[~both.duplicated(["buyer", "slot", "input"])]
    both["first"] = both.groupby(["buyer", "slot"])["row"].transform("min")
    both = both.sort_values(["position", "first", "row"], kind="stable")
    return pd.DataFrame(
        {
            "buyer": schema.text_column(both["buyer"]),
            "slot": schema.text_column(both["slot"]),
            "product": schema.text_column(both["input"]),
            "recipe": both["quantity"].to_numpy(dtype=np.float64),
            **{name: both[name].to_numpy() for name in SLOT_COLUMNS},
            "lead_weeks": both["lead_weeks"].to_numpy(),
            "qualification_weeks": both["qualification_weeks"].to_numpy(dtype=np.float64),
            "row": both["row"].to_numpy(dtype=np.int64),
        }
    )


def market_recipes(markets: pd.DataFrame) -> pd.DataFrame:
    """Return the one recipe row of each market: its product fills its demand."""
    size = len(markets)
    return pd.DataFrame(
        {
            "buyer": schema.text_column(markets["market"]),
            "slot": schema.text_column([DEMAND] * size),
            "product": schema.text_column(markets["product"]),
            "recipe": np.ones(size),
            "use_share": np.ones(size),
            "combine": schema.text_column(["nested"] * size),
            "criticality": np.ones(size),
            "stock_weeks": markets["stock_weeks"].to_numpy(dtype=np.float64),
            "throttle_weeks": np.ones(size),
            "reorder_weeks": markets["reorder_weeks"].to_numpy(dtype=np.float64),
            "thrift_weekly": np.zeros(size),
            "thrift_floor": np.ones(size),
            "decay_weekly": np.zeros(size),
            "repair_weeks": np.ones(size),
            "lead_weeks": markets["lead_weeks"].to_numpy(),
            "qualification_weeks": markets["qualification_weeks"].to_numpy(dtype=np.float64),
            "row": np.full(size, -1, dtype=np.int64),
        }
    )
