"""The firm model of Inoue and Todo (2019), restated from its equations.

Stocks lie on links: a client keeps what each supplier sent apart, uses it pro rata, and treats
the suppliers of one sector as perfect substitutes in stock. A day is: arrivals of yesterday,
orders, production, rationing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Firms:
    """What the model takes: daily flows, final demand, sectors, stock targets."""

    flows: Array
    """A_ij, from supplier (row) to client (column)."""
    final: Array
    sector: Array
    days: Array
    """Target n_i of each client [days of use]."""
    adjustment: float = 6.0
    """tau [days]."""


def run(firms: Firms, damage: Array, *, equalise: bool) -> Array:
    """Return output over initial output, day x firm; `damage` is day x firm."""
    start = firms.flows.sum(axis=1) + firms.final
    stock = firms.flows * firms.days
    output = start.copy()
    share = _give_up_to_one_ratio if equalise else _give_in_proportion
    path = []
    for lost in damage:
        need = firms.flows * (output / start)
        orders = np.maximum(need + (firms.days * need - stock) / firms.adjustment, 0.0)
        demand = orders.sum(axis=1) + firms.final
        within = np.minimum(start * (1.0 - lost), _from_stock(firms, stock, start))
        output = np.minimum(within, demand)
        sent = np.array(
            [
                share(np.append(orders[i], firms.final[i]), _base(firms, i), output[i])[:-1]
                for i in range(len(start))
            ]
        )
        stock = np.maximum(stock + sent - _use(firms, stock, output / start), 0.0)
        path.append(output / start)
    return np.array(path)


def _base(firms: Firms, supplier: int) -> Array:
    return np.append(firms.flows[supplier], firms.final[supplier])


def _by_sector(firms: Firms, amounts: Array) -> Array:
    """Return the sum over suppliers of the same sector, as seen by each supplier's row."""
    same = firms.sector[:, None] == firms.sector[None, :]
    return np.asarray(same @ amounts)


def _from_stock(firms: Firms, stock: Array, start: Array) -> Array:
    """Return the output that the scarcest sector's stock allows."""
    with np.errstate(divide="ignore", invalid="ignore"):
        cover = _by_sector(firms, stock) / _by_sector(firms, firms.flows)
    return np.asarray(start * np.where(firms.flows > 0, cover, np.inf).min(axis=0))


def _use(firms: Firms, stock: Array, activity: Array) -> Array:
    """Return what is used of each link's stock: pro rata within a sector."""
    total = _by_sector(firms, stock)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(total > 0, stock / total, 0.0)
    return np.asarray(part * _by_sector(firms, firms.flows) * activity)


def _give_in_proportion(orders: Array, _: Array, output: float) -> Array:
    total = orders.sum()
    return orders if total <= output else orders * (output / total)


def _give_up_to_one_ratio(orders: Array, base: Array, output: float) -> Array:
    """Raise the ratio sent / initial order of all clients together until output is gone."""
    if orders.sum() <= output:
        return orders
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(base > 0, orders / base, np.inf)
    level, left = 0.0, output
    waiting = base > 0
    for step in np.sort(ratio[waiting]):
        weight = base[waiting].sum()
        if (step - level) * weight >= left:
            return np.asarray(np.minimum(orders, (level + left / weight) * base))
        left -= (step - level) * weight
        level = step
        waiting &= ratio > step
    return orders
