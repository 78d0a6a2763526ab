"""Compile the chain `rare_earths` from the small tables in `inputs/`.

Run as ``python data/supply_chains/rare_earths/compile/compile.py [FOLDER]``; deterministic; writes
into the chain's own folder where none is given. Works from final demand upward to ores, gives each
product a market for what is not followed, fits the flows to reported trade and writes the tables
and the data card.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

import _card
import _demand
import _flows
import _markets
import _supply
import _tables
from _common import read

import chokepoint as cp
from chokepoint.chain import FlowEstimate

HOME = Path(__file__).resolve().parents[1]
COPIED = ("alternatives", "projects", "measures", "controls", "estimates", "sources")


def compile_tables() -> dict[str, pd.DataFrame]:
    """Return all tables but the flows."""
    products, recipes = read("products"), read("recipes")
    price = products.set_index("product")["price_usd"].astype(float)
    sectors = _demand.sector_sites()
    components, magnets = _demand.component_sites(sectors, recipes)
    net = _demand.without_components(sectors, components, price)
    builder = _supply.Materials(recipes, pd.concat([sectors, components]), magnets.sum(), price)
    materials = builder.build()
    countries = _tables.countries_table()
    split = _demand.cohorts(net)
    markets = pd.concat(
        [
            _markets.rest_markets(materials, builder.need, magnets),
            _markets.final_markets(sectors, countries),
        ],
        ignore_index=True,
    )
    sites = _tables.sites_table(split, components, materials, products)
    tables = {
        "countries": countries,
        "products": products,
        "sites": sites,
        "inputs": _tables.inputs_table(recipes, split),
        "joint": _tables.joint_table(materials),
        "trade": _tables.trade_table(),
        "markets": _tables.markets_table(markets, products),
        "preferences": _flows.preferences(sites, products),
    }
    for name in COPIED:
        tables[name] = read(name)
    return {name: _explained(frame) for name, frame in tables.items()}


def _explained(frame: pd.DataFrame) -> pd.DataFrame:
    """Give recalled numbers without a note the note that they are recalled."""
    if "derivation" not in frame:
        return frame
    out = frame.copy()
    blank = (out["derivation"].isna() | (out["derivation"] == "")) & out["confidence"].isin(
        ["C", "D"]
    )
    out["derivation"] = out["derivation"].where(~blank, "recalled, not verified in a document")
    return out


def fitted_chain(tables: dict[str, pd.DataFrame]) -> tuple[cp.SupplyChain, FlowEstimate]:
    """Return the chain with fitted flows and the fit without small pairs."""
    first = cp.SupplyChain.from_tables(tables, name="rare_earths")
    small, left_out = _flows.without_small_pairs(first)
    keys = ["supplier_country", "buyer_country", "product"]
    stated = pd.concat([tables["preferences"], small]).drop_duplicates(keys, keep="last")
    both = pd.concat([tables["alternatives"], _flows.dormant(left_out)])
    both = both.drop_duplicates(["supplier", "buyer", "slot"])
    tables = {**tables, "preferences": _explained(stated), "alternatives": both}
    chain = cp.SupplyChain.from_tables(tables, name="rare_earths")
    flows = chain.flows
    tiers = tables["products"].set_index("product")["tier"]
    flows["lead_weeks"] = _flows.leads(flows, tables["sites"], tables["markets"], tiers)
    assert chain.fit is not None
    final = cp.SupplyChain.from_tables({**chain.tables, "flows": flows}, name="rare_earths")
    return final, chain.fit


def free_fit(chain: cp.SupplyChain) -> FlowEstimate:
    """Return the fit that size and preference alone give, with trade totals only compared."""
    tables = {k: v for k, v in chain.tables.items() if k != "flows"}
    found = cp.SupplyChain.from_tables({**tables, "trade": tables["trade"].assign(role="check")})
    assert found.fit is not None
    return found.fit


def main(folder: Path = HOME) -> None:
    """Compile, check and write the chain and its card."""
    chain, fit = fitted_chain(compile_tables())
    chain.write(folder)
    (folder / "README.md").write_text(_card.card(chain, free_fit(chain), fit), encoding="utf-8")
    print(chain, fit, sep="\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
