"""Events from options and from files."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

import chokepoint as cp
from chokepoint.cli._scenario_file import read_scenarios
from chokepoint.cli._shocks import add_shocks, scenarios_of
from chokepoint.errors import OptionError, UnknownLabelError


@pytest.fixture(scope="module")
def chain():
    return cp.load("rare_earths")


def scenarios(chain, *arguments):
    parser = argparse.ArgumentParser()
    add_shocks(parser)
    return scenarios_of(parser.parse_args([*map(str, arguments)]), chain)


def event(chain, *arguments):
    (scenario,), weights = scenarios(chain, *arguments)
    assert weights is None
    (one,) = scenario.events
    return one


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["--ban", "CHN:JPN:magnet_ndfeb_heavy"],
            cp.ExportBan(by="CHN", against="JPN", products="magnet_ndfeb_heavy"),
        ),
        (
            ["--ban", "CHN:JPN,USA:oxide_heavy,metal:severity=0.9:start=4:weeks=26"],
            cp.ExportBan(
                by="CHN", against=["JPN", "USA"], products=["oxide_heavy", "metal"],
                severity=0.9, start=4, weeks=26,
            ),
        ),
        (["--ban", "CHN"], cp.ExportBan(by="CHN")),
        (["--ban", "CHN::oxide_heavy"], cp.ExportBan(by="CHN", products="oxide_heavy")),
        (["--ban", "CHN:*:oxide_heavy"], cp.ExportBan(by="CHN", products="oxide_heavy")),
        (
            ["--quota", "CHN::oxide_heavy:share=0.5"],
            cp.Quota(by="CHN", products="oxide_heavy", share=0.5),
        ),
        (
            ["--licence", "CHN:USA:oxide_heavy:review_weeks=6:refused=0.2"],
            cp.Licence(by="CHN", against="USA", products="oxide_heavy", review_weeks=6,
                       refused=0.2),
        ),
        (["--boycott", "USA:CHN"], cp.Boycott(by="USA", against="CHN")),
        (["--tariff", "USA:CHN::rate=0.25"], cp.Tariff(by="USA", against="CHN", rate=0.25)),
        (
            ["--outage", "magnet_ndfeb@CHN:weeks=8:recovery_weeks=20:recovery=s_shaped"],
            cp.Outage(products="magnet_ndfeb", country="CHN", weeks=8, recovery_weeks=20,
                      recovery="s_shaped"),
        ),
        (["--outage", "@JPN:weeks=2"], cp.Outage(country="JPN", weeks=2)),
        (
            ["--outage", "magnet_ndfeb@JPN:Shin-Etsu:weeks=2"],
            cp.Outage(sites="magnet_ndfeb@JPN:Shin-Etsu", weeks=2),
        ),
        (["--outage", "oxide_heavy"], cp.Outage(products="oxide_heavy")),
        (["--demand", "@USA:change=-0.2"], cp.DemandShift(country="USA", change=-0.2)),
    ],
)  # fmt: skip
def test_an_option_is_the_event_of_the_library(chain, arguments, expected):
    assert event(chain, *arguments) == expected


def test_a_control_is_what_the_library_makes_of_it(chain):
    one = event(chain, "--control", "china_2026_01_japan")
    assert isinstance(one, cp.ExportBan)
    assert one.against == ("JPN",)
    aimed = event(chain, "--control", "china_2025_04_licence:USA")
    assert aimed.against == ("USA",)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--ban", "CHN:JPN:oxide_heavy:severety=0.5"], ['"severety"', 'closest: "severity"']),
        (["--ban", "CHN:JPN:oxide_heavy:severity=2"], ["severity must be a share", "got 2"]),
        (["--ban", "CHN:JPN:oxide_heavy:weeks=soon"], ["weeks must be a whole number"]),
        (["--ban", "CHN:JPN:oxide_heavy:weeks="], ["expected name=value"]),
        (["--ban", "CHN:JPN:oxide_heavy:weeks=3:then"], ['got "then"']),
        (["--ban", "CHN:JPN:oxide_heavy:dawn"], ["expected OWNER:OTHERS:GOODS"]),
        (["--tariff", "USA:CHN"], ["Tariff needs rate"]),
        (["--quota", "CHN::oxide_heavy"], ["exactly one of share and quantity"]),
        (["--outage", ":weeks=3"], ["at least one of products, country, sites"]),
        (["--control", "china_2026_01_japn"], ['closest: "china_2026_01_japan"']),
        (["--control", "china_2026_01_japan:USA"], ["reaches nothing"]),
        ([], ["got nothing"]),
        (["--scenarios", "list.txt"], ["No such file"]),
    ],
)
def test_what_is_wrong_is_named(chain, arguments, parts):
    with pytest.raises((OptionError, OSError)) as failed:
        scenarios(chain, *arguments)
    for part in parts:
        assert part in str(failed.value)


def test_a_label_that_is_not_there_keeps_its_error(chain):
    with pytest.raises(UnknownLabelError, match="magnt"):
        scenarios(chain, "--ban", "CHN:JPN:magnt")


TOML = """
[[scenario]]
name = "baseline"
probability = 0.5

[[scenario]]
name = "ban and fire"
probability = 0.25

[[scenario.event]]
kind = "ExportBan"
by = "CHN"
against = ["JPN"]
products = ["oxide_heavy"]
weeks = 26

[[scenario.event]]
kind = "Outage"
country = "JPN"
weeks = 2
"""


def test_toml_and_json_give_the_same(chain, tmp_path):
    ban = {"kind": "ExportBan", "by": "CHN", "against": ["JPN"], "products": ["oxide_heavy"],
           "weeks": 26}  # fmt: skip
    fire = {"kind": "Outage", "country": "JPN", "weeks": 2}
    both = {"name": "ban and fire", "probability": 0.25, "event": [ban, fire]}
    content = {"scenario": [{"name": "baseline", "probability": 0.5}, both]}
    (tmp_path / "list.toml").write_text(TOML, "utf-8")
    (tmp_path / "list.json").write_text(json.dumps(content), "utf-8")
    found, weights = scenarios(chain, "--scenarios", tmp_path / "list.toml")
    assert (found, weights) == scenarios(chain, "--scenarios", tmp_path / "list.json")
    assert weights == {"baseline": 0.5, "ban and fire": 0.25}
    assert found[1].events == (
        cp.ExportBan(by="CHN", against=["JPN"], products=["oxide_heavy"], weeks=26),
        cp.Outage(country="JPN", weeks=2),
    )


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[", "cannot be read as json"),
        ("[]", "expected a list of scenarios"),
        ('{"scenario": []}', "expected a list of scenarios"),
        ('{"scenario": [{"event": []}]}', "scenario 1: expected an entry with a name"),
        ('{"scenario": [{"name": "a", "events": []}]}', 'got "events"'),
        ('{"scenario": [{"name": "a", "event": 3}]}', "expected a list of events"),
        ('{"scenario": [{"name": "a", "event": [{"by": "CHN"}]}]}', "an event with a kind"),
        ('{"scenario": [{"name": "a", "event": {"kind": "ExportBn"}}]}', 'closest: "ExportBan"'),
        ('{"scenario": [{"name": "a", "event": {"kind": "ExportBan"}}]}', "needs by"),
        ('{"scenario": [{"name": "a", "probability": "high"}]}', "a number as probability"),
        ('{"scenario": [{"name": "a", "probability": 1}, {"name": "b"}]}', "or for none"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path, text, part):
    file = tmp_path / "list.json"
    file.write_text(text, "utf-8")
    with pytest.raises(OptionError) as failed:
        read_scenarios(file)
    assert part in str(failed.value)
    assert str(file) in str(failed.value)


def test_a_file_says_its_format_by_its_ending(tmp_path):
    file = tmp_path / "list.txt"
    file.write_text("", "utf-8")
    with pytest.raises(OptionError, match=r"ends in \.toml or \.json"):
        read_scenarios(Path(file))


def test_probabilities_are_for_all_or_for_none(chain, tmp_path):
    (tmp_path / "list.toml").write_text(TOML, "utf-8")
    with pytest.raises(OptionError, match="for all scenarios or for none"):
        scenarios(chain, "--scenarios", tmp_path / "list.toml", "--ban", "CHN:JPN:oxide_heavy")
