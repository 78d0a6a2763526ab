"""Models that are linear algebra or a shortest path, and the settings that lead to them."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from propagate._chains import Draft, Flow
from validation._networks import (
    AMPLE,
    FROZEN,
    ORDERING,
    TIGHT,
    Network,
    histories,
    network,
    product_of,
)

from chokepoint.scenario import DemandShift, Event, Outage

SEEDS = [1, 2, 3]


def demand_falls(net: Network, falls: np.ndarray, **when: int) -> list[Event]:
    """Return falls of the final demand that each site serves."""
    return [
        DemandShift(change=-fall, products=product_of(site), country=site.partition("@")[2], **when)
        for site, fall in zip(net.sites, falls, strict=True)
        if fall > 0
    ]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("makers", [1, 3])
def test_leontief_demand_model(seed, makers, engine):
    """Less final demand, in the long run: change of output = (I - S)^-1 change of demand."""
    net = network(seed, makers=makers)
    falls = np.random.default_rng(seed).choice([0.0, 0.1, 0.5, 1.0], len(net.sites))
    direct = -falls * net.final / net.output
    expected = np.linalg.solve(np.eye(len(net.sites)) - net.sold, direct)

    draft = net.draft(dict.fromkeys(net.slots(), AMPLE), services=False)
    events = demand_falls(net, falls)
    table = histories(draft, *events, weeks=200, behaviour=ORDERING, engine=engine)
    assert table[net.sites].iloc[-1].to_numpy() - 1.0 == pytest.approx(expected, abs=1e-12)
    assert expected.min() < -0.2


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("makers", [1, 3])
def test_ghosh_supply_model(seed, makers, engine):
    """Less primary input, in the long run: output = primary input (I - B)^-1."""
    net = network(seed, makers=makers)
    # Sites that would need negative primary input sell more to final demand.
    net.final[:] = np.maximum(net.final, net.final + net.flows.sum(axis=0) - net.output + 1.0)
    primary = net.output - net.flows.sum(axis=0)
    cut = np.random.default_rng(seed).choice([0.0, 0.5, 1.0], len(net.sites))

    supplied = primary * (1.0 - cut)
    expected = np.linalg.solve(np.eye(len(net.sites)) - net.sold.T, supplied) / net.output

    table = histories(
        _linear_draft(net, primary),
        *[
            Outage(sites=f"labour{j}@C9", severity=share)
            for j, share in enumerate(cut)
            if share > 0
        ],
        weeks=300,
        behaviour=FROZEN,
        engine=engine,
    )
    assert table[net.sites].iloc[-1].to_numpy() == pytest.approx(expected, abs=1e-12)
    assert expected.min() < 0.8


def _linear_draft(net: Network, primary: np.ndarray) -> Draft:
    """Return the chain in which each input, and labour, carries its share of output."""
    slots = {}
    for buyer, product in net.slots():
        j = net.sites.index(buyer)
        share = net.flows[net.makers(product), j].sum() / net.output[j]
        slots[buyer, product] = TIGHT | {"combine": "disjoint", "use_share": share}
    draft = net.draft(slots, services=True)
    for j, site in enumerate(net.sites):
        labour = f"labour{j}@C9"
        draft.flows = [*draft.flows, Flow(labour, site, primary[j])]
        share = primary[j] / net.output[j]
        slots[site, product_of(labour)] = TIGHT | {"combine": "disjoint", "use_share": share}
    return draft


@pytest.mark.parametrize("seed", SEEDS)
def test_stops_travel_along_the_path_of_least_stock_and_transit(seed, engine):
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
    draft = Draft(flows, slots=slots)
    table = histories(draft, fire, weeks=60, behaviour=FROZEN, engine=engine)
    for node in graph:
        weeks = table[f"p{node}@AUS"].to_numpy()
        stopped = np.flatnonzero(weeks < 0.5)
        first = int(stopped[0]) if len(stopped) else None
        assert first == expected.get(node), node
        assert weeks == pytest.approx(np.round(weeks), abs=1e-12)
