"""Which engine runs a batch, on how many threads, and how many lanes it takes at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, get_args

import numpy as np

from chokepoint._optional import require
from chokepoint.errors import OptionError
from chokepoint.propagate._behaviour import Behaviour
from chokepoint.propagate._compile import CompiledChain
from chokepoint.propagate._engine import Engine
from chokepoint.propagate._shocks import ShockPlan
from chokepoint.scenario import Effects

__all__ = [
    "ENGINES",
    "EngineName",
    "chunk_size",
    "engine_class",
    "engine_for",
    "sums_kernel",
    "thread_count",
]

EngineName = Literal["auto", "dense", "numba", "numpy"]
ENGINES = get_args(EngineName)
Chosen = Literal["dense", "numba", "numpy"]

_CLASSES = {
    "dense": ("chokepoint.propagate._engine_dense", "DenseEngine"),
    "numba": ("chokepoint.propagate._engine_numba", "NumbaEngine"),
    "numpy": ("chokepoint.propagate._engine_numpy", "NumpyEngine"),
}
_SUMS = "chokepoint.propagate._kernels_sums"
# Flows x lanes that keep the working set of one week in a core's cache.
_CELLS_PER_CHUNK = 64_000
# Single-precision numbers in one cache line: compiled loops run over lanes.
_LINE = 16
# The dense engine sums in another order where it has few lanes, so that it never gets a few of
# many.
_FEW_LANES = 8


def engine_for(
    asked: EngineName,
    chains: Iterable[CompiledChain],
    effects: Callable[[], Iterable[Effects]],
    behaviour: Behaviour,
) -> Chosen:
    """Return the engine that runs a batch.

    ``"auto"`` is the dense one where it gives the same numbers sooner, else the compiled one
    where numba is installed, else NumPy. The choice is one for the whole batch: no lane's result
    depends on the lanes beside it.

    Raises
    ------
    OptionError
        If the dense engine is asked for and cannot run this.
    MissingDependencyError
        If an engine is asked for that needs numba, which is not installed.
    """
    if asked in ("dense", "numba"):
        require("numba")
    if asked == "numpy" or asked == "numba":
        return asked
    listed = list(chains)
    if asked == "dense":
        reason = _why_not_dense(listed, effects, behaviour)
        if reason:
            raise OptionError(
                f'engine="dense" cannot run this: {reason}. Use engine="auto", which takes it '
                "where it can."
            )
        return "dense"
    if _dense_is_sooner(listed, behaviour) and not _why_not_dense(listed, effects, behaviour):
        return "dense"
    return "numba" if _numba_is_ready() else "numpy"


def engine_class(name: Chosen) -> type[Engine]:
    """Return the class of an engine; compiled ones are imported on first use."""
    module, attribute = _CLASSES[name]
    found: type[Engine] = getattr(import_module(module), attribute)
    return found


def sums_kernel(name: Chosen) -> Callable[..., None] | None:
    """Return compiled sums by country for compiled engines, None for NumPy."""
    if name == "numpy":
        return None
    kernel: Callable[..., None] = import_module(_SUMS).country_week
    return kernel


def _numba_is_ready() -> bool:
    if find_spec("numba") is None or find_spec(_CLASSES["numba"][0]) is None:
        return False
    return bool(getattr(import_module(_CLASSES["numba"][0]), "COMPLETE", False))


def _dense_is_sooner(chains: list[CompiledChain], behaviour: Behaviour) -> bool:
    if len(chains) > 1 or behaviour.switching or find_spec(_CLASSES["dense"][0]) is None:
        return False
    module = import_module(_CLASSES["dense"][0])
    return bool(module.dense_applies(chains[0], _plan(chains[0], Effects()), behaviour))


def _why_not_dense(
    chains: list[CompiledChain], effects: Callable[[], Iterable[Effects]], behaviour: Behaviour
) -> str:
    if len(chains) > 1:
        return "there are several chains"
    module = import_module(_CLASSES["dense"][0])
    reason: str = module.dense_reason(chains[0], _plan(chains[0], Effects()), behaviour)
    if reason:
        return reason
    for one in effects():
        if one.flows or one.licences or one.rebuilds:
            reason = module.dense_reason(chains[0], _plan(chains[0], one), behaviour)
            if reason:
                return reason
    return ""


def _plan(chain: CompiledChain, effects: Effects) -> ShockPlan:
    weeks = max(
        (len(one.allowed) for one in effects.flows),
        default=max((len(one.release) for one in effects.licences), default=1),
    )
    return ShockPlan([effects], n_nodes=chain.n_nodes, n_edges=chain.n_edges, weeks=weeks)


def thread_count(threads: int | None, name: Chosen) -> int:
    """Return the number of threads: all cores for compiled code, one for NumPy."""
    if threads is not None:
        return int(threads)
    return 1 if name == "numpy" else _cores()


def _cores() -> int:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def chunk_size(
    name: Chosen, chain: CompiledChain, dtype: np.dtype[np.floating], *, lanes: int, threads: int
) -> int:
    """Return the lanes of a chunk: few enough for the cache, and work for every thread.

    Results do not depend on it. An engine may say how many lanes it likes best at most:
    ``lanes_per_chunk(chain, dtype)``.
    """
    if name == "dense":
        most = int(import_module(_CLASSES[name][0]).DENSE_LANES)
        chunks = max(-(-lanes // most), min(threads, lanes // _FEW_LANES), 1)
        size = -(-lanes // chunks)
        while size < most and 0 < lanes % size < _FEW_LANES:
            size += 1
        return size
    kind: Any = engine_class(name)
    if hasattr(kind, "lanes_per_chunk"):
        most = int(kind.lanes_per_chunk(chain, dtype))
    else:
        most = max(8, _CELLS_PER_CHUNK // max(chain.n_edges, 1))
    share = -(-lanes // threads)
    if threads > 1 and share < most:
        most = min(most, -(-share // _LINE) * _LINE)
    return max(1, most)
