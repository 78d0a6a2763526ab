"""The bid rule: orders by bid, served from the top with what was shipped."""

from __future__ import annotations

import numpy as np
import pytest
from propagate._chains import PRICE, Draft, Flow

import chokepoint as cp
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.propagate import bid_price
from chokepoint.scenario import DemandShift, ExportBan, Outage, Scenario


def ore_for_two() -> Draft:
    """Ore for cars, a quarter of it at four times the worth per unit of ore, and for bricks.

    13 units of ore a year make 26 cars at 2 million each, 39 units make 39 bricks at 1 million:
    a unit of ore is worth 4 million of output in a car and 1 million in a brick.
    """
    flows = [
        Flow("ore@AUS", "car@JPN", 13.0),
        Flow("ore@AUS", "brick@USA", 39.0),
        Flow("car@JPN", "market:car@JPN", 26.0),
        Flow("brick@USA", "market:brick@USA", 39.0),
    ]
    return Draft(flows, products={"car": {"worth": 2.0}, "ore": {"worth": 0.5}})


def run(*scenarios: Scenario, draft: Draft | None = None):
    chain = (draft or ore_for_two()).build()
    return chain, cp.simulate(chain, scenarios, weeks=6, record="all")


def fire(severity: float) -> Scenario:
    return Scenario(f"{severity}", Outage(sites="ore@AUS", severity=severity))


def test_price_is_the_bid_of_the_buyer_with_whom_the_quantity_runs_out():
    chain, outcome = run(Scenario("none"), fire(0.5), fire(0.75), fire(0.9), fire(1.0))
    price = bid_price(outcome, chain, "ore")
    # In the week of the fire all order as ever: cars want a quarter, bricks the rest. Half of the
    # ore ends with the bricks; a quarter is used up by the cars; nothing goes to the highest bid.
    expected = [0.5 * PRICE, PRICE, 4 * PRICE, 4 * PRICE, 4 * PRICE]
    assert price[0].tolist() == pytest.approx(expected)
    assert price.index.tolist() == ["none", "0.5", "0.75", "0.9", "1.0"]
    assert price.columns.tolist() == list(range(6))
    multiple = bid_price(outcome, chain, "ore", measure="multiple")
    assert multiple[0].tolist() == pytest.approx([1.0, 2.0, 8.0, 8.0, 8.0])
    assert (multiple.loc["none"] == 1.0).all()


def test_a_part_of_the_world_has_a_price_of_its_own():
    chain, outcome = run(Scenario("ban", ExportBan(by="AUS", against="JPN", products="ore")))
    here = {
        area: bid_price(outcome, chain, "ore", buyers=area)[0].item() for area in ("JPN", "USA")
    }
    assert here == pytest.approx({"JPN": 4 * PRICE, "USA": 0.5 * PRICE})
    # In one market without borders three quarters of the ore end with the bricks.
    assert bid_price(outcome, chain, "ore")[0].item() == pytest.approx(PRICE)


def test_nobody_is_rationed_where_demand_falls():
    chain, outcome = run(Scenario("fall", DemandShift(country="JPN", change=-0.5)))
    assert (bid_price(outcome, chain, "ore", measure="multiple").to_numpy() == 1.0).all()


def test_a_low_bid_never_pushes_the_price_below_baseline():
    draft = ore_for_two()
    draft.products = {"brick": {"worth": 0.1}, "ore": {"worth": 0.5}}
    chain, outcome = run(fire(0.5), draft=draft)
    # A brick is worth less than its ore, which happens in tables: nobody sells below baseline.
    assert bid_price(outcome, chain, "ore", measure="multiple")[0].tolist() == pytest.approx([1.0])


def test_another_input_of_the_slot_fills_the_order():
    draft = Draft(
        flows=[
            Flow("ore@AUS", "mill@JPN", 26.0, slot="feed"),
            Flow("scrap@USA", "mill@JPN", 26.0, slot="feed"),
            Flow("mill@JPN", "market:mill@JPN", 52.0),
        ]
    )
    chain, outcome = run(fire(0.5), draft=draft)
    # A quarter of the feed is missing, half of that is ore in baseline shares; still rationed.
    assert bid_price(outcome, chain, "ore")[0].item() == pytest.approx(PRICE)
    assert bid_price(outcome, chain, "scrap").shape == (1, 6)


def test_what_is_needed_is_checked():
    chain, outcome = run(fire(0.5))
    with pytest.raises(OptionError, match="measure"):
        bid_price(outcome, chain, "ore", measure="euro")
    with pytest.raises(UnknownLabelError):
        bid_price(outcome, chain, "gold")
    with pytest.raises(UnknownLabelError, match="product that"):
        bid_price(outcome, chain, "ore", buyers="AUS")
    with pytest.raises(OptionError, match="chain that was run"):
        bid_price(outcome, cp.load("rare_earths"), "oxide_dy")
    with pytest.raises(OptionError, match="record"):
        bid_price(cp.simulate(chain, fire(0.5), weeks=2), chain, "ore")


def test_the_baseline_price_where_nothing_happens_on_the_shipped_chain():
    chain = cp.load("rare_earths")
    calm = cp.simulate(chain, Scenario("calm"), weeks=3, record="all")
    for product in ("oxide_dy", "magnet_ndfeb", "swarf"):
        assert np.all(bid_price(calm, chain, product, measure="multiple") == 1.0)
