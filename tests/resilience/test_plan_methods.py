"""Plans on random chains: all threats at once, one by one, and by another solver."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from propagate._strategies import drafts, scenarios
from resilience._small import (
    BAN,
    capacity,
    offer,
    plan_for_japan,
    recycling,
    reserved,
    second,
    stock,
    substitution,
    table,
    two_suppliers,
)

from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.program import CVaR
from chokepoint.resilience import Pool, plan, recourse
from chokepoint.scenario import Scenario

some = settings(
    max_examples=20, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
WEEKS = 16


@st.composite
def tasks(draw):
    """A chain, two threats, measures of all kinds for all products, and money."""
    draft = draw(drafts())
    chain = draft.build()
    threats = []
    for number in range(2):
        drawn = draw(scenarios(draft, weeks=WEEKS))
        threats.append(Scenario(f"threat {number}", drawn.events))
    rows = []
    for product in chain.products["product"]:
        for make in (stock, second, recycling, substitution, reserved):
            one = make(product=product, unit_cost=float(draw(st.sampled_from([2e3, 2e4, 2e5]))))
            rows.append(one | {"measure": f"{one['measure']} {product}", "lead_weeks": 0})
        works = capacity(product=product, country="", lead_weeks=draw(st.integers(0, 110)))
        rows.append(works | {"measure": f"works {product}"})
    return chain, threats, table(*rows), draw(st.sampled_from([0.0, 0.05, 0.5, 5.0]))


def make(task, **options):
    chain, threats, measures, budget = task
    try:
        return plan(
            chain, threats, budget=budget, weeks=WEEKS, measures=measures, simulate=False, **options
        )
    except UnknownLabelError:  # an event in a country that this chain does not have
        assume(False)
    except OptionError as error:  # nothing on offer helps, or an event matches nothing
        assume("offers no measure" not in str(error) and "match" not in str(error))
        raise


def weighed(found):
    risk = found.risk or CVaR(0.0, weight=0.0)
    losses = (found.residual_loss + found.terminal_loss).to_numpy()
    return risk.value(losses, found.probabilities.to_numpy()) + 1e-4 * found.spent


@pytest.mark.slow
@some
@given(
    tasks(),
    st.sampled_from([1, 4]),
    st.sampled_from([None, CVaR(0.5, weight=0.5)]),
    st.sampled_from(["free", "valued"]),
)
def test_one_by_one_finds_what_all_at_once_does(task, period, risk, terminal):
    options = {"period": period, "risk": risk, "terminal": terminal, "probabilities": [0.3, 0.5]}
    whole = make(task, method="extensive", **options)
    pieces = make(task, method="decomposed", tolerance=1e-7, **options)
    scale = max(1.0, float(whole.baseline_loss.max()))
    assert weighed(pieces) == pytest.approx(weighed(whole), abs=2e-6 * scale)
    assert (whole.residual_loss <= whole.baseline_loss + 1e-6 * scale).all() or risk is not None
    assert whole.spent <= task[3] * (1 + 1e-9) + 1e-12


@pytest.mark.slow
@some
@given(tasks(), st.sampled_from([1, 4]))
def test_nothing_bought_is_the_planner_alone(task, period):
    chain, threats, _, _ = task
    bought = make(task, period=period)
    for threat in threats:
        alone = recourse(chain, threat, weeks=WEEKS, period=period).loss_total
        # Slots that a plan may help are spared from decay, which these chains do not have.
        assert bought.baseline_loss[threat.name] == pytest.approx(alone, abs=1e-6)


@pytest.mark.slow
@some
@given(tasks())
def test_another_solver_finds_plans_as_good(task):
    pytest.importorskip("pulp")
    ours = make(task, period=4, method="extensive")
    theirs = make(task, period=4, solver="pulp:CBC") if _has_cbc() else ours
    scale = max(1.0, float(ours.baseline_loss.max()))
    assert weighed(theirs) == pytest.approx(weighed(ours), abs=1e-5 * scale)


def _has_cbc():
    import pulp

    available = pulp.listSolvers(onlyAvailable=True)
    return "PULP_CBC_CMD" in available or "COIN_CMD" in available


@pytest.mark.slow
@some
@given(tasks())
def test_more_money_never_hurts_and_kinds_only_help(task):
    chain, threats, measures, budget = task
    less = make((chain, threats, measures, budget), period=4)
    more = make((chain, threats, measures, 2 * budget + 0.1), period=4)
    slack = 1e-6 * max(1.0, float(less.baseline_loss.max()))
    assert weighed(more) <= weighed(less) + slack + 1e-4 * more.spent
    pooled = make(task, period=4, pool=Pool(list(chain.areas())))
    assert weighed(pooled) <= weighed(less) + slack


# ------------------------------------------------------------------------------ by hand


@pytest.mark.parametrize("method", ["extensive", "decomposed"])
def test_marginal_values_are_those_of_the_program(method):
    chain = offer(two_suppliers(), stock(), second(unit_cost=2e4))
    bought = plan_for_japan(chain, 0.3, method=method, tolerance=1e-9)
    paid = bought.marginal_value[bought.marginal_value["bought"]]["usd_per_usd"]
    np.testing.assert_allclose(paid, bought.budget_value, rtol=1e-3)
    rest = bought.marginal_value[~bought.marginal_value["bought"]]["usd_per_usd"]
    assert (rest <= bought.budget_value * (1 + 1e-3)).all()
    values = bought.values
    assert values["usd_per_usd"].is_monotonic_decreasing
    total = values[values["kind"].eq("budget")].set_index("where")["usd_per_usd"]
    assert total["total"] == bought.budget_value
    assert values.attrs["unit"] == "USD of expected loss avoided per USD, and per unit"


def test_the_method_goes_by_size_and_solver():
    chain = offer(two_suppliers(), stock())
    assert plan_for_japan(chain, 0.3).method == "extensive"
    with pytest.raises(OptionError, match='solver="highs" for method="decomposed"'):
        plan_for_japan(chain, 0.3, method="decomposed", solver="pulp:HiGHS")
    with pytest.raises(OptionError, match='Expected method "auto"'):
        plan_for_japan(chain, 0.3, method="guess")


def test_threads_change_nothing():
    chain = offer(two_suppliers(), stock())
    threats = [BAN, Scenario("again", BAN.events)]
    found = [
        plan_for_japan(chain, 0.3, threats, method="decomposed", threads=threads)
        for threads in (1, 2, 4)
    ]
    for one in found[1:]:
        assert one.residual_loss.equals(found[0].residual_loss)
