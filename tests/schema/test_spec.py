"""The CSV files that say what a table may hold."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from chokepoint import schema
from chokepoint.errors import UnknownLabelError
from chokepoint.schema._spec import _interval

COLUMNS = [(table, c) for table, spec in schema.specs().items() for c in spec.columns]


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda x: getattr(x, "name", x))
def test_every_column_is_well_formed(table, column):
    assert column.dtype in {"str", "list", "float", "int", "bool"}
    assert column.status <= {
        "key", "unique", "required", "optional", "derived", "provenance", "measure",
    }  # fmt: skip
    assert column.status
    assert column.description
    for target, name in column.references:
        assert name in schema.spec(target).names
    if column.choices and column.default:
        assert column.default in column.choices


@pytest.mark.parametrize("table", schema.TABLE_NAMES)
def test_each_range_has_both_ends_and_the_bounds_of_its_value(table):
    spec = schema.spec(table)
    for value, low, high in spec.ranges:
        assert {value, low, high} <= set(spec.names)
        if low != "low":
            assert spec.by_name[low].bounds == spec.by_name[value].bounds
            assert spec.by_name[high].bounds == spec.by_name[value].bounds


@pytest.mark.parametrize("table", schema.TABLE_NAMES)
def test_describe_gives_one_row_per_column(table):
    frame = schema.describe(table)
    assert tuple(frame.index) == schema.spec(table).names
    assert list(frame.columns) == [
        "dtype", "unit", "default", "bounds", "references", "status", "description",
    ]  # fmt: skip


def test_no_csv_is_left_out():
    from importlib.resources import files

    found = {f.name for f in files("chokepoint.schema").joinpath("tables").iterdir()}
    assert found == {f"{table}.csv" for table in schema.TABLE_NAMES}


def test_unknown_table_offers_the_nearest():
    with pytest.raises(UnknownLabelError, match='closest: "flows"'):
        schema.describe("flow")


@pytest.mark.parametrize(
    ("bounds", "low", "high", "low_open", "high_open"),
    [
        (">= 0", 0, math.inf, False, False),
        ("> 0", 0, math.inf, True, False),
        ("<= 5", -math.inf, 5, False, False),
        ("(0, 1]", 0, 1, True, False),
        ("[0, 1)", 0, 1, False, True),
    ],
)
def test_bounds_are_read(bounds, low, high, low_open, high_open):
    interval = _interval(bounds)
    assert (interval.low, interval.high) == (low, high)
    assert (interval.low_open, interval.high_open) == (low_open, high_open)


def test_unreadable_bounds_are_refused():
    with pytest.raises(ValueError, match="cannot be read"):
        _interval("about one")


def test_keys_and_measures_of_the_main_tables():
    assert schema.spec("flows").key == ("supplier", "buyer", "slot")
    assert schema.spec("sites").measure == "output_qty"
    assert schema.spec("trade").key == ()
    assert ("stock_weeks", "stock_weeks_low", "stock_weeks_high") in schema.spec("inputs").ranges


def test_empty_table_has_typed_columns():
    frame = schema.empty("inputs")
    assert frame.empty
    assert pd.api.types.is_integer_dtype(frame["lead_weeks"])
    assert frame["quantity"].dtype == "float64"
