"""Case after case, block by block, on several threads, with a file that keeps what is done."""

from __future__ import annotations

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chokepoint._progress import track
from chokepoint.errors import OptionError
from chokepoint.exposure._cascade._shocks import Shocks, Solver

__all__ = ["run"]

FloatArray = NDArray[np.float64]

# Writing takes a moment; that much is computed in between.
_SECONDS_PER_WRITE = 10.0
# Blocks for each thread at least, so that none is left with nothing to do.
_BLOCKS_PER_THREAD = 4
_FEWEST_CASES = 32


def run(
    solver: Solver,
    shocks: Shocks,
    *,
    threads: int | None,
    checkpoint: str | os.PathLike[str] | None,
    progress: bool | None,
) -> FloatArray:
    """Return index, downstream, upstream and steps, one row per case."""
    workers = (os.cpu_count() or 1) if threads is None else threads
    if workers < 1:
        raise OptionError(f"Cascade index: threads must be at least 1, got {threads}.")
    values = np.full((len(shocks), 4), np.nan)
    kept = _Checkpoint(checkpoint, solver, shocks) if checkpoint is not None else None
    if kept is not None:
        kept.read(values)
    fair = -(-len(shocks) // (_BLOCKS_PER_THREAD * workers))
    size = min(solver.cases_per_block, max(fair, _FEWEST_CASES))
    blocks = [slice(i, min(i + size, len(shocks))) for i in range(0, len(shocks), size)]
    todo = [block for block in blocks if np.isnan(values[block]).any()]
    pool = ThreadPoolExecutor(workers)
    written = time.monotonic()
    try:
        found = pool.map(lambda block: solver.solve(shocks, block), todo)
        for block in track(todo, "cascade index", progress=progress):
            values[block] = next(found)
            if kept is not None and time.monotonic() - written > _SECONDS_PER_WRITE:
                kept.write(values)
                written = time.monotonic()
    finally:
        # Also where the user breaks off: what is done is kept, and what has not begun is dropped.
        pool.shutdown(cancel_futures=True)
        if kept is not None and todo:
            kept.write(values)
    return values


class _Checkpoint:
    """An NPZ file with what is done; it belongs to one network and one set of shocks."""

    def __init__(self, path: str | os.PathLike[str], solver: Solver, shocks: Shocks) -> None:
        given = Path(path)
        self._path = given if given.suffix == ".npz" else given.with_name(given.name + ".npz")
        self._key = _fingerprint(solver, shocks)

    def read(self, values: FloatArray) -> None:
        """Fill in what a former run has done."""
        if not self._path.exists():
            return
        with np.load(self._path) as stored:
            if str(stored["key"]) != self._key:
                raise OptionError(
                    f"Expected {self._path.name} to hold results of the same network and shocks, "
                    "it holds others. Choose another file, or delete it."
                )
            values[:] = stored["values"]

    def write(self, values: FloatArray) -> None:
        """Replace the file in one step, so that it is never half-written."""
        part = self._path.with_name(self._path.name + ".part.npz")
        np.savez(part, key=np.array(self._key), values=values)
        part.replace(self._path)


def _fingerprint(solver: Solver, shocks: Shocks) -> str:
    network = solver.network
    digest = hashlib.sha256(repr((solver.settings, network.closed)).encode())
    for array in (
        network.sector, network.market, network.supplier, network.buyer, network.value,
        network.importance, network.revenue, network.cost, solver.weight, shocks.firms,
        shocks.table if shocks.table is not None else np.empty(0),
    ):  # fmt: skip
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update("\n".join(map(str, network.firms)).encode())
    return digest.hexdigest()
