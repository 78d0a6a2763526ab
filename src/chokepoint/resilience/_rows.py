r"""The rows of the recourse program for one scenario (theory 4.1).

.. math::
    \text{out}\quad & \textstyle\sum_{e\ \text{out of}\ i} \kappa_e q_{e} = x_{i} \\
    \text{stock}\quad & s_{g,t} = s_{g,t-1} + \textstyle\sum_{e \in g} q_{e,t-L_e} - u_{g,t} \\
    \text{need}\quad & x_{i} \le (1-\epsilon_g) Q_{i} + \epsilon_g u_{g} \\
    \text{parts}\quad & x_{i} \le Q_{i} - \textstyle\sum_g \phi_g (Q_{i} - u_{g}) \\
    \text{joint}\quad & S_{c,t} \le S_{c,t-1} + x_{p} - x_{c}

with capacity and flow limits as bounds of columns. A throttle does not enter: it is a habit,
not a necessity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chokepoint.program import ProgramBuilder
from chokepoint.resilience._columns import Columns, Model

__all__ = ["Rows", "add_rows"]

IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rows:
    """Positions of the rows, by item and period; -1 where there is none.

    Attributes
    ----------
    out, joint, parts, capacity : array (N, P)
        Where output goes, what a process yields, slots that serve different parts, and the
        capacity of sites that a plan may enlarge.
    stock, late, transit, need : array (G, P)
        Balance of a slot, the least and (for services) the most of it that is still on its
        way, and how far output may go without it.
    pushed, limit, queue, goods : array (E, P)
        By-products, flows that a plan may enlarge, licensed orders and goods.
    demand : array (N, P)
        What a market takes.
    """

    out: IntArray
    joint: IntArray
    parts: IntArray
    capacity: IntArray
    stock: IntArray
    late: IntArray
    transit: IntArray
    need: IntArray
    pushed: IntArray
    limit: IntArray
    queue: IntArray
    goods: IntArray
    demand: IntArray


def add_rows(builder: ProgramBuilder, model: Model, columns: Columns) -> Rows:
    """Add the rows of one scenario and return their positions."""
    adder = _Adder(builder, model, columns)
    stock, late, transit = adder.stock(), adder.late(), adder.transit()
    need, parts = adder.need(), adder.parts()
    return Rows(
        out=adder.out(),
        joint=adder.joint(),
        parts=parts,
        capacity=adder.capacity(),
        stock=stock,
        late=late,
        transit=transit,
        need=need,
        pushed=adder.pushed(),
        limit=adder.limit(),
        queue=adder.queue(),
        goods=adder.goods(),
        demand=adder.demand(),
    )


class _Adder:
    def __init__(self, builder: ProgramBuilder, model: Model, columns: Columns) -> None:
        self.builder, self.model, self.columns = builder, model, columns
        self.chain, self.extent = model.chain, model.extent
        self.n_periods = len(model.periods)
        self.weeks = model.periods.lengths.astype(float)
        self.unit = model.unit
        # Of a licensed flow, production sees what is made for it, not what leaves.
        self.leaves_production = columns.flow.copy()
        self.leaves_production[model.licensed] = columns.made[model.licensed]

    def _rows(
        self,
        name: str,
        kind: str,
        items: IntArray,
        *,
        size: int,
        unit: str,
        lower: FloatArray | float = -np.inf,
        upper: FloatArray | float = np.inf,
    ) -> IntArray:
        places = np.full((size, self.n_periods), -1, dtype=np.intp)
        places[items] = self.builder.rows(
            self.model.prefix + name,
            [self.model.labels(kind, items), self.model.periods.index],
            unit=unit,
            lower=lower,
            upper=upper,
        )
        return places

    def _output(self, rows: IntArray, nodes: IntArray, factor: float | FloatArray) -> None:
        """Add `factor` times the output of `nodes` to `rows`, both (items, P)."""
        columns, counted = self.columns, self.extent.counted[nodes]
        factor = np.broadcast_to(np.asarray(factor, dtype=float), rows.shape)
        here = ~counted
        self.builder.add(rows[here], columns.output[nodes[here]], factor[here])
        self.builder.add(rows[counted], columns.extra[nodes[counted]], factor[counted])
        self.builder.add(rows[counted], columns.loss[nodes[counted]], -factor[counted])
        # Output of a counted site is baseline - loss + extra; the baseline is a constant.
        self.builder.shift(rows[counted], factor[counted] * self.weeks)

    def out(self) -> IntArray:
        """Output goes to flows; a counted site may not make goods for nobody."""
        chain, extent = self.chain, self.extent
        kept = extent.edges | extent.outlets
        sells = np.zeros(chain.n_nodes, dtype=bool)
        sells[chain.edge_supplier[kept]] = True
        # By-products follow their process (rows `pushed`).
        sites = np.flatnonzero(extent.sites & sells & ~chain.is_pushed)
        # A process whose main product is sold may be driven by its other outputs, and then
        # has too much of the main one.
        driven = np.zeros(chain.n_nodes, dtype=bool)
        driven[chain.process[chain.is_child & ~chain.is_pushed]] = True
        exact = (extent.counted & ~driven)[sites]
        rows = self._rows(
            "out", "node", sites, size=chain.n_nodes, unit="weeks of baseline output",
            lower=np.where(exact, 0.0, -np.inf)[:, None], upper=0.0,
        )  # fmt: skip
        edges = np.flatnonzero(kept & (rows[chain.edge_supplier, 0] >= 0))
        share = (chain.kappa[edges, 0] * self.unit[edges])[:, None]
        self.builder.add(rows[chain.edge_supplier[edges]], self.leaves_production[edges], share)
        self._output(rows[sites], sites, -1.0)
        return rows

    def stock(self) -> IntArray:
        """Stock, arrivals and use of a slot; what cannot be kept may be lost."""
        chain, extent = self.chain, self.extent
        groups = np.flatnonzero(extent.groups)
        known = np.zeros((chain.n_groups, self.n_periods))
        for lead in np.unique(chain.lead):
            edges = np.flatnonzero(chain.lead == lead)
            share = np.bincount(
                chain.edge_group[edges], chain.sigma[edges, 0], minlength=chain.n_groups
            )
            known += share[:, None] * self.model.periods.still_arriving(int(lead))
        known[chain.storable, 0] += chain.stock[chain.storable, 0]
        lower = np.where(chain.storable[:, None], known, -np.inf)
        rows = self._rows(
            "stock", "slot", groups, size=chain.n_groups, unit="weeks of baseline use",
            lower=lower[groups], upper=known[groups],
        )  # fmt: skip
        stored, stock = self.model.stored, self.columns.stock
        self.builder.add(rows[stored], stock[stored], 1.0)
        self.builder.add(rows[stored, 1:], stock[stored, :-1], -1.0)
        self._arrivals(rows)
        full = np.setdiff1d(groups, self.model.partial)
        self._output(rows[full], chain.group_buyer[full], 1.0)
        partial = self.model.partial
        self.builder.add(rows[partial], self.columns.use[partial], 1.0)
        return rows

    def _arrivals(self, rows: IntArray) -> None:
        chain, flow = self.chain, self.columns.flow
        for lead in np.unique(chain.lead):
            edges = np.flatnonzero(self.extent.edges & (chain.lead == lead))
            arrival = self.model.periods.arrival(int(lead))
            in_time = arrival < self.n_periods
            places = rows[chain.edge_group[edges]][:, arrival[in_time]]
            self.builder.add(places, flow[edges][:, in_time], -self.unit[edges][:, None])

    def late(self) -> IntArray:
        """Of what leaves in a period, not all can have left in its first weeks."""
        chain, model, periods = self.chain, self.model, self.model.periods
        stored = model.stored if bool((periods.lengths > 1).any()) else model.stored[:0]
        early = np.zeros((chain.n_groups, self.n_periods))
        entries = []
        for lead in np.unique(chain.lead):
            edges = np.flatnonzero(self.extent.edges & (chain.lead == lead) & ~model.open_edges)
            for sent, period in zip(*np.nonzero(periods.in_transit(int(lead))), strict=True):
                there = periods.weeks_there(sent, period, int(lead))
                most = model.limits.weekly[:there, edges] if sent == 0 else model.limits.weekly[
                    periods.starts[sent] - periods.starts[0] :][:there, edges]  # fmt: skip
                most = most.sum(axis=0)
                some = np.isfinite(most)
                np.add.at(early[:, period], chain.edge_group[edges[some]], most[some])
                entries.append((edges[some], sent, period))
        rows = self._rows(
            "late", "slot", stored, size=chain.n_groups, unit="weeks of baseline use",
            lower=-early[stored],
        )  # fmt: skip
        self.builder.add(rows[stored], self.columns.stock[stored], 1.0)
        for edges, sent, period in entries:
            places = rows[chain.edge_group[edges], period]
            self.builder.add(places, self.columns.flow[edges, sent], -self.unit[edges])
        return rows

    def transit(self) -> IntArray:
        """Of what cannot be kept, no more is counted early than was sent of late."""
        chain = self.chain
        groups = self.model.fleeting
        rows = self._rows(
            "transit", "slot", groups, size=chain.n_groups, unit="weeks of baseline use", upper=0.0
        )
        self.builder.add(rows[groups], self.columns.stock[groups], 1.0)
        for lead in np.unique(chain.lead):
            fleeting = rows[chain.edge_group, 0] >= 0
            edges = np.flatnonzero(self.extent.edges & (chain.lead == lead) & fleeting)
            sent, period = np.nonzero(self.model.periods.in_transit(int(lead)))
            places = rows[chain.edge_group[edges]][:, period]
            flows = self.columns.flow[edges][:, sent]
            self.builder.add(places, flows, -self.unit[edges][:, None])
        return rows

    def need(self) -> IntArray:
        """How far output may go with what is used of a partly needed slot."""
        chain, eps = self.chain, self.chain.eps[:, 0]
        groups = self.model.partial
        groups = groups[eps[groups] > 0]
        buyer = chain.group_buyer[groups]
        without = (1.0 - eps[groups])[:, None]
        rows = self._rows(
            "need", "slot", groups, size=chain.n_groups, unit="weeks of baseline output",
            upper=without * self.model.limits.scale[buyer],
        )  # fmt: skip
        self._output(rows[groups], buyer, 1.0)
        self.builder.add(rows[groups], self.columns.use[groups], -eps[groups][:, None])
        return rows

    def parts(self) -> IntArray:
        """Slots that serve different parts of the output: what is missing adds up."""
        chain, phi = self.chain, self.chain.phi[:, 0]
        groups = np.flatnonzero(self.extent.groups & (phi > 0))
        buyers = np.unique(chain.group_buyer[groups])
        served = np.bincount(chain.group_buyer[groups], phi[groups], minlength=chain.n_nodes)
        rows = self._rows(
            "parts", "node", buyers, size=chain.n_nodes, unit="weeks of baseline output",
            upper=(1.0 - served[buyers])[:, None] * self.model.limits.scale[buyers],
        )  # fmt: skip
        self._output(rows[buyers], buyers, 1.0)
        places = rows[chain.group_buyer[groups]]
        self.builder.add(places, self.columns.use[groups], -phi[groups][:, None])
        return rows

    def joint(self) -> IntArray:
        """A joint output follows its process; what is not wanted is kept, then dumped."""
        chain = self.chain
        children = np.flatnonzero(self.extent.sites & chain.is_child)
        rows = self._rows(
            "joint", "node", children, size=chain.n_nodes, unit="weeks of baseline output",
            upper=0.0,
        )  # fmt: skip
        self._output(rows[children], children, 1.0)
        self._output(rows[children], chain.process[children], -1.0)
        wanted, surplus = self.model.surplus_sites, self.columns.surplus
        self.builder.add(rows[wanted], surplus[wanted], 1.0)
        self.builder.add(rows[wanted, 1:], surplus[wanted, :-1], -1.0)
        return rows

    def pushed(self) -> IntArray:
        """By-products leave in proportion to the process, or are dumped."""
        chain, extent = self.chain, self.extent
        kept = (extent.edges | extent.outlets) & chain.is_pushed[chain.edge_supplier]
        edges = np.flatnonzero(kept)
        rows = self._rows(
            "pushed", "edge", edges, size=chain.n_edges, unit="weeks of baseline flow", upper=0.0
        )
        self.builder.add(rows[edges], self.leaves_production[edges], 1.0)
        self._output(rows[edges], chain.edge_supplier[edges], -1.0)
        return rows

    def capacity(self) -> IntArray:
        """Capacity of sites that a plan may enlarge."""
        model = self.model
        sites = np.flatnonzero(model.open_sites & self.extent.sites)
        rows = self._rows(
            "capacity", "node", sites, size=self.chain.n_nodes, unit="weeks of baseline output",
            upper=model.limits.capacity[sites],
        )  # fmt: skip
        self._output(rows[sites], sites, 1.0)
        return rows

    def limit(self) -> IntArray:
        """Flows that a plan may enlarge."""
        model = self.model
        edges = np.flatnonzero(model.open_edges & (self.extent.edges | self.extent.outlets))
        upper = model.limits.flow[edges] / self.unit[edges][:, None]
        rows = self._rows(
            "limit", "edge", edges, size=self.chain.n_edges, unit="weeks of baseline flow",
            upper=upper,
        )  # fmt: skip
        self.builder.add(rows[edges], self.columns.flow[edges], 1.0)
        return rows

    def queue(self) -> IntArray:
        """Only orders that were taken on can be sent."""
        columns = self.columns
        return self._waiting("queue", columns.queue, columns.flow, columns.accepted)

    def goods(self) -> IntArray:
        """Only goods that were made can be sent."""
        columns = self.columns
        return self._waiting("goods", columns.goods, columns.flow, columns.made)

    def _waiting(self, name: str, kept: IntArray, sent: IntArray, new: IntArray) -> IntArray:
        edges = self.model.licensed
        rows = self._rows(
            name, "edge", edges, size=self.chain.n_edges, unit="weeks of baseline flow", upper=0.0
        )
        self.builder.add(rows[edges], kept[edges], 1.0)
        self.builder.add(rows[edges, 1:], kept[edges, :-1], -1.0)
        self.builder.add(rows[edges], sent[edges], 1.0)
        self.builder.add(rows[edges], new[edges], -1.0)
        return rows

    def demand(self) -> IntArray:
        """A market takes what it wants and no more.

        By-products are pushed into it all the same, and licensed flows have rows of their own.
        """
        chain = self.chain
        edges = self.extent.outlets & chain.is_market[chain.group_buyer[chain.edge_group]]
        edges &= ~chain.is_pushed[chain.edge_supplier]
        edges[self.model.licensed] = False
        sold = np.flatnonzero(edges)
        market = chain.group_buyer[chain.edge_group[sold]]
        markets = np.unique(market)
        rows = self._rows(
            "demand", "node", markets, size=chain.n_nodes, unit="weeks of baseline demand",
            upper=self.model.limits.demand[markets],
        )  # fmt: skip
        self.builder.add(rows[market], self.columns.flow[sold], self.unit[sold][:, None])
        return rows
