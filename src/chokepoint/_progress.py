"""A progress bar where one is wanted and tqdm is installed, silence otherwise."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

__all__ = ["track"]

T = TypeVar("T")


def track(items: Sequence[T], label: str, *, progress: bool | None) -> Iterator[T]:
    """Yield `items`, drawing a bar if `progress` is true, or None in a terminal."""
    show = sys.stderr.isatty() and len(items) > 1 if progress is None else progress
    return iter(_bar(items, label)) if show else iter(items)


def _bar(items: Sequence[T], label: str) -> Iterable[T]:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _lines(items, label)
    bar: Iterable[T] = tqdm(items, desc=label, leave=False)
    return bar


def _lines(items: Sequence[T], label: str) -> Iterator[T]:
    """Write a tenth at a time to the error stream."""
    total = len(items)
    for done, item in enumerate(items):
        if done * 10 // total != (done - 1) * 10 // total:
            sys.stderr.write(f"{label}: {done * 100 // total} %\n")
        yield item
