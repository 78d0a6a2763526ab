"""The shipped chains, draws from their uncertainty, and the macro tables beside them."""

from __future__ import annotations

from chokepoint.datasets._draw import draw
from chokepoint.datasets._draws import Draws
from chokepoint.datasets._load import load, names
from chokepoint.datasets._macro import macro
from chokepoint.datasets._outputs import with_outputs
from chokepoint.datasets._synthetic import synthetic
from chokepoint.datasets._trade_files import read_baci, read_comtrade

__all__ = [
    "Draws",
    "draw",
    "load",
    "macro",
    "names",
    "read_baci",
    "read_comtrade",
    "synthetic",
    "with_outputs",
]
