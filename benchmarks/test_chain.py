"""Time to load, build and compile a chain."""

from __future__ import annotations

import numpy as np
import pytest
from chain_cases import CASES

import chokepoint as cp
from chokepoint.datasets import _load
from chokepoint.propagate import compile_chain


@pytest.mark.parametrize("name", cp.datasets.names())
def test_load(benchmark, name):
    benchmark.group = "load"
    # A chain is read once a process; each round starts without it.
    chain = benchmark.pedantic(cp.load, (name,), setup=_load._read.cache_clear, rounds=5)
    assert len(chain.nodes)


@pytest.mark.parametrize("case", CASES)
def test_from_tables(benchmark, case):
    benchmark.group = "from_tables"
    chain = benchmark(cp.SupplyChain.from_tables, CASES[case]())
    assert chain.balance()["relative"].abs().max() < 1e-9


@pytest.mark.parametrize("name", cp.datasets.names())
def test_compile_shipped(benchmark, name):
    benchmark.group = "compile"
    compiled = benchmark(compile_chain, cp.load(name))
    assert compiled.n_edges


@pytest.mark.parametrize("case", CASES)
def test_compile(benchmark, case):
    benchmark.group = "compile"
    compiled = benchmark(compile_chain, cp.SupplyChain.from_tables(CASES[case]()))
    assert compiled.n_edges


@pytest.mark.parametrize(
    "sites", [1_000, 10_000, 100_000, pytest.param(1_000_000, marks=pytest.mark.slow)]
)
def test_synthetic(benchmark, sites):
    benchmark.group = "synthetic"
    chain = benchmark.pedantic(cp.datasets.synthetic, (sites,), {"rng": 1}, rounds=1)
    benchmark.extra_info |= {"flows": len(chain.links), "slots": len(chain.slots)}
    links, nodes = chain.links, chain.nodes["output_qty"].to_numpy()
    shipped = np.bincount(links.supplier, links.quantity, minlength=sites)
    assert np.abs(shipped / nodes[:sites] - 1).max() < 1e-12
