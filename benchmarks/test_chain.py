"""Time to load, build and compile a chain."""

from __future__ import annotations

import pytest
from chain_cases import CASES

import chokepoint as cp
from chokepoint.propagate import compile_chain


@pytest.mark.parametrize("name", cp.datasets.names())
def test_load(benchmark, name):
    benchmark.group = "load"
    chain = benchmark(cp.load, name)
    assert len(chain.nodes)


@pytest.mark.parametrize("case", CASES)
def test_from_tables(benchmark, case):
    benchmark.group = "from_tables"
    chain = benchmark(cp.SupplyChain.from_tables, CASES[case]())
    assert chain.balance().abs().to_numpy().max() < 1e-6


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
