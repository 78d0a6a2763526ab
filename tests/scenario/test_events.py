"""What events do to a chain, literally, and what they refuse."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from propagate._chains import Alternative, Draft, Flow

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.scenario import Boycott, DemandShift, ExportBan, Licence, Outage, Scenario

INF = float("inf")


@pytest.fixture(scope="module")
def chain() -> SupplyChain:
    """Ore from two countries, mills in two, one of them with a dormant supplier."""
    draft = Draft(
        flows=[
            Flow("ore@AUS", "mill@DEU"),
            Flow("ore@AUS", "mill@FRA"),
            Flow("ore@FRA", "mill@FRA"),
            Flow("mill@DEU", "market:mill@DEU"),
            Flow("mill@DEU", "market:mill@FRA"),
            Flow("mill@FRA", "market:mill@USA"),
        ],
        alternatives=[Alternative("ore@FRA", "mill@DEU")],
        countries=("AUS", "DEU", "FRA", "USA"),
    )
    tables = draft.tables()
    tables["countries"]["blocs"] = ["", "EU", "EU", ""]
    tables["products"]["group"] = ["raw", "metal"]
    return SupplyChain.from_tables(tables)


def hit(chain: SupplyChain, event) -> set[str]:
    """Return the flows or nodes an event acts on, as text."""
    effects = event.effects(chain, 1)
    found = set()
    for effect in (*effects.flows, *effects.licences):
        edges = chain.edges.iloc[effect.edges]
        found |= {f"{e.supplier} > {e.buyer}" for e in edges.itertuples()}
    for effect in effects.capacity:
        found |= set(chain.nodes.index[effect.nodes])
    return found


class TestSelection:
    def test_against_everyone_else(self, chain):
        assert hit(chain, ExportBan(by="AUS")) == {"ore@AUS > mill@DEU", "ore@AUS > mill@FRA"}

    def test_flows_at_home_do_not_count(self, chain):
        # FRA sells to itself, to the USA, and could sell to DEU.
        assert hit(chain, ExportBan(by="FRA")) == {
            "mill@FRA > market:mill@USA",
            "ore@FRA > mill@DEU",
        }

    def test_a_bloc_spares_its_members_unless_they_are_named(self, chain):
        assert hit(chain, ExportBan(by="EU")) == {"mill@FRA > market:mill@USA"}
        assert hit(chain, ExportBan(by="EU", against="EU")) == {
            "mill@DEU > market:mill@FRA",
            "ore@FRA > mill@DEU",
        }

    def test_lists_of_areas_products_and_groups(self, chain):
        ban = ExportBan(by=["AUS", "FRA"], against=["DEU", "USA"], products=["raw"])
        assert hit(chain, ban) == {"ore@AUS > mill@DEU", "ore@FRA > mill@DEU"}
        assert hit(chain, dataclasses.replace(ban, products="mill")) == {
            "mill@FRA > market:mill@USA"
        }

    def test_a_boycott_is_by_the_buyer(self, chain):
        assert hit(chain, Boycott(by="DEU", against="AUS")) == {"ore@AUS > mill@DEU"}
        assert hit(chain, Boycott(by="USA")) == {"mill@FRA > market:mill@USA"}

    def test_a_licence_is_by_the_seller(self, chain):
        assert hit(chain, Licence(by="AUS", against="FRA")) == {"ore@AUS > mill@FRA"}

    def test_an_outage_hits_sites_for_which_all_that_is_given_holds(self, chain):
        assert hit(chain, Outage(products="ore")) == {"ore@AUS", "ore@FRA"}
        assert hit(chain, Outage(country="FRA")) == {"ore@FRA", "mill@FRA"}
        assert hit(chain, Outage(country="EU", products="metal")) == {"mill@DEU", "mill@FRA"}
        assert hit(chain, Outage(sites=["ore@AUS", "mill@FRA"])) == {"ore@AUS", "mill@FRA"}
        both = Outage(sites=["ore@AUS", "mill@FRA"], country="FRA")
        assert hit(chain, both) == {"mill@FRA"}

    def test_a_demand_shift_hits_markets_only(self, chain):
        assert hit(chain, DemandShift(change=0.1)) == {
            "market:mill@DEU",
            "market:mill@FRA",
            "market:mill@USA",
        }
        assert hit(chain, DemandShift(change=0.1, country="EU", products="mill")) == {
            "market:mill@DEU",
            "market:mill@FRA",
        }

    @pytest.mark.parametrize(
        ("event", "nearest"),
        [
            (ExportBan(by="AUT"), "AUS"),
            (Boycott(by="USA", against="DEUT"), "DEU"),
            (Licence(by="AUS", products="or"), "ore"),
            (Outage(sites="ore@AUT"), "ore@AUS"),
            (Outage(sites="market:mill@USA"), ""),
            (Outage(country="DEUT"), "DEU"),
            (DemandShift(change=0.0, products="mil"), "mill"),
        ],
    )
    def test_an_unknown_label_is_refused_with_the_nearest(self, chain, event, nearest):
        with pytest.raises(UnknownLabelError) as caught:
            event.effects(chain, 1)
        assert caught.value.nearest == nearest


class TestProfiles:
    def test_weeks_run_from_start_to_start_plus_weeks_minus_one(self, chain):
        ban = ExportBan(by="AUS", severity=0.75, start=2, weeks=3)
        (effect,) = ban.effects(chain, 7).flows
        assert effect.allowed.tolist() == [1.0, 1.0, 0.25, 0.25, 0.25, 1.0, 1.0]

    def test_no_weeks_means_to_the_end(self, chain):
        (effect,) = ExportBan(by="AUS", start=2).effects(chain, 4).flows
        assert effect.allowed.tolist() == [1.0, 1.0, 0.0, 0.0]

    @pytest.mark.parametrize("start", [4, 5, 99])
    def test_an_event_beyond_the_horizon_does_nothing(self, chain, start):
        events = [
            ExportBan(by="AUS", start=start),
            Outage(country="AUS", start=start, weeks=2, recovery_weeks=3),
            Licence(by="AUS", start=start, weeks=3),
            Licence(by="AUS", start=start, release=(0.5, 1.0)),
        ]
        effects = Scenario("late", events).effects(chain, 4)
        assert (effects.flows[0].allowed == 1.0).all()
        assert (effects.capacity[0].factor == 1.0).all()
        assert all(np.isinf(effect.release).all() for effect in effects.licences)

    def test_capacity_returns_in_a_straight_line(self, chain):
        out = Outage(country="AUS", severity=0.8, start=1, weeks=2, recovery_weeks=3)
        (effect,) = out.effects(chain, 8).capacity
        assert effect.factor == pytest.approx([1.0, 0.2, 0.2, 0.4, 0.6, 0.8, 1.0, 1.0])

    def test_a_recovery_may_be_cut_off_by_the_horizon(self, chain):
        out = Outage(country="AUS", severity=0.8, weeks=2, recovery_weeks=3)
        (effect,) = out.effects(chain, 3).capacity
        assert effect.factor == pytest.approx([0.2, 0.2, 0.4])

    def test_an_outage_without_end_never_recovers(self, chain):
        (effect,) = Outage(country="AUS", recovery_weeks=9).effects(chain, 3).capacity
        assert effect.factor.tolist() == [0.0, 0.0, 0.0]

    def test_a_licence_reviews_then_clears_then_ends(self, chain):
        licence = Licence(by="AUS", review_weeks=2, clearing=1.5, start=1, weeks=4)
        (effect,) = licence.effects(chain, 7).licences
        assert effect.release.tolist() == [INF, 0.0, 0.0, 1.5, 1.5, INF, INF]

    def test_a_licence_that_ends_during_its_review(self, chain):
        (effect,) = Licence(by="AUS", review_weeks=9, weeks=2).effects(chain, 4).licences
        assert effect.release.tolist() == [0.0, 0.0, INF, INF]

    def test_a_stated_release_replaces_review_and_clearing(self, chain):
        licence = Licence(by="AUS", release=(0.3, 0.1), start=1, weeks=3)
        (effect,) = licence.effects(chain, 5).licences
        assert effect.release.tolist() == [INF, 0.3, 0.1, 0.1, INF]

    def test_demand_changes_by_a_share(self, chain):
        (effect,) = DemandShift(change=-0.25, start=1, weeks=1).effects(chain, 3).capacity
        assert effect.factor.tolist() == [1.0, 0.75, 1.0]

    def test_only_a_boycott_is_known_to_the_buyer(self, chain):
        assert Boycott(by="DEU", against="AUS").effects(chain, 1).flows[0].redirect
        assert not ExportBan(by="AUS").effects(chain, 1).flows[0].redirect


class TestRefusals:
    @pytest.mark.parametrize("kind", [ExportBan, Boycott, Licence])
    @pytest.mark.parametrize(
        ("option", "text"),
        [
            ({"start": -1}, r"start must be .*got -1"),
            ({"start": 1.5}, r"start must be .*got 1\.5"),
            ({"weeks": 0}, r"weeks must be .*got 0"),
            ({"weeks": 2.5}, r"weeks must be .*got 2\.5"),
        ],
    )
    def test_windows(self, kind, option, text):
        with pytest.raises(OptionError, match=f"{kind.__name__}: {text}"):
            kind(by="AUS", against="DEU", **option)

    @pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
    @pytest.mark.parametrize("kind", [ExportBan, Boycott, Outage])
    def test_severity_is_a_share(self, kind, value):
        area = {"country": "AUS"} if kind is Outage else {"by": "AUS"}
        with pytest.raises(OptionError, match=r"severity must be a share in \[0, 1\], got"):
            kind(severity=value, **area)

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"review_weeks": -1}, "review_weeks"),
            ({"review_weeks": 1.5}, "review_weeks"),
            ({"refused": 1.5}, "refused must be a share"),
            ({"clearing": -1.0}, "clearing"),
            ({"clearing": float("nan")}, "clearing"),
            ({"clearing": INF}, "clearing"),
            ({"goods_weeks": -1.0}, "goods_weeks"),
            ({"goods_weeks": float("nan")}, "goods_weeks"),
            ({"release": ()}, "release"),
            ({"release": (0.5, -0.1)}, "release"),
            ({"release": (0.5, float("nan"))}, "release"),
            ({"release": (0.5, INF)}, "release"),
        ],
    )
    def test_licences(self, options, text):
        with pytest.raises(OptionError, match=f"Licence: {text}"):
            Licence(by="AUS", **options)

    def test_an_outage_of_nothing_in_particular(self):
        with pytest.raises(OptionError, match="at least one of products, country, sites"):
            Outage(severity=0.5)

    @pytest.mark.parametrize("value", [-1.5, -0.5])
    def test_recovery(self, value):
        with pytest.raises(OptionError, match="recovery_weeks"):
            Outage(country="AUS", recovery_weeks=value)

    @pytest.mark.parametrize("change", [-1.1, float("nan"), INF])
    def test_demand(self, change):
        with pytest.raises(OptionError, match="change"):
            DemandShift(change=change)

    def test_all_problems_are_named_at_once(self):
        with pytest.raises(OptionError, match=r"ExportBan: start .*; weeks .*; severity "):
            ExportBan(by="AUS", start=-1, weeks=0, severity=2.0)


class TestValue:
    def test_events_with_the_same_words_are_equal_and_hash_alike(self):
        one = ExportBan(by=["AUS", "CHN"], products=["ore"])
        other = ExportBan(by=("AUS", "CHN"), products=("ore",))
        assert one == other
        assert hash(one) == hash(other)
        assert hash(Scenario("s", [one])) == hash(Scenario("s", [other]))

    def test_an_event_does_not_change_with_the_list_it_was_made_from(self):
        products = ["ore"]
        ban = ExportBan(by="AUS", products=products)
        products.append("mill")
        assert ban.products == ("ore",)

    def test_numpy_and_pandas_labels_are_fine(self, chain):
        sites = chain.nodes.index[:1]
        assert hit(chain, Outage(sites=sites)) == {"ore@AUS"}
        assert hit(chain, Outage(sites=sites.to_numpy())) == {"ore@AUS"}
        assert hit(chain, Outage(sites=pd.Series(sites))) == {"ore@AUS"}

    def test_a_release_may_be_any_sequence(self):
        licence = Licence(by="AUS", release=np.array([0.5, 1.0]))
        assert licence == Licence(by="AUS", release=[0.5, 1.0])
        assert licence.release == (0.5, 1.0)

    def test_events_are_frozen(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            ExportBan(by="AUS").severity = 0.5

    def test_a_scenario_takes_one_event_several_or_none(self):
        ban = ExportBan(by="AUS")
        assert Scenario("one", ban).events == (ban,)
        assert Scenario("two", iter([ban, ban])).events == (ban, ban)
        assert repr(Scenario("none")) == "Scenario('none', 0 events)"
        assert repr(Scenario("one", ban)) == "Scenario('one', 1 event)"

    def test_a_scenario_refuses_what_is_no_event(self):
        with pytest.raises(OptionError, match=r"'mixed': expected events .*got str"):
            Scenario("mixed", [ExportBan(by="AUS"), "ban"])
