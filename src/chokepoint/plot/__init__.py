"""Pictures: compute, then draw. Heavy libraries load on drawing; nothing is ever shown."""

from __future__ import annotations

from chokepoint.plot._accessor import OutcomePlots
from chokepoint.plot._leverage import band, leverage_map, leverage_timeline, tornado
from chokepoint.plot._plan import plan_measures, plan_saving
from chokepoint.plot._sankey import sankey
from chokepoint.plot._timeline import timeline, timeline_interactive

__all__ = [
    "OutcomePlots",
    "band",
    "leverage_map",
    "leverage_timeline",
    "plan_measures",
    "plan_saving",
    "sankey",
    "timeline",
    "timeline_interactive",
    "tornado",
]
