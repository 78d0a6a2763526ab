"""From whatever a user has to typed columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chokepoint import schema


def coerced(table, **columns):
    frame = pd.DataFrame(columns)
    return schema.coerce(table, frame)


def test_blank_cells_take_the_default():
    frame, issues = coerced("products", product=["a", "b"], tier=[None, "3"], unit=["", "t"])
    assert issues == []
    assert frame["tier"].tolist() == [0, 3]
    assert frame["tier"].dtype == np.int64
    assert frame["unit"].tolist() == ["unit", "t"]
    assert frame["storable"].tolist() == [True, True]


def test_numbers_without_default_stay_blank():
    frame, issues = coerced("flows", supplier=["a"], buyer=["b"], quantity=[1], lead_weeks=[None])
    assert issues == []
    assert np.isnan(frame["lead_weeks"][0])


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_as_text_are_read_exactly(number):
    frame, issues = coerced("estimates", estimate=["e"], value=[repr(number)])
    assert [issue.column for issue in issues] == ["shock", "geography", "scope", "unit"]
    assert frame["value"][0] == number


@pytest.mark.parametrize("cell", ["abc", "inf", "-inf", float("inf"), True, "1,5", ["1"]])
def test_a_cell_that_is_no_finite_number_is_a_problem(cell):
    _, issues = coerced("products", product=["a"], price_usd=[cell])
    (issue,) = issues
    assert (issue.column, issue.row) == ("price_usd", 0)
    assert "must be a finite number [USD per unit]" in issue.rule


@pytest.mark.parametrize("cell", ["nan", "", " ", None, np.nan, pd.NA, "N/A"])
def test_blank_cells_of_required_numbers_are_a_problem(cell):
    _, issues = coerced("markets", product=["a"], country=["CHN"], quantity=[cell])
    (issue,) = issues
    assert issue.column == "quantity"
    assert "must not be blank" in issue.rule


def test_whole_numbers_must_be_whole():
    _, issues = coerced("products", product=["a"], tier=["1.5"])
    assert [issue.rule for issue in issues] == ["must be a whole number"]


def test_codes_that_arrive_as_floats_stay_codes():
    frame, issues = coerced("products", product=["a", "b"], hs6=[850511.0, np.nan])
    assert issues == []
    assert frame["hs6"].tolist() == ["850511", ""]


def test_text_is_stripped():
    frame, _ = coerced("products", product=["  a "])
    assert frame["product"].tolist() == ["a"]


@pytest.mark.parametrize(
    ("cell", "value"),
    [("true", True), ("FALSE", False), (1, True), (0.0, False), (False, False), (None, True)],
)
def test_flags(cell, value):
    frame, issues = coerced("products", product=["a"], storable=pd.Series([cell], dtype=object))
    assert issues == []
    assert frame["storable"].tolist() == [value]
    assert frame["storable"].dtype == bool


def test_a_flag_that_is_neither_is_a_problem():
    _, issues = coerced("products", product=["a"], storable=["maybe"])
    assert [issue.rule for issue in issues] == ["must be true or false"]


def test_unknown_missing_and_repeated_columns_are_named():
    frame = pd.DataFrame([["a", 1, 2]], columns=["product", "teir", "teir"])
    _, issues = schema.coerce("sites", frame)
    told = {(issue.column, issue.nearest) for issue in issues}
    assert ("country", "") in told
    assert ("output_qty", "") in told
    assert [i.rule for i in issues if i.column == "teir"][-1] == "is given twice"
    _, issues = coerced("products", product=["a"], teir=[1])
    assert [(i.column, i.nearest) for i in issues] == [("teir", "tier")]


def test_rows_are_named_by_the_users_index():
    frame = pd.DataFrame({"product": ["a"], "price_usd": ["x"]}, index=["line 7"])
    _, issues = schema.coerce("products", frame)
    assert issues[0].row == "line 7"
    assert "  line 7    price_usd" in issues[0].line()


@pytest.mark.parametrize("table", schema.TABLE_NAMES)
def test_coercion_is_idempotent(table, full):
    once = full.tables[table]
    again, issues = schema.coerce(table, once)
    assert issues == []
    pd.testing.assert_frame_equal(again, once)


def test_text_columns_are_text_under_any_pandas():
    column = schema.text_column(["a", ""])
    assert pd.api.types.is_string_dtype(column) or column.dtype == object
    assert column.tolist() == ["a", ""]
