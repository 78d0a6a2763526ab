"""From the input tables of a chain to its shipped folder."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pandas as pd

import chokepoint as cp
from chokepoint.chain import FlowEstimate
from compiler import areas, card, markets, mixes, pairs
from compiler.check import check_inputs, check_value
from compiler.inputs import CHAINS_FOLDER, Inputs, read_table
from compiler.recipes import inputs_table
from compiler.world import solve_world

__all__ = ["CHAINS", "LICENCE", "build", "fitted_chain", "free_fit", "named_areas", "sources_table"]

CHAINS = ("rare_earths", "strategic_minerals", "semiconductors", "soybeans", "pharma_api", "all")
"""In the order in which they borrow from each other."""

LICENCE = "CC-BY-4.0"
"""Of rows whose sources have no terms of their own."""

COPIED = ("trade", "alternatives", "projects", "measures", "controls", "estimates")
PRODUCT_COLUMNS = (
    "product name tier stage group unit price_usd hs6 storable critical_weight "
    "low high source confidence derivation"
).split()


def build(name: str, *, out: Path | None = None) -> cp.SupplyChain:
    """Build a chain and write its tables and its data card.

    Parameters
    ----------
    name : str
        One of :data:`CHAINS`.
    out : Path, optional
        Folder in which the chain's folder is made; None = where the chains are kept.
    """
    folder = (out or CHAINS_FOLDER) / name
    if name == "rare_earths":
        return _build_rare_earths(folder)
    if name == "all":
        from compiler.join import joined_chain

        chain, free, fit = joined_chain()
    else:
        chain, free, fit = fitted_chain(name, compile_tables(Inputs.read(name)))
    chain.write(folder, licence=LICENCE)
    text = card.card(name, chain, free, fit)
    (folder / "README.md").write_text(text, encoding="utf-8")
    return chain


def _build_rare_earths(folder: Path) -> cp.SupplyChain:
    """Run the steps that this chain has of its own."""
    script = CHAINS_FOLDER / "rare_earths" / "compile" / "compile.py"
    given = sys.argv
    sys.argv = [str(script), str(folder)]
    try:
        runpy.run_path(str(script), run_name="__main__")
    finally:
        sys.argv = given
    return cp.SupplyChain.read(folder)


def compile_tables(inputs: Inputs) -> dict[str, pd.DataFrame]:
    """Return all tables of a chain but the flows.

    Raises
    ------
    ValueError
        If the inputs break a rule; all problems are listed.
    """
    borrowed = _borrowed(inputs)
    inputs = _with_borrowed_products(inputs, borrowed["products"])
    raise_for(inputs.name, check_inputs(inputs))
    world = solve_world(inputs, borrowed["sites"])
    sites = world.sites
    used = set(sites["country"]) | set(inputs["demand"]["country"]) - {"WORLD"}
    countries = areas.countries_table(
        used | set(borrowed["markets"]["country"]) | named_areas(inputs)
    )
    tables = {
        "countries": countries,
        "products": inputs["products"][PRODUCT_COLUMNS],
        "sites": sites,
        "inputs": inputs_table(inputs, sites),
        "joint": _joint_table(inputs),
        "markets": markets.markets_table(inputs, world, countries, borrowed["markets"]),
        "preferences": pairs.preferences(inputs, sites),
    }
    raise_for(inputs.name, world.problems)
    for table in COPIED:
        if len(inputs[table]):
            tables[table] = inputs[table]
    tables["sources"] = sources_table(inputs, tables, borrowed["sources"])
    return tables


def fitted_chain(
    name: str, tables: dict[str, pd.DataFrame]
) -> tuple[cp.SupplyChain, FlowEstimate, FlowEstimate]:
    """Return the chain with fitted flows, the fit by size and preference alone, and the fit."""
    inputs = Inputs.read(name)
    held = mixes.stated_mixes(inputs, tables["sites"])
    first = cp.SupplyChain.from_tables(mixes.taken_apart(tables, held), name=name)
    small, left_out = pairs.without_small_pairs(first, inputs)
    tables = {**tables, "preferences": pairs.narrowed(tables["preferences"], small)}
    silent = pairs.dormant(inputs, mixes.put_together(left_out))
    if len(silent) or "alternatives" in tables:
        both = pd.concat([tables.get("alternatives", pd.DataFrame()), silent])
        tables["alternatives"] = both.drop_duplicates(["supplier", "buyer", "slot"])
    apart = mixes.taken_apart(tables, held)
    chain = cp.SupplyChain.from_tables(apart, name=name)
    assert chain.fit is not None
    flows = mixes.put_together(chain.flows)
    flows["lead_weeks"], flows["growth_max"] = pairs.links(inputs, flows, chain.tables)
    final = cp.SupplyChain.from_tables({**tables, "flows": flows}, name=name)
    raise_for(name, check_value(final))
    return final, free_fit(chain), chain.fit


def free_fit(chain: cp.SupplyChain) -> FlowEstimate:
    """Return the fit that size and preference alone give, with trade totals only compared."""
    tables = {k: v for k, v in chain.tables.items() if k != "flows"}
    found = cp.SupplyChain.from_tables({**tables, "trade": tables["trade"].assign(role="check")})
    assert found.fit is not None
    return found.fit


def _borrowed(inputs: Inputs) -> dict[str, pd.DataFrame]:
    """Return products, sites, final markets and sources that other chains have already."""
    parts: dict[str, list[pd.DataFrame]] = {k: [] for k in ("products", "sites", "markets")}
    sources = []
    for chain, rows in inputs["borrow"].groupby("chain", sort=False):
        other = cp.SupplyChain.read(CHAINS_FOLDER / chain).tables
        for table, frames in parts.items():
            frames.append(other[table][other[table]["product"].isin(rows["product"])])
        sources.append(other["sources"])
    found = {
        table: pd.concat(frames, ignore_index=True) if frames else _empty(table)
        for table, frames in parts.items()
    }
    missing = sorted(set(inputs["borrow"]["product"]) - set(found["products"]["product"]))
    raise_for(inputs.name, [f"borrowed product {product} is unknown there" for product in missing])
    found["sites"] = found["sites"].assign(process="")
    return {**found, "sources": pd.concat(sources) if sources else pd.DataFrame()}


def _empty(table: str) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in cp.schema.spec(table).by_name})


def _with_borrowed_products(inputs: Inputs, borrowed: pd.DataFrame) -> Inputs:
    own = inputs["products"]
    both = sorted(set(own["product"]) & set(borrowed["product"]))
    raise_for(
        inputs.name, [f"product {product} is both borrowed and described" for product in both]
    )
    products = pd.concat([own, borrowed.reindex(columns=own.columns)], ignore_index=True)
    return Inputs(inputs.name, {**inputs.tables, "products": products})


def named_areas(inputs: Inputs) -> set[str]:
    """Return the areas that no site or market need have: owners and targets of controls, trade."""
    known = set(areas.all_areas().index)
    cells: list[str] = []
    for table, columns in {
        "controls": ("owner", "targets"),
        "trade": ("exporter", "importer"),
        "preferences": ("supplier_country", "buyer_country"),
        "measures": ("country",),
    }.items():
        frame = inputs[table]
        cells += [cell for c in columns if c in frame for cell in frame[c].astype(str)]
    return {item for cell in cells for item in cell.split(";")} & known


def _joint_table(inputs: Inputs) -> pd.DataFrame:
    frame = inputs["joint"]
    frame = frame.assign(wanted=frame["wanted"].map(lambda cell: str(cell).lower() != "false"))
    return frame.drop(columns=["va_share", "va_low", "va_high"])


def sources_table(
    inputs: Inputs, tables: dict[str, pd.DataFrame], borrowed: pd.DataFrame
) -> pd.DataFrame:
    """Return the sources that rows name, the chain's own descriptions first."""
    shared = read_table(areas.INPUTS / "sources.csv")
    known = pd.concat([inputs["sources"], borrowed, shared], ignore_index=True)
    known = known.drop_duplicates("source")
    used = {
        item
        for frame in tables.values()
        if "source" in frame
        for cell in frame["source"]
        for item in str(cell).split(";")
    }
    unused = sorted(set(inputs["sources"]["source"]) - used)
    missing = sorted(used - set(known["source"]))
    raise_for(
        inputs.name,
        [f"source {s} is listed and not used" for s in unused]
        + [f"source {s} is used and not listed" for s in missing],
    )
    return known[known["source"].isin(used)].sort_values("source").reset_index(drop=True)


def raise_for(name: str, problems: list[str]) -> None:
    if problems:
        raise ValueError(f"{name} cannot be compiled:\n  " + "\n  ".join(problems))
