"""The weekly model once more: slowly, one number at a time, from the text of the theory.

Nothing here knows the engines. Sites, slots and flows are looked up by label in dictionaries, and
every equation stands under its number in the docs, one file a concern:

* `_world`: what a chain is (section 0 of the theory), the state, the order of steps in a week;
* `_orders`: steps 1, 2 and 2b, arrivals, orders, licence queues, detours;
* `_production`: steps 3 to 5 and 12;
* `_rationing`: steps 6 and 7;
* `_switching`: step 8;
* `_adaptation`: steps 9 to 11;
* `_calendar`: what events do to a site, market or flow in a week, from their descriptions;
* `_effects`: the same, read from arrays of effects.

`play` returns the history of one scenario.
"""

from __future__ import annotations

from collections.abc import Sequence

from propagate.oracle._calendar import EventCalendar
from propagate.oracle._effects import EffectCalendar
from propagate.oracle._world import History, World

from chokepoint.chain import SupplyChain
from chokepoint.propagate import Behaviour
from chokepoint.scenario import Effects, Event

__all__ = ["EffectCalendar", "EventCalendar", "History", "World", "play"]


def play(
    chain: SupplyChain,
    events: Sequence[Event] | Effects = (),
    *,
    weeks: int,
    behaviour: Behaviour | None = None,
    tolerance: float = 1e-9,
) -> History:
    """Return the history of `events` on `chain`.

    Decisions closer than `tolerance` to their threshold end the weeks that are clear.
    """
    if isinstance(events, Effects):
        calendar = EffectCalendar(chain, events)
    else:
        calendar = EventCalendar(chain, events, weeks)
    world = World(chain, calendar, behaviour or Behaviour(), tolerance)
    world.history.clear = weeks
    for week in range(weeks):
        world.step(week)
    return world.history
