"""Two sides at once: joint runs, the game, the verdict."""

from __future__ import annotations

import numpy as np
import pytest
from leverage._levers import trade

import chokepoint as cp
from chokepoint.errors import OptionError
from chokepoint.leverage import escalation, parity


@pytest.fixture(scope="module")
def chain():
    return trade()


@pytest.fixture(scope="module")
def made(chain):
    return escalation(chain, "CHN", ["USA", "JPN"], weeks=[13, 52], levels=(0, 0.5, 1))


def test_every_pair_is_a_run_of_its_own(chain, made) -> None:
    sides = ("CHN", ("USA", "JPN"), 0.5), (("USA", "JPN"), "CHN", 1.0)
    events = [cp.ExportBan(by=a, against=b, severity=level) for a, b, level in sides]
    buys = [cp.Boycott(by=a, against=b, severity=level) for a, b, level in sides]
    loss = cp.simulate(chain, cp.Scenario("both", events + buys), weeks=52).loss()
    row = made.grid.loc[(52, 0.5, 1.0)]
    assert row["first_loss"] == pytest.approx(loss["CHN"].iloc[0], rel=1e-12)
    assert row["second_loss"] == pytest.approx(loss[["USA", "JPN"]].iloc[0].sum(), rel=1e-12)
    assert row["first_share"] == pytest.approx(loss["CHN"].iloc[0] / 18_700)


def test_nothing_done_costs_nothing(made) -> None:
    assert (made.grid.xs((0.0, 0.0), level=("first", "second")) == 0.0).all().all()


def test_losses_do_not_add_up(made) -> None:
    grid = made.grid.xs(52, level="weeks")
    assert (grid.xs(0.0, level="second")["interaction"].abs() < 1e-12).all()
    joint = grid.loc[(1.0, 1.0)]
    alone = grid.loc[[(1.0, 0.0), (0.0, 1.0)], ["first_loss", "second_loss"]].sum().sum()
    assert joint["interaction"] == pytest.approx(joint[["first_loss", "second_loss"]].sum() - alone)
    assert abs(joint["interaction"]) > 0.1


def test_dominance_is_the_value_of_the_payoffs(made) -> None:
    payoff, game = made.payoff(52).to_numpy(), made.game(52)
    assert made.table.loc[52, "dominance"] == pytest.approx((game.row @ payoff).min(), rel=1e-6)
    assert made.table.loc[52, "maximin"] == payoff.min(axis=1).max()


def test_sides_may_be_turned_round(chain, made) -> None:
    turned = escalation(chain, ["USA", "JPN"], "CHN", weeks=[13, 52], levels=(0, 0.5, 1))
    for name in ("dominance", "asymmetry"):
        np.testing.assert_allclose(turned.table[name], -made.table[name], rtol=1e-6)
    np.testing.assert_allclose(turned.table["gross_first"], made.table["gross_second"], rtol=1e-12)
    assert made.table["asymmetry"].between(-1, 1).all()


def test_ladders_of_ones_own(chain) -> None:
    mine = [cp.Scenario("wait"), cp.Scenario("chips", [cp.ExportBan(by="CHN", products="chip")])]
    theirs = [cp.Scenario("wait"), cp.Scenario("cars", [cp.Boycott(by="USA", products="vehicle")])]
    made = escalation(chain, "CHN", "USA", weeks=26, ladders=(mine, theirs))
    assert made.payoff(26).index.tolist() == ["wait", "chips"]
    with pytest.raises(OptionError, match="first of them without events"):
        escalation(chain, "CHN", "USA", weeks=26, ladders=(mine[1:], theirs))


def test_the_path_ends_where_nobody_moves(made) -> None:
    path = made.path(52)
    assert path["turn"].tolist()[:2] == ["first", "second"]
    assert len(path) <= 20
    last = path.iloc[-1]
    assert last["first_share"] == made.grid.loc[(52, last["first"], last["second"]), "first_share"]
    # Whoever minds its own loss very much never begins.
    calm = made.path(52, theta=1e6)
    assert calm[["first", "second"]].to_numpy().max() <= path[["first", "second"]].to_numpy().max()


def test_draws_give_a_range_and_how_often(chain) -> None:
    made = escalation(chain, "CHN", "USA", weeks=26, levels=(0, 1), draws=8, rng=1)
    row = made.table.loc[26]
    assert row["low"] <= row["high"]
    words = ["first dominates", "second dominates", "parity", "both weak"]
    assert row[words].sum() == pytest.approx(1.0)
    again = escalation(chain, "CHN", "USA", weeks=26, levels=(0, 1), draws=8, rng=1)
    assert again.table.equals(made.table)


@pytest.mark.parametrize(
    ("numbers", "word"),
    [
        ((0.002, 0.01, 0.01), "first dominates"),
        ((-0.002, 0.01, 0.01), "second dominates"),
        ((0.001, 0.0025, 0.0025), "parity"),
        ((0.0, 0.01, 0.002), "both weak"),
    ],
)
def test_the_test_of_parity(numbers, word) -> None:
    assert parity(*numbers) == word


def test_wrong_sides_and_levels(chain) -> None:
    with pytest.raises(OptionError, match="without common areas"):
        escalation(chain, ["CHN", "USA"], "USA")
    for levels in ((), (0.5, 1.0), (0.0, 1.0, 0.5)):
        with pytest.raises(OptionError, match="levels must rise from 0"):
            escalation(chain, "CHN", "USA", levels=levels)
