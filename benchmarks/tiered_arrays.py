"""Tiered networks of any size made as arrays: no tables, no labels.

The results of the engine are recorded on these networks, whose sites differ little in their number
of customers. They stay, so that figures of different dates compare; beside them stand figures on
`chokepoint.datasets.synthetic`, which has hubs, cycles and balanced accounts.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from chokepoint.propagate._compile import CompiledChain
from chokepoint.scenario import CapacityEffect, Effects, FlowEffect

TIERS = 6
COUNTRIES = 36


def tiered(sites, *, flows, per_slot=2.5, seed=0):
    """Return a chain of `sites` in six tiers, with about `flows` flows a site."""
    rng = np.random.default_rng(seed)
    markets = max(sites // 20, 1)
    nodes = sites + markets
    tier = np.sort(rng.integers(0, TIERS, sites))
    first_of = np.searchsorted(tier, np.arange(TIERS + 1))
    slots = np.zeros(nodes, dtype=np.int64)
    buyers = np.arange(first_of[1], sites)
    slots[buyers] = np.maximum(rng.poisson(flows / per_slot * sites / len(buyers), len(buyers)), 1)
    slots[sites:] = 1
    group_buyer = np.repeat(np.arange(nodes), slots)
    count = 1 + rng.poisson(per_slot - 1.0, len(group_buyer))
    group = np.repeat(np.arange(len(group_buyer)), count)
    buyer = group_buyer[group]
    level = np.where(buyer < sites, tier[np.minimum(buyer, sites - 1)], TIERS)
    low = np.where(rng.random(len(buyer)) < 0.7, first_of[np.maximum(level - 1, 0)], 0)
    supplier = low + (rng.random(len(buyer)) * (first_of[level] - low)).astype(np.int64)
    # Who sells to nobody else sells to a market.
    unsold = np.setdiff1d(np.arange(sites), supplier)
    first_group = np.cumsum(slots) - slots
    sold_to = first_group[sites + rng.integers(0, markets, len(unsold))]
    pairs = np.unique(np.append(group, sold_to) * nodes + np.append(supplier, unsold))
    return _chain(rng, sites, nodes, group_buyer, pairs // nodes, pairs % nodes)


def _chain(rng, sites, nodes, group_buyer, group, supplier):
    groups, edges = len(group_buyer), len(group)
    weight = rng.lognormal(size=edges)
    sigma = weight / np.bincount(group, weight, groups)[group]
    weight = rng.lognormal(size=edges)
    kappa = weight / np.bincount(supplier, weight, nodes)[supplier] / sigma
    market = np.arange(nodes) >= sites
    of_site = group_buyer < sites
    area = pd.Index([f"C{i:02d}" for i in range(COUNTRIES)])[rng.integers(0, COUNTRIES, nodes)]
    label = np.where(market, "market", "site")
    facts = pd.DataFrame({"country": area, "sector": label, "product": "", "tier": 0})
    none = np.zeros(nodes, dtype=bool)
    return CompiledChain(
        nodes=facts,
        groups=pd.RangeIndex(groups),
        edges=pd.DataFrame(index=pd.RangeIndex(edges)),
        output=_same(1.0, nodes),
        value_added=np.where(market, 0.0, 1.0)[:, None],
        final_value=np.where(market, 1.0, 0.0)[:, None],
        ramp_max=_same(1.1, nodes),
        ramp_weeks=_same(13.0, nodes),
        surplus_weeks=_same(0.0, nodes),
        is_market=market,
        is_process=none,
        is_child=none,
        is_pushed=none,
        process=np.full(nodes, -1),
        end_sector=~market & (np.arange(nodes) > 0.8 * sites),
        group_buyer=group_buyer,
        eps=_same(1.0, groups),
        phi=_same(0.0, groups),
        stock=(rng.uniform(0.5, 4.0, groups) * of_site)[:, None],
        throttle=_same(1.0, groups),
        reorder=_same(4.0, groups),
        storable=of_site,
        pushed=np.zeros(groups, dtype=bool),
        edge_supplier=supplier.astype(np.int32),
        edge_group=group.astype(np.int32),
        lead=rng.integers(1, 4, groups)[group].astype(np.int32),
        sigma=sigma[:, None],
        kappa=kappa[:, None],
        growth=_same(0.25, edges),
        qualification=_same(13.0, edges),
        reserve=_same(0.0, edges),
        dormant=np.zeros(edges, dtype=bool),
        thrift=_same(0.0, groups),
        thrift_floor=_same(1.0, groups),
        decay=_same(0.0, groups),
        repair=_same(26.0, groups),
        backlog=_same(0.0, nodes),
        bid=_same(1.0, edges),
    )


def _same(value, count):
    return np.full((count, 1), value)


def shocks(chain, count, *, weeks, seed=1):
    """Return `count` scenarios of three outages and three bans each."""
    rng = np.random.default_rng(seed)
    sites = int((~chain.is_market).sum())
    return [
        Effects(
            capacity=tuple(
                CapacityEffect(rng.integers(0, sites, 1), _window(rng, weeks)) for _ in range(3)
            ),
            flows=tuple(
                FlowEffect(rng.integers(0, chain.n_edges, 1), _window(rng, weeks)) for _ in range(3)
            ),
        )
        for _ in range(count)
    ]


def _window(rng, weeks):
    profile = np.ones(weeks)
    start = rng.integers(0, 8)
    profile[start : start + rng.integers(4, weeks)] = rng.uniform(0.0, 0.8)
    return profile
