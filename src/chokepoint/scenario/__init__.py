"""What may happen to a chain: events, and scenarios made of them."""

from __future__ import annotations

from chokepoint.scenario._bans import Boycott, ExportBan, Quota
from chokepoint.scenario._content import embedded_content, technology_reach
from chokepoint.scenario._control import Extraterritorial
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
from chokepoint.scenario._projects import project_effects
from chokepoint.scenario._sample import sample
from chokepoint.scenario._scenario import Scenario
from chokepoint.scenario._service import ServiceDenial
from chokepoint.scenario._tariff import Tariff

__all__ = [
    "Boycott",
    "CapacityEffect",
    "DemandShift",
    "Effects",
    "Event",
    "ExportBan",
    "Extraterritorial",
    "FlowEffect",
    "Licence",
    "LicenceEffect",
    "Outage",
    "Quota",
    "RebuildEffect",
    "Scenario",
    "ServiceDenial",
    "Tariff",
    "TariffEffect",
    "embedded_content",
    "project_effects",
    "sample",
    "technology_reach",
]
