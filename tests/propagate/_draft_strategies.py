"""Random small chains for hypothesis.

The chains have everything that the weekly model knows: joint outputs with surplus, by-products that
are pushed, slots with several inputs, partial and disjoint slots, services that cannot be kept,
cohorts, dormant suppliers, a cycle through recycling. Those that are `rich` also have what step 11
of the theory adds (thrift, decay without a service, waiting demand, finished goods at markets),
blocs, and products of different worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import hypothesis.strategies as st
from propagate._chains import Alternative, Draft, Flow

COUNTRIES = ("AUS", "CHN", "USA")
BLOCS = {"AUS": "west;pact", "CHN": "east;pact", "USA": "west"}
PRODUCTS = ("ore", "scrap", "power", "nd", "dy", "renewed", "magnet", "swarf", "chip", "car")
# Slot of a maker: products that fill it.
NEEDS: dict[str, dict[str, tuple[str, ...]]] = {
    "split": {"feed": ("ore", "scrap"), "power": ("power",)},
    "renewed": {"swarf": ("swarf",)},
    "magnet": {"nd": ("nd", "renewed"), "dy": ("dy",), "power": ("power",)},
    "car": {"magnet": ("magnet",), "chip": ("chip",)},
}


def numbers(low: float, high: float, step: float = 0.3) -> st.SearchStrategy[float]:
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
    quantity, lead, growth = numbers(5, 100, 1.7), st.integers(1, 4), numbers(0, 1)

    def supply(suppliers: Sequence[str], buyer: str, slot: str) -> None:
        used = draw(
            st.lists(st.sampled_from(suppliers), min_size=1, max_size=3, unique=True)
            if len(suppliers) > 1
            else st.just(list(suppliers))
        )
        flows.extend(Flow(s, buyer, draw(quantity), slot, draw(lead), draw(growth)) for s in used)
        for supplier in suppliers:
            if supplier not in used and draw(st.integers(0, 3)):
                reserve, weeks = draw(numbers(0.25, 1)), draw(st.integers(0, 4))
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
        stock = draw(numbers(0, 4, 0.19))
        columns = {
            "stock_weeks": stock,
            "throttle_weeks": 1.0 + draw(st.sampled_from([0.0, 0.3, 1.0])) * stock,
            "reorder_weeks": draw(numbers(1, 6)),
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
            "reorder_weeks": draw(numbers(1, 6)),
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
            "ramp_max": draw(numbers(1, 1.5)),
            "ramp_weeks": draw(st.sampled_from([0.5, 4.0, 26.0])),
            "surplus_weeks": draw(numbers(0, 4, 1.0)),
        }
        for site in names
    }
