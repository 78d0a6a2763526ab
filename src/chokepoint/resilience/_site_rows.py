"""Rows of sites: where output goes, joint outputs, parts of the output, capacity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chokepoint.resilience._adder import RowAdder

__all__ = ["capacity_rows", "joint_rows", "out_rows", "parts_rows"]

IntArray = NDArray[np.intp]

_OUTPUT = "weeks of baseline output"


def out_rows(adder: RowAdder) -> IntArray:
    """Output goes to flows; a counted site may not make goods for nobody."""
    chain, extent = adder.chain, adder.extent
    kept = extent.edges | extent.outlets
    # A site whose every flow is stopped has a row without flows: it cannot sell anything.
    sells = np.zeros(chain.n_nodes, dtype=bool)
    sells[chain.edge_supplier] = True
    # By-products follow their process (rows `pushed`).
    sites = np.flatnonzero(extent.sites & sells & ~chain.is_pushed)
    # A process whose main product is sold may be driven by its other outputs, and then has
    # too much of the main one.
    driven = np.zeros(chain.n_nodes, dtype=bool)
    driven[chain.process[chain.is_child & ~chain.is_pushed]] = True
    exact = (extent.counted & ~driven)[sites]
    lower = np.where(exact, 0.0, -np.inf)[:, None]
    rows = adder.rows("out", "node", sites, unit=_OUTPUT, lower=lower, upper=0.0)
    edges = np.flatnonzero(kept & (rows[chain.edge_supplier, 0] >= 0))
    share = (chain.kappa[edges, 0] * adder.unit[edges])[:, None]
    adder.builder.add(rows[chain.edge_supplier[edges]], adder.leaves_production[edges], share)
    round_caps = np.intersect1d(edges, adder.model.detours)
    share = (chain.kappa[round_caps, 0] * adder.unit[round_caps])[:, None]
    places = rows[chain.edge_supplier[round_caps]]
    adder.builder.add(places, adder.columns.detour[round_caps], share)
    adder.output(rows[sites], sites, -1.0)
    return rows


def parts_rows(adder: RowAdder) -> IntArray:
    """Slots that serve different parts of the output: what is missing adds up."""
    chain, phi, limits = adder.chain, adder.chain.phi[:, 0], adder.model.limits
    groups = np.flatnonzero(adder.extent.groups & (phi > 0))
    buyers = np.unique(chain.group_buyer[groups])
    served = np.bincount(chain.group_buyer[groups], phi[groups], minlength=chain.n_nodes)
    upper = (1.0 - served[buyers])[:, None] * limits.scale[buyers]
    rows = adder.rows("parts", "node", buyers, unit=_OUTPUT, upper=upper)
    adder.output(rows[buyers], buyers, 1.0)
    places = rows[chain.group_buyer[groups]]
    adder.builder.add(places, adder.columns.use[groups], -phi[groups][:, None])
    return rows


def joint_rows(adder: RowAdder) -> IntArray:
    """A joint output follows its process; what is not wanted is kept, then dumped."""
    chain = adder.chain
    children = np.flatnonzero(adder.extent.sites & chain.is_child)
    rows = adder.rows("joint", "node", children, unit=_OUTPUT, upper=0.0)
    adder.output(rows[children], children, 1.0)
    adder.output(rows[children], chain.process[children], -1.0)
    wanted, surplus = adder.model.surplus_sites, adder.columns.surplus
    adder.builder.add(rows[wanted], surplus[wanted], 1.0)
    adder.builder.add(rows[wanted, 1:], surplus[wanted, :-1], -1.0)
    return rows


def capacity_rows(adder: RowAdder) -> IntArray:
    """Capacity of sites that a plan may enlarge; of others it is a bound of the column."""
    model = adder.model
    sites = np.flatnonzero(model.open_sites & adder.extent.sites)
    upper = model.limits.capacity[sites]
    rows = adder.rows("capacity", "node", sites, unit=_OUTPUT, upper=upper)
    adder.output(rows[sites], sites, 1.0)
    return rows
