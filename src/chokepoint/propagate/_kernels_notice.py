"""A line on the terminal while loops are compiled, which happens once on a machine."""

from __future__ import annotations

import sys
import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

__all__ = ["first_call"]

# Loading what was compiled before takes less than this [seconds].
_PATIENCE = 1.5
_TEXT = "chokepoint: compiling the weekly model for this machine, once; this takes half a minute\n"

_DONE: set[Hashable] = set()


@contextmanager
def first_call(kind: Hashable) -> Iterator[None]:
    """Say what is going on if the first call of a kind takes its time in a terminal."""
    if kind in _DONE or not sys.stderr.isatty():
        yield
        return
    timer = threading.Timer(_PATIENCE, sys.stderr.write, [_TEXT])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        _DONE.add(kind)
