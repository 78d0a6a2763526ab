"""Scores of a stop that can be worked out by hand, and of one on each side of each tolerance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from history._small import EPISODE, EVENT, observation, small_chain, write

import chokepoint as cp
from chokepoint.errors import OptionError
from chokepoint.history import Assumptions
from chokepoint.history._score import errors, passes

FROZEN = Assumptions(behaviour=cp.Behaviour(switching=False, ramp=False))


def scored(folder, chain, *, assumptions=FROZEN, **options):
    episodes = cp.history.episodes(folder).values()
    return cp.history.score(episodes, chains={"small": chain}, assumptions=assumptions, **options)


def test_a_stop_by_hand(tmp_path):
    # No ore leaves China in weeks 0 to 5; ore is a week under way and two weeks are in stock: cars
    # stop in weeks 3 to 6, that is 4 weeks of output.
    rows = [
        observation("onset", "onset", 3.0),
        observation("depth", "depth", 1.0, series="output"),
        observation("integral", "integral", 4.0, series="output"),
        observation("recovery", "recovery", 7.0, series="output"),
        observation("half", "half_time", 3.5, series="output"),
        observation("served", "loss", 0.2, series="served"),
        observation("cost", "cost", 4 * 100 * 10 * 0.3 / 1e6 / 52, series="value_added"),
        observation("ore", "change", -1.0, series="shipments", products="ore", origins="CHN",
                    areas="", end="2020-02-12"),
        observation("arrivals", "change", -1.0, series="arrivals", products="ore", areas="USA",
                    start="2020-01-08", end="2020-02-19"),
    ]  # fmt: skip
    result = scored(write(tmp_path / "a", observations=rows), small_chain())
    table = result.observations.set_index("observation")
    model = table["model"]
    assert model["onset"] == pytest.approx(3.05)
    exact = ["depth", "integral", "recovery", "half", "ore", "arrivals"]
    assert model[exact].tolist() == pytest.approx([1.0, 4.0, 7.0, 3.5, -1.0, -1.0])
    assert table.loc["cost", "error"] == pytest.approx(1.0)
    assert result.met() == len(rows)
    assert result.passed() == 1
    assert repr(result) == "<Score: met calibration 1 of 1 episodes; 9 of 9 observations>"


def test_share_of_an_origin(tmp_path):
    row = observation("share", "share", 0.0, series="arrivals", products="ore", areas="USA",
                      origins="CHN", start="2020-01-08", end="2020-02-12")  # fmt: skip
    result = scored(write(tmp_path / "a", observations=[row]), small_chain(china=60.0))
    assert result.observations["model"].tolist() == [0.0]


def test_price_is_the_bid_of_the_last_buyer_served(tmp_path):
    row = observation("price", "price", 10.0, series="bid", products="ore", areas="USA")
    result = scored(write(tmp_path / "a", observations=[row]), small_chain())
    # A unit of ore makes a car that is worth ten times as much.
    assert result.observations["model"].tolist() == pytest.approx([10.0])


def test_covers_are_those_of_the_time(tmp_path):
    cover = {"episode": "stop", "table": "inputs", "product": "car", "area": "", "slot": "ore",
             "column": "stock_weeks", "value": 4, "low": 4, "high": 4, "source": "x",
             "confidence": "A", "derivation": ""}  # fmt: skip
    result = scored(write(tmp_path / "a", covers=[cover]), small_chain())
    assert result.observations["model"].tolist() == pytest.approx([5.05])


def test_pooled_leaves_the_cohorts_out(tmp_path):
    cohort = {"episode": "stop", "buyer": "car@USA", "slot": "ore", "suppliers": "CHN",
              "share": 0.4, "low": 0.4, "high": 0.4, "source": "x", "confidence": "A",
              "derivation": ""}  # fmt: skip
    folder = write(tmp_path / "a", cohorts=[cohort])
    chain = small_chain(china=60.0)
    alone = scored(folder, chain).observations["model"].tolist()
    assert alone == pytest.approx([3.05])
    # pooled: stock falls by 0.6 a week, and the first missing goods are those of week 0
    pooled = scored(folder, chain, pooled=True).observations["model"].tolist()
    assert pooled == pytest.approx([4 + (0.05 - 0.0) / 0.4 * 1.0], abs=0.2)


OBSERVED = pd.DataFrame(
    [
        observation("a", "onset", 4.0),
        observation("b", "depth", 0.5),
        observation("c", "integral", 6.0),
        observation("d", "loss", 0.0),
        observation("e", "integral", 6.0, bound="at_most"),
    ]
)


@pytest.mark.parametrize(
    ("values", "met"),
    [
        ([6.0, 0.65, 9.0, 0.019, 6.0], [True] * 5),
        ([2.0, 0.35, 4.0, -0.5, 0.0], [True] * 5),
        ([6.1, 0.66, 9.1, 0.021, 6.1], [False] * 5),
        ([1.9, 0.34, 3.9, 0.02, 60.0], [False] * 5),
        ([np.inf, 0.5, np.inf, np.inf, np.inf], [False, True, False, False, False]),
    ],
)
def test_tolerances(values, met):
    assert passes(OBSERVED, np.array(values)[:, None])[:, 0].tolist() == met


def test_errors_are_differences_or_ratios():
    found = errors(OBSERVED, np.array([[5.0], [0.4], [3.0], [0.1], [3.0]]))[:, 0]
    assert found == pytest.approx([1.0, -0.1, 0.5, 0.1, 0.5])


def test_draws_give_intervals(tmp_path):
    folder, chain = write(tmp_path / "a"), small_chain()
    # Stock has no range: it is drawn by its grade.
    first = scored(folder, chain, draws=20, rng=1).observations.iloc[0]
    assert first["model_low"] < first["model"] < first["model_high"]
    assert 0.0 < first["pass_share"] <= 1.0
    again = scored(folder, chain, draws=20, rng=1).observations.iloc[0]
    assert again["model_low"] == first["model_low"]


def test_more_draws_than_are_run_at_once(tmp_path):
    result = scored(write(tmp_path / "a"), small_chain(), draws=17, rng=1)
    assert result.episodes["pass_share"].iloc[0] * 17 == pytest.approx(
        round(result.episodes["pass_share"].iloc[0] * 17)
    )


def test_what_the_chain_does_not_have_is_refused(tmp_path):
    row = observation("x", "change", 0.1, series="arrivals", products="ore", areas="CHN")
    with pytest.raises(OptionError, match="stop, observation x"):
        scored(write(tmp_path / "a", observations=[row]), small_chain())
    with pytest.raises(OptionError, match="draws >= 0"):
        scored(write(tmp_path / "b"), small_chain(), draws=-1)


def test_episodes_in_order_of_date_with_their_roles(tmp_path):
    later = EPISODE | {"episode": "later", "start": "2020-02-01", "role": "test"}
    folder = write(
        tmp_path / "a",
        episodes=[later, EPISODE],
        events=[EVENT, EVENT | {"episode": "later", "start": "2020-02-01", "end": ""}],
        observations=[observation("a", "onset", 3.0),
                      observation("b", "onset", 9.0, episode="later")],
    )  # fmt: skip
    result = scored(folder, small_chain())
    assert result.episodes["episode"].tolist() == ["stop", "later"]
    assert (result.passed("calibration"), result.passed("test")) == (1, 0)
    assert result.misses()["observation"].tolist() == ["b"]
    assert "later" in result._repr_html_()
