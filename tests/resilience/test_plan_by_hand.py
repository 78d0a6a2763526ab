"""What a plan buys, worked out on paper."""

from __future__ import annotations

import pytest
from propagate._chains import Draft, Flow
from resilience._small import (
    BAN,
    VALUE,
    capacity,
    dormant,
    mill,
    offer,
    open_flow,
    plan_for_japan,
    rigid,
    second,
    stock,
    two_suppliers,
)

from chokepoint.scenario import ExportBan, Scenario

# ------------------------------------------------------------------------- by hand


def test_stock_bridges_weeks_until_money_or_need_runs_out():
    chain = offer(mill(), stock())
    some = plan_for_japan(chain, 0.3)
    # USD 0.1 million a week of cover: three weeks of nine.
    assert some.baseline_loss.to_dict() == pytest.approx({"ban": 9 * VALUE})
    assert some.residual_loss.to_dict() == pytest.approx({"ban": 6 * VALUE})
    assert some.budget_value == pytest.approx(VALUE / 0.1, rel=1e-3)
    row = some.measures.iloc[0]
    assert (row["site"], row["slot"], row["unit"]) == ("mill@JPN", "ore", "unit")
    assert row["quantity"] == pytest.approx(3.0)
    assert row["share"] == pytest.approx(3.0)
    assert row["cost_usd_m"] == pytest.approx(0.3)
    plenty = plan_for_japan(chain, 5.0)
    assert plenty.residual_loss["ban"] == pytest.approx(0.0, abs=1e-9)
    assert plenty.spent == pytest.approx(0.9)
    assert plenty.budget_value == pytest.approx(0.0, abs=1e-3)


def test_the_largest_quantity_holds_over_all_places():
    chain = offer(mill(), stock(max=2.0))
    assert plan_for_japan(chain, 5.0).measures["quantity"].sum() == pytest.approx(2.0)


def test_a_plan_buys_where_the_loss_is_largest():
    draft = rigid(
        Draft(
            flows=[
                Flow("ore@AUS", "mill@JPN"),
                Flow("ore@AUS", "forge@JPN"),
                Flow("mill@JPN", "market:mill@JPN"),
                Flow("forge@JPN", "market:forge@JPN"),
            ],
            sites={"forge@JPN": {"value_added_share": 0.9, "ramp_max": 1.0}},
        )
    )
    bought = plan_for_japan(offer(draft, stock()), 0.5)
    assert bought.measures["site"].tolist() == ["forge@JPN"]
    ranked = bought.marginal_value.set_index("where")["usd_per_usd"]
    assert ranked["forge@JPN [ore]"] == pytest.approx(9.0, rel=1e-3)
    assert ranked["mill@JPN [ore]"] == pytest.approx(5.0, rel=1e-3)
    assert bought.marginal_value["where"].iloc[0] == "forge@JPN [ore]"


def test_threats_count_by_their_weights():
    chain = offer(mill(), stock())
    short = Scenario("short", ExportBan(by="AUS", weeks=4))
    # A short ban needs two weeks of stock more, a lasting one nine.
    weights = {"short": 0.3, "ban": 0.1}
    bought = plan_for_japan(chain, 0.1, [BAN, short], probabilities=weights)
    assert bought.probabilities.to_dict() == {"ban": 0.1, "short": 0.3}
    assert bought.baseline_loss.to_dict() == pytest.approx({"ban": 4.5, "short": 1.0})
    assert bought.residual_loss.to_dict() == pytest.approx({"ban": 4.0, "short": 0.5})
    assert bought.saving == pytest.approx(0.4 * 0.5)
    assert bought.budget_value == pytest.approx(0.4 * 5.0, rel=1e-3)
    more = plan_for_japan(chain, 0.3, [BAN, short], probabilities=weights)
    assert more.residual_loss.to_dict() == pytest.approx({"ban": 3.0, "short": 0.0})
    assert more.budget_value == pytest.approx(0.1 * 5.0, rel=1e-3)


def test_capacity_works_from_its_lead_on():
    chain = offer(open_flow(), capacity())
    # 5.2 units a year are a fifth of the supplier, a tenth of the mill.
    bought = plan_for_japan(chain, 0.052, notice=60.0)
    assert bought.measures["quantity"].iloc[0] == pytest.approx(5.2)
    assert bought.measures["share"].iloc[0] == pytest.approx(0.2)
    # Weeks 1..11 lack 0.5; from then on 0.1 less.
    assert bought.baseline_loss["ban"] == pytest.approx(11 * 0.5 * VALUE)
    assert bought.residual_loss["ban"] == pytest.approx(11 * 0.4 * VALUE)
    later = plan_for_japan(chain, 0.052, notice=56.0)
    assert later.measures["delay_weeks"].iloc[0] == 4
    assert later.residual_loss["ban"] == pytest.approx((4 * 0.5 + 7 * 0.4) * VALUE)


@pytest.mark.parametrize("combine", ["nested", "disjoint"])
def test_new_plants_need_their_inputs_too(combine):
    draft = open_flow()
    draft.flows = [*draft.flows, Flow("power@USA", "ore@USA", 26.0, growth=0.0)]
    half = {"stock_weeks": 0.0, "use_share": 0.5, "combine": combine}
    draft.slots = {**draft.slots, ("ore@USA", "power"): half}
    bought = plan_for_japan(offer(rigid(draft), capacity()), 0.052, notice=60.0)
    # A fifth more capacity, of which only the half that needs no power can run.
    assert bought.measures["share"].iloc[0] == pytest.approx(0.2)
    assert bought.residual_loss["ban"] == pytest.approx(11 * (0.5 - 0.05) * VALUE)


def test_a_second_source_lifts_the_limit_before_natural_qualification():
    free = {"ore@USA": {"ramp_max": 3.0, "ramp_weeks": 1.0}}
    chain = offer(two_suppliers(sites=free), second())
    # Week 0: nobody ramps up yet. Weeks 1..7: 0.6 of the slot and what is qualified early.
    bought = plan_for_japan(chain, 0.0052)
    assert bought.measures["quantity"].iloc[0] == pytest.approx(5.2)
    assert bought.measures["supplier"].iloc[0] == "ore@USA"
    assert bought.baseline_loss["ban"] == pytest.approx((0.5 + 7 * 0.4) * VALUE)
    assert bought.residual_loss["ban"] == pytest.approx((0.5 + 7 * 0.3) * VALUE)


def test_a_dormant_supplier_is_qualified_early_up_to_its_share():
    chain = offer(dormant(), second())
    before = (11 - 5 * 0.4) * VALUE
    half = plan_for_japan(chain, 0.0104)
    assert half.baseline_loss["ban"] == pytest.approx(before)
    assert half.residual_loss["ban"] == pytest.approx(before - 6 * 0.2 * VALUE)
    whole = plan_for_japan(chain, 1.0)
    assert whole.measures["quantity"].iloc[0] == pytest.approx(0.4 * 52)
    assert whole.residual_loss["ban"] == pytest.approx((11 - 11 * 0.4) * VALUE)
