"""Time to load, build and compile a chain."""

from __future__ import annotations

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
