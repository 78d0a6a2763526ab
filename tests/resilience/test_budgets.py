"""Budgets by year and country, what is bought whole, pools, and who pays."""

from __future__ import annotations

import math

import numpy as np
import pytest
from resilience._small import (
    BAN,
    JPN,
    KOR,
    VALUE,
    capacity,
    dormant,
    mill,
    offer,
    open_flow,
    plan_for_japan,
    second,
    stock,
    two_mills,
)

from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.resilience import Budget, Pool, recourse

BOTH = {"targets": ["JPN", "KOR"], "threats": [JPN, KOR]}


def plan_for_both(chain, budget, **options):
    how = BOTH | options
    return plan_for_japan(chain, budget, how.pop("threats"), **how)


# ------------------------------------------------------------------------------ years


def test_each_year_has_its_money():
    chain = offer(mill(), stock())
    bought = plan_for_japan(chain, Budget(by_year=[0.1, 0.2], carry=False))
    assert bought.spent == pytest.approx(0.3)
    assert bought.budget == pytest.approx(0.3)
    assert bought.residual_loss["ban"] == pytest.approx(6 * VALUE)
    by_year = bought.measures.groupby("order_year")["cost_usd_m"].sum()
    assert by_year.to_dict() == pytest.approx({0: 0.1, 1: 0.2})
    limits = bought.values[bought.values["kind"].eq("budget")].set_index("where")["usd_per_usd"]
    assert limits["1"] == pytest.approx(VALUE / 0.1, rel=1e-3)


def test_what_is_ordered_a_year_later_works_a_year_later():
    chain = offer(open_flow(), capacity())
    # Lead 60, notice 60: ordered at once it works at once, a year later after the horizon.
    bought = plan_for_japan(chain, Budget(by_year=[0.052, 10.0]), notice=60.0)
    assert bought.spent == pytest.approx(0.052)
    assert bought.residual_loss["ban"] == pytest.approx(11 * 0.4 * VALUE)
    longer = plan_for_japan(chain, Budget(by_year=[0.052, 0.052]), notice=110.0)
    assert longer.measures.set_index("order_year")["delay_weeks"].to_dict() == {0: 0.0, 1: 2.0}


def test_what_is_left_of_a_year_may_be_kept_or_not():
    chain = offer(mill(), stock())
    # Only the second year's order is of use: nothing in the first year.
    late = {"notice": 104.0}
    assert plan_for_japan(chain, Budget(by_year=[0.1, 0.0]), **late).spent == pytest.approx(0.1)
    kept = plan_for_japan(chain, Budget(by_year=[0.2, 0.1]), **late)
    assert kept.spent == pytest.approx(0.3)
    lost = plan_for_japan(chain, Budget(total=0.25, by_year=[0.2, 0.1], carry=False), **late)
    ordered = lost.measures.groupby("order_year")["cost_usd_m"].sum()
    assert (ordered <= np.array([0.2, 0.1])[ordered.index] + 1e-9).all()
    assert lost.spent == pytest.approx(0.25)


# -------------------------------------------------------------------------- countries


def test_countries_pay_for_their_own():
    chain = offer(two_mills(), stock())
    alone = plan_for_both(chain, Budget(by_country={"JPN": 0.1, "KOR": 0.3}))
    assert alone.payments["paid"].to_dict() == pytest.approx({"JPN": 0.1, "KOR": 0.3})
    by_site = alone.measures.set_index("site")["cost_usd_m"]
    assert by_site.to_dict() == pytest.approx({"mill@JPN": 0.1, "mill@KOR": 0.3})
    # Each threat has probability one half.
    assert alone.payments["benefit"].to_dict() == pytest.approx({"JPN": 0.25, "KOR": 0.75})
    assert alone.payments["net"].to_dict() == pytest.approx({"JPN": 0.15, "KOR": 0.45})
    only_one = plan_for_both(chain, Budget(by_country={"JPN": 0.5}))
    assert set(only_one.measures["site"]) == {"mill@JPN"}


def test_any_country_pays_for_capacity():
    chain = offer(open_flow(), capacity())
    bought = plan_for_japan(chain, Budget(by_country={"JPN": 0.052}), notice=60.0)
    assert bought.measures["site"].tolist() == ["ore@USA"]
    assert bought.payments["paid"].to_dict() == pytest.approx({"JPN": 0.052})


def test_the_total_holds_beside_purses():
    chain = offer(two_mills(), stock())
    bought = plan_for_both(chain, Budget(0.2, by_country={"JPN": 0.15, "KOR": 0.3}))
    assert bought.spent == pytest.approx(0.2)
    assert bought.payments["paid"].sum() == pytest.approx(0.2)
    assert bought.budget == pytest.approx(0.2)


def test_one_purse_has_no_payments_but_rules_to_split():
    chain = offer(two_mills(), stock())
    bought = plan_for_both(chain, 0.4, probabilities=[0.2, 0.6])
    assert bought.payments.empty
    split = bought.split("benefit")
    assert split["paid"].sum() == pytest.approx(bought.spent)
    assert split["benefit"].sum() == pytest.approx(bought.saving)
    # Everything goes where the threat is likelier.
    assert split["paid"].to_dict() == pytest.approx({"JPN": 0.0, "KOR": 0.4})
    assert bought.split("equal")["paid"].tolist() == pytest.approx([0.2, 0.2])
    given = bought.split({"JPN": 3.0, "KOR": 1.0})
    assert given["share"].to_dict() == pytest.approx({"JPN": 0.75, "KOR": 0.25})
    np.testing.assert_allclose(given["net"], given["benefit"] - given["paid"])


@pytest.mark.parametrize("by", ["gdp", "alphabet", {"USA": 1.0}, {}])
def test_rules_that_give_nobody_a_part_are_refused(by):
    # The small chain states no GDP.
    bought = plan_for_both(offer(two_mills(), stock()), 0.1)
    with pytest.raises(OptionError, match="Expected"):
        bought.split(by)


# -------------------------------------------------------------------------------- pools


def test_a_pool_serves_whichever_member_is_hit():
    chain = offer(two_mills(), stock())
    apart = plan_for_both(chain, 0.3)
    assert apart.saving == pytest.approx(3 * VALUE / 2)
    pooled = plan_for_both(chain, 0.3, pool=Pool(["JPN", "KOR"]))
    # Three weeks of one mill's cover, for either of the two.
    assert pooled.saving == pytest.approx(3 * VALUE)
    assert pooled.measures["kind"].tolist() == ["pooled_stock"]
    assert pooled.measures["where"].tolist() == ["pool of JPN+KOR"]
    released = pooled.releases.pivot_table(index="threat", columns="site", values="cover")
    assert released.loc["jpn"].to_dict() == pytest.approx({"mill@JPN": 3.0, "mill@KOR": 0.0})
    assert released.loc["kor"].to_dict() == pytest.approx({"mill@JPN": 0.0, "mill@KOR": 3.0})


def test_pooled_goods_are_on_their_way_for_a_while():
    draft = two_mills(slots={("mill@JPN", "ore"): {"stock_weeks": 0.0}})
    # Stocks of one's own are on offer in Korea alone; weeks 1 to 3 pass before the pool is there.
    chain = offer(draft, stock(country="KOR"))
    for lead, lost in ((1, 0), (4, 3)):
        far = plan_for_japan(chain, 5.0, [JPN], pool=Pool(["JPN", "KOR"], lead_weeks=lead))
        assert far.residual_loss["jpn"] == pytest.approx(lost * VALUE, abs=1e-9)
        assert set(far.measures["kind"]) == {"pooled_stock"}


def test_members_pay_for_each_other():
    chain = offer(two_mills(), stock())
    purses = Budget(by_country={"JPN": 0.0, "KOR": 0.3})
    alone = plan_for_both(chain, purses, threats=[JPN])
    assert alone.spent == 0.0
    together = plan_for_both(chain, purses, threats=[JPN], pool=Pool(["JPN", "KOR"]))
    assert together.saving == pytest.approx(3 * VALUE)
    assert together.payments["paid"].to_dict() == pytest.approx({"JPN": 0.0, "KOR": 0.3})
    assert together.payments["net"]["KOR"] == pytest.approx(-0.3)


def test_pooled_stock_lies_where_it_is_needed_on_the_hardened_chain():
    chain = offer(two_mills(), stock())
    pooled = plan_for_both(chain, 0.3, pool=Pool(["JPN", "KOR"]))
    here = pooled.apply(chain, threat="jpn").slots["stock_weeks"]
    assert here["mill@JPN", "ore"] == pytest.approx(5.0)
    assert here["mill@KOR", "ore"] == pytest.approx(2.0)
    mean = pooled.apply(chain).slots["stock_weeks"]
    assert mean["mill@JPN", "ore"] == pytest.approx(3.5)
    for threat in (JPN, KOR):
        hardened = pooled.apply(chain, threat=threat.name)
        again = recourse(hardened, threat, targets=["JPN", "KOR"], weeks=12).loss_total
        assert again == pytest.approx(pooled.residual_loss[threat.name])
    with pytest.raises(OptionError, match="Expected a threat of the plan"):
        pooled.apply(chain, threat="usa")


def test_a_pool_may_be_for_some_products_only():
    chain = offer(two_mills(), stock())
    bought = plan_for_both(chain, 0.3, pool=Pool(["JPN", "KOR"], products="mill"))
    assert "pooled_stock" not in set(bought.measures["kind"])


# -------------------------------------------------------------------------------- whole


def test_a_second_source_is_qualified_or_not():
    chain = offer(dormant(), second())
    # The whole share costs USD 0.0208 million.
    parts = plan_for_japan(chain, 0.0104)
    assert parts.saving > 0
    none = plan_for_japan(chain, 0.0104, whole=["second_source"])
    assert none.spent == 0.0
    assert none.saving == pytest.approx(0.0, abs=1e-9)
    all_of_it = plan_for_japan(chain, 0.03, whole=["second_source"])
    assert all_of_it.spent == pytest.approx(0.0208)
    assert all_of_it.residual_loss["ban"] == pytest.approx((11 - 11 * 0.4) * VALUE)
    # With the choice made, what one more USD avoids is that of the program without choices.
    assert np.isfinite(all_of_it.marginal_value["usd_per_usd"]).all()


@pytest.mark.parametrize("method", ["extensive", "decomposed"])
def test_whole_measures_by_both_methods(method):
    chain = offer(two_mills(), stock(cost=1e5, max=4.0))
    options = {"whole": ["stock"], "method": method, "threats": [JPN, KOR]}
    # Four weeks of cover for one mill cost 0.4; there is money for one of the two.
    bought = plan_for_both(chain, 0.5, probabilities=[0.4, 0.6], **options)
    assert bought.measures["site"].tolist() == ["mill@KOR"]
    assert bought.spent == pytest.approx(0.4)
    assert bought.gap <= 1e-4


def test_what_has_no_size_cannot_be_bought_whole():
    chain = offer(open_flow(), capacity())
    with pytest.raises(OptionError, match="works cannot be bought whole"):
        plan_for_japan(chain, 1.0, whole=["capacity"], notice=104.0)
    with pytest.raises(OptionError, match="Expected whole to name kinds on offer"):
        plan_for_japan(chain, 1.0, whole=["stock"], notice=104.0)


def test_whole_measures_are_refused_on_cbc():
    pulp = pytest.importorskip("pulp")
    if not {"PULP_CBC_CMD", "COIN_CMD"} & set(pulp.listSolvers(onlyAvailable=True)):
        pytest.skip("no CBC here")
    chain = offer(dormant(), second())
    with pytest.raises(OptionError, match="whole numbers, and CBC"):
        plan_for_japan(chain, 0.03, whole=["second_source"], solver="pulp:CBC")


# ---------------------------------------------------------------------------- arguments


def test_budgets_know_what_can_be_spent():
    assert Budget().most == math.inf
    assert Budget(5).most == 5.0
    assert Budget(5, by_year=[1, 2]).most == 3.0
    assert Budget(2, by_year=[1, 2], by_country={"JPN": 9}).most == 2.0
    assert Budget.of(3.0) == Budget(3.0)


@pytest.mark.parametrize(
    "options",
    [{"total": -1}, {"total": float("nan")}, {"by_year": [1, -2]}, {"by_country": {"JPN": -1}}],
)
def test_negative_money_is_refused(options):
    with pytest.raises(OptionError, match="at least 0 USD million"):
        Budget(**options)


def test_pools_have_members():
    with pytest.raises(OptionError, match="with members"):
        Pool([])
    with pytest.raises(OptionError, match="lead of at least 0"):
        Pool("JPN", lead_weeks=-1)
    with pytest.raises(UnknownLabelError):
        plan_for_japan(offer(mill(), stock()), 1.0, pool=Pool(["JPN", "Atlantis"]))


def test_unknown_purses_are_refused():
    with pytest.raises(UnknownLabelError):
        plan_for_japan(offer(mill(), stock()), Budget(by_country={"Atlantis": 1.0}))


def test_an_unlimited_budget_buys_what_is_worth_it():
    chain = offer(mill(), stock())
    bought = plan_for_japan(chain, Budget(), [BAN])
    assert bought.spent == pytest.approx(0.9)
    assert bought.residual_loss["ban"] == pytest.approx(0.0, abs=1e-9)
