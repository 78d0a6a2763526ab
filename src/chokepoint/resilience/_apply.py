"""Write the measures of a plan into the tables of a chain."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain

__all__ = ["apply_measures"]

Records = list[dict[Hashable, Any]]


def apply_measures(chain: SupplyChain, measures: pd.DataFrame, *, weeks: int) -> SupplyChain:
    """Return `chain` with `measures` in place; see :meth:`Plan.apply`."""
    bought = {
        kind: measures[measures["kind"].eq(kind)].to_dict("records")
        for kind in ("stock", "capacity", "second_source")
    }
    tables: dict[str, pd.DataFrame] = {}
    if bought["stock"]:
        tables["inputs"] = _with_stock(chain, bought["stock"])
    if bought["capacity"]:
        tables["sites"] = _with_capacity(chain, bought["capacity"])
    if bought["second_source"]:
        flows, alternatives = _with_sources(chain, bought["second_source"], weeks)
        tables |= {"flows": flows, "alternatives": alternatives}
    return chain.replace(**tables) if tables else chain


def _with_stock(chain: SupplyChain, bought: Records) -> pd.DataFrame:
    """Site rows of `inputs` with more stock; they replace the rows of the product."""
    inputs = chain.inputs
    product = chain.sites.set_index("site")["product"]
    added: dict[tuple[str, str], float] = {}
    for one in bought:
        if one["delay_weeks"] <= 0:
            key = (one["site"], one["slot"])
            added[key] = added.get(key, 0.0) + one["share"]
    for (site, slot), cover in added.items():
        own = inputs["site"].eq(site) & inputs["slot"].eq(slot)
        general = inputs["site"].eq("") & inputs["slot"].eq(slot)
        general &= inputs["product"].eq(product[site])
        rows = pd.concat([inputs[own], inputs[general].assign(site=site)])
        rows = rows.drop_duplicates("input")
        for column in ("stock_weeks", "stock_weeks_low", "stock_weeks_high"):
            rows[column] = rows[column] + cover
        rows["derivation"] = "stock raised by a plan"
        inputs = pd.concat([inputs[~own], rows], ignore_index=True)
    return inputs


def _with_capacity(chain: SupplyChain, bought: Records) -> pd.DataFrame:
    """Sites with a higher and faster ramp."""
    sites = chain.sites.set_index("site")
    for one in bought:
        site, share = one["site"], one["share"]
        head = float(sites["ramp_max"].loc[site]) - 1.0
        slow = max(float(sites["ramp_weeks"].loc[site]), 1.0)
        # What the first week of a full shortage adds: the old ramp and the new capacity.
        step = head / slow + share / max(1.0, one["delay_weeks"])
        sites.loc[site, "ramp_max"] = 1.0 + head + share
        sites.loc[site, "ramp_weeks"] = max(1.0, (head + share) / step)
    return sites.reset_index()[chain.sites.columns]


def _with_sources(
    chain: SupplyChain, bought: Records, weeks: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Flows that may grow further, and dormant suppliers qualified sooner."""
    keys = ["supplier", "buyer", "slot"]
    edges = chain.edges.set_index(keys)
    need = chain.slots["need"].reindex(pd.MultiIndex.from_frame(chain.edges[["buyer", "slot"]]))
    volume = pd.Series(edges["recipe"].to_numpy() * need.to_numpy(), index=edges.index)
    flows, alternatives = chain.flows.set_index(keys), chain.alternatives.set_index(keys)
    growth = flows["growth_max"].astype(float).copy()
    lag = edges.loc[edges["dormant"], "qualification_weeks"].astype(float)
    for one in bought:
        key = (one["supplier"], one["site"], one["slot"])
        if key in lag.index:
            natural = min(lag[key], float(weeks))
            share = min(one["share"] / float(edges["max_share"][key]), 1.0)
            # As many units within the horizon: the bought share is there sooner, the rest not.
            lag[key] = np.floor(natural - max(natural - one["delay_weeks"], 0.0) * share)
        elif one["delay_weeks"] <= 0:
            growth[key] += one["share"] * volume[key] / float(edges["quantity"][key])
    flows["growth_max"] = growth
    alternatives["qualification_weeks"] = lag.reindex(alternatives.index)
    return (
        flows.reset_index()[chain.flows.columns],
        alternatives.reset_index()[chain.alternatives.columns],
    )
