"""What is asked of a chain again and again, kept with it: a chain never changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from chokepoint.chain import SupplyChain

__all__ = ["areas_of", "kept"]

_KEY = "leverage"
T = TypeVar("T")


def kept(chain: SupplyChain, key: Hashable, make: Callable[[], T]) -> T:
    """Return what `make` gives, made once for a chain and a key."""
    known = chain._cache.setdefault(_KEY, {})
    if key not in known:
        known[key] = make()
    found: T = known[key]
    return found


def areas_of(chain: SupplyChain, names: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return ``chain.areas(names)``."""
    key = names if names is None or isinstance(names, str) else tuple(names)
    return kept(chain, ("areas", key), lambda: chain.areas(names))
