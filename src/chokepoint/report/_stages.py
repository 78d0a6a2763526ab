"""What takes how long: a line on the error stream as each stage starts, and a table afterwards."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Stages"]


class Stages:
    """Time the stages of a long piece of work.

    Parameters
    ----------
    show : bool
        Write a line to the error stream when a stage starts.
    """

    def __init__(self, *, show: bool) -> None:
        self._show = show
        self._began = time.perf_counter()
        self.seconds: dict[str, float] = {}

    @property
    def total(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._began

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage; its seconds count even if it fails."""
        self.say(name)
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began

    def say(self, text: str) -> None:
        """Write a line with the seconds since the start."""
        if self._show:
            sys.stderr.write(f"[{self.total:5.1f} s] {text}\n")
            sys.stderr.flush()
