"""Compiled loops: compiled on first use, kept on disk, run without the interpreter lock.

Import this module only where numba is about to be used: numba takes a second to import.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit

__all__ = ["compiled"]


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that compiles a function with numba options and keeps the result.

    What is kept is good for the sources that it was made from, all of them: numba itself looks
    only at the file of the function, and would go on using a loop whose helpers in other files
    have changed. Where nothing can be kept the function is compiled by each process.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        jit: Any = njit
        try:
            dispatcher = jit(cache=True, nogil=True, **options)(function)
            _keep_apart(dispatcher)
        except (RuntimeError, AttributeError):  # pragma: no cover  (no folder to write to)
            dispatcher = jit(nogil=True, **options)(function)
        return dispatcher

    return decorate


def _keep_apart(dispatcher: Any) -> None:
    """Tie the files of a function to all compiled sources, and those of processes to one each.

    Two processes that compile different variants at the same time would otherwise write to one
    file, and the index of one could name the code of the other.
    """
    files = dispatcher._cache._cache_file
    files._source_stamp = (files._source_stamp, _sources())
    files._data_name_pattern = files._data_name_pattern.replace(
        "{number:d}", f"{os.getpid()}-{{number:d}}"
    )


@cache
def _sources() -> str:
    """Return a fingerprint of all files with compiled loops."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("_kernels*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
