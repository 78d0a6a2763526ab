"""Which numbers stand behind a part of a chain."""

from __future__ import annotations

import pandas as pd
import pytest
from strategies import full_tables

from chokepoint.chain import Provenance, SupplyChain
from chokepoint.errors import UnknownLabelError


@pytest.fixture(scope="module")
def sourced():
    """The full chain with two sources; prices and Chinese magnets cite both."""
    tables = full_tables()
    tables["sources"] = pd.DataFrame({"source": ["usgs", "own"], "title": ["Survey", "Assumed"]})
    tables["sites"] = tables["sites"].assign(source="own", derivation="assumed")
    magnets = (tables["sites"]["product"] == "magnet") & (tables["sites"]["country"] == "CHN")
    tables["sites"].loc[magnets, ["source", "derivation"]] = ["usgs;own", ""]
    tables["products"] = tables["products"].assign(source="usgs")
    return SupplyChain.from_tables(tables, name="sourced")


def rows(found, table):
    numbers = found.numbers
    return numbers.loc[numbers["table"] == table, "row"].unique().tolist()


def test_a_number_has_value_range_grade_and_sources(sourced):
    numbers = sourced.provenance("magnet", "CHN", tables="sites").numbers
    outputs = numbers[numbers["column"] == "output_qty"]
    assert outputs.to_dict("records") == [
        {
            "table": "sites",
            "row": "magnet@CHN",
            "column": "output_qty",
            "value": 500.0,
            "low": 450.0,
            "high": 560.0,
            "unit": "product unit per year",
            "confidence": "B",
            "source": "usgs;own",
            "titles": "Survey; Assumed",
            "derivation": "",
        }
    ]
    assert numbers["column"].tolist() == ["output_qty", "value_added_share"]


def test_without_a_choice_every_number_but_estimated_flows_is_there(sourced):
    found = sourced.provenance()
    assert isinstance(found, Provenance)
    assert len(found) == len(found.numbers) == found.grades.loc["all", "numbers"]
    assert rows(found, "flows") == []
    counts = found.numbers.loc[found.numbers["column"] == "quantity", "table"].value_counts()
    assert counts.to_dict() == {"inputs": 8, "markets": 6, "trade": 2}


def test_reported_flows_are_numbers_too(sourced):
    given = sourced.replace(flows=sourced.flows.assign(known="reported"))
    assert len(rows(given.provenance(tables="flows"), "flows")) == len(sourced.flows)
    part = given.provenance(sites="ndpr@USA", tables="flows").numbers
    assert all("ndpr@USA" in row for row in part["row"])


def test_rows_on_products_and_areas(sourced):
    found = sourced.provenance("magnet", "CHN")
    assert rows(found, "countries") == ["CHN"]
    assert rows(found, "products") == ["magnet"]
    assert rows(found, "sites") == ["magnet@CHN"]
    assert rows(found, "markets") == ["market:magnet@CHN:other_use"]
    # The rows of the recipe that a site of its own row replaces are not used in China.
    assert rows(found, "inputs") == [
        "magnet | ndpr | ndpr",
        "magnet | ndpr | ndpr_recycled",
        "magnet | dy | dy",
        "magnet | power | power",
    ]
    assert rows(found, "joint") == ["magnet | swarf"]
    assert rows(found, "trade") == [
        "magnets | CHN | USA | fit",
        "magnets | CHN | WLD | check",
    ]
    assert rows(found, "controls") == ["april"]
    assert rows(found, "alternatives") == []
    assert rows(sourced.provenance("magnet", "JPN"), "inputs")[-1] == (
        "magnet | magnet@JPN | power | power"
    )
    assert rows(sourced.provenance("car", "USA"), "alternatives") == [
        "magnet@JPN | car@USA | magnet"
    ]


def test_groups_blocs_and_blank_cells(sourced):
    given = sourced.replace(controls=sourced.controls.assign(enforceability=0.5))
    # Owner CHN, targets G7; products oxides and magnets.
    assert rows(given.provenance("oxides", "USA"), "controls") == ["april"]
    assert rows(given.provenance("cars", "G7"), "controls") == []
    # A measure without a country is for all.
    assert rows(given.provenance("ndpr", "USA"), "measures") == ["cellar"]
    assert rows(given.provenance("ndpr", "USA"), "projects") == ["rise"]


def test_what_supplies_a_site_belongs_to_it_upstream(sourced):
    found = sourced.provenance(sites="magnet@JPN", upstream=True, tables=["sites", "markets"])
    labels = set(rows(found, "sites"))
    # Neodymium comes from joint processes, recycled metal from swarf of Japanese magnets.
    assert {"magnet@JPN", "ndpr_recycled@JPN", "swarf@JPN", "feed@USA", "ndpr@USA"} <= labels
    assert not any(label.startswith("car") for label in labels)
    assert rows(found, "markets") == []
    alone = sourced.provenance(sites=["magnet@JPN"], tables=["sites"])
    assert rows(alone, "sites") == ["magnet@JPN"]


def test_summary_by_grade(sourced):
    grades = sourced.provenance("magnet").grades
    assert grades.loc["sites"].to_dict() == {
        "A": 0,
        "B": 4,
        "C": 0,
        "D": 0,
        "numbers": 4,
        "ranged": 2,
    }
    assert (grades[list("ABCD")].sum(axis=1) == grades["numbers"]).all()
    assert (grades.drop(index="all").sum() == grades.loc["all"]).all()


def test_sources_by_use(sourced):
    sources = sourced.provenance(tables=["products", "sites"]).sources
    assert sources["source"].tolist() == ["own", "usgs"]
    # 16 sites with two numbers each, and those of Chinese magnets and 8 prices.
    assert sources["numbers"].tolist() == [32, 10]


def test_what_is_shown(sourced):
    found = sourced.provenance("magnet", tables="sites")
    text = "<Provenance: 4 numbers from 2 sources; A 0%, B 100%, C 0%, D 0%>"
    assert repr(found) == text
    assert "<table" in found._repr_html_()


def test_a_part_without_numbers(sourced):
    found = sourced.provenance("car", "CHN", tables="sites")
    assert len(found) == 0
    assert found.grades.loc["all", "numbers"] == 0
    assert found.sources.empty
    assert "0 numbers" in repr(found)


@pytest.mark.parametrize(
    "options",
    [
        {"products": "magnt"},
        {"countries": "CHM"},
        {"sites": "magnet@CHM"},
        {"tables": "site"},
        {"tables": "sources"},
    ],
)
def test_unknown_labels(sourced, options):
    with pytest.raises(UnknownLabelError):
        sourced.provenance(**options)


def test_frames_are_copies(sourced):
    found = sourced.provenance("magnet")
    numbers, grades = found.numbers, found.grades
    numbers["value"] = 0.0
    grades["numbers"] = 0
    assert found.numbers["value"].gt(0).any()
    assert found.grades.loc["all", "numbers"] == len(found)
