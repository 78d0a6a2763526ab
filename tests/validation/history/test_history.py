"""The shipped episodes held against the shipped chains.

The counts are golden: they may only rise. When they do, raise them here and on the page *How well
does it do?* of the docs; ``python tests/validation/history/record.py`` prints both.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from validation.history.record import MARKS, rows

import chokepoint as cp

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "how-well.md"

PASSED = {"calibration": 9, "test": 8}
"""Episodes met in full, by role."""
MET = 54
"""Observations met."""


@pytest.fixture(scope="module")
def score():
    return cp.history.score(progress=False)


@pytest.mark.slow
@pytest.mark.parametrize("role", list(PASSED))
def test_episodes_met_only_rise(score, role):
    assert score.passed(role) >= PASSED[role], score.misses().to_string()


@pytest.mark.slow
def test_observations_met_only_rise(score):
    assert score.met() >= MET, score.misses().to_string()


@pytest.mark.slow
def test_every_episode_without_effect_has_its_verdict(score):
    calm = score.episodes[score.episodes["kind"].eq("no_effect")]
    assert len(calm) >= 8
    # Shocks that stock absorbed must not become crises in the model.
    losses = score.observations[
        score.observations["episode"].isin(calm["episode"])
        & score.observations["observable"].eq("loss")
    ]
    assert losses["passed"].sum() >= 17


@pytest.mark.slow
def test_magnets_stop_plants_and_hardly_the_country(score):
    """The hard pair: plants stop after weeks, and the country loses little all the same."""
    table = score.observations[score.observations["episode"].eq("magnets_2025_04")]
    table = table.set_index("observation")
    assert np.isfinite(table["model"][["first_stop_usa", "first_stop_japan"]]).all()
    assert table["passed"][["first_stop_usa", "first_stop_japan", "cars_japan"]].all()


def cells(lines):
    """Episode, observation, observed, model and verdict of the lines of a table."""
    split = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {(row[0], row[1]): (row[3], row[4], row[-1]) for row in split}


@pytest.mark.slow
def test_the_page_states_what_the_tree_gives(score):
    text = PAGE.read_text(encoding="utf-8")
    table = text.split(MARKS[0])[1].split(MARKS[1])[0]
    stated = cells(line for line in table.splitlines() if re.match(r"\| `\w+` \| \w", line))
    now = cells(rows(score))
    assert stated.keys() == now.keys()
    for key, (observed, model, verdict) in now.items():
        assert (stated[key][0], stated[key][2]) == (observed, verdict), key
        # A digit may differ between machines.
        told, found = (float(text.replace("never", "inf")) for text in (stated[key][1], model))
        assert told == pytest.approx(found, rel=0.02, abs=1e-3), key
    assert f"**{score.passed()} are met in full**" in text
    assert f"and {score.met()} of {len(score.observations)} observations" in text
