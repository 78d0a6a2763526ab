"""Rows under a licence of their own have files of their own, and come back."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from strategies import full_tables

from chokepoint.chain import SupplyChain
from chokepoint.chain._licences import described_licence, licence_name, table_of
from chokepoint.errors import TableError

LICENSED = ["magnet@CHN", "magnet@JPN"]


@pytest.fixture(scope="module")
def licensed():
    """The full chain whose magnet sites are from a dataset for non-commercial use."""
    tables = full_tables()
    tables["sources"] = pd.DataFrame(
        {
            "source": ["usgs", "map", "open"],
            "title": ["Survey", "Map of the chain", "Register"],
            "publisher": ["", "An institute", ""],
            "url": ["", "https://example.org/map", ""],
            "licence": ["", "CC BY-NC 4.0", "ODbL-1.0"],
        }
    )
    site = SupplyChain.from_tables(tables).sites["site"]
    magnets = site.isin(LICENSED).to_numpy()
    tables["sites"] = tables["sites"].assign(source="usgs")
    tables["sites"].loc[magnets, "source"] = "usgs; map"
    return SupplyChain.from_tables(tables, name="licensed")


def csv(folder, name):
    return pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)


def test_rows_and_the_flows_of_such_rows_stand_apart(licensed, tmp_path):
    licensed.write(tmp_path / "c")
    stems = {path.stem for path in (tmp_path / "c").glob("*.csv")}
    assert {stem for stem in stems if stem.endswith("cc_by_nc_4_0")} == {
        "sites_cc_by_nc_4_0",
        "flows_cc_by_nc_4_0",
    }
    assert csv(tmp_path / "c", "sites_cc_by_nc_4_0")["site"].tolist() == LICENSED
    assert not csv(tmp_path / "c", "sites")["site"].isin(LICENSED).any()
    apart, rest = csv(tmp_path / "c", "flows_cc_by_nc_4_0"), csv(tmp_path / "c", "flows")
    assert (apart["supplier"].isin(LICENSED) | apart["buyer"].isin(LICENSED)).all()
    assert not (rest["supplier"].isin(LICENSED) | rest["buyer"].isin(LICENSED)).any()
    assert len(apart) + len(rest) == len(licensed.flows)


def test_what_stands_apart_is_joined_on_reading(licensed, tmp_path):
    licensed.write(tmp_path / "c")
    again = SupplyChain.read(tmp_path / "c")
    assert again == licensed
    again.write(tmp_path / "d")
    for path in (tmp_path / "c").iterdir():
        assert (tmp_path / "d" / path.name).read_bytes() == path.read_bytes()


def test_data_package_states_licence_and_attribution(licensed, tmp_path):
    licensed.write(tmp_path / "c", licence="CC-BY-4.0")
    package = json.loads((tmp_path / "c" / "datapackage.json").read_text("utf-8"))
    resources = {resource["name"]: resource for resource in package["resources"]}
    assert package["licenses"] == [described_licence("CC-BY-4.0")]
    apart = resources.pop("sites_cc_by_nc_4_0")
    assert [one["name"] for one in apart["licenses"]] == ["CC-BY-NC-4.0"]
    assert apart["licenses"][0]["path"] == "https://creativecommons.org/licenses/by-nc/4.0/"
    assert apart["attribution"] == "Map of the chain, An institute"
    assert apart["sources"] == [{"title": "Map of the chain", "path": "https://example.org/map"}]
    assert apart["path"] == "sites_cc_by_nc_4_0.csv"
    del resources["flows_cc_by_nc_4_0"]
    assert {one["licenses"][0]["name"] for one in resources.values()} == {"CC-BY-4.0"}


def test_the_licence_of_the_whole_is_kept_and_needs_no_file(licensed, tmp_path):
    licensed.write(tmp_path / "c", licence="CC-BY-NC-4.0")
    assert not (tmp_path / "c" / "sites_cc_by_nc_4_0.csv").exists()
    licensed.write(tmp_path / "c")
    assert not (tmp_path / "c" / "sites_cc_by_nc_4_0.csv").exists()
    assert SupplyChain.read(tmp_path / "c") == licensed


def test_a_chain_without_licence_claims_none(full, tmp_path):
    full.write(tmp_path / "c")
    package = json.loads((tmp_path / "c" / "datapackage.json").read_text("utf-8"))
    assert package["licenses"] == []
    assert not any("licenses" in resource for resource in package["resources"])


def test_files_of_an_earlier_writing_go(licensed, full, tmp_path):
    folder = tmp_path / "c"
    licensed.write(folder)
    (folder / "sites_notes.txt").write_text("kept")
    full.write(folder)
    assert {path.name for path in folder.glob("*cc_by*")} == set()
    assert (folder / "sites_notes.txt").exists()
    assert SupplyChain.read(folder) == full
    # Without its data package the sources say which files were tables.
    licensed.write(folder)
    (folder / "datapackage.json").unlink()
    full.write(folder)
    assert SupplyChain.read(folder) == full


def test_several_licences_make_a_file_together(licensed, tmp_path):
    sites = licensed.sites
    sites.loc[sites["site"] == "magnet@JPN", "source"] = "open;map"
    both = licensed.replace(sites=sites, sources=licensed.sources)
    both.write(tmp_path / "c")
    name = "sites_cc_by_nc_4_0_and_odbl_1_0"
    assert csv(tmp_path / "c", name)["site"].tolist() == ["magnet@JPN"]
    package = json.loads((tmp_path / "c" / "datapackage.json").read_text("utf-8"))
    found = next(one for one in package["resources"] if one["name"] == name)
    assert [one["name"] for one in found["licenses"]] == ["CC-BY-NC-4.0", "ODbL-1.0"]
    assert found["attribution"] == "Map of the chain, An institute; Register"
    # The Japanese magnets go into Japanese cars: such flows carry both licences too.
    assert (tmp_path / "c" / "flows_cc_by_nc_4_0_and_odbl_1_0.csv").exists()
    assert SupplyChain.read(tmp_path / "c") == both


def test_a_file_under_a_licence_that_no_source_carries_is_refused(licensed, tmp_path):
    folder = tmp_path / "c"
    licensed.write(folder)
    (folder / "sites_odc_by.csv").write_text("product,country,output_qty\n")
    with pytest.raises(TableError, match=r"nor rows of sites under a licence that a source"):
        SupplyChain.read(folder)


def test_problems_name_line_and_file(licensed, tmp_path):
    folder = tmp_path / "c"
    licensed.write(folder)
    file = folder / "sites_cc_by_nc_4_0.csv"
    file.write_text(file.read_text().replace("magnet@JPN,magnet,JPN", "magnet@JPN,magnet,DEU"))
    with pytest.raises(TableError, match=r"line 3 of sites_cc_by_nc_4_0\.csv"):
        SupplyChain.read(folder)


def test_a_column_that_one_of_two_files_has_twice_is_told(licensed, tmp_path):
    folder = tmp_path / "c"
    licensed.write(folder)
    file = folder / "sites_cc_by_nc_4_0.csv"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0] + ",site", *(line + "," for line in lines[1:])]))
    with pytest.raises(TableError, match="is given twice"):
        SupplyChain.read(folder)


@pytest.mark.parametrize(
    ("cell", "name"), [("CC BY-NC 4.0", "CC-BY-NC-4.0"), (" ODbL-1.0", "ODbL-1.0")]
)
def test_names_of_licences(cell, name):
    assert licence_name(cell) == name


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("CC-BY-NC-SA-3.0", "https://creativecommons.org/licenses/by-nc-sa/3.0/"),
        ("CC0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
        ("terms-of-the-site", None),
    ],
)
def test_licences_are_described_where_known(name, path):
    assert described_licence(name).get("path") == path


@pytest.mark.parametrize(
    ("stem", "table"),
    [
        ("sites", "sites"),
        ("sites_a", "sites"),
        ("sites_a_and_b_1", "sites"),
        ("sites_c", None),
        ("sites_", None),
        ("plants_a", None),
    ],
)
def test_tables_of_files(stem, table):
    assert table_of(stem, frozenset({"a", "b_1"})) == table
