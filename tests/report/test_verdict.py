from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chokepoint.report import decide

SURE = {
    "band": {"planner": 3.0, "stressed": 8.0},
    "interval": {"low": 4.0, "high": 6.0},
    "one at a time": {"stock low": 7.0, "stock high": 4.5},
}


def _with(test, **values):
    return {**SURE, test: {**SURE[test], **values}}


def test_all_values_reach_the_threshold():
    assert decide(5.0, SURE, threshold=2.0).word == "supports"


def test_no_value_reaches_the_threshold():
    assert decide(5.0, SURE, threshold=9.0).word == "contradicts"


def test_some_values_reach_the_threshold():
    verdict = decide(5.0, SURE, threshold=5.0)
    assert (verdict.word, verdict.decided_by) == ("cannot decide", "planner")


@pytest.mark.parametrize(
    ("tests", "who"),
    [
        (_with("band", planner=0.0), "planner"),
        (_with("band", stressed=31.0), "stressed"),
        (_with("interval", low=-1.0), "low"),
        (_with("one at a time", **{"stock low": 60.0}), "stock low"),
    ],
)
def test_sign_or_order_of_magnitude_flips(tests, who):
    verdict = decide(5.0, tests, threshold=1.0)
    assert (verdict.word, verdict.decided_by) == ("cannot decide", who)


def test_a_flip_counts_even_where_no_value_reaches_the_threshold():
    tests = _with("band", planner=0.1, stressed=40.0)
    assert decide(5.0, tests, threshold=50.0).word == "cannot decide"


@pytest.mark.parametrize("planner", [0.0, 0.1, -3.0])
def test_no_flip_counts_where_all_values_stay_far_below_the_threshold(planner):
    tests = _with("band", planner=planner, stressed=40.0)
    assert decide(5.0, tests, threshold=401.0).word == "contradicts"
    assert decide(5.0, tests, threshold=399.0).word == "cannot decide"


def test_tiny_values_count_as_zero():
    nothing = {name: dict.fromkeys(values, 0.0) for name, values in SURE.items()}
    assert decide(-1e-6, nothing, threshold=1.0).word == "contradicts"


@pytest.mark.parametrize("missing", ["band", "interval", "one at a time"])
def test_a_test_that_was_not_run_leaves_the_statement_untested(missing):
    tests = {**SURE, missing: dict.fromkeys(SURE[missing], math.nan)}
    verdict = decide(5.0, tests, threshold=2.0)
    assert (verdict.word, verdict.decided_by) == ("not tested", f"no {missing}")


def test_what_was_run_may_already_disagree():
    tests = {"band": {"planner": math.nan, "stressed": 80.0}, "interval": {}, "one at a time": {}}
    assert decide(5.0, tests, threshold=2.0).word == "cannot decide"


@given(
    st.floats(0.1, 1e6),
    st.lists(st.floats(0.1, 1e6), min_size=6, max_size=6),
    st.floats(0.1, 1e6),
    st.floats(1e-3, 1e3),
)
def test_the_unit_does_not_matter(reference, values, threshold, scale):
    def tests(factor):
        scaled = [value * factor for value in values]
        return {
            "band": {"planner": scaled[0], "stressed": scaled[1]},
            "interval": {"low": scaled[2], "high": scaled[3]},
            "one at a time": {"a": scaled[4], "b": scaled[5]},
        }

    every = [reference, *values]
    edges = [abs(value / threshold / edge - 1.0) for value in every for edge in (1.0, 0.1, 1e-3)]
    if min(edges) < 1e-9 or abs(max(every) / min(every) - 10.0) < 1e-6:
        return  # rounding decides on the edge
    once = decide(reference, tests(1.0), threshold=threshold)
    again = decide(reference * scale, tests(scale), threshold=threshold * scale)
    assert once.word == again.word
