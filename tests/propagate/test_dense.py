"""The dense engine against the readable one, on small input-output tables."""

import importlib
import itertools

import numpy as np
import pandas as pd
import pytest

import chokepoint as cp
from chokepoint.errors import OptionError
from chokepoint.propagate import Behaviour, ShockPlan, compile_chain
from chokepoint.propagate._engine_dense import (
    DENSE_LANES,
    DenseEngine,
    dense_applies,
    dense_reason,
)
from chokepoint.propagate._engine_numpy import NumpyEngine
from chokepoint.propagate._engines import chunk_size
from chokepoint.scenario import CapacityEffect, Effects, FlowEffect

pytest.importorskip("numba")

WEEKS = 50
REGIONS, SECTORS = ["R0", "R1", "R2"], ["s0", "s1", "s2", "s3"]


@pytest.fixture(scope="module")
def chain():
    rng = np.random.default_rng(1)
    industries = pd.MultiIndex.from_product([REGIONS, SECTORS])
    size = len(industries)
    flows = rng.random((size, size)) * (rng.random((size, size)) < 0.8)
    final = rng.random((size, len(REGIONS))) * size / 2
    critical = rng.choice([0.0, 0.5, 1.0], (len(SECTORS), size))
    return cp.SupplyChain.from_io_table(
        pd.DataFrame(flows, industries, industries),
        pd.DataFrame(final, industries, REGIONS),
        inventories={"s0": None, "s1": 0.5, "s2": 3, "s3": 6},
        criticality=pd.DataFrame(critical, SECTORS, industries),
        reorder_weeks={"s0": 3, "s1": 1, "s2": 6, "s3": 4},
        throttle=0.8,
        ramp_max=1.25,
        ramp_weeks=10,
    )


@pytest.fixture(scope="module")
def compiled(chain):
    return compile_chain(chain)


def effects(compiled, lanes, seed=5):
    """Return outages, booms and shifts of demand; in some lanes a whole sector fails."""
    rng = np.random.default_rng(seed)
    sector = np.flatnonzero((compiled.nodes["product"] == "s1") & ~compiled.is_market)
    batch = []
    for lane in range(lanes):
        parts = []
        for _ in range(3):
            factor, start = np.ones(WEEKS), int(rng.integers(0, 20))
            factor[start : start + int(rng.integers(1, 30))] = rng.choice([0.0, 0.3, 0.9, 1.2])
            nodes = rng.choice(compiled.n_nodes, int(rng.integers(1, 4)), replace=False)
            parts.append(CapacityEffect(nodes.astype(np.intp), factor))
        if lane % 3 == 0:
            factor = np.ones(WEEKS)
            factor[5 + lane % 7 : 12] = 0.0
            parts.append(CapacityEffect(sector, factor))
        batch.append(Effects(capacity=tuple(parts)))
    return batch


def plan(compiled, batch):
    return ShockPlan(batch, n_nodes=compiled.n_nodes, n_edges=compiled.n_edges, weeks=WEEKS)


def played(engine, compiled):
    """Return all that a recorder may ask for, by name, week first."""
    flows = np.arange(compiled.n_edges)
    weeks = []

    def record(week, state):
        assert week == len(weeks)
        weeks.append(
            {
                "output": np.array(state.output),
                "wanted": np.array(state.wanted)[compiled.is_market],
                "used": np.array(state.used),
                "stock": np.array(state.stock),
                "ordered": np.array(state.ordered(flows)),
                "made": np.array(state.made(flows)),
                "shipped": np.array(state.shipped(flows)),
                "detoured": np.array(state.detoured(flows)),
                "surplus": np.array(state.surplus),
                "queue": np.array(state.queue),
                "asked": np.array(state.asked),
            }
        )

    engine.run(record)
    return {name: np.stack([week[name] for week in weeks]) for name in weeks[0]}


CASES = list(
    itertools.product(
        ["use", "desired", "realised"],
        ["baseline", "capacity"],
        [("this_week", True), ("last_output", True), ("this_week", False)],
    )
)


@pytest.mark.parametrize(("rule", "shares", "ramp"), CASES)
@pytest.mark.parametrize("lanes", [1, 3, 12])
def test_equal_to_the_readable_engine(compiled, lanes, rule, shares, ramp):
    behaviour = Behaviour(
        switching=False, order_rule=rule, order_shares=shares, scarcity=ramp[0], ramp=ramp[1]
    )
    shocks = plan(compiled, effects(compiled, lanes))
    number = np.dtype("float64")
    dense = played(DenseEngine(compiled, shocks, behaviour, number), compiled)
    plain = played(NumpyEngine(compiled, shocks, behaviour, number), compiled)
    assert plain["output"].min() == -1.0
    cover = compiled.stock.ravel()[None, :, None]
    for name, values in plain.items():
        # A stock that never runs out is 10,000 weeks of use.
        tolerance = 1e-11 * (1.0 + cover) if name == "stock" else 1e-11
        assert (np.abs(dense[name] - values) <= tolerance).all(), name


def test_frozen_orders(compiled):
    behaviour = Behaviour(switching=False, frozen_orders=True)
    shocks = plan(compiled, effects(compiled, 9))
    number = np.dtype("float64")
    dense = played(DenseEngine(compiled, shocks, behaviour, number), compiled)
    plain = played(NumpyEngine(compiled, shocks, behaviour, number), compiled)
    np.testing.assert_allclose(dense["output"], plain["output"], atol=1e-12)
    assert (dense["ordered"] == compiled.sigma).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("shares", ["baseline", "capacity"])
def test_a_lane_without_a_shock_stays_exactly_at_baseline(compiled, shares, dtype):
    behaviour = Behaviour(switching=False, order_shares=shares)
    for lanes in (2, 8):
        batch = effects(compiled, lanes)
        batch[1] = Effects()
        engine = DenseEngine(compiled, plan(compiled, batch), behaviour, np.dtype(dtype))
        run = played(engine, compiled)
        assert (run["output"][:, :, 1] == 0.0).all()
        assert (run["used"][:, :, 1] == 0.0).all()
        assert (run["output"][:, :, 0] != 0.0).any()


@pytest.mark.parametrize("shares", ["baseline", "capacity"])
def test_a_lane_does_not_depend_on_its_neighbours_to_the_last_bit(compiled, shares):
    behaviour, number = Behaviour(switching=False, order_shares=shares), np.dtype("float64")
    batch = effects(compiled, 12)
    whole = played(DenseEngine(compiled, plan(compiled, batch), behaviour, number), compiled)
    shocks = plan(compiled, batch[::-1][:7])
    turned = played(DenseEngine(compiled, shocks, behaviour, number), compiled)
    weeks = slice(shocks.first, None)
    np.testing.assert_array_equal(
        turned["output"][weeks], whole["output"][weeks, :, ::-1][:, :, :7]
    )


def test_single_precision(compiled):
    behaviour = Behaviour(switching=False)
    shocks = plan(compiled, effects(compiled, 9))
    runs = [
        played(DenseEngine(compiled, shocks, behaviour, np.dtype(name)), compiled)
        for name in ("float64", "float32")
    ]
    assert runs[1]["output"].dtype == np.float32
    np.testing.assert_allclose(runs[0]["output"], runs[1]["output"], atol=2e-5)


class TestWhereItDoesNotApply:
    def reason(self, compiled, behaviour=None, batch=None):
        behaviour = behaviour or Behaviour(switching=False)
        return dense_reason(compiled, plan(compiled, batch or [Effects()]), behaviour)

    def test_nothing_against_a_table(self, compiled):
        assert self.reason(compiled) == ""

    def test_behaviour(self, compiled):
        assert "switch" in self.reason(compiled, Behaviour())
        first = Behaviour(switching=False, rationing="domestic_first")
        assert "domestic_first" in self.reason(compiled, first)

    def test_events_on_flows(self, compiled):
        ban = FlowEffect(np.array([0]), np.zeros(WEEKS))
        assert "flows" in self.reason(compiled, batch=[Effects(flows=(ban,))])
        shocks = plan(compiled, [Effects(flows=(ban,))])
        with pytest.raises(OptionError, match="an event acts on flows"):
            DenseEngine(compiled, shocks, Behaviour(switching=False), np.dtype("float64"))

    def test_structure(self, chain):
        frame = chain.flows.assign(growth_max=0.25)
        limited = compile_chain(chain.replace(flows=frame))
        assert "growth" in self.reason(limited)
        late = compile_chain(chain.replace(flows=chain.flows.assign(lead_weeks=2)))
        assert "more than a week" in self.reason(late)

    def test_a_small_table_is_left_to_the_others(self, compiled):
        assert not dense_applies(compiled, plan(compiled, [Effects()]), Behaviour(switching=False))

    def test_too_many_scenarios_at_once(self, compiled):
        shocks = plan(compiled, [Effects()] * (DENSE_LANES + 1))
        with pytest.raises(OptionError, match="at most"):
            DenseEngine(compiled, shocks, Behaviour(switching=False), np.dtype("float64"))


def test_no_chunk_of_a_batch_is_left_with_a_few_lanes(compiled):
    for lanes in range(5, 300):
        for threads in (1, 2, 3, 16):
            size = chunk_size("dense", compiled, np.dtype("float64"), lanes=lanes, threads=threads)
            assert size <= DENSE_LANES
            assert (lanes % size or size) > 4


def test_lanes_are_those_of_the_compiled_loops():
    assert importlib.import_module("chokepoint.propagate._kernels_dense").LANES == DENSE_LANES


def test_a_large_table_is_taken():
    industries = pd.MultiIndex.from_product([[f"R{i}" for i in range(30)], list("abcdefgh")])
    rng = np.random.default_rng(0)
    size = len(industries)
    table = pd.DataFrame(rng.random((size, size)), industries, industries)
    final = pd.DataFrame(rng.random((size, 2)) * size, industries, ["R0", "R1"])
    compiled = compile_chain(cp.SupplyChain.from_io_table(table, final))
    assert dense_applies(compiled, plan(compiled, [Effects()]), Behaviour(switching=False))
    assert not dense_applies(compiled, plan(compiled, [Effects()]), Behaviour())
