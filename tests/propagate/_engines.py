"""Run any engine on a chain and keep every week that it shows."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from chokepoint.chain import SupplyChain
from chokepoint.propagate import Behaviour, ShockPlan, compile_chain
from chokepoint.propagate._compile import CompiledChain, stack
from chokepoint.propagate._rationing import rationing_classes
from chokepoint.scenario import Effects

ENGINES = {
    "numpy": ("chokepoint.propagate._engine_numpy", "NumpyEngine"),
    "numba": ("chokepoint.propagate._engine_numba", "NumbaEngine"),
}
NODES = ("output", "wanted", "surplus")
SLOTS = ("stock", "used", "asked")
FLOWS = ("ordered", "made", "shipped", "detoured")
LICENSED = ("queue", "goods", "accepted")


def engine_class(name: str):
    """Return an engine; a test of one that is not installed is skipped by its name."""
    if name == "numba":
        pytest.importorskip("numba", reason="the numba engine needs numba")
    module, attribute = ENGINES[name]
    return getattr(importlib.import_module(module), attribute)


@dataclass(frozen=True)
class Run:
    """Arrays (week, row, lane) of all that an engine shows, by the name in `WeekState`."""

    chain: CompiledChain
    shocks: ShockPlan
    seen: dict[str, np.ndarray]

    def __getattr__(self, name: str) -> np.ndarray:
        try:
            return self.__dict__["seen"][name]
        except KeyError:
            raise AttributeError(name) from None


def run(
    engine: str,
    chain: SupplyChain | Sequence[SupplyChain] | CompiledChain,
    effects: Sequence[Effects],
    *,
    weeks: int,
    behaviour: Behaviour | None = None,
    dtype: str = "float64",
    only: Sequence[str] | None = None,
) -> Run:
    """Run a batch, one lane per entry of `effects`, and copy what each week shows."""
    if not isinstance(chain, CompiledChain):
        chains = [chain] if isinstance(chain, SupplyChain) else list(chain)
        chain = stack([compile_chain(one) for one in chains])
    behaviour = behaviour or Behaviour()
    shocks = ShockPlan(effects, n_nodes=chain.n_nodes, n_edges=chain.n_edges, weeks=weeks)
    every = np.arange(chain.n_edges)
    kept: dict[str, list[np.ndarray]] = {}

    def record(week: int, state) -> None:
        for name in only or (*NODES, *SLOTS, *FLOWS, *LICENSED):
            value = getattr(state, name)
            value = value(every) if name in FLOWS else value
            kept.setdefault(name, []).append(np.array(value))
            assert len(kept[name]) == week + 1

    kind = engine_class(engine)
    classes = rationing_classes(chain, behaviour)
    kind(chain, shocks, behaviour, np.dtype(dtype), classes).run(record)
    return Run(chain, shocks, {name: np.stack(rows) for name, rows in kept.items()})
