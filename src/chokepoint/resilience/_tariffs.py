"""Tariffs on the flows of a plan: what they cost, and whether they count."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.program import Solution
from chokepoint.propagate import WEEKS_PER_YEAR, CompiledChain, ShockPlan
from chokepoint.resilience._columns import Columns, Model
from chokepoint.resilience._periods import Periods

__all__ = ["first_tariff", "flow_tariffs", "tariffs_of_flows", "tariffs_paid"]

FloatArray = NDArray[np.float64]


def first_tariff(shocks: ShockPlan) -> int:
    """Return the first week with a tariff; the number of weeks for none."""
    changes = shocks.tariff_changes
    return int(np.argmax(changes)) if changes.any() else shocks.weeks


def _value(chain: CompiledChain) -> FloatArray:
    """Return the value of a whole slot of goods, shape (E,) [USD million per week]."""
    sales = np.nan_to_num(chain.nodes["value_usd_m"].to_numpy(dtype=float)) / WEEKS_PER_YEAR
    return np.asarray(sales[chain.edge_supplier] * chain.kappa[:, 0])


def _rates(chain: CompiledChain, shocks: ShockPlan, weeks: range) -> FloatArray:
    rates = np.zeros((len(weeks), chain.n_edges))
    for row, week in enumerate(weeks):
        rates[row, shocks.tariff_edges] = shocks.tariff_rows(week)[:, 0]
    return rates


def flow_tariffs(
    chain: CompiledChain, shocks: ShockPlan, periods: Periods, unit: FloatArray
) -> FloatArray:
    """Return the tariff on one unit of each flow column, shape (E, P) [USD million].

    Of several rates within a period the lowest counts, as goods may leave in any of its weeks.
    After the last week that counts nothing is paid.
    """
    cost = np.zeros((chain.n_edges, len(periods)))
    if not len(shocks.tariff_edges):
        return cost
    first = int(periods.starts[0])
    rates = _rates(chain, shocks, range(first, periods.end))
    least = np.minimum.reduceat(rates, periods.starts - first, axis=0).T
    cost[:, : periods.counted] = least[:, : periods.counted]
    return cost * (_value(chain) * unit)[:, None]


def tariffs_of_flows(model: Model, columns: Columns, solution: Solution) -> FloatArray:
    """Return the tariff on each flow of the plan, shape (E,) [USD million]."""
    kept = columns.flow[:, 0] >= 0
    paid = np.zeros(len(kept))
    paid[kept] = (model.tariff[kept] * solution.values[columns.flow[kept]]).sum(axis=1)
    return paid


def tariffs_paid(model: Model, columns: Columns, solution: Solution) -> pd.Series:
    """Return tariffs on kept flows by importer: before the planner starts, and by plan."""
    chain, first = model.chain, int(model.periods.starts[0])
    kept = np.flatnonzero(columns.flow[:, 0] >= 0)
    rates = _rates(chain, model.shocks, range(first)).sum(axis=0)
    paid = rates[kept] * _value(chain)[kept] * chain.sigma[kept, 0]
    paid = paid + tariffs_of_flows(model, columns, solution)[kept]
    importer = chain.nodes["country"].to_numpy()[chain.group_buyer[chain.edge_group[kept]]]
    table = pd.Series(paid, index=pd.Index(importer, name="country"), name="tariffs", dtype=float)
    table = table[table != 0].groupby(level=0).sum()
    table.attrs["unit"] = "USD million at baseline prices, by importer"
    return table
