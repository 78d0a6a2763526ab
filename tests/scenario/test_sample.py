"""Random scenarios."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from propagate._chains import Draft, Flow
from scenario._trade import trade

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.scenario import ExportBan, Outage, sample


@pytest.fixture(scope="module")
def chain() -> SupplyChain:
    return trade().build()


def events(chain, n=400, **options):
    return [scenario.events[0] for scenario in sample(chain, n, rng=3, **options)]


def test_the_seed_decides(chain):
    one = sample(chain, 20, rng=5)
    assert one == sample(chain, 20, rng=np.random.default_rng(5))
    assert one != sample(chain, 20, rng=6)
    assert one[:7] == sample(chain, 7, rng=5)
    assert [scenario.name for scenario in one[:2]] == ["sample 0", "sample 1"]


def test_every_event_matches_something(chain):
    for scenario in sample(chain, 200, rng=1, events=3):
        assert len(scenario.events) == 3
        scenario.effects(chain, 8)
        assert scenario.unmatched(chain) == []


def test_numbers_stay_in_their_ranges_and_reach_their_ends(chain):
    found = events(
        chain, severity=(0.25, 0.5), start=(2, 3), weeks=(1, 2), recovery_weeks=(4, 5), bans=0.5
    )
    assert all(0.25 <= event.severity <= 0.5 for event in found)
    assert {event.start for event in found} == {2, 3}
    assert {event.weeks for event in found} == {1, 2}
    outages = [event for event in found if isinstance(event, Outage)]
    assert {event.recovery_weeks for event in outages} == {4, 5}


def test_the_share_of_bans(chain):
    assert all(isinstance(event, ExportBan) for event in events(chain, bans=1.0))
    assert all(isinstance(event, Outage) for event in events(chain, bans=0.0))
    assert 150 < sum(isinstance(event, ExportBan) for event in events(chain)) < 250


def test_larger_flows_and_sites_are_hit_more_often():
    flows = [
        Flow("ore@CHN", "market:ore@USA", 90.0),
        Flow("ore@AUS", "market:ore@USA", 10.0),
    ]
    chain = Draft(flows).build()
    bans = Counter(event.by for event in events(chain, bans=1.0))
    assert 330 < bans["CHN"] < 390
    sites = Counter(event.sites for event in events(chain, bans=0.0))
    named = sites["ore@CHN"] + sites["ore@AUS"]
    assert 0.84 < sites["ore@CHN"] / named < 0.96
    assert 100 < named < 170


def test_only_the_products_that_are_named(chain):
    for event in events(chain, products=["chip"], n=60):
        if isinstance(event, ExportBan):
            assert (event.by, event.products) == ("USA", "chip")
        else:
            assert event.sites == "chip@USA" or event.country == "USA"


def test_nothing_has_a_price():
    flows = [Flow("ore@CHN", "market:ore@USA"), Flow("ore@AUS", "market:ore@USA", 1.0)]
    chain = Draft(flows, products={"ore": {"worth": 0.0}}).build()
    bans = Counter(event.by for event in events(chain, bans=1.0))
    assert min(bans["CHN"], bans["AUS"]) > 150


def test_nothing_to_draw_from():
    chain = Draft([Flow("ore@CHN", "market:ore@CHN")]).build()
    with pytest.raises(OptionError, match=r"got 1 sites and 0 flows\. Widen products, or set"):
        sample(chain, 1)
    assert len(sample(chain, 2, bans=0.0)) == 2
    assert sample(chain, 0, bans=0.0) == []


def test_all_problems_are_named_at_once(chain):
    with pytest.raises(OptionError) as caught:
        sample(
            chain, -1, events=0, bans=1.5, severity=(0.5, 0.2), start=(0, -1), weeks=(0, 4),
            recovery_weeks=(2, 1),
        )  # fmt: skip
    for words in (
        "n must be a whole number >= 0, got -1",
        "events must be a whole number >= 1, got 0",
        "bans must be a share in [0, 1], got 1.5",
        "severity must be a range within [0, 1], got (0.5, 0.2)",
        "start must be a range of whole weeks >= 0, got (0, -1)",
        "weeks must be a range of whole weeks >= 1, got (0, 4)",
        "recovery_weeks must be a range of whole weeks >= 0, got (2, 1)",
    ):
        assert words in str(caught.value)
