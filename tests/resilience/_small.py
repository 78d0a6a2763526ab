"""Small chains with measures, in which losses can be worked out on paper."""

from __future__ import annotations

import pandas as pd
from propagate._chains import Alternative, Draft, Flow, line

from chokepoint.chain import SupplyChain
from chokepoint.resilience import Plan, plan
from chokepoint.scenario import ExportBan, Scenario

# A site makes one unit a week, worth USD 1 million, half of it value added.
VALUE = 0.5
BAN = Scenario("ban", ExportBan(by="AUS"))


def rigid(draft: Draft) -> Draft:
    """The same chain without any ramp-up, except where sites say otherwise."""
    names = {flow.supplier for flow in draft.flows} | {*draft.outputs_of}
    draft.sites = {name: {"ramp_max": 1.0} for name in names} | dict(draft.sites)
    return draft


def mill(**options) -> Draft:
    return rigid(line("ore@AUS", "mill@JPN", "market:mill@JPN", **options))


def two_suppliers(**options) -> Draft:
    draft = Draft(
        flows=[
            Flow("ore@AUS", "mill@JPN", 26.0),
            Flow("ore@USA", "mill@JPN", 26.0, growth=0.2),
            Flow("mill@JPN", "market:mill@JPN", 52.0),
        ],
        slots={("mill@JPN", "ore"): {"stock_weeks": 0.0, "qualification_weeks": 8.0}},
        **options,
    )
    return rigid(draft)


def open_flow() -> Draft:
    """Half the ore from the USA, which could send as much as it makes."""
    draft = two_suppliers()
    draft.flows = [draft.flows[0], Flow("ore@USA", "mill@JPN", 26.0, growth=9.0), draft.flows[2]]
    return draft


def dormant() -> Draft:
    return rigid(
        Draft(
            flows=[
                Flow("ore@AUS", "mill@JPN"),
                Flow("ore@USA", "market:ore@USA"),
                Flow("mill@JPN", "market:mill@JPN"),
            ],
            alternatives=[Alternative("ore@USA", "mill@JPN", 0.4, qualification=6)],
            slots={("mill@JPN", "ore"): {"stock_weeks": 0.0}},
        )
    )


def offer(draft: Draft, *measures: dict) -> SupplyChain:
    """The chain of a draft, with measures."""
    tables = draft.tables()
    tables["measures"] = pd.DataFrame(measures)
    return SupplyChain.from_tables(tables)


def stock(cost: float = 1e5, **more) -> dict:
    return {"measure": "cellar", "kind": "stock", "product": "ore", "unit_cost": cost} | more


def capacity(**more) -> dict:
    return {
        "measure": "works", "kind": "capacity", "product": "ore", "country": "USA",
        "unit_cost": 1e4, "lead_weeks": 60,
    } | more  # fmt: skip


def second(**more) -> dict:
    return {
        "measure": "tests", "kind": "second_source", "product": "ore", "unit_cost": 1e3,
        "lead_weeks": 10,
    } | more  # fmt: skip


def plan_for_japan(chain: SupplyChain, budget: float, threats=BAN, **options) -> Plan:
    # Most tests are about the planner; the weekly model is asked where it is the question.
    how = {"targets": "JPN", "weeks": 12, "period": 1, "notice": 52.0, "simulate": False}
    how |= options
    return plan(chain, threats, budget=budget, **how)


def table(*measures: dict) -> pd.DataFrame:
    """Measures as a table, to be given beside a chain."""
    return pd.DataFrame(measures)


def recycling(**more) -> dict:
    return {
        "measure": "loop", "kind": "recycling", "product": "ore", "unit_cost": 1e4
    } | more  # fmt: skip


def substitution(**more) -> dict:
    return {
        "measure": "without", "kind": "substitution", "product": "ore", "unit_cost": 1e4
    } | more  # fmt: skip


def reserved(**more) -> dict:
    return {
        "measure": "option", "kind": "reserved_capacity", "product": "ore", "unit_cost": 1e4
    } | more  # fmt: skip


def two_mills(**options) -> Draft:
    """One mine, a mill in each of two countries."""
    draft = Draft(
        flows=[
            Flow("ore@AUS", "mill@JPN"),
            Flow("ore@AUS", "mill@KOR"),
            Flow("mill@JPN", "market:mill@JPN"),
            Flow("mill@KOR", "market:mill@KOR"),
        ],
        **options,
    )
    return rigid(draft)


JPN = Scenario("jpn", ExportBan(by="AUS", against="JPN"))
KOR = Scenario("kor", ExportBan(by="AUS", against="KOR"))
