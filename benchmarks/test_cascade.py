"""Defaults per second of the cascade index, beside a plain NumPy restatement of the paper.

The restatement keeps dense losses of all firms and updates them at once until no loss grows by
more than 0.01 (the published setting); it is run for a few of the firms. Both figures are printed
and kept in `extra_info`; `pytest benchmarks/test_cascade.py -m 'not slow' -s` shows them.
"""

from __future__ import annotations

import resource
import time

import numpy as np
import pytest
from firm_networks import EVEN_TAIL, TAIL, Network, firm_network
from scipy import sparse

from chokepoint.datasets import synthetic
from chokepoint.exposure import cascade_index
from chokepoint.exposure._cascade import _direct

# firms, sectors, exponent of sizes, revenue from outside, defaults (None = all).
FAST = [
    pytest.param(10_000, 50, TAIL, False, None, id="10k firms, 50 sectors"),
    pytest.param(10_000, 50, TAIL, True, None, id="10k firms, 50 sectors, revenue"),
    pytest.param(10_000, 600, TAIL, True, None, id="10k firms, 600 sectors, revenue"),
]
# The memory of a case is its own only where it runs in a process of its own (`-k`).
SLOW = [
    pytest.param(100_000, 50, TAIL, False, None, id="100k firms, 50 sectors"),
    pytest.param(100_000, 50, TAIL, True, None, id="100k firms, 50 sectors, revenue"),
    pytest.param(100_000, 50, EVEN_TAIL, False, None, id="100k firms, even, 50 sectors"),
    pytest.param(1_000_000, 50, TAIL, True, 1000, id="1M firms, 1000 defaults, revenue"),
]
SAMPLE = 5
STOP = 0.01


def restated(network: Network, default: int, *, leaks: bool) -> int:
    """Iterate the published equations with whole arrays; return the number of steps."""
    n, m = len(network.firms), len(network.essentiality)
    edges, sector = network.edges, network.firms["sector"].to_numpy()
    supplier, buyer, value = (edges[name].to_numpy() for name in ("supplier", "buyer", "value"))
    sales = np.bincount(supplier, weights=value, minlength=n)
    bought = np.bincount(buyer, weights=value, minlength=n)
    kind = network.essentiality[sector[supplier], sector[buyer]]
    group, account = np.unique(buyer * m + sector[supplier], return_inverse=True)
    supplied = np.bincount(account, weights=value)
    essential, other = kind == 2, kind == 1
    first = sparse.csr_array(
        (
            value[essential] / supplied[account[essential]],
            (account[essential], supplier[essential]),
        ),
        shape=(len(group), n),
    )
    second = sparse.csr_array(
        (value[other] / bought[buyer[other]], (buyer[other], supplier[other])), shape=(n, n)
    )
    income = network.revenue.to_numpy() if leaks else np.where(sales > 0, sales, 1.0)
    orders = sparse.csr_array((value / income[supplier], (supplier, buyer)), shape=(n, n))
    shock = np.zeros(n)
    shock[default] = 1.0
    down, up = shock.copy(), shock.copy()
    for step in range(1, 1000):
        left = np.bincount(sector, weights=sales * (1 - down), minlength=m)[sector]
        felt = down * np.divide(sales, left, where=left > sales, out=np.ones(n))
        worst = np.zeros(n)
        np.maximum.at(worst, group // m, first @ felt)
        new_down = np.minimum(np.maximum(shock, np.maximum(worst, second @ felt)), 1.0)
        new_up = np.minimum(np.maximum(shock, orders @ up), 1.0)
        growth = max((new_down - down).max(), (new_up - up).max())
        down, up = new_down, new_up
        if growth <= STOP:
            return step
    return 1000


def load_loops(monkeypatch):
    """Load compiled loops, or compile them, before the clock runs: in all precisions."""
    small = firm_network(2_000, 50)
    for method, largest in (("direct", 19_000), ("direct", 0), ("sweeps", 0)):
        with monkeypatch.context() as patch:
            patch.setattr(_direct, "_LARGEST_CORE", largest)
            cascade_index(
                small.edges, small.firms, small.essentiality, method=method, progress=False
            )


def measure(benchmark, monkeypatch, firms, sectors, tail, leaks, count):
    benchmark.group = "cascade index"
    network = firm_network(firms, sectors, tail=tail)
    rng = np.random.default_rng(1)
    defaults = None if count is None else rng.choice(firms, count, replace=False)
    options = {"revenue": network.revenue if leaks else None, "progress": False}
    load_loops(monkeypatch)
    table = benchmark.pedantic(
        cascade_index,
        (network.edges, network.firms, network.essentiality),
        {**options, "defaults": defaults},
        rounds=1,
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    done = len(table) / benchmark.stats["mean"] if benchmark.stats else float("nan")
    began = time.perf_counter()
    for default in rng.choice(firms, SAMPLE, replace=False):
        restated(network, int(default), leaks=leaks)
    plain = SAMPLE / (time.perf_counter() - began)
    facts = {**network.described(), "defaults": len(table), "defaults_per_second": done,
             "plain_numpy_per_second": plain, "mean_index": table["index"].mean(),
             "largest_index": table["index"].max(), "peak_gb": peak}  # fmt: skip
    benchmark.extra_info.update({name: float(fact) for name, fact in facts.items()})
    print(", ".join(f"{name} {fact:.4g}" for name, fact in facts.items()))  # noqa: T201
    assert table["index"].between(0, 1 + 1e-9).all()


@pytest.mark.parametrize(("firms", "sectors", "tail", "leaks", "count"), FAST)
def test_cascade(benchmark, monkeypatch, firms, sectors, tail, leaks, count):
    measure(benchmark, monkeypatch, firms, sectors, tail, leaks, count)


@pytest.mark.slow
@pytest.mark.parametrize(("firms", "sectors", "tail", "leaks", "count"), SLOW)
def test_cascade_of_large_networks(benchmark, monkeypatch, firms, sectors, tail, leaks, count):
    measure(benchmark, monkeypatch, firms, sectors, tail, leaks, count)


@pytest.mark.parametrize("sites", [1_000, 10_000])
def test_cascade_of_a_synthetic_chain(benchmark, sites):
    benchmark.group = "cascade index"
    chain = synthetic(sites, rng=1)
    options = {"defaults": chain.sites["site"][:1_000].tolist(), "progress": False}
    small = synthetic(200, rng=1)
    cascade_index(small, progress=False)
    table = benchmark.pedantic(cascade_index, (chain,), options, rounds=1)
    done = len(table) / benchmark.stats["mean"] if benchmark.stats else float("nan")
    benchmark.extra_info |= {"defaults": len(table), "defaults_per_second": done,
                             "largest_index": float(table["index"].max())}  # fmt: skip
    assert table["index"].between(0, 1 + 1e-9).all()


def test_the_restatement_is_the_same_iteration():
    network = firm_network(300, 6)
    for leaks in (False, True):
        table = cascade_index(
            network.edges, network.firms, network.essentiality, stop=STOP,
            revenue=network.revenue if leaks else None, defaults=range(12),
        )  # fmt: skip
        steps = [restated(network, default, leaks=leaks) for default in range(12)]
        assert table["iterations"].tolist() == steps
