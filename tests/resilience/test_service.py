"""Markets that must be served, and stocks that are worth something at the end."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from propagate._chains import Draft, Flow
from resilience._cases import WEEKS, cases
from resilience._small import BAN, mill, offer, plan_for_japan, rigid, stock, table

from chokepoint.errors import InfeasibleError, OptionError, UnknownLabelError
from chokepoint.propagate import compile_chain, trace
from chokepoint.resilience import recourse
from chokepoint.resilience._measures import KINDS, find_candidates
from chokepoint.resilience._model import counted_sites
from chokepoint.resilience._plan_program import Task, build_answer
from chokepoint.resilience._service import find_service
from chokepoint.resilience._trajectory import as_point


def medicine() -> Draft:
    """A pill of little value and a toy of much, from the same ore."""
    return rigid(
        Draft(
            flows=[
                Flow("ore@AUS", "pill@JPN"),
                Flow("ore@AUS", "toy@JPN"),
                Flow("pill@JPN", "market:pill@JPN"),
                Flow("toy@JPN", "market:toy@JPN"),
            ],
            sites={"pill@JPN": {"value_added_share": 0.1, "ramp_max": 1.0}},
            products={"pill": {"critical_weight": 1.0}},
        )
    )


def test_critical_markets_are_served_before_money_decides():
    chain = offer(medicine(), stock())
    free = plan_for_japan(chain, 0.4)
    assert free.measures["site"].tolist() == ["toy@JPN"]
    # Of twelve weeks' demand one is in transit and three are made: half needs two more.
    bound = plan_for_japan(chain, 0.4, service=0.5)
    by_site = bound.measures.set_index("site")["cost_usd_m"]
    assert by_site.to_dict() == pytest.approx({"pill@JPN": 0.2, "toy@JPN": 0.2})
    assert bound.service.loc[("ban", "market:pill@JPN"), "served"] == pytest.approx(0.5)
    assert bound.service.loc[("ban", "market:pill@JPN"), "least"] == 0.5
    assert bound.residual_loss["ban"] > free.residual_loss["ban"]
    # The planner without money need not serve what cannot be served.
    assert bound.baseline_loss["ban"] == pytest.approx(free.baseline_loss["ban"])


@pytest.mark.parametrize("method", ["extensive", "decomposed"])
def test_both_methods_serve_markets(method):
    chain = offer(medicine(), stock())
    bound = plan_for_japan(chain, 0.4, service={"pill": 0.5}, method=method, tolerance=1e-8)
    by_site = bound.measures.set_index("site")["cost_usd_m"]
    assert by_site.to_dict() == pytest.approx({"pill@JPN": 0.2, "toy@JPN": 0.2}, abs=1e-5)


@pytest.mark.parametrize("method", ["extensive", "decomposed"])
def test_markets_that_cannot_be_served_are_named(method):
    chain = offer(medicine(), stock())
    with pytest.raises(InfeasibleError, match=r"service\[market:pill@JPN\] at least") as caught:
        plan_for_japan(chain, 0.1, service={"pill": 0.5}, method=method)
    assert "budget at most 0.1" in str(caught.value)


@pytest.mark.parametrize(
    ("service", "error", "message"),
    [
        (1.5, OptionError, "from 0 to 1"),
        ({"pill": -0.1}, OptionError, "from 0 to 1"),
        ({"ore": 0.5}, OptionError, "No market for ore"),
        ({"pil": 0.5}, UnknownLabelError, 'closest: "pill"'),
    ],
)
def test_services_out_of_range_are_refused(service, error, message):
    with pytest.raises(error, match=message):
        plan_for_japan(offer(medicine(), stock()), 0.4, service=service)


def test_chains_without_critical_products_say_so():
    with pytest.raises(OptionError, match="critical_weight"):
        plan_for_japan(offer(mill(), stock()), 0.4, service=0.5)


some = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@some
@given(cases())
def test_courses_of_the_weekly_model_satisfy_all_other_rows(case):
    """Keeping markets in the program does not forbid what the weekly model does."""
    chain, scenario, behaviour = case
    compiled = compile_chain(chain)
    markets = sorted(set(compiled.nodes.loc[compiled.is_market, "product"]))
    measures = offer_any(chain)
    candidates = find_candidates(
        chain, compiled, kinds=KINDS, targets=None, notice=104.0, weeks=WEEKS, measures=measures
    )
    task = Task(
        chain, compiled, candidates, counted_sites(chain, compiled, None),
        find_service(chain, compiled, dict.fromkeys(markets, 0.5), chain.areas()),
        weeks=WEEKS, period=1,
    )  # fmt: skip
    answer = build_answer(task, scenario, weight=1.0)
    program = answer.part.program
    run = trace(chain, scenario, weeks=WEEKS, behaviour=behaviour)
    point = as_point(answer.model, answer.columns, run, program.n_columns)
    broken = program.violations(point, tolerance=1e-6, most=50)
    if behaviour.scarcity == "this_week":
        assert [name for name in broken if not name.startswith("service[")] == []


def offer_any(chain):
    products = list(chain.products["product"])
    return table(
        *(stock(measure=f"stock {name}", product=name) for name in products),
    )


# ---------------------------------------------------------------- stocks at the end


def test_stocks_at_the_end_are_worth_what_they_carry():
    chain = offer(mill(), stock())
    free = plan_for_japan(chain, 0.0)
    valued = plan_for_japan(chain, 0.0, terminal="valued")
    assert valued.residual_loss["ban"] >= free.residual_loss["ban"] - 1e-9
    alone = recourse(chain, BAN, targets="JPN", weeks=12, terminal="valued")
    assert valued.residual_loss["ban"] == pytest.approx(alone.loss_total)
    assert valued.terminal_loss["ban"] == pytest.approx(alone.terminal_value)
    assert free.terminal_loss["ban"] == 0.0
    more = plan_for_japan(chain, 5.0, terminal="valued")
    # Enough stock is bought to last the horizon, the lead beyond it, and two weeks at the end.
    assert more.terminal_loss["ban"] == pytest.approx(0.0, abs=1e-6)
    assert more.measures["quantity"].sum() == pytest.approx(9 + 1 + 2)
    assert more.spent == pytest.approx(1.2)


def test_terminal_is_one_of_two():
    with pytest.raises(OptionError, match='terminal "free" or "valued"'):
        plan_for_japan(offer(mill(), stock()), 1.0, terminal="burnt")
