"""The three views of a chain that every package to the right uses: nodes, slots, edges."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from chokepoint import schema
from chokepoint.chain._joint import children, pure_processes
from chokepoint.chain._recipes import SLOT_COLUMNS, slot_keys

__all__ = ["edge_view", "node_view", "recipe_positions", "slot_view"]


def node_view(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return one row per site, then one per market; see :attr:`SupplyChain.nodes`."""
    found = children(tables)
    frame = pd.concat([_site_nodes(tables, found), _market_nodes(tables)], ignore_index=True)
    tier = pd.Series(tables["products"]["tier"].to_numpy(), index=tables["products"]["product"])
    frame["tier"] = frame["product"].map(tier).to_numpy(dtype=np.int64)
    return frame.set_index("node")


def slot_view(tables: Mapping[str, pd.DataFrame], recipe: pd.DataFrame) -> pd.DataFrame:
    """Return one row per need of a site or market; see :attr:`SupplyChain.slots`."""
    keys = slot_keys(recipe)
    first = ~keys.duplicated()
    frame = recipe.loc[first, ["buyer", "slot", *SLOT_COLUMNS]].reset_index(drop=True)
    need = np.concatenate(
        [tables["sites"]["output_qty"].to_numpy(), tables["markets"]["quantity"].to_numpy()]
    )
    labels = pd.Index([*tables["sites"]["site"], *tables["markets"]["market"]])
    frame.insert(2, "need", need[labels.get_indexer(frame["buyer"])])
    # Rows of one slot stand together, so a running count of first rows numbers the slots.
    storable = np.ones(len(frame), dtype=bool)
    np.logical_and.at(storable, np.cumsum(first) - 1, recipe["storable"].to_numpy())
    frame["storable"] = storable
    return frame.set_index(["buyer", "slot"])


def edge_view(
    tables: Mapping[str, pd.DataFrame], recipe: pd.DataFrame, slots: pd.DataFrame
) -> pd.DataFrame:
    """Return one row per flow or dormant alternative; see :attr:`SupplyChain.edges`."""
    flows = _edges(tables, tables["flows"], recipe, dormant=False)
    dormant = _edges(tables, tables["alternatives"], recipe, dormant=True)
    frame = pd.concat([flows, dormant], ignore_index=True) if len(dormant) else flows
    site_index = pd.Index(tables["sites"]["site"])
    slot = slots.index.get_indexer(slot_keys(frame))
    order = np.lexsort((site_index.get_indexer(frame["supplier"]), slot))
    return frame.iloc[order].reset_index(drop=True)


def recipe_positions(
    tables: Mapping[str, pd.DataFrame], frame: pd.DataFrame, recipe: pd.DataFrame
) -> np.ndarray:
    """Return for each row (supplier, buyer, slot) its position in the recipes, -1 for none."""
    product = pd.Series(tables["sites"]["product"].to_numpy(), index=tables["sites"]["site"])
    made = frame["supplier"].map(product)
    known = pd.MultiIndex.from_frame(recipe[["buyer", "slot", "product"]])
    asked = pd.MultiIndex.from_arrays([frame["buyer"], frame["slot"], made])
    return np.asarray(known.get_indexer(asked))


def _site_nodes(tables: Mapping[str, pd.DataFrame], found: pd.DataFrame) -> pd.DataFrame:
    sites = tables["sites"]
    is_process = sites["site"].isin(pure_processes(tables, found)).to_numpy()
    wanted = np.ones(len(sites), dtype=bool)
    wanted[found.index.to_numpy()] = found["wanted"].to_numpy()
    added = sites["output_usd_m"].to_numpy() * sites["value_added_share"].to_numpy()
    return pd.DataFrame(
        {
            "node": sites["site"],
            "kind": schema.text_column(["site"] * len(sites)),
            **{name: sites[name] for name in ("product", "country", "firm", "cohort")},
            "sector": schema.text_column([""] * len(sites)),
            "output_qty": sites["output_qty"],
            "value_usd_m": sites["output_usd_m"],
            "value_added_usd_m": np.where(is_process, 0.0, added),
            **{name: sites[name] for name in ("ramp_max", "ramp_weeks", "surplus_weeks")},
            "process": sites["process"],
            "wanted": wanted,
            "is_process": is_process,
            "critical_weight": np.zeros(len(sites)),
            "backlog_share": np.zeros(len(sites)),
        }
    )


def _market_nodes(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    markets, products = tables["markets"], tables["products"]
    size = len(markets)
    weight = pd.Series(products["critical_weight"].to_numpy(), index=products["product"])
    general = markets["product"].map(weight).to_numpy(dtype=np.float64)
    own = markets["critical_weight"].to_numpy()
    blank = schema.text_column([""] * size)
    return pd.DataFrame(
        {
            "node": markets["market"],
            "kind": schema.text_column(["market"] * size),
            "product": markets["product"],
            "country": markets["country"],
            "firm": blank,
            "cohort": blank,
            "sector": markets["sector"],
            "output_qty": markets["quantity"],
            "value_usd_m": markets["value_usd_m"],
            "value_added_usd_m": np.zeros(size),
            "ramp_max": np.ones(size),
            "ramp_weeks": np.ones(size),
            "surplus_weeks": np.zeros(size),
            "process": blank,
            "wanted": np.ones(size, dtype=bool),
            "is_process": np.zeros(size, dtype=bool),
            "critical_weight": np.where(np.isnan(own), general, own),
            "backlog_share": markets["backlog_share"].to_numpy(dtype=np.float64),
        }
    )


def _edges(
    tables: Mapping[str, pd.DataFrame], frame: pd.DataFrame, recipe: pd.DataFrame, *, dormant: bool
) -> pd.DataFrame:
    size = len(frame)
    position = recipe_positions(tables, frame, recipe)
    row = recipe.iloc[position]
    lead = frame["lead_weeks"].to_numpy(dtype=np.float64)
    lead = np.where(np.isnan(lead), row["lead_weeks"].to_numpy(), lead)
    qualification = row["qualification_weeks"].to_numpy()
    if dormant:
        own = frame["qualification_weeks"].to_numpy()
        qualification = np.where(np.isnan(own), qualification, own)
    return pd.DataFrame(
        {
            "supplier": frame["supplier"].to_numpy(),
            "buyer": frame["buyer"].to_numpy(),
            "slot": frame["slot"].to_numpy(),
            "product": row["product"].to_numpy(),
            "quantity": np.zeros(size) if dormant else frame["quantity"].to_numpy(),
            "recipe": row["recipe"].to_numpy(),
            "growth_max": np.zeros(size) if dormant else frame["growth_max"].to_numpy(),
            "lead_weeks": lead.astype(np.int64),
            "qualification_weeks": qualification,
            "max_share": frame["max_share"].to_numpy() if dormant else np.full(size, np.nan),
            "dormant": np.full(size, dormant),
            "known": [""] * size if dormant else frame["known"].to_numpy(),
        }
    )
