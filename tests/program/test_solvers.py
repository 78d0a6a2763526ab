"""HiGHS by arrays, HiGHS and CBC through PuLP: one optimum, whoever finds it."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from chokepoint.errors import InfeasibleError, OptionError, SolverError
from chokepoint.program import LinearProgram, ProgramBuilder, Status

pulp = pytest.importorskip("pulp")


def _has(name):
    """CBC came with PuLP 3; PuLP 4 has it as an extra."""
    known = {"CBC": ["PULP_CBC_CMD", "COIN_CMD"], "HiGHS": ["HiGHS"]}[name]
    available = pulp.listSolvers(onlyAvailable=True)
    return any(solver in available for solver in known)


SOLVERS = [
    "highs",
    "pulp:HiGHS",
    pytest.param("pulp:CBC", marks=pytest.mark.skipif(not _has("CBC"), reason="no CBC here")),
]
OTHERS = ["pulp:HiGHS"] + (["pulp:CBC"] if _has("CBC") else [])


@st.composite
def programs(draw, most_columns=5, most_rows=5, integer=False):
    """Bounded programs with a feasible point, small whole numbers and ranged rows."""
    columns = draw(st.integers(1, most_columns))
    rows = draw(st.integers(0, most_rows))
    number = st.integers(-4, 4)
    matrix = np.array(
        [[draw(number) for _ in range(columns)] for _ in range(rows)], dtype=float
    ).reshape(rows, columns)
    cost = np.array([draw(number) for _ in range(columns)], dtype=float)
    lower = np.array([draw(st.integers(-3, 0)) for _ in range(columns)], dtype=float)
    upper = lower + np.array([draw(st.integers(0, 5)) for _ in range(columns)], dtype=float)
    inside = np.array(
        [draw(st.integers(int(a), int(b))) for a, b in zip(lower, upper, strict=True)]
    )
    activity = matrix @ inside
    gaps = st.sampled_from([0.0, 1.0, 3.0, np.inf])
    low = activity - np.array([draw(gaps) for _ in range(rows)])
    high = activity + np.array([draw(gaps) for _ in range(rows)])
    return LinearProgram(
        name="random",
        cost=cost,
        matrix=csr_array(matrix),
        row_lower=low,
        row_upper=high,
        column_lower=lower,
        column_upper=upper,
        offset=float(draw(number)),
        integer=np.array([draw(st.booleans()) for _ in range(columns)]) if integer else None,
    )


def least_vertex(program):
    """Slow and obvious: the best of all points where enough bounds meet."""
    size = program.n_columns
    planes = np.vstack([program.matrix.toarray(), np.eye(size)])
    low = np.concatenate([program.row_lower, program.column_lower])
    high = np.concatenate([program.row_upper, program.column_upper])
    sides = [(plane, at) for plane, a, b in zip(planes, low, high, strict=True) for at in {a, b}]
    sides = [(plane, at) for plane, at in sides if np.isfinite(at)]
    best = np.inf
    for chosen in itertools.combinations(sides, size):
        square = np.array([plane for plane, _ in chosen])
        if abs(np.linalg.det(square)) < 1e-9:
            continue
        point = np.linalg.solve(square, [at for _, at in chosen])
        if not program.violations(point, tolerance=1e-7):
            best = min(best, float(program.cost @ point + program.offset))
    return best


@given(programs(most_columns=3, most_rows=3))
def test_optimum_equals_the_best_vertex(program):
    assert program.solve().objective == pytest.approx(least_vertex(program), abs=1e-7)


@given(programs())
def test_duals_prove_the_optimum(program):
    solution = program.solve()
    assert program.violations(solution.values, tolerance=1e-7) == []
    assert solution.gap <= 1e-7
    # Stationarity: reduced cost = cost - A'y; complementary: a priced row sits on its bound.
    reduced = program.cost - program.matrix.T @ solution.duals
    np.testing.assert_allclose(reduced, solution.reduced_costs, atol=1e-7)
    low, high = solution.duals > 1e-7, solution.duals < -1e-7
    np.testing.assert_allclose(solution.activities[low], program.row_lower[low], atol=1e-7)
    np.testing.assert_allclose(solution.activities[high], program.row_upper[high], atol=1e-7)


@pytest.mark.parametrize("solver", OTHERS)
def test_other_solvers_find_the_same_optimum(solver):
    @given(programs(most_columns=7, most_rows=7))
    def agree(program):
        ours, theirs = program.solve(solver="highs"), program.solve(solver=solver)
        assert theirs.status is Status.OPTIMAL
        assert theirs.objective == pytest.approx(ours.objective, abs=1e-6)
        assert program.violations(theirs.values, tolerance=1e-6) == []
        # Its duals prove it as well; CBC prints eight digits.
        assert theirs.gap <= 1e-5

    agree()


@pytest.mark.parametrize("solver", ["highs", "pulp:HiGHS"])
def test_whole_numbers_equal_enumeration(solver):
    @given(programs(most_columns=3, most_rows=3, integer=True))
    def agree(program):
        if program.integer is None or not program.integer.all():
            program = _all_integer(program)
        grid = itertools.product(
            *(
                np.arange(a, b + 1)
                for a, b in zip(program.column_lower, program.column_upper, strict=True)
            )
        )
        points = [np.array(point) for point in grid]
        best = min(
            program.cost @ point + program.offset
            for point in points
            if not program.violations(point)
        )
        assert program.solve(solver=solver).objective == pytest.approx(best, abs=1e-6)

    agree()


@pytest.mark.parametrize("solver", ["pulp:CBC", "pulp:PULP_CBC_CMD", "pulp:COIN_CMD"])
def test_whole_numbers_are_refused_on_cbc(solver):
    """The CBC of PuLP 3.3 gives 1 here; both at zero is better."""
    program = LinearProgram(
        name="pair",
        cost=np.array([2.0, -1.0]),
        matrix=csr_array([[-2.0, 2.0]]),
        row_lower=np.array([0.0]),
        row_upper=np.array([1.0]),
        column_lower=np.zeros(2),
        column_upper=np.ones(2),
        integer=np.ones(2, dtype=bool),
    )
    with pytest.raises(OptionError, match=r"pair has .* whole numbers, and CBC .* solver=.highs"):
        program.solve(solver=solver)
    assert program.solve(solver="highs").objective == 0.0
    assert program.solve(solver="pulp:HiGHS").objective == 0.0


def _all_integer(program):
    return LinearProgram(
        name=program.name,
        cost=program.cost,
        matrix=program.matrix,
        row_lower=program.row_lower,
        row_upper=program.row_upper,
        column_lower=program.column_lower,
        column_upper=program.column_upper,
        offset=program.offset,
        integer=np.ones(program.n_columns, dtype=bool),
    )


def transport(demand=(4.0, 5.0)):
    """Two plants (6 t each), two customers; unit costs 1, 3 / 2, 1."""
    builder = ProgramBuilder("transport")
    ship = builder.columns("ship", [["p", "q"], ["u", "v"]], unit="t", cost=[[1, 3], [2, 1]])
    made = builder.rows("made", [["p", "q"]], unit="t", upper=6)
    met = builder.rows("met", [["u", "v"]], unit="t", lower=demand)
    builder.add(made[:, None], ship, 1.0)
    builder.add(met[None, :], ship, 1.0)
    return builder.build()


@pytest.mark.parametrize("solver", SOLVERS)
def test_transport_by_hand(solver):
    solution = transport(demand=(8.0, 3.0)).solve(solver=solver)
    assert solution.objective == pytest.approx(13.0)  # 6 at 1, 2 at 2, 3 at 1
    assert solution.values_of("ship").tolist() == pytest.approx([6, 0, 2, 3])
    assert solution.duals_of("met").tolist() == pytest.approx([2, 1])
    assert solution.duals_of("made").tolist() == pytest.approx([-1, 0])
    assert solution.solver.split()[0] in {"HiGHS", "PuLP"}
    primal = solution.primal
    assert primal.columns.tolist() == ["block", "label", "unit", "value", "reduced_cost"]
    assert primal["label"].tolist() == [("p", "u"), ("p", "v"), ("q", "u"), ("q", "v")]
    assert solution.dual["activity"].tolist() == pytest.approx([6, 5, 8, 3])


@pytest.mark.parametrize("solver", SOLVERS)
def test_infeasible_names_the_rows(solver):
    with pytest.raises(InfeasibleError) as caught:
        transport(demand=(9.0, 5.0)).solve(solver=solver)
    message = str(caught.value)
    assert "transport: no solution satisfies all rows" in message
    # The demand that is missed by two, and the capacities that stand against it.
    assert "missed by 2" in message
    assert "made[p]" in message


@pytest.mark.parametrize("solver", SOLVERS)
def test_unbounded_is_an_error(solver):
    builder = ProgramBuilder("free lunch")
    builder.add(
        builder.rows("row", unit="t", lower=0), builder.columns("x", unit="t", cost=-1), 1.0
    )
    with pytest.raises(SolverError, match="bound it"):
        builder.build().solve(solver=solver)


@pytest.mark.parametrize("solver", ["highs", "pulp:HiGHS"])
def test_a_limit_that_stops_the_solver_is_an_error(solver):
    rng = np.random.default_rng(4)
    builder = ProgramBuilder("large")
    x = builder.columns("x", [range(300)], unit="t", upper=1, cost=-rng.random(300))
    rows = builder.rows("row", [range(200)], unit="t", upper=5)
    builder.add(rows[:, None], x[None, :], rng.random((200, 300)))
    program = builder.build()
    with pytest.raises(SolverError, match="without an optimum"):
        program.solve(solver=solver, options={"simplex_iteration_limit": 3, "presolve": "off"})
    assert program.solve(solver=solver).objective < 0


@pytest.mark.parametrize("solver", ["highs", "pulp:HiGHS"])
@pytest.mark.parametrize("options", [{"no_such_option": 1}, {"presolve": "sometimes"}])
def test_an_option_that_the_solver_rejects_is_an_error(solver, options):
    with pytest.raises(OptionError, match="does not accept"):
        transport().solve(solver=solver, options=options)


@pytest.mark.parametrize("solver", ["simplex", "pulp", "pulp:", "PULP:HiGHS"])
def test_solvers_are_named(solver):
    with pytest.raises(OptionError, match="Expected solver"):
        transport().solve(solver=solver)


def test_pulp_solver_that_pulp_does_not_know():
    with pytest.raises(OptionError, match="knows no solver 'nonesuch'"):
        transport().solve(solver="pulp:nonesuch")


def test_session_resolves_after_changes_like_a_fresh_program():
    session = transport().session()
    assert session.solve().objective == pytest.approx(9.0)
    session.change_rows([2, 3], lower=[8.0, 3.0], upper=np.inf)
    again = session.solve()
    assert again.objective == pytest.approx(transport(demand=(8.0, 3.0)).solve().objective)
    session.change_costs([0], 5.0)
    session.change_columns([2], lower=0.0, upper=3.0)
    changed = session.solve()
    assert changed.program.cost[0] == 5
    assert changed.objective == pytest.approx(changed.program.solve().objective)
    assert changed.objective == pytest.approx(5 * 5 + 3 * 2 + 3 * 1)
    assert changed.gap < 1e-9
    session.change_rows([0], lower=0.0, upper=0.0)
    with pytest.raises(InfeasibleError):
        session.solve()


@given(programs(), st.lists(st.integers(0, 6), min_size=1, max_size=4))
def test_warm_equals_cold(program, shifts):
    session = program.session()
    for shift in shifts:
        upper = program.column_upper + shift
        places = np.arange(program.n_columns)
        session.change_columns(places, lower=program.column_lower, upper=upper)
        warm = session.solve()
        assert warm.objective == pytest.approx(warm.program.solve().objective, abs=1e-7)


def test_small_coefficients_are_kept():
    builder = ProgramBuilder("small")
    x = builder.columns("x", unit="t", upper=1e12, cost=1)
    builder.add(builder.rows("row", unit="t", lower=1.0), x, 1e-10)
    assert builder.build().solve().objective == pytest.approx(1e10)


def test_to_pulp_is_readable_and_can_be_extended():
    model = transport().to_pulp()
    names = [variable.name for variable in model.variables()]
    assert "x0_ship_p__u_" in names
    assert len(model.constraints()) == 4
    ship = {variable.name: variable for variable in model.variables()}
    model += ship["x0_ship_p__u_"] <= 1, "not_more_than_one"
    model.solve(pulp.getSolver("HiGHS", msg=False))
    assert pulp.value(model.objective) == pytest.approx(1 * 1 + 3 * 2 + 2 * 3 + 3 * 1)


def test_highs_writes_nothing():
    # In a process of its own: the banner of HiGHS comes once in a process.
    code = (
        "import numpy as np; from chokepoint.program import ProgramBuilder as B; b = B('x');"
        "b.add(b.rows('r', unit='t', lower=1), b.columns('c', unit='t', cost=1), 1.0);"
        "print(b.build().solve().objective)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert run.stdout == "1.0\n"
