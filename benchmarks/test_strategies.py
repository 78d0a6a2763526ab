"""All strategies on shipped chains: what the weekly model saves, and how long each takes.

`pytest benchmarks/test_strategies.py -s` prints the tables of docs/explanation/strategies.md.
"""

from __future__ import annotations

import time

import pytest
from plan_cases import ban, target, threats

import chokepoint as cp

# chain, budget [USD million]
CHAINS = [
    pytest.param("rare_earths", 20.0, id="rare_earths"),
    pytest.param("semiconductors", 100.0, id="semiconductors"),
    pytest.param("pharma_api", 20.0, id="pharma_api"),
]
SHOWN = ["spent", "residual", "saving", "promise", "stressed_saving", "regret", "seconds",
         "verdict"]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("name", "budget"), CHAINS)
def test_strategies(benchmark, name, budget):
    benchmark.group = "strategies on a chain, three threats to one country"
    chain, listed = cp.load(name), [ban(name), *threats(name, 2)]
    busy = time.process_time()
    found = benchmark.pedantic(
        cp.compare,
        (chain, listed),
        {"budgets": [budget], "targets": target(name), "rng": 1},
        rounds=1,
    )
    before = float((found.without["reference"] * found.probabilities).sum())
    planner = float((found.without["planner"] * found.probabilities).sum())
    stressed = float((found.without["stressed"] * found.probabilities).sum())
    benchmark.extra_info |= {
        "processor_s": time.process_time() - busy, "strategies": len(found.strategies),
        "loss_before": before, "planner_before": planner, "stressed_before": stressed,
        "best_saving": float(found.table["saving"].max()),
    }  # fmt: skip
    print(f"\n{name}: {budget:,.0f} USD million, {[one.name for one in listed]}")  # noqa: T201
    print(f"without: {before:,.1f}, planner {planner:,.1f}, stressed {stressed:,.1f}")  # noqa: T201
    print(found.table[SHOWN].round(3).to_string())  # noqa: T201
    for warning in found.warnings:
        print(warning)  # noqa: T201
    assert (found.table["spent"] <= budget * (1 + 1e-6)).all()
