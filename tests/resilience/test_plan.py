"""Plans: worked out on paper, against brute force, and applied to the chain."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
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
    second,
    stock,
    two_suppliers,
)

import chokepoint as cp
from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.resilience import plan, recourse, shortfall
from chokepoint.resilience._apply import apply_measures
from chokepoint.scenario import ExportBan, Outage, Scenario

# ------------------------------------------------------------------- brute force


def all_kinds() -> SupplyChain:
    draft = two_suppliers(sites={"ore@USA": {"ramp_max": 1.5, "ramp_weeks": 3.0}})
    return offer(draft, stock(), capacity(), second(unit_cost=2e4))


def test_no_mix_of_measures_on_a_grid_does_better():
    """Slow and obvious: harden the chain by hand, ask the planner, keep the best."""
    chain, budget = all_kinds(), 0.6
    found = plan_for_japan(chain, budget, notice=104.0)
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
    leaky = ExportBan(by="AUS", leakage=0.4, leakage_lag=1, leakage_weeks=2)
    threats = [BAN, fire, Scenario("both", [*BAN.events, *fire.events]), Scenario("leaky", leaky)]
    bought = plan_for_japan(chain, 1.0, threats, period=period)
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
    weekly = plan_for_japan(chain, 0.1, weeks=weeks)
    assert weekly.saving > 0.1
    for period in (2, 3, 4, 5):
        longer = plan_for_japan(chain, 0.1, weeks=weeks, period=period)
        assert longer.residual_loss["ban"] <= weekly.residual_loss["ban"] + 1e-9
        assert longer.baseline_loss["ban"] <= weekly.baseline_loss["ban"] + 1e-9


def test_savings_grow_ever_more_slowly_with_the_budget():
    chain = all_kinds()
    budgets = [0.0, 0.1, 0.2, 0.4, 0.6, 0.9]
    plans = [plan_for_japan(chain, budget) for budget in budgets]
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
    nothing = plan_for_japan(chain, 0.0, notice=104.0)
    ranked = nothing.marginal_value.groupby("measure")["usd_per_usd"].max()
    assert not nothing.marginal_value["bought"].any()
    for kind, measure in (("stock", "cellar"), ("capacity", "works"), ("second_source", "tests")):
        little = plan_for_japan(chain, 1e-4, kinds=[kind], notice=104.0)
        assert ranked[measure] == pytest.approx(little.saving / 1e-4, rel=1e-3, abs=1e-6)
    unit = nothing.marginal_value.groupby("measure")["usd_per_unit"].max()
    assert unit["cellar"] == pytest.approx(ranked["cellar"] * 1e5)


def test_what_is_bought_is_worth_what_the_budget_is():
    bought = plan_for_japan(all_kinds(), 0.3)
    values = bought.marginal_value[bought.marginal_value["bought"]]["usd_per_usd"]
    assert values.max() == pytest.approx(bought.budget_value, rel=1e-3)


@pytest.mark.parametrize("solver", ["pulp:HiGHS"])
def test_another_way_to_solve_gives_the_same_plan(solver):
    pytest.importorskip("pulp")
    ours, theirs = plan_for_japan(all_kinds(), 0.3), plan_for_japan(all_kinds(), 0.3, solver=solver)
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
        bought = plan_for_japan(chain, budget)
        hardened = bought.apply(chain)
        again = recourse(hardened, BAN, targets="JPN", weeks=12).loss_total
        assert again == pytest.approx(bought.residual_loss["ban"], abs=1e-9)
        assert bought.saving > 0.1


def test_capacity_is_written_as_a_faster_and_higher_ramp():
    chain = offer(open_flow(), capacity())
    bought = plan_for_japan(chain, 0.052, notice=60.0)
    site = bought.apply(chain).sites.set_index("site").loc["ore@USA"]
    assert site["ramp_max"] == pytest.approx(1.2)
    assert site["ramp_weeks"] == 1.0
    # The ramp starts a week after the shock: one week less than the planner counts on.
    again = recourse(bought.apply(chain), BAN, targets="JPN", weeks=12).loss_total
    assert again == pytest.approx(bought.residual_loss["ban"] + 0.1 * VALUE)
    late = plan_for_japan(chain, 0.052, notice=56.0)
    assert late.apply(chain).sites.set_index("site").loc["ore@USA", "ramp_weeks"] == 4.0


def test_stock_is_written_for_one_site_alone():
    chain = offer(mill(), stock())
    hardened = plan_for_japan(chain, 0.3).apply(chain)
    slots = hardened.slots["stock_weeks"]
    assert slots["mill@JPN", "ore"] == pytest.approx(5.0)
    assert chain.slots["stock_weeks"]["mill@JPN", "ore"] == 2.0
    pd.testing.assert_frame_equal(hardened.flows, chain.flows)


def test_measures_that_come_too_late_are_not_in_place():
    chain = offer(mill(), stock(lead_weeks=60))
    late = plan_for_japan(chain, 0.3, notice=56.0)
    assert late.measures["delay_weeks"].tolist() == [4.0]
    assert late.saving > 0
    assert late.apply(chain).slots["stock_weeks"]["mill@JPN", "ore"] == 2.0


def test_nothing_bought_changes_nothing():
    chain = offer(mill(), stock())
    assert plan_for_japan(chain, 0.0).apply(chain) == chain


def test_check_sets_promise_beside_simulation():
    chain = offer(mill(), stock())
    table = plan_for_japan(chain, 0.3).check(
        chain, [BAN, Scenario("other", Outage(sites="ore@AUS"))]
    )
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
    text = repr(plan_for_japan(offer(mill(), stock(cost=1e8)), 300.0))
    assert text.startswith("<Plan: 1 measures for 300 of 300 USD million")
