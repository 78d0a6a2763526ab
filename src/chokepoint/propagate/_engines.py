"""Which engine runs a batch, on how many threads, and how many lanes it takes at a time."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, get_args

import numpy as np

from chokepoint._optional import require
from chokepoint.propagate._adapter import adapted
from chokepoint.propagate._compile import CompiledChain
from chokepoint.propagate._engine import Engine
from chokepoint.propagate._engine_numpy import NumpyEngine

__all__ = ["ENGINES", "EngineName", "chunk_size", "engine_class", "engine_name", "thread_count"]

EngineName = Literal["auto", "numba", "numpy"]
ENGINES = get_args(EngineName)

_NUMBA = "chokepoint.propagate._engine_numba"

# Flows x lanes that keep the working set of one week in a core's cache.
_CELLS_PER_CHUNK = 64_000
# Single-precision numbers in one cache line: compiled loops run over lanes.
_LINE = 16


def engine_name(asked: EngineName) -> Literal["numba", "numpy"]:
    """Return the engine that runs: ``"auto"`` is the compiled one where numba is installed."""
    if asked != "auto":
        return asked
    return "numba" if _numba_is_ready() else "numpy"


def engine_class(name: Literal["numba", "numpy"]) -> type[Engine]:
    """Return the class of an engine; the compiled one is imported on first use.

    Raises
    ------
    MissingDependencyError
        If numba is asked for and not installed.
    """
    if name == "numpy":
        return adapted(NumpyEngine)  # type: ignore[no-any-return, no-untyped-call]
    require("numba")
    compiled: type[Engine] = import_module(_NUMBA).NumbaEngine
    return compiled


def _numba_is_ready() -> bool:
    if find_spec("numba") is None or find_spec(_NUMBA) is None:
        return False
    return bool(getattr(import_module(_NUMBA), "COMPLETE", False))


def thread_count(threads: int | None, name: Literal["numba", "numpy"]) -> int:
    """Return the number of threads: all cores for compiled code, one for NumPy."""
    if threads is not None:
        return int(threads)
    return _cores() if name == "numba" else 1


def _cores() -> int:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def chunk_size(
    kind: Any, chain: CompiledChain, dtype: np.dtype[np.floating], *, lanes: int, threads: int
) -> int:
    """Return the lanes of a chunk: few enough for the cache, and work for every thread.

    Results do not depend on it. An engine may say how many lanes it likes best at most:
    ``lanes_per_chunk(chain, dtype)``.
    """
    if hasattr(kind, "lanes_per_chunk"):
        most = int(kind.lanes_per_chunk(chain, dtype))
    else:
        most = max(8, _CELLS_PER_CHUNK // max(chain.n_edges, 1))
    share = -(-lanes // threads)
    if threads > 1 and share < most:
        most = min(most, -(-share // _LINE) * _LINE)
    return max(1, most)
