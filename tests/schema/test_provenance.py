"""The strict check for data that ships."""

from __future__ import annotations

import pandas as pd
import pytest

from chokepoint import schema

GOOD = {
    "product": "ore", "country": "CHN", "output_qty": 5.0, "low": 4.0, "high": 6.0,
    "source": "usgs", "confidence": "B",
}  # fmt: skip


def columns_missing(table, **cells):
    return [i.column for i in schema.check_provenance({table: pd.DataFrame([cells])})]


def test_a_complete_row_passes():
    assert columns_missing("sites", **GOOD) == []


@pytest.mark.parametrize("column", ["low", "high", "source"])
def test_each_part_is_needed(column):
    assert columns_missing("sites", **{**GOOD, column: None}) == [column]


def test_a_grade_has_to_be_written():
    missing = columns_missing("sites", **{k: v for k, v in GOOD.items() if k != "confidence"})
    assert missing == ["confidence", "derivation"]
    assert columns_missing("sites", **{**GOOD, "confidence": ""}) == ["confidence", "derivation"]


@pytest.mark.parametrize("grade", ["C", "D"])
def test_recalled_and_derived_rows_say_how(grade):
    assert columns_missing("sites", **{**GOOD, "confidence": grade}) == ["derivation"]
    told = {**GOOD, "confidence": grade, "derivation": "half of the total"}
    assert columns_missing("sites", **told) == []


def test_rows_without_a_number_need_nothing():
    assert columns_missing("countries", area="CHN") == []


def test_estimated_flows_are_results():
    flow = {"supplier": "a", "buyer": "b", "quantity": 1.0, "known": "estimated"}
    assert columns_missing("flows", **flow) == []
    assert "source" in columns_missing("flows", **{**flow, "known": "reported"})
