"""Random small chains, events and behaviours for hypothesis.

The chains have everything that the weekly model knows: joint outputs with surplus, by-products that
are pushed, slots with several inputs, partial and disjoint slots, services that cannot be kept,
cohorts, dormant suppliers, a cycle through recycling. Those that are `rich` also have what step 11
of the theory adds (thrift, decay without a service, waiting demand, finished goods at markets),
blocs, and products of different worth; a rich behaviour has every rule of rationing and ordering.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis import settings
from propagate._chains import Alternative, Draft, Flow, product_of

from chokepoint.chain import SupplyChain
from chokepoint.propagate import Behaviour
from chokepoint.scenario import (
    Boycott,
    CapacityEffect,
    DemandShift,
    Effects,
    Event,
    ExportBan,
    FlowEffect,
    Licence,
    LicenceEffect,
    Outage,
    RebuildEffect,
    Scenario,
)

DETERMINISTIC = settings(derandomize=True, deadline=None, database=None, max_examples=50)

COUNTRIES = ("AUS", "CHN", "USA")
BLOCS = {"AUS": "west;pact", "CHN": "east;pact", "USA": "west"}
PRODUCTS = ("ore", "scrap", "power", "nd", "dy", "renewed", "magnet", "swarf", "chip", "car")
RATIONING = ("proportional", "domestic_first", "allies_first", "highest_bidder", "equalising")
# Slot of a maker: products that fill it.
NEEDS: dict[str, dict[str, tuple[str, ...]]] = {
    "split": {"feed": ("ore", "scrap"), "power": ("power",)},
    "renewed": {"swarf": ("swarf",)},
    "magnet": {"nd": ("nd", "renewed"), "dy": ("dy",), "power": ("power",)},
    "car": {"magnet": ("magnet",), "chip": ("chip",)},
}


def _numbers(low: float, high: float, step: float = 0.3) -> st.SearchStrategy[float]:
    """Return numbers most of which no binary fraction is equal to."""
    return st.integers(0, int((high - low) / step)).map(lambda i: low + i * step)


@st.composite
def drafts(draw: st.DrawFn, *, plain: bool = False, rich: bool = False) -> Draft:
    """Return the draft of a chain.

    A `plain` one has essential slots and no joint outputs only, a `rich` one whatever there is.
    """
    some = st.lists(st.sampled_from(COUNTRIES), min_size=1, max_size=3, unique=True)
    made = {p: [f"{p}@{c}" for c in draw(some)] for p in ("ore", "nd", "magnet", "chip", "car")}
    made["power"] = [f"power@{draw(st.sampled_from(COUNTRIES))}"]
    made["scrap"] = ["scrap@USA"] if draw(st.booleans()) else []
    made["dy"] = [site.replace("nd@", "dy@") for site in made["nd"]]
    made["split"] = [site.replace("nd@", "split@") for site in made["nd"]]
    recycling = not plain and draw(st.booleans())
    made["swarf"] = [s.replace("magnet@", "swarf@") for s in made["magnet"]] if recycling else []
    made["renewed"] = ["renewed@USA"] if recycling else []
    if draw(st.booleans()):
        made["car"] += [f"{made['car'][0]}#thin"]
    outputs_of = {s: [s.replace("split", "nd"), s.replace("split", "dy")] for s in made["split"]}
    byproducts_of = {s: [s.replace("magnet", "swarf")] for s in made["magnet"]} if recycling else {}
    if plain:
        made["nd"] = made["split"] = made["dy"] = []
        outputs_of = {}
        needs = {"magnet": {"feed": ("ore", "scrap")}, "car": NEEDS["car"]}
    else:
        needs = NEEDS
    flows, alternatives = _flows(draw, made, needs)
    slots = _slots(draw, flows, plain=plain)
    return Draft(
        flows=flows,
        alternatives=alternatives,
        slots=_rich_slots(draw, slots) if rich else slots,
        markets=_rich_markets(draw, flows) if rich else {},
        products=_worth(draw) if rich else {},
        blocs=BLOCS if rich else {},
        sites=_sites(draw, flows, [*made["split"]]),
        outputs_of=outputs_of,
        byproducts_of=byproducts_of,
        services=("power",),
        countries=COUNTRIES,
        tiers={name: i for i, name in enumerate(PRODUCTS)},
    )


def _flows(
    draw: st.DrawFn, made: dict[str, list[str]], needs: dict[str, dict[str, tuple[str, ...]]]
) -> tuple[list[Flow], list[Alternative]]:
    flows, alternatives = [], []
    quantity, lead, growth = _numbers(5, 100, 1.7), st.integers(1, 4), _numbers(0, 1)

    def supply(suppliers: Sequence[str], buyer: str, slot: str) -> None:
        used = draw(
            st.lists(st.sampled_from(suppliers), min_size=1, max_size=3, unique=True)
            if len(suppliers) > 1
            else st.just(list(suppliers))
        )
        flows.extend(Flow(s, buyer, draw(quantity), slot, draw(lead), draw(growth)) for s in used)
        for supplier in suppliers:
            if supplier not in used and draw(st.integers(0, 3)):
                reserve, weeks = draw(_numbers(0.25, 1)), draw(st.integers(0, 4))
                one = Alternative(supplier, buyer, reserve, weeks, slot, draw(lead))
                alternatives.append(one)

    for product, slots in needs.items():
        for buyer in made[product]:
            for slot, accepted in slots.items():
                if slot == "power" and draw(st.booleans()):
                    continue
                supply([site for p in accepted for site in made[p]], buyer, slot)
    for country in COUNTRIES[: draw(st.integers(1, 3))]:
        supply(made["car"], f"market:car@{country}", "demand")
    sold = {flow.supplier for flow in flows}
    for product, sites in made.items():
        for site in sites if product != "split" else ():
            if site not in sold or draw(st.integers(0, 3)) == 0:
                market = f"market:{product}@{site[len(product) + 1 :].partition('#')[0]}"
                flows.append(Flow(site, f"{market}:other_use", draw(quantity), "demand"))
    return flows, alternatives


def _slots(draw: st.DrawFn, flows: Sequence[Flow], *, plain: bool) -> dict[tuple[str, str], Any]:
    slots: dict[tuple[str, str], Any] = {}
    for flow in flows:
        key = (flow.buyer, flow.slot)
        if flow.buyer.startswith("market:") or key in slots:
            continue
        stock = draw(_numbers(0, 4, 0.19))
        columns = {
            "stock_weeks": stock,
            "throttle_weeks": 1.0 + draw(st.sampled_from([0.0, 0.3, 1.0])) * stock,
            "reorder_weeks": draw(_numbers(1, 6)),
        }
        if not plain:
            columns |= {
                "use_share": draw(st.sampled_from([1.0, 0.5, 0.25])),
                "criticality": draw(st.sampled_from([1.0, 1.0, 0.5, 0.0])),
                "combine": draw(st.sampled_from(["nested", "nested", "disjoint"])),
                "qualification_weeks": draw(st.integers(0, 8)),
                "worth": {"scrap": 1.25, "renewed": 0.75},
            }
            if columns["combine"] == "disjoint":
                columns["use_share"] = min(columns["use_share"], 0.25)
        slots[key] = columns
    return slots


def _rich_slots(
    draw: st.DrawFn, slots: dict[tuple[str, str], Any]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Add thrift to some slots and decay to others, most often where a service is missing."""
    rich = {}
    for (buyer, slot), columns in slots.items():
        more = {}
        if draw(st.integers(0, 2)) == 0:
            more = {
                "thrift_weekly": draw(st.sampled_from([0.02, 0.1, 0.5])),
                "thrift_floor": draw(st.sampled_from([0.4, 0.7, 0.95])),
            }
        if draw(st.integers(0, 1 if slot == "power" else 9)) == 0:
            more |= {
                "decay_weekly": draw(st.sampled_from([0.02, 0.3, 1.0])),
                "repair_weeks": draw(st.sampled_from([1.0, 3.3, 26.0])),
                "criticality": draw(st.sampled_from([0.0, 0.0, 0.5])),
            }
        rich[buyer, slot] = columns | more
    return rich


def _rich_markets(draw: st.DrawFn, flows: Sequence[Flow]) -> dict[str, dict[str, float]]:
    """Let some final demand wait, and some keep finished goods."""
    names = dict.fromkeys(flow.buyer for flow in flows if flow.buyer.startswith("market:"))
    return {
        name: {
            "backlog_share": draw(st.sampled_from([0.0, 0.0, 0.35, 1.0])),
            "stock_weeks": draw(st.sampled_from([0.0, 0.0, 0.7, 3.3])),
            "reorder_weeks": draw(_numbers(1, 6)),
        }
        for name in names
    }


def _worth(draw: st.DrawFn) -> dict[str, dict[str, float]]:
    """Let products differ in price, so that bids do."""
    price = st.sampled_from([1.0, 1.0, 0.3, 7.0])
    return {name: {"worth": draw(price)} for name in [*PRODUCTS, "split"]}


def _sites(
    draw: st.DrawFn, flows: Sequence[Flow], processes: Sequence[str]
) -> dict[str, dict[str, float]]:
    names = dict.fromkeys([*processes, *(flow.supplier for flow in flows)])
    return {
        site: {
            "ramp_max": draw(_numbers(1, 1.5)),
            "ramp_weeks": draw(st.sampled_from([0.5, 4.0, 26.0])),
            "surplus_weeks": draw(_numbers(0, 4, 1.0)),
        }
        for site in names
    }


@st.composite
def events(draw: st.DrawFn, draft: Draft, *, weeks: int) -> Event:
    """Return one event that may hit the chain."""
    start, length = draw(st.integers(0, weeks // 3)), draw(st.none() | st.integers(1, weeks))
    when = {"start": start, "weeks": length}
    sites = sorted({flow.supplier for flow in draft.flows} | set(draft.outputs_of))
    severity = draw(st.sampled_from([1.0, 0.9, 0.4, 0.1, 0.0]))
    products = sorted({product_of(site) for site in sites})
    of = draw(st.none() | st.sampled_from(products))
    by = draw(st.sampled_from(COUNTRIES))
    against = draw(st.sampled_from([None, None, *COUNTRIES]))
    kind = draw(st.sampled_from(["outage", "ban", "licence", "boycott", "demand"]))
    if kind == "outage":
        some = draw(st.lists(st.sampled_from(sites), min_size=1, max_size=2, unique=True))
        recovery = draw(st.integers(0, 5))
        return Outage(sites=some, severity=severity, recovery_weeks=recovery, **when)
    if kind == "ban":
        return ExportBan(by=by, against=against, products=of, severity=severity, **when)
    if kind == "boycott":
        return Boycott(by=by, against=against, products=of, severity=severity, **when)
    if kind == "demand":
        return DemandShift(change=draw(st.sampled_from([-0.5, -0.1, 0.0, 0.2])), **when)
    return Licence(
        by=by,
        against=against,
        products=of,
        review_weeks=draw(st.integers(0, 6)),
        refused=draw(st.sampled_from([0.0, 0.1, 0.5, 1.0])),
        clearing=draw(st.sampled_from([0.0, 0.5, 1.0, 1.5])),
        release=draw(st.none() | st.lists(_numbers(0, 2), min_size=1, max_size=4).map(tuple)),
        goods_weeks=draw(_numbers(0, 4, 1.0)),
        **when,
    )


@st.composite
def scenarios(draw: st.DrawFn, draft: Draft, *, weeks: int, name: str = "some") -> Scenario:
    """Return a scenario of up to five events, which may overlap."""
    chain = draft.build()
    some = [draw(events(draft, weeks=weeks)) for _ in range(draw(st.integers(1, 5)))]
    # An event that matches nothing is refused.
    return Scenario(name, [event for event in some if event.matches(chain)])


@st.composite
def effects(draw: st.DrawFn, chain: SupplyChain, *, weeks: int) -> Effects:
    """Return up to six effects on random sites and flows, whatever event might cause them.

    Flows at home may be capped too, capacities and demands grow as well as shrink.
    """
    nodes, n_edges = chain.nodes, len(chain.edges)
    everywhere = st.integers(0, len(nodes) - 1)
    flows = st.lists(st.integers(0, n_edges - 1), min_size=1, max_size=6, unique=True)
    found = Effects()
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(["capacity", "cap", "cap", "licence", "rebuild"]))
        edges = np.array(sorted(draw(flows)))
        if kind == "capacity":
            hit = draw(st.lists(everywhere, min_size=1, max_size=3, unique=True))
            factor = draw(profiles(weeks, outside=1.0, values=[0.0, 0.2, 0.65, 0.9, 1.15]))
            found += Effects(capacity=(CapacityEffect(np.array(sorted(hit)), factor),))
        elif kind == "cap":
            found += Effects(flows=(_cap(draw, edges, weeks),))
        elif kind == "licence":
            release = draw(profiles(weeks, outside=np.inf, values=[0.0, 0.3, 0.5, 1.0, 1.7]))
            refused, goods = draw(st.sampled_from([0.0, 0.15, 1.0])), draw(_numbers(0, 4, 1.3))
            found += Effects(licences=(LicenceEffect(edges, release, refused, goods),))
        else:
            found += Effects(rebuilds=_rebuilds(draw, chain, weeks))
    return found


def _cap(draw: st.DrawFn, edges: np.ndarray, weeks: int) -> FlowEffect:
    allowed = draw(profiles(weeks, outside=1.0, values=[0.0, 0.1, 0.45, 0.8]))
    redirect = draw(st.integers(0, 3)) == 0
    if redirect or draw(st.booleans()):
        return FlowEffect(edges, allowed, redirect)
    capped = np.flatnonzero(allowed < 1.0)
    opened = np.arange(weeks) >= capped[0] + draw(st.integers(0, 6))
    detour = np.where(opened, draw(st.sampled_from([0.05, 0.3, 0.77, 1.0])), 0.0)
    return FlowEffect(edges, allowed, detour=detour, detour_weeks=draw(st.integers(0, 4)))


def _rebuilds(draw: st.DrawFn, chain: SupplyChain, weeks: int) -> tuple[RebuildEffect, ...]:
    nodes = chain.nodes
    sites = np.flatnonzero(nodes["kind"].eq("site"))
    markets = np.flatnonzero(nodes["kind"].eq("market") & nodes["value_usd_m"].gt(0.0))
    hit = draw(st.lists(st.sampled_from(list(sites)), min_size=1, max_size=2, unique=True))
    sell = draw(st.lists(st.sampled_from(list(markets)), min_size=1, max_size=2, unique=True))
    weekly = nodes["value_usd_m"].to_numpy()[sell].sum() / 52.0
    effect = RebuildEffect(
        np.array(sorted(hit)),
        lost=draw(st.sampled_from([0.1, 0.5, 1.0])),
        first=draw(st.integers(0, weeks // 2)),
        weeks=draw(_numbers(1, 10, 1.3)),
        damage=weekly * draw(_numbers(0.1, 6, 0.7)),
        markets=np.array(sell),
        shares=np.array([1.0]) if len(sell) == 1 else np.array([0.3, 0.7]),
    )
    return (effect,)


@st.composite
def profiles(draw: st.DrawFn, weeks: int, *, outside: float, values: list[float]) -> np.ndarray:
    """Return a weekly path: `outside`, then one value or several in turn, then `outside`."""
    path = np.full(weeks, outside)
    start = draw(st.integers(0, weeks // 3))
    end = min(weeks, start + draw(st.integers(1, weeks)))
    some = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))
    for step, value in enumerate(some):
        path[start + (end - start) * step // len(some) : end] = value
    return path


@st.composite
def behaviours(draw: st.DrawFn, *, rich: bool = False) -> Behaviour:
    """Return settings, extreme ones among them; `rich`: any rule of rationing and ordering."""
    settings_of = {
        "switching": draw(st.sampled_from([True, True, True, False])),
        "trigger": draw(st.sampled_from([0.0, 0.1, 0.4])),
        "memory": draw(st.sampled_from([0.25, 0.5, 1.0, 0.0])),
        "speed": draw(st.sampled_from([0.25, 0.5, 1.0, 0.0])),
        "exponent": draw(st.sampled_from([1.0, 0.0, 2.0])),
        "ramp": draw(st.booleans()),
        "frozen_orders": draw(st.sampled_from([False, False, False, True])),
    }
    if not rich:
        return Behaviour(**settings_of)
    rules = {
        "rationing": draw(st.sampled_from(RATIONING)),
        "alliances": draw(st.sampled_from([None, ("west",), ("east", "pact")])),
        "order_rule": draw(st.sampled_from(["use", "desired", "realised"])),
        "order_shares": draw(st.sampled_from(["baseline", "capacity"])),
        "scarcity": draw(st.sampled_from(["this_week", "last_output"])),
    }
    if rules["order_shares"] == "capacity":
        settings_of["switching"] = False
    return Behaviour(**settings_of | rules)
