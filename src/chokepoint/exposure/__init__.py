"""What structure alone tells: concentration, dependence, cascades, power through prices."""

from __future__ import annotations

from chokepoint.exposure._cascade import cascade_index
from chokepoint.exposure._chokepoints import chokepoints, redundancy, stopped
from chokepoint.exposure._concentration import concentration, dependence, hhi, hirschman
from chokepoint.exposure._dependency import core_dependency, geodep
from chokepoint.exposure._graph_view import market_cuts, plain_measures
from chokepoint.exposure._look_through import (
    flow_betweenness,
    hypothetical_extraction,
    look_through,
)
from chokepoint.exposure._power import ces_output, ces_power, domar_loss, elasticity_path
from chokepoint.exposure._survival import weeks_to_stop

__all__ = [
    "cascade_index",
    "ces_output",
    "ces_power",
    "chokepoints",
    "concentration",
    "core_dependency",
    "dependence",
    "domar_loss",
    "elasticity_path",
    "flow_betweenness",
    "geodep",
    "hhi",
    "hirschman",
    "hypothetical_extraction",
    "look_through",
    "market_cuts",
    "plain_measures",
    "redundancy",
    "stopped",
    "weeks_to_stop",
]
