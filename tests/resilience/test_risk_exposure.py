"""Time to recover and time to survive: the published instance, and chains worked out on paper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from propagate._chains import Draft, Flow
from propagate._strategies import drafts
from resilience._small import VALUE, mill, rigid, two_mills

import chokepoint as cp
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.resilience import disruptions, recourse, risk_exposure
from chokepoint.scenario import Outage, Scenario

# A teaching instance of the published program: three suppliers, two products, two weeks.
INSTANCE = {
    "capacity": {"S1": 30, "S2": 45, "S3": 60},
    "demand": {"P1": 75, "P2": 50},
    "inventory": {"P1": 20, "P2": 25},
    "unit_loss": {"P1": 5000, "P2": 6500},
    "time_to_recover": 2,
}


def test_the_published_instance():
    table = disruptions(**INSTANCE)
    assert table.index.tolist() == ["none", "S1", "S2", "S3"]
    assert table["cost"].tolist() == pytest.approx([0, 0, 125_000, 275_000])
    assert table["lost"].tolist() == pytest.approx([0, 0, 25, 55])
    assert table["exposure"].tolist() == pytest.approx([0, 0, 125 / 275, 1])
    assert table["time_to_survive"].tolist() == pytest.approx([np.inf, 2.25, 45 / 35, 0.90])


def test_links_say_who_makes_what():
    links = pd.DataFrame([[1, 0], [1, 0], [0, 1]], index=["S1", "S2", "S3"], columns=["P1", "P2"])
    table = disruptions(**INSTANCE, links=links)
    # Without S3 nobody makes P2; its stock lasts half a week.
    assert table.loc["S3", "time_to_survive"] == pytest.approx(0.5)
    assert table.loc["S3", "cost"] == pytest.approx((2 * 50 - 25) * 6500)
    assert table.loc["none", "time_to_survive"] == np.inf


def test_times_to_recover_may_differ():
    table = disruptions(**INSTANCE | {"time_to_recover": {"S1": 2, "S2": 1, "S3": 2}})
    assert table.loc["S2", "cost"] == 0.0
    assert table.loc["S3", "cost"] == pytest.approx(275_000)


@pytest.mark.parametrize(
    "changes",
    [
        {"inventory": {"P1": 20}},
        {"capacity": {"S1": -1}},
        {"capacity": {}},
        {"unit_loss": {"P1": np.nan, "P2": 1}},
        {"time_to_recover": {"S1": 1}},
        {"links": pd.DataFrame({"P1": [1.0]}, index=["S1"])},
    ],
)
def test_labels_and_numbers_are_checked(changes):
    with pytest.raises(OptionError, match="Expected"):
        disruptions(**INSTANCE | changes)


# ------------------------------------------------------------------------------ chains


def test_stock_and_goods_on_their_way_bridge_an_outage():
    table = risk_exposure(mill().build(), recovery=10.0)
    # Two weeks of stock and one in transit.
    assert table.loc["ore@AUS", "survive"] == pytest.approx(3.0)
    # Seven weeks of the mill, and ten of the mine's own value added.
    assert table.loc["ore@AUS", "own"] == pytest.approx(10 * VALUE)
    assert table.loc["ore@AUS", "loss"] == pytest.approx((10 + 7) * VALUE)
    assert table.loc["mill@JPN", "loss"] == pytest.approx(10 * VALUE)
    assert table.loc["mill@JPN", "survive"] == np.inf
    assert table["exposure"].max() == 1.0
    assert table["at_risk"].to_dict() == {"ore@AUS": True, "mill@JPN": False}
    ours = risk_exposure(mill().build(), targets="JPN", recovery={"ore@AUS": 4.0})
    assert ours.loc["ore@AUS", "loss"] == pytest.approx(1 * VALUE)
    assert ours.loc["ore@AUS", "own"] == 0.0
    assert ours.loc["mill@JPN", "recovery"] == 26.0


def test_spare_capacity_and_growth_of_others_count():
    draft = Draft(
        flows=[
            Flow("ore@AUS", "mill@JPN", 26.0),
            Flow("ore@USA", "mill@JPN", 26.0, growth=0.5),
            Flow("mill@JPN", "market:mill@JPN"),
        ],
        sites={"ore@USA": {"ramp_max": 1.2}, "mill@JPN": {"ramp_max": 1.0}},
    )
    table = risk_exposure(draft.build(), targets="JPN", recovery=10.0)
    # The other mine makes 0.6 of what is needed: three weeks of goods last 3 / 0.4.
    assert table.loc["ore@AUS", "survive"] == pytest.approx(3 / 0.4)
    assert table.loc["ore@AUS", "loss"] == pytest.approx((10 - 6 - 3) * VALUE)


@pytest.mark.parametrize("combine", ["nested", "disjoint"])
def test_slots_that_part_of_the_output_needs(combine):
    draft = mill()
    draft.slots = {("mill@JPN", "ore"): {"use_share": 0.5, "combine": combine, "stock_weeks": 2.0}}
    table = risk_exposure(rigid(draft).build(), targets="JPN", recovery=10.0)
    assert table.loc["ore@AUS", "loss"] == pytest.approx((10 - 3) * 0.5 * VALUE)
    assert table.loc["ore@AUS", "survive"] == pytest.approx(3.0)


def test_a_process_takes_its_outputs_along():
    draft = rigid(
        Draft(
            flows=[
                Flow("neodymium@AUS", "mill@JPN"),
                Flow("cerium@AUS", "market:cerium@AUS"),
                Flow("mill@JPN", "market:mill@JPN"),
            ],
            outputs_of={"mine@AUS": ["neodymium@AUS", "cerium@AUS"]},
        )
    )
    table = risk_exposure(draft.build(), recovery=10.0)
    assert table.loc["mine@AUS", "survive"] == pytest.approx(3.0)
    own = table.loc["mine@AUS", "own"]
    assert table.loc["mine@AUS", "loss"] == pytest.approx(own + 7 * VALUE)


def test_sites_that_nobody_needs_are_not_missed():
    table = risk_exposure(two_mills().build(), targets="JPN")
    assert table.loc["mill@KOR", "loss"] == 0.0
    assert table.loc["mill@KOR", "survive"] == np.inf
    assert table.index[0] == "mill@JPN"


some = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@some
@given(drafts())
def test_the_whole_time_at_once_is_a_bound_on_the_planner_week_by_week(draft):
    # Nobody is qualified within the time here.
    late = {"qualification_weeks": 99.0}
    draft.slots = {place: {**some, **late} for place, some in draft.slots.items()}
    draft.alternatives = [replace(one, qualification=99.0) for one in draft.alternatives]
    chain = draft.build()
    try:
        table = risk_exposure(chain, recovery=8.0)
    except OptionError:
        return  # a chain in which nobody adds value
    for site in table.index[:3]:
        outage = Scenario("outage", Outage(sites=site, weeks=8))
        weekly = recourse(chain, outage, weeks=8).loss_total
        assert table.loc[site, "loss"] <= weekly + 1e-6
        # Whoever lasts as long as the outage loses nothing but the site itself.
        if table.loc[site, "survive"] >= 8:
            assert table.loc[site, "loss"] == pytest.approx(table.loc[site, "own"], abs=1e-6)


@pytest.mark.parametrize("targets", ["JPN", "USA"])
def test_every_site_of_the_shipped_chain(targets):
    chain = cp.load("rare_earths")
    table = risk_exposure(chain, targets=targets, simulated=True)
    made = chain.nodes[chain.nodes["kind"].eq("site") & chain.nodes["output_qty"].gt(0)]
    assert set(table.index) == set(made.index)
    assert table["exposure"].between(0, 1).all()
    assert (table["survive"] >= 0).all()
    # Shifting output over the whole time is more than anybody can do week by week.
    assert (table["loss"] <= table["simulated"] * (1 + 1e-6) + 1e-6).mean() > 0.98


def test_labels_and_times_are_checked():
    chain = mill().build()
    with pytest.raises(UnknownLabelError, match='closest: "mill@JPN"'):
        risk_exposure(chain, sites=["mil@JPN"])
    with pytest.raises(UnknownLabelError):
        risk_exposure(chain, recovery={"nobody": 3.0})
    with pytest.raises(OptionError, match="more than 0 weeks"):
        risk_exposure(chain, recovery=0.0)
    with pytest.raises(UnknownLabelError):
        risk_exposure(chain, targets="Atlantis")
