"""What events do week by week: from their descriptions, and from the arrays that they make."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from propagate._strategies import DETERMINISTIC, drafts, scenarios
from propagate.oracle import EffectCalendar, EventCalendar

WEEKS = 25


@settings(DETERMINISTIC, max_examples=20)
@given(data=st.data())
def test_arrays_say_what_the_words_say(data):
    draft = data.draw(drafts(rich=True))
    scenario = data.draw(scenarios(draft, weeks=WEEKS, rich=True))
    chain = draft.build()
    words = EventCalendar(chain, scenario.events, WEEKS)
    arrays = EffectCalendar(chain, scenario.effects(chain, WEEKS))
    edges = list(words.edge)
    for week in range(WEEKS):
        for name in words.node:
            assert arrays.capacity(name, week) == pytest.approx(
                words.capacity(name, week), abs=1e-12
            )
        assert _told(arrays.boycotts(week)) == _told(words.boycotts(week))
        for e in edges:
            for what in ("allowed", "tariff"):
                theirs, ours = getattr(arrays, what)(e, week), getattr(words, what)(e, week)
                assert theirs == pytest.approx(ours, abs=1e-12)
            assert arrays.licence(e, week) == pytest.approx(words.licence(e, week), abs=1e-12)
            assert arrays.detour(e, week) == pytest.approx(words.detour(e, week), abs=1e-12)
    for theirs, ours in zip(
        sorted(arrays.rebuilds, key=repr), sorted(words.rebuilds, key=repr), strict=True
    ):
        assert theirs.sites == ours.sites
        assert (theirs.first, theirs.lost) == (ours.first, ours.lost)
        assert (theirs.weeks, theirs.damage) == pytest.approx((ours.weeks, ours.damage))
        assert theirs.shares == pytest.approx(dict(ours.shares))


def _told(boycotts) -> list:
    return sorted(sorted(some) for some in boycotts)
