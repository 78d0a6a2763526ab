"""Scenarios from a TOML or JSON file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chokepoint.cli._shocks import event_of
from chokepoint.errors import OptionError

if TYPE_CHECKING:
    from chokepoint.scenario import Scenario

__all__ = ["read_scenarios"]

_EXAMPLE = '{"scenario": [{"name": "ban", "event": [{"kind": "ExportBan", "by": "CHN"}]}]}'
_KEYS = ("name", "probability", "event")


def read_scenarios(file: Path) -> tuple[list[Scenario], dict[str, float] | None]:
    """Return the scenarios of a file, and their probabilities where it gives them.

    The file holds a list ``scenario``; each entry has a ``name``, perhaps a ``probability``, and
    a list ``event`` whose entries have a ``kind`` (a class of :mod:`chokepoint.scenario`) and
    that class's parameters. Without events a scenario is the baseline.

    Raises
    ------
    OptionError
        If the file is not of that form; the message names the entry.
    """
    from chokepoint.scenario import Scenario

    found, weights = [], {}
    for number, entry in enumerate(_entries(file), start=1):
        place = f"{file}, scenario {number}"
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise OptionError(f"{place}: expected an entry with a name, got {entry!r}.")
        strange = sorted(set(entry) - set(_KEYS))
        if strange:
            raise OptionError(f'{place}: expected {", ".join(_KEYS)}, got "{strange[0]}".')
        events = entry.get("event", [])
        if isinstance(events, dict):
            events = [events]
        if not isinstance(events, list):
            raise OptionError(f"{place}: expected a list of events, got {events!r}.")
        found.append(Scenario(entry["name"], [_event(one, place) for one in events]))
        if "probability" in entry:
            weights[entry["name"]] = _probability(entry["probability"], place)
    if weights and len(weights) < len(found):
        raise OptionError(f"{file}: expected a probability for every scenario or for none.")
    return found, weights or None


def _entries(file: Path) -> list[Any]:
    text = file.read_bytes()
    try:
        content: Any = _PARSERS[file.suffix.lower()](text.decode("utf-8"))
    except KeyError:
        raise OptionError(f"Expected a file that ends in .toml or .json, got {file}.") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise OptionError(f"{file}: it cannot be read as {file.suffix[1:]}: {error}.") from error
    entries = content.get("scenario") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise OptionError(f"{file}: expected a list of scenarios such as {_EXAMPLE}.")
    return entries


_PARSERS: dict[str, Callable[[str], Any]] = {".toml": tomllib.loads, ".json": json.loads}


def _event(given: object, place: str) -> Any:
    if not isinstance(given, dict) or not isinstance(given.get("kind"), str):
        raise OptionError(f"{place}: expected an event with a kind, got {given!r}.")
    return event_of(
        given["kind"], {name: value for name, value in given.items() if name != "kind"}, place=place
    )


def _probability(given: object, place: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise OptionError(f"{place}: expected a number as probability, got {given!r}.")
    return float(given)
