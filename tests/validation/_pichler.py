"""The industry model of Pichler et al. (2022), restated from its equations.

Critical inputs limit output to S/A, important ones to (S/A + initial capacity) / 2, others not at
all. Employment and consumption are given here as paths of capacity and final demand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from validation._networks import Network

Array = np.ndarray


@dataclass(frozen=True)
class Industries:
    """A network with the criticality of inputs, targets of stock and the time to reach them.

    Where a product has several makers they are one input: the buyer has one stock of it, and
    orders go to the makers in initial shares.
    """

    net: Network
    need: Array
    """1 critical, 1/2 important, 0 neither; maker x buyer."""
    days: Array
    """Target n_i of each buyer [days of use]."""
    adjustment: float = np.inf
    """tau [days]."""

    @property
    def coefficients(self) -> Array:
        """Need of a product per unit of output, repeated for each of its makers."""
        bought = self.net.same_product().astype(float) @ self.net.flows
        return np.asarray(bought / self.net.output)

    @property
    def shares(self) -> Array:
        """Share of each maker in what a buyer takes of its product."""
        bought = self.net.same_product().astype(float) @ self.net.flows
        return np.divide(self.net.flows, bought, out=np.zeros_like(bought), where=bought > 0)


def run(
    industries: Industries, left: Array, final: Array, *, goods_of_the_day: bool = True
) -> Array:
    """Return output over initial output, day x industry.

    Parameters
    ----------
    industries : Industries
        The economy.
    left : array (days, industries)
        Capacity over initial capacity.
    final : array (days, industries)
        Final demand.
    goods_of_the_day : bool
        Whether output that an important or other input does not limit may use what arrives in
        the course of the day: S(t+1) = max(S + Z - A x, 0), as published, or max(S - A x, 0) + Z.
    """
    net, uses = industries.net, industries.coefficients
    start, together = net.output, net.same_product().astype(float)
    target = uses * start * industries.days
    stock, demand, path = target, start, []
    for capacity, wanted in zip(left * start, final, strict=True):
        gap = (target - stock) / industries.adjustment
        orders = np.maximum(industries.shares * (uses * demand + gap), 0.0)
        demand = orders.sum(axis=1) + wanted
        output = np.minimum.reduce([capacity, _from_inputs(industries, stock), demand])
        fill = np.divide(output, demand, out=np.zeros_like(demand), where=demand > 0)
        arriving = together @ (orders * fill[:, None])
        if goods_of_the_day:
            stock = np.maximum(stock + arriving - uses * output, 0.0)
        else:
            stock = np.maximum(stock - uses * output, 0.0) + arriving
        path.append(output / start)
    return np.array(path)


def _from_inputs(industries: Industries, stock: Array) -> Array:
    """Return the output that the inputs allow (partially binding Leontief)."""
    uses, need, start = industries.coefficients, industries.need, industries.net.output
    possible = np.divide(stock, uses, out=np.full_like(stock, np.inf), where=uses > 0)
    critical = np.where(need == 1.0, possible, np.inf)
    important = np.where(need == 0.5, (possible + start) / 2.0, np.inf)
    return np.minimum(critical, important).min(axis=0)
