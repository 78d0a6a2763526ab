"""What must not matter: names, the order of rows, and into how many cohorts a site is written."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from propagate._chains import Draft
from propagate._engines import ENGINES, engine_class
from propagate._strategies import COUNTRIES, DETERMINISTIC, behaviours, drafts, scenarios
from propagate.oracle import play

from chokepoint.chain import SupplyChain
from chokepoint.propagate import Behaviour, simulate
from chokepoint.scenario import Event, ExportBan, Outage, Scenario

WEEKS = 24
FEW = settings(DETERMINISTIC, max_examples=6)
AREAS = {"AUS": "ZMB", "CHN": "BRA", "USA": "JPN"}


@pytest.fixture(params=ENGINES, scope="module")
def engine(request) -> str:
    """Return the name of each engine in turn."""
    engine_class(request.param)
    return request.param


def outputs(chain: SupplyChain, scenario: Scenario, how: Behaviour, engine: str) -> dict[str, Any]:
    """Return output by label, over the weeks in which every decision is clear."""
    clear = play(chain, scenario.events, weeks=WEEKS, behaviour=how).clear
    outcome = simulate(chain, scenario, weeks=WEEKS, behaviour=how, engine=engine)
    return {name: outcome.activity[0, :clear, i] for i, name in enumerate(chain.nodes.index)}


def assert_same(here: dict[str, Any], there: dict[str, Any], label=lambda name: name) -> None:
    for name, path in here.items():
        other = there[label(name)]
        weeks = min(len(path), len(other))
        np.testing.assert_allclose(path[:weeks], other[:weeks], rtol=0, atol=1e-9, err_msg=name)


@FEW
@given(data=st.data())
def test_the_order_of_rows_does_not_matter(engine, data):
    draft = data.draw(drafts(rich=True))
    scenario = data.draw(scenarios(draft, weeks=WEEKS, rich=True))
    how, seed = data.draw(behaviours(rich=True)), data.draw(st.integers(0, 99))
    mixed = {
        name: frame.sample(frac=1.0, random_state=seed) for name, frame in draft.tables().items()
    }
    first = outputs(draft.build(), scenario, how, engine)
    assert_same(first, outputs(SupplyChain.from_tables(mixed), scenario, how, engine))


# ------------------------------------------------------------------------------- names


def other_area(area: str) -> str:
    return AREAS.get(area, area)


def other_product(product: str) -> str:
    """Turn the name round, so that products sort in another order."""
    return product[::-1] + "_x"


def other_label(label: str) -> str:
    """Rename a site or market; a product or slot without a country stays."""
    market, rest = ("market:", label[7:]) if label.startswith("market:") else ("", label)
    product, _, where = rest.partition("@")
    return f"{market}{other_product(product)}@{other_area(where[:3])}{where[3:]}"


def renamed(draft: Draft) -> Draft:
    """Return the draft with other products and countries."""

    def link(one):
        return replace(one, supplier=other_label(one.supplier), buyer=other_label(one.buyer))

    def keys(table, label):
        return {label(key): value for key, value in table.items()}

    slots = {}
    for (buyer, slot), columns in draft.slots.items():
        worth = keys(columns.get("worth", {}), other_product)
        slots[other_label(buyer), slot] = {**columns, "worth": worth}
    families = {
        name: {
            other_label(site): [other_label(child) for child in children]
            for site, children in getattr(draft, name).items()
        }
        for name in ("outputs_of", "byproducts_of")
    }
    return Draft(
        flows=[link(flow) for flow in draft.flows],
        alternatives=[link(one) for one in draft.alternatives],
        slots=slots,
        sites=keys(draft.sites, other_label),
        markets=keys(draft.markets, other_label),
        services=[other_product(name) for name in draft.services],
        countries=[other_area(area) for area in draft.countries],
        blocs=keys(draft.blocs, other_area),
        products=keys(draft.products, other_product),
        tiers=keys(draft.tiers, other_product),
        price=draft.price,
        **families,
    )


def renamed_event(event: Event) -> Event:
    """Return the event with other names in every field that names something."""
    rules = {
        "by": other_area,
        "against": other_area,
        "country": other_area,
        "products": other_product,
        "technology": other_product,
        "sites": other_label,
    }
    pairs = {"compliance": other_area, "rebuild_with": other_product}
    changes: dict[str, Any] = {}
    for item in fields(event):
        value = getattr(event, item.name)
        if item.name in rules and value is not None:
            some = [value] if isinstance(value, str) else value
            changes[item.name] = [rules[item.name](one) for one in some]
        elif item.name in pairs and isinstance(value, tuple):
            changes[item.name] = {pairs[item.name](name): share for name, share in value}
    return replace(event, **changes)


@FEW
@given(data=st.data())
def test_names_do_not_matter(engine, data):
    draft = data.draw(drafts(rich=True))
    scenario = data.draw(scenarios(draft, weeks=WEEKS, rich=True))
    how = data.draw(behaviours(rich=True))
    other = Scenario("other", [renamed_event(event) for event in scenario.events])
    first = outputs(draft.build(), scenario, how, engine)
    assert_same(first, outputs(renamed(draft).build(), other, how, engine), other_label)


# ------------------------------------------------------------------------------ cohorts


def divided(draft: Draft, site: str, shares: dict[str, float]) -> Draft:
    """Return the draft with a site as cohorts of equal stocks."""
    names = {f"{site}{cohort}": share for cohort, share in shares.items()}

    def parts(one, size: str):
        suppliers = names if one.supplier == site else {one.supplier: 1.0}
        buyers = names if one.buyer == site else {one.buyer: 1.0}
        for supplier, part in suppliers.items():
            for buyer, other in buyers.items():
                # A cohort's largest share of a slot is its part; into a cohort it stays a share.
                scale = part if size == "max_share" else part * other
                changes = {size: getattr(one, size) * scale}
                yield replace(one, supplier=supplier, buyer=buyer, **changes)

    slots = {}
    for (buyer, slot), columns in draft.slots.items():
        for name in names if buyer == site else [buyer]:
            slots[name, slot] = columns
    columns = draft.sites.get(site, {})
    return replace(
        draft,
        flows=[part for flow in draft.flows for part in parts(flow, "quantity")],
        alternatives=[part for one in draft.alternatives for part in parts(one, "max_share")],
        slots=slots,
        sites={**draft.sites, **dict.fromkeys(names, columns)},
    )


@FEW
@given(data=st.data())
def test_cohorts_of_equal_stock_are_the_undivided_site(engine, data):
    draft = data.draw(drafts(rich=True))
    cars = {flow.supplier for flow in draft.flows if flow.supplier.startswith("car@")}
    site = data.draw(st.sampled_from(sorted(name for name in cars if "#" not in name)))
    split = divided(draft, site, {"#one": 0.3, "#two": 0.7})
    severity = data.draw(st.sampled_from([0.3, 0.9]))
    scenario = Scenario(
        "some",
        [
            Outage(products=data.draw(st.sampled_from(["car", "chip"])), severity=0.4, weeks=3),
            ExportBan(by=data.draw(st.sampled_from(COUNTRIES)), severity=severity, start=2),
        ],
    )
    chain = draft.build()
    scenario = Scenario("some", [event for event in scenario.events if event.matches(chain)])
    how = data.draw(behaviours(rich=True))
    if how.rationing == "highest_bidder":  # quartiles of flows depend on how many there are
        how = replace(how, rationing="equalising")
    whole = outputs(chain, scenario, how, engine)
    parts = outputs(split.build(), scenario, how, engine)
    path = whole.pop(site)
    assert_same(whole, parts)
    assert_same({f"{site}#one": path, f"{site}#two": path}, parts)
