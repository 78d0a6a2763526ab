"""Whole sets of levers: all that an actor sells, all that it buys, its controls, everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.leverage._instruments import instruments
from chokepoint.scenario import Boycott, Event, ExportBan

__all__ = ["LEVER_SETS", "LeverSet", "checked_sets", "lever_events"]

LeverSet = Literal["exports", "imports", "controls", "everything"]
LEVER_SETS: tuple[LeverSet, ...] = get_args(LeverSet)


def checked_sets(given: Sequence[str]) -> tuple[LeverSet, ...]:
    """Return the sets, each once; refuse unknown ones."""
    unknown = [one for one in given if one not in LEVER_SETS]
    if isinstance(given, str) or unknown:
        raise OptionError(f"levers must be a sequence of {', '.join(LEVER_SETS)}; got {given!r}.")
    return tuple(one for one in LEVER_SETS if one in given)


def lever_events(
    chain: SupplyChain,
    name: str,
    actor: Sequence[str],
    target: Sequence[str],
    *,
    level: float = 1.0,
) -> list[Event]:
    """Return the events of a set of levers; none where it reaches nothing.

    "exports" stops all that the actor sells to the target, "imports" all that it buys there,
    "controls" pulls all instruments of the table `controls` that are in force, suspended, coming
    or spoken of, "everything" does all three. Where a stop and a control meet on a flow, nothing
    passes. At a lower `level` each lever is pulled at that intensity.
    """
    events: list[Event] = []
    if not level > 0.0:
        return events
    if name in ("exports", "everything"):
        events.append(ExportBan(by=tuple(actor), against=tuple(target), severity=level))
    if name in ("imports", "everything"):
        events.append(Boycott(by=tuple(actor), against=tuple(target), severity=level))
    if name in ("controls", "everything"):
        for one in instruments(chain, owners=list(actor)):
            events += one.events(chain, against=list(target), level=level)
    return [event for event in events if event.matches(chain)]
