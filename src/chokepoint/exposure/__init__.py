"""What structure alone tells: concentration of supply and dependence on single origins."""

from __future__ import annotations

from chokepoint.exposure._cascade import cascade_index
from chokepoint.exposure._concentration import concentration, dependence, hhi, hirschman

__all__ = ["cascade_index", "concentration", "dependence", "hhi", "hirschman"]
