"""What happens, from options such as ``--ban CHN:JPN:magnet_ndfeb_heavy:weeks=26``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chokepoint.errors import OptionError, nearest_label

if TYPE_CHECKING:
    from chokepoint.chain import SupplyChain
    from chokepoint.scenario import Event, Scenario

__all__ = ["SYNTAX", "add_shocks", "event_of", "scenarios_of"]

SYNTAX = """what happens:
  --ban OWNER:OTHERS:GOODS        and so on: areas or blocs (CHN, EU27, G7), products or groups,
                                  several between commas; blank or left out = all
  --outage GOODS@AREAS            sites of these goods in these areas, or the label of a site
  :name=value                     after that, any parameter of the event: start, weeks,
                                  severity, leakage, share, rate, review_weeks, recovery_weeks, ...
  examples                        --ban CHN:JPN:magnet_ndfeb_heavy:weeks=26:severity=0.9
                                  --outage logic_le5@TWN:weeks=8:recovery_weeks=20
                                  --tariff USA:CHN::rate=0.25   --control china_2026_01_japan
Each option is a scenario of its own; --together makes one scenario of all.
"""


@dataclass(frozen=True)
class _Kind:
    """A kind of event: its class, how its places are written, and a line of help."""

    event: str
    places: str
    says: str


_FLOWS = ("by", "against", "products")
_KINDS = {
    "--ban": _Kind("ExportBan", "OWNER:OTHERS:GOODS", "exports stop, or by severity="),
    "--boycott": _Kind("Boycott", "OWNER:OTHERS:GOODS", "imports of the owner stop"),
    "--quota": _Kind("Quota", "OWNER:OTHERS:GOODS", "exports up to share= or quantity="),
    "--licence": _Kind("Licence", "OWNER:OTHERS:GOODS", "exports wait review_weeks="),
    "--tariff": _Kind("Tariff", "OWNER:OTHERS:GOODS", "imports of the owner pay rate="),
    "--outage": _Kind("Outage", "GOODS@AREAS", "sites stop, or by severity="),
    "--demand": _Kind("DemandShift", "GOODS@AREAS", "final demand moves by change="),
}


def add_shocks(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what happens."""
    group = parser.add_argument_group("what happens")
    for option, kind in _KINDS.items():
        group.add_argument(
            option, dest="shocks", metavar=kind.places, action=_Append, help=kind.says
        )
    group.add_argument(
        "--control",
        dest="shocks",
        metavar="NAME[:OTHERS]",
        action=_Append,
        help="a row of the chain's table of controls",
    )
    group.add_argument(
        "--scenarios",
        metavar="FILE",
        type=Path,
        help="scenarios from a .toml or .json file, before those of the options",
    )
    group.add_argument(
        "--together", action="store_true", help="one scenario of all that the options name"
    )
    parser.epilog = SYNTAX
    parser.formatter_class = argparse.RawDescriptionHelpFormatter


class _Append(argparse.Action):
    """Keep the name of the option beside its text, in the order of the command line."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002  (what argparse calls it with)
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        kept = [*(getattr(namespace, self.dest) or []), (str(option_string), str(values))]
        setattr(namespace, self.dest, kept)


def scenarios_of(
    arguments: argparse.Namespace, chain: SupplyChain
) -> tuple[list[Scenario], dict[str, float] | None]:
    """Return the scenarios of the command line, and the probabilities that a file gives them.

    Raises
    ------
    OptionError
        If there is none, two have one name, or one does not fit the chain.
    """
    from chokepoint.scenario import Scenario

    found: list[Scenario] = []
    probabilities: dict[str, float] | None = None
    if arguments.scenarios is not None:
        from chokepoint.cli._scenario_file import read_scenarios

        found, probabilities = read_scenarios(arguments.scenarios)
    named = [
        (f"{option.removeprefix('--')} {text}", _events(option, text, chain))
        for option, text in arguments.shocks or []
    ]
    if arguments.together and named:
        events = [event for _, held in named for event in held]
        found.append(Scenario(" + ".join(name for name, _ in named), events))
    else:
        found += [Scenario(name, held) for name, held in named]
    if not found:
        raise OptionError(
            "Expected something that happens, got nothing. Give for example "
            "--ban CHN:JPN:magnet_ndfeb_heavy, or --scenarios FILE."
        )
    labels = [scenario.name for scenario in found]
    twice = sorted({name for name in labels if labels.count(name) > 1})
    if twice:
        raise OptionError(f'Expected scenarios with names of their own, got "{twice[0]}" twice.')
    if probabilities and len(probabilities) < len(found):
        raise OptionError(
            "Expected probabilities for all scenarios or for none; those of the options have none. "
            "Put all of them into the file."
        )
    _check(found, chain)
    return found, probabilities


def _check(found: Sequence[Scenario], chain: SupplyChain) -> None:
    """Refuse what names nothing in the chain, before anything is run."""
    for scenario in found:
        scenario.effects(chain, 1)


def _events(option: str, text: str, chain: SupplyChain) -> list[Event]:
    if option == "--control":
        return _control(text, chain)
    kind = _KINDS[option]
    places, settings = _parts(option, text)
    given = _flows(option, text, places) if kind.places.startswith("OWNER") else _sites(places)
    return [event_of(kind.event, {**given, **settings}, place=f"{option} {text}")]


def _parts(option: str, text: str) -> tuple[list[str], dict[str, Any]]:
    """Return the places, and the settings that follow them."""
    segments = text.split(":")
    first = next((n for n, one in enumerate(segments) if "=" in one), len(segments))
    settings = {}
    for segment in segments[first:]:
        name, equals, value = segment.partition("=")
        if not equals or not name or not value:
            raise OptionError(f'{option} {text}: expected name=value, got "{segment}".')
        settings[name.strip()] = _value(value.strip())
    return [segment.strip() for segment in segments[:first]], settings


def _flows(option: str, text: str, places: Sequence[str]) -> dict[str, Any]:
    if len(places) > len(_FLOWS) or not places or not places[0]:
        raise OptionError(
            f"{option} {text}: expected {_KINDS[option].places}, for example "
            "CHN:JPN:magnet_ndfeb_heavy; settings follow as name=value."
        )
    words = {name: _words(place) for name, place in zip(_FLOWS, places, strict=False)}
    return {name: held for name, held in words.items() if held is not None}


def _sites(places: Sequence[str]) -> dict[str, Any]:
    label = ":".join(places)
    goods, at, areas = label.partition("@")
    if at and ":" in areas:
        return {"sites": label}
    words = {"products": _words(goods), "country": _words(areas)}
    return {name: held for name, held in words.items() if held is not None}


def _words(text: str) -> str | list[str] | None:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or parts == ["*"]:
        return None
    return parts[0] if len(parts) == 1 else parts


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text.split(",") if "," in text else text


def event_of(name: str, given: dict[str, Any], *, place: str) -> Event:
    """Return an event of a class of :mod:`chokepoint.scenario` from its parameters.

    Raises
    ------
    OptionError
        If there is no such event or parameter, one is missing, or a value is out of range.
    """
    import chokepoint.scenario as library

    known = [one for one in library.__all__ if _is_event(getattr(library, one))]
    if name not in known:
        near = nearest_label(name, known)
        raise OptionError(
            f'{place}: expected an event among {", ".join(known)}, got "{name}"'
            + (f'; closest: "{near}".' if near else ".")
        )
    kind: Any = getattr(library, name)
    parameters = {one.name: one for one in fields(kind)}
    for one in given:
        if one not in parameters:
            near = nearest_label(one, parameters)
            raise OptionError(
                f'{place}: {name} has no parameter "{one}"'
                + (f'; closest: "{near}".' if near else f". It has {', '.join(parameters)}.")
            )
    missing = [
        one.name
        for one in parameters.values()
        if one.default is MISSING and one.default_factory is MISSING and one.name not in given
    ]
    if missing:
        raise OptionError(f"{place}: {name} needs {' and '.join(missing)}; add {missing[0]}=...")
    try:
        event: Event = kind(**given)
    except (OptionError, TypeError) as error:
        raise OptionError(f"{place}: {error}") from error
    return event


def _is_event(one: object) -> bool:
    from chokepoint.scenario import Event

    return isinstance(one, type) and issubclass(one, Event) and one is not Event


def _control(text: str, chain: SupplyChain) -> list[Event]:
    from chokepoint.leverage import instruments

    name, _, others = text.partition(":")
    known = {one.name: one for one in instruments(chain, include_ended=True)}
    if name not in known:
        near = nearest_label(name, known)
        raise OptionError(
            f"--control {text}: expected one of {', '.join(known) or 'no control (none in chain)'}"
            + (f'; closest: "{near}".' if near else ".")
        )
    events = known[name].events(chain, against=_words(others))
    if not events:
        raise OptionError(
            f"--control {text}: it reaches nothing in this chain that the model can stop "
            "(no such flow, no such target, or a tariff of unknown rate). Name another."
        )
    return events
