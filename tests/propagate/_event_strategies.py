"""Random events and scenarios that hit something in a chain."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from propagate._chains import Draft, product_of
from propagate._draft_strategies import COUNTRIES, numbers

from chokepoint.scenario import (
    Boycott,
    DemandShift,
    Event,
    ExportBan,
    Extraterritorial,
    Licence,
    Outage,
    Quota,
    Scenario,
    ServiceDenial,
    Tariff,
)

PLAIN = ("outage", "ban", "licence", "boycott", "demand")
RICH = (*PLAIN, "outage", "quota", "tariff", "reach", "service")


@st.composite
def events(draw: st.DrawFn, draft: Draft, *, weeks: int, rich: bool = False) -> Event:
    """Return one event that may hit the chain."""
    start, length = draw(st.integers(0, weeks // 3)), draw(st.none() | st.integers(1, weeks))
    when = {"start": start, "weeks": length}
    kind = draw(st.sampled_from(RICH if rich else PLAIN))
    if kind == "outage":
        return _outage(draw, draft, when, rich=rich)
    if kind == "demand":
        return DemandShift(change=draw(st.sampled_from([-0.5, -0.1, 0.0, 0.2])), **when)
    what = when | _whose(draw, draft, rich=rich)
    severity = draw(st.sampled_from([1.0, 0.9, 0.4, 0.1, 0.0]))
    if kind == "ban":
        return ExportBan(severity=severity, **what, **(_leakage(draw) if rich else {}))
    if kind == "quota":
        limit = {"share": 1.0 - severity} if draw(st.booleans()) else {"quantity": 90 * severity}
        return Quota(**what, **limit, **_leakage(draw))
    if kind == "boycott":
        return Boycott(severity=severity, **what)
    if kind == "service":
        return ServiceDenial(
            **what | {"products": "power"},
            severity=severity,
            decay=draw(st.sampled_from([0.0, 0.05, 0.5])),
            repair_weeks=draw(st.integers(0, 9)),
        )
    if kind == "reach":
        return _reach(draw, what, severity)
    if kind == "tariff":
        return Tariff(rate=severity, **what)
    return Licence(
        review_weeks=draw(st.integers(0, 6)),
        refused=draw(st.sampled_from([0.0, 0.1, 0.5, 1.0])),
        clearing=draw(st.sampled_from([0.0, 0.5, 1.0, 1.5])),
        release=draw(st.none() | st.lists(numbers(0, 2), min_size=1, max_size=4).map(tuple)),
        goods_weeks=draw(numbers(0, 4, 1.0)),
        **what,
    )


def _reach(draw: st.DrawFn, what: dict[str, Any], severity: float) -> Extraterritorial:
    products = ["ore", "power", "magnet", "chip"]
    content = draw(st.sampled_from([None, 0.0, 0.0371, 0.217, 0.613]))
    technology = draw(st.none() | st.lists(st.sampled_from(products), min_size=1, unique=True))
    if technology is None and content is None:
        content = 0.1011
    return Extraterritorial(
        **what | {"against": what["against"] or "USA"},
        content=content,
        technology=technology,
        severity=severity,
        compliance=draw(st.sampled_from([1.0, 0.5, {"AUS": 0.3, "pact": 0.7}, {"west": 0.0}])),
        **_leakage(draw),
    )


def _outage(draw: st.DrawFn, draft: Draft, when: dict[str, Any], *, rich: bool) -> Outage:
    sites = sorted({flow.supplier for flow in draft.flows} | set(draft.outputs_of))
    some = draw(st.lists(st.sampled_from(sites), min_size=1, max_size=2, unique=True))
    what = {
        "sites": some,
        "severity": draw(st.sampled_from([1.0, 0.9, 0.4, 0.1, 0.0])),
        "recovery_weeks": draw(st.integers(0, 5)),
    }
    if rich:
        curves = ["linear", "exponential", "s_shaped", "rebuild"]
        what["recovery"] = draw(st.sampled_from(curves))
    if what.get("recovery") == "rebuild":
        sold = _sold_everywhere(draft, {site.partition("@")[2][:3] for site in some})
        if not sold:
            return Outage(**what | {"recovery": "linear"}, **when)
        when = when | {"weeks": when["weeks"] or 3}
        what["recovery_weeks"] += 1
        what["damage"] = draw(numbers(0.1, 20))
        what["rebuild_with"] = {sold[0]: 1.0} if len(sold) < 2 else {sold[0]: 0.3, sold[1]: 0.7}
    return Outage(**what, **when)


def _sold_everywhere(draft: Draft, countries: set[str]) -> list[str]:
    """Return the products that some market in each of the countries buys."""
    markets = [flow.buyer for flow in draft.flows if flow.buyer.startswith("market:")]
    sold: dict[str, set[str]] = {}
    for label in markets:
        product, _, country = label.split(":")[1].partition("@")
        sold.setdefault(product, set()).add(country)
    return sorted(product for product, where in sold.items() if where >= countries)


def _whose(draw: st.DrawFn, draft: Draft, *, rich: bool) -> dict[str, Any]:
    sites = {flow.supplier for flow in draft.flows} | set(draft.outputs_of)
    products = sorted({product_of(site) for site in sites})
    areas = [*COUNTRIES, *(("west", "east") if rich else ())]
    return {
        "by": draw(st.sampled_from(areas)),
        "against": draw(st.sampled_from([None, None, *areas])),
        "products": draw(st.none() | st.sampled_from(products)),
    }


def _leakage(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "leakage": draw(st.sampled_from([0.0, 0.3, 1.0])),
        "leakage_lag": draw(st.integers(0, 4)),
        "leakage_weeks": draw(st.integers(0, 4)),
    }


@st.composite
def scenarios(
    draw: st.DrawFn, draft: Draft, *, weeks: int, name: str = "some", rich: bool = False
) -> Scenario:
    """Return a scenario of up to five events, which may overlap."""
    chain = draft.build()
    count = draw(st.integers(1, 5))
    some = [draw(events(draft, weeks=weeks, rich=rich)) for _ in range(count)]
    # An event that matches nothing is refused.
    return Scenario(name, [event for event in some if event.matches(chain)])
