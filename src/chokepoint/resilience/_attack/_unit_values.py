"""What one unit of a site's output, a slot's use or a flow can be worth at most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chokepoint.resilience._attack._answer import Built

__all__ = ["UnitValues", "unit_values"]

FloatArray = NDArray[np.float64]

_ROUNDS = 500
_MARGIN = 1.0 + 1e-6


@dataclass(frozen=True, eq=False)
class UnitValues:
    """Upper bounds on prices [USD million per unit of the column, or of the row's bound].

    Attributes
    ----------
    columns : array (columns,)
        For the upper or lower bound of a column.
    rows : array (rows,)
        For the bound of a row; NaN where no scenario moves it.
    """

    columns: FloatArray
    rows: FloatArray


def unit_values(built: Built) -> UnitValues:
    r"""Return how much of the loss one unit can avoid at most.

    From buyers to suppliers,

    .. math::
        V_i = va_i + \max_{e\ \text{out of}\ i} \frac{f_{g(e)} V_{b(e)}}{\kappa_e}
              + \sum_{c\ \text{yielded by}\ i} V_c,
        \qquad f_g = \frac{\max(\epsilon_g, \phi_g)}{\theta_g},

    from buyers to suppliers; :math:`va_i` counts at sites whose losses count and
    :math:`\theta_g` is the least use of a slot. A flow is worth what the buyer makes of it and
    what its supplier earns with it and yields beside it. By removing one unit and all that is
    made from it a plan with the unit becomes one without it, so no price of a solution is
    higher: a penalty of this size is as good as a ban.
    """
    model = built.model
    chain, extent = model.chain, model.extent
    factor = _slot_factor(built)
    added = np.where(extent.counted, chain.value_added[:, 0], 0.0) * model.weight
    site = _site_values(built, factor, added)
    slot = factor * site[chain.group_buyer]
    # A counted site makes nothing for nobody: without the flow it makes less of all it yields.
    yielded = np.zeros(chain.n_nodes)
    child = np.flatnonzero(chain.is_child & extent.sites)
    np.add.at(yielded, chain.process[child], site[child])
    makes = np.where(extent.counted, added + yielded, 0.0)
    earned = chain.kappa[:, 0] * makes[chain.edge_supplier]
    flow = model.unit * (np.where(extent.edges, slot[chain.edge_group], 0.0) + earned)
    share = np.zeros(chain.n_groups)
    np.maximum.at(share, chain.edge_group, slot[chain.edge_group] + earned)
    market = np.zeros(chain.n_nodes)
    np.maximum.at(market, chain.group_buyer[chain.edge_group], earned)
    return _placed(built, site, share, flow, market)


def _slot_factor(built: Built) -> FloatArray:
    """Return output per unit that is used of each slot, shape (G,)."""
    model = built.model
    chain, extent = model.chain, model.extent
    weeks = float(model.periods.lengths.sum())
    least = model.limits.use.min(axis=1)
    factor = np.maximum(chain.eps[:, 0], chain.phi[:, 0]) / least
    # A service that was kept serves again in every week that follows.
    factor = np.where(chain.decay[:, 0] > 0, factor * weeks, factor)
    return np.where(extent.groups, factor, 0.0)


def _site_values(built: Built, factor: FloatArray, added: FloatArray) -> FloatArray:
    chain, extent = built.model.chain, built.model.extent
    edges = np.flatnonzero(extent.edges & (chain.kappa[:, 0] > 0))
    supplier, group = chain.edge_supplier[edges], chain.edge_group[edges]
    pushed = chain.is_pushed[supplier]
    unit, kappa = built.model.unit[edges], chain.kappa[edges, 0]
    child = np.flatnonzero(chain.is_child & extent.sites)
    # A circle of recycling that multiplied value would never end; no plan can win more than all.
    most = 1e3 * float(added.sum()) * float(built.model.periods.lengths.sum())
    value = added.copy()
    for _ in range(_ROUNDS):
        used = (factor * value[chain.group_buyer])[group]
        best = np.zeros(chain.n_nodes)
        np.maximum.at(best, supplier[~pushed], (used / kappa)[~pushed])
        np.add.at(best, supplier[pushed], (used * unit)[pushed])
        new = added + best
        np.add.at(new, chain.process[child], value[child])
        new = np.minimum(new, most)
        if np.allclose(new, value, rtol=1e-12, atol=0.0):
            break
        value = new
    return value


def _placed(
    built: Built, site: FloatArray, share: FloatArray, flow: FloatArray, market: FloatArray
) -> UnitValues:
    """Put the values where the columns and rows are."""
    chain, columns, rows = built.model.chain, built.columns, built.rows
    of_columns = np.full(built.program.n_columns, np.nan)
    of_rows = np.full(built.program.n_rows, np.nan)
    by_column = (
        (columns.loss, site), (columns.extra, site), (columns.output, site),
        (columns.surplus, site), (columns.flow, flow), (columns.detour, flow),
        (columns.made, flow), (columns.accepted, flow), (columns.queue, flow),
        (columns.goods, flow), (columns.use, share), (columns.upkeep, share),
        (columns.stock, share),
    )  # fmt: skip
    buyer = site[chain.group_buyer]
    by_row = (
        (rows.capacity, site), (rows.parts, site), (rows.late, share), (rows.need, buyer),
        (rows.room, np.maximum(buyer, share)), (rows.limit, flow), (rows.demand, market),
        (rows.demand_so_far, market), (rows.goods, flow),
    )  # fmt: skip
    for target, placed in ((of_columns, by_column), (of_rows, by_row)):
        for places, value in placed:
            there = places >= 0
            target[places[there]] = np.broadcast_to(value[:, None], places.shape)[there] * _MARGIN
    for markets, places in built.demand:
        of_rows[places] = market[markets][:, None] * _MARGIN
    # What is kept for one buyer is made for that buyer alone: less of it is less output.
    edges = built.reserved.edges
    made = chain.kappa[edges, 0] * site[chain.edge_supplier[edges]]
    of_rows[built.reserved.limit] = made[:, None] * _MARGIN
    return UnitValues(of_columns, of_rows)
