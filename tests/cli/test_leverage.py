"""``chokepoint leverage``: what it prints and writes, and what it refuses."""

from __future__ import annotations

import pandas as pd
import pytest
from cli._small import fails, shape
from report.example import small_chain

import chokepoint as cp

ACTORS = ["--actors", "CHN,West=USA+JPN", "--targets", "JPN,DEU"]
GOODS = ["--bundles", "magnets=magnet,light=oxide_light+oxide_heavy"]
ALL = [*ACTORS, *GOODS, "--weeks", "13,52"]


def test_summary_names_the_bundle_the_units_and_the_ends(command):
    code, out, err = command("leverage", *ALL)
    assert code == 0, err
    lines = shape(out)
    assert lines[0] == 'small: a stop of "light" for # weeks [USD million of value added]'
    assert lines[1] == "actor  target  reference  stressed  % of GDP  self-harm  unmet  onset"
    assert sorted(line.split()[:2] for line in lines[2:5]) == [
        ["CHN", "DEU"], ["CHN", "JPN"], ["West", "DEU"],
    ]  # fmt: skip
    worst = lines.index("the bundle that costs the target most, at each horizon:")
    assert lines[worst + 1] == "actor  target  weeks  bundle  reference  self-harm"
    assert any("lower bound" in line for line in lines)


def test_table_is_that_of_the_library(command, tmp_path):
    code, out, _ = command("leverage", *ALL, "--draws", 3, "--out", tmp_path / "l.csv")
    assert code == 0
    assert "5th and 95th percentile of 3 draws" in out
    expected = cp.leverage(
        small_chain("small"),
        actors={"CHN": ["CHN"], "West": ["USA", "JPN"]},
        targets={"JPN": ["JPN"], "DEU": ["DEU"]},
        bundles={"magnets": ["magnet"], "light": ["oxide_light", "oxide_heavy"]},
        weeks=[13, 52],
        draws=3,
        rng=1,
        progress=False,
    ).table.reset_index()
    found = pd.read_csv(tmp_path / "l.csv")
    assert found.columns.tolist() == expected.columns.tolist()
    pd.testing.assert_series_equal(found["reference"], expected["reference"], rtol=1e-9)
    pd.testing.assert_series_equal(found["low"], expected["low"], rtol=1e-9)


def test_planner_and_levers_are_passed_on(command, tmp_path):
    code, out, err = command("leverage", "--actors", "CHN", "--targets", "JPN", "--levers",
                             "exports", "--weeks", "13", "--planner", "13", "--out",
                             tmp_path / "l.csv")  # fmt: skip
    assert code == 0, err
    assert out.splitlines()[1].split()[2] == "planner"
    table = pd.read_csv(tmp_path / "l.csv")
    assert table["bundle"].tolist() == ["exports"]
    assert (table["planner"] <= table["reference"] + 1e-6).all()


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ([], ["required: --actors"]),
        (["--actors", "CHN"], ["Name targets, or two actors"]),
        (["--actors", "CHN,CHNN"], ['"CHNN"', 'closest: "CHN"']),
        (["--actors", "CHN,=JPN"], ["NAME=A+B"]),
        (["--actors", "CHN,JPN", "--weeks", "13,x"], ["--weeks", "whole number"]),
        (["--actors", "CHN,JPN", "--bundles", "m=magnt"], ['"magnt"']),
        (["--actors", "CHN,JPN", "--levers", "export"], ["export"]),
        (["--actors", "CHN,JPN", "--out", "l.txt"], ["ends in .csv or .parquet"]),
    ],
)
def test_wrong_input_is_one_line(command, arguments, parts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fails(command("leverage", *arguments), *parts)
    assert list(tmp_path.iterdir()) == []
