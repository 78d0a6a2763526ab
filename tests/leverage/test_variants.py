"""One assumption at a time: the same as a chain with that assumption, and rules that hold."""

from __future__ import annotations

import numpy as np
import pytest

import chokepoint as cp
from chokepoint.leverage import one_at_a_time, stressed, variants
from chokepoint.propagate import Behaviour

OWNER = {"owner": ("CHN",), "products": ("magnet",)}


@pytest.fixture(scope="module")
def ban():
    return cp.Scenario("ban", [cp.ExportBan(by="CHN", against="USA", products=["magnet"])])


def test_the_batch_is_a_run_of_each_variant(magnets, ban) -> None:
    ends = one_at_a_time(magnets, [ban], weeks=40, owners={"the owner": tuple(OWNER.values())})
    made = list(variants(magnets, Behaviour(), **OWNER))
    assert {(one.assumption, one.end) for one in made} == set(ends)
    for one in made:
        outcome, place, setting = ends[one.assumption, one.end]
        loss = cp.simulate(one.chain, ban, weeks=40, behaviour=one.behaviour).loss()
        drawn = outcome.loss().xs(place, level="draw")
        np.testing.assert_allclose(drawn.to_numpy(), loss.to_numpy(), rtol=1e-12, atol=1e-12)
        assert setting == one.setting


def test_a_variant_is_a_chain_like_any_other(magnets) -> None:
    for one in variants(magnets, Behaviour(), **OWNER):
        again = one.chain.replace(sources=None)
        assert again.slots.equals(one.chain.slots)


def test_without_an_owner_no_shares_move(magnets, ban) -> None:
    ends = one_at_a_time(magnets, [ban], weeks=13)
    assert "shares of the owner" not in {assumption for assumption, _ in ends}


def test_the_stressed_chain_has_its_low_stocks(magnets) -> None:
    chain = stressed(magnets)
    assert chain.inputs["stock_weeks"].tolist() == magnets.inputs["stock_weeks_low"].tolist()
    assert chain.inputs["stock_weeks_low"].isna().all()
    assert chain.inputs["throttle_weeks"].tolist() == (1 + chain.inputs["stock_weeks"]).tolist()


def test_disjoint_shares_stay_within_one() -> None:
    """Chips have disjoint slots whose high ends add up to more than 1: they shrink together."""
    chain = cp.load("semiconductors")
    made = {(one.assumption, one.end): one for one in variants(
        chain, Behaviour(), owner=("CHN",), products=("gallium",))}  # fmt: skip
    slots = made["use share", "high"].chain.slots
    part = slots["use_share"] * slots["criticality"]
    disjoint = part[slots["combine"].eq("disjoint")].groupby(level="buyer").sum()
    assert (disjoint <= 1.0 + 1e-9).all()
    ban = cp.Scenario("ban", [cp.ExportBan(by="CHN", products=["gallium"])])
    assert cp.simulate(made["use share", "high"].chain, ban, weeks=4).weeks == 4
