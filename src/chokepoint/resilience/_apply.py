"""Write the measures of a plan into the tables of a chain."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain

__all__ = ["apply_measures", "with_releases"]

Records = list[dict[Hashable, Any]]

# Of the use that falls short, what is saved in a week by measures that are ready for it.
_AT_ONCE = 0.99
# The least that a table takes for the use that is left.
_LEAST = 1e-6


def apply_measures(chain: SupplyChain, measures: pd.DataFrame, *, weeks: int) -> SupplyChain:
    """Return `chain` with `measures` in place; see :meth:`Plan.apply`."""
    bought: dict[str, Records] = {
        kind: measures[measures["kind"].eq(kind)].to_dict("records")
        for kind in ("stock", "capacity", "reserved_capacity", "second_source")
    }
    thrift = measures[measures["kind"].isin(["recycling", "substitution"])].to_dict("records")
    tables: dict[str, pd.DataFrame] = {}
    if bought["stock"] or thrift:
        inputs = _with_rows(chain, chain.inputs, bought["stock"], _more_stock)
        tables["inputs"] = _with_rows(chain, inputs, thrift, _less_use)
    reserved = bought["reserved_capacity"]
    capacity = bought["capacity"] + _as_capacity(chain, reserved)
    if capacity:
        tables["sites"] = _with_capacity(chain, capacity)
    sources = bought["second_source"] + reserved
    if sources:
        flows, alternatives = _with_sources(chain, sources, weeks)
        tables |= {"flows": flows, "alternatives": alternatives}
    return chain.replace(**tables) if tables else chain


def with_releases(measures: pd.DataFrame, releases: pd.DataFrame) -> pd.DataFrame:
    """Return measures with pooled stocks as stocks in the slots that they are released into.

    Parameters
    ----------
    measures : DataFrame
        Measures of a plan.
    releases : DataFrame
        One row a candidate and slot: number, measure, site, slot, cover, share, bought. What is
        not released lies in all slots alike.
    """
    own = measures[measures["kind"].ne("pooled_stock")]
    given = releases["cover"] * releases["share"]
    rest = releases["bought"] - given.groupby(releases["number"]).transform("sum")
    stocks = releases[["measure", "site", "slot"]].assign(
        kind="stock", share=(releases["cover"] + rest.clip(lower=0.0)).to_numpy(),
        delay_weeks=0.0, supplier="",
    )  # fmt: skip
    return pd.concat([own, stocks[stocks["share"].gt(0)]], ignore_index=True)


def _with_rows(
    chain: SupplyChain,
    inputs: pd.DataFrame,
    bought: Records,
    change: Callable[[pd.DataFrame, float], str],
) -> pd.DataFrame:
    """Site rows of `inputs` that are changed; they replace the rows of the product."""
    product = chain.sites.set_index("site")["product"]
    added: dict[tuple[str, str], float] = {}
    for one in bought:
        if one["delay_weeks"] <= 0:
            key = (one["site"], one["slot"])
            added[key] = added.get(key, 0.0) + one["share"]
    for (site, slot), share in added.items():
        own = inputs["site"].eq(site) & inputs["slot"].eq(slot)
        general = inputs["site"].eq("") & inputs["slot"].eq(slot)
        general &= inputs["product"].eq(product[site])
        rows = pd.concat([inputs[own], inputs[general].assign(site=site)])
        rows = rows.drop_duplicates("input")
        rows["derivation"] = change(rows, share)
        inputs = pd.concat([inputs[~own], rows], ignore_index=True)
    return inputs


def _more_stock(rows: pd.DataFrame, cover: float) -> str:
    for column in ("stock_weeks", "stock_weeks_low", "stock_weeks_high"):
        rows[column] = rows[column] + cover
    return "stock raised by a plan"


def _less_use(rows: pd.DataFrame, share: float) -> str:
    rows["thrift_floor"] = (rows["thrift_floor"] - share).clip(lower=_LEAST)
    rows["thrift_weekly"] = rows["thrift_weekly"].clip(lower=_AT_ONCE)
    return "least use lowered by a plan"


def _as_capacity(chain: SupplyChain, reserved: Records) -> Records:
    """Return reserved capacity as capacity of the suppliers, in shares of their output."""
    output = chain.nodes["output_qty"]
    volume = _volume(chain)
    found: Records = []
    for one in reserved:
        units = one["share"] * volume[one["supplier"], one["site"], one["slot"]]
        share = units / float(output[one["supplier"]])
        found.append({**one, "site": one["supplier"], "share": share})
    return found


def _volume(chain: SupplyChain) -> pd.Series:
    """Return units of each flow's product that its whole slot takes in a year."""
    keys = ["supplier", "buyer", "slot"]
    edges = chain.edges
    need = chain.slots["need"].reindex(pd.MultiIndex.from_frame(edges[["buyer", "slot"]]))
    index = pd.MultiIndex.from_frame(edges[keys])
    return pd.Series(edges["recipe"].to_numpy() * need.to_numpy(), index=index)


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
    edges, volume = chain.edges.set_index(keys), _volume(chain)
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
