"""What one more unit would be worth: duals of a recourse program as labelled tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.program import Solution
from chokepoint.propagate import WEEKS_PER_YEAR
from chokepoint.resilience._columns import Columns, Model
from chokepoint.resilience._limits import sum_from
from chokepoint.resilience._rows import Rows

__all__ = ["capacity_values", "slot_inputs", "stock_values", "supply_values"]

FloatArray = NDArray[np.float64]

_USD = 1e6
# A dual below this share of the largest is solver noise.
_NOISE = 1e-9


def slot_inputs(chain: SupplyChain) -> pd.DataFrame:
    """Return for each slot its largest input: product, units a week, price [USD per unit].

    Index (buyer, slot), in the order of ``chain.slots``.
    """
    edges, slots = chain.edges, chain.slots
    largest = edges.sort_values(["dormant", "quantity"], ascending=[True, False], kind="stable")
    first = largest.drop_duplicates(["buyer", "slot"]).set_index(["buyer", "slot"])
    first = first.reindex(slots.index)
    price = chain.products.set_index("product")["price_usd"]
    return pd.DataFrame(
        {
            "product": first["product"],
            "units": slots["need"] / WEEKS_PER_YEAR * first["recipe"],
            "price": first["product"].map(price).astype(float),
        }
    )


def stock_values(chain: SupplyChain, model: Model, rows: Rows, solution: Solution) -> pd.DataFrame:
    """Return the worth of one more week, unit and USD of stock at the start, by slot."""
    groups = model.stored[model.chain.storable[model.stored]]
    per_week = np.maximum(-solution.duals[rows.stock[groups, 0]], 0.0) / model.weight
    inputs = slot_inputs(chain).iloc[groups]
    with np.errstate(divide="ignore", invalid="ignore"):
        per_unit = per_week * _USD / inputs["units"].to_numpy()
        per_usd = per_unit / inputs["price"].to_numpy()
    table = pd.DataFrame(
        {
            "product": inputs["product"].to_numpy(),
            "usd_m_per_week_of_cover": per_week,
            "usd_per_unit": per_unit,
            "usd_per_usd": np.where(np.isfinite(per_usd), per_usd, np.nan),
        },
        index=model.chain.groups[groups],
    )
    unit = "USD of loss avoided; week of cover, unit of product, USD at baseline price"
    return _ranked(table, "usd_m_per_week_of_cover", unit)


def capacity_values(model: Model, columns: Columns, solution: Solution) -> pd.DataFrame:
    """Return the worth of capacity, by site: of all of it once more, and of a unit a year."""
    compiled, extent = model.chain, model.extent
    limit, weeks = model.limits.capacity, model.periods.lengths.astype(float)
    price = np.zeros((compiled.n_nodes, len(weeks)))
    reduced = solution.reduced_costs
    counted, others = extent.counted, extent.sites & ~extent.counted
    price[others] = np.maximum(-reduced[columns.output[others]], 0.0)
    # Above baseline the limit of a counted site is on `extra`, below it on `loss`.
    above = np.maximum(-reduced[columns.extra[counted]], 0.0)
    below = np.maximum(reduced[columns.loss[counted]], 0.0)
    reach = limit[counted]
    price[counted] = np.where(reach >= weeks, above, below) * np.isfinite(reach)
    standing = sum_from(model.limits.left, model.periods)
    doubled = (price * standing).sum(axis=1)[extent.sites] / model.weight
    nodes = compiled.nodes[extent.sites]
    with np.errstate(divide="ignore", invalid="ignore"):
        per_unit = doubled * _USD / nodes["output_qty"].to_numpy(dtype=float)
    table = pd.DataFrame(
        {
            "country": nodes["country"].to_numpy(),
            "usd_m_per_baseline_capacity": doubled,
            "usd_per_unit_per_year": np.where(np.isfinite(per_unit), per_unit, np.nan),
        },
        index=nodes.index,
    )
    unit = "USD of loss avoided; capacity as large as baseline output, unit per year"
    return _ranked(table, "usd_m_per_baseline_capacity", unit)


def supply_values(
    chain: SupplyChain, model: Model, columns: Columns, solution: Solution
) -> pd.DataFrame:
    """Return the worth of a higher limit of a flow: of the whole slot, and of a unit a year."""
    compiled, extent = model.chain, model.extent
    edges = np.flatnonzero(extent.edges & ~np.isinf(model.limits.flow).all(axis=1))
    reduced = np.maximum(-solution.reduced_costs[columns.flow[edges]], 0.0)
    # One unit of the column is `unit` of the slot; a limit holds in every week.
    per_slot = (reduced / model.unit[edges][:, None] * model.periods.lengths).sum(axis=1)
    per_slot = per_slot / model.weight
    table = compiled.edges.iloc[edges]
    need = chain.slots["need"].to_numpy(dtype=float)[compiled.edge_group[edges]]
    values = pd.DataFrame(
        {
            "product": table["product"].to_numpy(),
            "dormant": table["dormant"].to_numpy(),
            "usd_m_per_slot": per_slot,
            "usd_per_unit_per_year": per_slot * _USD / (need * table["recipe"].to_numpy()),
        },
        index=model.labels("edge", edges),
    )
    unit = "USD of loss avoided; flow as large as the slot, unit per year"
    return _ranked(values, "usd_m_per_slot", unit)


def _ranked(table: pd.DataFrame, column: str, unit: str) -> pd.DataFrame:
    """Return the rows that are worth anything, the dearest first."""
    worth = table[column].to_numpy()
    kept = worth > _NOISE * max(float(worth.max(initial=0.0)), _NOISE)
    ranked = table[kept].sort_values(column, ascending=False, kind="stable")
    ranked.attrs["unit"] = unit
    return ranked
