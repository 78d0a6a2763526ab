"""From rows of events.csv to events."""

from __future__ import annotations

import pandas as pd
import pytest
from history._small import EVENT

from chokepoint.errors import TableError
from chokepoint.history._events import dated_steps, scenario_of, week_of
from chokepoint.scenario import ExportBan, Licence, Outage

START = pd.Timestamp("2020-01-01")


def events(*rows, leakage=None):
    table = pd.DataFrame([EVENT | row for row in rows])
    for column in ("start", "end"):
        table[column] = pd.to_datetime(table[column].where(table[column].ne("")))
    return scenario_of("stop", table, START, leakage=leakage).events


def test_week_that_begins_nearest():
    assert [week_of(date, START) for date in ("2020-01-01", "2020-01-04", "2020-01-05")] == [
        0,
        0,
        1,
    ]


def test_outage_with_its_options():
    (outage,) = events({"recovery_weeks": "4", "severity": "0.5"})
    assert outage == Outage(
        products="ore", country="CHN", severity=0.5, start=0, weeks=6, recovery_weeks=4
    )


def test_without_an_end_it_lasts():
    (ban,) = events({"kind": "ExportBan", "country": "", "by": "CHN", "against": "USA;JPN",
                     "end": "", "start": "2020-01-15"})  # fmt: skip
    assert ban == ExportBan(by="CHN", against=["USA", "JPN"], products="ore", start=2)


def test_leakage_is_that_of_the_row_or_else_the_shared_one():
    ban = {"kind": "ExportBan", "country": "", "by": "CHN"}
    rates = {"coal;ore": 0.3, "*": 0.1}
    several = [
        ban | {"leakage": "0"},
        ban | {"leakage": ""},
        ban | {"leakage": "", "products": "car"},
    ]
    assert [one.leakage for one in events(*several, leakage=rates)] == [0.0, 0.3, 0.1]
    assert events(ban | {"leakage": ""})[0].leakage == 0.0


def test_releases_of_a_licence_by_date():
    row = {"kind": "Licence", "country": "", "severity": "", "by": "CHN", "end": "",
           "release": "2020-01-01=1;2020-01-08=0;2020-01-22=0.5"}  # fmt: skip
    (licence,) = events(row)
    assert licence == Licence(by="CHN", products="ore", release=[1.0, 0.0, 0.0, 0.5])


def test_a_week_of_two_values_has_the_mean_of_its_days():
    assert dated_steps("2020-01-01=0.7;2020-01-04=0", START) == pytest.approx([0.3, 0.0])


def test_steps_must_cover_the_start():
    with pytest.raises(ValueError, match="start on 2020-01-01 or before"):
        dated_steps("2020-01-02=1", START)


def test_a_row_that_makes_no_event_is_named():
    with pytest.raises(TableError, match="severity must be a share"):
        events({"severity": "2"})
