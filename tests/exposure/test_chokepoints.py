"""AND-OR chokepoints by hand, by brute force, and beside plain paths."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pandas as pd
import pytest

import chokepoint as cp
from chokepoint import SupplyChain
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.exposure import chokepoints, redundancy, stopped
from chokepoint.exposure._needs import needs_of, owners


@pytest.fixture
def cars() -> SupplyChain:
    """A car needs a motor AND a chip; motors come from CHN or JPN, chips from TWN alone.

    Chinese and Japanese motors both need Chinese magnets. Paint is not essential.
    """
    return SupplyChain.from_tables(
        products=pd.DataFrame(
            {"product": ["magnet", "motor", "chip", "paint", "car"], "tier": [0, 1, 1, 1, 2]}
        ),
        sites=pd.DataFrame(
            [("magnet", "CHN", "Magnetics", 100.0), ("motor", "CHN", "", 60.0),
             ("motor", "JPN", "Nihon", 40.0), ("chip", "TWN", "Wafer", 100.0),
             ("paint", "USA", "", 100.0), ("car", "DEU", "", 100.0)],
            columns=["product", "country", "firm", "output_qty"],
        ),
        inputs=pd.DataFrame(
            {
                "product": ["motor", "car", "car", "car"],
                "input": ["magnet", "motor", "chip", "paint"],
                "quantity": [1.0] * 4,
                "criticality": [1.0, 1.0, 1.0, 0.2],
            }
        ),
        markets=pd.DataFrame({"product": ["car"], "country": ["DEU"], "quantity": [100.0]}),
    )  # fmt: skip


def test_alternatives_are_or_and_needs_are_and(cars: SupplyChain) -> None:
    assert set(stopped(cars, "JPN").index) == {"motor@JPN:Nihon"}
    gone = stopped(cars, "TWN")
    assert set(gone.index) == {"chip@TWN:Wafer", "car@DEU", "market:car@DEU"}
    assert set(stopped(cars, ["JPN", "CHN"])["product"]) == {"magnet", "motor", "car"}
    # Japanese motors need Chinese magnets.
    assert "motor@JPN:Nihon" in stopped(cars, "CHN").index
    assert set(stopped(cars, "USA").index) == {"paint@USA"}
    assert "car@DEU" in stopped(cars, "USA", essential=0.2).index


def test_smallest_sets_by_hand(cars: SupplyChain) -> None:
    table = chokepoints(cars, size=3)
    assert set(table["removed"]) == {("CHN",), ("TWN",), ("DEU",)}
    assert table.set_index("removed")["abroad"].to_dict() == {
        ("CHN",): True, ("TWN",): True, ("DEU",): False,
    }  # fmt: skip
    by_site = chokepoints(cars, by="site", size=2)
    assert ("motor@CHN", "motor@JPN:Nihon") in set(by_site["removed"])
    assert ("magnet@CHN:Magnetics",) in set(by_site["removed"])
    assert set(chokepoints(cars, by="firm", size=2)["removed"]) == {("Magnetics",), ("Wafer",)}
    least = redundancy(cars, by="firm", size=2)
    assert least.loc["market:car@DEU", ["least", "sets"]].tolist() == [1, 2]


def test_a_plain_graph_sees_no_chokepoint_where_any_path_is_left(cars: SupplyChain) -> None:
    graph = nx.DiGraph(cars.to_networkx())
    graph.remove_node("chip@TWN:Wafer")
    # Paths from magnets to the market are left, so cuts and dominators see no stop.
    assert nx.has_path(graph, "magnet@CHN:Magnetics", "market:car@DEU")
    assert "market:car@DEU" in stopped(cars, "Wafer", by="firm").index


def test_smallest_sets_by_brute_force() -> None:
    chain = cp.load("rare_earths")
    countries = ["CHN", "JPN", "USA", "MYS", "AUS", "DEU", "VNM"]
    table = chokepoints(chain, size=2, countries=["USA", "JPN"])
    expected = set()
    markets = set(table["market"]) | set(redundancy(chain, size=1, countries=["USA", "JPN"]).index)
    gone = {one: set(stopped(chain, one).index) & markets for one in countries}
    for one in countries:
        expected |= {(market, (one,)) for market in gone[one]}
    for pair in combinations(sorted(countries), 2):
        both = set(stopped(chain, list(pair)).index) & markets
        expected |= {(market, pair) for market in both - gone[pair[0]] - gone[pair[1]]}
    rows = zip(table["market"], table["removed"], strict=True)
    assert {(m, some) for m, some in rows if set(some) <= set(countries)} == expected
    assert expected


@pytest.mark.parametrize("dormant", [True, False])
@pytest.mark.parametrize("essential", [0.5, 0.01])
def test_stops_are_those_of_going_round_until_nothing_changes(
    dormant: bool, essential: float
) -> None:
    needs = needs_of(cp.load("rare_earths"), essential=essential, dormant=dormant)
    owner, labels = owners(cp.load("rare_earths"), "country")
    rng = np.random.default_rng(1)
    removed = np.column_stack(
        [np.isin(owner, rng.choice(len(labels), int(rng.integers(0, 4)))) for _ in range(40)]
    )
    child = np.flatnonzero(needs.process >= 0)
    slow, before = removed.copy(), None
    while before is None or (slow != before).any():
        before = slow.copy()
        for slot, buyer in enumerate(needs.slot_buyer):
            slow[buyer] |= before[needs.supplier[needs.flow_slot == slot]].all(axis=0)
        slow[child] |= before[needs.process[child]]
    assert (needs.dead(removed) == slow).all()
    assert slow.sum() > removed.sum()


def test_processes_stop_their_outputs() -> None:
    chain = cp.load("rare_earths")
    process = chain.nodes.index[chain.nodes["is_process"]][0]
    children = chain.nodes.index[chain.nodes["process"].eq(process)]
    assert set(children) <= set(stopped(chain, process, by="site").index)


def test_dormant_suppliers_count_where_asked() -> None:
    chain = cp.load("rare_earths")
    with_them = set(stopped(chain, "CHN", dormant=True).index)
    without = set(stopped(chain, "CHN").index)
    assert with_them < without


def test_bad_arguments_are_refused(cars: SupplyChain) -> None:
    with pytest.raises(OptionError, match="size must be"):
        chokepoints(cars, size=4)
    with pytest.raises(OptionError, match="essential"):
        stopped(cars, "CHN", essential=0.0)
    with pytest.raises(OptionError, match="by must be"):
        stopped(cars, "CHN", by="planet")  # type: ignore[arg-type]
    with pytest.raises(UnknownLabelError, match="Magnetics"):
        stopped(cars, "Magnetic", by="firm")
    with pytest.raises(OptionError, match="found none"):
        chokepoints(cars, countries="JPN")
