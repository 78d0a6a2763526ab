"""Tests that extensions of the library must pass, for their own test suites."""

from __future__ import annotations

from chokepoint.testing._strategy import StrategyContract

__all__ = ["StrategyContract"]
