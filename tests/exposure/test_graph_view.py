"""Plain graph measures beside AND-OR ones, where both can be counted by hand."""

from __future__ import annotations

import networkx as nx
import pytest
from propagate._chains import Draft, Flow

import chokepoint as cp
from chokepoint.errors import OptionError
from chokepoint.exposure import chokepoints, market_cuts, plain_measures


@pytest.fixture
def cars() -> cp.SupplyChain:
    """Cars need motors (CHN or JPN) and chips (TWN); all motors need magnets (CHN)."""
    return Draft(
        [
            Flow("magnet@CHN", "motor@CHN", 60.0),
            Flow("magnet@CHN", "motor@JPN", 40.0),
            Flow("motor@CHN", "car@DEU", 60.0),
            Flow("motor@JPN", "car@DEU", 40.0),
            Flow("chip@TWN", "car@DEU", 100.0),
            Flow("car@DEU", "market:car@DEU", 100.0),
        ]
    ).build()


def test_paths_are_left_where_a_need_is_not_met(cars) -> None:
    table = plain_measures(cars)
    # Chips lead to cars without magnets, and magnets without chips: only DEU is on every path.
    assert table["dominated"].to_dict() == {"CHN": 0, "TWN": 0, "JPN": 0, "DEU": 1}
    assert table["stopped"].to_dict() == {"CHN": 1, "TWN": 1, "JPN": 0, "DEU": 1}
    assert table.loc["TWN", "stopped_value_usd_m"] == pytest.approx(100.0)
    assert table.loc["TWN", "dominated_value_usd_m"] == 0.0


def test_sites_by_the_dominator_tree_and_by_removal_agree() -> None:
    chain = cp.load("rare_earths")
    table = plain_measures(chain, by="site", countries=["JPN", "KOR"])
    firms = plain_measures(chain, by="firm", countries=["JPN", "KOR"])
    assert (table["stopped"] >= table["dominated"]).all()
    sites = chain.nodes[chain.nodes["kind"].eq("site")]
    alone = sites.groupby("firm").filter(lambda group: len(group) == 1)
    alone = alone[alone["firm"].ne("")]
    by_firm = firms.loc[alone["firm"], "dominated"].to_numpy()
    assert table.loc[alone.index, "dominated"].to_numpy() == pytest.approx(by_firm)
    assert table["dominated"].sum() > 0


def test_betweenness_is_that_of_the_graph(cars) -> None:
    by_hand = nx.DiGraph(
        [("m", "c"), ("m", "j"), ("c", "d"), ("j", "d"), ("t", "d"), ("d", "sold")]
    )
    central = nx.betweenness_centrality(by_hand)
    table = plain_measures(cars)["betweenness"]
    expected = {"CHN": central["c"] + central["m"], "JPN": central["j"], "DEU": central["d"]}
    assert table[list(expected)].to_dict() == pytest.approx(expected)


def test_cuts_by_hand(cars) -> None:
    row = market_cuts(cars).loc["market:car@DEU"]
    assert (row["plain_cut"], row["least"]) == (1, 1)
    # A second car plant: paths now need two failures, the need for chips only one.
    chain = Draft(
        [
            Flow("chip@TWN", "car@DEU", 50.0),
            Flow("chip@TWN", "car@USA", 50.0),
            Flow("steel@USA", "car@USA", 50.0),
            Flow("steel@DEU", "car@DEU", 50.0),
            Flow("car@DEU", "market:car@DEU", 50.0),
            Flow("car@USA", "market:car@DEU", 50.0),
        ]
    ).build()
    row = market_cuts(chain, size=2).loc["market:car@DEU"]
    assert (row["plain_cut"], row["least"]) == (2, 1)
    assert set(chokepoints(chain, by="site", size=1)["removed"]) == {("chip@TWN",)}


def test_bad_arguments_are_refused(cars) -> None:
    with pytest.raises(OptionError, match="by must be"):
        plain_measures(cars, by="planet")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="size must be"):
        market_cuts(cars, size=9)
    with pytest.raises(OptionError, match="found none"):
        market_cuts(cars, countries="JPN")
