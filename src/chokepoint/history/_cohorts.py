"""Buyers that depended on a few suppliers alone: parts of a site or market split off as cohorts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.schema import market_label, site_label, split_list

__all__ = ["with_cohorts"]

_NAME = "dedicated"
_ROOM = 1e-9


def with_cohorts(chain: SupplyChain, cohorts: pd.DataFrame) -> SupplyChain:
    """Return the chain with parts of buyers split off that have one slot filled by few suppliers.

    The suppliers of a slot are pooled: each plant of a site gets its share of everybody's goods,
    so that stock lasts longer than in a plant that has one supplier. Where it is known that part
    of the plants (or of the customers of a market) depended on some suppliers alone, that part is
    a cohort: it takes its need of the slot from them and its share of all the rest, and what the
    others get less from them they get more from everybody else. Totals of suppliers and products
    stay as they are. Other suppliers of the slot can be qualified by the cohort as they could be
    for more before.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    cohorts : DataFrame
        Rows of cohorts.csv, in this order: `buyer` (label of a site or market, or of a cohort made
        by an earlier row), `slot`, `suppliers` (labels of sites, areas or blocs, separated by ;),
        `share` of the buyer.

    Returns
    -------
    SupplyChain
        A new chain. The cohort of ``x@A`` is ``x@A#dedicated``, that of ``x@A#thin`` is
        ``x@A#thin_dedicated``, that of a market has the sector ``dedicated``.

    Raises
    ------
    UnknownLabelError
        If there is no such buyer or supplier.
    OptionError
        If the suppliers do not sell that much to the buyer, or it is part of a joint process.
    """
    if not len(cohorts):
        return chain
    split = chain
    for _, row in cohorts.iterrows():
        split = _split(split, row)
    return chain.replace(**split.tables)


def _split(chain: SupplyChain, row: pd.Series) -> SupplyChain:
    buyer, share = str(row["buyer"]), float(row["share"])
    if buyer not in chain.nodes.index:
        raise UnknownLabelError(buyer, "site or market", chain.nodes.index)
    if not 0.0 < share < 1.0:
        raise OptionError(f"cohorts: expected a share between 0 and 1 of {buyer}, got {share}")
    tables, label = _with_node(chain, buyer, share)
    flows, alternatives = _with_flows(chain, row, buyer, label, share)
    changed = {**tables, "flows": flows, "alternatives": alternatives}
    # Checked once, when all rows are done.
    return SupplyChain._from_trusted({**chain._tables, **changed}, name=chain.name)


def _with_node(chain: SupplyChain, buyer: str, share: float) -> tuple[dict[str, pd.DataFrame], str]:
    """Return the tables of nodes and inputs with a part of the buyer as a node of its own."""
    node = chain.nodes.loc[buyer]
    if node["kind"] == "market":
        markets, label = _part(chain.markets, "market", buyer, share)
        return {"markets": markets}, label
    if node["process"] or node["is_process"]:
        raise OptionError(f"cohorts: {buyer} belongs to a joint process and cannot be split")
    sites, label = _part(chain.sites, "site", buyer, share)
    inputs = chain.inputs
    own = inputs[inputs["site"].eq(buyer)].assign(site=label)
    return {"sites": sites, "inputs": pd.concat([inputs, own], ignore_index=True)}, label


def _part(table: pd.DataFrame, kind: str, buyer: str, share: float) -> tuple[pd.DataFrame, str]:
    row = table[table[kind].eq(buyer)].copy()
    one = row.iloc[0]
    if kind == "site":
        cohort = f"{one['cohort']}_{_NAME}" if one["cohort"] else _NAME
        label = site_label(one["product"], one["country"], one["firm"], cohort)
        row["cohort"] = cohort
        measures = ["output_qty", "output_usd_m", "low", "high"]
    else:
        sector = f"{one['sector']}_{_NAME}" if one["sector"] else _NAME
        label = market_label(one["product"], one["country"], sector)
        row["sector"] = sector
        measures = ["quantity", "value_usd_m", "low", "high"]
    row[kind] = label
    row[measures] *= share
    table.loc[table[kind].eq(buyer), measures] *= 1.0 - share
    return pd.concat([table, row], ignore_index=True), label


def _with_flows(
    chain: SupplyChain, row: pd.Series, buyer: str, label: str, share: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    flows, alternatives = chain.flows, chain.alternatives
    into = flows["buyer"].eq(buyer)
    slot = into & flows["slot"].eq(row["slot"])
    if not slot.any():
        known = sorted(set(flows.loc[into, "slot"]))
        raise OptionError(
            f"cohorts: {buyer} has no slot {row['slot']!r}; it has {', '.join(known)}"
        )
    theirs = slot & _sells(chain, flows["supplier"], str(row["suppliers"]))
    recipe = chain.edges.set_index(["supplier", "buyer", "slot"])["recipe"]
    keys = pd.MultiIndex.from_frame(flows[["supplier", "buyer", "slot"]])
    # In units of the slot: suppliers of a slot may be of several products.
    filled = flows["quantity"] / recipe.reindex(keys).to_numpy()
    need, room = filled[slot].sum(), filled[theirs].sum()
    if share * need > room * (1.0 + _ROOM):
        raise OptionError(
            f"cohorts: {row['suppliers'] or 'nobody'} fill {room / need:.3f} of {row['slot']} of "
            f"{buyer}, which is less than the share {share}; state a smaller share"
        )
    kept = pd.Series(0.0, index=flows.index)
    kept[into & ~slot] = share
    kept[theirs] = share * need / room
    measures = ["quantity", "value_usd_m", "low", "high"]
    mine = flows[into & (kept > 0.0)].assign(buyer=label)
    mine[measures] = mine[measures].mul(kept[mine.index], axis=0)
    flows[measures] = flows[measures].mul(1.0 - kept, axis=0)
    sold = flows["supplier"].eq(buyer)
    parts = flows[sold].assign(supplier=label)
    parts[measures] *= share
    flows.loc[sold, measures] *= 1.0 - share
    others = flows[slot & ~theirs]
    alternatives = _alternatives(chain, alternatives, others, buyer, label, need)
    return pd.concat([flows, mine, parts], ignore_index=True), alternatives


def _sells(chain: SupplyChain, suppliers: pd.Series, names: str) -> pd.Series:
    """Return which suppliers are meant: by their label, or by the area they are in."""
    wanted = list(split_list(names))
    labels = [name for name in wanted if "@" in name]
    for name in labels:
        if name not in chain.nodes.index:
            raise UnknownLabelError(name, "site", chain.nodes.index)
    areas = [name for name in wanted if "@" not in name]
    found = suppliers.isin(labels)
    if areas:
        country = suppliers.map(chain.nodes["country"])
        found |= country.isin(chain.areas(areas))
    return found


def _alternatives(
    chain: SupplyChain,
    alternatives: pd.DataFrame,
    others: pd.DataFrame,
    buyer: str,
    label: str,
    need: float,
) -> pd.DataFrame:
    """Return the dormant suppliers: the old ones of both ends, and the others of the slot."""
    same_buyer = alternatives[alternatives["buyer"].eq(buyer)].assign(buyer=label)
    same_seller = alternatives[alternatives["supplier"].eq(buyer)].assign(supplier=label)
    edges = chain.edges.set_index(["supplier", "buyer", "slot"])
    keys = pd.MultiIndex.from_frame(others[["supplier", "buyer", "slot"]])
    known = edges.reindex(keys)
    part = (others["quantity"].to_numpy() / known["recipe"].to_numpy()) / need
    new = pd.DataFrame(
        {
            "supplier": others["supplier"].to_numpy(),
            "buyer": label,
            "slot": others["slot"].to_numpy(),
            "max_share": np.minimum(part, 1.0),
            "qualification_weeks": known["qualification_weeks"].to_numpy(),
            "lead_weeks": known["lead_weeks"].to_numpy(),
            "confidence": "D",
            "derivation": "suppliers of the other plants of the buyer, once qualified",
        }
    )
    new = new[new["max_share"] > 0.0]
    columns = alternatives.columns
    parts = [alternatives, same_buyer, same_seller, new.reindex(columns=columns)]
    return pd.concat([one for one in parts if len(one)], ignore_index=True)
