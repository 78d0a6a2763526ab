"""Marginal prices of the planner: by hand, as derivatives, and their range at a kink."""

from __future__ import annotations

import numpy as np
import pytest
from propagate._chains import PRICE, Draft, Flow
from resilience._small import BAN, VALUE, mill, rigid, two_suppliers

import chokepoint as cp
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.resilience import Recourse, recourse
from chokepoint.scenario import DemandShift, ExportBan, Outage, Scenario


def best(draft: Draft, scenario: Scenario = BAN, *, targets="JPN", weeks=12, **options) -> Recourse:
    return recourse(draft.build(), scenario, targets=targets, weeks=weeks, **options)


def chain_of_three() -> Draft:
    """Ore -> part -> car, all but the ore in Japan, two parts in a car."""
    flows = [
        Flow("ore@AUS", "part@JPN", 26.0),
        Flow("part@JPN", "car@JPN", 52.0),
        Flow("car@JPN", "market:car@JPN", 26.0),
    ]
    none = {"stock_weeks": 0.0}
    return rigid(Draft(flows, slots={("part@JPN", "ore"): none, ("car@JPN", "part"): none}))


# ----------------------------------------------------------------------- by hand


def test_a_scarce_input_is_worth_the_value_added_behind_it():
    price = best(mill()).marginal_price("ore")
    # A unit of ore is a unit of the mill's goods: it costs USD 1 million and carries half of one.
    assert price["ore", "JPN"].to_numpy() == pytest.approx(PRICE + VALUE * 1e6)
    assert price.index.tolist() == list(range(12))
    assert "baseline price and marginal rent" in price.attrs["unit"]
    assert best(mill()).marginal_price("ore", measure="rent").to_numpy() == pytest.approx(5e5)
    assert best(mill()).marginal_price("ore", measure="multiple").to_numpy() == pytest.approx(1.5)


def test_value_added_adds_up_along_the_chain():
    found = best(chain_of_three())
    rent = found.marginal_price(measure="rent")
    # A unit of ore makes two parts (USD 0.5 million value added each) and one car (as much).
    assert rent["ore", "JPN"].iloc[:9].to_numpy() == pytest.approx(2 * 5e5 + 5e5)
    # Two parts a car: to have one part more saves half a car, and not the parts plant.
    assert rent["part", "JPN"].iloc[:9].to_numpy() == pytest.approx(0.5 * 5e5)
    # Counted for nobody, nothing is scarce.
    assert "ore" not in best(chain_of_three(), targets="AUS").marginal_price()


def test_nobody_rationed_pays_the_baseline_price():
    fall = Scenario("fall", DemandShift(country="JPN", change=-0.3))
    for scenario in (Scenario("none"), fall):
        found = best(mill(), scenario)
        for at in ("buyer", "supplier"):
            multiple = found.marginal_price(at=at, measure="multiple")
            assert (multiple.to_numpy() == 1.0).all()


def test_price_ends_with_the_shortage():
    fire = Scenario("fire", Outage(sites="ore@AUS", weeks=5))
    rent = best(mill(stock=1), fire, period=1).marginal_price("ore", measure="rent")["ore", "JPN"]
    # Week 0 is on its way, one week is in stock: goods of weeks 0..4 are missing in 2..5, and ore
    # that comes later than that saves nothing.
    assert rent.iloc[:6].to_numpy() == pytest.approx(5e5)
    assert rent.iloc[6:].to_numpy() == pytest.approx(0.0)
    at_mine = best(mill(stock=1), fire).marginal_price("ore", at="supplier", measure="rent")
    assert at_mine["ore", "AUS"].iloc[:5].to_numpy() == pytest.approx(5e5)
    assert at_mine["ore", "AUS"].iloc[5:].to_numpy() == pytest.approx(0.0)


def test_a_ban_parts_the_price_abroad_from_that_at_home():
    found = best(mill())
    # Ore is worth something at the mill, and nothing at the mine from which it may not leave.
    assert "ore" not in found.marginal_price(at="supplier")
    assert found.marginal_price()["ore", "JPN"].iloc[0] > PRICE


def test_only_what_a_unit_makes_possible_counts():
    partly = best(mill(use_share=0.5, criticality=0.5))
    # Without ore a quarter of the output stops; ore for a week saves a quarter of a week.
    assert partly.marginal_price("ore", measure="rent").to_numpy() == pytest.approx(0.25 * 5e5)


def test_longer_periods_price_a_unit_alike():
    rents = [
        best(mill(), period=period).marginal_price("ore", measure="rent").to_numpy()
        for period in (1, 2, 4)
    ]
    for rent in rents:
        assert rent == pytest.approx(5e5)


# -------------------------------------------------------------------- derivatives


@pytest.mark.parametrize("week", [0, 3, 6])
def test_price_at_a_supplier_is_the_derivative_of_the_optimum(week):
    def loss(more: float) -> float:
        fires = [Outage(sites="ore@AUS", weeks=7)]
        if more:
            # As much capacity in one week as `more` weeks of output.
            fires = [
                Outage(sites="ore@AUS", weeks=week) if week else None,
                Outage(sites="ore@AUS", severity=1.0 - more, start=week, weeks=1),
                Outage(sites="ore@AUS", start=week + 1, weeks=6 - week) if week < 6 else None,
            ]
        scenario = Scenario("fire", [fire for fire in fires if fire is not None])
        return best(mill(), scenario).loss_total

    fire = Scenario("fire", Outage(sites="ore@AUS", weeks=7))
    rent = best(mill(), fire).marginal_price("ore", at="supplier", measure="rent")
    gain = (loss(0.0) - loss(1e-3)) / 1e-3  # USD million per week of output, which is one unit
    assert rent["ore", "AUS"].loc[week] == pytest.approx(gain * 1e6, rel=1e-6)


def test_price_at_a_buyer_is_the_derivative_with_respect_to_stock():
    found = best(two_suppliers())
    more = two_suppliers()
    more.slots = {("mill@JPN", "ore"): {"stock_weeks": 1e-3, "qualification_weeks": 8.0}}
    gain = (found.loss_total - best(more).loss_total) / 1e-3
    rent = found.marginal_price("ore", measure="rent")["ore", "JPN"].iloc[0]
    assert rent == pytest.approx(gain * 1e6, rel=1e-6)


def test_the_range_holds_every_dual():
    ban = Scenario("ban", ExportBan(by="AUS", severity=0.5))
    # A week in transit, two in stock, half of the rest: a kink where it is just enough.
    kink = best(mill(stock=2), ban, weeks=5)
    assert kink.loss_total == pytest.approx(0.0, abs=1e-9)
    bounds = kink.price_range("ore", "JPN")
    price = kink.marginal_price("ore")["ore", "JPN"]
    assert (bounds["low"] <= price + 1e-3).all()
    assert (price <= bounds["high"].fillna(np.inf) + 1e-3).all()
    # One unit more saves nothing, one less costs half a unit's worth.
    assert bounds["low"].to_numpy() == pytest.approx(PRICE)
    assert bounds["high"].iloc[0] == pytest.approx(PRICE + 5e5)
    scarce = best(mill()).price_range("ore", "JPN")
    assert scarce.to_numpy() == pytest.approx(PRICE + 5e5)
    # Of three weeks of goods in all, five cannot be taken away.
    assert best(mill()).price_range("ore", "JPN", step=5.0)["high"].isna().all()


# ------------------------------------------------------------------------ frames


def test_frames_by_country_show_the_dearest_place():
    heavy = ["oxide_heavy", "metal", "ndfeb_sintered"]
    ban = Scenario("ban", ExportBan(by="CHN", against="JPN", products=heavy))
    found = recourse(cp.load("rare_earths"), ban, targets="JPN", weeks=26, period=4)
    countries = found.marginal_price("metal_dy")
    sites = found.marginal_price("metal_dy", by="site")
    assert sites.columns.names == ["product", "country", "site", "slot"]
    assert (countries["metal_dy", "JPN"] == sites["metal_dy"]["JPN"].max(axis=1)).all()
    assert (countries.to_numpy() >= 330_000.0).all()
    assert countries["metal_dy", "JPN"].iloc[0] > 330_000.0
    group = found.marginal_price("metal", measure="multiple")
    assert {"metal_dy", "metal_ndpr"} <= set(group.columns.get_level_values("product"))


@pytest.mark.parametrize("options", [{"at": "market"}, {"measure": "euro"}, {"by": "region"}])
def test_options_are_checked(options):
    with pytest.raises(OptionError, match="Expected"):
        best(mill()).marginal_price(**options)


def test_labels_are_checked():
    found = best(mill())
    with pytest.raises(UnknownLabelError):
        found.marginal_price("gold")
    with pytest.raises(UnknownLabelError, match="AUS"):
        found.price_range("ore", "AUS")
    with pytest.raises(OptionError, match="step above 0"):
        found.price_range("ore", "JPN", step=0.0)
