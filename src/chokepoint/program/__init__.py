"""Linear programs on sparse arrays with names and units, and one module for each solver."""

from __future__ import annotations

from chokepoint.program._blocks import Block, Blocks
from chokepoint.program._builder import ProgramBuilder
from chokepoint.program._highs import HighsSession
from chokepoint.program._program import LinearProgram
from chokepoint.program._solution import Solution, Status

__all__ = [
    "Block",
    "Blocks",
    "HighsSession",
    "LinearProgram",
    "ProgramBuilder",
    "Solution",
    "Status",
]
