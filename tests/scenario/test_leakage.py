"""Quotas, tariffs, and what leaks round bans, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scenario._trade import trade

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.scenario import ExportBan, Quota, Scenario, Tariff


@pytest.fixture(scope="module")
def chain() -> SupplyChain:
    return trade().build()


class TestLeakage:
    def test_none_unless_stated(self, chain):
        (effect,) = ExportBan(by="CHN").effects(chain, 3).flows
        assert effect.detour is None
        assert effect.detour_weeks == 0

    def test_a_share_of_what_is_stopped_after_a_lag(self, chain):
        ban = ExportBan(
            by="CHN", severity=0.8, start=1, weeks=4, leakage=0.25, leakage_lag=2, leakage_weeks=3
        )
        (effect,) = ban.effects(chain, 7).flows
        assert effect.allowed.tolist() == pytest.approx([1.0, 0.2, 0.2, 0.2, 0.2, 1.0, 1.0])
        assert effect.detour.tolist() == pytest.approx([0.0, 0.0, 0.0, 0.2, 0.2, 0.0, 0.0])
        assert effect.detour_weeks == 3
        assert effect.label == "ExportBan any product: CHN -> others"

    def test_a_lag_beyond_the_event_lets_nothing_through(self, chain):
        ban = ExportBan(by="CHN", weeks=2, leakage=1.0, leakage_lag=2)
        assert not ban.effects(chain, 5).flows[0].detour.any()

    def test_quotas_leak_alike(self, chain):
        quota = Quota(by="CHN", share=0.6, leakage=0.5)
        assert quota.effects(chain, 1).flows[0].detour.tolist() == pytest.approx([0.2])

    @pytest.mark.parametrize("kind", [ExportBan, Quota])
    def test_refusals(self, kind):
        with pytest.raises(OptionError) as caught:
            kind(by="CHN", leakage=1.5, leakage_lag=-1, leakage_weeks=2.5)
        for words in (
            "leakage must be a share in [0, 1], got 1.5",
            "leakage_lag must be a whole number >= 0 [weeks], got -1",
            "leakage_weeks must be a whole number >= 0 [weeks], got 2.5",
        ):
            assert words in str(caught.value)


class TestQuota:
    def test_a_share_of_each_flow(self, chain):
        (effect,) = Quota(by="CHN", share=0.3, start=1, weeks=1).effects(chain, 3).flows
        assert effect.allowed.tolist() == [1.0, 0.3, 1.0]
        assert not effect.redirect

    def test_an_amount_is_spread_as_at_baseline(self, chain):
        # CHN sells 100 parts a year abroad.
        (effect,) = Quota(by="CHN", products="part", quantity=25.0).effects(chain, 1).flows
        assert effect.allowed.tolist() == [0.25]
        assert len(effect.edges) == 2

    def test_an_amount_above_the_flow_caps_nothing(self, chain):
        (effect,) = Quota(by="CHN", quantity=1e6).effects(chain, 1).flows
        assert effect.allowed.tolist() == [1.0]

    def test_nothing_may_pass(self, chain):
        for quota in (Quota(by="CHN", quantity=0), Quota(by="CHN", share=0)):
            assert quota.effects(chain, 1).flows[0].allowed.tolist() == [0.0]

    def test_an_amount_of_things_with_different_units_is_refused(self):
        draft = trade()
        draft.products = {"car": {"unit": "cars"}}
        chain = draft.build()
        both = Quota(by="USA", products=["chip", "car"], quantity=10.0)
        with pytest.raises(OptionError, match="one unit, got cars, unit"):
            both.effects(chain, 1)
        assert Quota(by="USA", products="chip", quantity=5.0).effects(chain, 1).flows[
            0
        ].allowed.tolist() == [0.1]

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({}, "exactly one of share and quantity, got None and None"),
            ({"share": 0.5, "quantity": 3.0}, "exactly one of share and quantity, got 0.5 and 3"),
            ({"share": 1.5}, r"share must be a share in \[0, 1\], got 1.5"),
            ({"share": float("nan")}, "share must be a share"),
            ({"quantity": -1.0}, r"quantity must be a number >= 0 \[units per year\], got -1"),
        ],
    )
    def test_refusals(self, options, words):
        with pytest.raises(OptionError, match=words):
            Quota(by="CHN", **options)


class TestTariff:
    def test_the_importer_charges_and_nothing_else_changes(self, chain):
        effects = Tariff(by="USA", against="DEU", rate=0.25, start=1, weeks=2).effects(chain, 4)
        (effect,) = effects.tariffs
        assert effect.rate.tolist() == [0.0, 0.25, 0.25, 0.0]
        edges = chain.edges.iloc[effect.edges]
        assert edges[["supplier", "buyer"]].to_numpy().tolist() == [["car@DEU", "market:car@USA"]]
        assert effect.label == "Tariff any product: DEU -> USA"
        assert not (effects.capacity + effects.flows + effects.licences + effects.rebuilds)

    def test_against_everybody(self, chain):
        (effect,) = Tariff(by="DEU", rate=2.0).effects(chain, 1).tariffs
        assert set(chain.edges.loc[effect.edges, "supplier"]) == {
            "part@CHN",
            "chip@USA",
            "car@USA",
        }

    @pytest.mark.parametrize("rate", [-0.1, np.nan, np.inf, "high"])
    def test_refusals(self, rate):
        with pytest.raises(OptionError, match="Tariff: rate must be a number >= 0"):
            Tariff(by="USA", rate=rate)


def test_effects_of_all_events_are_joined(chain):
    events = [ExportBan(by="CHN"), Tariff(by="USA", rate=0.1), Quota(by="USA", share=0.5)]
    effects = Scenario("all", events).effects(chain, 2)
    assert [len(part) for part in (effects.flows, effects.tariffs, effects.capacity)] == [2, 1, 0]
