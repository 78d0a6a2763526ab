"""Random effects on the sites and flows of a chain, whatever event might cause them."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
from propagate._draft_strategies import numbers

from chokepoint.chain import SupplyChain
from chokepoint.scenario import (
    CapacityEffect,
    Effects,
    FlowEffect,
    LicenceEffect,
    RebuildEffect,
)


@st.composite
def effects(draw: st.DrawFn, chain: SupplyChain, *, weeks: int) -> Effects:
    """Return up to six effects on random sites and flows, whatever event might cause them.

    Flows at home may be capped too, capacities and demands grow as well as shrink.
    """
    nodes, n_edges = chain.nodes, len(chain.edges)
    everywhere = st.integers(0, len(nodes) - 1)
    flows = st.lists(st.integers(0, n_edges - 1), min_size=1, max_size=12, unique=True)
    found = Effects()
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(["capacity", "cap", "cap", "licence", "rebuild"]))
        edges = np.array(sorted(draw(flows)))
        if kind == "capacity":
            hit = draw(st.lists(everywhere, min_size=1, max_size=3, unique=True))
            factor = draw(profiles(weeks, outside=1.0, values=[0.0, 0.2, 0.65, 0.9, 1.15]))
            found += Effects(capacity=(CapacityEffect(np.array(sorted(hit)), factor),))
        elif kind == "cap":
            found += Effects(flows=(_cap(draw, edges, weeks),))
        elif kind == "licence":
            release = draw(profiles(weeks, outside=np.inf, values=[0.0, 0.3, 0.5, 1.0, 1.7]))
            refused, goods = draw(st.sampled_from([0.0, 0.15, 1.0])), draw(numbers(0, 4, 1.3))
            found += Effects(licences=(LicenceEffect(edges, release, refused, goods),))
        else:
            found += Effects(rebuilds=_rebuilds(draw, chain, weeks))
    return found


def _cap(draw: st.DrawFn, edges: np.ndarray, weeks: int) -> FlowEffect:
    allowed = draw(profiles(weeks, outside=1.0, values=[0.0, 0.1, 0.45, 0.8]))
    kind = draw(st.sampled_from(["leaky", "leaky", "ban", "boycott"]))
    if kind != "leaky":
        return FlowEffect(edges, allowed, redirect=kind == "boycott")
    capped = np.flatnonzero(allowed < 1.0)
    opened = np.arange(weeks) >= capped[0] + draw(st.integers(0, 6))
    detour = np.where(opened, draw(st.sampled_from([0.05, 0.3, 0.77, 1.0])), 0.0)
    return FlowEffect(edges, allowed, detour=detour, detour_weeks=draw(st.integers(0, 4)))


def _rebuilds(draw: st.DrawFn, chain: SupplyChain, weeks: int) -> tuple[RebuildEffect, ...]:
    nodes = chain.nodes
    sites = np.flatnonzero(nodes["kind"].eq("site"))
    markets = np.flatnonzero(nodes["kind"].eq("market") & nodes["value_usd_m"].gt(0.0))
    hit = draw(st.lists(st.sampled_from(list(sites)), min_size=1, max_size=2, unique=True))
    sell = draw(st.lists(st.sampled_from(list(markets)), min_size=1, max_size=2, unique=True))
    weekly = nodes["value_usd_m"].to_numpy()[sell].sum() / 52.0
    effect = RebuildEffect(
        np.array(sorted(hit)),
        lost=draw(st.sampled_from([0.1, 0.5, 1.0])),
        first=draw(st.integers(0, weeks // 2)),
        weeks=draw(numbers(1, 10, 1.3)),
        damage=weekly * draw(numbers(0.1, 6, 0.7)),
        markets=np.array(sell),
        shares=np.array([1.0]) if len(sell) == 1 else np.array([0.3, 0.7]),
    )
    return (effect,)


@st.composite
def profiles(draw: st.DrawFn, weeks: int, *, outside: float, values: list[float]) -> np.ndarray:
    """Return a weekly path: `outside`, then one value or several in turn, then `outside`."""
    path = np.full(weeks, outside)
    start = draw(st.integers(0, weeks // 3))
    end = min(weeks, start + draw(st.integers(1, weeks)))
    some = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))
    for step, value in enumerate(some):
        path[start + (end - start) * step // len(some) : end] = value
    return path
