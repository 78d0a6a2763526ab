from __future__ import annotations

import pytest

from chokepoint import ExportBan, Scenario
from chokepoint.leverage import time_to_survive


@pytest.fixture
def ban() -> Scenario:
    return Scenario("ban", [ExportBan(by="CHN", products="magnet")])


def test_cover_adds_up_along_the_path(magnets, ban) -> None:
    table = time_to_survive(magnets, ban, country="USA")
    # Motors: 2 weeks in transit and 4 of stock. Cars: 1 in transit and 2 of stock on top.
    assert table.loc[(1, "motor"), "thinnest"] == 6.0
    assert table.loc[(2, "car"), "thinnest"] == 9.0
    assert table.loc[(2, "car"), "own_cover"] == 3.0


def test_the_owner_is_not_reached(magnets, ban) -> None:
    assert time_to_survive(magnets, ban, country="CHN").empty


def test_nothing_stops_without_a_ban(magnets) -> None:
    assert time_to_survive(magnets, Scenario("calm")).empty


def test_country_accepts_a_bloc(magnets, ban) -> None:
    table = time_to_survive(magnets, ban, country="ALLIES")
    assert table.loc[(1, "motor"), "sites"] == 2
