"""Two stages: published optima, both ways of solving, risk."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program import _instances as instances
from program._smps import read
from program.test_solvers import OTHERS
from scipy.sparse import csr_array

from chokepoint.errors import ConvergenceError, InfeasibleError, OptionError, ShapeError
from chokepoint.program import (
    Blocks,
    CVaR,
    Decomposition,
    LinearProgram,
    Part,
    ProgramBuilder,
    TwoStage,
)


def lands(form):
    writer = instances.lands()
    cases = [(p, {("DEMAND0", "RIGHT"): v}) for v, p in instances.LANDS_DEMAND]
    stoch = {
        "INDEP": instances.independent("LandS", {"DEMAND0": instances.LANDS_DEMAND}),
        "BLOCKS": instances.together("LandS", cases),
        "SCENARIOS": instances.together("LandS", cases, form="SCENARIOS"),
    }
    return read(writer.core(), writer.time(), stoch[form])


def airlift_first():
    writer = instances.airlift()
    cases = [(0.04, {("LOAD1", "RIGHT"): one, ("LOAD2", "RIGHT"): two})
             for one, two in instances.AIRLIFT_FIRST]  # fmt: skip
    stoch = instances.together("AIRL", cases, form="SCENARIOS")
    return read(writer.core(), writer.time(), stoch)


def airlift_second():
    writer = instances.airlift()
    values = {
        row: list(zip(some, instances.AIRLIFT_CHANCES, strict=True))
        for row, some in instances.AIRLIFT_SECOND.items()
    }
    return read(writer.core(), writer.time(), instances.independent("AIRL", values))


def chem():
    writer = instances.chem()
    cases = instances.together("CHEM", instances.CHEM_CASES)
    return read(writer.core(), writer.time(), cases)


def phone():
    writer = instances.phone()
    demand = {f"PAIR{pair}": [(value, 1.0)] for pair, value in instances.PHONE_DEMAND.items()}
    return read(writer.core(), writer.time(), instances.independent("PHONE", demand))


# Optima as published: electric, airlift (two sets of demand), chem (without whole numbers), phone.
PUBLISHED = [
    pytest.param(lambda: lands("INDEP"), 381.853333, 3, id="LandS"),
    pytest.param(lambda: lands("BLOCKS"), 381.853333, 3, id="LandS, blocks"),
    pytest.param(lambda: lands("SCENARIOS"), 381.853333, 3, id="LandS, scenarios"),
    pytest.param(airlift_first, 249101.672072, 25, id="airlift, first"),
    pytest.param(airlift_second, 269665.498390, 25, id="airlift, second"),
    pytest.param(chem, -13009.166667, 2, id="chem"),
    pytest.param(phone, 36.9, 1, id="phone1"),
]
FLOOR = -1e6  # the cases of chem earn money


@pytest.mark.parametrize(("make", "optimum", "cases"), PUBLISHED)
def test_published_optima(make, optimum, cases):
    problem = make()
    assert len(problem.parts) == cases
    assert problem.weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert problem.extensive().solve().objective == pytest.approx(optimum, rel=1e-8)


@pytest.mark.parametrize("solver", OTHERS)
@pytest.mark.parametrize(("make", "optimum", "cases"), PUBLISHED)
def test_published_optima_by_other_solvers(make, optimum, cases, solver):
    whole = make().extensive()
    assert whole.solve(solver=solver).objective == pytest.approx(optimum, rel=1e-6)


@pytest.mark.parametrize(("make", "optimum", "cases"), PUBLISHED)
def test_published_optima_case_by_case(make, optimum, cases):
    problem = make()
    pieces = Decomposition(problem, floor=FLOOR)
    found = pieces.solve(tolerance=1e-9)
    assert found.objective == pytest.approx(optimum, rel=1e-7)
    assert found.bound <= found.objective + 1e-6 * abs(optimum)
    assert found.gap <= 1e-9
    # The cases add up, and stand at the point that is handed out.
    assert problem.value(found.x, found.costs) == pytest.approx(found.objective)
    for number, part in enumerate(problem.parts):
        values = pieces.values(number)
        np.testing.assert_allclose(values[: part.shared], found.x[: part.shared])
        assert part.program.violations(values, tolerance=1e-6) == []


def test_the_published_investment():
    found = Decomposition(lands("INDEP")).solve(tolerance=1e-9)
    np.testing.assert_allclose(found.x, [8 / 3, 4, 10 / 3, 2], atol=1e-6)


# ------------------------------------------------------------------ random programs


@st.composite
def problems(draw, *, whole=False, complete=True):
    """Two or three columns first; cases with two rows, and a way out at a cost if complete."""
    size = draw(st.integers(1, 3))
    number = st.integers(-3, 3)
    cost = np.array([draw(st.integers(0, 4)) for _ in range(size)], dtype=float)
    first = LinearProgram(
        name="first",
        cost=cost,
        matrix=csr_array(np.ones((1, size))),
        row_lower=np.array([-np.inf]),
        row_upper=np.array([float(draw(st.integers(0, 8)))]),
        column_lower=np.zeros(size),
        column_upper=np.array([draw(st.integers(0, 5)) for _ in range(size)], dtype=float),
        columns=Blocks.plain("x", size),
        rows=Blocks.plain("money", 1),
        integer=np.ones(size, dtype=bool) if whole else None,
    )
    cases = draw(st.integers(1, 4))
    weights = np.array([draw(st.integers(1, 5)) for _ in range(cases)], dtype=float)
    weights /= weights.sum() * draw(st.sampled_from([1.0, 2.0]))
    parts = []
    for case in range(cases):
        builder = ProgramBuilder(f"case {case}")
        x = builder.columns("x", [range(size)], unit="t", lower=-np.inf)
        own = builder.columns(f"y {case}", [range(2)], unit="t", upper=4,
                              cost=[draw(st.integers(0, 5)) for _ in range(2)])  # fmt: skip
        rows = builder.rows(f"need {case}", [range(2)], unit="t",
                            lower=[draw(st.integers(-2, 6)) for _ in range(2)])  # fmt: skip
        builder.add(rows[:, None], x, [[draw(number) for _ in range(size)] for _ in range(2)])
        builder.add(rows[:, None], own, [[draw(number) for _ in range(2)] for _ in range(2)])
        if complete:
            out = builder.columns(f"out {case}", [range(2)], unit="t", cost=7)
            builder.add(rows, out, 1.0)
        parts.append(Part(builder.build(), shared=size, weight=float(weights[case])))
    level = draw(st.sampled_from([None, 0.0, 0.5, 0.9]))
    risk = None if level is None else CVaR(level, weight=draw(st.sampled_from([0.3, 1.0])))
    return TwoStage(first, parts, risk)


@settings(max_examples=40)
@given(problems())
def test_case_by_case_equals_all_at_once(problem):
    whole = problem.extensive().solve()
    pieces = Decomposition(problem)
    found = pieces.solve(tolerance=1e-8)
    assert found.objective == pytest.approx(whole.objective, abs=1e-5)
    assert found.bound <= whole.objective + 1e-6
    # The extensive form counts the tail as the closed form does.
    x = whole.values[: problem.first.n_columns]
    costs = np.array(
        [part.program.cost @ problem.values_of_part(whole.values, number)
         for number, part in enumerate(problem.parts)]
    )  # fmt: skip
    assert problem.value(x, costs) <= whole.objective + 1e-6


@settings(max_examples=40)
@given(problems(whole=True))
def test_whole_numbers_in_the_first_stage(problem):
    whole = problem.extensive().solve()
    found = Decomposition(problem).solve(tolerance=1e-7)
    assert found.objective == pytest.approx(whole.objective, abs=1e-5)
    np.testing.assert_allclose(found.x, np.round(found.x), atol=1e-6)


@settings(max_examples=40)
@given(problems(complete=False))
def test_points_without_an_answer_are_cut_off(problem):
    try:
        optimum = problem.extensive().solve().objective
    except InfeasibleError:
        with pytest.raises(InfeasibleError):
            Decomposition(problem).solve(tolerance=1e-8)
        return
    found = Decomposition(problem).solve(tolerance=1e-8)
    assert found.objective == pytest.approx(optimum, abs=1e-5)


@settings(max_examples=40)
@given(problems(), st.lists(st.integers(0, 8), min_size=1, max_size=4))
def test_cuts_hold_for_other_budgets_and_risks(problem, budgets):
    pieces = Decomposition(problem)
    for budget in budgets:
        rows, bound = np.array([0]), np.array([float(budget)])
        pieces.change_rows(rows, lower=np.array([-np.inf]), upper=bound)
        found = pieces.solve(tolerance=1e-8)
        fresh = pieces.problem.extensive().solve()
        assert fresh.program.row_upper[0] == budget
        assert found.objective == pytest.approx(fresh.objective, abs=1e-5)
    pieces.change_risk(CVaR(0.7, weight=0.6))
    found = pieces.solve(tolerance=1e-8)
    assert found.objective == pytest.approx(pieces.problem.extensive().solve().objective, abs=1e-5)


@settings(max_examples=40)
@given(problems())
def test_what_one_more_unit_is_worth_is_a_derivative(problem):
    """The worth of a column is a slope of the cost of all cases: no chord goes below it."""
    pieces = Decomposition(problem)
    found = pieces.solve(tolerance=1e-9)

    def cases(x):
        return problem.value(x, pieces.evaluate(x)) - problem.first.cost @ x

    for column in range(problem.first.n_columns):
        step = np.zeros(problem.first.n_columns)
        step[column] = 0.5
        assert cases(found.x + step) - cases(found.x) >= found.worth @ step - 1e-6


# ------------------------------------------------------------------------- by hand


def test_the_mean_of_the_worst_share():
    losses, chances = [10.0, 50.0, 20.0], [0.6, 0.1, 0.3]
    assert CVaR(0.0).tail_mean(losses, chances) == pytest.approx(17.0)
    assert CVaR(0.9).tail_mean(losses, chances) == pytest.approx(50.0)
    assert CVaR(0.95).tail_mean(losses, chances) == pytest.approx(50.0)
    np.testing.assert_allclose(CVaR(0.8).tail_shares(losses, chances), [0.0, 0.5, 0.5])
    # Where nothing happens with probability 0.9, the worst fifth holds cases without loss.
    assert CVaR(0.8).tail_mean([10.0], [0.1]) == pytest.approx(5.0)
    assert CVaR(0.9).cases_needed == 100
    assert CVaR(0.0).cases_needed == 10


@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=8),
    st.floats(0, 0.99),
    st.floats(0, 1),
)
def test_the_mean_of_the_worst_share_is_between_mean_and_largest(losses, level, weight):
    chances = np.full(len(losses), 1.0 / len(losses))
    risk = CVaR(level, weight=weight)
    mean, largest = float(np.mean(losses)), max(losses)
    slack = 1e-9 * (1 + largest)
    assert mean - slack <= risk.tail_mean(losses, chances) <= largest + slack
    assert mean - slack <= risk.value(losses, chances) <= largest + slack
    assert risk.weights(losses, chances).sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": 1.0}, "level from 0 to below 1"),
        ({"level": -0.1}, "level from 0"),
        ({"level": 0.5, "weight": 1.5}, "weight from 0 to 1"),
        ({"level": 0.5, "weight": float("nan")}, "weight from 0 to 1"),
    ],
)
def test_risk_out_of_range_is_refused(options, message):
    with pytest.raises(OptionError, match=message):
        CVaR(**options)


def test_shared_columns_have_no_cost():
    builder = ProgramBuilder("case")
    builder.columns("x", unit="t", cost=1)
    with pytest.raises(ShapeError, match="shared columns without cost"):
        Part(builder.build(), shared=1, weight=1.0)


def test_a_run_that_stops_early_says_how_far_it_came():
    with pytest.raises(ConvergenceError, match=r"stopped after 1 rounds between .* and"):
        Decomposition(airlift_first(), floor=0.0).solve(tolerance=1e-12, most_rounds=1)
    with pytest.raises(ConvergenceError, match="stopped after"):
        Decomposition(airlift_first(), floor=0.0).solve(tolerance=1e-12, time_limit=0.0)


def test_no_first_stage_with_an_answer_is_an_error():
    builder = ProgramBuilder("case")
    x = builder.columns("x", unit="t", lower=-np.inf)
    builder.add(builder.rows("need", unit="t", lower=5), x, 1.0)
    first = ProgramBuilder("plan")
    first.columns("x", unit="t", upper=3, cost=1)
    problem = TwoStage(first.build(), [Part(builder.build(), shared=1, weight=1.0)])
    with pytest.raises(InfeasibleError, match="plan"):
        Decomposition(problem).solve()
