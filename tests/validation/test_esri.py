"""The cascade of Diem et al. (2022), downstream and upstream, iteration by iteration.

The limit is the cascade without replacement by market share (sigma = 1). Sales to final demand
leak, as they do in the original once revenue is given.
"""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from validation._networks import (
    AMPLE,
    FROZEN,
    ORDERING,
    TIGHT,
    Network,
    histories,
    network,
    outages,
    play,
    product_of,
    shocked,
)

from chokepoint.exposure import cascade_index
from chokepoint.scenario import Outage, Scenario

SEEDS = [1, 2, 3]
NEGLIGIBLE, OTHER, ESSENTIAL = 0, 1, 2


def line() -> Network:
    """Four firms in a row, one of each product; only the last sells to final demand."""
    flows = np.diag([10.0, 10.0, 10.0], k=1)
    return Network([f"p{i}@C{i}" for i in range(4)], flows, np.array([0.0, 0.0, 0.0, 10.0]))


def scale_free(size: int = 60, products: int = 12) -> Network:
    """A few large hubs; every firm buys from somebody, some sell to final demand only."""
    graph = nx.scale_free_graph(size, seed=7)
    rng = np.random.default_rng(7)
    flows = np.zeros((size, size))
    for buyer, supplier in set(graph.edges()):
        if supplier != buyer:
            flows[supplier, buyer] = rng.lognormal(1.0, 1.0)
    sites = [f"p{i % products}@C{i}" for i in range(size)]
    return Network(sites, flows, rng.lognormal(1.0, 1.0, size))


def essentiality(net: Network) -> np.ndarray:
    """Return how much each site needs the product of each other site."""
    made = np.array([int(product_of(site)[1:]) for site in net.sites])
    table = np.array([ESSENTIAL, OTHER, ESSENTIAL, OTHER, NEGLIGIBLE])
    return np.asarray(table[(made[:, None] + 2 * made[None, :]) % 5])


def downstream(net: Network, need: np.ndarray, left: np.ndarray, steps: int) -> np.ndarray:
    """Return h(t) of the downstream cascade, step x site."""
    with np.errstate(divide="ignore", invalid="ignore"):
        within = np.nan_to_num(net.flows / (net.same_product() @ net.flows))
        among_all = np.nan_to_num(net.flows / net.flows.sum(axis=0))
    products = sorted({product_of(site) for site in net.sites})
    rows = np.array([[product_of(site) == p for site in net.sites] for p in products])
    path = [left]
    for _ in range(steps - 1):
        lost = (1.0 - path[-1])[:, None]
        scarcest = (rows @ (within * (need == ESSENTIAL) * lost)).max(axis=0)
        other = (among_all * (need == OTHER) * lost).sum(axis=0)
        path.append(np.maximum(0.0, np.minimum.reduce([left, 1.0 - scarcest, 1.0 - other])))
    return np.array(path)


def upstream(net: Network, left: np.ndarray, steps: int) -> np.ndarray:
    """Return h(t) of the upstream cascade, step x site."""
    path = [left]
    for _ in range(steps - 1):
        path.append(np.maximum(0.0, np.minimum(left, 1.0 - net.sold @ (1.0 - path[-1]))))
    return np.array(path)


def downstream_draft(net: Network, need: np.ndarray):
    """No stocks and frozen orders; essential slots nested, the others disjoint."""
    bought = net.flows.sum(axis=0)
    slots = {}
    for buyer, product in net.slots():
        j, makers = net.sites.index(buyer), net.makers(product)
        share = net.flows[makers, j].sum() / bought[j]
        slots[buyer, product] = {
            ESSENTIAL: TIGHT,
            OTHER: TIGHT | {"combine": "disjoint", "use_share": share},
            NEGLIGIBLE: TIGHT | {"criticality": 0.0},
        }[int(need[makers[0], j])]
    return net.draft(slots, services=True)


def upstream_draft(net: Network):
    """Stocks never bind and gaps are never reordered."""
    return net.draft(dict.fromkeys(net.slots(), AMPLE), services=False)


@pytest.mark.parametrize("seed", SEEDS)
def test_downstream_with_partial_shocks(seed, engine):
    net, weeks = network(seed, products=7), 30
    need, left = essentiality(net), shocked(len(net.sites), seed)
    expected = downstream(net, need, left, weeks)
    draft = downstream_draft(net, need)
    events = outages(net.sites, left)
    table = histories(draft, *events, weeks=weeks, behaviour=FROZEN, engine=engine)
    assert table[net.sites].to_numpy() == pytest.approx(expected, abs=1e-13)
    assert np.ptp(expected) > 0.2
    hit = left < 1.0
    assert (expected[-1][~hit] < 0.99).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_upstream_with_partial_shocks(seed, engine):
    net, weeks = network(seed), 30
    left = shocked(len(net.sites), seed)
    expected = upstream(net, left, weeks)
    events = outages(net.sites, left)
    table = histories(upstream_draft(net), *events, weeks=weeks, behaviour=ORDERING, engine=engine)
    assert table[net.sites].to_numpy() == pytest.approx(expected, abs=1e-13)
    assert (expected[-1][left == 1.0] < 0.99).any()


def systemic_risk(net: Network, steps: int, engine: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the index of every site (what its default costs the network), restated and run."""
    need = essentiality(net)
    size = len(net.sites)
    weight = net.output / net.output.sum()
    defaults = 1.0 - np.eye(size)
    down = [downstream(net, need, left, steps)[-1] for left in defaults]
    up = [upstream(net, left, steps)[-1] for left in defaults]
    expected = 1.0 - np.minimum(down, up) @ weight
    scenarios = [Scenario(site, (Outage(sites=site),)) for site in net.sites]
    last = []
    for draft, behaviour in (
        (downstream_draft(net, need), FROZEN),
        (upstream_draft(net), ORDERING),
    ):
        chain = draft.build()
        rows = chain.nodes.index.get_indexer(net.sites)
        outcome = play(chain, scenarios, steps, behaviour, engine)
        last.append(outcome.activity[:, -1, rows])
    return expected, 1.0 - np.minimum(*last) @ weight


def test_index_of_every_firm_of_a_scale_free_network(engine):
    expected, found = systemic_risk(scale_free(), 40, engine)
    assert found == pytest.approx(expected, abs=1e-13)
    # A few firms carry most of the risk.
    assert expected.max() > 5 * np.median(expected)


@pytest.mark.parametrize("method", ["direct", "sweeps"])
def test_the_index_from_structure_is_the_limit_of_the_same_cascade(method):
    net = scale_free(120)
    size = len(net.sites)
    sectors = sorted({product_of(site) for site in net.sites})
    need, first = essentiality(net), [net.makers(sector)[0] for sector in sectors]
    table = cascade_index(
        sparse.csr_array(net.flows),
        pd.DataFrame({"firm": net.sites, "sector": [product_of(site) for site in net.sites]}),
        pd.DataFrame(need[np.ix_(first, first)], index=sectors, columns=sectors),
        revenue=pd.Series(net.output, index=net.sites),
        weights=pd.Series(net.output, index=net.sites),
        replaceability=False,
        method=method,
    )
    weight = net.output / net.output.sum()
    for number in range(0, size, 7):
        left = np.ones(size)
        left[number] = 0.0
        down = downstream(net, need, left, 400)[-1]
        up = upstream(net, left, 400)[-1]
        expected = [1.0 - np.minimum(down, up) @ weight, 1.0 - down @ weight, 1.0 - up @ weight]
        found = table.iloc[number][["index", "downstream", "upstream"]].to_list()
        assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("unit", [1.0, 1e-6])
def test_line_of_monopolists_is_lost_in_any_unit(unit, engine):
    """The published program gives 0.64 to 1.00 here, depending on the unit of the weights."""
    one = line()
    net = Network(one.sites, one.flows * unit, one.final * unit)
    expected, found = systemic_risk(net, 12, engine)
    assert found == pytest.approx(expected, abs=1e-13)
    assert found == pytest.approx(np.ones(4), abs=1e-13)
