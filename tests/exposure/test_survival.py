"""Weeks until a stop, added up by hand along slots and suppliers."""

from __future__ import annotations

import numpy as np
import pytest
from propagate._chains import Draft, Flow

import chokepoint as cp
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.exposure import stopped, weeks_to_stop


@pytest.fixture
def cars() -> cp.SupplyChain:
    """Motors from CHN (lead 2) and JPN (lead 6) need Chinese magnets; chips come from TWN."""
    return Draft(
        [
            Flow("magnet@CHN", "motor@CHN", 60.0, lead=1),
            Flow("magnet@CHN", "motor@JPN", 40.0, lead=3),
            Flow("motor@CHN", "car@DEU", 60.0, lead=2, slot="motor"),
            Flow("motor@JPN", "car@DEU", 40.0, lead=6, slot="motor"),
            Flow("chip@TWN", "car@DEU", 100.0, lead=1),
            Flow("car@DEU", "market:car@DEU", 100.0, lead=1),
        ],
        slots={
            ("motor@CHN", "magnet"): {"stock_weeks": 2.0},
            ("motor@JPN", "magnet"): {"stock_weeks": 8.0},
            ("car@DEU", "motor"): {"stock_weeks": 4.0},
            ("car@DEU", "chip"): {"stock_weeks": 3.0},
        },
    ).build()


def test_weeks_by_hand(cars) -> None:
    # Magnets gone: Japanese motors last 3 at sea + 8 in stock, arrive 6 later, then 4 of stock;
    # cars are sold for a week more.
    row = weeks_to_stop(cars, "magnet@CHN", by="site").loc["market:car@DEU"]
    assert row["weeks"] == (3 + 8) + 6 + 4 + 1
    assert row["input"] == "magnet"
    assert row["path"] == ("magnet", "motor", "car", "car")
    # All of China gone makes no difference: the Japanese motors are the last.
    assert weeks_to_stop(cars, "CHN").loc["market:car@DEU", "weeks"] == 22
    # Chips last 1 + 3 weeks, and decide.
    both = weeks_to_stop(cars, ["CHN", "TWN"]).loc["market:car@DEU"]
    assert (both["weeks"], both["input"]) == (1 + 3 + 1, "chip")


def test_every_slot_that_runs_out(cars) -> None:
    table = weeks_to_stop(cars, ["CHN", "TWN"], slots=True)
    assert table["weeks"].to_dict() == {
        ("motor@CHN", "magnet"): 3.0,
        ("car@DEU", "chip"): 4.0,
        ("market:car@DEU", "demand"): 5.0,
        ("motor@JPN", "magnet"): 11.0,
        ("car@DEU", "motor"): 21.0,
    }
    # Chinese motors are gone at once, whatever their stock of magnets.
    assert table["decides"].to_dict() == {
        ("motor@CHN", "magnet"): False,
        ("car@DEU", "chip"): True,
        ("market:car@DEU", "demand"): True,
        ("motor@JPN", "magnet"): True,
        ("car@DEU", "motor"): False,
    }
    assert table.loc[("car@DEU", "motor"), ["stock_weeks", "last_arrival"]].tolist() == [4, 17]


def test_a_slot_with_a_supplier_left_never_runs_out(cars) -> None:
    assert weeks_to_stop(cars, "JPN").empty
    assert "car@DEU" not in weeks_to_stop(cars, "JPN", slots=True).index.get_level_values(0)


def test_joint_outputs_last_as_long_as_their_process() -> None:
    chain = Draft(
        [
            Flow("ore@CHN", "split@USA", 50.0, lead=4),
            Flow("nd@USA", "market:nd@USA", 60.0),
            Flow("dy@USA", "market:dy@USA", 40.0),
        ],
        outputs_of={"split@USA": ["nd@USA", "dy@USA"]},
    ).build()
    table = weeks_to_stop(chain, "CHN")
    assert table["weeks"].tolist() == [4 + 2 + 1] * 2
    assert table["path"].iloc[0][:2] == ("ore", "split")


def test_round_a_circle_the_shortest_way_counts() -> None:
    flows = [
        Flow("tool@CHN", "ore@USA", 5.0, lead=9),
        Flow("ore@USA", "metal@USA", 50.0),
        Flow("power@CHN", "metal@USA", 5.0),
        Flow("metal@USA", "tool@USA", 5.0),
        Flow("tool@USA", "ore@USA", 5.0, slot="tool"),
        Flow("metal@USA", "market:metal@USA", 45.0),
    ]
    table = weeks_to_stop(Draft(flows).build(), "CHN", slots=True)["weeks"]
    # Power: 1 + 2. Tools made of metal last on; the ones at sea are longer on their way.
    assert table[("metal@USA", "power")] == 3
    assert table[("tool@USA", "metal")] == 3 + 1 + 2
    assert table[("ore@USA", "tool")] == max(9, 6 + 1) + 2
    assert table[("metal@USA", "ore")] == 11 + 1 + 2


@pytest.mark.parametrize("removed", ["CHN", "JPN", ["JPN", "VNM", "USA"]])
def test_what_has_weeks_is_what_stops(removed) -> None:
    chain = cp.load("rare_earths")
    gone = stopped(chain, removed)
    markets = gone[gone["kind"].eq("market")].index
    sold = chain.nodes.loc[markets, "sector"].ne("other_use")
    table = weeks_to_stop(chain, removed)
    assert set(table.index) == set(markets[sold])
    assert np.isfinite(table["weeks"]).all()
    assert (table["weeks"] >= 1).all()


def test_bad_arguments_are_refused(cars) -> None:
    with pytest.raises(OptionError, match="essential"):
        weeks_to_stop(cars, "CHN", essential=0)
    with pytest.raises(UnknownLabelError, match="car@DEU"):
        weeks_to_stop(cars, "car@DE", by="site")
