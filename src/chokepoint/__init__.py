"""Supply-chain graphs: what a chain is, what may happen to it, what follows, who gains leverage.

Public names are loaded on first use, so that ``import chokepoint`` stays light. To add one, add a
line to :data:`_PUBLIC` and the same name below ``TYPE_CHECKING``.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chokepoint import datasets as datasets
    from chokepoint import errors as errors
    from chokepoint import exposure as exposure
    from chokepoint import history as history
    from chokepoint import report as report
    from chokepoint import resilience as resilience
    from chokepoint import schema as schema
    from chokepoint.chain import SupplyChain as SupplyChain
    from chokepoint.datasets import load as load
    from chokepoint.errors import ChokepointError as ChokepointError
    from chokepoint.errors import TableError as TableError
    from chokepoint.history import calibrate as calibrate
    from chokepoint.leverage import Leverage as Leverage
    from chokepoint.leverage import drivers as drivers
    from chokepoint.leverage import leverage as leverage
    from chokepoint.program import CVaR as CVaR
    from chokepoint.propagate import Behaviour as Behaviour
    from chokepoint.propagate import Outcome as Outcome
    from chokepoint.propagate import simulate as simulate
    from chokepoint.report import ledger as ledger
    from chokepoint.resilience import Attack as Attack
    from chokepoint.resilience import Budget as Budget
    from chokepoint.resilience import Comparison as Comparison
    from chokepoint.resilience import Defence as Defence
    from chokepoint.resilience import Frontier as Frontier
    from chokepoint.resilience import Plan as Plan
    from chokepoint.resilience import Pool as Pool
    from chokepoint.resilience import Recourse as Recourse
    from chokepoint.resilience import Strategy as Strategy
    from chokepoint.resilience import attack as attack
    from chokepoint.resilience import compare as compare
    from chokepoint.resilience import defend as defend
    from chokepoint.resilience import frontier as frontier
    from chokepoint.resilience import plan as plan
    from chokepoint.resilience import recourse as recourse
    from chokepoint.scenario import Boycott as Boycott
    from chokepoint.scenario import DemandShift as DemandShift
    from chokepoint.scenario import ExportBan as ExportBan
    from chokepoint.scenario import Extraterritorial as Extraterritorial
    from chokepoint.scenario import Licence as Licence
    from chokepoint.scenario import Outage as Outage
    from chokepoint.scenario import Quota as Quota
    from chokepoint.scenario import Scenario as Scenario
    from chokepoint.scenario import ServiceDenial as ServiceDenial
    from chokepoint.scenario import Tariff as Tariff
    from chokepoint.scenario import sample as sample

__version__ = "0.1.0"

_PUBLIC = {
    # name: module that defines it; a module stands for itself
    "Attack": "chokepoint.resilience",
    "Behaviour": "chokepoint.propagate",
    "Boycott": "chokepoint.scenario",
    "Budget": "chokepoint.resilience",
    "CVaR": "chokepoint.program",
    "ChokepointError": "chokepoint.errors",
    "Comparison": "chokepoint.resilience",
    "Defence": "chokepoint.resilience",
    "DemandShift": "chokepoint.scenario",
    "ExportBan": "chokepoint.scenario",
    "Extraterritorial": "chokepoint.scenario",
    "Frontier": "chokepoint.resilience",
    "Leverage": "chokepoint.leverage",
    "Licence": "chokepoint.scenario",
    "Outage": "chokepoint.scenario",
    "Outcome": "chokepoint.propagate",
    "Plan": "chokepoint.resilience",
    "Pool": "chokepoint.resilience",
    "Quota": "chokepoint.scenario",
    "Recourse": "chokepoint.resilience",
    "Scenario": "chokepoint.scenario",
    "ServiceDenial": "chokepoint.scenario",
    "Strategy": "chokepoint.resilience",
    "SupplyChain": "chokepoint.chain",
    "TableError": "chokepoint.errors",
    "Tariff": "chokepoint.scenario",
    "attack": "chokepoint.resilience",
    "calibrate": "chokepoint.history",
    "compare": "chokepoint.resilience",
    "datasets": "chokepoint.datasets",
    "defend": "chokepoint.resilience",
    "drivers": "chokepoint.leverage",
    "errors": "chokepoint.errors",
    "exposure": "chokepoint.exposure",
    "frontier": "chokepoint.resilience",
    "history": "chokepoint.history",
    "ledger": "chokepoint.report",
    "leverage": "chokepoint.leverage",
    "load": "chokepoint.datasets",
    "plan": "chokepoint.resilience",
    "recourse": "chokepoint.resilience",
    "report": "chokepoint.report",
    "resilience": "chokepoint.resilience",
    "sample": "chokepoint.scenario",
    "schema": "chokepoint.schema",
    "simulate": "chokepoint.propagate",
}

__all__ = ["__version__", *_PUBLIC]  # noqa: PLE0604  (the table above is the list)


class _Package(ModuleType):
    """A package whose public functions keep their names beside subpackages of the same name.

    After importing ``chokepoint.leverage`` Python binds that module to the name ``leverage`` here.
    The name belongs to the function, so such a binding is left out; ``from chokepoint.leverage
    import ...`` works as ever.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        full_name = f"{__name__}.{name}"
        bound_by_import = isinstance(value, ModuleType) and value.__name__ == full_name
        if bound_by_import and name in _PUBLIC and not _is_module(name):
            return
        super().__setattr__(name, value)


def _is_module(name: str) -> bool:
    return _PUBLIC[name] == f"{__name__}.{name}" and name not in _FUNCTIONS_NAMED_AS_PACKAGES


_FUNCTIONS_NAMED_AS_PACKAGES = frozenset({"leverage"})

sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_PUBLIC[name])
    value = module if _is_module(name) else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
