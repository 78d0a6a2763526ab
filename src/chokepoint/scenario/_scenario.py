"""A scenario: a named set of events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.scenario._effects import Effects
from chokepoint.scenario._event import Event

__all__ = ["Scenario"]


@dataclass(frozen=True)
class Scenario:
    """A named set of events; a scenario without events is the baseline.

    Events on the same site or flow multiply: two bans of 50 per cent on one flow leave 25.
    Tariffs on one flow add up.

    Parameters
    ----------
    name : str
        Label of the scenario in every result.
    events : iterable of Event
        What happens.

    Examples
    --------
    >>> from chokepoint.scenario import Outage, Scenario
    >>> Scenario("fire", [Outage(country="JPN", weeks=4)])
    Scenario('fire', 1 event)
    """

    name: str
    events: tuple[Event, ...] = ()

    def __init__(self, name: str, events: Iterable[Event] | Event = ()) -> None:
        given: tuple[Any, ...] = (events,) if isinstance(events, Event) else tuple(events)
        strangers = [type(event).__name__ for event in given if not isinstance(event, Event)]
        if strangers:
            raise OptionError(
                f"Scenario {name!r}: expected events (Outage, ExportBan, ...), got "
                f"{', '.join(strangers)}."
            )
        object.__setattr__(self, "name", str(name))
        object.__setattr__(self, "events", given)

    def __repr__(self) -> str:
        count = len(self.events)
        return f"Scenario({self.name!r}, {count} event{'' if count == 1 else 's'})"

    def effects(self, chain: SupplyChain, horizon: int) -> Effects:
        """Return what all events together do to `chain` over `horizon` weeks.

        Raises
        ------
        OptionError
            If an event does not fit the chain, or matches nothing in it; all such events are
            listed.
        UnknownLabelError
            If an event names something that the chain does not have.
        """
        found, problems = Effects(), []
        for event in self.events:
            try:
                found += event.effects(chain, horizon)
            except OptionError as error:
                problems.append(str(error))
        if problems:
            raise OptionError(f"Scenario {self.name!r}: " + "\n".join(problems))
        return found

    def unmatched(self, chain: SupplyChain) -> list[tuple[str, str]]:
        """Return (event, what it asks for and does not find in `chain`), in words.

        Examples
        --------
        >>> cp.Scenario("none").unmatched(cp.load("rare_earths"))
        []
        """
        return [(event.label, line) for event in self.events for line in event.unmatched(chain)]
