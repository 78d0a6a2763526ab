"""The weekly model: compile a chain to arrays, run scenarios, return an outcome."""

from __future__ import annotations

from chokepoint.propagate._behaviour import Behaviour
from chokepoint.propagate._compile import WEEKS_PER_YEAR, CompiledChain, compile_chain
from chokepoint.propagate._outcome import Outcome
from chokepoint.propagate._price import bid_price
from chokepoint.propagate._run import run
from chokepoint.propagate._shocks import ShockPlan
from chokepoint.propagate._simulate import simulate
from chokepoint.propagate._trace import Trace, trace

__all__ = [
    "WEEKS_PER_YEAR",
    "Behaviour",
    "CompiledChain",
    "Outcome",
    "ShockPlan",
    "Trace",
    "bid_price",
    "compile_chain",
    "run",
    "simulate",
    "trace",
]
