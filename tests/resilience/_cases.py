"""Chains and scenarios for the tests of programs, and the way from a run to a point."""

from __future__ import annotations

from dataclasses import dataclass, replace

import hypothesis.strategies as st
import numpy as np
from hypothesis import assume
from propagate._strategies import behaviours, drafts, effects, scenarios

from chokepoint.chain import SupplyChain
from chokepoint.errors import UnknownLabelError
from chokepoint.propagate import Behaviour, compile_chain, trace
from chokepoint.resilience._recourse import build_recourse
from chokepoint.resilience._trajectory import as_point
from chokepoint.scenario import Effects, Scenario

WEEKS = 26


@st.composite
def cases(draw) -> tuple[SupplyChain, Scenario, Behaviour]:
    """Return a chain, a scenario that does something to it, and a behaviour that reacts.

    Frozen orders are left out: there a market is sent goods that it does not want any more.
    """
    draft = draw(drafts())
    chain, scenario = draft.build(), draw(scenarios(draft, weeks=WEEKS))
    behaviour = draw(behaviours().filter(lambda some: not some.frozen_orders))
    try:
        scenario.effects(chain, WEEKS)
    except UnknownLabelError:  # an event in a country that this chain does not have
        assume(False)
    return chain, scenario, behaviour


@dataclass(frozen=True)
class Given:
    """A scenario made of effects; it goes on as it ends beyond the weeks they are given for."""

    given: Effects
    name: str = "given"

    def effects(self, _chain: SupplyChain, weeks: int) -> Effects:
        def cut(effect, *profiles):
            paths = {name: getattr(effect, name) for name in profiles}
            return replace(effect, **{k: _fit(v, weeks) for k, v in paths.items() if v is not None})

        return Effects(
            capacity=tuple(cut(one, "factor") for one in self.given.capacity),
            flows=tuple(cut(one, "allowed", "detour") for one in self.given.flows),
            licences=tuple(cut(one, "release") for one in self.given.licences),
            tariffs=tuple(cut(one, "rate") for one in self.given.tariffs),
            rebuilds=self.given.rebuilds,
        )


def _fit(path, weeks):
    return np.concatenate([path, np.repeat(path[-1:], max(weeks - len(path), 0))])[:weeks]


@st.composite
def rich_cases(draw) -> tuple[SupplyChain, Scenario | Given, Behaviour]:
    """Return a chain with all that the weekly model knows, events or effects, any behaviour."""
    draft = draw(drafts(rich=True))
    chain = draft.build()
    behaviour = draw(behaviours(rich=True).filter(lambda some: not some.frozen_orders))
    if draw(st.booleans()):
        return chain, Given(draw(effects(chain, weeks=WEEKS))), behaviour
    return chain, draw(scenarios(draft, weeks=WEEKS, rich=True)), behaviour


def run_as_point(chain, scenario, behaviour, **options):
    """Return the recourse program of a scenario and the run of the weekly model as its point."""
    built = build_recourse(chain, scenario, scarcity=behaviour.scarcity, **options)
    weeks = built.model.periods.end
    run = trace(chain, scenario, weeks=weeks, behaviour=behaviour)
    return built, as_point(built.model, built.columns, run, built.program.n_columns)


def weekly_shortfall(chain, scenario, behaviour, *, weeks, countries=None):
    """Slow and obvious: value added lost in weeks and sites below baseline."""
    run = trace(chain, scenario, weeks=weeks, behaviour=behaviour)
    compiled = compile_chain(chain)
    lost = np.clip(1.0 - run.output, 0.0, None) @ np.diag(compiled.value_added[:, 0])
    mine = compiled.nodes["country"].isin(countries or compiled.nodes["country"]).to_numpy()
    return float(lost[:, mine].sum())
