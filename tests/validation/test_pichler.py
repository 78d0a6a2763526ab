"""The industry model of Pichler et al. (2022), day by day.

Criticality 1, 1/2 and 0 with a throttle of one step gives its production function: the scale Q
of step 4 is the initial capacity as long as no capacity exceeds that. Stocks of n days there are
n - 1 steps here, where goods that arrive are counted apart, and last at
least tau.
"""

from __future__ import annotations

import numpy as np
import pytest
from validation import _pichler
from validation._networks import (
    FROZEN,
    Network,
    histories,
    network,
    outages,
    product_of,
    shocked,
)
from validation._pichler import Industries

from chokepoint.propagate import Behaviour

SEEDS = [1, 2, 3]
DAYS = 60
DESIRED = Behaviour(switching=False, ramp=False, order_rule="desired")
TAU = 6.0
# A time so long that no gap is ever reordered.
NEVER = 1e18


def economy(net: Network, seed: int, classes: tuple[float, ...], tau: float) -> Industries:
    """Return the network with random criticalities of products for buyers, and stocks."""
    rng = np.random.default_rng(seed)
    table = rng.choice(classes, (len(net.sites), len(net.sites)))
    need = np.array([table[int(product_of(site)[1:])] for site in net.sites])
    return Industries(net, need, rng.uniform(TAU, 12.0, len(net.sites)), tau)


def activity(some: Industries, events, behaviour: Behaviour, engine: str) -> np.ndarray:
    """Return output over baseline of the weekly model, step x site."""
    net, slots = some.net, {}
    for buyer, product in net.slots():
        j = net.sites.index(buyer)
        slots[buyer, product] = {
            "criticality": some.need[net.makers(product)[0], j],
            "stock_weeks": some.days[j] - 1.0,
            "throttle_weeks": 1.0,
            "reorder_weeks": some.adjustment,
        }
    draft = net.draft(slots, services=False)
    table = histories(draft, *events, weeks=DAYS, behaviour=behaviour, engine=engine)
    return table[net.sites].to_numpy()


def limited(path: np.ndarray) -> float:
    """Return the share of site-days that are neither stopped nor at full output."""
    return float(((path > 0.01) & (path < 0.99)).mean())


# Whether goods may be used on the day they arrive matters for important inputs only.
@pytest.mark.parametrize(("classes", "published"), [((1.0, 0.0), True), ((1.0, 0.5, 0.0), False)])
@pytest.mark.parametrize("seed", SEEDS)
def test_supply_shocks(seed, classes, published, engine):
    """Final demand is constant and gaps are not reordered, so orders stay as they were."""
    net = network(seed, products=8)
    some, left = economy(net, seed, classes, NEVER), shocked(len(net.sites), seed)
    expected = _pichler.run(
        some,
        np.tile(left, (DAYS, 1)),
        np.tile(net.final, (DAYS, 1)),
        goods_of_the_day=published,
    )
    found = activity(some, outages(net.sites, left), FROZEN, engine)
    assert found == pytest.approx(expected, abs=1e-12)
    assert limited(expected) > 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_gaps_are_reordered_by_one_tier_of_buyers(seed, engine):
    """Raw materials fail and come back; their buyers sell to constant final demand only."""
    net = network(seed, products=8, density=0.6)
    net.flows[:, :8] = 0.0
    net.flows[8:] = 0.0
    net = Network(net.sites, net.flows, net.final)
    some = economy(net, seed, (1.0, 0.5, 0.0), TAU)
    left = np.ones(len(net.sites))
    left[[0, 3, 6]] = [0.0, 0.4, 0.7]
    path = np.where(np.arange(DAYS)[:, None] < 20, left, 1.0)
    final = np.tile(net.final, (DAYS, 1))
    expected = _pichler.run(some, path, final, goods_of_the_day=False)
    found = activity(some, outages(net.sites, left, weeks=20), DESIRED, engine)
    assert found == pytest.approx(expected, abs=1e-12)
    assert limited(expected) > 0.1


@pytest.mark.parametrize(("arriving", "there", "here"), [(0.8, 0.8, 0.9), (0.0, 0.5, 0.5)])
def test_an_important_input_that_stays_short(arriving, there, here, engine):
    """There it is used in full out of the goods of the day; here a site uses what it has."""
    net = Network(["p0@C0", "p1@C0"], np.array([[0.0, 6.0], [0.0, 0.0]]), np.array([0.0, 9.0]))
    some = Industries(net, np.full((2, 2), 0.5), np.array([3.0, 3.0]), NEVER)
    left = np.tile([arriving, 1.0], (DAYS, 1))
    expected = _pichler.run(some, left, np.tile(net.final, (DAYS, 1)))
    found = activity(some, outages(net.sites, left[0]), FROZEN, engine)
    assert expected[-1, 1] == pytest.approx(there, abs=1e-9)
    assert found[-1, 1] == pytest.approx(here, abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_more_tiers_lose_more_where_targets_follow_output(seed, engine):
    """There targets are fixed, and orders expect yesterday's demand; here both follow plans."""
    net = network(seed, products=8)
    some, left = economy(net, seed, (1.0, 0.5, 0.0), TAU), shocked(len(net.sites), seed)
    path = np.where(np.arange(DAYS)[:, None] < 10, left, 1.0)
    expected = _pichler.run(some, path, np.tile(net.final, (DAYS, 1)))
    found = activity(some, outages(net.sites, left, weeks=10), DESIRED, engine)
    assert 1.2 < (1.0 - found).sum() / (1.0 - expected).sum() < 1.9
    assert 0.3 < np.abs(found - expected).max() < 0.95
