"""Bounds, choices, ranges, keys and references of single tables."""

from __future__ import annotations

import pandas as pd
import pytest

from chokepoint import schema


def checked(table, **columns):
    frame, issues = schema.coerce(table, pd.DataFrame(columns))
    assert issues == []
    return schema.check_table(table, frame, list(frame.index))


def test_numbers_outside_their_bounds():
    issues = checked("sites", product="a", country="CHN", output_qty=[1.0, -2.0])
    assert [(i.row, i.column, i.value, i.rule) for i in issues] == [
        (1, "output_qty", -2.0, "must be >= 0 [product unit per year]")
    ]


@pytest.mark.parametrize(("share", "count"), [(0.0, 1), (1e-9, 0), (1.0, 0), (1.1, 1)])
def test_open_and_closed_ends(share, count):
    assert len(checked("alternatives", supplier=["a"], buyer=["b"], max_share=[share])) == count


def test_ends_of_the_measure_have_its_bounds():
    issues = checked("sites", product="a", country="CHN", output_qty=[1.0], low=[-1.0])
    assert [i.column for i in issues] == ["low"]


def test_choices_offer_the_nearest():
    issues = checked("flows", supplier=["a"], buyer=["b"], quantity=[1.0], known=["reportd"])
    assert [(i.value, i.nearest) for i in issues] == [("reportd", "reported")]


@pytest.mark.parametrize(
    ("low", "high", "good"),
    [
        (1, 3, True),
        (2, 2, True),
        (None, 3, True),
        (1, None, True),
        (2.5, 3, False),
        (1, 1.5, False),
    ],
)
def test_ranges_hold_their_number(low, high, good):
    issues = checked(
        "markets", product=["a"], country=["CHN"], quantity=[2.0], low=[low], high=[high]
    )
    assert (issues == []) is good


def test_ranges_of_other_columns():
    issues = checked(
        "inputs", product=["a"], input=["b"], quantity=[1.0], stock_weeks=[9.0],
        stock_weeks_high=[8.0],
    )  # fmt: skip
    assert [i.column for i in issues] == ["stock_weeks_low, stock_weeks_high"]


def test_repeated_keys_name_the_first_row():
    frame, _ = schema.coerce(
        "flows", pd.DataFrame({"supplier": ["a", "a"], "buyer": "b", "quantity": 1.0})
    )
    (issue,) = schema.check_keys("flows", frame, ["line 2", "line 3"])
    assert (issue.row, issue.rule) == ("line 3", "duplicates line 2")


def test_references_take_either_of_several_tables_and_lists(tables):
    frames = {name: schema.coerce(name, frame)[0] for name, frame in tables.items()}
    rows = {name: list(frame.index) for name, frame in frames.items()}
    frames["sites"]["site"] = [
        schema.site_label(*cells)
        for cells in frames["sites"][["product", "country", "firm", "cohort"]].itertuples(
            index=False
        )
    ]
    frames["markets"]["market"] = "market:car@USA"
    assert schema.check_references(frames, rows) == []
    frames["controls"]["products"] = "magnets;oxidse"
    frames["controls"]["targets"] = "WLD"
    issues = schema.check_references(frames, rows)
    assert [(i.table, i.value, i.nearest) for i in issues] == [("controls", "oxidse", "oxides")]


def test_sources_are_checked_only_where_there_is_a_table_of_them():
    frame = schema.coerce("products", pd.DataFrame({"product": ["a"], "source": ["usgs;iea"]}))[0]
    rows = {"products": [0], "sources": [0]}
    assert schema.check_references({"products": frame}, rows) == []
    sources = schema.coerce("sources", pd.DataFrame({"source": ["usgs"], "title": ["T"]}))[0]
    issues = schema.check_references({"products": frame, "sources": sources}, rows)
    assert [i.value for i in issues] == ["iea"]


def test_unknown_table_names():
    (issue,) = schema.check_table_names(["sites", "flow"])
    assert (issue.table, issue.nearest) == ("flow", "flows")


def test_labels():
    assert schema.site_label("p", "CHN") == "p@CHN"
    assert schema.site_label("p", "CHN", "Firm", "thin") == "p@CHN:Firm#thin"
    assert schema.market_label("p", "CHN", "other_use") == "market:p@CHN:other_use"
    assert schema.split_list(" a; b;;") == ("a", "b")
