"""Slots that serve different parts of a site's output: who uses what when one runs short."""

from __future__ import annotations

import pytest
from propagate._chains import Draft, Flow
from propagate._play import STIFF

from chokepoint.propagate import trace
from chokepoint.scenario import ExportBan, Outage, Scenario


def two_parts(share: float = 0.5) -> Draft:
    """A maker with two products: one needs `left`, the other `right`."""
    slot = {"combine": "disjoint", "use_share": share, "stock_weeks": 2.0}
    return Draft(
        flows=[
            Flow("left@CHN", "maker@JPN"),
            Flow("right@JPN", "maker@JPN"),
            Flow("maker@JPN", "market:maker@JPN"),
        ],
        slots={("maker@JPN", "left"): slot, ("maker@JPN", "right"): slot},
    )


def weeks_of(draft: Draft, event, what: str, label, weeks: int = 8) -> list[float]:
    run = trace(draft.build(), Scenario("some", event), weeks=weeks, behaviour=STIFF)
    labels = run.chain.nodes.index if what == "output" else run.chain.groups
    return getattr(run, what)[:, labels.get_loc(label)].tolist()


def test_the_part_that_has_its_input_runs_on_and_uses_it():
    ban = ExportBan(by="CHN")
    output = weeks_of(two_parts(), ban, "output", "maker@JPN")
    # One week in transit and two in stock, then the half that needs `left` stops.
    assert output == [1.0] * 3 + [0.5] * 5
    assert weeks_of(two_parts(), ban, "used", ("maker@JPN", "left")) == [1.0] * 3 + [0.0] * 5
    # The other half works as before: its input is used in full, not at the average of the site.
    assert weeks_of(two_parts(), ban, "used", ("maker@JPN", "right")) == [1.0] * 8


def test_what_is_used_adds_up_to_what_is_made():
    ban = ExportBan(by="CHN", severity=0.4)
    left = weeks_of(two_parts(0.3), ban, "used", ("maker@JPN", "left"), weeks=12)
    right = weeks_of(two_parts(0.3), ban, "used", ("maker@JPN", "right"), weeks=12)
    output = weeks_of(two_parts(0.3), ban, "output", "maker@JPN", weeks=12)
    free = 1.0 - 2 * 0.3
    assert min(output) < 0.9
    assert output == pytest.approx(
        [free + 0.3 * one + 0.3 * other for one, other in zip(left, right, strict=True)]
    )


def test_an_outage_slows_all_parts_alike():
    fire = Outage(sites="maker@JPN", severity=0.4)
    for slot in ("left", "right"):
        used = weeks_of(two_parts(0.3), fire, "used", ("maker@JPN", slot))
        assert used == pytest.approx([0.6] * 8)
