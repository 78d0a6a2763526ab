"""How capacity returns after an outage."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from propagate._chains import Draft, Flow

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.scenario import Outage


@pytest.fixture(scope="module")
def chain() -> SupplyChain:
    """Cars of two countries; each has a market for steel, one of them two."""
    flows = [
        Flow("car@DEU", "market:car@DEU", 60.0),
        Flow("van@DEU", "market:van@DEU", 20.0),
        Flow("car@USA", "market:car@USA", 20.0),
        Flow("steel@CHN", "market:steel@DEU", 30.0),
        Flow("steel@CHN", "market:steel@DEU:other_use", 10.0),
        Flow("steel@CHN", "market:steel@USA", 50.0),
        Flow("tool@CHN", "market:tool@DEU", 5.0),
    ]
    return Draft(flows, countries=("CHN", "DEU", "USA")).build()


def factor(chain: SupplyChain, horizon: int, **options) -> list[float]:
    (effect,) = Outage(country="DEU", products="car", **options).effects(chain, horizon).capacity
    return effect.factor.tolist()


CURVES = ["linear", "exponential", "s_shaped"]


class TestCurves:
    def test_linear(self, chain):
        found = factor(chain, 7, severity=0.8, weeks=2, recovery_weeks=3)
        assert found == pytest.approx([0.2, 0.2, 0.4, 0.6, 0.8, 1.0, 1.0])

    def test_exponential(self, chain):
        found = factor(chain, 4, weeks=1, recovery_weeks=1, recovery="exponential")
        # Half way, 20 ** -0.5 of a plain exponential is left.
        left = (20**-0.5 - 0.05) / 0.95
        assert found == pytest.approx([0.0, 1 - left, 1.0, 1.0])

    def test_s_shaped(self, chain):
        found = factor(chain, 6, weeks=1, recovery_weeks=3, recovery="s_shaped")
        assert found == pytest.approx([0.0, 5 / 32, 0.5, 27 / 32, 1.0, 1.0])

    @pytest.mark.parametrize("curve", CURVES)
    def test_recovery_may_be_at_once_or_never(self, chain, curve):
        assert factor(chain, 3, weeks=2, recovery=curve) == [0.0, 0.0, 1.0]
        assert factor(chain, 3, recovery_weeks=2, recovery=curve) == [0.0, 0.0, 0.0]

    @pytest.mark.parametrize("curve", CURVES)
    @given(
        severity=st.floats(0.0, 1.0),
        start=st.integers(0, 5),
        weeks=st.integers(1, 5),
        recovery=st.integers(0, 30),
        horizon=st.integers(1, 40),
    )
    def test_capacity_falls_once_and_then_only_rises_to_exactly_one(
        self, chain, curve, severity, start, weeks, recovery, horizon
    ):
        options = {"start": start, "weeks": weeks, "recovery_weeks": recovery, "recovery": curve}
        found = np.array(factor(chain, horizon, severity=severity, **options))
        assert (found[:start] == 1.0).all()
        assert (found[start : start + weeks] == 1.0 - severity).all()
        assert (np.diff(found[start:]) >= 0).all()
        assert (found[start + weeks + recovery :] == 1.0).all()
        lost = 1.0 - found[start + weeks : start + weeks + recovery]
        assert ((lost > 0) | (severity < 1e-12)).all()
        # No jump: from the last week of the outage on, no step is above the curve's steepest.
        steepest = {"linear": 1.0, "exponential": np.log(20) / 0.95, "s_shaped": 1.5}[curve]
        steps = np.diff(found[start + weeks - 1 :])
        limit = severity * min(1.0, steepest / (recovery + 1))
        assert steps.max(initial=0.0) <= limit + 1e-12


def rebuilding(chain: SupplyChain, **options):
    settings = {
        "country": "DEU",
        "products": ["car", "van"],
        "severity": 0.4,
        "start": 1,
        "weeks": 2,
        "recovery_weeks": 8,
        "recovery": "rebuild",
        "damage": 500.0,
        "rebuild_with": {"steel": 0.6, "tool": 0.4},
    }
    return Outage(**settings | options).effects(chain, 6)


class TestRebuild:
    def test_the_outage_ends_where_rebuilding_starts(self, chain):
        effects = rebuilding(chain)
        (capacity,), (rebuild,) = effects.capacity, effects.rebuilds
        assert capacity.factor.tolist() == [1.0, 0.6, 0.6, 1.0, 1.0, 1.0]
        assert (rebuild.first, rebuild.lost, rebuild.weeks, rebuild.damage) == (3, 0.4, 8, 500.0)
        assert capacity.nodes.tolist() == rebuild.nodes.tolist()
        assert rebuild.label == "Outage car, van in DEU"

    def test_damage_goes_to_the_markets_of_the_country_by_their_value(self, chain):
        (rebuild,) = rebuilding(chain).rebuilds
        shares = dict(zip(chain.nodes.index[rebuild.markets], rebuild.shares, strict=True))
        assert shares == pytest.approx(
            {
                "market:steel@DEU": 0.45,
                "market:steel@DEU:other_use": 0.15,
                "market:tool@DEU": 0.4,
            }
        )

    def test_countries_share_damage_by_output(self, chain):
        effects = rebuilding(chain, country=["DEU", "USA"], products="car", rebuild_with="steel")
        found = {
            tuple(chain.nodes.index[one.nodes]): (one.damage, one.shares.sum())
            for one in effects.rebuilds
        }
        assert found == {
            ("car@DEU",): pytest.approx((375.0, 1.0)),
            ("car@USA",): pytest.approx((125.0, 1.0)),
        }

    def test_what_no_market_sells_is_refused_all_at_once(self, chain):
        with pytest.raises(OptionError, match=r"none of tool in USA, van in USA\. Name products"):
            rebuilding(chain, country=["DEU", "USA"], rebuild_with={"tool": 0.5, "van": 0.5})

    def test_an_unknown_product_is_refused(self, chain):
        with pytest.raises(UnknownLabelError, match="stele"):
            rebuilding(chain, rebuild_with="stele")

    def test_all_problems_are_named_at_once(self):
        with pytest.raises(OptionError) as caught:
            Outage(recovery="rebuild", severity=2.0, damage=0)
        for words in (
            "severity must be a share in [0, 1], got 2.0",
            "name at least one of products, country, sites",
            "rebuilding starts after the outage: give its weeks",
            "recovery_weeks must be at least 1",
            "damage must be a number > 0 [USD million], got 0",
            "rebuild_with must give products with shares that add up to 1",
        ):
            assert words in str(caught.value)

    @pytest.mark.parametrize("shares", [{"steel": 0.5}, {"a": 1.5, "b": -0.5}, ("steel",), {}])
    def test_shares_add_up_to_one(self, shares):
        options = {"weeks": 1, "recovery_weeks": 1, "damage": 1.0, "recovery": "rebuild"}
        with pytest.raises(OptionError, match="add up to 1"):
            Outage(country="DEU", rebuild_with=shares, **options)

    def test_an_event_is_a_value(self):
        options = {
            "country": "DEU", "weeks": 1, "recovery_weeks": 1, "damage": 1.0, "recovery": "rebuild"
        }  # fmt: skip
        one = Outage(rebuild_with={"steel": 1.0}, **options)
        assert one == Outage(rebuild_with="steel", **options)
        assert hash(one) == hash(Outage(rebuild_with="steel", **options))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"recovery": "quick"}, "recovery must be one of linear, exponential, s_shaped, rebuild"),
        ({"damage": 5.0}, 'damage and rebuild_with go with recovery="rebuild" only'),
        ({"rebuild_with": "steel"}, 'damage and rebuild_with go with recovery="rebuild" only'),
    ],
)
def test_refusals(options, words):
    with pytest.raises(OptionError, match=words):
        Outage(country="DEU", **options)
