"""The cascade index (economic systemic risk index) of firms."""

from __future__ import annotations

from chokepoint.exposure._cascade._index import cascade_index

__all__ = ["cascade_index"]
