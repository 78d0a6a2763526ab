"""Defender, attacker, planner: by hand, in the weekly model, and what is said about it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from propagate._chains import Alternative, Draft, Flow
from resilience._attacks import bans, diamond
from resilience._contests import METHODS, WEEKS, prepared
from resilience._small import (
    capacity,
    offer,
    reserved,
    rigid,
    second,
    stock,
)

import chokepoint as cp
from chokepoint.errors import ConvergenceError, OptionError
from chokepoint.resilience import Budget, attack, defend
from chokepoint.scenario import ExportBan, Scenario, Tariff

# ------------------------------------------------------------------------------------ by hand


def two_lines() -> Draft:
    """Two mines, each with a mill of its own; a unit of the Korean one adds half as much."""
    draft = Draft(
        flows=[
            Flow("ore@AUS", "mill@JPN"),
            Flow("ore@USA", "mill@KOR"),
            Flow("mill@JPN", "market:mill@JPN"),
            Flow("mill@KOR", "market:mill@KOR"),
        ],
        slots={(mill, "ore"): {"stock_weeks": 0.0} for mill in ("mill@JPN", "mill@KOR")},
        sites={"mill@KOR": {"value_added_share": 0.25, "ramp_max": 1.0}},
    )
    return rigid(draft)


def defended(budget, *, most=1, chain=None, **options):
    chain = chain or offer(two_lines(), stock())
    how = {"targets": ["JPN", "KOR"], "weeks": 12, "period": 1, "simulate": False} | options
    return defend(chain, bans("AUS", "USA"), budget=budget, most=most, **how)


@pytest.mark.parametrize("method", METHODS)
def test_stocks_are_shared_out_until_both_attacks_cost_the_same(method):
    """A ban stops a mill for 11 of 12 weeks (one is on its way), at 0.5 and 0.25 a week.

    A week of stock costs 0.1. The first 5.5 weeks go to Japan; from then on
    0.5 (11 - a) = 0.25 (11 - b), so a budget of 1 buys a = 7 and b = 3 weeks and leaves 2.
    """
    for budget, left, weeks in ((0.0, 5.5, {}), (0.4, 3.5, {"mill@JPN": 4.0}),
                                (1.0, 2.0, {"mill@JPN": 7.0, "mill@KOR": 3.0})):  # fmt: skip
        found = defended(budget, method=method)
        assert found.loss_before == pytest.approx(5.5)
        assert found.loss_after == pytest.approx(left)
        assert found.attack_before == "AUS"
        bought = dict(zip(found.measures["site"], found.measures["share"], strict=True))
        assert bought == pytest.approx(weeks)
        assert found.saving == pytest.approx(5.5 - left)
    # Both are worth the same by then: a third of a week for one USD 0.1 million is 5/3.
    assert found.budget_value == pytest.approx(0.5 / 0.1 / 3, rel=1e-3)


def test_an_attacker_with_two_instruments_leaves_nothing_to_choose():
    """Both mills stop; the dearer one is kept first: 1 buys 10 weeks, 0.5 + 2.75 are lost."""
    found = defended(1.0, most=2)
    assert found.loss_before == pytest.approx(8.25)
    assert found.loss_after == pytest.approx(3.25)
    assert found.attack_after == "AUS + USA"
    by_cost = defended(1.0, most=None, attack_budget=1.0)
    assert by_cost.loss_after == pytest.approx(2.0)
    dear = defended(1.0, most=None, attack_budget=1.0, costs={"AUS": 2.0, "USA": 1.0})
    # Only the Korean mill can be hit: 10 of its 11 weeks are kept.
    assert dear.loss_after == pytest.approx(0.25)


def test_money_that_undoes_every_attack_is_not_all_spent():
    found = defended(50.0)
    assert found.loss_after == pytest.approx(0.0, abs=1e-6)
    assert found.spent == pytest.approx(2.2, rel=1e-4)
    assert found.gap <= 1e-4
    assert found.budget_value == pytest.approx(0.0, abs=1e-6)


def test_each_country_pays_for_its_own_stocks():
    chain = offer(two_lines(), stock())
    purses = Budget(by_country={"JPN": 0.4, "KOR": 0.6})
    found = defended(purses, chain=chain)
    # JPN can keep 4 weeks only: 3.5 are lost there, whatever KOR does.
    assert found.loss_after == pytest.approx(3.5)
    assert found.budget == 1.0
    years = defended(Budget(by_year=[0.4, 0.6]), chain=chain, notice=104.0)
    assert years.loss_after == pytest.approx(2.0)
    # What is ordered a year after a decision at short notice comes too late.
    late = defended(Budget(by_year=[0.4, 0.6]), chain=chain, notice=0.0)
    assert late.loss_after == pytest.approx(3.5)


def test_capacity_reserved_for_the_attacked_is_used_and_reserved_for_both():
    """The mills' contracts with a mine that nobody bans make up for either mine."""
    draft = two_lines()
    draft.flows = [*draft.flows, Flow("ore@CAN", "market:ore@CAN")]
    draft.alternatives = [Alternative("ore@CAN", mill, 1.0, qualification=99)
                          for mill in ("mill@JPN", "mill@KOR")]  # fmt: skip
    chain = offer(rigid(draft), reserved(unit_cost=1e4))
    without = defended(0.0, chain=chain)
    found = defended(10.0, chain=chain, most=2)
    # Two mills take 52 units a year each: USD 10 000 for each unit kept ready.
    assert set(found.measures["kind"]) == {"reserved_capacity"}
    assert found.spent == pytest.approx(1.04, rel=1e-3)
    assert without.loss_after == pytest.approx(5.5)
    assert found.loss_after == pytest.approx(0.0, abs=1e-6)


def test_without_money_it_is_the_attack_alone():
    chain = offer(diamond(), stock())
    levers = bans("AUS", "CHN", "USA")
    for most in (1, 2):
        alone = attack(chain, levers, response="planner", most=most, weeks=WEEKS, period=1)
        found = defend(chain, levers, budget=0.0, most=most, weeks=WEEKS, period=1)
        assert found.loss_before == pytest.approx(alone.damage, rel=1e-6)
        assert found.loss_after == pytest.approx(alone.damage, rel=1e-6)
        assert found.measures.empty
        assert found.spent == 0
        # Reference: value added lost of the attack is the shortfall, as nobody gains here.
        assert found.behaviour["reference", "before"].max() == pytest.approx(
            alone.losses.loc["damage", "simulated"], rel=1e-6
        )


def test_an_attacker_who_may_pull_nothing_is_no_reason_to_buy():
    found = defended(1.0, most=0)
    assert found.attack_after == "nothing"
    assert found.loss_before == found.loss_after == pytest.approx(0.0, abs=1e-9)
    assert found.measures.empty
    assert len(found.rounds) == 1


def test_tariffs_are_pulled_in_part():
    chain = offer(diamond(), stock(1e5), second())
    levers = [
        Scenario("on CHN", Tariff(by="JPN", against="CHN", rate=0.5)),
        Scenario("on AUS", Tariff(by="JPN", against="AUS", rate=0.3)),
    ]
    how = {"targets": "JPN", "attack_budget": 1.0, "weeks": WEEKS, "period": 1, "simulate": False}
    found = defend(chain, levers, budget=0.3, tolerance=1e-5, **how)
    assert found.method == "program"
    assert found.gap <= 2e-5
    assert (found.levels.sum(axis=1) <= 1 + 1e-9).all()
    # No other mix of the two costs more once the stocks are there.
    answer, _ = prepared(chain, levers, None, targets="JPN")
    table_ = answer.task.candidates.table
    spent = np.zeros(answer.size)
    for one in found.measures.itertuples():
        spent[table_["where"].eq(one.where) & table_["measure"].eq(one.measure)] = one.cost_usd_m
    for share in np.linspace(0, 1, 11):
        mixed = answer.under(np.array([share, 1 - share]), spent).solve().objective
        assert mixed <= found.loss_after * (1 + 1e-5) + 1e-6
    with pytest.raises(OptionError, match="on CHN, on AUS"):
        defend(chain, levers, budget=0.3, method="enumerated", **how)


# -------------------------------------------------------------------------- the weekly model


def test_what_helps_the_planner_alone_is_said():
    """More ore from elsewhere helps who looks for suppliers; in the stressed case nobody does."""
    chain = offer(diamond(), second(unit_cost=1e3), capacity(country="", lead_weeks=10.0))
    found = defend(chain, bans("CHN"), budget=5.0, weeks=WEEKS, period=1)
    table_ = found.summary()
    assert table_.loc["planner", "saving"] > 0
    assert table_.loc["planner", "promise"] == 1.0
    assert table_.loc["stressed", "saving"] < 0.1 * table_.loc["planner", "saving"]
    assert any("hardly helps in the stressed case" in one for one in found.warnings)
    assert "WARNING" in repr(found)
    assert "WARNING" in found._repr_html_()
    quiet = defend(chain, bans("CHN"), budget=5.0, weeks=WEEKS, period=1, simulate=False)
    assert quiet.behaviour.empty
    assert quiet.warnings == ()
    assert list(quiet.summary().index) == ["planner"]


def test_attacks_can_be_simulated_again_on_the_defended_chain():
    chain = offer(diamond(), stock(1e5))
    levers = bans("AUS", "CHN", "USA")
    found = defend(chain, levers, budget=1.0, most=1, weeks=WEEKS, period=1)
    assert [one.name for one in found.scenarios] == list(found.losses.index)
    hardened = found.apply(chain)
    assert hardened.slots["stock_weeks"].sum() > chain.slots["stock_weeks"].sum()
    again = attack(hardened, levers, most=1, weeks=WEEKS)
    after = found.behaviour["reference", "after"]
    assert again.damage >= after.max() - 1e-9
    assert found.behaviour.index.name == "attack"
    assert isinstance(found.rounds, pd.DataFrame)


# ------------------------------------------------------------------------------------ options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": -1.0}, "budget of at least 0"),
        ({"most": -1}, "most"),
        ({"attack_budget": -1.0}, "budget of at least 0"),
        ({"costs": {"AUS": 1.0}}, "cost of at least 0 for each"),
        ({"weeks": 0}, "weeks of at least 1"),
        ({"tolerance": 0.0}, "tolerance above 0"),
        ({"most_rounds": 0}, "most_rounds of at least 1"),
        ({"time_limit": 0.0}, "time_limit above 0"),
        ({"method": "guess"}, 'method "auto", "enumerated" or "program"'),
        ({"kinds": ["charm"]}, "Expected kinds among"),
        ({"kinds": ["recycling"]}, "offers no measure"),
        ({"whole": ["capacity"]}, "whole to name kinds on offer"),
    ],
)
def test_wrong_options_say_what_was_expected(options, message):
    chain = offer(two_lines(), stock())
    with pytest.raises(OptionError, match=message):
        defend(chain, bans("AUS", "USA"), **{"budget": 1.0, "weeks": 12, "period": 1} | options)


def test_there_must_be_instruments_with_names_of_their_own():
    chain = offer(two_lines(), stock())
    for levers in ([], bans("AUS", "AUS")):
        with pytest.raises(OptionError, match="unique names"):
            defend(chain, levers, budget=1.0)


def test_rounds_that_do_not_end_are_an_error_with_what_was_reached():
    with pytest.raises(ConvergenceError, match=r"After round 1 .*most_rounds"):
        defended(1.0, most_rounds=1)
    with pytest.raises(ConvergenceError, match="Allow more time"):
        defended(1.0, time_limit=1e-9)


def test_another_solver_finds_the_same():
    pytest.importorskip("pulp")
    assert defended(1.0, solver="pulp:HiGHS").loss_after == pytest.approx(2.0)


# ----------------------------------------------------------------------------- a shipped chain


@pytest.mark.slow
def test_japan_against_two_bans_on_rare_earths():
    chain = cp.load("rare_earths")
    names = ["metal", "ndfeb_sintered", "motor", "magnet_bonded"]
    levers = [Scenario(name, ExportBan(by="CHN", against="JPN", products=name)) for name in names]
    how = {"targets": "JPN", "owner": "CHN", "most": 2, "weeks": 26}
    found = cp.defend(chain, levers, budget=200, **how)
    assert found.gap <= 1e-4
    assert found.loss_after < found.loss_before
    assert found.rounds["lower"].is_monotonic_increasing
    assert found.rounds["upper"].is_monotonic_decreasing
    alone = attack(chain, levers, response="planner", **how)
    # Decay that something on offer could stop is left out, so the planner may do a little better.
    assert found.loss_before <= alone.damage * (1 + 1e-6)
    assert found.loss_before == pytest.approx(alone.damage, rel=0.01)
