"""The theorem of Hulten (1978) to first order, where it is true.

A small loss of capacity costs the economy its size times the site's sales over gross domestic
product (Domar weight). That holds for sites that sell to final demand, and for all sites whose
customers lose no more than the input's share in cost. It does not hold for an essential input:
nothing is reallocated within weeks, and whatever needs the input stops with it.
"""

from __future__ import annotations

import numpy as np
import pytest
from propagate._chains import Draft, Flow
from validation._networks import (
    FROZEN,
    ORDERING,
    TIGHT,
    Network,
    network,
    play,
)

from chokepoint.scenario import Outage, Scenario

SEEDS = [1, 2, 3]
SHOCK = 0.01
WEEKS = 40


def acyclic(seed: int) -> Network:
    """Return a network whose sites supply later ones only and pay for what they use."""
    net = network(seed, products=10, density=0.3)
    flows = np.triu(net.flows, k=1)
    flows[-4:] = 0.0
    final = flows.sum(axis=1) * 0.5 + 1.0
    # Some primary input is left to each site.
    final += np.maximum(0.0, 1.2 * flows.sum(axis=0) - flows.sum(axis=1) - final)
    return Network(net.sites, flows, final)


def priced(net: Network, draft: Draft) -> Draft:
    """Return the chain in which value added is what sales leave after inputs."""
    share = 1.0 - net.flows.sum(axis=0) / net.output
    draft.sites = {
        site: {"value_added_share": value} for site, value in zip(net.sites, share, strict=True)
    }
    return draft


def weekly(draft: Draft, sites: list[str], behaviour, engine: str):
    """Return the outcome of a small outage at each of the sites."""
    scenarios = [Scenario(site, (Outage(sites=site, severity=SHOCK),)) for site in sites]
    return play(draft.build(), scenarios, WEEKS, behaviour, engine)


def last_week(table) -> np.ndarray:
    """Return yearly figures from those of the last week."""
    return table.xs(WEEKS - 1, level="week")["total"].to_numpy() * 52.0


@pytest.mark.parametrize("seed", SEEDS)
def test_final_goods_cost_their_domar_weight(seed, engine):
    """The site and its suppliers lose together what the final good was worth."""
    net = acyclic(seed)
    ends = [i for i in range(len(net.sites)) if net.flows[i].sum() == 0]
    assert len(ends) >= 4
    draft = priced(net, net.draft({}, services=False))
    outcome = weekly(draft, [net.sites[i] for i in ends], ORDERING, engine)
    gross_domestic_product = net.final.sum()
    domar = net.output[ends] / gross_domestic_product
    loss = last_week(outcome.loss(by="total", over="week")) / gross_domestic_product
    assert loss == pytest.approx(domar * SHOCK, rel=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_inputs_that_cost_their_share_cost_their_domar_weight(seed, engine):
    """Each customer loses the value of what is missing: the loss reaches final demand whole."""
    net = acyclic(seed)
    slots = {}
    for buyer, product in net.slots():
        j = net.sites.index(buyer)
        share = net.flows[net.makers(product), j].sum() / net.output[j]
        slots[buyer, product] = TIGHT | {"combine": "disjoint", "use_share": share}
    draft = priced(net, net.draft(slots, services=True))
    outcome = weekly(draft, net.sites, FROZEN, engine)
    domar = net.output / net.final.sum()
    unmet = last_week(outcome.unmet(by="total", over="week")) / net.final.sum()
    assert unmet == pytest.approx(domar * SHOCK, rel=1e-10)
    assert domar.max() > 3 * domar.min()


def test_an_essential_input_costs_more_than_its_domar_weight(engine):
    """A tenth of the cost stops all of the output: ten times the Domar weight."""
    flows = [
        Flow("magnet@CHN", "motor@JPN", 10.0),
        Flow("steel@JPN", "motor@JPN", 50.0),
        Flow("motor@JPN", "market:motor@JPN", 100.0),
    ]
    worth = {"magnet@CHN": 1.0, "steel@JPN": 1.0, "motor@JPN": 0.4}
    draft = Draft(
        flows,
        slots={("motor@JPN", name): {"stock_weeks": 0.0} for name in ("magnet", "steel")},
        sites={site: {"value_added_share": share} for site, share in worth.items()},
    )
    outcome = weekly(draft, ["magnet@CHN"], ORDERING, engine)
    loss = last_week(outcome.loss(by="total", over="week")) / 100.0
    assert loss == pytest.approx([10 * (10.0 / 100.0) * SHOCK], rel=1e-10)
