"""What structure alone tells: concentration of supply and dependence on single origins."""

from __future__ import annotations

from chokepoint.exposure._concentration import concentration, dependence, hhi, hirschman

__all__ = ["concentration", "dependence", "hhi", "hirschman"]
