"""Small chains and instruments for the tests of attacks, and the slow way to find the strongest."""

from __future__ import annotations

import itertools

import hypothesis.strategies as st
import numpy as np
from propagate._chains import Draft, Flow
from propagate._strategies import drafts, scenarios

from chokepoint.errors import ChokepointError
from chokepoint.resilience._attack._answer import Answer
from chokepoint.resilience._attack._instruments import Instruments
from chokepoint.resilience._recourse import build_recourse
from chokepoint.scenario import ExportBan, Scenario

WEEKS = 16


@st.composite
def attacked(draw, *, instruments: int = 4, rich: bool = False):
    """Return a chain and a few instruments that act on it."""
    draft = draw(drafts(rich=rich))
    chain = draft.build()
    found: list[Scenario] = []
    for number in range(instruments):
        one = draw(scenarios(draft, weeks=WEEKS, rich=rich))
        try:
            one.effects(chain, WEEKS)
        except ChokepointError:  # an event in a country that this chain does not have
            continue
        if one.events:
            found.append(Scenario(f"lever {number}", one.events))
    return chain, found


def all_choices(size: int, most: int | None = None):
    top = size if most is None else most
    for number in range(top + 1):
        yield from itertools.combinations(range(size), number)


def planner_losses(chain, instruments, *, targets=None, period=1, most=None):
    """The planner's loss under every choice, each from a program of its own."""
    effects = Instruments.of(chain, instruments, weeks=WEEKS).effects
    first = int(Answer(chain, effects, targets=targets, weeks=WEEKS, period=period)
                .periods.starts[0])  # fmt: skip
    losses = {}
    for choice in all_choices(len(instruments), most):
        scenario = Scenario("joint", [e for k in choice for e in instruments[k].events])
        built = build_recourse(
            chain, scenario, targets=targets, weeks=WEEKS, period=period, first=first
        )
        losses[choice] = built.program.solve().objective
    return losses


def levels(choice, size):
    vector = np.zeros(size)
    vector[list(choice)] = 1.0
    return vector


def diamond(**options) -> Draft:
    """Ore from three countries feeds two mills, both of which feed a works."""
    draft = Draft(
        flows=[
            Flow("ore@AUS", "mill@JPN", 26.0),
            Flow("ore@CHN", "mill@JPN", 26.0),
            Flow("ore@CHN", "mill@DEU", 26.0),
            Flow("ore@USA", "mill@DEU", 26.0),
            Flow("mill@JPN", "works@JPN", 52.0),
            Flow("mill@DEU", "works@DEU", 52.0),
            Flow("works@JPN", "market:works@JPN", 52.0),
            Flow("works@DEU", "market:works@DEU", 52.0),
        ],
        **options,
    )
    draft.sites = {f.supplier: {"ramp_max": 1.0} for f in draft.flows} | dict(draft.sites)
    return draft


def bans(*owners: str, **more) -> list[Scenario]:
    return [Scenario(owner, ExportBan(by=owner, **more)) for owner in owners]
