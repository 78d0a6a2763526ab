"""An infeasible program names what contradicts; an unbounded one what grows."""

from dataclasses import replace

import highspy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from program.test_solvers import OTHERS, programs
from scipy.sparse import csr_array, vstack

from chokepoint.errors import InfeasibleError, SolverError
from chokepoint.program import LinearProgram, ProgramBuilder
from chokepoint.program._conflict import conflict, directions


def supply(demand=11.0):
    """Two plants serve u, five each; three more demands that have nothing to do with it."""
    builder = ProgramBuilder("supply")
    ship = builder.columns("ship", [["p", "q"]], unit="t", upper=5, cost=1)
    other = builder.columns("other", [range(3)], unit="t", cost=1)
    met = builder.rows("met", [["u"]], unit="t", lower=demand)
    builder.add(met, ship, 1.0)
    aside = builder.rows("aside", [range(3)], unit="t", lower=2)
    builder.add(aside, other, 1.0)
    builder.add(aside[0], ship, 1.0)
    return builder.build()


def test_a_conflict_is_the_rows_and_bounds_that_take_part_and_no_more():
    found = conflict(supply())
    assert found.bounds == ("met[u] at least 11", "ship[p] at most 5", "ship[q] at most 5")
    assert found.irreducible
    assert found.missed == ("met[u] (missed by 1)",)
    assert conflict(supply(demand=10.0)).bounds == ()
    assert conflict(supply(demand=10.0)).text() == ""


def test_without_a_subset_of_the_solver_the_relaxation_names_the_rows(monkeypatch):
    monkeypatch.delattr(highspy, "IisStrategy")
    found = conflict(supply())
    assert found.bounds == ("met[u]",)
    assert not found.irreducible
    with pytest.raises(InfeasibleError, match=r"contradict each other: met\[u\]\. The least"):
        supply().solve()


def test_the_message_says_what_to_relax():
    with pytest.raises(InfeasibleError) as caught:
        supply().solve()
    assert str(caught.value).endswith("missed by 1). Relax one of them.")
    assert "All but any one of them can be met" in str(caught.value)


def test_whole_numbers_that_stand_in_the_way_are_told_apart():
    program = LinearProgram(
        name="odd",
        cost=np.zeros(1),
        matrix=csr_array(np.array([[2.0]])),
        row_lower=np.array([1.0]),
        row_upper=np.array([1.0]),
        column_lower=np.zeros(1),
        column_upper=np.ones(1),
        integer=np.array([True]),
    )
    with pytest.raises(InfeasibleError, match="whole numbers stand in the way"):
        program.solve()


@given(programs(), st.integers(0, 10), st.sampled_from([1.0, 5.0]))
def test_all_but_any_one_bound_of_a_conflict_can_be_met(program, pick, far):
    """Push one row beyond its reach; then the bounds named are a contradiction, and least."""
    if program.n_rows == 0:
        return
    row = pick % program.n_rows
    matrix = program.matrix.toarray()
    reach = np.where(matrix[row] > 0, program.column_upper, program.column_lower) @ matrix[row]
    lower, upper = program.row_lower.copy(), program.row_upper.copy()
    lower[row], upper[row] = reach + far, np.inf
    broken = replace(program, row_lower=lower, row_upper=upper)
    found = conflict(broken)
    assert found.irreducible
    for dropped in found.bounds:
        rest = _with_only(broken, [name for name in found.bounds if name != dropped])
        assert rest.solve().status == "optimal"
    with pytest.raises(InfeasibleError):
        _with_only(broken, list(found.bounds)).solve()


def _with_only(program, names):
    """Return the program with the bounds in `names` and no others."""
    kept = {}
    for kind, blocks in (("row", program.rows), ("column", program.columns)):
        low, high = getattr(program, f"{kind}_lower"), getattr(program, f"{kind}_upper")
        new_low, new_high = np.full(len(low), -np.inf), np.full(len(high), np.inf)
        for place in range(len(blocks)):
            words = [n.removeprefix(blocks.text(place) + " ") for n in names
                     if n.startswith(blocks.text(place) + " ")]  # fmt: skip
            for word in words:
                if not word.startswith("at most"):
                    new_low[place] = low[place]
                if not word.startswith("at least"):
                    new_high[place] = high[place]
        kept |= {f"{kind}_lower": new_low, f"{kind}_upper": new_high}
    return replace(program, cost=np.zeros(program.n_columns), **kept)


def test_an_unbounded_program_names_what_grows():
    builder = ProgramBuilder("free lunch")
    x = builder.columns("x", [list("abc")], unit="t", cost=[-1, 0.5, 3])
    builder.add(builder.rows("row", unit="t", upper=4), x, [1.0, -1.0, 2.0])
    assert directions(builder.build()) == ["x[a] up", "x[b] up"]
    with pytest.raises(SolverError, match=r"falls for ever along: x\[a\] up, x\[b\] up"):
        builder.build().solve()


def test_a_bounded_program_has_no_such_direction():
    assert directions(supply()) == []


@given(programs(), st.data())
def test_any_prices_bound_the_optimum_from_below(program, data):
    """Weak duality: for every y, the bound of y and of c - A'y is at most the optimum."""
    optimum = program.solve().objective
    price = np.array([data.draw(st.integers(-3, 3)) for _ in range(program.n_rows)], dtype=float)
    # A price on an infinite bound proves nothing.
    price = np.where((price > 0) & np.isinf(program.row_lower), 0.0, price)
    price = np.where((price < 0) & np.isinf(program.row_upper), 0.0, price)
    reduced = program.cost - program.matrix.T @ price
    bound = program.offset
    for prices, lower, upper in (
        (price, program.row_lower, program.row_upper),
        (reduced, program.column_lower, program.column_upper),
    ):
        used = prices != 0
        bound += float(np.where(prices > 0, lower, upper)[used] @ prices[used])
    assert bound <= optimum + 1e-7


@pytest.mark.parametrize("solver", OTHERS)
def test_another_solver_agrees_that_nothing_satisfies_all(solver):
    with pytest.raises(InfeasibleError, match=r"met\[u\] at least 11"):
        supply().solve(solver=solver)


def test_rows_that_are_added_cut_the_optimum():
    program = supply(demand=10.0)
    session = program.session()
    before = session.solve().objective
    cut = csr_array(np.array([[0.0, 0.0, 1.0, 1.0, 1.0]]))
    session.add_rows("more", cut, lower=9.0, upper=np.inf, unit="t")
    after = session.solve()
    assert after.objective == pytest.approx(before + 9.0 - 4.0)
    assert after.program.rows.text(4) == "more[0]"
    assert after.objective == pytest.approx(after.program.solve().objective)
    whole = vstack([program.matrix, cut]).toarray()
    np.testing.assert_array_equal(after.program.matrix.toarray(), whole)
