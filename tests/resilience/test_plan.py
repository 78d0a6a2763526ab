"""Plans: worked out on paper, against brute force, and applied to the chain."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from propagate._chains import Alternative, Draft, Flow
from resilience.test_recourse_by_hand import mill, rigid, two_suppliers

import chokepoint as cp
from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.resilience import Plan, plan, recourse, shortfall
from chokepoint.resilience._apply import apply_measures
from chokepoint.scenario import ExportBan, Outage, Scenario

# A site makes one unit a week, worth USD 1 million, half of it value added.
VALUE = 0.5
BAN = Scenario("ban", ExportBan(by="AUS"))


def offer(draft: Draft, *measures: dict) -> SupplyChain:
    """The chain of a draft, with measures."""
    tables = draft.tables()
    tables["measures"] = pd.DataFrame(measures)
    return SupplyChain.from_tables(tables)


def stock(cost: float = 1e5, **more) -> dict:
    return {"measure": "cellar", "kind": "stock", "product": "ore", "unit_cost": cost} | more


def best(chain: SupplyChain, budget: float, threats=BAN, **options) -> Plan:
    how = {"targets": "JPN", "weeks": 12, "period": 1, "notice": 52.0} | options
    return plan(chain, threats, budget=budget, **how)


# ------------------------------------------------------------------------- by hand


def test_stock_bridges_weeks_until_money_or_need_runs_out():
    chain = offer(mill(), stock())
    some = best(chain, 0.3)
    # USD 0.1 million a week of cover: three weeks of nine.
    assert some.baseline_loss.to_dict() == pytest.approx({"ban": 9 * VALUE})
    assert some.residual_loss.to_dict() == pytest.approx({"ban": 6 * VALUE})
    assert some.budget_value == pytest.approx(VALUE / 0.1, rel=1e-3)
    row = some.measures.iloc[0]
    assert (row["site"], row["slot"], row["unit"]) == ("mill@JPN", "ore", "unit")
    assert row["quantity"] == pytest.approx(3.0)
    assert row["share"] == pytest.approx(3.0)
    assert row["cost_usd_m"] == pytest.approx(0.3)
    plenty = best(chain, 5.0)
    assert plenty.residual_loss["ban"] == pytest.approx(0.0, abs=1e-9)
    assert plenty.spent == pytest.approx(0.9)
    assert plenty.budget_value == pytest.approx(0.0, abs=1e-3)


def test_the_largest_quantity_holds_over_all_places():
    chain = offer(mill(), stock(max=2.0))
    assert best(chain, 5.0).measures["quantity"].sum() == pytest.approx(2.0)


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
    bought = best(offer(draft, stock()), 0.5)
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
    bought = best(chain, 0.1, [BAN, short], probabilities=weights)
    assert bought.probabilities.to_dict() == {"ban": 0.1, "short": 0.3}
    assert bought.baseline_loss.to_dict() == pytest.approx({"ban": 4.5, "short": 1.0})
    assert bought.residual_loss.to_dict() == pytest.approx({"ban": 4.0, "short": 0.5})
    assert bought.saving == pytest.approx(0.4 * 0.5)
    assert bought.budget_value == pytest.approx(0.4 * 5.0, rel=1e-3)
    more = best(chain, 0.3, [BAN, short], probabilities=weights)
    assert more.residual_loss.to_dict() == pytest.approx({"ban": 3.0, "short": 0.0})
    assert more.budget_value == pytest.approx(0.1 * 5.0, rel=1e-3)


def capacity(**more) -> dict:
    return {
        "measure": "works", "kind": "capacity", "product": "ore", "country": "USA",
        "unit_cost": 1e4, "lead_weeks": 60,
    } | more  # fmt: skip


def open_flow() -> Draft:
    """Half the ore from the USA, which could send as much as it makes."""
    draft = two_suppliers()
    draft.flows = [draft.flows[0], Flow("ore@USA", "mill@JPN", 26.0, growth=9.0), draft.flows[2]]
    return draft


def test_capacity_works_from_its_lead_on():
    chain = offer(open_flow(), capacity())
    # 5.2 units a year are a fifth of the supplier, a tenth of the mill.
    bought = best(chain, 0.052, notice=60.0)
    assert bought.measures["quantity"].iloc[0] == pytest.approx(5.2)
    assert bought.measures["share"].iloc[0] == pytest.approx(0.2)
    # Weeks 1..11 lack 0.5; from then on 0.1 less.
    assert bought.baseline_loss["ban"] == pytest.approx(11 * 0.5 * VALUE)
    assert bought.residual_loss["ban"] == pytest.approx(11 * 0.4 * VALUE)
    later = best(chain, 0.052, notice=56.0)
    assert later.measures["delay_weeks"].iloc[0] == 4
    assert later.residual_loss["ban"] == pytest.approx((4 * 0.5 + 7 * 0.4) * VALUE)


@pytest.mark.parametrize("combine", ["nested", "disjoint"])
def test_new_plants_need_their_inputs_too(combine):
    draft = open_flow()
    draft.flows = [*draft.flows, Flow("power@USA", "ore@USA", 26.0, growth=0.0)]
    half = {"stock_weeks": 0.0, "use_share": 0.5, "combine": combine}
    draft.slots = {**draft.slots, ("ore@USA", "power"): half}
    bought = best(offer(rigid(draft), capacity()), 0.052, notice=60.0)
    # A fifth more capacity, of which only the half that needs no power can run.
    assert bought.measures["share"].iloc[0] == pytest.approx(0.2)
    assert bought.residual_loss["ban"] == pytest.approx(11 * (0.5 - 0.05) * VALUE)


def second(**more) -> dict:
    return {
        "measure": "tests", "kind": "second_source", "product": "ore", "unit_cost": 1e3,
        "lead_weeks": 10,
    } | more  # fmt: skip


def test_a_second_source_lifts_the_limit_before_natural_qualification():
    free = {"ore@USA": {"ramp_max": 3.0, "ramp_weeks": 1.0}}
    chain = offer(two_suppliers(sites=free), second())
    # Week 0: nobody ramps up yet. Weeks 1..7: 0.6 of the slot and what is qualified early.
    bought = best(chain, 0.0052)
    assert bought.measures["quantity"].iloc[0] == pytest.approx(5.2)
    assert bought.measures["supplier"].iloc[0] == "ore@USA"
    assert bought.baseline_loss["ban"] == pytest.approx((0.5 + 7 * 0.4) * VALUE)
    assert bought.residual_loss["ban"] == pytest.approx((0.5 + 7 * 0.3) * VALUE)


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


def test_a_dormant_supplier_is_qualified_early_up_to_its_share():
    chain = offer(dormant(), second())
    before = (11 - 5 * 0.4) * VALUE
    half = best(chain, 0.0104)
    assert half.baseline_loss["ban"] == pytest.approx(before)
    assert half.residual_loss["ban"] == pytest.approx(before - 6 * 0.2 * VALUE)
    whole = best(chain, 1.0)
    assert whole.measures["quantity"].iloc[0] == pytest.approx(0.4 * 52)
    assert whole.residual_loss["ban"] == pytest.approx((11 - 11 * 0.4) * VALUE)


# ------------------------------------------------------------------- brute force


def all_kinds() -> SupplyChain:
    draft = two_suppliers(sites={"ore@USA": {"ramp_max": 1.5, "ramp_weeks": 3.0}})
    return offer(draft, stock(), capacity(), second(unit_cost=2e4))


def test_no_mix_of_measures_on_a_grid_does_better():
    """Slow and obvious: harden the chain by hand, ask the planner, keep the best."""
    chain, budget = all_kinds(), 0.6
    found = best(chain, budget, notice=104.0)
    losses = []
    for shares in itertools.product(np.linspace(0, 1, 5), repeat=2):
        if sum(shares) > 1:
            continue
        # Stock and second source can be written into the chain exactly.
        money = {"cellar": shares[0] * budget, "tests": shares[1] * budget}
        measures = pd.DataFrame(
            [
                _row("cellar", "stock", money["cellar"] / 0.1),
                _row("tests", "second_source", money["tests"] / 0.02 / 52, supplier="ore@USA"),
            ]
        )
        hardened = apply_measures(chain, measures, weeks=12)
        losses.append(recourse(hardened, BAN, targets="JPN", weeks=12).loss_total)
    assert found.residual_loss["ban"] <= min(losses) + 1e-4
    # The grid contains plans that are good, so the comparison says something.
    assert min(losses) < 0.8 * found.baseline_loss["ban"]


def _row(measure, kind, share, *, supplier=""):
    return {
        "measure": measure, "kind": kind, "share": share, "delay_weeks": 0.0,
        "site": "mill@JPN", "slot": "ore", "supplier": supplier,
    }  # fmt: skip


# ------------------------------------------------------------------- properties


@pytest.mark.parametrize("period", [1, 4, 5])
def test_without_money_the_loss_is_that_of_the_recourse_program(period):
    chain = all_kinds()
    fire = Scenario("fire", Outage(sites="ore@USA", severity=0.5, start=2, weeks=7))
    threats = [BAN, fire, Scenario("both", [*BAN.events, *fire.events])]
    bought = best(chain, 1.0, threats, period=period)
    for threat in threats:
        alone = recourse(chain, threat, targets="JPN", weeks=12, period=period).loss_total
        assert bought.baseline_loss[threat.name] == pytest.approx(alone, abs=1e-9)


def far(growth: float = 0.2) -> Draft:
    """Ore that is three weeks at sea, so that periods of four weeks count it early."""
    draft = two_suppliers(sites={"ore@USA": {"ramp_max": 1.0}})
    draft.flows = [
        Flow("ore@AUS", "mill@JPN", 26.0, lead=3),
        Flow("ore@USA", "mill@JPN", 26.0, lead=3, growth=growth),
        draft.flows[2],
    ]
    return draft


@pytest.mark.parametrize("kind", ["capacity", "second_source"])
@pytest.mark.parametrize("weeks", [9, 12])
def test_longer_periods_allow_a_plan_no_less(kind, weeks):
    free = {"ore@USA": {"ramp_max": 3.0, "ramp_weeks": 1.0}}
    draft = far(growth=9.0) if kind == "capacity" else far()
    draft.sites = draft.sites if kind == "capacity" else free
    chain = offer(draft, capacity(lead_weeks=0) if kind == "capacity" else second(unit_cost=1e4))
    weekly = best(chain, 0.1, weeks=weeks)
    assert weekly.saving > 0.1
    for period in (2, 3, 4, 5):
        longer = best(chain, 0.1, weeks=weeks, period=period)
        assert longer.residual_loss["ban"] <= weekly.residual_loss["ban"] + 1e-9
        assert longer.baseline_loss["ban"] <= weekly.baseline_loss["ban"] + 1e-9


def test_savings_grow_ever_more_slowly_with_the_budget():
    chain = all_kinds()
    budgets = [0.0, 0.1, 0.2, 0.4, 0.6, 0.9]
    plans = [best(chain, budget) for budget in budgets]
    savings = np.array([one.saving for one in plans])
    assert savings[0] == 0.0
    slopes = np.diff(savings) / np.diff(budgets)
    assert (slopes >= -1e-9).all()
    assert (np.diff(slopes) <= 1e-6).all()
    # The dual of the budget lies between the slopes to its left and to its right.
    for place in range(1, len(budgets) - 1):
        value = plans[place].budget_value
        assert slopes[place] - 1e-3 <= value <= slopes[place - 1] + 1e-3


def test_marginal_values_are_derivatives():
    chain = all_kinds()
    nothing = best(chain, 0.0, notice=104.0)
    ranked = nothing.marginal_value.groupby("measure")["usd_per_usd"].max()
    assert not nothing.marginal_value["bought"].any()
    for kind, measure in (("stock", "cellar"), ("capacity", "works"), ("second_source", "tests")):
        little = best(chain, 1e-4, kinds=[kind], notice=104.0)
        assert ranked[measure] == pytest.approx(little.saving / 1e-4, rel=1e-3, abs=1e-6)
    unit = nothing.marginal_value.groupby("measure")["usd_per_unit"].max()
    assert unit["cellar"] == pytest.approx(ranked["cellar"] * 1e5)


def test_what_is_bought_is_worth_what_the_budget_is():
    bought = best(all_kinds(), 0.3)
    values = bought.marginal_value[bought.marginal_value["bought"]]["usd_per_usd"]
    assert values.max() == pytest.approx(bought.budget_value, rel=1e-3)


@pytest.mark.parametrize("solver", ["pulp:HiGHS"])
def test_another_way_to_solve_gives_the_same_plan(solver):
    pytest.importorskip("pulp")
    ours, theirs = best(all_kinds(), 0.3), best(all_kinds(), 0.3, solver=solver)
    assert theirs.solver.startswith("PuLP")
    assert theirs.residual_loss["ban"] == pytest.approx(ours.residual_loss["ban"])
    assert theirs.budget_value == pytest.approx(ours.budget_value)
    pd.testing.assert_frame_equal(theirs.measures, ours.measures, rtol=1e-6)


# ------------------------------------------------------------------- application


def test_the_planner_finds_the_promised_loss_on_the_hardened_chain():
    for chain, budget in (
        (offer(mill(), stock()), 0.3),
        (offer(two_suppliers(sites={"ore@USA": {"ramp_max": 3.0}}), second()), 0.005),
        (offer(dormant(), second()), 1.0),
    ):
        bought = best(chain, budget)
        hardened = bought.apply(chain)
        again = recourse(hardened, BAN, targets="JPN", weeks=12).loss_total
        assert again == pytest.approx(bought.residual_loss["ban"], abs=1e-9)
        assert bought.saving > 0.1


def test_capacity_is_written_as_a_faster_and_higher_ramp():
    chain = offer(open_flow(), capacity())
    bought = best(chain, 0.052, notice=60.0)
    site = bought.apply(chain).sites.set_index("site").loc["ore@USA"]
    assert site["ramp_max"] == pytest.approx(1.2)
    assert site["ramp_weeks"] == 1.0
    # The ramp starts a week after the shock: one week less than the planner counts on.
    again = recourse(bought.apply(chain), BAN, targets="JPN", weeks=12).loss_total
    assert again == pytest.approx(bought.residual_loss["ban"] + 0.1 * VALUE)
    late = best(chain, 0.052, notice=56.0)
    assert late.apply(chain).sites.set_index("site").loc["ore@USA", "ramp_weeks"] == 4.0


def test_stock_is_written_for_one_site_alone():
    chain = offer(mill(), stock())
    hardened = best(chain, 0.3).apply(chain)
    slots = hardened.slots["stock_weeks"]
    assert slots["mill@JPN", "ore"] == pytest.approx(5.0)
    assert chain.slots["stock_weeks"]["mill@JPN", "ore"] == 2.0
    pd.testing.assert_frame_equal(hardened.flows, chain.flows)


def test_measures_that_come_too_late_are_not_in_place():
    chain = offer(mill(), stock(lead_weeks=60))
    late = best(chain, 0.3, notice=56.0)
    assert late.measures["delay_weeks"].tolist() == [4.0]
    assert late.saving > 0
    assert late.apply(chain).slots["stock_weeks"]["mill@JPN", "ore"] == 2.0


def test_nothing_bought_changes_nothing():
    chain = offer(mill(), stock())
    assert best(chain, 0.0).apply(chain) == chain


def test_check_sets_promise_beside_simulation():
    chain = offer(mill(), stock())
    table = best(chain, 0.3).check(chain, [BAN, Scenario("other", Outage(sites="ore@AUS"))])
    # The mill alone decides here: promise and simulation agree to the last week.
    row = table.loc["ban"]
    assert row["planner_saving"] == pytest.approx(1.5)
    assert row["simulated_before"] == pytest.approx(4.5)
    assert row["simulated_saving"] == pytest.approx(1.5)
    assert np.isnan(table.loc["other", "planner_before"])
    assert table.loc["other", "simulated_saving"] == pytest.approx(1.5)


# -------------------------------------------------------------- the shipped chain


@pytest.fixture(scope="module")
def rare_earths():
    return cp.load("rare_earths")


@pytest.mark.parametrize(("target", "budget"), [("JPN", 30.0), ("USA", 50.0)])
def test_a_plan_on_the_shipped_chain_helps_in_the_weekly_model(rare_earths, target, budget):
    magnets = ["magnet_ndfeb", "magnet_ndfeb_heavy"]
    threats = [
        Scenario("all", ExportBan(by="CHN", against=target)),
        Scenario("magnets", ExportBan(by="CHN", against=target, products=magnets)),
    ]
    bought = plan(rare_earths, threats, budget=budget, targets=target)
    assert bought.spent <= budget * (1 + 1e-9)
    assert (bought.residual_loss <= bought.baseline_loss + 1e-6).all()
    cost = bought.measures["quantity"] * _unit_cost(rare_earths, bought) / 1e6
    np.testing.assert_allclose(cost, bought.measures["cost_usd_m"])
    hardened = bought.apply(rare_earths)
    before, after = (cp.simulate(one, threats, weeks=52) for one in (rare_earths, hardened))
    # Country totals, gains of sites included, and shortfalls: neither is above that of before.
    assert (after.loss(by="country")[target] <= before.loss(by="country")[target]).all()
    table = bought.check(rare_earths, threats)
    lost = shortfall(after, hardened, targets=target)
    np.testing.assert_allclose(table["simulated_after"], lost)
    assert (table["simulated_saving"] > 0.1 * table["simulated_before"]).all()
    assert (table["planner_after"] <= table["simulated_after"]).all()


def _unit_cost(chain, bought):
    costs = chain.measures.set_index("measure")["unit_cost"]
    return bought.measures["measure"].map(costs).to_numpy(dtype=float)


def test_measures_that_are_not_on_offer_say_why(rare_earths):
    ban = Scenario("ban", ExportBan(by="CHN", against="JPN"))
    bought = plan(
        rare_earths, ban, budget=10, targets="JPN", kinds=["stock", "capacity"], weeks=13, notice=0
    )
    reasons = bought.skipped.set_index("measure")["reason"]
    assert reasons["second_source_motor_aux"] == "kind not asked for"
    assert reasons["capacity_magnet_jpn"] == "works only from week 114 on"
    assert set(bought.measures["kind"]) <= {"stock", "capacity"}


# ------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": -1.0}, "at least 0"),
        ({"budget": float("nan")}, "at least 0"),
        ({"probabilities": [0.5, 0.5]}, "1 probabilities"),
        ({"probabilities": [1.5]}, "at most 1"),
        ({"probabilities": [0.0]}, "above 0"),
        ({"probabilities": {"other": 1.0}}, "Expected probabilities for"),
        ({"kinds": ["stock", "prayer"]}, "Expected kinds among"),
        ({"kinds": []}, "Expected kinds among"),
        ({"kinds": ["capacity"]}, "offers no measure"),
        ({"risk": "cvar"}, "Expected risk=None"),
        ({"threats": []}, "unique names"),
        ({"threats": [BAN, BAN]}, "unique names"),
    ],
)
def test_arguments_out_of_range_are_refused(options, message):
    chain = offer(mill(), stock())
    threats = options.pop("threats", BAN)
    with pytest.raises(OptionError, match=message):
        plan(chain, threats, **({"budget": 1.0, "weeks": 12} | options))


def test_repr_tells_money_and_losses():
    text = repr(best(offer(mill(), stock(cost=1e8)), 300.0))
    assert text.startswith("<Plan: 1 measures for 300 of 300 USD million")
