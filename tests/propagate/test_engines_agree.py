"""The compiled engine against the NumPy engine, on everything that the weekly model knows."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from propagate._draft_strategies import drafts
from propagate._effect_strategies import effects
from propagate._engines import FLOWS, run
from propagate._strategies import DETERMINISTIC, behaviours

from chokepoint import load
from chokepoint.propagate import Behaviour
from chokepoint.propagate._compile import compile_chain
from chokepoint.scenario import CapacityEffect, Effects, ExportBan, Scenario

pytest.importorskip("numba")

WEEKS = 30


@st.composite
def cases(draw):
    """Return a chain, effects of a few lanes, and settings."""
    chain = draw(drafts(rich=True)).build()
    lanes = draw(st.sampled_from([1, 2, 3, 9]))
    batch = [draw(effects(chain, weeks=WEEKS)) for _ in range(lanes)]
    return chain, batch, draw(behaviours(rich=True))


def _compare(one, other, name, *, atol):
    expected, found = getattr(one, name), getattr(other, name)
    if name in FLOWS:
        # By-products are not ordered: what is written down as their order means nothing.
        keep = ~one.chain.is_pushed[one.chain.edge_supplier] | (name in ("shipped", "detoured"))
        expected, found = expected[:, keep], found[:, keep]
    if name == "wanted":
        expected, found = expected[:, one.chain.is_market], found[:, one.chain.is_market]
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol, err_msg=name)


@settings(DETERMINISTIC, max_examples=60)
@given(case=cases())
def test_every_week_is_the_same(case):
    chain, batch, behaviour = case
    one = run("numpy", chain, batch, weeks=WEEKS, behaviour=behaviour)
    other = run("numba", chain, batch, weeks=WEEKS, behaviour=behaviour)
    _compare(one, other, "output", atol=1e-12)
    for name in ("wanted", "surplus", "stock", "used", *FLOWS):
        # Order shares of suppliers that are hardly trusted are quotients of small numbers.
        _compare(one, other, name, atol=1e-9)


@settings(DETERMINISTIC, max_examples=25)
@given(case=cases())
def test_a_lane_does_not_see_its_neighbours(case):
    chain, batch, behaviour = case
    alone = [run("numba", chain, [one], weeks=WEEKS, behaviour=behaviour) for one in batch]
    together = run("numba", chain, batch, weeks=WEEKS, behaviour=behaviour)
    for lane, one in enumerate(alone):
        assert np.array_equal(one.output[..., 0], together.output[..., lane])
        assert np.array_equal(one.shipped[..., 0], together.shipped[..., lane])


@settings(DETERMINISTIC, max_examples=20)
@given(draft=drafts(rich=True), behaviour=behaviours(rich=True))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_nothing_moves_without_a_shock(dtype, draft, behaviour):
    # The second lane keeps the engine busy: without any shock it would not run at all.
    chain = draft.build()
    still = Effects()
    busy = Effects(capacity=(CapacityEffect(np.array([0]), np.full(WEEKS, 0.5)),))
    seen = run("numba", chain, [still, busy], weeks=WEEKS, behaviour=behaviour, dtype=dtype)
    assert not seen.output[..., 0].any()


@pytest.mark.parametrize("switching", [True, False])
def test_single_precision_on_the_rare_earths(switching):
    chain = load("rare_earths")
    compiled = compile_chain(chain)
    ban = Scenario("ban", [ExportBan(by="CHN", against="USA", products="ndfeb_sintered")])
    batch = [ban.effects(chain, 52)]
    behaviour = Behaviour(switching=switching)
    losses = {
        dtype: -(
            run("numba", compiled, batch, weeks=52, behaviour=behaviour, dtype=dtype,
                only=["output"]).output[..., 0].astype(float)
            * compiled.value_added[:, 0]
        ).sum(axis=0)
        for dtype in ("float64", "float32")
    }  # fmt: skip
    country = compiled.nodes["country"].to_numpy()
    exact = {one: losses["float64"][country == one].sum() for one in set(country)}
    short = {one: losses["float32"][country == one].sum() for one in set(country)}
    largest = max(abs(loss) for loss in exact.values())
    assert largest > 0
    for one, loss in exact.items():
        # A shortage of a millionth starts a search, and it is of the size of single precision:
        # a small loss beside a large one may differ by more than 1e-5 of itself.
        assert abs(short[one] - loss) <= 1e-5 * abs(loss) + 1e-6 * largest
