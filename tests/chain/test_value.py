"""The value matrix by hand, its accounting identity, and both factorisations."""

from __future__ import annotations

import numpy as np
import pytest
from propagate._chains import Draft, Flow

import chokepoint as cp
from chokepoint.chain import cost_shares


def test_line_and_joint_outputs_by_hand():
    draft = Draft(
        flows=[
            Flow("ore@CHN", "split@USA", 50.0),
            Flow("nd@USA", "car@USA", 60.0),
            Flow("dy@USA", "market:dy@USA", 40.0),
            Flow("car@USA", "market:car@USA", 120.0),
        ],
        outputs_of={"split@USA": ["nd@USA", "dy@USA"]},
        products={"dy": {"worth": 4.0}},
    )
    chain = draft.build()
    money, at = cost_shares(chain), chain.nodes.index.get_loc
    shares = money.shares.toarray()
    # Outputs worth 60 + 160 share ore worth 50 by value.
    for child in ("nd@USA", "dy@USA"):
        assert shares[at(child), at("ore@CHN")] == pytest.approx(50 / 220)
    assert shares[at("car@USA"), at("nd@USA")] == pytest.approx(60 / 120)
    assert np.count_nonzero(shares) == 3
    assert money.final[at("dy@USA")] == pytest.approx(160.0)
    assert money.value[at("split@USA")] == 0.0
    assert money.value_added[at("car@USA")] == pytest.approx(0.5)


def test_outputs_are_sales_to_sites_and_markets():
    money = cost_shares(cp.load("rare_earths"))
    sold = money.shares.T @ money.value + money.final
    assert sold == pytest.approx(money.value, rel=1e-9, abs=1e-9)
    assert money.solve_sales(money.final) == pytest.approx(money.value, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("limit", [0.0, 1.0], ids=["dense", "sparse"])
def test_both_factorisations_solve_both_systems(limit, monkeypatch):
    monkeypatch.setattr("chokepoint.chain._value._DENSE", limit)
    flows = [
        Flow("a@CHN", "b@USA", 50.0),
        Flow("b@USA", "a@CHN", 10.0),
        Flow("b@USA", "market:b@USA", 90.0 + 10.0 * limit),
    ]
    money = cost_shares(Draft(flows).build())
    inverse = money.solve_sales(np.eye(3))
    np.testing.assert_allclose(money.solve(np.eye(3)).T, inverse)
    assert money.solve_sales(money.final) == pytest.approx(money.value)
    closed = [Flow("a@CHN", "b@USA", 50.0), Flow("b@USA", "a@CHN", 50.0),
              Flow("c@USA", "market:c@USA", 1.0 + limit)]  # fmt: skip
    assert cost_shares(Draft(closed).build()).solve(np.ones(4)) is None
