"""The three tests of a planner's bound, in their order: zero, rows, and only then the bound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from resilience._cases import (
    WEEKS,
    cases,
    rich_cases,
    run_as_point,
    weekly_shortfall,
)

import chokepoint as cp
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.propagate import Behaviour, simulate
from chokepoint.resilience import recourse, shortfall
from chokepoint.resilience._recourse import build_recourse
from chokepoint.scenario import (
    DemandShift,
    ExportBan,
    Licence,
    Outage,
    Scenario,
)

some = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PERIODS = st.sampled_from([1, 2, 4, 5])
BASELINE = Scenario("baseline")


@pytest.fixture(scope="module")
def rare_earths():
    return cp.load("rare_earths")


def several_events():
    """Events of every kind on the shipped chain, overlapping."""
    magnets = ["magnet_ndfeb", "magnet_ndfeb_heavy"]
    return [
        Scenario("ban", [ExportBan(by="CHN", against="USA")]),
        Scenario("ban on all", [ExportBan(by="CHN", severity=0.8, start=3, weeks=20)]),
        Scenario("licence", [Licence(by="CHN", products=magnets, refused=0.1, weeks=30)]),
        Scenario(
            "all at once",
            [
                ExportBan(by="CHN", against="JPN", products=magnets, start=2, weeks=15),
                Licence(by="CHN", against=["USA", "JPN"], review_weeks=5, clearing=1.3, weeks=25),
                Outage(country="MYS", severity=0.7, weeks=8, recovery_weeks=10),
                Outage(products="oxide_dy", country="CHN", severity=0.5, weeks=12),
                DemandShift(country="USA", change=-0.2, start=4, weeks=10),
                DemandShift(country="JPN", change=0.1),
            ],
        ),
    ]


# --------------------------------------------------------------------------- (i) zero


@some
@given(st.one_of(cases(), rich_cases()), PERIODS)
def test_no_shock_costs_nothing(case, period):
    chain, _, _ = case
    program = build_recourse(chain, BASELINE, weeks=WEEKS, period=period, first=0).program
    assert program.n_rows > 0
    assert program.solve().objective <= 1e-9


@pytest.mark.parametrize("targets", [None, "USA", "CHN", "EU27"])
def test_no_shock_costs_exactly_nothing_on_the_shipped_chain(rare_earths, targets):
    built = build_recourse(rare_earths, BASELINE, targets=targets, period=4, first=0)
    assert built.program.solve().objective == 0.0
    assert recourse(rare_earths, BASELINE, targets=targets, period=4).loss_total == 0.0


def test_a_planner_does_not_make_more_than_baseline_for_profit(rare_earths):
    best = recourse(rare_earths, BASELINE, targets="JPN", weeks=12, period=4)
    assert best.loss.to_dict() == {"JPN": 0.0}


# --------------------------------------------------------------------------- (ii) rows


@pytest.mark.slow
@settings(some, max_examples=80)
@given(cases(), PERIODS, st.sampled_from(["free", "valued"]))
def test_every_course_of_the_weekly_model_satisfies_all_rows(case, period, terminal):
    built, point = run_as_point(*case, weeks=WEEKS, period=period, terminal=terminal)
    if terminal == "valued":
        _fill_missing(built, point)
    assert built.program.violations(point, tolerance=1e-7) == []


@some
@given(rich_cases(), PERIODS, st.sampled_from(["free", "valued"]))
def test_every_course_of_the_whole_model_satisfies_all_rows(case, period, terminal):
    """With detours, thrift, decay, backlog, stocks of markets, rebuilding and any rule."""
    built, point = run_as_point(*case, weeks=WEEKS, period=period, terminal=terminal)
    if terminal == "valued":
        _fill_missing(built, point)
    assert built.program.violations(point, tolerance=1e-7) == []


@some
@given(cases(), PERIODS, st.sampled_from(["AUS", "CHN", "USA"]))
def test_rows_hold_for_the_part_of_the_chain_that_matters_to_a_target(case, period, target):
    chain = case[0]
    if target not in set(chain.nodes.query("kind == 'site'")["country"]):
        return
    built, point = run_as_point(*case, targets=target, weeks=WEEKS, period=period)
    assert built.program.violations(point, tolerance=1e-7) == []


@pytest.mark.parametrize("period", [1, 4])
@pytest.mark.parametrize("number", range(4))
def test_rows_hold_on_the_shipped_chain(rare_earths, number, period):
    scenario = several_events()[number]
    for behaviour in (Behaviour(), Behaviour(switching=False, ramp=False)):
        built, point = run_as_point(rare_earths, scenario, behaviour, weeks=40, period=period)
        assert built.program.violations(point, tolerance=1e-7) == []


@some
@given(cases())
def test_weekly_stocks_of_the_point_are_those_of_the_run(case):
    # The point is made from flows and use alone, so its stocks test the conversion.
    built, point = run_as_point(*case, weeks=WEEKS, period=1)
    from chokepoint.propagate import trace

    chain, scenario, behaviour = case
    run = trace(chain, scenario, weeks=WEEKS, behaviour=behaviour)
    stored, first = built.model.stored, built.model.periods.starts[0]
    places = built.columns.stock[stored]
    np.testing.assert_allclose(point[places], run.stock[first:, stored].T, atol=1e-9)


def test_a_course_that_breaks_a_limit_is_seen(rare_earths):
    scenario = several_events()[0]
    built, point = run_as_point(rare_earths, scenario, Behaviour(), weeks=20, period=1)
    banned = np.flatnonzero((built.model.limits.flow == 0).all(axis=1) & built.model.extent.edges)
    assert len(banned) == 0  # flows that never carry anything are left out
    flows = built.columns.flow[built.model.extent.edges][:, 3]
    point[flows] *= 2.0
    assert built.program.violations(point, tolerance=1e-7) != []


def _fill_missing(built, point):
    """Stock missing at the end of the run."""
    block = built.program.columns["missing"]
    rows = built.program.rows["terminal"]
    short = built.program.row_lower[rows.span] - (built.program.matrix @ point)[rows.span]
    point[block.span] = np.maximum(short, 0.0)


# -------------------------------------------------------------------------- (iii) bound


@some
@given(cases(), st.sampled_from([1, 4]))
def test_the_planner_loses_no_more_than_the_weekly_model(case, period):
    chain, scenario, behaviour = case
    best = recourse(chain, scenario, weeks=WEEKS, period=period)
    simulated = weekly_shortfall(chain, scenario, behaviour, weeks=WEEKS)
    assert best.loss_total <= simulated + 1e-6
    assert best.loss_total >= 0.0


@some
@given(rich_cases(), st.sampled_from([1, 4]))
def test_the_planner_loses_no_more_than_the_whole_model(case, period):
    chain, scenario, behaviour = case
    best = recourse(chain, scenario, weeks=WEEKS, period=period, scarcity=behaviour.scarcity)
    simulated = weekly_shortfall(chain, scenario, behaviour, weeks=WEEKS)
    assert 0.0 <= best.loss_total <= simulated + 1e-6


@pytest.mark.slow
@some
@given(cases(), st.sampled_from(["AUS", "CHN", "USA"]))
def test_the_bound_of_a_target_is_below_its_loss_and_its_part_of_the_world_plan(case, target):
    chain, scenario, behaviour = case
    if target not in set(chain.nodes.query("kind == 'site'")["country"]):
        return
    best = recourse(chain, scenario, targets=target, weeks=WEEKS)
    world = recourse(chain, scenario, weeks=WEEKS)
    simulated = weekly_shortfall(chain, scenario, behaviour, weeks=WEEKS, countries=[target])
    assert best.loss_total <= simulated + 1e-6
    assert best.loss_total <= world.loss[target] + 1e-6


@pytest.mark.parametrize("period", [1, 4])
def test_bound_on_the_shipped_chain(rare_earths, period):
    scenarios = several_events()
    outcome = simulate(rare_earths, scenarios, weeks=26)
    for target in ("USA", "JPN"):
        simulated = shortfall(outcome, rare_earths, targets=target)
        for scenario in scenarios:
            best = recourse(rare_earths, scenario, targets=target, weeks=26, period=period)
            assert best.loss_total <= simulated[scenario.name] + 1e-6
            net = outcome.loss(by="country").loc[scenario.name, target]
            assert net <= simulated[scenario.name] + 1e-9


def test_shortfall_is_what_sites_lose_in_weeks_below_baseline(rare_earths):
    scenario = several_events()[3]
    outcome = simulate(rare_earths, [BASELINE, scenario], weeks=20)
    total = shortfall(outcome, rare_earths, targets=["USA", "JPN"], weeks=15)
    slow = weekly_shortfall(rare_earths, scenario, Behaviour(), weeks=15, countries=["USA", "JPN"])
    assert total["baseline"] == 0.0
    assert total[scenario.name] == pytest.approx(slow, rel=1e-9)


# ------------------------------------------------------------------------- periods


@pytest.mark.slow
@some
@given(st.one_of(cases(), rich_cases()))
def test_periods_are_a_relaxation(case):
    chain, scenario, _ = case
    weekly = recourse(chain, scenario, weeks=24, period=1).loss_total
    for period in (2, 3, 4, 24):
        longer = recourse(chain, scenario, weeks=24, period=period).loss_total
        assert longer <= weekly + 1e-6


def test_periods_are_a_relaxation_on_the_shipped_chain(rare_earths):
    for scenario in several_events()[:3]:
        losses = [
            recourse(rare_earths, scenario, targets="JPN", weeks=26, period=period).loss_total
            for period in (1, 2, 4)
        ]
        assert losses[0] + 1e-6 >= losses[1]
        assert losses[0] + 1e-6 >= losses[2]


# ------------------------------------------------------------------------- pruning


@pytest.mark.slow
@some
@given(cases(), st.sampled_from(["AUS", "CHN", "USA"]))
def test_leaving_out_what_does_not_matter_changes_nothing(case, target):
    """The whole chain with costs for the target alone has the same optimum."""
    chain, scenario, _ = case
    if target not in set(chain.nodes.query("kind == 'site'")["country"]):
        return
    built = build_recourse(chain, scenario, targets=target, weeks=12)
    whole = build_recourse(chain, scenario, weeks=12)
    cost = np.zeros(whole.program.n_columns)
    country = whole.model.chain.nodes["country"].to_numpy()
    mine = whole.model.extent.counted & (country == target)
    places = whole.columns.loss[mine]
    cost[places] = whole.program.cost[places]
    session = whole.program.session()
    session.change_costs(np.arange(len(cost)), cost)
    assert built.program.n_columns <= whole.program.n_columns
    assert built.program.solve().objective == pytest.approx(
        session.solve().objective, rel=1e-7, abs=1e-7
    )


# ------------------------------------------------------------------------- options


def test_targets_without_sites_are_refused(rare_earths):
    with pytest.raises(UnknownLabelError):
        recourse(rare_earths, BASELINE, targets="ATLANTIS")


@pytest.mark.parametrize(
    "options",
    [{"weeks": 0}, {"period": 0}, {"terminal": "some"}, {"scarcity": "some"}, {"solver": "abacus"}],
)
def test_options_out_of_range_are_refused(rare_earths, options):
    with pytest.raises(OptionError, match="Expected"):
        recourse(rare_earths, BASELINE, **options)
