"""Seconds of the planner's programs on the shipped chains, beside what they should take.

Clocks of programs swing with other work on the machine; `processor_s` beside each case is what
the process itself used. Cases marked slow take minutes; `-m 'not slow'` leaves them out.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
from plan_cases import BANS, ban, clocked, target, threats

import chokepoint as cp
from chokepoint.program import HighsSession
from chokepoint.resilience import Budget
from chokepoint.resilience._measures import KINDS
from chokepoint.resilience._study import Study, make_study

# Threats in the programs of about half a million coefficients or more.
SOME = 10


def once(benchmark, function, *arguments, **options):
    """Run once; return what it returned and processor seconds."""
    busy = time.process_time()
    found = benchmark.pedantic(function, arguments, options, rounds=1)
    benchmark.extra_info["processor_s"] = time.process_time() - busy
    return found


def study_of(name: str, number: int, budget: float) -> Study:
    """Return the program of a plan of a chain."""
    return make_study(
        cp.load(name), threats(name, number), budget=Budget.of(budget), weeks=52, period=4,
        probabilities=None, kinds=KINDS, targets=target(name), notice=104.0, risk=None, whole=(),
        pool=None, service=None, terminal="free", measures=None, threads=2,
    )  # fmt: skip


@pytest.mark.parametrize("name", BANS)
def test_recourse_for_one_country(benchmark, name):
    benchmark.group = "recourse, 13 periods of four weeks, losses of one country (bar: 3 s)"
    chain = cp.load(name)
    best = once(benchmark, cp.recourse, chain, ban(name), targets=target(name), period=4)
    benchmark.extra_info |= {
        "coefficients": best.solution.program.n_coefficients,
        "solver_s": best.solution.seconds,
        "loss": best.loss_total,
    }
    assert best.loss_total >= 0


@pytest.mark.slow
@pytest.mark.parametrize("name", BANS)
def test_recourse_for_all_countries(benchmark, name):
    benchmark.group = "recourse, 13 periods of four weeks, losses of all countries"
    chain = cp.load(name)
    best = once(benchmark, cp.recourse, chain, ban(name), period=4)
    benchmark.extra_info |= {
        "coefficients": best.solution.program.n_coefficients,
        "solver_s": best.solution.seconds,
        "loss": best.loss_total,
    }
    assert best.loss_total >= 0


CHAINS = [
    # chain, budget, gap
    pytest.param("strategic_minerals", 2.0, 1e-4, id="strategic_minerals"),
    pytest.param("rare_earths", 20.0, 1e-4, id="rare_earths", marks=pytest.mark.slow),
    pytest.param("all", 1000.0, 1e-2, id="all", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "budget", "gap"), CHAINS)
def test_plan_against_twenty_threats(benchmark, name, budget, gap):
    benchmark.group = "plan, 20 threats, one country (bar: 30 s, for all 300 s to a gap of 1 %)"
    found = once(
        benchmark, cp.plan, cp.load(name), threats(name, 20), budget=budget,
        targets=target(name), tolerance=gap, simulate=False,
    )  # fmt: skip
    expected = float((found.baseline_loss * found.probabilities).sum())
    benchmark.extra_info |= {
        "gap": found.gap, "spent": found.spent, "loss_before": expected,
        "loss_after": expected - found.saving, "usd_per_usd": found.budget_value,
    }  # fmt: skip
    assert found.gap <= gap


def binding(name: str, number: int) -> float:
    """Return what is spent where money is no limit: less than that binds."""
    found = cp.plan(
        cp.load(name), threats(name, number), budget=1e6, targets=target(name), simulate=False
    )
    return found.spent


@pytest.mark.slow
def test_building_and_loading_beside_solving(benchmark):
    benchmark.group = "building and loading a program of about 7e5 coefficients (bar: 1 % of solve)"
    name = "rare_earths"
    budget = 0.5 * binding(name, SOME)
    study, build, _ = clocked(study_of, name, SOME, budget)
    whole, joined, _ = clocked(study.program.problem.extensive)
    session, loaded, _ = clocked(HighsSession, whole)
    solution = once(benchmark, session.solve)
    seconds = solution.seconds - session._loading
    benchmark.extra_info |= {
        "coefficients": whole.n_coefficients, "rows": whole.n_rows, "build_s": build,
        "join_s": joined, "load_s": loaded, "iterations": solution.iterations,
        "join_and_load_percent": 100 * (joined + loaded) / seconds,
        "build_join_load_percent": 100 * (build + joined + loaded) / seconds,
    }  # fmt: skip


@pytest.mark.slow
def test_budgets_warm_and_cold(benchmark):
    benchmark.group = "re-solves over 20 budgets that bind (bar: cold over warm at least 7)"
    name = "rare_earths"
    most = binding(name, SOME)
    study = study_of(name, SOME, most)
    whole, row = study.program.problem.extensive(), [study.program.first.budget]
    budgets = np.linspace(1.0, 0.05, 20) * most
    session = whole.session()

    def sweep():
        seconds = []
        for budget in budgets:
            session.change_rows(row, lower=-np.inf, upper=budget)
            seconds.append(clocked(session.solve)[1:])
        return np.array(seconds)

    warm = once(benchmark, sweep)
    cold = []
    for budget in budgets[[0, 5, 10, 15, 19]]:
        fresh = whole.session()
        fresh.change_rows(row, lower=-np.inf, upper=budget)
        cold.append(clocked(fresh.solve)[1:])
    warm_s, cold_s = np.median(warm[1:], axis=0), np.median(cold, axis=0)
    benchmark.extra_info |= {
        "coefficients": whole.n_coefficients, "cold_s": cold_s[0], "warm_s": warm_s[0],
        "cold_processor_s": cold_s[1], "warm_processor_s": warm_s[1],
        "cold_over_warm": cold_s[1] / warm_s[1], "worst_warm_s": warm[1:, 0].max(),
        "sweep_over_cold": warm[:, 1].sum() / cold_s[1],
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rare_earths", "strategic_minerals"])
def test_frontier_of_twenty_budgets(benchmark, name):
    benchmark.group = "frontier of 20 budgets that bind beside one plan (bar: 4 times)"
    most = binding(name, SOME)
    budgets = (np.linspace(0.05, 1.0, 20) * most).tolist()
    options = {"targets": target(name)}
    chain, listed = cp.load(name), threats(name, SOME)
    _, _, one = clocked(cp.plan, chain, listed, budget=budgets[9], simulate=False, **options)
    curve = once(benchmark, cp.frontier, chain, listed, budgets=budgets, **options)
    busy = benchmark.extra_info["processor_s"]
    bound = (curve.table["budget_value"] > 0).sum()
    benchmark.extra_info |= {
        "one_plan_processor_s": one, "times_one_plan": busy / one, "binding": int(bound),
        "most_usd_m": most,
    }  # fmt: skip
    assert curve.table["expected_loss"].is_monotonic_decreasing
