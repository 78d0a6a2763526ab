"""The joined chain: the shipped chains on their shared products, nothing counted twice.

A product belongs to the first chain that has it; chains that borrow it add users. Flows of a
product whose users are the same as in its own chain are those of that chain; flows of products
that more than one chain uses, or that a link or a replacement touches, are estimated anew.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

import chokepoint as cp
from chokepoint.chain import FlowEstimate
from compiler import areas, mixes, pairs
from compiler.check import check_value
from compiler.inputs import CHAINS_FOLDER, Inputs
from compiler.markets import OTHER_USE, other_use
from compiler.recipes import inputs_table
from compiler.sectors import deducted, replaced

__all__ = ["JOINED", "joined_chain"]

JOINED = "all"
THINNED = "larger flows of the first fit cover"
MOST_TAKEN = 0.1
EDGE = ["supplier", "buyer", "slot"]
LABELS = {
    "products": ["product"],
    "sites": ["site"],
    "inputs": ["product", "site", "slot", "input"],
    "joint": ["process", "site", "product"],
    "markets": ["market"],
    "trade": ["products", "exporter", "importer", "period", "role"],
    "preferences": ["supplier_country", "buyer_country", "product"],
    "alternatives": EDGE,
    "projects": ["project"],
    "measures": ["measure"],
    "controls": ["control"],
    "estimates": ["estimate"],
    "sources": ["source"],
}
Tables = dict[str, pd.DataFrame]


def joined_chain() -> tuple[cp.SupplyChain, FlowEstimate, FlowEstimate]:
    """Return the joined chain, its fit without trade totals, and its fit."""
    inputs = Inputs.read(JOINED)
    names = list(inputs["chains"]["chain"])
    chains = {name: cp.SupplyChain.read(CHAINS_FOLDER / name) for name in names}
    tables, touched = _tables(inputs, chains)
    held = _held_flows(chains, tables, touched)
    mixed = _mixes(chains, touched)
    first = cp.SupplyChain.from_tables(
        mixes.taken_apart({**tables, "flows": held}, mixed), name=JOINED
    )
    tables["preferences"], left_out = _thinned(inputs, first, tables, touched)
    silent = pairs.dormant(inputs, mixes.put_together(left_out))
    tables["alternatives"] = _first(
        [_open(frame, tables, held) for frame in (tables["alternatives"], silent)], EDGE
    )
    tables["sources"] = _sources(inputs, tables)
    apart = mixes.taken_apart({**tables, "flows": held}, mixed)
    chain = cp.SupplyChain.from_tables(apart, name=JOINED)
    assert chain.fit is not None
    final = cp.SupplyChain.from_tables(
        {**tables, "flows": _described(inputs, chain, chains, touched)}, name=JOINED
    )
    problems = check_value(final)
    if problems:
        raise ValueError(
            "the joined chain is worth less than its parts:\n  " + "\n  ".join(problems)
        )
    return final, _free_fit(apart), chain.fit


def _tables(inputs: Inputs, chains: Mapping[str, cp.SupplyChain]) -> tuple[Tables, set[str]]:
    """Return all tables but the flows, and the products whose flows are estimated anew."""
    parts = {name: chain.tables for name, chain in chains.items()}
    tables = {
        table: _first([part[table] for part in parts.values()], key)
        for table, key in LABELS.items()
    }
    _same_sites(parts)
    removed = set(inputs["removed"]["product"])
    links = inputs_table(inputs, tables["sites"])
    passed_on = replaced(inputs, tables)
    tables["inputs"] = _without(tables["inputs"], removed, ["product", "input"])
    tables["inputs"] = _first([tables["inputs"], passed_on, links], LABELS["inputs"])
    for table in ("products", "sites", "markets"):
        tables[table] = _without(tables[table], removed, ["product"])
    tables["sites"] = deducted(inputs, tables["sites"])
    touched = _used_twice(parts) | set(links["input"]) | set(passed_on["input"])
    touched -= removed
    added = pd.concat([passed_on, links], ignore_index=True)
    tables["markets"] = _rest(tables, touched, _uses(tables, chains, added))
    tables["preferences"] = _preferences(tables["preferences"], touched, removed)
    for table in ("trade", "controls", "measures"):
        column = "product" if table == "measures" else "products"
        tables[table] = _renamed(tables[table], column, removed)
    alive = set(tables["sites"]["site"])
    tables["projects"] = tables["projects"][tables["projects"]["site"].isin(alive)]
    tables["products"] = _with_tiers(tables["products"], tables["inputs"])
    tables["countries"] = _countries(parts)
    return tables, touched


def _first(frames: list[pd.DataFrame], key: list[str]) -> pd.DataFrame:
    """Return the rows of all frames; of rows with one label the first stays."""
    kept = [frame for frame in frames if len(frame)]
    both = pd.concat(kept or frames[:1], ignore_index=True)
    return both.drop_duplicates(key, keep="first").reset_index(drop=True)


def _without(frame: pd.DataFrame, removed: set[str], columns: list[str]) -> pd.DataFrame:
    gone = np.logical_or.reduce([frame[column].isin(removed).to_numpy() for column in columns])
    return frame[~gone].reset_index(drop=True)


def _same_sites(parts: Mapping[str, Tables]) -> None:
    """Sites of one label make the same in every chain, or the chains are out of step."""
    both = pd.concat(
        [part["sites"].assign(chain=name) for name, part in parts.items()], ignore_index=True
    )
    span = both.groupby("site")["output_qty"].agg(["min", "max"])
    off = span[span["max"] > span["min"] * (1 + 1e-9)]
    if len(off):
        raise ValueError(
            f"sites {list(off.index[:5])} make different amounts in different chains; build the "
            "chains again in the order in which they borrow"
        )


def _used_twice(parts: Mapping[str, Tables]) -> set[str]:
    """Return products that the recipes of more than one chain use."""
    users = pd.concat([pd.Series(sorted(set(part["inputs"]["input"]))) for part in parts.values()])
    return set(users[users.duplicated()])


def _uses(tables: Tables, chains: Mapping[str, cp.SupplyChain], added: pd.DataFrame) -> pd.Series:
    """Return what the sites of the joined chain use, by product, country and whose users they are.

    What each chain uses is what flows into its sites there, so that slots with several inputs
    keep their mix; what links and replacements add is their recipe. `new` is False for the users
    that the chain of the product has itself.
    """
    sites = tables["sites"].set_index("site")
    parts, owned = [], set[str]()
    for one in chains.values():
        flows = one.flows
        flows = flows[flows["buyer"].isin(sites.index) & flows["supplier"].isin(sites.index)]
        product = flows["supplier"].map(sites["product"])
        parts.append(
            pd.DataFrame(
                {
                    "key": flows[EDGE].agg("|".join, axis=1),
                    "product": product,
                    "country": flows["buyer"].map(sites["country"]),
                    "new": product.isin(owned),
                    "quantity": flows["quantity"],
                }
            )
        )
        owned |= set(one.products["product"])
    used = pd.concat(parts, ignore_index=True).drop_duplicates("key").drop(columns="key")
    made = tables["sites"].merge(added, on="product", suffixes=("", "_row"))
    made = made[(made["site_row"] == "") | (made["site_row"] == made["site"])]
    more = pd.DataFrame(
        {
            "product": made["input"],
            "country": made["country"],
            "new": True,
            "quantity": made["output_qty"] * made["quantity"],
        }
    )
    both = pd.concat([used, more], ignore_index=True)
    return both.groupby(["product", "country", "new"])["quantity"].sum()


def _rest(tables: Tables, touched: set[str], uses: pd.Series) -> pd.DataFrame:
    """Return markets in which `other_use` of the touched products takes what is left.

    New users take first from what their own country used otherwise, then from all alike. Where
    there was no `other_use` it is shared as output is.
    """
    markets = tables["markets"]
    made = tables["sites"].groupby("product")["output_qty"].sum()
    need = uses.groupby("product").sum()
    final = markets[markets["sector"] != OTHER_USE].groupby("product")["quantity"].sum()
    price = tables["products"].set_index("product")["price_usd"]
    rest = pd.Series({p: made[p] - need.get(p, 0.0) - final.get(p, 0.0) for p in sorted(touched)})
    slack = 1e-9 * made.reindex(rest.index)
    markets = _less_demand(markets, -rest[rest < -slack])
    rest = rest[rest > slack]
    kept = markets[~((markets["sector"] == OTHER_USE) & markets["product"].isin(touched))]
    before = markets[(markets["sector"] == OTHER_USE) & markets["product"].isin(rest.index)].copy()
    extra = uses.xs(True, level="new") if len(uses) else uses
    key = pd.MultiIndex.from_frame(before[["product", "country"]])
    own = before["quantity"] - extra.reindex(key).fillna(0.0).to_numpy()
    own = own.clip(lower=0.0).where(
        own.clip(lower=0.0).groupby(before["product"]).transform("sum") > 0, before["quantity"]
    )
    scale = before["product"].map(rest) / own.groupby(before["product"]).transform("sum")
    factor = own * scale / before["quantity"]
    for column in ("quantity", "value_usd_m", "low", "high"):
        before[column] = before[column] * factor
    fresh = other_use(tables["sites"], rest.drop(before["product"].unique()))
    fresh["market"] = "market:" + fresh["product"] + "@" + fresh["country"] + ":" + OTHER_USE
    fresh["value_usd_m"] = fresh["quantity"] * fresh["product"].map(price) / 1e6
    return pd.concat([kept, before[before["quantity"] > 0], fresh], ignore_index=True)


def _preferences(frame: pd.DataFrame, touched: set[str], removed: set[str]) -> pd.DataFrame:
    """Drop what was left out as small of products that have other users now."""
    thinned = frame["derivation"].str.startswith(THINNED) & frame["product"].isin(touched)
    return frame[~thinned & ~frame["product"].isin(removed)].reset_index(drop=True)


def _renamed(frame: pd.DataFrame, column: str, removed: set[str]) -> pd.DataFrame:
    """Drop removed products from cells; rows that name nothing else go."""
    left = frame[column].map(
        lambda cell: ";".join(item for item in str(cell).split(";") if item not in removed)
    )
    return frame.assign(**{column: left})[left != ""].reset_index(drop=True)


def _less_demand(markets: pd.DataFrame, short: pd.Series) -> pd.DataFrame:
    """Return markets whose final demand gives up what links take beyond `other_use`.

    A chain that does not follow a use counts it as final demand, so it may be found there; more
    than a tenth of it may not.
    """
    final = markets["sector"] != OTHER_USE
    total = markets[final].groupby("product")["quantity"].sum()
    part = (short / total.reindex(short.index)).fillna(np.inf)
    if (part > MOST_TAKEN).any():
        lines = [f"  {p}: {short[p]:g} more than is left" for p in part.index[part > MOST_TAKEN]]
        raise ValueError("the joined chain uses more than is made:\n" + "\n".join(lines))
    kept = 1.0 - markets["product"].map(part).fillna(0.0).where(final, 0.0)
    out = markets.copy()
    for column in ("quantity", "value_usd_m", "low", "high"):
        out[column] = out[column] * kept
    return out


def _with_tiers(products: pd.DataFrame, recipes: pd.DataFrame) -> pd.DataFrame:
    """Return products whose tier lies above that of their inputs, upkeep left out.

    Each chain counts its own tiers; a link may come from a higher one.
    """
    tier = products.set_index("product")["tier"].astype(int).to_dict()
    wears = recipes["decay_weekly"].fillna(0.0) > 0
    used = recipes.loc[~wears, ["input", "product"]].drop_duplicates()
    used = used[used["input"].isin(tier) & used["product"].isin(tier)]
    for _ in range(len(tier)):
        raised = False
        for supplier, buyer in used.itertuples(index=False, name=None):
            if tier[buyer] <= tier[supplier]:
                tier[buyer], raised = tier[supplier] + 1, True
        if not raised:
            return products.assign(tier=products["product"].map(tier))
    raise ValueError("the links between chains lead round in a circle")


def _countries(parts: Mapping[str, Tables]) -> pd.DataFrame:
    named = {area for part in parts.values() for area in part["countries"]["area"]}
    return areas.countries_table(named)


def _sources(inputs: Inputs, tables: Tables) -> pd.DataFrame:
    shared = areas.read_table(areas.INPUTS / "sources.csv")
    known = _first([inputs["sources"], tables["sources"], shared], ["source"])
    used = {
        item
        for name, frame in tables.items()
        if "source" in frame and name != "sources"
        for cell in frame["source"]
        for item in str(cell).split(";")
    }
    missing = sorted(used - set(known["source"]))
    if missing:
        raise ValueError(f"sources {missing} are used and not listed")
    return known[known["source"].isin(used)].sort_values("source").reset_index(drop=True)


def _held_flows(
    chains: Mapping[str, cp.SupplyChain], tables: Tables, touched: set[str]
) -> pd.DataFrame:
    """Return the flows of products whose users are those of their own chain, to be held."""
    product = tables["sites"].set_index("site")["product"]
    buyers = set(product.index) | set(tables["markets"]["market"])
    parts, seen = [], set[str]()
    for chain in chains.values():
        flows = chain.flows
        made = flows["supplier"].map(product)
        fresh = ~made.isin(touched | seen) & made.notna() & flows["buyer"].isin(buyers)
        parts.append(flows[fresh])
        seen |= set(chain.sites["product"])
    return pd.concat(parts, ignore_index=True).assign(known="reported")


def _mixes(chains: Mapping[str, cp.SupplyChain], touched: set[str]) -> pd.DataFrame:
    """Return the mixes of slots of which several inputs are estimated anew: those of their chains."""
    return _first([mixes.mixes_of_edges(one.edges, touched) for one in chains.values()], mixes.KEY)


def _thinned(
    inputs: Inputs, first: cp.SupplyChain, tables: Tables, touched: set[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    small, left_out = pairs.without_small_pairs(first, inputs, products=touched)
    return _first([small, tables["preferences"]], LABELS["preferences"]), left_out


def _open(frame: pd.DataFrame, tables: Tables, held: pd.DataFrame) -> pd.DataFrame:
    """Return alternatives whose both ends exist and that no flow supplies already."""
    if frame.empty:
        return frame
    sites = set(tables["sites"]["site"])
    known = set(held[EDGE].itertuples(index=False, name=None))
    fresh = [row not in known for row in frame[EDGE].itertuples(index=False, name=None)]
    return frame[frame["supplier"].isin(sites) & frame["buyer"].isin(sites) & np.array(fresh)]


def _described(
    inputs: Inputs,
    chain: cp.SupplyChain,
    chains: Mapping[str, cp.SupplyChain],
    touched: set[str],
) -> pd.DataFrame:
    """Return the flows with leads, growth and grade: those of their chains where held."""
    flows = mixes.put_together(chain.flows)
    before = pd.concat([one.flows for one in chains.values()], ignore_index=True)
    before = before.drop_duplicates(EDGE).set_index(EDGE)
    key = pd.MultiIndex.from_frame(flows[EDGE])
    made = flows["supplier"].map(chain.nodes["product"])
    held = (~made.isin(touched)).to_numpy()
    lead, growth = pairs.links(inputs, flows, chain.tables)
    # What a flow had in the chain of its own it has here, touched or not.
    known = before.reindex(key)
    flows["lead_weeks"] = known["lead_weeks"].set_axis(flows.index).fillna(lead).astype(int)
    flows["growth_max"] = known["growth_max"].set_axis(flows.index).fillna(growth)
    for column in ("known", "confidence", "derivation"):
        old = known[column].set_axis(flows.index)
        flows[column] = flows[column].where(~(held & old.notna()), old)
    return flows


def _free_fit(tables: Tables) -> FlowEstimate:
    checked = {**tables, "trade": tables["trade"].assign(role="check")}
    found = cp.SupplyChain.from_tables(checked)
    assert found.fit is not None
    return found.fit
