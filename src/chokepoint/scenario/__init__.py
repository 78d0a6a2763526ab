"""What may happen to a chain: events, and scenarios made of them."""

from __future__ import annotations

from chokepoint.scenario._bans import Boycott, ExportBan, Quota
from chokepoint.scenario._demand import DemandShift
from chokepoint.scenario._effects import (
    CapacityEffect,
    Effects,
    FlowEffect,
    LicenceEffect,
    RebuildEffect,
    TariffEffect,
)
from chokepoint.scenario._event import Event
from chokepoint.scenario._licence import Licence
from chokepoint.scenario._outage import Outage
from chokepoint.scenario._scenario import Scenario
from chokepoint.scenario._tariff import Tariff

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
    "Quota",
    "RebuildEffect",
    "Scenario",
    "Tariff",
    "TariffEffect",
]
