"""Events that match nothing, or not all that was asked for."""

from __future__ import annotations

import pytest
from scenario._trade import trade

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.scenario import (
    Boycott,
    DemandShift,
    ExportBan,
    Extraterritorial,
    Licence,
    Outage,
    Quota,
    Scenario,
    ServiceDenial,
    Tariff,
)
from chokepoint.scenario._index import index_of

NOTHING = [
    (ExportBan(by="ZAF", products="ore"), "ore: ZAF -> others"),
    (Quota(by="CHN", against="ZAF", share=0.5), "any product: CHN -> ZAF"),
    (Licence(by="AUS", products=["chip", "car"]), "chip, car: AUS -> others"),
    (Boycott(by="ZAF", against="CHN"), "any product: CHN -> ZAF"),
    (Tariff(by="CHN", against="USA", rate=0.1), "any product: USA -> CHN"),
    (ServiceDenial(by="USA", against="AUS", products="chip"), "chip: USA -> AUS"),
    (Extraterritorial(by="ZAF", against="DEU", content=0.1), "any product: ZAF -> DEU"),
    (Outage(products="ore", country="DEU"), "ore in DEU"),
    (Outage(sites="ore@AUS", country="WEST"), "ore@AUS in WEST"),
    (DemandShift(change=0.1, products="ore"), "ore"),
]


@pytest.fixture(scope="module")
def chain() -> SupplyChain:
    return trade().build()


@pytest.mark.parametrize(("event", "words"), NOTHING, ids=lambda x: type(x).__name__)
class TestNothing:
    def test_an_event_that_matches_nothing_is_refused(self, chain, event, words):
        with pytest.raises(OptionError) as caught:
            event.effects(chain, 4)
        assert f"{type(event).__name__}: expected at least one " in str(caught.value)
        assert f"found none for {words}. Change or leave out the event" in str(caught.value)

    def test_it_says_so_when_asked(self, chain, event, words):
        assert not event.matches(chain)
        assert event.unmatched(chain) == [words]


@pytest.mark.parametrize(
    ("event", "nearest"),
    [
        (ExportBan(by="AUS", against="USA"), "AUS sells to: CHN."),
        (Boycott(by="USA", against="AUS"), "USA buys from: CHN, DEU."),
        (ExportBan(by="ZAF", against="CHN"), "CHN buys from: AUS."),
        (ExportBan(by="CHN", products="chip"), "what flows there is: part."),
        (ExportBan(by="ZAF"), "areas that sell to others: AUS, CHN, DEU, USA."),
        (Outage(products="ore", country="DEU"), "ore has sites in: AUS, CHN."),
        (Outage(country="ZAF"), "the chain has 6 sites, see chain.nodes."),
        (DemandShift(change=0.1, products="ore", country="DEU"), "DEU has markets of: car."),
    ],
)
def test_the_message_names_what_there_is(chain, event, nearest):
    with pytest.raises(OptionError) as caught:
        event.effects(chain, 1)
    assert str(caught.value).endswith(f"nearest: {nearest}")


def test_a_control_on_content_names_the_most_there_is(chain):
    rule = Extraterritorial(by="AUS", against="DEU", content=0.2)
    with pytest.raises(OptionError, match=r"content of at most 0\.1, asked for are 0\.2\."):
        rule.effects(chain, 1)


def test_a_scenario_lists_all_its_events_that_match_nothing(chain):
    events = [ExportBan(by="ZAF"), Outage(country="USA"), Outage(country="ZAF")]
    with pytest.raises(OptionError) as caught:
        Scenario("mixed", events).effects(chain, 3)
    text = str(caught.value)
    assert text.startswith("Scenario 'mixed': ExportBan: ")
    assert "\nOutage: " in text
    assert "USA" not in text.split("\n")[1]


def test_an_unknown_label_is_another_matter(chain):
    for event in (ExportBan(by="AUT"), Outage(country="AUT"), Outage(sites="car@AUS")):
        for ask in (event.matches, event.unmatched):
            with pytest.raises(UnknownLabelError):
                ask(chain)


class TestUnmatched:
    def test_an_event_that_matches_all_it_names_has_none(self, chain):
        assert ExportBan(by="CHN").unmatched(chain) == []
        assert ExportBan(by=["CHN", "USA"]).unmatched(chain) == []
        assert Outage(country=["DEU", "USA"], products="car").unmatched(chain) == []

    def test_a_word_that_matches_nothing_gives_one_line(self, chain):
        ban = ExportBan(by="CHN;ZAF", against=["DEU", "USA", "AUS"], products=["part", "chip"])
        assert ban.unmatched(chain) == [
            "part, chip: ZAF -> DEU, USA, AUS",
            "part, chip: CHN, ZAF -> AUS",
            "chip: CHN, ZAF -> DEU, USA, AUS",
        ]

    def test_otherwise_pairs_are_named_and_what_they_do_not_trade(self, chain):
        ban = ExportBan(by=["AUS", "USA"], against=["CHN", "DEU"], products=["ore", "chip"])
        # AUS sells ore to CHN and USA sells chips to DEU: 2 of 8.
        assert ban.unmatched(chain) == [
            "ore, chip: AUS -> DEU",
            "chip: AUS -> CHN",
            "ore, chip: USA -> CHN",
            "ore: USA -> DEU",
        ]

    def test_a_bloc_or_group_is_one_word(self, chain):
        assert ExportBan(by="CHN", against="WEST").unmatched(chain) == []
        assert ExportBan(by="AUS", against=["WEST", "CHN"]).unmatched(chain) == [
            "any product: AUS -> WEST"
        ]

    def test_the_way_of_the_goods_is_told_for_buyers_too(self, chain):
        boycott = Boycott(by="CHN", against=["AUS", "USA"])
        assert boycott.unmatched(chain) == ["any product: USA -> CHN"]

    def test_sites(self, chain):
        out = Outage(products=["ore", "car"], country=["CHN", "DEU"])
        assert out.unmatched(chain) == ["ore in DEU", "car in CHN"]
        out = Outage(sites=["ore@AUS", "ore@CHN"], country="CHN")
        assert out.unmatched(chain) == ["ore@AUS in CHN"]

    def test_a_scenario_names_the_event(self, chain):
        scenario = Scenario("s", [ExportBan(by="CHN"), ExportBan(by=["CHN", "ZAF"])])
        assert scenario.unmatched(chain) == [
            ("ExportBan any product: CHN, ZAF -> others", "any product: ZAF -> others")
        ]

    def test_a_control_by_target_and_product(self, chain):
        rule = Extraterritorial(by="CHN", against=["USA", "AUS"], content=0.1)
        assert rule.unmatched(chain) == ["any product: CHN -> AUS"]


def test_codes_are_made_once_per_chain(chain):
    assert index_of(chain) is index_of(chain)
    assert index_of(chain) is not index_of(chain.replace())


def test_selection_is_the_plain_one(chain):
    """The codes find what a scan of the frames finds, for every owner, target and product."""
    edges, nodes = chain.edges, chain.nodes
    seller = edges["supplier"].map(nodes["country"])
    buyer = edges["buyer"].map(nodes["country"])
    for by in (*chain.areas(), "WEST"):
        for against in (None, *chain.areas(), "WEST"):
            for product in (None, *chain.products_in()):
                owner = seller.isin(chain.areas(by))
                aimed = ~buyer.isin(chain.areas(by))
                if against is not None:
                    aimed = buyer.isin(chain.areas(against))
                chosen = owner & aimed & (seller != buyer)
                if product is not None:
                    chosen &= edges["product"].eq(product)
                expected = list(edges.index[chosen])
                ban = ExportBan(by=by, against=against, products=product)
                assert ban.matches(chain) == bool(expected)
                if expected:
                    assert ban.effects(chain, 1).flows[0].edges.tolist() == expected
