"""Reading and writing folders."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from strategies import chains

from chokepoint import schema
from chokepoint.chain import SupplyChain, _files, _table_files
from chokepoint.errors import OptionError, TableError


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chain=chains())
def test_what_is_written_reads_back_equal(chain, tmp_path):
    chain.write(tmp_path / "chain")
    assert SupplyChain.read(tmp_path / "chain") == chain


def test_the_full_chain_reads_back_equal_to_the_last_digit(full, tmp_path):
    full.write(tmp_path / "full")
    again = SupplyChain.read(tmp_path / "full")
    assert again == full
    assert again.name == "full"
    assert again.fit is None
    pd.testing.assert_frame_equal(again.edges, full.edges, check_exact=True)
    assert SupplyChain.read(tmp_path / "full", name="other").name == "other"


def test_text_with_commas_quotes_and_line_breaks_survives(full, tmp_path):
    sources = full.sources
    sources["title"] = ['A "survey",\nin two lines; ü']
    chain = full.replace(sources=sources)
    chain.write(tmp_path / "full")
    assert SupplyChain.read(tmp_path / "full") == chain


def test_tables_without_rows_are_not_written(full, tmp_path):
    full.write(tmp_path / "full")
    found = {path.stem for path in (tmp_path / "full").glob("*.csv")}
    assert found == {name for name, frame in full.tables.items() if len(frame)}


def test_data_package_describes_every_column_from_the_schema(full, tmp_path):
    full.write(tmp_path / "full")
    package = json.loads((tmp_path / "full" / "datapackage.json").read_text("utf-8"))
    assert package["name"] == "full"
    assert package["sources"] == [{"title": "Survey"}]
    for resource in package["resources"]:
        head = pd.read_csv(tmp_path / "full" / resource["path"], nrows=0)
        fields = {field["name"]: field for field in resource["schema"]["fields"]}
        assert list(fields) == list(head.columns)
        units = schema.describe(resource["name"])["unit"]
        assert all(field.get("unit", "") == units[name] for name, field in fields.items())
    sites = next(r for r in package["resources"] if r["name"] == "sites")
    output = next(f for f in sites["schema"]["fields"] if f["name"] == "output_qty")
    assert output["type"] == "number"
    assert output["constraints"] == {"required": True, "minimum": 0.0}
    assert sites["schema"]["primaryKey"] == ["site"]


def test_other_files_and_what_the_package_says_are_kept(full, tmp_path):
    folder = tmp_path / "full"
    full.write(folder)
    (folder / "README.md").write_text("a data card")
    (folder / "compile").mkdir()
    (folder / "compile" / "sites.csv").write_text("raw")
    file = folder / "datapackage.json"
    package = json.loads(file.read_text())
    package |= {"title": "Full", "licenses": [{"name": "CC-BY-4.0"}], "version": "2.0"}
    file.write_text(json.dumps(package))
    smaller = full.replace(alternatives=None)
    smaller.write(folder)
    assert (folder / "README.md").read_text() == "a data card"
    assert (folder / "compile" / "sites.csv").read_text() == "raw"
    assert not (folder / "alternatives.csv").exists()
    again = json.loads(file.read_text())
    assert (again["title"], again["version"]) == ("Full", "2.0")
    assert again["licenses"] == [{"name": "CC-BY-4.0"}]
    assert SupplyChain.read(folder) == smaller


def test_writing_leaves_the_old_folder_when_it_fails(full, tmp_path, monkeypatch):
    folder = tmp_path / "full"
    full.write(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fails(*_):
        raise OSError("disk full")

    monkeypatch.setattr(_files, "_write", fails)
    with pytest.raises(OSError, match="disk full"):
        full.replace(alternatives=None).write(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_the_old_folder_comes_back_when_the_new_one_cannot_take_its_place(
    full, tmp_path, monkeypatch
):
    folder = tmp_path / "full"
    full.write(folder)
    rename = _files.Path.rename

    def fails_for_the_new_one(path, target):
        if path.name == "new":
            raise OSError("not now")
        return rename(path, target)

    monkeypatch.setattr(_files.Path, "rename", fails_for_the_new_one)
    with pytest.raises(OSError, match="not now"):
        full.write(folder)
    monkeypatch.undo()
    assert SupplyChain.read(folder) == full


def test_problems_are_named_by_line(full, tmp_path):
    full.write(tmp_path / "full")
    file = tmp_path / "full" / "sites.csv"
    lines = file.read_text().splitlines()
    lines[7] = lines[7].replace("power@CHN", "power@CHM")
    file.write_text("\n".join(lines))
    with pytest.raises(TableError, match="line 8"):
        SupplyChain.read(tmp_path / "full")


def write_csv(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def test_lines_with_too_many_cells_are_refused(tmp_path):
    write_csv(tmp_path / "c", "products.csv", "product,unit\nore,t\nslag,t,5\n")
    with pytest.raises(TableError, match=r"line 3 .*has 3 cells, the head line has 2"):
        SupplyChain.read(tmp_path / "c")


def test_files_that_are_no_table_are_refused(tmp_path):
    write_csv(tmp_path / "c", "product.csv", "product\nore\n")
    with pytest.raises(TableError, match='closest: "products"'):
        SupplyChain.read(tmp_path / "c")


def test_blank_lines_and_a_byte_order_mark_do_no_harm(tmp_path):
    folder = tmp_path / "c"
    write_csv(folder, "products.csv", "\ufeffproduct,unit\nore,t\n\n,\n")
    write_csv(folder, "sites.csv", "product,country,output_qty\nore,CHN,5\n")
    write_csv(folder, "markets.csv", "product,country,quantity\nore,CHN,5\n")
    chain = SupplyChain.read(folder)
    assert chain.products["product"].tolist() == ["ore"]
    assert chain.name == "c"


@pytest.mark.parametrize("made", [False, True])
def test_no_folder_or_no_tables(tmp_path, made):
    folder = tmp_path / "c"
    if made:
        folder.mkdir()
    with pytest.raises(OptionError, match="has no CSV files" if made else "is not a folder"):
        SupplyChain.read(folder)


def test_a_file_is_no_folder_to_write_to(full, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OptionError, match="is a file"):
        full.write(tmp_path / "file")


def test_a_broken_package_is_told(full, tmp_path):
    full.write(tmp_path / "full")
    (tmp_path / "full" / "datapackage.json").write_text("{")
    with pytest.raises(OptionError, match="is not valid JSON"):
        SupplyChain.read(tmp_path / "full")


@pytest.mark.parametrize("number", [0.1 + 0.2, 1e-300, 1.0, 123456789012345680.0, -0.0, 5e15])
def test_numbers_are_written_shortest_and_exact(number):
    assert float(_table_files.cell(number)) == number


def test_blank_cells():
    assert _table_files.cell(np.nan) == ""
    assert _table_files.cell(True) == "true"
