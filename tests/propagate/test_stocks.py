"""Stocks, transit and input limits, week by week."""

from __future__ import annotations

import numpy as np
import pytest
from propagate._chains import Draft, Flow, line
from propagate._play import STIFF, activity

from chokepoint.propagate import Behaviour, simulate
from chokepoint.scenario import ExportBan, Outage, Scenario

BAN = ExportBan(by="AUS")


def mill(*, lead: int = 1, stock: float = 2.0, **slot: object) -> Draft:
    """Ore from Australia, a mill and its customers in Japan."""
    return line("ore@AUS", "mill@JPN", "market:mill@JPN", lead=lead, stock=stock, **slot)


@pytest.mark.parametrize(("lead", "stock"), [(1, 0), (1, 2), (3, 0), (3, 4)])
def test_a_site_runs_for_lead_plus_stock_weeks(lead, stock):
    weeks = activity(mill(lead=lead, stock=stock), BAN, weeks=12, behaviour=STIFF)["mill@JPN"]
    expected = [1.0] * (lead + stock) + [0.0] * (12 - lead - stock)
    assert weeks.tolist() == expected


def test_a_broken_week_of_stock_is_used_up():
    weeks = activity(mill(stock=1.25), BAN, weeks=5, behaviour=STIFF)["mill@JPN"]
    assert weeks.tolist() == [1.0, 1.0, 0.25, 0.0, 0.0]


def test_a_shortage_walks_down_the_chain():
    draft = line("ore@AUS", "mill@JPN", "car@JPN", "market:car@JPN", lead=2, stock=1)
    table = activity(draft, BAN, weeks=12, behaviour=STIFF)
    first = {name: int(np.argmax(table[name] < 1.0)) for name in table if name != "ore@AUS"}
    assert first == {"mill@JPN": 3, "car@JPN": 6, "market:car@JPN": 8}


def test_throttle_slows_a_site_before_its_stock_is_gone():
    # Four weeks of cover with two of them as throttle: v/k = (s + A)/2 below two weeks.
    draft = mill(stock=3, throttle_weeks=2.0)
    weeks = activity(draft, BAN, weeks=6, behaviour=STIFF)["mill@JPN"]
    # Stock at the start of weeks 1..: 3, 2, then half of what is left each week.
    assert weeks.tolist() == [1.0, 1.0, 1.0, 0.5, 0.25, 0.125]


def test_throttle_of_stock_plus_one_starts_at_once_and_not_without_a_shock():
    draft = mill(stock=3, throttle_weeks=4.0)
    weeks = activity(draft, BAN, weeks=4, behaviour=STIFF)["mill@JPN"]
    assert weeks.tolist() == [1.0, 0.75, 0.5625, 0.421875]
    assert (activity(draft, weeks=4) == 1.0).all(axis=None)


@pytest.mark.parametrize("stock", [0.32, 0.57, 1.14])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_rounding_of_stock_plus_one_costs_nothing(stock, dtype):
    chain = mill(stock=stock, throttle_weeks=stock + 1.0).build()
    some = [Scenario("baseline"), Scenario("ban", BAN)]
    outcome = simulate(chain, some, weeks=6, dtype=dtype)
    assert (outcome.loss().loc["baseline"] == 0.0).all()


def test_only_the_part_that_needs_the_input_stops():
    draft = mill(stock=0, use_share=0.5, criticality=0.5)
    weeks = activity(draft, BAN, weeks=4, behaviour=STIFF)["mill@JPN"]
    assert weeks.tolist() == [1.0, 0.75, 0.75, 0.75]


def test_nested_shares_overlap_and_disjoint_shares_add_up():
    flows = [Flow("a@AUS", "car@JPN"), Flow("b@AUS", "car@JPN"), Flow("car@JPN", "market:car@JPN")]

    def lowest(combine: str) -> float:
        columns = {"stock_weeks": 0.0, "use_share": 0.25, "combine": combine}
        slots = {("car@JPN", name): columns for name in "ab"}
        return activity(Draft(flows, slots=slots), BAN, weeks=3, behaviour=STIFF)["car@JPN"][2]

    assert lowest("nested") == 0.75
    assert lowest("disjoint") == 0.5


def test_an_input_of_criticality_zero_never_stops_its_buyer():
    table = activity(mill(stock=0, criticality=0.0), BAN, weeks=6)
    assert (table["mill@JPN"] == 1.0).all()


def test_any_one_of_several_essential_slots_stops_the_site():
    flows = [Flow("a@AUS", "car@JPN"), Flow("b@CHN", "car@JPN"), Flow("car@JPN", "market:car@JPN")]
    slots = {("car@JPN", "a"): {"stock_weeks": 5.0}, ("car@JPN", "b"): {"stock_weeks": 1.0}}
    weeks = activity(Draft(flows, slots=slots), ExportBan(by="CHN"), weeks=4, behaviour=STIFF)
    assert weeks["car@JPN"].tolist() == [1.0, 1.0, 0.0, 0.0]


def test_the_thin_cohort_stops_first_and_the_country_falls_in_two_steps():
    flows = [
        Flow("magnet@CHN", "car@JPN#thin", 13.0),
        Flow("magnet@CHN", "car@JPN#thick", 39.0),
        Flow("car@JPN#thin", "market:car@JPN", 13.0),
        Flow("car@JPN#thick", "market:car@JPN", 39.0),
    ]
    slots = {
        ("car@JPN#thin", "magnet"): {"stock_weeks": 1.0},
        ("car@JPN#thick", "magnet"): {"stock_weeks": 3.0},
    }
    chain = Draft(flows, slots=slots).build()
    ban = ExportBan(by="CHN")
    table = activity(chain, ban, weeks=6, behaviour=STIFF)
    assert table["car@JPN#thin"].tolist() == [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    assert table["car@JPN#thick"].tolist() == [1.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    outcome = simulate(chain, Scenario("ban", ban), weeks=6, behaviour=STIFF)
    # A quarter of 52 a year is 0.25 a week, half of it value added.
    lost = outcome.loss(over="week")["JPN"]
    assert lost.tolist() == [0.0, 0.0, 0.125, 0.125, 0.5, 0.5]


def test_recycled_input_as_or_costs_little_and_as_and_stops_the_site():
    def lowest(slot: str) -> float:
        flows = [
            Flow("oxide@AUS", "magnet@JPN", 90.0, "oxide"),
            Flow("renewed@USA", "magnet@JPN", 10.0, slot),
            Flow("magnet@JPN", "market:magnet@JPN", 50.0),
        ]
        slots = {("magnet@JPN", name): {"stock_weeks": 0.0} for name in {"oxide", slot}}
        out = Outage(products="renewed")
        return activity(Draft(flows, slots=slots), out, weeks=2, behaviour=STIFF)["magnet@JPN"][1]

    assert lowest("oxide") == pytest.approx(0.9, abs=1e-15)
    assert lowest("renewed") == 0.0


def test_or_counts_output_equivalents_not_tonnes():
    # One unit of scrap fills a quarter of what a unit of ore fills: 40 + 40/4 = 50 of output.
    flows = [
        Flow("ore@AUS", "mill@JPN", 40.0, "feed"),
        Flow("scrap@USA", "mill@JPN", 40.0, "feed"),
        Flow("mill@JPN", "market:mill@JPN", 50.0),
    ]
    slots = {("mill@JPN", "feed"): {"stock_weeks": 0.0, "worth": {"ore": 1.0, "scrap": 0.25}}}
    draft = Draft(flows, slots=slots)
    without = {by: activity(draft, ExportBan(by=by), weeks=2) for by in ("AUS", "USA")}
    assert without["AUS"]["mill@JPN"][1] == pytest.approx(0.2, abs=1e-15)
    assert without["USA"]["mill@JPN"][1] == pytest.approx(0.8, abs=1e-15)


def test_a_service_cannot_be_kept_even_where_the_table_states_a_stock():
    draft = mill(stock=2)
    draft.services = ("ore",)
    weeks = activity(draft, BAN, weeks=3, behaviour=STIFF)["mill@JPN"]
    assert weeks.tolist() == [1.0, 0.0, 0.0]


def test_a_site_that_needs_a_service_recovers_after_an_outage():
    draft = line("power@JPN", "mill@JPN", "market:mill@JPN", stock=0, reorder_weeks=1.0)
    draft.services = ("power",)
    stop = Outage(products="mill", weeks=3)
    weeks = activity(draft, stop, weeks=8, behaviour=STIFF)["mill@JPN"]
    # Ready in week 3, power is ordered again, dispatched in week 4 and there in week 5.
    assert weeks.tolist() == [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]


def test_stock_is_built_up_again_after_a_shock():
    draft = mill(stock=4, reorder_weeks=2.0)
    draft.sites = {"ore@AUS": {"ramp_max": 2.0, "ramp_weeks": 1.0}}
    behaviour = Behaviour(switching=False)
    once = ExportBan(by="AUS", weeks=3)
    again = ExportBan(by="AUS", start=40)
    table = activity(draft, once, again, weeks=52, behaviour=behaviour)["mill@JPN"]
    assert table[:45].to_numpy() == pytest.approx(1.0, abs=1e-3)
    assert table[45:].to_numpy() == pytest.approx(0.0, abs=1e-3)
