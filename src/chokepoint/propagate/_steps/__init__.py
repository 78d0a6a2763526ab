"""The steps of the weekly model, one room for each reason to change, for any array library."""

from __future__ import annotations

from chokepoint.propagate._steps._capacity import Capacity
from chokepoint.propagate._steps._caps import Caps
from chokepoint.propagate._steps._delivery import Delivery
from chokepoint.propagate._steps._joint import JointOutputs
from chokepoint.propagate._steps._licences import Licences
from chokepoint.propagate._steps._long_run import Backlog, Thrift
from chokepoint.propagate._steps._numbers import ROUNDING, Numbers
from chokepoint.propagate._steps._orders import Orders
from chokepoint.propagate._steps._production import Production
from chokepoint.propagate._steps._rationing import ByClass, Equalising, Rule
from chokepoint.propagate._steps._rebuilding import Rebuilding
from chokepoint.propagate._steps._replenishment import Replenishment
from chokepoint.propagate._steps._suppliers import CapacityShares, Suppliers

__all__ = [
    "ROUNDING",
    "Backlog",
    "ByClass",
    "Capacity",
    "CapacityShares",
    "Caps",
    "Delivery",
    "Equalising",
    "JointOutputs",
    "Licences",
    "Numbers",
    "Orders",
    "Production",
    "Rebuilding",
    "Replenishment",
    "Rule",
    "Suppliers",
    "Thrift",
]
