"""Events that meet on one flow or one site: they multiply, tariffs add up."""

from __future__ import annotations

import pytest
from scenario._trade import trade

from chokepoint.chain import SupplyChain
from chokepoint.propagate import ShockPlan
from chokepoint.scenario import (
    Boycott,
    DemandShift,
    Event,
    ExportBan,
    Extraterritorial,
    Outage,
    Quota,
    Scenario,
    ServiceDenial,
    Tariff,
)

WEEKS = 6


@pytest.fixture(scope="module")
def chain() -> SupplyChain:
    return trade().build()


def plan(chain: SupplyChain, *events: Event) -> ShockPlan:
    effects = Scenario("both", events).effects(chain, WEEKS)
    return ShockPlan([effects], n_nodes=len(chain.nodes), n_edges=len(chain.edges), weeks=WEEKS)


def flow(chain: SupplyChain, supplier: str, buyer: str) -> int:
    edges = chain.edges
    return int(edges.index[edges["supplier"].eq(supplier) & edges["buyer"].eq(buyer)].item())


@pytest.mark.parametrize(
    "other",
    [
        ExportBan(by="CHN", against="DEU", severity=0.75, start=2, weeks=2),
        Quota(by="CHN", products="part", share=0.25, start=2, weeks=2),
        Quota(by="CHN", products="part", quantity=25.0, start=2, weeks=2),
        Boycott(by="DEU", against="CHN", severity=0.75, start=2, weeks=2),
        Extraterritorial(by="CHN", against="DEU", content=0.1, severity=0.75, start=2, weeks=2),
        ServiceDenial(by="CHN", products="part", decay=0.0, severity=0.75, start=2, weeks=2),
    ],
    ids=lambda event: type(event).__name__,
)
def test_two_caps_on_one_flow_multiply(chain, other):
    shocks = plan(chain, ExportBan(by="CHN", severity=0.5, start=1, weeks=2), other)
    edge = flow(chain, "part@CHN", "car@DEU")
    found = [float(shocks.allowed(week)[edge, 0]) for week in range(WEEKS)]
    assert found == [1.0, 0.5, 0.125, 0.25, 1.0, 1.0]


def test_two_events_on_one_site_multiply(chain):
    outages = [
        Outage(sites="part@CHN", severity=0.5, weeks=3),
        Outage(country="CHN", severity=0.5, start=2, weeks=1, recovery_weeks=1),
        ServiceDenial(by="AUS", products="ore", decay=0.8, start=3, weeks=2, repair_weeks=0),
    ]
    shocks = plan(chain, *outages)
    node = chain.nodes.index.get_loc("part@CHN")
    found = [float(shocks.capacity(week)[node, 0]) for week in range(WEEKS)]
    # Half of the ore comes from AUS: 40 per cent of capacity is lost after a week.
    assert found == pytest.approx([0.5, 0.5, 0.25, 0.75, 0.6, 1.0])


def test_two_shifts_of_one_market_multiply(chain):
    shocks = plan(chain, DemandShift(change=-0.5), DemandShift(change=0.5, country="DEU"))
    factor = shocks.capacity(0)[:, 0]
    markets = chain.nodes["kind"].eq("market").to_numpy()
    assert factor[markets].tolist() == [0.75, 0.5]
    assert (factor[~markets] == 1.0).all()


def test_two_tariffs_on_one_flow_add_up(chain):
    tariffs = [Tariff(by="DEU", rate=0.25, weeks=2), Tariff(by="DEU", against="CHN", rate=0.5)]
    shocks = plan(chain, *tariffs)
    row = shocks.tariff_edges.tolist().index(flow(chain, "part@CHN", "car@DEU"))
    assert [float(shocks.tariff_rows(week)[row, 0]) for week in (1, 2)] == [0.75, 0.5]


def test_two_bans_that_leak_share_the_wider_way_round(chain):
    bans = [
        ExportBan(by="CHN", severity=1.0, leakage=0.2, leakage_weeks=3),
        ExportBan(by="CHN", against="DEU", severity=0.5, leakage=0.6, leakage_weeks=1),
    ]
    shocks = plan(chain, *bans)
    edge = flow(chain, "part@CHN", "car@DEU")
    assert shocks.detour(0)[edge, 0] == pytest.approx(0.3)
    row = shocks.capped_edges.tolist().index(edge)
    assert shocks.detour_weeks[row, 0] == 3
