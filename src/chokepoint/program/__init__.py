"""Linear programs on sparse arrays with names and units, and one module for each solver."""

from __future__ import annotations

from chokepoint.program._blocks import Block, Blocks
from chokepoint.program._builder import ProgramBuilder
from chokepoint.program._decompose import Decomposed, Decomposition
from chokepoint.program._highs import HighsSession
from chokepoint.program._program import LinearProgram
from chokepoint.program._risk import CVaR
from chokepoint.program._solution import Solution, Status
from chokepoint.program._two_stage import Part, TwoStage

__all__ = [
    "Block",
    "Blocks",
    "CVaR",
    "Decomposed",
    "Decomposition",
    "HighsSession",
    "LinearProgram",
    "Part",
    "ProgramBuilder",
    "Solution",
    "Status",
    "TwoStage",
]
