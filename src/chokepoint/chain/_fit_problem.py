"""The flow estimate as arrays: candidate flows, seeds, totals, trade blocks.

Suppliers, slots and trade rows are put into label order first, so that the estimate does not
depend on the order in which tables list their rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain._joint import pure_processes
from chokepoint.chain._preferences import factors
from chokepoint.chain._select import Inside
from chokepoint.errors import InfeasibleError
from chokepoint.schema import WORLD

__all__ = ["FloatArray", "IntArray", "Problem", "build_problem"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_NEGATIVE = 1e-9


@dataclass(frozen=True, slots=True)
class Problem:
    """Candidate flows and the totals they have to meet.

    Attributes
    ----------
    supplier, slot : array (E,)
        Positions in `suppliers` and `slots` of each candidate flow.
    recipe : array (E,)
        Units of input per unit of the buyer's output.
    seed : array (E,)
        Prior of the flow, up to a factor [units per year].
    suppliers : DataFrame
        Columns site, product, country, total: what is left to ship after known flows.
    slots : DataFrame
        Columns buyer, slot, country, need: what is left to fill, in units of buyer output.
    blocks : tuple of array
        Positions of the candidate flows that each row of `trade` covers.
    trade : DataFrame
        Rows of the table trade in label order, with columns `held` (known flows inside the
        block) and `covered` (number of candidate flows).
    known : DataFrame
        Held flows: supplier, buyer, slot, quantity.
    """

    supplier: IntArray
    slot: IntArray
    recipe: FloatArray
    seed: FloatArray
    suppliers: pd.DataFrame
    slots: pd.DataFrame
    blocks: tuple[IntArray, ...]
    trade: pd.DataFrame
    known: pd.DataFrame


def build_problem(tables: Mapping[str, pd.DataFrame], recipe: pd.DataFrame) -> Problem:
    """Return the estimate's arrays for completed tables and their recipes."""
    suppliers = _suppliers(tables)
    slots = _slots(tables, recipe)
    known = _known(tables, suppliers, slots, recipe)
    suppliers = _less_known(suppliers, "total", known["supplier_position"], known["quantity"])
    filled = known["quantity"] / known["recipe"]
    slots = _less_known(slots, "need", known["slot_position"], filled)
    edges = _candidates(tables, suppliers, slots, recipe, known)
    supplier, slot = edges["supplier"].to_numpy(), edges["slot"].to_numpy()
    pairs = pd.DataFrame(
        {
            "product": suppliers["product"].to_numpy()[supplier],
            "exporter": suppliers["country"].to_numpy()[supplier],
            "importer": slots["country"].to_numpy()[slot],
        }
    )
    factor = factors(tables, pairs)
    total, need = suppliers["total"].to_numpy(), slots["need"].to_numpy()
    seed = factor * total[supplier] * need[slot] * edges["recipe"].to_numpy()
    open_ = seed > 0
    trade, blocks = _blocks(tables, pairs[open_], known)
    return Problem(
        supplier=supplier[open_],
        slot=slot[open_],
        recipe=edges["recipe"].to_numpy()[open_],
        seed=seed[open_],
        suppliers=suppliers,
        slots=slots,
        blocks=blocks,
        trade=trade,
        known=known,
    )


def _suppliers(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    sites = tables["sites"]
    sold = sites[~sites["site"].isin(pure_processes(tables))]
    frame = sold[["site", "product", "country", "output_qty"]]
    frame = frame.rename(columns={"output_qty": "total"})
    return frame.sort_values("site").reset_index(drop=True)


def _slots(tables: Mapping[str, pd.DataFrame], recipe: pd.DataFrame) -> pd.DataFrame:
    sites = tables["sites"][["site", "country", "output_qty"]]
    markets = tables["markets"][["market", "country", "quantity"]]
    columns = ["buyer", "country", "need"]
    nodes = pd.concat([sites.set_axis(columns, axis=1), markets.set_axis(columns, axis=1)])
    frame = recipe[["buyer", "slot"]].drop_duplicates().merge(nodes, on="buyer")
    return frame.sort_values(["buyer", "slot"]).reset_index(drop=True)


def _known(
    tables: Mapping[str, pd.DataFrame],
    suppliers: pd.DataFrame,
    slots: pd.DataFrame,
    recipe: pd.DataFrame,
) -> pd.DataFrame:
    flows = tables["flows"]
    known = flows[flows["known"] == "reported"].reset_index(drop=True)
    keys = pd.MultiIndex.from_frame(slots[["buyer", "slot"]])
    known["supplier_position"] = pd.Index(suppliers["site"]).get_indexer(known["supplier"])
    asked = pd.MultiIndex.from_frame(known[["buyer", "slot"]])
    known["slot_position"] = keys.get_indexer(asked)
    known["product"] = suppliers["product"].to_numpy()[known["supplier_position"]]
    known["exporter"] = suppliers["country"].to_numpy()[known["supplier_position"]]
    known["importer"] = slots["country"].to_numpy()[known["slot_position"]]
    rows = pd.MultiIndex.from_frame(recipe[["buyer", "slot", "product"]])
    position = rows.get_indexer(pd.MultiIndex.from_frame(known[["buyer", "slot", "product"]]))
    known["recipe"] = recipe["recipe"].to_numpy()[position]
    return known


def _less_known(
    frame: pd.DataFrame, column: str, position: pd.Series, amount: pd.Series
) -> pd.DataFrame:
    total = frame[column].to_numpy()
    held = np.bincount(position, weights=amount, minlength=len(frame))
    left = total - held
    slack = _NEGATIVE * np.maximum(total, held)
    over = np.flatnonzero(left < -slack)
    if len(over):
        labels = frame.iloc[over, :2].agg(" ".join, axis=1)
        lines = [
            f"  {label}: {column} {total[i]:g}, reported flows {held[i]:g}"
            for label, i in zip(labels, over, strict=True)
        ]
        raise InfeasibleError(
            "reported flows add up to more than the total they belong to:\n"
            + "\n".join(lines)
            + "\nCorrect the totals or the reported flows."
        )
    return frame.assign(**{column: np.where(left <= slack, 0.0, left)})


def _candidates(
    tables: Mapping[str, pd.DataFrame],
    suppliers: pd.DataFrame,
    slots: pd.DataFrame,
    recipe: pd.DataFrame,
    known: pd.DataFrame,
) -> pd.DataFrame:
    left = suppliers.loc[suppliers["total"] > 0, ["site", "product"]].reset_index(names="supplier")
    keys = pd.MultiIndex.from_frame(slots[["buyer", "slot"]])
    asked = recipe[["buyer", "slot", "product", "recipe"]]
    position = keys.get_indexer(pd.MultiIndex.from_frame(asked[["buyer", "slot"]]))
    asked = asked.assign(position=position, need=slots["need"].to_numpy()[position])
    edges = left.merge(asked[asked["need"] > 0], on="product")
    edges = edges[edges["site"] != edges["buyer"]]
    # A known flow is held and a dormant alternative has no baseline flow.
    taken = pd.concat([known[["supplier", "buyer", "slot"]], tables["alternatives"]])
    excluded = pd.MultiIndex.from_frame(taken[["supplier", "buyer", "slot"]])
    asked_for = pd.MultiIndex.from_frame(edges[["site", "buyer", "slot"]])
    edges = edges[~asked_for.isin(excluded)] if len(excluded) else edges
    edges = edges[["supplier", "position", "recipe"]].rename(columns={"position": "slot"})
    return edges.sort_values(["slot", "supplier"]).reset_index(drop=True)


def _blocks(
    tables: Mapping[str, pd.DataFrame], pairs: pd.DataFrame, known: pd.DataFrame
) -> tuple[pd.DataFrame, tuple[IntArray, ...]]:
    columns = ["products", "exporter", "importer", "period", "quantity"]
    trade = tables["trade"].sort_values(columns).reset_index(names="row")
    candidates, fixed = Inside(tables, pairs), Inside(tables, known)
    quantity = known["quantity"].to_numpy()
    blocks, held = [], []
    for cells in trade[["products", "exporter", "importer"]].itertuples(index=False, name=None):
        blocks.append(np.flatnonzero(_covered(candidates, *cells)))
        held.append(float(quantity[_covered(fixed, *cells)].sum()))
    covered = [len(block) for block in blocks]
    return trade.assign(held=held, covered=covered), tuple(blocks)


def _covered(inside: Inside, products: str, exporter: str, importer: str) -> NDArray[np.bool_]:
    chosen = inside.products(products) & inside.exporters(exporter) & inside.crosses_border
    if importer == WORLD:
        # All others; with the world as exporter too, every border that is crossed.
        return chosen if exporter == WORLD else chosen & ~inside.importers(exporter)
    return chosen & inside.importers(importer)
