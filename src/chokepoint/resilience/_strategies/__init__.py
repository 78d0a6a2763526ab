"""Strategies: rules that turn a budget into a plan, and a registry of them."""

from __future__ import annotations

from chokepoint.resilience._strategies import _planned, _rules
from chokepoint.resilience._strategies._contract import Strategy
from chokepoint.resilience._strategies._registry import find, register, resolve, strategies

__all__ = ["BUILT_IN", "Strategy", "find", "register", "resolve", "strategies"]

BUILT_IN = tuple(
    one.name
    for module in (_rules, _planned)
    for one in (getattr(module, name) for name in module.__all__)
)
"""Names of the strategies that come with the library."""
