"""The chain at the time of an episode: covers and dedicated cohorts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from history._small import small_chain

import chokepoint as cp
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.history import with_cohorts, with_covers

COVER = {
    "table": "inputs", "product": "car", "area": "", "slot": "ore", "column": "stock_weeks",
    "value": 5.0, "low": 4.0, "high": 6.0,
}  # fmt: skip


def cohorts(**row):
    stated = {"buyer": "car@USA", "slot": "ore", "suppliers": "CHN", "share": 0.4}
    return pd.DataFrame([stated | row])


def test_cover_of_a_slot_with_its_range():
    then = with_covers(small_chain(), pd.DataFrame([COVER]))
    assert then.slots["stock_weeks"].to_numpy()[0] == 5.0
    assert then.inputs[["stock_weeks_low", "stock_weeks_high"]].to_numpy().tolist() == [[4.0, 6.0]]


def test_cover_of_one_area_leaves_the_others():
    chain = small_chain()
    sites = pd.concat([chain.sites, chain.sites[chain.sites["product"].eq("car")].assign(
        country="JPN", site="")])  # fmt: skip
    both = cp.SupplyChain.from_tables(
        products=chain.products,
        sites=sites.assign(output_qty=[200.0, 100.0, 100.0], output_usd_m=np.nan),
        inputs=chain.inputs,
        markets=pd.DataFrame({"product": "car", "country": ["USA", "JPN"], "quantity": 100.0}),
    )
    then = with_covers(both, pd.DataFrame([COVER | {"area": "JPN"}]))
    stock = then.slots["stock_weeks"].droplevel("slot")
    assert (stock["car@JPN"], stock["car@USA"]) == (5.0, 2.0)


def test_cover_of_sites():
    row = COVER | {"table": "sites", "slot": "", "column": "ramp_max", "value": 1.05}
    then = with_covers(small_chain(), pd.DataFrame([row]))
    assert then.nodes["ramp_max"]["car@USA"] == 1.05


def test_cover_of_dormant_suppliers():
    """Suppliers that could be approved sooner and sent goods by air then."""
    chain = with_cohorts(small_chain(china=60.0, qualification=26.0), cohorts())
    row = {"table": "alternatives", "column": "qualification_weeks", "area": "USA", "value": 2.0}
    then = with_covers(chain, pd.DataFrame([COVER | row]))
    dormant = then.edges[then.edges["buyer"].eq("car@USA#dedicated")].set_index("supplier")
    assert dormant.loc["ore@AUS", "qualification_weeks"] == 2.0
    assert then.inputs["qualification_weeks"].tolist() == [26.0]
    with pytest.raises(OptionError, match="no dormant supplier of slot 'ore' in AUS"):
        with_covers(chain, pd.DataFrame([COVER | row | {"area": "AUS"}]))


def test_less_stock_takes_the_throttle_along():
    chain = small_chain()
    slow = chain.replace(inputs=chain.inputs.assign(throttle_weeks=3.0))
    then = with_covers(slow, pd.DataFrame([COVER | {"value": 0.5, "low": 0.5, "high": 0.5}]))
    assert then.slots["throttle_weeks"].to_numpy()[0] == 1.5


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"slot": "steel"}, OptionError),
        ({"table": "trade"}, OptionError),
        ({"product": "cart"}, UnknownLabelError),
        ({"area": "AUS"}, OptionError),
    ],
)
def test_what_does_not_fit_is_refused(change, error):
    with pytest.raises(error):
        with_covers(small_chain(china=60.0), pd.DataFrame([COVER | change]))


def test_a_cohort_keeps_every_total():
    chain = small_chain(china=60.0)
    then = with_cohorts(chain, cohorts())
    flow = then.flows.set_index(["supplier", "buyer"])["quantity"]
    assert flow["ore@CHN", "car@USA#dedicated"] == pytest.approx(40.0)
    assert ("ore@AUS", "car@USA#dedicated") not in flow.index
    assert flow["ore@CHN", "car@USA"] == pytest.approx(20.0)
    assert flow["ore@AUS", "car@USA"] == pytest.approx(40.0, rel=1e-6)
    assert flow["car@USA#dedicated", "market:car@USA"] == pytest.approx(40.0)
    sites = then.sites.set_index("site")["output_qty"]
    assert (sites["car@USA"], sites["car@USA#dedicated"]) == pytest.approx((60.0, 40.0))
    old = chain.sites.set_index("site")["output_qty"]
    assert sites[["ore@CHN", "ore@AUS"]].tolist() == old[["ore@CHN", "ore@AUS"]].tolist()


def test_the_dedicated_plant_stops_when_its_own_stock_is_gone():
    stop = cp.Scenario("stop", [cp.Outage(products="ore", country="CHN", weeks=12)])
    frozen = cp.Behaviour(switching=False, ramp=False)
    out = cp.simulate(
        with_cohorts(small_chain(china=60.0), cohorts()), stop, weeks=12, behaviour=frozen
    )
    level = pd.DataFrame(out.activity[0], columns=out.nodes.index)
    # stock of two weeks and one week under way
    assert level["car@USA#dedicated"].tolist()[:5] == pytest.approx([1, 1, 1, 0, 0])
    # the rest gets two thirds of its ore from elsewhere, and its stock lasts three times as long
    assert level["car@USA"].tolist()[:7] == pytest.approx([1] * 7, rel=1e-6)


def test_the_other_suppliers_can_be_qualified():
    then = with_cohorts(small_chain(china=60.0, qualification=8.0), cohorts())
    (row,) = then.alternatives.to_dict("records")
    assert (row["supplier"], row["buyer"]) == ("ore@AUS", "car@USA#dedicated")
    assert row["max_share"] == pytest.approx(0.4, rel=1e-6)
    assert row["qualification_weeks"] == 8.0


def test_cohorts_of_markets_and_of_cohorts():
    chain = with_cohorts(small_chain(china=60.0), cohorts())
    path = pd.DataFrame(
        [{"buyer": "market:car@USA", "slot": "demand", "suppliers": "car@USA#dedicated",
          "share": 0.25}]
    )  # fmt: skip
    then = with_cohorts(chain, path)
    assert then.markets.set_index("market")["quantity"].to_dict() == pytest.approx(
        {"market:car@USA": 75.0, "market:car@USA:dedicated": 25.0}
    )


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"share": 0.7}, OptionError, "state a smaller share"),
        ({"share": 1.0}, OptionError, "between 0 and 1"),
        ({"slot": "steel"}, OptionError, "it has ore"),
        ({"buyer": "car@CAN"}, UnknownLabelError, "car@USA"),
        ({"suppliers": "ore@CAN"}, UnknownLabelError, "ore@CHN|ore@AUS"),
    ],
)
def test_impossible_cohorts_are_refused(change, error, words):
    with pytest.raises(error, match=words):
        with_cohorts(small_chain(china=60.0), cohorts(**change))


def test_nothing_to_change_gives_the_chain_itself():
    chain = small_chain()
    assert with_covers(chain, pd.DataFrame(columns=list(COVER))) is chain
    assert with_cohorts(chain, pd.DataFrame(columns=["buyer", "slot", "suppliers"])) is chain
