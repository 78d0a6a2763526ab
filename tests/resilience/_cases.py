"""Chains and scenarios for the tests of programs, and the way from a run to a point."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace

import hypothesis.strategies as st
import numpy as np
from hypothesis import assume
from propagate._strategies import behaviours, drafts, effects, scenarios
from propagate.oracle import play

from chokepoint.chain import SupplyChain
from chokepoint.errors import UnknownLabelError
from chokepoint.propagate import Behaviour, compile_chain, trace
from chokepoint.resilience._model import shock_plan
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
def rich_cases(draw) -> tuple[SupplyChain, Given, Behaviour]:
    """Return a chain with all that the weekly model knows, effects on it, and any behaviour."""
    chain = draw(drafts(rich=True)).build()
    behaviour = draw(behaviours(rich=True).filter(lambda some: not some.frozen_orders))
    return chain, Given(draw(effects(chain, weeks=WEEKS))), behaviour


def slow_run(chain, scenario, behaviour, *, weeks):
    """Return what the slow model does, in the arrays of a trace."""
    compiled = compile_chain(chain)
    seen = play(chain, scenario.effects(chain, weeks), weeks=weeks, behaviour=behaviour)
    labels = compiled.edges[["supplier", "buyer", "slot"]]
    edges = list(labels.itertuples(index=False, name=None))
    nodes, slots = list(compiled.nodes.index), list(compiled.groups)

    def of(name, keys, default=0.0):
        return np.array([[week.get(key, default) for key in keys] for week in seen.of(name)])

    licences = shock_plan(chain, compiled, scenario, weeks).licences
    licensed = [] if licences is None else [edges[place] for place in licences.edges]
    return SimpleNamespace(
        output=1.0 + np.array([[week[node] for node in nodes] for week in seen.output]),
        used=1.0 + of("used", slots),
        stock=of("stock", slots),
        made=of("made", edges),
        shipped=of("shipped", edges),
        detoured=of("detoured", edges),
        surplus=of("surplus", nodes),
        queue=of("queue", licensed).reshape(weeks, -1),
        goods=of("goods", licensed).reshape(weeks, -1),
    )


def run_as_point(chain, scenario, behaviour, *, slow=False, **options):
    """Return the recourse program of a scenario and the run of the weekly model as its point."""
    built = build_recourse(chain, scenario, scarcity=behaviour.scarcity, **options)
    weeks = built.model.periods.end
    how = slow_run if slow else trace
    run = how(chain, scenario, weeks=weeks, behaviour=behaviour)
    return built, as_point(built.model, built.columns, run, built.program.n_columns)


def weekly_shortfall(chain, scenario, behaviour, *, weeks, countries=None):
    """Slow and obvious: value added lost in weeks and sites below baseline."""
    run = trace(chain, scenario, weeks=weeks, behaviour=behaviour)
    compiled = compile_chain(chain)
    lost = np.clip(1.0 - run.output, 0.0, None) @ np.diag(compiled.value_added[:, 0])
    mine = compiled.nodes["country"].isin(countries or compiled.nodes["country"]).to_numpy()
    return float(lost[:, mine].sum())
