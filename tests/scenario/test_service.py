"""Denied services: who lets capacity decay, and how far."""

from __future__ import annotations

import numpy as np
import pytest
from propagate._chains import Draft, Flow

from chokepoint.errors import OptionError
from chokepoint.scenario import ServiceDenial


def draft(**slot) -> Draft:
    """A fab with a tool service, three quarters of it from abroad, and one with all of it."""
    return Draft(
        flows=[
            Flow("care@NLD", "fab@CHN", 30.0),
            Flow("care@CHN", "fab@CHN", 10.0),
            Flow("care@NLD", "fab@TWN", 40.0),
            Flow("care@NLD", "market:care@CHN", 8.0),
            Flow("spare@NLD", "fab@CHN", 20.0),
            Flow("fab@CHN", "market:fab@CHN", 40.0),
            Flow("fab@TWN", "market:fab@TWN", 40.0),
        ],
        slots={("fab@CHN", "care"): slot} if slot else {},
        services=("care",),
        countries=("CHN", "NLD", "TWN", "ZAF"),
    )


def paths(chain, event, horizon) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for effect in event.effects(chain, horizon).capacity:
        for node in effect.nodes:
            assert chain.nodes.index[node] not in found
            found[chain.nodes.index[node]] = effect.factor.tolist()
    return found


class TestDecay:
    def test_the_service_is_capped(self):
        chain = draft().build()
        event = ServiceDenial(
            by="NLD", against="CHN", products="care", severity=0.6, decay=0.1, start=1, weeks=1
        )
        (effect,) = event.effects(chain, 3).flows
        assert effect.allowed.tolist() == [1.0, 0.4, 1.0]
        buyers = set(chain.edges.loc[effect.edges, "buyer"])
        assert buyers == {"fab@CHN", "market:care@CHN"}
        assert effect.label == "ServiceDenial care: NLD -> CHN"

    def test_capacity_decays_by_the_share_denied_and_returns_in_a_straight_line(self):
        event = ServiceDenial(
            by="NLD", products="care", severity=0.8, decay=0.25, start=1, weeks=2, repair_weeks=2
        )
        found = paths(draft().build(), event, 7)
        # 0.25 x 0.8 x 3/4 in CHN, 0.25 x 0.8 in TWN; a market has no capacity.
        expected = {
            site: [1.0, 1.0, 1 - d, (1 - d) ** 2, (1 + (1 - d) ** 2) / 2, 1.0, 1.0]
            for site, d in (("fab@CHN", 0.15), ("fab@TWN", 0.2))
        }
        assert found.keys() == expected.keys()
        for site, path in expected.items():
            assert found[site] == pytest.approx(path)
            assert found[site][5:] == [1.0, 1.0]

    def test_two_slots_of_one_site_compound(self):
        event = ServiceDenial(by="NLD", against="CHN", products=["care", "spare"], decay=0.2)
        found = paths(draft().build(), event, 3)
        kept = (1 - 0.2 * 0.75) * (1 - 0.2)
        assert found == {"fab@CHN": pytest.approx([1.0, kept, kept**2])}

    def test_repair_at_once(self):
        event = ServiceDenial(by="NLD", products="care", decay=0.5, weeks=1, repair_weeks=0)
        assert paths(draft().build(), event, 3)["fab@TWN"] == [1.0, 1.0, 1.0]
        event = ServiceDenial(by="NLD", products="care", decay=0.5, weeks=2, repair_weeks=1)
        assert paths(draft().build(), event, 4)["fab@TWN"] == [1.0, 0.5, 0.25, 1.0]

    def test_beyond_the_horizon(self):
        event = ServiceDenial(by="NLD", products="care", decay=0.5, start=3)
        assert paths(draft().build(), event, 3)["fab@TWN"] == [1.0, 1.0, 1.0]


class TestOwnDecay:
    """Where the tables say how a slot decays, the weekly model does it."""

    def test_never_both(self):
        chain = draft(decay_weekly=0.02).build()
        event = ServiceDenial(by="NLD", products="care", decay=0.5)
        assert paths(chain, event, 2).keys() == {"fab@TWN"}
        # The flow is capped all the same.
        assert len(event.effects(chain, 2).flows[0].edges) == 3

    def test_decay_is_asked_for_where_it_is_needed_only(self):
        chain = draft(decay_weekly=0.02).build()
        assert paths(chain, ServiceDenial(by="NLD", against="CHN", products="care"), 2) == {}
        with pytest.raises(OptionError, match=r"without decay_weekly: care of fab@TWN\. Give"):
            ServiceDenial(by="NLD", products="care").effects(chain, 2)
        with pytest.raises(OptionError, match="care of fab@CHN, care of fab@TWN"):
            ServiceDenial(by="NLD", products="care").effects(draft().build(), 2)


def test_all_problems_are_named_at_once():
    with pytest.raises(OptionError) as caught:
        ServiceDenial(by="NLD", severity=-1, decay=1.5, repair_weeks=-1)
    for words in (
        "severity must be a share in [0, 1], got -1",
        "products must name the services",
        "decay must be a share in [0, 1], got 1.5",
        "repair_weeks must be a whole number >= 0, got -1",
    ):
        assert words in str(caught.value)


@pytest.mark.parametrize("decay", [np.nan, "fast", -0.1])
def test_decay_is_a_share(decay):
    with pytest.raises(OptionError, match="decay must be a share"):
        ServiceDenial(by="NLD", products="care", decay=decay)
