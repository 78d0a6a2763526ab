"""Extraterritorial control: what it reaches, who complies."""

from __future__ import annotations

import numpy as np
import pytest
from propagate._chains import Draft, Flow
from scenario._trade import trade

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.scenario import Extraterritorial


@pytest.fixture(scope="module")
def chain() -> SupplyChain:
    return trade().build()


def caps(chain: SupplyChain, rule: Extraterritorial) -> dict[str, float]:
    """Return the allowed share of each capped flow in the first week."""
    found: dict[str, float] = {}
    for effect in rule.effects(chain, 1).flows:
        for edge in chain.edges.iloc[effect.edges].itertuples():
            key = f"{edge.supplier} > {edge.buyer}"
            assert key not in found
            found[key] = float(effect.allowed[0])
    return found


class TestReach:
    """Content of CHN: parts 0.6, cars of DEU and of USA 0.24."""

    def test_own_territory_whatever_the_content(self, chain):
        rule = Extraterritorial(by="CHN", against="USA", content=0.9)
        assert caps(chain, rule) == {"part@CHN > car@USA": 0.0}

    def test_goods_of_others_with_enough_content(self, chain):
        rule = Extraterritorial(by="CHN", against="USA", content=0.24 - 1e-12)
        assert caps(chain, rule) == {
            "part@CHN > car@USA": 0.0,
            "car@DEU > market:car@USA": 0.0,
        }
        above = Extraterritorial(by="CHN", against="USA", content=0.24 + 1e-9)
        assert caps(chain, above) == {"part@CHN > car@USA": 0.0}

    def test_a_threshold_of_zero_asks_for_any_content(self, chain):
        rule = Extraterritorial(by="AUS", against="DEU", content=0)
        # Parts and cars hold ore of AUS, chips do not.
        assert caps(chain, rule) == {
            "part@CHN > car@DEU": 0.0,
            "car@USA > market:car@DEU": 0.0,
        }

    def test_only_the_products_that_are_controlled(self, chain):
        rule = Extraterritorial(by="CHN", against="WEST", content=0.1, products="car")
        # Inside the target nobody enforces it.
        with pytest.raises(OptionError, match="found none"):
            rule.effects(chain, 1)
        rule = Extraterritorial(by="CHN", against="DEU", content=0.1, products="car")
        assert caps(chain, rule) == {"car@USA > market:car@DEU": 0.0}

    def test_technology(self):
        flows = [
            Flow("tool@USA", "chip@TWN", 1.0),
            Flow("chip@TWN", "car@CHN", 99.0),
            Flow("chip@TWN", "car@DEU", 99.0),
            Flow("car@DEU", "market:car@CHN", 50.0),
            Flow("car@CHN", "market:car@CHN", 50.0),
        ]
        chain = Draft(flows).build()
        rule = Extraterritorial(by="USA", against="CHN", technology="tool")
        assert caps(chain, rule) == {"chip@TWN > car@CHN": 0.0}
        both = Extraterritorial(by="USA", against="CHN", technology="tool", content=0.001)
        assert caps(chain, both) == {
            "chip@TWN > car@CHN": 0.0,
            "car@DEU > market:car@CHN": 0.0,
        }


class TestCompliance:
    def test_one_number_for_all_but_the_owner(self, chain):
        rule = Extraterritorial(by="CHN", against="USA", content=0.1, severity=0.8, compliance=0.25)
        assert caps(chain, rule) == pytest.approx(
            {"part@CHN > car@USA": 0.2, "car@DEU > market:car@USA": 0.8}
        )

    def test_by_area_and_bloc_the_area_wins_and_others_comply(self):
        flows = [Flow("ore@CHN", f"mill@{c}", 20.0) for c in ("DEU", "FRA", "JPN")]
        flows += [Flow(f"mill@{c}", "market:mill@USA", 30.0) for c in ("DEU", "FRA", "JPN")]
        countries = ("CHN", "DEU", "FRA", "JPN", "USA")
        chain = Draft(flows, countries=countries, blocs={"DEU": "EU", "FRA": "EU"}).build()
        rule = Extraterritorial(
            by="CHN", against="USA", content=0.1, compliance={"FRA": 0.9, "EU": 0.5}
        )
        assert caps(chain, rule) == pytest.approx(
            {
                "mill@DEU > market:mill@USA": 0.5,
                "mill@FRA > market:mill@USA": 0.1,
                "mill@JPN > market:mill@USA": 0.0,
            }
        )

    def test_who_does_not_comply_is_not_capped(self, chain):
        rule = Extraterritorial(by="CHN", against="USA", content=0.1, compliance={"DEU": 0.0})
        assert caps(chain, rule) == {"part@CHN > car@USA": 0.0}

    def test_the_owner_complies_with_itself(self, chain):
        rule = Extraterritorial(by="CHN", against="USA", content=0.9, compliance={"CHN": 0.3})
        assert caps(chain, rule) == {"part@CHN > car@USA": 0.0}

    def test_an_unknown_area_is_refused(self, chain):
        rule = Extraterritorial(by="CHN", against="USA", content=0.1, compliance={"DEUT": 0.0})
        with pytest.raises(UnknownLabelError) as caught:
            rule.effects(chain, 1)
        assert caught.value.nearest == "DEU"


def test_leakage_is_a_share_of_what_is_stopped(chain):
    rule = Extraterritorial(
        by="CHN", against="USA", content=0.1, compliance=0.5, leakage=0.4, leakage_weeks=3, weeks=2
    )
    found = {float(e.allowed[0]): e for e in rule.effects(chain, 3).flows}
    assert found[0.0].detour.tolist() == pytest.approx([0.4, 0.4, 0.0])
    assert found[0.5].detour.tolist() == pytest.approx([0.2, 0.2, 0.0])
    assert {effect.detour_weeks for effect in found.values()} == {3}
    assert found[0.5].label == "Extraterritorial any product: CHN -> USA"


def test_an_event_is_a_value():
    one = Extraterritorial(by="CHN", against="USA", content=0.1, compliance={"DEU": 0.5})
    two = Extraterritorial(by="CHN", against="USA", content=0.1, compliance=(("DEU", 0.5),))
    assert one == two
    assert hash(one) == hash(two)


def test_all_problems_are_named_at_once():
    with pytest.raises(OptionError) as caught:
        Extraterritorial(
            by="CHN", severity=2.0, compliance={"DEU": 1.5}, leakage=-1, leakage_lag=0.5
        )
    for words in (
        "severity must be a share in [0, 1], got 2.0",
        "leakage must be a share in [0, 1], got -1",
        "leakage_lag must be a whole number >= 0 [weeks], got 0.5",
        "against must name the target",
        "give content, technology or both",
        "compliance of DEU must be a share in [0, 1], got 1.5",
    ):
        assert words in str(caught.value)


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan, "much"])
def test_content_and_compliance_are_shares(value):
    with pytest.raises(OptionError, match="content must be a share"):
        Extraterritorial(by="CHN", against="USA", content=value)
    with pytest.raises(OptionError, match="compliance must be a share"):
        Extraterritorial(by="CHN", against="USA", content=0.1, compliance=value)
