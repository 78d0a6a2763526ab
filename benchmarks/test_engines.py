"""Speed of the compiled engine: million flow-weeks-scenarios per second, and large networks.

Beside each figure stand the bandwidth of the machine, measured in the same run by a triad, and the
bound that it sets where a week's state does not fit the cache: 28 bytes per flow, week and
scenario in single precision.
"""

from __future__ import annotations

import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tiered_arrays import shocks, tiered

import chokepoint as cp
from chokepoint.propagate import Behaviour, compile_chain
from chokepoint.propagate import run as run_batch
from chokepoint.propagate._engine_numba import NumbaEngine
from chokepoint.propagate._shocks import ShockPlan

THREADS = 2
BYTES = 28.0
BATCHES = [  # sites, flows a site, weeks, scenarios
    (1_000, 6.5, 52, 512),
    (10_000, 6.5, 52, 128),
    (10_000, 25.0, 52, 128),
    pytest.param(100_000, 6.5, 26, 64, marks=pytest.mark.slow),
]
SYNTHETIC = [  # sites, weeks, scenarios
    (1_000, 52, 512),
    (10_000, 52, 128),
    pytest.param(100_000, 26, 64, marks=pytest.mark.slow),
    pytest.param(1_000_000, 52, 1, marks=pytest.mark.slow),
]
SINGLES = [(1_000, 6.5, 52), (10_000, 6.5, 52), (10_000, 25.0, 52), (100_000, 6.5, 26)]
CHAINS: dict[tuple[int, float, float], object] = {}


def _chain(sites, flows, per_slot=2.5):
    key = (sites, flows, per_slot)
    if key not in CHAINS:
        CHAINS.clear()
        CHAINS[key] = tiered(sites, flows=flows, per_slot=per_slot)
    return CHAINS[key]


def _run(chain, batch, *, weeks, dtype, behaviour, lanes=None):
    """Run a batch in chunks on two threads; nothing is kept of it."""
    lanes = lanes or NumbaEngine.lanes_per_chunk(chain, np.dtype(dtype))
    classes = np.zeros(chain.n_edges, dtype=np.intp)

    def one(some):
        plan = ShockPlan(some, n_nodes=chain.n_nodes, n_edges=chain.n_edges, weeks=weeks)
        NumbaEngine(chain, plan, behaviour, np.dtype(dtype), classes).run(lambda *_: None)

    chunks = [batch[i : i + lanes] for i in range(0, len(batch), lanes)]
    if len(chunks) == 1:
        one(chunks[0])
        return
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, chunks))


@pytest.fixture(scope="module")
def triad():
    """Bandwidth of two threads [bytes per second]: a = b + s c on arrays beyond the cache."""
    size = 25_000_000
    arrays = [[np.ones(size) for _ in range(3)] for _ in range(THREADS)]

    def one(three):
        np.multiply(three[2], 3.0, out=three[0])
        np.add(three[0], three[1], out=three[0])

    best = 0.0
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(3):
            start = time.perf_counter()
            list(pool.map(one, arrays))
            # NumPy makes two passes: read c, write a; read a and b, write a.
            best = max(best, THREADS * 5 * 8 * size / (time.perf_counter() - start))
    return best


def _report(benchmark, chain, weeks, scenarios, triad=None):
    if benchmark.stats is None:
        return  # not timed
    speed = chain.n_edges * weeks * scenarios / benchmark.stats.stats.min / 1e6
    benchmark.extra_info |= {"flows": chain.n_edges, "speed": round(speed)}
    line = f"\n{chain.n_edges} flows x {weeks} weeks x {scenarios}: {speed:.0f} M/s"
    if triad is not None:
        benchmark.extra_info |= {"triad": triad, "bound": triad / BYTES / 1e6}
        line += f"; triad {triad / 1e9:.1f} GB/s, streaming bound {triad / BYTES / 1e6:.0f} M/s"
    sys.stderr.write(line + "\n")


@pytest.mark.parametrize("switching", [False, True], ids=["fixed", "switching"])
@pytest.mark.parametrize(("sites", "flows", "weeks", "scenarios"), BATCHES)
def test_batch(benchmark, triad, sites, flows, weeks, scenarios, switching):
    benchmark.group = "engine, batch, float32"
    chain = _chain(sites, flows)
    batch = shocks(chain, scenarios, weeks=weeks)
    options = {"weeks": weeks, "dtype": "float32", "behaviour": Behaviour(switching=switching)}
    benchmark.pedantic(_run, (chain, batch), options, rounds=3, warmup_rounds=1)
    _report(benchmark, chain, weeks, scenarios, triad)


@pytest.mark.parametrize("switching", [False, True], ids=["fixed", "switching"])
@pytest.mark.parametrize(("sites", "flows", "weeks"), SINGLES)
def test_one_scenario(benchmark, sites, flows, weeks, switching):
    benchmark.group = "engine, one scenario, float64"
    chain = _chain(sites, flows)
    batch = shocks(chain, 1, weeks=weeks)
    options = {"weeks": weeks, "dtype": "float64", "behaviour": Behaviour(switching=switching)}
    benchmark.pedantic(_run, (chain, batch), options, rounds=3, warmup_rounds=1)
    _report(benchmark, chain, weeks, 1)


@pytest.mark.parametrize(("sites", "weeks", "scenarios"), SYNTHETIC)
def test_hubs_and_cycles(benchmark, triad, sites, weeks, scenarios):
    benchmark.group = "engine, synthetic networks with hubs and cycles, float32"
    chain = compile_chain(cp.datasets.synthetic(sites, rng=1))
    batch = shocks(chain, scenarios, weeks=weeks)
    options = {"weeks": weeks, "dtype": "float32", "behaviour": Behaviour(switching=False)}
    benchmark.pedantic(_run, (chain, batch), options, rounds=1, warmup_rounds=1)
    _report(benchmark, chain, weeks, scenarios, triad)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sites", "flows", "per_slot", "weeks"),
    [(100_000, 4.9, 1.17, 365), (1_000_000, 10.0, 2.5, 52)],
    ids=["1e5 firms, 5e5 links", "1e6 firms, 1e7 links"],
)
def test_large_network(benchmark, sites, flows, per_slot, weeks):
    benchmark.group = "engine, large networks, one scenario"
    chain = _chain(sites, flows, per_slot)
    batch = shocks(chain, 1, weeks=weeks)
    options = {"weeks": weeks, "dtype": "float64", "behaviour": Behaviour(switching=False)}
    benchmark.pedantic(_run, (chain, batch), options, rounds=1, warmup_rounds=0)
    _report(benchmark, chain, weeks, 1)
    # Kilobytes on Linux.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    benchmark.extra_info["peak_gb"] = peak
    sys.stderr.write(f"peak memory of the process {peak:.2f} GB\n")


@pytest.mark.slow
def test_large_network_in_a_batch(benchmark):
    benchmark.group = "engine, large networks, per batch of 64"
    chain = _chain(100_000, 4.9, 1.17)
    batch = shocks(chain, 64, weeks=73)
    options = {"weeks": 73, "dtype": "float32", "behaviour": Behaviour(switching=False)}
    benchmark.pedantic(_run, (chain, batch), options, rounds=1, warmup_rounds=0)
    _report(benchmark, chain, 73, 64)
    if benchmark.stats is not None:
        each = benchmark.stats.stats.min / 64 * 365 / 73
        sys.stderr.write(f"365 steps: {each:.2f} s a scenario\n")


@pytest.mark.slow
def test_ten_thousand_scenarios(benchmark):
    benchmark.group = "10,000 scenarios x 104 weeks, sums by country"
    chain = _chain(1_000, 6.5)
    batch = shocks(chain, 10_000, weeks=104)
    options = {"weeks": 104, "record": "country", "dtype": "float32", "engine": "numba",
               "behaviour": Behaviour(switching=False), "progress": False}  # fmt: skip
    outcome = benchmark.pedantic(
        run_batch, (chain, batch), options | {"labels": range(10_000)}, rounds=1
    )
    _report(benchmark, chain, 104, 10_000)
    assert len(outcome.loss(by="country")) == 10_000


def test_rare_earths(benchmark):
    benchmark.group = "rare_earths, one scenario, 104 weeks"
    chain = cp.load("rare_earths")
    ban = cp.Scenario("ban", [cp.ExportBan(by="CHN", against="USA", products="ndfeb_sintered")])
    options = {"weeks": 104, "record": "country", "engine": "numba"}
    benchmark.pedantic(cp.simulate, (chain, ban), options, rounds=10, warmup_rounds=1)
