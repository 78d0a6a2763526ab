"""The inoperability input-output model, static and dynamic, in its demand-side form.

Inoperability q is the share of output that is lost. Without limits on inputs and without
reordering of gaps, an order passes one tier in a week: q(t+1) = A* q(t) + c*(t), which is the
dynamic model with all resilience coefficients equal to one. Industries that respond with a
coefficient k sell to themselves what makes their gross output 1/k of what it was.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from validation._networks import AMPLE, ORDERING, Network, network, play
from validation.test_linear_models import demand_falls

from chokepoint.chain import SupplyChain
from chokepoint.scenario import Scenario

SEEDS = [1, 2, 3]
WEEKS = 80


def interdependency(net: Network) -> np.ndarray:
    """Return A* = diag(x)^-1 A diag(x) of the technical coefficients A."""
    coefficients = net.flows / net.output
    return np.asarray(np.diag(1.0 / net.output) @ coefficients @ np.diag(net.output))


def dynamic(
    interdependent: np.ndarray, resilience: np.ndarray, lost: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Return q(t), q(t+1) = q(t) + K [A* q(t) + c*(t) - q(t)]; `lost` is week x industry."""
    path = [start]
    for demand in lost[:-1]:
        path.append(path[-1] + resilience * (interdependent @ path[-1] + demand - path[-1]))
    return np.array(path)


def slow(net: Network, resilience: np.ndarray) -> Network:
    """Return the network in which industries keep orders to themselves."""
    own = net.output * (1.0 - resilience) / resilience
    return replace(net, flows=net.flows + np.diag(own))


def chain_of(net: Network) -> SupplyChain:
    draft = net.draft(dict.fromkeys(net.slots(), AMPLE), services=False)
    tables = draft.tables()
    # A site may supply itself where the flow is reported.
    tables["flows"]["known"] = "reported"
    return SupplyChain.from_tables(tables)


def inoperability(net: Network, falls: np.ndarray, engine: str, **when: int) -> np.ndarray:
    """Return what the weekly model loses, week x site."""
    chain = chain_of(net)
    scenario = Scenario("less demand", demand_falls(net, falls, **when))
    outcome = play(chain, scenario, WEEKS, ORDERING, engine)
    activity = pd.DataFrame(outcome.activity[0], columns=chain.nodes.index)
    return 1.0 - activity[net.sites].to_numpy()


def falls_of(net: Network, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).choice([0.0, 0.2, 0.7], len(net.sites))


@pytest.mark.parametrize("seed", SEEDS)
def test_one_tier_a_week_and_the_static_limit(seed, engine):
    net, falls = network(seed), falls_of(network(seed), seed)
    lost = falls * net.final / net.output
    linked = interdependency(net)
    expected = dynamic(linked, np.ones(len(lost)), np.tile(lost, (WEEKS, 1)), np.zeros(len(lost)))
    found = inoperability(net, falls, engine)
    assert found == pytest.approx(expected, abs=1e-12)
    static = np.linalg.solve(np.eye(len(lost)) - linked, lost)
    assert found[-1] == pytest.approx(static, abs=1e-12)
    assert static.max() > 0.2


@pytest.mark.parametrize("seed", SEEDS)
def test_own_use_makes_any_resilience(seed, engine):
    """Demand falls for a while and comes back; each industry has a coefficient of its own."""
    net, falls = network(seed), falls_of(network(seed), seed)
    resilience = np.random.default_rng(seed).uniform(0.15, 0.9, len(net.sites))
    lost = np.zeros((WEEKS, len(net.sites)))
    lost[3:30] = falls * net.final / net.output
    expected = dynamic(interdependency(net), resilience, lost, np.zeros(len(net.sites)))
    found = inoperability(slow(net, resilience), falls, engine, start=3, weeks=27)
    assert found == pytest.approx(expected, abs=1e-12)
    assert expected[30].max() > 0.2


@pytest.mark.parametrize("seed", SEEDS)
def test_equal_resilience_is_a_mean_over_random_clocks(seed, engine):
    """With one coefficient k a tier takes 1/k steps on average instead of one week."""
    net, falls, k = network(seed), falls_of(network(seed), seed), 0.3
    lost = np.tile(falls * net.final / net.output, (WEEKS, 1))
    size = len(net.sites)
    expected = dynamic(interdependency(net), np.full(size, k), lost, np.zeros(size))
    week = np.arange(WEEKS)
    weight = binom.pmf(week[None, :], week[:, None], k)
    assert weight @ inoperability(net, falls, engine) == pytest.approx(expected, abs=1e-12)
