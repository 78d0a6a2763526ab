"""Published models that the weekly model contains as exact special cases.

The references are written with NumPy and networkx from the equations of those models.
"""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from propagate._chains import Draft, Flow, product_of
from validation._networks import FROZEN, ORDERING, histories, network

from chokepoint.scenario import DemandShift, Outage

SEEDS = [1, 2, 3]
TIGHT = {"stock_weeks": 0.0, "throttle_weeks": 1.0}
AMPLE = {"stock_weeks": 1e6, "reorder_weeks": 1e18, "criticality": 0.0}


def outages(sites: list[str], left: np.ndarray) -> list[Outage]:
    """Return outages that leave these shares of capacity."""
    return [
        Outage(sites=site, severity=1.0 - share)
        for site, share in zip(sites, left, strict=True)
        if share < 1.0
    ]


def shocked(sites: list[str], seed: int) -> np.ndarray:
    """Return the share of capacity that is left of each site; three sites are hit."""
    rng = np.random.default_rng(seed)
    left = np.ones(len(sites))
    left[rng.choice(len(sites), 3, replace=False)] = [0.0, 0.3, 0.75]
    return left


@pytest.mark.parametrize("seed", SEEDS)
def test_esri_downstream(seed):
    """Diem et al. 2022: generalised Leontief cascade, replaceability 1, week by week."""
    net = network(seed)
    essential = {(buyer, p) for buyer, p in net.slots() if (int(p[1:]) + int(buyer[-1])) % 3}
    bought = net.flows.sum(axis=0)
    slots = {}
    for buyer, product in net.slots():
        column = net.flows[:, net.sites.index(buyer)]
        same = np.array([product_of(site) == product for site in net.sites])
        share = column[same].sum() / bought[net.sites.index(buyer)]
        other = {"combine": "disjoint", "use_share": share}
        slots[buyer, product] = TIGHT if (buyer, product) in essential else TIGHT | other
    left, weeks = shocked(net.sites, seed), 30

    with np.errstate(divide="ignore", invalid="ignore"):
        within = net.flows / (net.same_product() @ net.flows)
        among_all = net.flows / bought
    expected = [left]
    for _ in range(weeks - 1):
        lost = 1.0 - expected[-1]
        following = left.copy()
        for i, buyer in enumerate(net.sites):
            other = 0.0
            for product in {p for b, p in net.slots() if b == buyer}:
                rows = [j for j, site in enumerate(net.sites) if product_of(site) == product]
                if (buyer, product) in essential:
                    following[i] = min(following[i], 1.0 - within[rows, i] @ lost[rows])
                else:
                    other += among_all[rows, i] @ lost[rows]
            following[i] = min(following[i], 1.0 - other)
        expected.append(following)

    draft = net.draft(slots, services=True)
    table = histories(draft, *outages(net.sites, left), weeks=weeks, behaviour=FROZEN)
    assert table[net.sites].to_numpy() == pytest.approx(np.array(expected), abs=1e-13)
    assert np.ptp(np.array(expected)) > 0.2


@pytest.mark.parametrize("seed", SEEDS)
def test_esri_upstream(seed):
    """Diem et al. 2022: lost orders travel to suppliers, week by week."""
    net = network(seed)
    left, weeks = shocked(net.sites, seed), 30
    sold = net.flows / net.output[:, None]
    expected = [left]
    for _ in range(weeks - 1):
        expected.append(np.minimum(left, 1.0 - sold @ (1.0 - expected[-1])))

    draft = net.draft(dict.fromkeys(net.slots(), AMPLE), services=False)
    table = histories(draft, *outages(net.sites, left), weeks=weeks, behaviour=ORDERING)
    assert table[net.sites].to_numpy() == pytest.approx(np.array(expected), abs=1e-13)


@pytest.mark.parametrize("seed", SEEDS)
def test_leontief_demand_model(seed):
    """Less final demand, in the long run: change of output = (I - S)^-1 change of demand."""
    net = network(seed)
    falls = {site: 0.1 * (i % 4) for i, site in enumerate(net.sites)}
    events = [
        DemandShift(change=-fall, products=product_of(site), country=site[-2:])
        for site, fall in falls.items()
    ]
    sold = net.flows / net.output[:, None]
    direct = np.array([-falls[site] for site in net.sites]) * net.final / net.output
    expected = np.linalg.solve(np.eye(len(net.sites)) - sold, direct)

    draft = net.draft(dict.fromkeys(net.slots(), AMPLE), services=False)
    table = histories(draft, *events, weeks=200, behaviour=ORDERING)
    assert table[net.sites].iloc[-1].to_numpy() - 1.0 == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("seed", SEEDS)
def test_ghosh_supply_model(seed):
    """Less primary input, in the long run: output = primary input (I - B)^-1."""
    net = network(seed)
    # Sites that would need negative primary input sell more to final demand.
    scarce = net.output <= net.flows.sum(axis=0)
    net.final[scarce] += net.flows.sum(axis=0)[scarce]
    primary = net.output - net.flows.sum(axis=0)
    cut = np.array([0.5 if i % 4 == 0 else 0.0 for i in range(len(net.sites))])

    allocation = net.flows / net.output[:, None]
    supplied = primary * (1.0 - cut)
    expected = np.linalg.solve(np.eye(len(net.sites)) - allocation.T, supplied) / net.output

    shares = {}
    for buyer, product in net.slots():
        j = net.sites.index(buyer)
        rows = [i for i, site in enumerate(net.sites) if product_of(site) == product]
        share = net.flows[rows, j].sum() / net.output[j]
        shares[buyer, product] = TIGHT | {"combine": "disjoint", "use_share": share}
    draft = net.draft(shares, services=True)
    for j, site in enumerate(net.sites):
        labour = f"labour{j}@C9"
        draft.flows = [*draft.flows, Flow(labour, site, primary[j])]
        share = primary[j] / net.output[j]
        draft.slots = {
            **draft.slots,
            (site, product_of(labour)): TIGHT | {"combine": "disjoint", "use_share": share},
        }
    events = [
        Outage(sites=f"labour{j}@C9", severity=share) for j, share in enumerate(cut) if share > 0
    ]
    table = histories(draft, *events, weeks=300, behaviour=FROZEN)
    assert table[net.sites].iloc[-1].to_numpy() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_stops_travel_along_the_path_of_least_stock_and_transit(seed):
    """With one supplier a slot, a site stops after the shortest path of lead + stock."""
    rng = np.random.default_rng(seed)
    graph = nx.gnp_random_graph(14, 0.3, seed=int(seed), directed=True)
    graph = nx.DiGraph((a, b) for a, b in graph.edges if a < b)
    flows, slots = [], {}
    for a, b in graph.edges:
        lead, stock = int(rng.integers(1, 4)), int(rng.integers(0, 4))
        graph.edges[a, b]["weeks"] = lead + stock
        flows.append(Flow(f"p{a}@AUS", f"p{b}@AUS", float(rng.uniform(1, 9)), lead=lead))
        slots[f"p{b}@AUS", f"p{a}"] = TIGHT | {"stock_weeks": float(stock)}
    ends = [node for node in graph if graph.out_degree(node) == 0]
    flows += [Flow(f"p{node}@AUS", f"market:p{node}@AUS", 5.0) for node in ends]
    source = min(graph)
    expected = nx.single_source_dijkstra_path_length(graph, source, weight="weeks")

    fire = Outage(sites=f"p{source}@AUS")
    table = histories(Draft(flows, slots=slots), fire, weeks=60, behaviour=FROZEN)
    for node in graph:
        weeks = table[f"p{node}@AUS"].to_numpy()
        stopped = np.flatnonzero(weeks < 0.5)
        first = int(stopped[0]) if len(stopped) else None
        assert first == expected.get(node), node
        assert weeks == pytest.approx(np.round(weeks), abs=1e-12)
