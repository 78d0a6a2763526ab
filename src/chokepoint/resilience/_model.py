"""From a chain, a scenario and targets to the model of one recourse program."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.propagate import CompiledChain, ShockPlan
from chokepoint.resilience._columns import Model
from chokepoint.resilience._extent import find_extent
from chokepoint.resilience._limits import period_limits
from chokepoint.resilience._periods import Periods
from chokepoint.resilience._tariffs import flow_tariffs
from chokepoint.scenario import Scenario

__all__ = ["counted_sites", "edge_labels", "make_model", "shock_plan"]

BoolArray = NDArray[np.bool_]


def counted_sites(
    chain: SupplyChain, compiled: CompiledChain, targets: str | Iterable[str] | None
) -> BoolArray:
    """Return the sites in the target areas; all sites for None."""
    areas = chain.areas(targets)
    inside = compiled.nodes["country"].isin(areas).to_numpy()
    return np.asarray(inside & ~compiled.is_market)


def edge_labels(compiled: CompiledChain) -> pd.Index:
    """Return supplier, buyer and slot of each flow as labels."""
    return pd.MultiIndex.from_frame(compiled.edges[["supplier", "buyer", "slot"]])


def shock_plan(
    chain: SupplyChain, compiled: CompiledChain, scenario: Scenario, weeks: int
) -> ShockPlan:
    """Return the shocks of one scenario."""
    return ShockPlan(
        [scenario.effects(chain, weeks)],
        n_nodes=compiled.n_nodes,
        n_edges=compiled.n_edges,
        weeks=weeks,
    )


def make_model(
    compiled: CompiledChain,
    shocks: ShockPlan,
    counted: BoolArray,
    *,
    periods: Periods,
    open_sites: BoolArray | None = None,
    open_edges: BoolArray | None = None,
    helped: BoolArray | None = None,
    head_start: int = 0,
    prefix: str = "",
    weight: float = 1.0,
    pays: bool = False,
    served: BoolArray | None = None,
    labels: pd.Index | None = None,
) -> Model:
    """Return the model of one scenario over `periods`; see `Model` and `period_limits`.

    `served` are markets that must be kept because they must be served, `labels` those of flows
    where they are known already.
    """
    if open_sites is None:
        open_sites = np.zeros(compiled.n_nodes, dtype=bool)
    if open_edges is None:
        open_edges = np.zeros(compiled.n_edges, dtype=bool)
    limits = period_limits(compiled, shocks, periods, head_start=head_start, helped=helped)
    unit = np.where(compiled.dormant, compiled.reserve[:, 0], compiled.sigma[:, 0])
    possible = ((limits.flow > 0) | (limits.detour > 0)).any(axis=1) | open_edges
    if shocks.licences is not None:
        # Goods are made ahead for a licence that never comes.
        possible[shocks.licences.edges] = True
    possible &= unit > 0
    extent = find_extent(compiled, counted, possible, served)
    return Model(
        chain=compiled,
        shocks=shocks,
        periods=periods,
        extent=extent,
        limits=limits,
        open_sites=open_sites,
        open_edges=open_edges,
        tariff=flow_tariffs(compiled, shocks, periods, unit),
        edge_labels=edge_labels(compiled) if labels is None else labels,
        pays=pays,
        prefix=prefix,
        weight=weight,
    )
