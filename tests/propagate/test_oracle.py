"""The engines against a slow second implementation written from the theory."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
from hypothesis import given
from propagate._strategies import DETERMINISTIC, behaviours, drafts, scenarios
from propagate.oracle import play

from chokepoint.propagate import simulate

WEEKS = 25


@DETERMINISTIC
@given(data=st.data())
def test_engine_equals_oracle(data):
    draft = data.draw(drafts())
    scenario = data.draw(scenarios(draft, weeks=WEEKS))
    behaviour = data.draw(behaviours())
    chain = draft.build()
    history = play(chain, scenario.events, weeks=WEEKS, behaviour=behaviour)
    outcome = simulate(chain, scenario, weeks=WEEKS, behaviour=behaviour)
    expected = np.array([[1.0 + x[name] for name in chain.nodes.index] for x in history.output])
    clear = history.clear
    np.testing.assert_allclose(outcome.activity[0][:clear], expected[:clear], rtol=0, atol=1e-12)
