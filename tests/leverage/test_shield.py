"""A country's capacity as a shield: who loses, and what builds abroad change."""

from __future__ import annotations

import pytest

import chokepoint as cp
from chokepoint.errors import OptionError
from chokepoint.leverage import shield


@pytest.fixture(scope="module")
def made(magnets):
    return shield(
        magnets, "JPN", "motor", deterred="CHN", assured=["USA", "JPN"], builders=["USA", "CHN"],
        weeks=26, step=0.1,
    )  # fmt: skip


def test_losses_are_those_of_the_outage(magnets, made) -> None:
    out = cp.Scenario("out", [cp.Outage(products="motor", country="JPN")])
    loss = cp.simulate(magnets, out, weeks=26).loss().iloc[0]
    assert made.table["loss"].to_dict() == loss.to_dict()
    assert made.deterrence == pytest.approx(loss["CHN"] / (18_700 / 2))
    assert made.assurance["USA"] == pytest.approx(loss["USA"] / (29_200 / 2))
    assert made.table["loss"].is_monotonic_decreasing


def test_builds_abroad_make_the_shield_thinner_for_the_builder(made) -> None:
    assert made.derivative.loc["USA", "USA"] < 0.0
    assert made.derivative.columns.tolist() == ["CHN", "JPN", "USA"]


def test_the_derivative_is_a_difference_of_runs(magnets, made) -> None:
    from chokepoint.leverage._shield import built

    chain = built(magnets, "USA", ("motor",), ("JPN",), 0.1)
    assert chain.sites.set_index("site").loc["motor@USA", "output_qty"] == pytest.approx(
        50, rel=1e-3
    )
    out = cp.Scenario("out", [cp.Outage(products="motor", country="JPN")])
    change = cp.simulate(chain, out, weeks=26).loss() - cp.simulate(magnets, out, weeks=26).loss()
    assert made.derivative.loc["USA", "USA"] == pytest.approx(change["USA"].iloc[0] / 10, rel=1e-6)


def test_wrong_arguments(magnets) -> None:
    settings = {"deterred": "CHN", "assured": ["USA"]}
    with pytest.raises(OptionError, match="found none"):
        shield(magnets, "JPN", "magnet", builders=["USA"], **settings)
    with pytest.raises(OptionError, match="other than the holder"):
        shield(magnets, "JPN", "motor", builders=["JPN"], **settings)
    with pytest.raises(OptionError, match="step"):
        shield(magnets, "JPN", "motor", step=1.0, **settings)
