"""Time to simulate one scenario, and a hundred at once."""

from __future__ import annotations

import pytest
from chain_cases import CASES

import chokepoint as cp

WEEKS = 52


def _scenarios(chain, count):
    """Return `count` outages of the largest sites, of growing severity."""
    sites = chain.nodes[chain.nodes["kind"] == "site"]
    largest = sites["value_added_usd_m"].sort_values(ascending=False).index[:10]
    return [
        cp.Scenario(
            f"outage {i}",
            [cp.Outage(sites=largest[i % len(largest)], severity=(i + 1) / count, weeks=13)],
        )
        for i in range(count)
    ]


@pytest.fixture(params=["rare_earths", *CASES])
def chain(request):
    if request.param in CASES:
        return cp.SupplyChain.from_tables(CASES[request.param]())
    return cp.load(request.param)


@pytest.mark.parametrize("count", [1, 100])
def test_simulate(benchmark, chain, count):
    benchmark.group = f"simulate {count} x {WEEKS} weeks"
    benchmark.extra_info["edges"] = len(chain.edges)
    outcome = benchmark.pedantic(
        cp.simulate, (chain, _scenarios(chain, count)), {"weeks": WEEKS}, rounds=3, warmup_rounds=1
    )
    assert len(outcome.loss(by="country")) == count
