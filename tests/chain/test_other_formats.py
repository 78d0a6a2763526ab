"""Chains in Excel workbooks and Parquet files."""

from __future__ import annotations

import json

import numpy as np
import openpyxl
import pandas as pd
import pytest

from chokepoint.chain import SupplyChain
from chokepoint.errors import MissingDependencyError, OptionError, TableError


def test_parquet_reads_back_equal_to_the_last_digit(full, tmp_path):
    full.write(tmp_path / "c", file_format="parquet")
    assert not list((tmp_path / "c").glob("*.csv"))
    again = SupplyChain.read(tmp_path / "c")
    assert again == full
    assert again.name == "full"
    package = json.loads((tmp_path / "c" / "datapackage.json").read_text("utf-8"))
    assert {resource["format"] for resource in package["resources"]} == {"parquet"}


def test_one_kind_of_file_takes_the_place_of_the_other(full, tmp_path):
    full.write(tmp_path / "c")
    full.write(tmp_path / "c", file_format="parquet")
    assert {path.suffix for path in (tmp_path / "c").iterdir()} == {".parquet", ".json"}
    full.write(tmp_path / "c")
    assert {path.suffix for path in (tmp_path / "c").iterdir()} == {".csv", ".json"}


def test_a_table_in_both_kinds_is_told(full, tmp_path):
    full.write(tmp_path / "c", file_format="parquet")
    full.sites.to_csv(tmp_path / "c" / "sites.csv", index=False)
    with pytest.raises(TableError, match="is there as CSV and as Parquet"):
        SupplyChain.read(tmp_path / "c")


def test_rows_of_parquet_files_are_named_by_their_number(full, tmp_path):
    full.write(tmp_path / "c", file_format="parquet")
    sites = full.sites
    sites.loc[2, "country"] = "CHM"
    sites.to_parquet(tmp_path / "c" / "sites.parquet")
    with pytest.raises(TableError, match="row 3"):
        SupplyChain.read(tmp_path / "c")


def test_an_unknown_format(full, tmp_path):
    with pytest.raises(OptionError, match="one of csv, parquet; given 'feather'"):
        full.write(tmp_path / "c", file_format="feather")


def test_a_workbook_has_a_sheet_for_each_table_with_rows(full, tmp_path):
    file = tmp_path / "deep" / "full.xlsx"
    full.write(file)
    book = openpyxl.load_workbook(file)
    assert book.sheetnames == [name for name, frame in full.tables.items() if len(frame)]
    assert book["products"]["A1"].value == "product"
    assert [path.name for path in file.parent.iterdir()] == ["full.xlsx"]


def test_a_workbook_reads_back_to_sixteen_digits(full, tmp_path):
    file = tmp_path / "other.xlsx"
    full.write(file)
    again = SupplyChain.read(file)
    assert again.name == "full"
    assert SupplyChain.read(file, name="mine").name == "mine"
    for table, frame in full.tables.items():
        pd.testing.assert_frame_equal(again.tables[table], frame, rtol=1e-15, check_exact=False)


def test_a_workbook_written_again_takes_the_place_of_the_old_one(full, tmp_path):
    file = tmp_path / "full.xlsx"
    file.write_text("not a workbook")
    full.write(file)
    assert len(SupplyChain.read(file).sites) == len(full.sites)


def by_hand(file, sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(file)


def test_a_workbook_made_by_hand(tmp_path):
    """Codes typed as numbers, dates, blank rows, spaces and columns without a head do no harm."""
    file = tmp_path / "mine.xlsx"
    sheets = {
        "products": [["product ", "unit", "hs6", None], ["ore", "t", 260112, None], [None], []],
        "sites": [["product", "country", "output_qty"], ["ore", "CHN", 5]],
        "markets": [["product", "country", "quantity"], ["ore", "CHN", 5.0]],
        "projects": [
            ["project", "site", "added_share", "online_date"],
            ["more", "ore@CHN", 0.5, pd.Timestamp("2027-06-01")],
        ],
    }
    by_hand(file, sheets)
    chain = SupplyChain.read(file)
    assert chain.name == "mine"
    assert chain.products["hs6"].tolist() == ["260112"]
    assert chain.projects["online_date"].tolist() == ["2027-06-01"]


def test_problems_of_a_workbook_are_named_by_row(tmp_path):
    file = tmp_path / "mine.xlsx"
    sites = [["product", "country", "output_qty"], ["ore", "CHN", 5], ["oar", "CHN", 5]]
    by_hand(file, {"products": [["product"], ["ore"]], "sites": sites})
    with pytest.raises(TableError, match="row 3"):
        SupplyChain.read(file)


def test_sheets_and_cells_that_fit_nowhere_are_told(tmp_path):
    file = tmp_path / "mine.xlsx"
    by_hand(file, {"product": [["product"]], "sites": [["product"], ["ore", "CHN"]]})
    with pytest.raises(TableError) as caught:
        SupplyChain.read(file)
    assert 'the sheet "product" of mine.xlsx is not a table' in str(caught.value)
    assert "row 2" in str(caught.value)
    assert "beyond the 1 columns" in str(caught.value)


def test_no_workbook_or_none_that_can_be_read(tmp_path, full):
    with pytest.raises(OptionError, match=r"there is no .*none\.xlsx"):
        SupplyChain.read(tmp_path / "none.xlsx")
    (tmp_path / "text.xlsx").write_text("text")
    with pytest.raises(OptionError, match="cannot be read"):
        SupplyChain.read(tmp_path / "text.xlsx")
    (tmp_path / "folder.xlsx").mkdir()
    with pytest.raises(OptionError, match="is a folder"):
        full.write(tmp_path / "folder.xlsx")


@pytest.mark.parametrize(
    ("place", "user", "line"),
    [("c.xlsx", "_workbook", "openpyxl excel"), ("c", "_table_files", "pyarrow parquet")],
)
def test_a_missing_package_names_its_extra(full, tmp_path, monkeypatch, place, user, line):
    def absent(name, *, extra):
        raise MissingDependencyError(f"{name} {extra}")

    monkeypatch.setattr(f"chokepoint.chain.{user}.require", absent)
    with pytest.raises(MissingDependencyError, match=line):
        full.write(tmp_path / place, file_format="parquet")


def test_numbers_and_blanks_of_workbooks(full, tmp_path):
    full.write(tmp_path / "c.xlsx")
    sites = SupplyChain.read(tmp_path / "c.xlsx").sites
    assert np.array_equal(sites["low"].isna(), full.sites["low"].isna())
