"""Closed forms against published tables and limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chokepoint.errors import OptionError, ShapeError
from chokepoint.exposure import ces_output, ces_power, domar_loss, elasticity_path

# Per cent of output at a sector share of 2 per cent: (omega, {(sigma, rho): power}).
TABLE = [
    (0.10, {(6, 1): 0.0421, (2, 1): 0.2107, (2, 0.5): 0.2163, (2, 0.1): 0.2208}),
    (0.50, {(6, 1): 0.2773, (2, 1): 1.3863, (2, 0.5): 1.6500, (2, 0.1): 1.9081}),
    (0.90, {(6, 1): 0.9210, (2, 1): 4.6052, (2, 0.5): 8.4673, (2, 0.1): 14.4481}),
    (0.95, {(6, 1): 1.1983, (2, 1): 5.9915, (2, 0.5): 13.4275, (2, 0.1): 27.1206}),
    (0.99, {(6, 1): 1.8421, (2, 1): 9.2103, (2, 0.5): 33.1029, (2, 0.1): 89.7034}),
]
CASES = [(omega, *key, value) for omega, row in TABLE for key, value in row.items()]


@pytest.mark.parametrize(("omega", "sigma", "rho", "expected"), CASES)
def test_table_of_power(omega: float, sigma: float, rho: float, expected: float) -> None:
    power = 100 * ces_power(omega, 0.02, sigma=sigma, rho=rho)
    assert round(power, 4) == pytest.approx(expected, abs=1.01e-4)


def test_coalition_in_one_input_is_more_than_its_parts() -> None:
    apart = ces_power(0.45, 0.02, sigma=2)
    assert 100 * 2 * apart == pytest.approx(2.391, abs=5e-4)
    assert 100 * ces_power(0.9, 0.02, sigma=2) == pytest.approx(4.605, abs=5e-4)
    # Threats on different inputs are slightly less than the sum.
    joint = ces_power([0.9, 0.9], [0.02, 0.02], sigma=2, rho=0.5)
    one = ces_power(0.9, 0.02, sigma=2, rho=0.5)
    assert 100 * joint == pytest.approx(16.59, abs=0.01)
    assert 100 * 2 * one == pytest.approx(16.93, abs=0.01)


@given(
    omega=st.floats(0.01, 0.9), step=st.floats(0.001, 0.04), sigma=st.floats(1.1, 8),
    rho=st.floats(0, 1),
)  # fmt: skip
def test_power_rises_and_is_convex(omega: float, step: float, sigma: float, rho: float) -> None:
    low, mid, high = (ces_power(omega + k * step, 0.02, sigma=sigma, rho=rho) for k in range(3))
    assert low < mid < high
    assert high - mid >= (mid - low) * (1 - 1e-9)


def test_power_of_a_small_share_is_first_order() -> None:
    for rho in (0.0, 0.5, 1.0, 3.0):
        power = ces_power(1e-6, 0.02, sigma=3.0, rho=rho)
        assert power == pytest.approx(0.02 * 1e-6 / 2.0, rel=1e-4)


def test_published_cases_of_scarce_energy() -> None:
    assert 100 * (1 - ces_output(0.90, share=0.04, theta=0.04)) == pytest.approx(1.57, abs=5e-3)
    assert 100 * (1 - ces_output(0.70, share=0.01, theta=0.10)) == pytest.approx(2.34, abs=5e-3)
    assert 100 * domar_loss(-0.13, 0.018) == pytest.approx(0.23, abs=5e-3)
    assert 100 * domar_loss(-0.13, 0.018, weight_after=0.076) == pytest.approx(0.61, abs=5e-3)


@pytest.mark.parametrize("theta", [0.0, 1e-3, 0.3, 1.0, 4.0])
def test_ces_output_has_its_limits(theta: float) -> None:
    left = np.array([0.2, 0.7, 1.0])
    output = ces_output(left, share=0.1, theta=theta)
    assert output[-1] == pytest.approx(1.0)
    assert (np.diff(output) >= -1e-12).all()
    assert (output >= left - 1e-9).all()
    assert ces_output(left, share=0.0, theta=theta) == pytest.approx(1.0)
    assert ces_output(left, share=1.0, theta=theta) == pytest.approx(left)


def test_second_order_term_matches_exact_ces_for_small_shocks() -> None:
    share, theta, shock = 0.05, 0.3, np.log(0.97)
    exact = -np.log(ces_output(0.97, share=share, theta=theta))
    inner = share * 0.97 ** ((theta - 1) / theta)
    after = inner / (inner + 1 - share)
    first = domar_loss(shock, share)
    second = domar_loss(shock, share, weight_after=after)
    assert abs(second - exact) < 0.05 * abs(first - exact)


def test_elasticity_rises_from_short_to_long() -> None:
    path = elasticity_path([0, 52, 1e6], short=0.1, long=3.0, time_constant=100)
    assert path[0] == pytest.approx(0.1)
    assert path[2] == pytest.approx(3.0)
    assert path[1] == pytest.approx(0.1 + 2.9 * (1 - np.exp(-0.52)))


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(OptionError, match="sigma must be above 1"):
        ces_power(0.5, 0.02, sigma=1.0)
    with pytest.raises(OptionError, match=r"hegemon_share.*sector_share.*rho"):
        ces_power(1.0, 1.2, sigma=2.0, rho=-1)
    with pytest.raises(ShapeError):
        ces_power([0.5, 0.5], [0.1, 0.1, 0.1], sigma=2.0)
    with pytest.raises(OptionError, match="theta"):
        ces_output(0.5, share=0.1, theta=-1)
    with pytest.raises(OptionError, match=">= 0"):
        domar_loss(-0.1, -0.2)
    with pytest.raises(OptionError, match="short <= long"):
        elasticity_path(3, short=2, long=1)
