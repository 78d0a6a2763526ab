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

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import _card
import _demand
import _flows
import _markets
import _supply
import _tables
from _common import read
from compiler import pairs
from compiler.areas import countries_table
from compiler.build import LICENCE, free_fit, named_areas, raise_for, sources_table
from compiler.check import check_value
from compiler.inputs import Inputs

import chokepoint as cp
from chokepoint.chain import FlowEstimate

HOME = Path(__file__).resolve().parents[1]
NAME = "rare_earths"
COPIED = ("alternatives", "projects", "measures", "controls", "estimates")


def compile_tables() -> dict[str, pd.DataFrame]:
    """Return all tables but the flows."""
    inputs, recipes = Inputs.read(NAME), read("recipes")
    products = read("products")
    price = products.set_index("product")["price_usd"].astype(float)
    sectors = _demand.sector_sites()
    components, magnets = _demand.component_sites(sectors, recipes)
    net = _demand.without_components(sectors, components, price)
    builder = _supply.Materials(recipes, pd.concat([sectors, components]), magnets.sum(), price)
    materials = builder.build()
    used = pd.concat([sectors["country"], components["country"], materials["country"]])
    countries = countries_table(set(used) | set(magnets.index) | named_areas(inputs))
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
        "preferences": pairs.preferences(inputs, sites),
    }
    for name in COPIED:
        tables[name] = read(name)
    tables["sources"] = sources_table(inputs, tables, pd.DataFrame())
    return tables


def fitted_chain(tables: dict[str, pd.DataFrame]) -> tuple[cp.SupplyChain, FlowEstimate]:
    """Return the chain with fitted flows and the fit without small pairs."""
    first = cp.SupplyChain.from_tables(tables, name=NAME)
    small, left_out = pairs.without_small_pairs(first, Inputs.read(NAME))
    stated = pairs.narrowed(tables["preferences"], small)
    both = pd.concat([tables["alternatives"], _flows.dormant(left_out)])
    both = both.drop_duplicates(["supplier", "buyer", "slot"])
    tables = {**tables, "preferences": stated, "alternatives": both}
    chain = cp.SupplyChain.from_tables(tables, name=NAME)
    flows = chain.flows
    tiers = tables["products"].set_index("product")["tier"]
    flows["lead_weeks"] = _flows.leads(flows, tables["sites"], tables["markets"], tiers)
    assert chain.fit is not None
    final = cp.SupplyChain.from_tables({**chain.tables, "flows": flows}, name=NAME)
    raise_for(NAME, check_value(final))
    return final, chain.fit


def main(folder: Path = HOME) -> None:
    """Compile, check and write the chain and its card."""
    chain, fit = fitted_chain(compile_tables())
    chain.write(folder, licence=LICENCE)
    (folder / "README.md").write_text(_card.card(chain, free_fit(chain), fit), encoding="utf-8")
    print(chain, fit, sep="\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
