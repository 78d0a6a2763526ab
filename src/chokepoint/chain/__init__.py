"""The supply chain: tables, views, flow estimation, files and graphs."""

from __future__ import annotations

from chokepoint.chain._chain import SupplyChain

__all__ = ["SupplyChain"]
