from __future__ import annotations

import math

import pytest

from chokepoint.report._format import digits, money, per_cent, span, weeks


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (18_349.0, "18,000"),
        (0.04321, "0.043"),
        (9.96, "10"),
        (99.6, "100"),
        (-3.14, "−3.1"),
        (math.nan, "–"),
        (math.inf, "∞"),
    ],
)
def test_two_digits_count(value, text):
    assert digits(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (18_349.0, "18 bn"),
        (999.6, "1.0 bn"),
        (999.4, "1,000 m"),
        (340.2, "340 m"),
        (0.21, "0.2 m"),
        (0.04, "0"),
        (-25.0, "−25 m"),
        (math.nan, "–"),
    ],
)
def test_money_in_million_or_billion(value, text):
    assert money(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.00432, "0.43 %"), (0.0, "0 %"), (1e-7, "< 0.001 %"), (1.0, "100 %"), (math.nan, "–")],
)
def test_per_cent(share, text):
    assert per_cent(share) == text


@pytest.mark.parametrize(
    ("value", "text"), [(6.0, "6"), (6.62, "6.6"), (math.inf, "not within the run")]
)
def test_weeks(value, text):
    assert weeks(value) == text


def test_span_needs_both_ends():
    assert span(1_200.0, 35_000.0) == "1.2 bn to 35 bn"
    assert span(0.001, 0.02, "per_cent") == "0.10 % to 2.0 %"
    assert span(math.nan, 1.0) == "–"
