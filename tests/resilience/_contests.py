"""Random contests of defender and attacker for the tests of `defend`, and their slow solution."""

from __future__ import annotations

from hypothesis import assume
from hypothesis import strategies as st
from propagate._strategies import drafts, scenarios
from resilience._attacks import levels
from resilience._small import (
    capacity,
    recycling,
    reserved,
    second,
    stock,
    substitution,
    table,
)

from chokepoint.errors import ChokepointError, OptionError
from chokepoint.program import CVaR, TwoStage
from chokepoint.resilience import Budget
from chokepoint.resilience._attack._instruments import Instruments
from chokepoint.resilience._defend._answer import PreparedAnswer
from chokepoint.resilience._measures import KINDS
from chokepoint.resilience._study import make_first_stage, make_task
from chokepoint.scenario import Scenario

WEEKS = 16
METHODS = ["enumerated", "program"]


@st.composite
def contests(draw, *, instruments: int = 3, rich: bool = False):
    """A chain, instruments that act on it, measures of all kinds, and money."""
    draft = draw(drafts(rich=rich))
    chain = draft.build()
    levers: list[Scenario] = []
    for number in range(instruments):
        drawn = draw(scenarios(draft, weeks=WEEKS, rich=rich))
        one = Scenario(f"lever {number}", drawn.events)
        try:
            one.effects(chain, WEEKS)
        except ChokepointError:  # an event in a country that this chain does not have
            continue
        if one.events:
            levers.append(one)
    assume(levers)
    rows = []
    for product in chain.products["product"]:
        for make in (stock, second, recycling, substitution, reserved):
            one = make(product=product, unit_cost=float(draw(st.sampled_from([2e3, 2e4, 2e5]))))
            rows.append(one | {"measure": f"{one['measure']} {product}", "lead_weeks": 0})
        works = capacity(product=product, country="", lead_weeks=draw(st.integers(0, 110)))
        rows.append(works | {"measure": f"works {product}"})
    return chain, levers, table(*rows), draw(st.sampled_from([0.05, 0.5, 5.0]))


def prepared(chain, levers, measures, *, period=1, targets=None, kinds=KINDS):
    """The planner of a contest, and what the attacker may pull."""
    offered = Instruments.of(chain, levers, weeks=WEEKS)
    areas = chain.areas(targets)
    try:
        task = make_task(chain, weeks=WEEKS, period=period, kinds=kinds, targets=areas,
                         notice=104.0, measures=measures)  # fmt: skip
        return PreparedAnswer(task, offered.effects, targets=areas), offered
    except OptionError as error:  # nothing helps, nobody adds value, or detours of two lengths
        known = ("offers no measure", "add value", "leakage_weeks")
        assume(not any(one in str(error) for one in known))
        raise


def least_worst_loss(answer, budget, choices, size, *, whole=()):
    """The worst loss of the best plan, all attacks held in one program."""
    first, _ = make_first_stage(answer.task, Budget.of(budget), whole=whole)
    parts = [
        answer.part(levels(choice, size), weight=1 / len(choices), prefix=f"{number}: ")
        for number, choice in enumerate(choices)
    ]
    problem = TwoStage(first.program, parts, CVaR(1 - 0.5 / len(choices)))
    return problem.extensive().solve().objective
