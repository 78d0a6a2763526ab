"""The macro tables: found, validated, copied; bases of tariffs never mixed."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from chokepoint.datasets import _macro, macro
from chokepoint.errors import TableError, UnknownLabelError

FOLDER = _macro._PLACES[1]
TABLES = ["corporate_exposure", "sector_exposure", "tariffs", "us_china_goods_trade"]
GOOD = {"rate": 0.1, "low": 0.0, "high": 0.2, "source": "x", "confidence": "A", "derivation": ""}


def place(folder, monkeypatch, **changes):
    """Write one table of tariffs with two rows, the second changed, and make it the only place."""
    rows = [GOOD | {"series": "s", "basis": "b", "date": "2025-01-01"} for _ in range(2)]
    rows[1] |= changes
    pd.DataFrame(rows).to_csv(folder / "tariffs.csv", index=False)
    pd.DataFrame({"source": ["x"], "title": ["X"]}).to_csv(folder / "sources.csv", index=False)
    monkeypatch.setattr(_macro, "_PLACES", (folder / "nowhere", folder))


def test_places_are_the_package_data_and_the_checkout():
    wheel, checkout = _macro._PLACES
    assert wheel.parts[-3:] == ("chokepoint", "_data", "macro")
    assert checkout.parts[-2:] == ("data", "macro")


@pytest.mark.parametrize("name", TABLES)
def test_shipped_tables_validate_and_are_copies(name):
    table = macro(name)
    assert len(table)
    table["low"] = -1.0
    assert not macro(name)["low"].eq(-1.0).any()


def test_every_source_is_used_and_every_source_used_is_listed():
    used = {label for name in TABLES for text in macro(name)["source"] for label in text.split(";")}
    assert used == set(macro("sources")["source"])
    assert macro("sources")["source"].is_unique


def test_dates_parse_and_are_unique_in_a_series():
    tariffs = macro("tariffs")
    assert pd.api.types.is_datetime64_any_dtype(tariffs["date"])
    assert not tariffs.duplicated(["series", "date"]).any()


def test_a_series_is_one_direction_one_measure_and_one_basis():
    parts = macro("tariffs").groupby("series")[["by", "on", "measure", "basis"]].nunique()
    assert parts.eq(1).all(axis=None)


def test_revenue_and_share_agree_where_both_are_given():
    table = macro("corporate_exposure")
    share = table["china_revenue_usd_m"] / table["total_revenue_usd_m"]
    assert ((share - table["china_share"]).abs().dropna() < 0.02).all()


def test_trade_rows_are_one_per_year_direction_and_basis():
    table = macro("us_china_goods_trade")
    assert not table.duplicated(["year", "exporter", "importer", "basis"]).any()
    assert (table["value_usd_m"] > 50_000).all()


def test_the_description_names_every_table_and_every_column():
    package = json.loads((FOLDER / "datapackage.json").read_text(encoding="utf-8"))
    told = {resource["name"]: resource for resource in package["resources"]}
    assert set(told) == {*TABLES, "sources"}
    for name, resource in told.items():
        fields = [field["name"] for field in resource["schema"]["fields"]]
        header = (FOLDER / resource["path"]).read_text(encoding="utf-8").split("\n")[0]
        assert fields == header.split(",")
        assert [licence["name"] for licence in resource["licenses"]] == ["CC-BY-4.0"], name


def test_unknown_names_offer_the_nearest():
    with pytest.raises(UnknownLabelError, match=r'"tarifs" is not a macro table.*"tariffs"'):
        macro("tarifs")


def test_the_wheel_comes_before_the_checkout(tmp_path, monkeypatch):
    place(tmp_path, monkeypatch)
    assert macro("tariffs")["series"].tolist() == ["s", "s"]


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"rate": 0.3}, "rate"),
        ({"high": None}, "rate"),
        ({"source": "y"}, "source"),
        ({"source": ""}, "source"),
        ({"confidence": "E"}, "confidence"),
        ({"confidence": "C"}, "derivation"),
        ({"basis": "c"}, "series"),
    ],
)
def test_rows_that_break_a_rule_are_named(tmp_path, monkeypatch, changes, column):
    place(tmp_path, monkeypatch, **changes)
    with pytest.raises(TableError) as error:
        macro("tariffs")
    assert [issue.column for issue in error.value.issues] == [column]
