"""Recycling, substitution and reserved capacity, worked out on paper."""

from __future__ import annotations

import pandas as pd
import pytest
from propagate._chains import Draft, Flow
from resilience._small import (
    BAN,
    VALUE,
    dormant,
    mill,
    offer,
    plan_for_japan,
    recycling,
    reserved,
    rigid,
    stock,
    substitution,
    table,
    two_suppliers,
)

import chokepoint as cp
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.resilience import recourse
from chokepoint.scenario import ExportBan, Outage, Scenario

# Two weeks of stock and one in transit; then nothing for nine of twelve weeks.
BEFORE = 9 * VALUE


@pytest.mark.parametrize("measure", [recycling, substitution])
def test_a_tenth_of_the_slot_every_week(measure):
    chain = offer(mill(), measure(lead_weeks=40))
    # 5.2 units a year for USD 0.052 million: a tenth of the slot, twelve times.
    bought = plan_for_japan(chain, 0.052)
    row = bought.measures.iloc[0]
    assert (row["quantity"], row["share"]) == pytest.approx((5.2, 0.1))
    assert row["unit"] == "unit per year"
    assert bought.baseline_loss["ban"] == pytest.approx(BEFORE)
    assert bought.residual_loss["ban"] == pytest.approx(BEFORE - 1.2 * VALUE)
    late = plan_for_japan(chain, 0.052, notice=36.0)
    assert late.measures["delay_weeks"].tolist() == [4.0]
    assert late.residual_loss["ban"] == pytest.approx(BEFORE - 0.8 * VALUE)
    # All of the slot, for ten times the money, and no more than that.
    whole = plan_for_japan(chain, 5.0)
    assert whole.residual_loss["ban"] == pytest.approx(0.0, abs=1e-9)
    assert whole.spent <= 0.52 * (1 + 1e-9)


def test_recycled_goods_can_be_kept_and_a_way_to_produce_cannot():
    fire = Outage(sites="mill@JPN", weeks=6)
    both = Scenario("both", [*BAN.events, fire])
    left = {}
    for measure in (recycling, substitution):
        bought = plan_for_japan(offer(mill(), measure()), 0.052, both)
        left[measure] = bought.residual_loss["both"]
    # Six weeks of fire; then six weeks for three of goods and a tenth of twelve, or of six.
    assert left[recycling] == pytest.approx((6 + 6 - 3 - 1.2) * VALUE)
    assert left[substitution] == pytest.approx((6 + 6 - 3 - 0.6) * VALUE)


@pytest.mark.parametrize("combine", ["nested", "disjoint"])
def test_a_substitute_serves_partly_needed_slots(combine):
    half = {"use_share": 0.5, "combine": combine, "stock_weeks": 0.0}
    draft = mill()
    draft.slots = {("mill@JPN", "ore"): half}
    bought = plan_for_japan(offer(draft, substitution()), 0.052)
    # Weeks 1 to 11 lack half of the output, and a tenth of the slot is a twentieth of it; what
    # is saved in week 0 is kept.
    assert bought.baseline_loss["ban"] == pytest.approx(11 * 0.5 * VALUE)
    assert bought.residual_loss["ban"] == pytest.approx((11 * 0.5 - 12 * 0.05) * VALUE)


def test_recycled_inputs_are_those_that_the_slot_accepts():
    draft = rigid(
        Draft(
            flows=[
                Flow("ore@AUS", "mill@JPN", slot="feed"),
                Flow("mill@JPN", "market:mill@JPN"),
                Flow("scrap@USA", "market:scrap@USA"),
            ],
        )
    )
    tables = draft.tables()
    other = tables["inputs"].assign(input="scrap", quantity=2.0)
    tables["inputs"] = pd.concat([tables["inputs"], other], ignore_index=True)
    tables["measures"] = table(recycling(product="scrap"))
    chain = cp.SupplyChain.from_tables(tables)
    # Two units of scrap fill the place of one of ore: 104 a year for the whole slot.
    bought = plan_for_japan(chain, 0.104)
    assert bought.measures["share"].tolist() == pytest.approx([0.1])
    assert bought.residual_loss["ban"] == pytest.approx(BEFORE - 1.2 * VALUE)


def test_less_is_used_on_the_hardened_chain():
    chain = offer(mill(), substitution())
    bought = plan_for_japan(chain, 0.26)
    hardened = bought.apply(chain)
    row = hardened.inputs[hardened.inputs["site"].eq("mill@JPN")].iloc[0]
    assert row["thrift_floor"] == pytest.approx(0.5)
    # What is there lasts twice as long once savings have begun, a week after the start; the
    # planner's own answer is no worse, as half of the output goes on for ever.
    again = recourse(hardened, BAN, targets="JPN", weeks=12).loss_total
    assert again >= bought.residual_loss["ban"] - 1e-9
    assert again < bought.baseline_loss["ban"]
    simulated = bought.check(chain, BAN).loc["ban"]
    assert simulated["simulated_saving"] > 0


# ------------------------------------------------------------------ reserved capacity


def test_reserved_capacity_is_there_for_its_buyer_at_once():
    chain = offer(two_suppliers(), stock())
    bought = plan_for_japan(chain, 0.052, measures=table(reserved()), kinds=["reserved_capacity"])
    # The other supplier fills half of the slot; a tenth more comes a week later.
    assert bought.baseline_loss["ban"] == pytest.approx(11 * 0.5 * VALUE)
    assert bought.residual_loss["ban"] == pytest.approx(11 * 0.4 * VALUE)
    assert bought.measures["supplier"].tolist() == ["ore@USA"]


def test_reserved_capacity_is_a_kind_of_the_table_of_measures():
    bare = offer(two_suppliers(), stock())
    chain = offer(two_suppliers(), reserved())
    assert chain.measures["kind"].tolist() == ["reserved_capacity"]
    beside = plan_for_japan(bare, 0.052, measures=table(reserved()))
    own = plan_for_japan(chain, 0.052, simulate=True)
    assert own.residual_loss.equals(beside.residual_loss)
    assert own.measures.equals(beside.measures)
    assert own.saving > 0
    assert own.behaviour["reference", "after"].item() < own.behaviour["reference", "before"].item()


def test_reserved_capacity_goes_with_the_supplier():
    chain = offer(two_suppliers(), stock())
    offered = {"measures": table(reserved()), "kinds": ["reserved_capacity"]}
    # Neither a supplier that is out nor a flow that is banned can deliver it.
    fire = Scenario("fire", [*BAN.events, Outage(sites="ore@USA", severity=0.4)])
    bought = plan_for_japan(chain, 0.052, fire, **offered)
    assert bought.baseline_loss["fire"] == pytest.approx(11 * 0.7 * VALUE)
    assert bought.residual_loss["fire"] == pytest.approx(11 * 0.64 * VALUE)
    shut = Scenario("shut", [*BAN.events, ExportBan(by="USA")])
    none = plan_for_japan(chain, 0.052, shut, **offered)
    assert none.residual_loss["shut"] == pytest.approx(none.baseline_loss["shut"])


def test_reserved_capacity_of_a_dormant_supplier_needs_no_qualification():
    bought = plan_for_japan(
        offer(dormant(), stock()), 0.208, measures=table(reserved(unit_cost=1e4))
    )
    assert bought.measures["share"].tolist() == pytest.approx([0.4])
    # The dormant supplier may send 0.4 from week 6 on by itself; 0.4 comes from week 1 on.
    assert bought.residual_loss["ban"] == pytest.approx((11 * 0.6 - 5 * 0.4) * VALUE)


@pytest.mark.parametrize("period", [2, 4, 5])
def test_reserved_capacity_in_longer_periods_is_a_relaxation(period):
    draft = two_suppliers()
    draft.flows = [
        Flow("ore@AUS", "mill@JPN", 26.0, lead=3),
        Flow("ore@USA", "mill@JPN", 26.0, lead=3, growth=0.0),
        draft.flows[2],
    ]
    chain = offer(draft, stock())
    offered = {"measures": table(reserved()), "kinds": ["reserved_capacity"]}
    weekly = plan_for_japan(chain, 0.26, **offered)
    assert weekly.saving == pytest.approx(9 * 0.5 * VALUE)
    longer = plan_for_japan(chain, 0.26, period=period, period_error=True, **offered)
    assert longer.residual_loss["ban"] <= weekly.residual_loss["ban"] + 1e-9
    # Week by week the same purchases leave what they leave; the error says so.
    assert longer.residual_loss["ban"] + longer.period_error["ban"] == pytest.approx(
        weekly.residual_loss["ban"]
    )


def test_reserved_capacity_is_written_as_capacity_and_source():
    chain = offer(two_suppliers(), stock())
    bought = plan_for_japan(chain, 0.052, measures=table(reserved()), kinds=["reserved_capacity"])
    hardened = bought.apply(chain)
    # A tenth of the slot is a fifth of the supplier.
    site = hardened.sites.set_index("site").loc["ore@USA"]
    assert site["ramp_max"] == pytest.approx(1.2)
    flows = hardened.flows.set_index(["supplier", "buyer"])["growth_max"]
    assert flows["ore@USA", "mill@JPN"] == pytest.approx(0.2 + 0.2)
    again = recourse(hardened, BAN, targets="JPN", weeks=12).loss_total
    # Plants ramp up a week after the shock.
    assert again == pytest.approx(bought.residual_loss["ban"] + 0.1 * VALUE)


# -------------------------------------------------------------------- tables of measures


@pytest.mark.parametrize(
    ("measures", "error", "message"),
    [
        (table({"measure": "x", "kind": "stock"}), OptionError, "columns product, unit_cost"),
        (table(stock() | {"kind": "prayer"}), OptionError, "kinds among"),
        (table(stock(cost=0.0)), OptionError, "unit costs above 0"),
        (table(stock(), stock()), OptionError, "unique names"),
        (table(stock() | {"product": "oar"}), UnknownLabelError, 'closest: "ore"'),
    ],
)
def test_measures_of_ones_own_are_checked(measures, error, message):
    with pytest.raises(error, match=message):
        plan_for_japan(offer(mill(), stock()), 1.0, measures=measures)


def test_measures_of_ones_own_take_the_place_of_the_table():
    chain = offer(mill(), stock())
    cheap = plan_for_japan(chain, 0.1, measures=table(stock(cost=5e4)))
    assert cheap.measures["quantity"].tolist() == pytest.approx([2.0])
