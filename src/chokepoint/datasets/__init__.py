"""The shipped chains and draws from their uncertainty."""

from __future__ import annotations

from chokepoint.datasets._draw import draw
from chokepoint.datasets._load import load, names
from chokepoint.datasets._outputs import with_outputs

__all__ = ["draw", "load", "names", "with_outputs"]
