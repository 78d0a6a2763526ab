"""Who can hurt whom through which goods, how much, how soon, and at what cost to itself."""

from __future__ import annotations

from chokepoint.leverage._assess import Figure, assess, planned
from chokepoint.leverage._coalition import coalitions
from chokepoint.leverage._corporate import (
    US_SECTORS_IN_CHINA,
    CorporateExposure,
    corporate_exposure,
)
from chokepoint.leverage._critical import critical, critical_index
from chokepoint.leverage._draw_drivers import drivers_of_draws
from chokepoint.leverage._drivers import drivers
from chokepoint.leverage._escalate import escalation
from chokepoint.leverage._escalation import Escalation, parity
from chokepoint.leverage._frontier import CAPS, Frontier, frontier
from chokepoint.leverage._generic import generic_instruments, traded_groups
from chokepoint.leverage._instruments import Instrument, instrument_table, instruments
from chokepoint.leverage._leverage import HORIZONS, leverage
from chokepoint.leverage._profile import Profile, Times, profile, time_favours, times_of
from chokepoint.leverage._ramps import Ramp, chain_at, ramp_cost
from chokepoint.leverage._reach import reach
from chokepoint.leverage._result import Leverage
from chokepoint.leverage._runs import Assessment, Losses, Runs
from chokepoint.leverage._shield import Shield, shield
from chokepoint.leverage._study import Study
from chokepoint.leverage._survival import time_to_survive
from chokepoint.leverage._third import ThirdCountries, third_countries
from chokepoint.leverage._truce import Truce, truce
from chokepoint.leverage._variants import Variant, one_at_a_time, stressed, variants

__all__ = [
    "CAPS",
    "HORIZONS",
    "US_SECTORS_IN_CHINA",
    "Assessment",
    "CorporateExposure",
    "Escalation",
    "Figure",
    "Frontier",
    "Instrument",
    "Leverage",
    "Losses",
    "Profile",
    "Ramp",
    "Runs",
    "Shield",
    "Study",
    "ThirdCountries",
    "Times",
    "Truce",
    "Variant",
    "assess",
    "chain_at",
    "coalitions",
    "corporate_exposure",
    "critical",
    "critical_index",
    "drivers",
    "drivers_of_draws",
    "escalation",
    "frontier",
    "generic_instruments",
    "instrument_table",
    "instruments",
    "leverage",
    "one_at_a_time",
    "parity",
    "planned",
    "profile",
    "ramp_cost",
    "reach",
    "shield",
    "stressed",
    "third_countries",
    "time_favours",
    "time_to_survive",
    "times_of",
    "traded_groups",
    "truce",
    "variants",
]

# The name `chokepoint.leverage` belongs to the function: what the package holds hangs on it too, so
# that ``import chokepoint as cp; cp.leverage.frontier(...)`` finds it.
for _name in __all__:
    if _name != "leverage":
        setattr(leverage, _name, globals()[_name])
