"""The firm model of Inoue and Todo (2019): one step of the weekly model is one of its days.

Stocks that suffice for `n` days there are `n - 1` weeks here, where the goods that arrive are
counted apart; goods arrive in the next step; the gap is closed over 6 steps, which is no longer
than the stocks last.
"""

from __future__ import annotations

import numpy as np
import pytest
from validation import _inoue_todo
from validation._inoue_todo import Firms
from validation._networks import Network, histories, network, product_of

from chokepoint.propagate import Behaviour
from chokepoint.scenario import Outage

RULES = {"proportional": False, "equalising": True}
DAYS, TAU = 150, 6.0


def one_maker_each(seed: int) -> Network:
    """Return a network in which each product has one maker; a few firms buy nothing."""
    net = network(seed, products=24, makers=1, density=0.15)
    net.flows[:, :4] = 0.0
    return Network(net.sites, net.flows, net.final)


def clones(seed: int) -> Network:
    """Return a network whose products have two makers that differ in size only."""
    one = network(seed, products=12, makers=1, density=0.25)
    rng = np.random.default_rng(seed)
    part = rng.uniform(0.2, 0.8, len(one.sites))
    size = np.stack([part, 1.0 - part], axis=1).ravel()
    flows = np.kron(one.flows, np.ones((2, 2))) * size[:, None] * size[None, :]
    sites = [f"{product_of(site)}@C{c}" for site in one.sites for c in range(2)]
    return Network(sites, flows, np.repeat(one.final, 2) * size)


def target_days(net: Network, seed: int) -> np.ndarray:
    """Return stock targets per product, so that makers of one product have the same."""
    rng = np.random.default_rng(seed)
    days = {product_of(site): max(6, int(rng.poisson(9))) for site in net.sites}
    return np.array([float(days[product_of(site)]) for site in net.sites])


def firms_of(net: Network, days: np.ndarray) -> Firms:
    _, sector = np.unique([product_of(site) for site in net.sites], return_inverse=True)
    return Firms(net.flows, net.final, sector, days, TAU)


def damage_of(share: np.ndarray, *, first: int, hold: int, recovery: int) -> np.ndarray:
    """Return lost capacity, day x firm: full for `hold` days, then falling in a straight line."""
    day = np.arange(DAYS)[:, None]
    since = day - (first + hold) + 1
    falling = np.clip(1.0 - since / (recovery + 1), 0.0, 1.0)
    return np.where(day < first, 0.0, np.where(since <= 0, 1.0, falling)) * share


def both(net, days, share, *, rule, engine, hold=5):
    """Return output day x firm of the restated model and of the weekly model."""
    expected = _inoue_todo.run(
        firms_of(net, days), damage_of(share, first=2, hold=hold, recovery=30), equalise=RULES[rule]
    )
    slots = {
        (buyer, product): {
            "stock_weeks": days[net.sites.index(buyer)] - 1.0,
            "throttle_weeks": 1.0,
            "reorder_weeks": TAU,
        }
        for buyer, product in net.slots()
    }
    events = [
        Outage(sites=site, severity=lost, start=2, weeks=hold, recovery_weeks=30)
        for site, lost in zip(net.sites, share, strict=True)
        if lost > 0
    ]
    behaviour = Behaviour(switching=False, ramp=False, order_rule="realised", rationing=rule)
    draft = net.draft(slots, services=False)
    table = histories(draft, *events, weeks=DAYS, behaviour=behaviour, engine=engine)
    return expected, table[net.sites].to_numpy()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_equal_with_one_supplier_a_slot(seed, rule, engine):
    net = one_maker_each(seed)
    days = np.random.default_rng(seed).poisson(9, len(net.sites)).clip(6).astype(float)
    share = np.zeros(len(net.sites))
    share[[1, 7, 12]] = [0.9, 0.6, 1.0]
    expected, found = both(net, days, share, rule=rule, engine=engine)
    assert found == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("rule", RULES)
def test_equal_where_suppliers_of_a_slot_are_hit_equally(rule, engine):
    net = clones(5)
    share = np.zeros(len(net.sites))
    share[[2, 3, 10, 11]] = [0.8, 0.8, 1.0, 1.0]
    expected, found = both(net, target_days(net, 5), share, rule=rule, engine=engine)
    assert found == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize(
    ("rule", "seed"), [("proportional", s) for s in (1, 2, 3, 5, 7)] + [("equalising", 5)]
)
def test_stocks_of_links_lose_more_where_one_of_two_suppliers_is_hit(rule, seed, engine):
    """There a client orders most from the supplier that failed it; here shares stay."""
    net = clones(seed)
    share = np.zeros(len(net.sites))
    share[[2, 10]] = [0.8, 1.0]
    expected, found = both(net, target_days(net, seed), share, rule=rule, engine=engine)
    ratio = (1.0 - found).sum() / (1.0 - expected).sum()
    assert 0.80 < ratio < 0.995
    assert 0.05 < np.abs(found - expected).max() < 0.5


@pytest.mark.parametrize("rule", RULES)
def test_a_firm_that_stopped_altogether_does_not_start_again(rule, engine):
    """Orders follow realised production there: nothing is made, so nothing is ordered.

    Capacity is back in part from day 17 on. What rounding leaves of a stopped firm grows by
    1 + n / tau a day, so that double precision shows the stop for some weeks only.
    """
    sites = [f"p{i}@C0" for i in range(3)]
    net = Network(sites, np.diag([5.0, 5.0], k=1), np.array([0.0, 1.0, 5.0]))
    share = np.array([1.0, 0.0, 0.0])
    expected, found = both(net, np.full(3, 6.0), share, rule=rule, engine=engine, hold=15)
    assert found[:36] == pytest.approx(expected[:36], abs=1e-9)
    assert (expected[20:] == 0.0).all()
