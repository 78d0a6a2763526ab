"""What to buy against an attacker who sees it: defender, attacker, planner."""

from __future__ import annotations

from chokepoint.resilience._defend._function import defend
from chokepoint.resilience._defend._result import Defence

__all__ = ["Defence", "defend"]
