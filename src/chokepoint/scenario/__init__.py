"""What may happen to a chain: events, and scenarios made of them."""

from __future__ import annotations

from chokepoint.scenario._effects import (
    CapacityEffect,
    Effects,
    FlowEffect,
    LicenceEffect,
    RebuildEffect,
    TariffEffect,
)
from chokepoint.scenario._events import (
    Boycott,
    DemandShift,
    Event,
    ExportBan,
    Licence,
    Outage,
)
from chokepoint.scenario._scenario import Scenario

__all__ = [
    "Boycott",
    "CapacityEffect",
    "DemandShift",
    "Effects",
    "Event",
    "ExportBan",
    "FlowEffect",
    "Licence",
    "LicenceEffect",
    "Outage",
    "RebuildEffect",
    "Scenario",
    "TariffEffect",
]
