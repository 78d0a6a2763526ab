"""Shared assumptions: what they change, and that calibration finds the ones that made the data."""

from __future__ import annotations

import pandas as pd
import pytest
from history._small import EPISODE, EVENT, observation, small_chain, write

import chokepoint as cp
from chokepoint.errors import OptionError
from chokepoint.history import Assumptions

TRUE = {"speed": 0.6, "qualification:ore": 0.5}


def two_sources():
    """A chain in which half of the ore stops and the other maker can take over, once qualified."""
    return small_chain(china=50.0, stock=1.0, qualification=12.0, reorder=4.0)


def folder_of(path, *, role="calibration"):
    """Episodes whose observations are what the model gives with the true assumptions."""
    episodes, events, asked = [], [], []
    for name, severity, its_role in [("stop", "1", role), ("most", "0.7", "test")]:
        episodes.append(EPISODE | {"episode": name, "weeks": 40, "role": its_role})
        events.append(EVENT | {"episode": name, "severity": severity, "end": ""})
        for start in pd.date_range("2020-01-15", periods=9, freq="14D"):
            asked.append(
                observation(str(start.date()), "change", 0.0, episode=name, series="output",
                            start=start.date(), end=(start + pd.Timedelta(days=14)).date())
            )  # fmt: skip
    first = write(path / "asked", episodes=episodes, events=events, observations=asked)
    truth = cp.history.score(
        cp.history.episodes(first).values(),
        chains={"small": two_sources()},
        assumptions=Assumptions().with_values(TRUE),
    )
    made = truth.observations.set_index(["episode", "observation"])["model"]
    for row in asked:
        model = made[row["episode"], row["observation"]]
        row.update(value=model, low=model, high=model)
    return write(path / "known", episodes=episodes, events=events, observations=asked)


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    folder = folder_of(tmp_path_factory.mktemp("episodes"))
    return cp.calibrate(
        {"speed": (0.05, 1.0), "qualification:ore": (0.25, 2.0)},
        cp.history.episodes(folder).values(),
        chains={"small": two_sources()},
        samples=60,
        starts=3,
        evaluations=12,
        rng=3,
        progress=False,
    )


@pytest.mark.slow
def test_known_assumptions_are_found_again(fit):
    assert fit.values["fitted"]["speed"] == pytest.approx(TRUE["speed"], rel=0.2)
    # Suppliers are qualified in whole weeks: of 12, a twelfth either way is the same.
    assert fit.values["fitted"]["qualification:ore"] == pytest.approx(0.5, abs=1 / 12)
    assert fit.cost[1] < 0.01 * fit.cost[0]


@pytest.mark.slow
def test_the_test_set_is_scored_and_tells_whether_to_use_it(fit):
    assert fit.test_cost[1] < fit.test_cost[0]
    assert fit.holds
    table = fit.table().set_index(["role", "assumptions"])
    assert table["episodes"].tolist() == [1, 1, 1, 1]
    assert table["met"]["calibration", "after"] >= table["met"]["calibration", "before"]
    assert "test set no worse" in repr(fit)


def test_nothing_is_fitted_to_test_episodes(tmp_path):
    folder = folder_of(tmp_path, role="test")
    with pytest.raises(OptionError, match="role calibration"):
        cp.calibrate(
            {"speed": (0.05, 1.0)},
            cp.history.episodes(folder).values(),
            chains={"small": two_sources()},
        )


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "at least one parameter"),
        ({"speed": (1.0, 0.5)}, "low < high"),
        ({"speed": (0.5, 1.0)}, "start within the bounds"),
        ({"stock": (0.5, 2.0)}, "has no attribute|expected trigger"),
    ],
)
def test_wrong_parameters_are_refused(tmp_path, parameters, words):
    episodes = cp.history.episodes(folder_of(tmp_path)).values()
    with pytest.raises(OptionError, match=words):
        cp.calibrate(parameters, episodes, chains={"small": two_sources()}, samples=0, starts=1)


# ------------------------------------------------------------------ assumptions


def test_values_by_name():
    one = Assumptions().with_values(
        {"speed": 0.5, "reorder": 2.0, "leakage:ore": 0.2, "qualification:*": 0.5, "thrift": 0.01}
    )
    assert one.behaviour.speed == 0.5
    assert [one.value(name) for name in ("speed", "reorder", "leakage:ore", "qualification:*")] == [
        0.5,
        2.0,
        0.2,
        0.5,
    ]
    assert one.value("qualification:ore") == 1.0
    assert Assumptions().value("leakage:ore") == 0.0


def test_factors_reach_the_chain():
    chain = small_chain(qualification=12.0)
    changed = Assumptions(
        qualification={"*": 3.0, "ore;steel": 0.5}, reorder=2.0, thrift=0.01
    ).apply(chain)
    assert changed.inputs["qualification_weeks"].tolist() == [6.0]
    assert changed.markets["qualification_weeks"].tolist() == [12.0]
    assert changed.slots["reorder_weeks"].tolist() == [2.0, 8.0]
    assert changed.slots["thrift_weekly"].tolist()[0] == 0.01
    assert changed.edges["qualification_weeks"].tolist() == [6.0, 12.0]
    assert Assumptions().apply(chain) is chain


def test_wrong_assumptions_are_refused():
    with pytest.raises(OptionError, match="reorder must be a number > 0"):
        Assumptions(reorder=0.0)
    with pytest.raises(OptionError, match="thrift must be a share"):
        Assumptions(thrift=1.0)
    with pytest.raises(OptionError, match="leakage of ore must be a share"):
        Assumptions(leakage={"ore": 2.0})
    with pytest.raises(OptionError, match="qualification:LABEL"):
        Assumptions().with_values({"qualification": 2.0})
