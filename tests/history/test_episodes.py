"""Reading episodes: their rules, and what the shipped ones keep."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from history._small import EPISODE, EVENT, observation, write

import chokepoint as cp
from chokepoint.errors import OptionError, TableError, UnknownLabelError
from chokepoint.history import _tables
from chokepoint.history._episode import chosen


def test_an_episode_is_rows(tmp_path):
    (one,) = cp.history.episodes(write(tmp_path / "a")).values()
    assert (one.name, one.weeks, one.role) == ("stop", 20, "calibration")
    assert len(one.events) == len(one.observations) == 1
    assert len(one.covers) == len(one.cohorts) == 0
    assert repr(one) == "<Episode stop: Stop; small, 1 observations, calibration>"


def test_windows_are_the_weeks_that_begin_within_the_dates(tmp_path):
    row = observation("x", "depth", 0.5, start="2020-01-09", end="2020-01-29")
    (one,) = cp.history.episodes(write(tmp_path / "a", observations=[row])).values()
    assert one.window(one.observations.iloc[0]) == slice(2, 4)


def test_a_window_outside_the_run_is_refused(tmp_path):
    row = observation("x", "depth", 0.5, start="2021-01-01")
    (one,) = cp.history.episodes(write(tmp_path / "a", observations=[row])).values()
    with pytest.raises(OptionError, match="within 20 weeks from 2020-01-01"):
        one.window(one.observations.iloc[0])


@pytest.mark.parametrize(
    ("table", "row", "words"),
    [
        ("observations", observation("x", "onset", 3, tolerance=4), "tolerance of the observable"),
        ("observations", observation("x", "onset", 3, low=5), "low <= value <= high"),
        ("observations", observation("x", "onset", 3, source="y"), "labels of sources.csv"),
        ("observations", observation("x", "onset", 3, confidence="D"), "a sentence"),
        ("observations", observation("x", "onset", 3, series="shares"), "one of output"),
        ("observations", observation("x", "onset", 3, episode="start"), "an episode"),
        ("events", EVENT | {"kind": "War"}, "one of Boycott"),
        ("events", EVENT | {"confidence": "E"}, "one of A or B or C or D"),
        ("events", EVENT | {"low": 0.5, "high": 1}, "what low and high are the range of"),
        ("events", EVENT | {"low": 0.5, "ranged": "severity"}, "range of"),
        ("events", EVENT | {"ranged": "severity"}, "range of"),
        ("events", EVENT | {"low": 0, "high": 0.5, "ranged": "severity"}, "low <= the number"),
        ("events", EVENT | {"low": 0, "high": 1, "ranged": "sites"}, "range of"),
        ("events", EVENT | {"low": 0, "high": 1, "ranged": "2020-02-01"}, "range of"),
        ("episodes", EPISODE | {"role": "training"}, "one of calibration or test"),
    ],
)
def test_rows_that_break_a_rule_are_named(tmp_path, table, row, words):
    with pytest.raises(TableError, match=words) as error:
        cp.history.episodes(write(tmp_path / "a", **{table: [row]}))
    assert "line 2" in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    write(tmp_path / "a")
    (tmp_path / "a" / "covers.csv").unlink()
    with pytest.raises(OptionError, match=r"expected covers\.csv"):
        cp.history.episodes(tmp_path / "a")


def test_a_missing_column_is_named(tmp_path):
    write(tmp_path / "a", covers=[{"episode": "stop"}])
    with pytest.raises(TableError, match="a column of this name"):
        cp.history.episodes(tmp_path / "a")


def test_choosing_episodes():
    assert [one.name for one in chosen("soy_2018")] == ["soy_2018"]
    with pytest.raises(UnknownLabelError, match="soy_2025"):
        chosen("soy_2024")
    with pytest.raises(OptionError, match="at least one"):
        chosen([])
    with pytest.raises(OptionError, match="calibration"):
        cp.history.episodes(role="train")


# ------------------------------------------------------------------ the shipped episodes


@pytest.fixture(scope="module")
def shipped():
    return cp.history.episodes()


def test_places_are_the_package_data_and_the_checkout():
    wheel, checkout = _tables.SHIPPED
    assert wheel.parts[-3:] == ("chokepoint", "_data", "history")
    assert checkout.parts[-2:] == ("data", "history")


def test_at_most_half_are_calibration_and_both_kinds_are_in_both(shipped):
    table = pd.DataFrame({"role": one.role, "kind": one.kind} for one in shipped.values())
    counts = table.value_counts()
    assert (table["role"] == "calibration").mean() <= 0.5
    assert len(counts) == 4
    assert counts.min() >= 4


def test_every_row_belongs_and_every_chain_is_there(shipped):
    assert {one.chain for one in shipped.values()} <= set(cp.datasets.names())
    for one in shipped.values():
        assert len(one.events), one.name
        assert len(one.observations), one.name
        assert one.scenario().events, one.name


def test_without_effect_means_a_loss_below_two_per_cent(shipped):
    for one in shipped.values():
        if one.kind == "no_effect":
            kinds = set(one.observations["observable"])
            # Goods may have taken another way and prices may have moved; nobody made less.
            assert "loss" in kinds <= {"loss", "price", "change"}, one.name


def test_what_is_left_out_has_a_reason():
    table = cp.history.left_out()
    assert len(table)
    assert table["reason"].str.len().gt(10).all()


def test_package_describes_the_files():
    folder = _tables.shipped_folder()
    package = json.loads((folder / "datapackage.json").read_text())
    assert {one["path"] for one in package["resources"]} == {
        path.name for path in folder.glob("*.csv")
    }
    for one in package["resources"]:
        header = (folder / one["path"]).read_text().splitlines()[0].split(",")
        assert [field["name"] for field in one["schema"]["fields"]] == header
        assert one["licenses"]
