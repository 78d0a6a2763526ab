"""Random chains, events, effects and behaviours for hypothesis: all that a test needs.

What is `rich` has every feature of the weekly model; without it, what linear programs follow too.
"""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import settings
from propagate._draft_strategies import BLOCS, COUNTRIES, drafts
from propagate._effect_strategies import effects
from propagate._event_strategies import events, scenarios

from chokepoint.propagate import Behaviour

__all__ = [
    "BLOCS",
    "COUNTRIES",
    "DETERMINISTIC",
    "RATIONING",
    "behaviours",
    "drafts",
    "effects",
    "events",
    "scenarios",
]

DETERMINISTIC = settings(derandomize=True, deadline=None, database=None, max_examples=50)
RATIONING = ("proportional", "domestic_first", "allies_first", "highest_bidder", "equalising")


@st.composite
def behaviours(draw: st.DrawFn, *, rich: bool = False) -> Behaviour:
    """Return settings, extreme ones among them; `rich`: any rule of rationing and ordering."""
    settings_of = {
        "switching": draw(st.sampled_from([True, True, True, False])),
        "trigger": draw(st.sampled_from([0.0, 0.1, 0.4])),
        "memory": draw(st.sampled_from([0.25, 0.5, 1.0, 0.0])),
        "speed": draw(st.sampled_from([0.25, 0.5, 1.0, 0.0])),
        "exponent": draw(st.sampled_from([1.0, 0.0, 2.0])),
        "discount": draw(st.sampled_from([0.0, 0.0, 2.0, 0.5])),
        "ramp": draw(st.booleans()),
        "frozen_orders": draw(st.sampled_from([False, False, False, True])),
    }
    if not rich:
        return Behaviour(**settings_of)
    rules = {
        "rationing": draw(st.sampled_from(RATIONING)),
        "alliances": draw(st.sampled_from([None, ("west",), ("east", "pact")])),
        "order_rule": draw(st.sampled_from(["use", "desired", "realised"])),
        "order_shares": draw(st.sampled_from(["baseline", "capacity"])),
        "scarcity": draw(st.sampled_from(["this_week", "last_output"])),
    }
    if rules["order_shares"] == "capacity":
        settings_of["switching"] = False
    return Behaviour(**settings_of | rules)
