"""Draws run as one batch of arrays give what the chains give one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from propagate._draft_strategies import drafts
from propagate._event_strategies import scenarios
from strategies import chains, full_chain

from chokepoint.chain import SupplyChain
from chokepoint.datasets import draw
from chokepoint.datasets._draw_columns import BEHAVIOUR
from chokepoint.errors import OptionError, TableError
from chokepoint.propagate import Behaviour, _simulate, compile_chain, simulate
from chokepoint.propagate._behaviour import REACTIONS
from chokepoint.propagate._chains import DrawnChains
from chokepoint.propagate._compiled import NUMBERS
from chokepoint.scenario import DemandShift, ExportBan, Outage, Scenario

EVENTS = [
    Scenario("ban", ExportBan(by="CHN", against="USA", products="magnet", start=1, weeks=8)),
    Scenario("out", [Outage(country="CHN", products="ndpr", weeks=5, severity=0.8)]),
    Scenario("more", DemandShift(change=0.1, start=2)),
]
WEEKS = 25


@pytest.fixture(scope="module")
def draws():
    return draw(full_chain(), 4, rng=5)


def one_by_one(draws, some, **options):
    """Outcomes of the chains, each with the behaviour of its draw."""
    behaviour = options.pop("behaviour", Behaviour())
    for number, chain in zip(draws.numbers, draws, strict=True):
        factors = draws.frame("behaviour").loc[number] if "behaviour" in draws.names else {}
        yield number, simulate(chain, some, behaviour=behaviour.scaled(**factors), **options)


def assert_equal(draws, some, **options):
    batch = simulate(draws, some, **options)
    for position, (number, alone) in enumerate(one_by_one(draws, some, **options)):
        rows = slice(position * len(some), (position + 1) * len(some))
        for table in ("loss", "unmet"):
            expected = getattr(alone, table)(over="week")
            found = getattr(batch, table)(over="week").loc[number]
            pd.testing.assert_frame_equal(found, expected, rtol=1e-12, atol=0.0)
        for name in ("activity", "shipments", "stock", "asked"):
            np.testing.assert_allclose(
                getattr(batch, name)[rows], getattr(alone, name), rtol=1e-12, atol=1e-14
            )


def test_arrays_of_a_draw_are_those_of_its_chain(draws):
    merged, sales = DrawnChains(draws).lanes([2, 0, 2])
    for lane, position in enumerate((2, 0, 2)):
        alone = compile_chain(draws[position])
        for name in NUMBERS:
            if name != "reactions":
                np.testing.assert_array_equal(
                    getattr(merged, name)[:, lane], getattr(alone, name)[:, 0], err_msg=name
                )
        np.testing.assert_array_equal(merged.reactions[:, lane], draws.behaviour[position])
        value = draws[position].nodes["value_usd_m"].to_numpy()
        np.testing.assert_allclose(sales[:, lane], np.nan_to_num(value) / 52.0, rtol=1e-15)


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_a_batch_is_the_chains_one_by_one(draws, engine):
    if engine == "numba":
        pytest.importorskip("numba")
    assert_equal(draws, EVENTS, weeks=WEEKS, engine=engine, record="all", start_date="2026-03-01")


def test_settings_that_are_no_default(draws):
    behaviour = Behaviour(trigger=0.0, memory=0.6, speed=1.0, exponent=2.0, rationing="equalising")
    assert_equal(
        draws, EVENTS, weeks=WEEKS, engine="numpy", record="all", behaviour=behaviour
    )  # fmt: skip


@settings(max_examples=8)
@given(chains(), st.integers(0, 1000))
def test_any_chain(chain, seed):
    hit = chain.sites["product"].iloc[0]
    some = [
        Scenario("out", Outage(products=hit, weeks=4)),
        Scenario("more", DemandShift(change=0.2)),
    ]
    assert_equal(draw(chain, 2, rng=seed), some, weeks=12, engine="numpy", record="all")


@settings(max_examples=8)
@given(st.data())
def test_any_event_that_does_not_depend_on_quantities(data):
    """Chains with all that the weekly model knows."""
    draft = data.draw(drafts(rich=True))
    some = [data.draw(scenarios(draft, weeks=12))]
    drawn = draw(draft.build(), 2, rng=data.draw(st.integers(0, 99)))
    quotas = [e for one in some for e in one.events if getattr(e, "quantity", None) is not None]
    if quotas:
        return
    assert_equal(drawn, some, weeks=12, engine="numpy", record="all")


def test_without_behaviour_a_batch_is_the_list_of_its_chains(full):
    drawn = draw(full, 3, rng=5, behaviour=False)
    batch = simulate(drawn, EVENTS, weeks=WEEKS, engine="numpy", record="country")
    listed = simulate(list(drawn), EVENTS, weeks=WEEKS, engine="numpy", record="country")
    pd.testing.assert_frame_equal(batch.loss(), listed.loss(), rtol=1e-12, atol=0.0)
    assert batch.scenarios.equals(listed.scenarios)


def test_behaviour_matters_and_can_be_left_out(full, draws):
    still = draw(full, 4, rng=5, behaviour=False)
    losses = [simulate(d, EVENTS[:1], weeks=WEEKS, engine="numpy").loss() for d in (draws, still)]
    assert not np.allclose(losses[0], losses[1])


def test_no_chain_is_made(draws, monkeypatch):
    made = simulate(draws, EVENTS, weeks=4, engine="numpy").loss()

    def refuse(*_, **__):
        raise AssertionError("a chain was made")

    monkeypatch.setattr(SupplyChain, "_from_trusted", refuse)
    assert simulate(draws, EVENTS, weeks=4, engine="numpy").loss().equals(made)


def test_cuts_and_threads_change_no_bit(draws, monkeypatch):
    whole = simulate(draws, EVENTS, weeks=WEEKS, engine="numpy", record="all")
    for lanes, threads in ((1, 1), (2, 2), (5, 1), (3, 3)):
        monkeypatch.setattr(_simulate, "_LANES_PER_CHUNK", lanes)
        cut = simulate(draws, EVENTS, weeks=WEEKS, engine="numpy", record="all", threads=threads)
        assert cut.loss(over="week").equals(whole.loss(over="week"))
        np.testing.assert_array_equal(cut.shipments, whole.shipments)


def test_rows_carry_the_numbers_of_the_draws(draws):
    some = simulate(draws[1:3], EVENTS[:1], weeks=3, engine="numpy")
    assert some.scenarios.tolist() == [(1, "ban"), (2, "ban")]
    every = simulate(draws, EVENTS[:1], weeks=3, engine="numpy")
    assert some.loss().equals(every.loss().loc[[1, 2]])


def test_engines_agree_on_draws(draws):
    pytest.importorskip("numba")
    one, other = (
        simulate(draws, EVENTS, weeks=WEEKS, engine=engine).loss(over="week")
        for engine in ("numpy", "numba")
    )
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def test_no_draw_at_all(full):
    with pytest.raises(OptionError, match="at least one chain"):
        simulate(draw(full, 0), EVENTS, weeks=2)


def test_a_draw_out_of_balance_is_refused(draws):
    columns = {name: values.copy() for name, values in draws.columns.items()}
    columns["flows"][1] *= 1.01
    broken = type(draws)(draws.chain, draws.numbers, columns, draws._views)
    with pytest.raises(TableError, match="must fill the slot"):
        simulate(broken, EVENTS, weeks=2, engine="numpy")


class TestScaledBehaviour:
    def test_the_same_numbers_in_the_same_order(self):
        assert BEHAVIOUR == REACTIONS

    def test_factors_multiply_inside_the_bounds(self):
        scaled = Behaviour(trigger=0.1, memory=0.5, speed=0.25).scaled(
            trigger=2.0, memory=3.0, speed=0.8
        )
        assert (scaled.trigger, scaled.memory, scaled.speed) == (0.2, 1.0, 0.2)

    def test_zero_and_one_stay(self):
        scaled = Behaviour(trigger=0.0, memory=1.0, speed=1.0).scaled(memory=0.5, speed=0.5)
        assert (scaled.trigger, scaled.memory, scaled.speed) == (0.0, 1.0, 1.0)
