"""What buyers order: the inventory position, long leads, and sites that were starved.

Sites have room to make several times their baseline here, so that output shows the orders.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from propagate._chains import Draft, Flow, product_of
from validation._networks import NO_LIMIT, histories, network, outages, play, shocked

from chokepoint.propagate import Behaviour, compile_chain, run
from chokepoint.scenario import CapacityEffect, DemandShift, Effects, Outage, Scenario

RULES = ["use", "desired", "realised"]


@dataclass(frozen=True, kw_only=True)
class Room(Outage):
    """Capacity of the sites is a multiple of baseline."""

    multiple: float = 8.0

    def effects(self, chain, horizon):
        nodes = chain.nodes.index.get_indexer(list(self.sites))
        return Effects(capacity=(CapacityEffect(nodes, np.full(horizon, self.multiple)),))


def rule_of(order_rule: str, **options) -> Behaviour:
    return Behaviour(switching=False, ramp=False, order_rule=order_rule, **options)


def row(*sites: str, lead: int, stock: float, reorder: float) -> Draft:
    """Return sites that supply each other in a row, and the market of the last one."""
    columns = {"stock_weeks": stock, "throttle_weeks": 1.0, "reorder_weeks": reorder}
    return Draft(
        [
            *(Flow(a, b, lead=lead, growth=NO_LIMIT) for a, b in pairwise(sites)),
            Flow(sites[-1], f"market:{sites[-1]}"),
        ],
        slots={(b, product_of(a)): columns for a, b in pairwise(sites)},
    )


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("rationing", ["proportional", "equalising"])
def test_long_leads_do_not_swing_by_themselves(rule, rationing, engine):
    net = network(4)
    slots = {slot: {"stock_weeks": 1.5, "reorder_weeks": 1.0} for slot in net.slots()}
    draft = net.draft(slots, services=False)
    rng = np.random.default_rng(4)
    for flow in draft.flows:
        object.__setattr__(flow, "lead", int(rng.integers(1, 13)))
    events = [Room(sites=net.sites)]
    behaviour = rule_of(rule, rationing=rationing)
    table = histories(draft, *events, weeks=104, behaviour=behaviour, engine=engine)
    assert (table == 1.0).all(axis=None)


def stock_alone(demand: np.ndarray, *, lead: int, stock: float, reorder: float) -> np.ndarray:
    """Return the orders of a site that forgets what is on its way."""
    arriving, kept, orders = [1.0] * lead, stock, [1.0]
    for wanted in demand[:-1]:
        arriving.append(orders[-1])
        kept += arriving.pop(0) - wanted
        orders.append(max(0.0, wanted + (stock * wanted - kept) / reorder))
    return np.array(orders)


@pytest.mark.parametrize("rule", RULES)
def test_a_dip_in_demand_dies_out_unless_goods_on_order_are_forgotten(rule, engine):
    lead, stock, reorder = 8, 4.0, 4.0
    draft = row("ore@AUS", "mill@JPN", lead=lead, stock=stock, reorder=reorder)
    events = [
        Room(sites=["ore@AUS", "mill@JPN"]),
        DemandShift(products="mill", change=-0.2, start=4, weeks=10),
    ]
    table = histories(draft, *events, weeks=200, behaviour=rule_of(rule), engine=engine)
    orders = table["ore@AUS"].to_numpy()
    naive = stock_alone(table["mill@JPN"].to_numpy(), lead=lead, stock=stock, reorder=reorder)
    lowest, highest = {"use": (0.8, 1.0)}.get(rule, (0.15, 1.62))
    assert orders.min() == pytest.approx(lowest, abs=0.01)
    assert orders.max() == pytest.approx(highest, abs=0.01)
    assert orders[-60:] == pytest.approx(np.ones(60), abs=1e-3)
    # The other rule still swings between nothing and more than twice baseline.
    assert naive[-60:].min() == 0.0
    assert naive[-60:].max() > 2.0


@pytest.mark.parametrize(
    ("stock", "lead", "reorder"), [(3.0, 1, 4.0), (3.0, 2, 10.0), (5.0, 4, 2.0), (89.0, 1, 1.0)]
)
@pytest.mark.parametrize("rule", RULES)
def test_what_a_starved_site_orders(rule, stock, lead, reorder, engine):
    """Nothing in stock, nothing on the way: (n + L) / tau, or its need beside it, or nothing.

    A target of 90 days that is restored in one asks for 90 times what is used in a day.
    """
    draft = row("ore@AUS", "mill@JPN", lead=lead, stock=stock, reorder=reorder)
    stop = 4 + int(stock) + lead + 3
    events = [
        Outage(sites="ore@AUS", start=4, weeks=stop - 4),
        Room(sites=["ore@AUS"], multiple=100.0),
    ]
    # Two events on one site multiply: no capacity, then room.
    table = histories(draft, *events, weeks=stop + 2, behaviour=rule_of(rule), engine=engine)
    assert table["mill@JPN"].iloc[stop] == pytest.approx(0.0, abs=1e-12)
    # Gaps that can stop a site are closed at least as fast as its goods last.
    gap = max(1.0, (stock + lead) / reorder)
    expected = {"use": gap, "desired": 1.0 + gap, "realised": 0.0}[rule]
    assert table["ore@AUS"].iloc[stop] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("rule", "idle", "settled"), [("use", 1, 25), ("desired", 32, 54)])
def test_swings_after_a_stop(rule, idle, settled, engine):
    """Orders of a row of starved sites overshoot, and the first site pays with idle weeks."""
    sites = ["ore@AUS", "bar@JPN", "part@JPN", "car@JPN"]
    draft = row(*sites, lead=4, stock=3.0, reorder=4.0)
    events = [Room(sites=sites), Outage(sites="bar@JPN", start=2, weeks=12)]
    table = histories(draft, *events, weeks=120, behaviour=rule_of(rule), engine=engine)
    orders = table["ore@AUS"].to_numpy()[14:]
    after = orders[int(np.argmax(orders > 1.0)) :]
    assert after.max() == 8.0
    assert (after < 0.05).sum() == pytest.approx(idle, abs=2)
    unsettled = np.abs(after - 1.0) > 0.01
    assert np.flatnonzero(unsettled)[-1] + 1 == pytest.approx(settled, abs=2)


def circles(reorder: float):
    """Return a network in which sites need each other, and an outage of two of its 16 sites."""
    net = network(2, products=8)
    columns = {"stock_weeks": 2.0, "throttle_weeks": 1.0, "reorder_weeks": reorder}
    draft = net.draft(dict.fromkeys(net.slots(), columns), services=False)
    left = shocked(len(net.sites), 2, (0.0, 0.0))
    return draft.build(), Scenario("two stop", outages(net.sites, left, weeks=8))


@pytest.mark.parametrize(("rule", "left"), [("use", 1.0), ("desired", 1.0), ("realised", 0.0)])
def test_circles_of_starved_sites(rule, left, engine):
    """Capacity is back after eight weeks; whether output is depends on what the starved order."""
    chain, stop = circles(10.0)
    outcome = play(chain, stop, 104, rule_of(rule), engine)
    assert outcome.activity[0, -1] == pytest.approx(left, abs=1e-6)


def test_circles_stay_empty_where_gaps_are_closed_more_slowly_than_goods_last(engine):
    """With tau above n + L, a starved site orders less than it needs: three tenths here."""
    chain, stop = circles(10.0)
    compiled = compile_chain(chain)
    slow = replace(compiled, reorder=np.full_like(compiled.reorder, 10.0))
    effects = stop.effects(chain, 104)
    outcome = run(slow, effects, weeks=104, behaviour=rule_of("use"), engine=engine)
    assert outcome.activity[0, -1] == pytest.approx(0.0, abs=1e-6)
