"""The strongest attack with given instruments, by the weekly model or against a planner."""

from __future__ import annotations

from chokepoint.resilience._attack._function import attack
from chokepoint.resilience._attack._result import Attack

__all__ = ["Attack", "attack"]
