"""The shipped episodes held against the shipped chains.

The counts are golden: they may only rise. When they do, raise them here and on the page *How well
does it do?* of the docs; ``python tests/validation/history/record.py`` prints both.
"""

from __future__ import annotations

import numpy as np
import pytest

import chokepoint as cp

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
    assert losses["passed"].sum() >= 15


@pytest.mark.slow
def test_magnets_stop_plants_and_hardly_the_country(score):
    """The hard pair: plants stop after weeks, and the country loses little all the same."""
    table = score.observations[score.observations["episode"].eq("magnets_2025_04")]
    table = table.set_index("observation")
    assert np.isfinite(table["model"][["first_stop_usa", "first_stop_japan"]]).all()
    assert table["passed"][["first_stop_usa", "first_stop_japan", "cars_japan"]].all()
