"""The engine against a slow second implementation written from the theory."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
from hypothesis import assume, given
from propagate._oracle import play
from propagate._strategies import DETERMINISTIC, behaviours, drafts, scenarios

from chokepoint.propagate import simulate

WEEKS = 30


@DETERMINISTIC
@given(data=st.data())
def test_engine_equals_oracle(data):
    draft = data.draw(drafts())
    scenario = data.draw(scenarios(draft, weeks=WEEKS))
    behaviour = data.draw(behaviours())
    chain = draft.build()
    history = play(chain, scenario.events, weeks=WEEKS, behaviour=behaviour)
    assume(history.margin > 1e-9)
    outcome = simulate(chain, scenario, weeks=WEEKS, behaviour=behaviour)
    expected = np.array([[1.0 + x[name] for name in chain.nodes.index] for x in history.output])
    np.testing.assert_allclose(outcome.activity[0], expected, rtol=0, atol=1e-12)
