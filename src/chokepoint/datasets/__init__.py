"""The shipped chains and draws from their uncertainty."""

from __future__ import annotations

from chokepoint.datasets._load import load, names

__all__ = ["load", "names"]
