"""Python expressions that give a figure of the ledger again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import MISSING, fields

from chokepoint.leverage import Ramp
from chokepoint.scenario import Scenario

__all__ = ["loss_code", "ramps_code", "scenario_code", "sites_code", "unmet_code"]


def scenario_code(scenario: Scenario) -> str:
    """Return a scenario as code, with ``import chokepoint as cp``.

    Examples
    --------
    >>> scenario_code(cp.Scenario("one", [cp.Boycott(by="CHN", against="USA", products="bean")]))
    "cp.Scenario('one', [cp.Boycott(by='CHN', against='USA', products='bean')])"
    """
    events = ", ".join(f"cp.{_short(event)}" for event in scenario.events)
    return f"cp.Scenario({scenario.name!r}, [{events}])"


def loss_code(load: str, scenario: Scenario, areas: Iterable[str], weeks: int) -> str:
    """Return the loss of value added of areas as code; `load` is the code of the chain."""
    return _sum_code(load, scenario, areas, weeks, "loss")


def unmet_code(load: str, scenario: Scenario, areas: Iterable[str], weeks: int) -> str:
    """Return the final demand of areas that is not met as code."""
    return _sum_code(load, scenario, areas, weeks, "unmet")


def _sum_code(load: str, scenario: Scenario, areas: Iterable[str], weeks: int, what: str) -> str:
    run = f"cp.simulate({load}, {scenario_code(scenario)}, weeks={weeks}, record='country')"
    return f"{run}.{what}().filter({list(areas)!r}).to_numpy().sum()"


def sites_code(
    load: str, scenario: Scenario, area: str, products: Sequence[str], weeks: int, what: str
) -> str:
    """Return the loss of sites ("loss") or what markets miss ("unmet") of some products as code."""
    query = f"country == {area!r} and product in {list(products)!r}"
    return (
        f"cp.simulate({load}, {scenario_code(scenario)}, weeks={weeks}).{what}(by='site').filter("
        f'{load}.nodes.query("{query}").index).to_numpy().sum()'
    )


def ramps_code(ramps: Iterable[Ramp]) -> str:
    """Return ramps as code."""
    return "[" + ", ".join(f"cp.leverage.{_short(one)}" for one in ramps) + "]"


def _short(item: object) -> str:
    """Return the call that makes it, without arguments that are as they would be anyway."""
    parts = []
    for one in fields(item):  # type: ignore[arg-type]
        value = getattr(item, one.name)
        if one.default is MISSING or value != one.default:
            parts.append(f"{one.name}={_value(value)}")
    return f"{type(item).__name__}({', '.join(parts)})"


def _value(value: object) -> str:
    pairs = isinstance(value, Sequence) and not isinstance(value, str) and value
    if pairs and all(isinstance(one, tuple) for one in value):  # type: ignore[attr-defined]
        return repr(dict(value))  # type: ignore[call-overload]
    return repr(value)
