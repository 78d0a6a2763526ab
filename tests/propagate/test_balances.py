"""What no engine may create or lose: goods, orders, mass, demand; and the bounds of each."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from propagate._engines import ENGINES, Run, run
from propagate._strategies import DETERMINISTIC, behaviours, drafts, effects

from chokepoint.scenario import Effects, LicenceEffect

WEEKS = 25
LANES = 3
FEW = settings(DETERMINISTIC, max_examples=20)
TINY = 1e-9
NONE = np.zeros(0)


def summed(values: np.ndarray, owner: np.ndarray, rows: int) -> np.ndarray:
    """Return sums over flows by owner, shape (week, rows, lane)."""
    total = np.zeros((len(values), rows, values.shape[2]))
    np.add.at(total, (slice(None), owner), values)
    return total


def leads(seen: Run) -> np.ndarray:
    """Return the weeks that a detour takes, shape (E, lanes)."""
    longer = np.zeros((seen.chain.n_edges, seen.shocks.lanes), dtype=int)
    longer[seen.shocks.capped_edges] = seen.shocks.detour_weeks
    return seen.chain.lead[:, None] + longer


def arrivals(seen: Run) -> np.ndarray:
    """Return what arrives by slot as deviation, from what was sent and the leads alone."""
    chain, lanes = seen.chain, seen.shocks.lanes
    arrived = np.zeros((WEEKS, chain.n_groups, lanes))
    for edge, group in enumerate(chain.edge_group):
        lead, way_round = chain.lead[edge], leads(seen)[edge]
        for week in range(WEEKS):
            if week + lead < WEEKS:
                arrived[week + lead, group] += seen.shipped[week, edge] - chain.sigma[edge]
            for lane in range(lanes):
                if week + way_round[lane] < WEEKS:
                    arrived[week + way_round[lane], group, lane] += seen.detoured[week, edge, lane]
    return arrived


def stocks_change_by_what_arrives_and_is_used(seen: Run) -> None:
    """Pipeline balance too: arrivals are what was sent one lead earlier, no more and no less."""
    kept = seen.chain.storable
    start = np.broadcast_to(seen.chain.stock, seen.stock[0].shape)[None]
    change = np.diff(np.concatenate([start, seen.stock]), axis=0)
    expected = arrivals(seen) - seen.used
    np.testing.assert_allclose(change[:, kept], expected[:, kept], rtol=0, atol=TINY)


def everything_stays_in_bounds(seen: Run) -> None:
    chain, shocks = seen.chain, seen.shocks
    assert seen.stock.min() >= 0.0
    assert seen.used.min() >= -1.0 - 1e-12
    for name in ("ordered", "made", "shipped", "detoured", "surplus", "queue", "goods"):
        assert seen.seen.get(name, NONE).min(initial=0.0) >= -1e-12
    assert seen.output.min() >= -1.0
    market = chain.is_market
    assert (seen.output - seen.wanted)[:, market].max(initial=0.0) <= 1e-12
    for week in range(WEEKS):
        way_round = shocks.detour(week) * chain.sigma
        assert (seen.detoured[week] <= way_round + 1e-12).all()
        cap = np.where(shocks.allowed(week) < 1.0, shocks.allowed(week) * chain.sigma, np.inf)
        assert (seen.shipped[week] <= cap + 1e-12).all()
    dormant = chain.dormant
    assert (seen.ordered <= chain.reserve + 1e-12)[:, dormant].all()


def what_is_made_is_what_leaves_production(seen: Run) -> None:
    chain = seen.chain
    left = summed(chain.kappa * (seen.made + seen.detoured), chain.edge_supplier, chain.n_nodes)
    sells = np.zeros(chain.n_nodes, dtype=bool)
    sells[chain.edge_supplier[~chain.dormant]] = True
    asked = sells & ~chain.is_pushed
    np.testing.assert_allclose(left[:, asked], 1.0 + seen.output[:, asked], rtol=0, atol=TINY)
    # What a cap stops of a by-product is lost.
    pushed = sells & chain.is_pushed
    assert (left <= 1.0 + seen.output + TINY)[:, pushed].all()


def orders_stay_within_growth_until_a_supplier_can_be_qualified(seen: Run) -> None:
    chain = seen.chain
    # Nothing can run short before the first shock, so no search for suppliers starts earlier.
    waits = seen.shocks.first + chain.qualification
    limit = np.where(chain.dormant[:, None], 0.0, (1.0 + chain.growth) * chain.sigma)
    for week in range(WEEKS):
        early = np.broadcast_to(week < waits, seen.ordered[week].shape)
        assert (seen.ordered[week] <= limit + 1e-12)[early].all()


def joint_processes_conserve_mass(seen: Run) -> None:
    """Activity times yield is sold, kept or dumped, and dumped only when the store is full."""
    chain = seen.chain
    children = np.flatnonzero(chain.is_child & ~chain.is_pushed)
    before = np.concatenate([np.zeros((1, *seen.surplus.shape[1:])), seen.surplus[:-1]])
    for child in children:
        made = 1.0 + seen.output[:, chain.process[child]]
        kept = seen.surplus[:, child]
        dumped = made + before[:, child] - (1.0 + seen.output[:, child]) - kept
        assert dumped.min() >= -TINY
        full = kept >= chain.surplus_weeks[child] - TINY
        assert (full | (dumped <= TINY)).all()
        assert (kept <= chain.surplus_weeks[child] + TINY).all()
    for child in np.flatnonzero(chain.is_pushed):
        assert (seen.output[:, child] <= seen.output[:, chain.process[child]] + 1e-12).all()


def final_demand_is_served_waits_or_is_lost(seen: Run) -> None:
    chain, shocks = seen.chain, seen.shocks
    if shocks.rebuilds is not None:  # what rebuilding asks for depends on the run
        return
    waits = np.zeros((chain.n_nodes, shocks.lanes))
    for week in range(WEEKS):
        market = chain.is_market
        wanted = shocks.capacity(week) - 1.0 + waits
        np.testing.assert_allclose(seen.wanted[week][market], wanted[market], rtol=0, atol=1e-12)
        waits = chain.backlog * (seen.wanted[week] - seen.output[week])


CHECKS = (
    stocks_change_by_what_arrives_and_is_used,
    everything_stays_in_bounds,
    what_is_made_is_what_leaves_production,
    orders_stay_within_growth_until_a_supplier_can_be_qualified,
    joint_processes_conserve_mass,
    final_demand_is_served_waits_or_is_lost,
)


@pytest.mark.parametrize("engine", ENGINES)
@FEW
@given(data=st.data())
def test_balances_and_bounds(engine, data):
    chain = data.draw(drafts(rich=True)).build()
    some = [data.draw(effects(chain, weeks=WEEKS)) for _ in range(LANES)]
    seen = run(engine, chain, some, weeks=WEEKS, behaviour=data.draw(behaviours(rich=True)))
    for check in CHECKS:
        check(seen)


@pytest.mark.parametrize("engine", ENGINES)
@FEW
@given(data=st.data())
def test_a_licence_queue_conserves_orders(engine, data):
    """What was placed has been shipped or refused, or waits."""
    chain = data.draw(drafts(rich=True)).build()
    flows = np.arange(len(chain.edges))
    refused = data.draw(st.sampled_from([0.0, 0.3]))
    release = np.resize(data.draw(st.sampled_from([[0.0, 0.5], [0.4], [0.0, 3.0, 1.0]])), WEEKS)
    licence = Effects(licences=(LicenceEffect(flows, release, refused, 1.5),))
    others = data.draw(effects(chain, weeks=WEEKS))
    both = licence + Effects(others.capacity, others.flows)
    seen = run(engine, chain, [both], weeks=WEEKS, behaviour=data.draw(behaviours(rich=True)))
    placed = np.cumsum((1.0 - refused) * seen.ordered, axis=0)
    shipped = np.cumsum(seen.shipped, axis=0)
    # A queue below a millionth is closed.
    np.testing.assert_allclose(placed, shipped + seen.queue, rtol=0, atol=WEEKS * 1e-6)
    np.testing.assert_allclose(seen.accepted, (1.0 - refused) * seen.ordered, atol=1e-12)
    # Goods that wait were made and have not left.
    made = np.cumsum(seen.made, axis=0)
    assert (made - shipped - seen.goods >= -TINY).all()
