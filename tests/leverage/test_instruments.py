"""Instruments from the table of controls: what they become, and where they stand on a day."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from leverage._levers import controls, trade

import chokepoint as cp
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.leverage import generic_instruments, instrument_table, instruments, traded_groups
from chokepoint.scenario import (
    Boycott,
    ExportBan,
    Extraterritorial,
    Licence,
    Outage,
    Quota,
    ServiceDenial,
    Tariff,
)  # fmt: skip

ROWS = [
    ("ban", "USA", "export_ban", "chip", "CHN", {"enforceability": 0.5, "start": "2025-01-01"}),
    ("tools", "USA", "extraterritorial", "tool", "CHN", {"start": "2025-01-01", "lag_weeks": 2.5}),
    ("parts", "USA", "service_denial", "part;tool", "JPN", {"start": "2025-01-01"}),
    ("licence", "CHN", "licence", "chip", "WLD", {"enforceability": 0.8, "start": "2025-04-01"}),
    ("quota", "CHN", "quota", "vehicle", "USA", {"enforceability": 0.75, "start": "2025-04-01",
     "end": "2025-11-09", "status": "suspended by rule 7 until 27 November 2026"}),
    ("no cars", "USA", "import_boycott", "car", "CHN", {"start": "2027-01-01"}),
    ("plants", "JPN", "capacity_loss", "tool", "CHN", {"start": "2020", "end": "2020-06",
     "status": "ended"}),
    ("duty", "USA", "tariff", "car", "CHN", {"status": "hypothetical"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def chain() -> cp.SupplyChain:
    return trade(
        controls=controls(*ROWS).fillna({"enforceability": 1.0, "lag_weeks": 0.0}).fillna("")
    )


@pytest.fixture(scope="module")
def named(chain):
    return {one.name: one for one in instruments(chain, include_ended=True)}


@pytest.mark.parametrize(
    ("name", "against", "event"),
    [
        ("ban", "CHN", None),  # the USA sells China no chips
        ("tools", "CHN", Extraterritorial),
        ("parts", "JPN", None),  # parts are goods; no slot of Japan wears down without them
        ("licence", "USA", ExportBan),
        ("quota", "USA", Quota),
        ("no cars", "CHN", Boycott),
        ("plants", "CHN", Outage),
        ("duty", "CHN", None),  # its rate is not known
    ],
)
def test_kinds_become_events(chain, named, name, against, event) -> None:
    made = named[name].events(chain, against=against)
    assert [type(one) for one in made] == ([] if event is None else [event])


def test_what_is_reached_and_when(chain, named) -> None:
    (ban,) = named["licence"].events(chain, against="USA", level=0.5)
    assert (ban.severity, ban.against) == (0.4, ("USA",))
    (quota,) = named["quota"].events(chain, against=["USA", "JPN"])
    assert (quota.share, quota.against) == (0.25, ("USA",))
    (rule,) = named["tools"].events(chain, against="CHN")
    assert (rule.start, rule.content, rule.technology) == (3, 0.001, ("tool",))
    # Japanese tools hold American parts: their flow to China is reached.
    assert len(rule.effects(chain, 4).flows[0].edges) == 1


def test_services_that_capacity_hangs_on_are_denied(chain, named) -> None:
    from dataclasses import replace

    made = replace(named["parts"], owner="JPN", targets=("CHN",)).events(chain, against="CHN")
    assert isinstance(made[0], ServiceDenial)
    assert made[0].products == ("tool",)


def test_a_licence_may_delay_instead_of_refusing(chain) -> None:
    held = instruments(chain, settings={"licence": {"licence": "delay", "review_weeks": 3}})
    (event,) = {one.name: one for one in held}["licence"].events(chain)
    assert isinstance(event, Licence)
    assert event.release == pytest.approx((0.2, 0.2, 0.2, 1.5))


def test_a_tariff_needs_a_rate(chain) -> None:
    held = instruments(chain, settings={"duty": {"rate": 0.25, "enforceability": 0.8}})
    (event,) = {one.name: one for one in held}["duty"].events(chain, against="CHN")
    assert isinstance(event, Tariff)
    assert event.rate == pytest.approx(0.2)


def test_nothing_is_aimed_at_oneself_or_done_at_level_nought(chain, named) -> None:
    assert named["licence"].events(chain, against="CHN") == []
    assert named["licence"].events(chain, against="USA", level=0.0) == []
    with pytest.raises(OptionError, match="intensity"):
        named["licence"].events(chain, level=2.0)


@pytest.mark.parametrize(
    ("on", "extended", "states"),
    [
        ("2025-06-30", True, {"quota": "in force", "licence": "in force"}),
        ("2026-06-30", True, {"quota": "suspended"}),
        ("2026-11-27", False, {"quota": "suspended"}),
        ("2026-11-29", True, {"quota": "suspended"}),
        ("2026-11-29", False, {"quota": "in force"}),
        ("2025-03-01", True, {"licence": "coming", "no cars": "coming", "duty": "hypothetical"}),
        ("2027-06-30", True, {"no cars": "in force", "plants": "ended"}),
        ("2020-06-30", True, {"plants": "in force"}),
        (None, False, {"quota": "suspended", "no cars": "in force", "plants": "ended"}),
    ],
)
def test_states_by_day(chain, on, extended, states) -> None:
    held = instruments(chain, on=on, include_ended=True, extended=extended)
    found = {one.name: one.state for one in held}
    assert {name: found[name] for name in states} == states


def test_what_is_left_out(chain) -> None:
    def names(**options):
        return {one.name for one in instruments(chain, on="2026-06-30", **options)}

    assert "plants" not in names()
    assert "quota" in names()
    assert "quota" not in names(include_suspended=False)
    assert names(owners=["CHN", "JPN"], include_ended=True) == {"licence", "quota", "plants"}


def test_wrong_names_are_told(chain) -> None:
    with pytest.raises(UnknownLabelError, match="dutty"):
        instruments(chain, settings={"dutty": {"rate": 0.1}})
    with pytest.raises(UnknownLabelError, match="rat"):
        instruments(chain, settings={"duty": {"rat": 0.1}})
    with pytest.raises(OptionError, match="Expected a day"):
        instruments(chain, on="soon")


def test_the_table_holds_what_the_instruments_hold(named) -> None:
    table = instrument_table(named.values())
    assert table.loc["quota", "suspended_until"] == dt.date(2026, 11, 27)
    assert table.loc["quota", "products"] == ("vehicle",)


def test_generic_levers_are_what_is_sold_and_bought(chain) -> None:
    made = generic_instruments(chain, actor="CHN", target="USA")
    assert [(one.name, one.kind) for one in made] == [
        ("no vehicle", "export_ban"),
        ("no chip", "export_ban"),
    ]
    back = generic_instruments(chain, actor="USA", target="CHN", exports=False)
    assert [one.name for one in back] == ["no purchase of vehicle", "no purchase of chip"]
    assert generic_instruments(chain, actor="JPN", target="USA", least_usd_m=30.0) == []
    assert generic_instruments(chain, actor="CHN", target="JPN", imports=False) == []


def test_trade_by_group(chain) -> None:
    table = traded_groups(chain, seller="CHN", buyer="USA")
    assert table["value_usd_m"].to_dict() == pytest.approx({"vehicle": 52.0, "chip": 20.8})


def test_shipped_suspensions_are_read() -> None:
    """Every shipped control whose status tells the end of a suspension is understood."""
    for name in cp.datasets.names():
        table = instrument_table(instruments(cp.load(name), on="2026-06-30"))
        told = table["status"].str.contains(r"suspended .*(?:until|to) \d", regex=True)
        assert (table.loc[told, "state"] == "suspended").all(), name
        assert table.loc[told, "suspended_until"].map(lambda d: d.year == 2026).all()


def test_years_and_months_stand_for_days() -> None:
    from chokepoint.leverage._status import day

    assert day("2026", last=True) == dt.date(2026, 12, 31)
    assert day("2026-02", last=False) == dt.date(2026, 2, 1)
    assert day(pd.Timestamp("2026-02-03 12:00"), last=False) == dt.date(2026, 2, 3)
