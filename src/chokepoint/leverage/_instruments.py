"""Levers that an actor may pull, from the table of controls, and the events they become."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.leverage._memory import areas_of, kept
from chokepoint.leverage._status import State, day, state_on
from chokepoint.scenario import (
    Boycott,
    Event,
    ExportBan,
    Extraterritorial,
    Licence,
    Outage,
    Quota,
    ServiceDenial,
    Tariff,
)
from chokepoint.schema import split_list

__all__ = ["Instrument", "Kind", "instrument_table", "instruments"]

Kind = Literal[
    "export_ban", "quota", "licence", "import_boycott", "extraterritorial", "service_denial",
    "capacity_loss", "tariff",
]  # fmt: skip
Labels = str | Sequence[str]

TRACE = 0.001
"""Least content that makes a foreign good controlled, where nothing else is said."""


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """A lever: who owns it, what it acts on, on which law it stands, how far it reaches.

    Attributes
    ----------
    name, owner : str
        Name, and the area or bloc that may pull it.
    kind : str
        One of the kinds of the table `controls`.
    products : tuple of str
        Products or groups.
    targets : tuple of str
        Areas or blocs that it may be aimed at; empty = all others.
    legal_hook : str
        The law or rule that it stands on.
    enforceability : float
        Share of the flow that it reaches at full intensity, in [0, 1].
    lag_weeks : float
        Weeks from announcement to effect.
    start, end, status : str
        As in the table.
    state : str
        Where it stands on the day that was asked about.
    suspended_until : datetime.date, optional
        Last day of a suspension.
    confidence, source, derivation : str
        Where the share reached comes from.
    licence : {"refuse", "delay"}
        What a licence is used for: to refuse the share reached, or to hold it for `review_weeks`
        and then to release it at `clearing` times the baseline flow.
    review_weeks : int
        Weeks of a review.
    clearing : float
        Release after the review, as a multiple of the baseline flow.
    content : float, optional
        Least content of an extraterritorial control; None = content does not count.
    technology : tuple of str
        Products whose use makes a good controlled, for an extraterritorial control.
    compliance : float or tuple of (str, float)
        Share that suppliers of other countries comply with, as in
        :class:`chokepoint.Extraterritorial`.
    rate : float, optional
        Rate of a tariff; None = not known, and then it becomes no event.
    """

    name: str
    owner: str
    kind: Kind
    products: tuple[str, ...]
    targets: tuple[str, ...] = ()
    legal_hook: str = ""
    enforceability: float = 1.0
    lag_weeks: float = 0.0
    start: str = ""
    end: str = ""
    status: str = ""
    state: State = "generic"
    suspended_until: dt.date | None = None
    confidence: str = ""
    source: str = ""
    derivation: str = ""
    licence: Literal["refuse", "delay"] = "refuse"
    review_weeks: int = 9
    clearing: float = 1.5
    content: float | None = TRACE
    technology: tuple[str, ...] = ()
    compliance: float | tuple[tuple[str, float], ...] = 1.0
    rate: float | None = None

    def events(
        self, chain: SupplyChain, *, against: Labels | None = None, level: float = 1.0
    ) -> list[Event]:
        """Return what the instrument does when it is aimed at some areas.

        Parameters
        ----------
        chain : SupplyChain
            The chain.
        against : str or sequence of str, optional
            Areas or blocs; those that the instrument may not be aimed at are left out. None =
            all that it may be aimed at.
        level : float
            Intensity in [0, 1]: share of what it can reach that it is used for.

        Returns
        -------
        list of Event
            Empty where it reaches nothing in the chain: no such flow, no service that capacity
            hangs on, a tariff whose rate is not known, or an intensity of 0.

        Examples
        --------
        >>> chain = cp.load("rare_earths")
        >>> rule = {one.name: one for one in instruments(chain)}["china_2025_04_licence"]
        >>> rule.events(chain, against="USA")[0].severity
        0.9
        """
        if not 0.0 <= level <= 1.0:
            raise OptionError(f"level must be an intensity in [0, 1], got {level}.")
        aimed = self.aims(chain, against)
        share = level * self.enforceability
        if not aimed or not share > 0.0:
            return []
        event = _BUILD[self.kind](self, chain, aimed, share)
        return [event] if event is not None and event.matches(chain) else []

    def aims(self, chain: SupplyChain, against: Labels | None = None) -> tuple[str, ...]:
        """Return the areas among `against` that the instrument may be aimed at."""
        own = set(areas_of(chain, self.owner))
        may = set(areas_of(chain, self.targets or None))
        asked = areas_of(chain, against)
        return tuple(area for area in asked if area in may and area not in own)

    @property
    def first_week(self) -> int:
        """First week in which it has an effect, counted from its announcement in week 0."""
        return math.ceil(self.lag_weeks)


def instruments(
    chain: SupplyChain,
    *,
    owners: Labels | None = None,
    on: str | dt.date | None = None,
    include_suspended: bool = True,
    include_ended: bool = False,
    extended: bool = True,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Instrument]:
    """Return the instruments of the table `controls`, as they stand on a day.

    An extraterritorial control is read as widely as such rules are written: goods with a trace of
    the owner's content, or made with equipment or software that the owner makes (products that a
    slot with ``decay_weekly`` above 0 takes); ``settings`` narrows it. A licence refuses the share
    that it reaches: the strongest use of the power to license.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    owners : str or sequence of str, optional
        Areas or blocs; instruments whose owner is one of these areas, or a bloc of them. None =
        all.
    on : str or datetime.date, optional
        The day, as ``"2026-11-29"``. None = whatever its date.
    include_suspended : bool
        Whether suspended controls count: they can be taken up again.
    include_ended : bool
        Whether controls that have ended count.
    extended : bool
        Whether a suspension whose last day has passed goes on. The tables do not know what was
        decided later: it is an assumption, and both are worth a run.
    settings : mapping of str to mapping, optional
        Other values of attributes, by name of the control, as ``{"rule": {"content": 0.25}}``.

    Returns
    -------
    list of Instrument
        In the order of the table, the states "coming" and "hypothetical" included.

    Raises
    ------
    UnknownLabelError
        If the chain has no such owner, or no control or attribute named in `settings`.
    OptionError
        If `on` is no day.

    Examples
    --------
    >>> chain = cp.load("rare_earths")
    >>> before = instruments(chain, owners="CHN", on="2026-06-30")
    >>> {one.name: one.state for one in before}["china_2025_10_elements"]
    'suspended'
    >>> after = instruments(chain, owners="CHN", on="2026-11-29", extended=False)
    >>> {one.name: one.state for one in after}["china_2025_10_elements"]
    'in force'
    """
    date = None if on is None else day(on, last=True)
    mine = None if owners is None else set(areas_of(chain, owners))
    every = kept(chain, ("controls", date, extended), lambda: _read(chain, date, extended=extended))
    states = {"suspended": include_suspended, "ended": include_ended}
    found = [
        one
        for one in every
        if states.get(one.state, True) and (mine is None or set(areas_of(chain, one.owner)) <= mine)
    ]
    return _with_settings(found, settings or {}, chain)


def instrument_table(given: Iterable[Instrument]) -> pd.DataFrame:
    """Return instruments as a table, one a row, index name.

    Examples
    --------
    >>> table = instrument_table(instruments(cp.load("rare_earths"), owners="CHN"))
    >>> table.loc["china_2025_10_technology", "state"]
    'suspended'
    """
    names = [item.name for item in fields(Instrument)]
    rows = [{name: getattr(one, name) for name in names} for one in given]
    return pd.DataFrame(rows, columns=names).set_index("name")


def _read(chain: SupplyChain, date: dt.date | None, *, extended: bool) -> tuple[Instrument, ...]:
    """Return all rows of the table as they stand on a day."""
    sites, technology = chain.sites, _technology(chain)
    found = []
    for row in chain.controls.to_dict("records"):
        held = areas_of(chain, row["owner"])
        made = technology & set(sites.loc[sites["country"].isin(held), "product"])
        found.append(_instrument(row, made, date, extended=extended))
    return tuple(found)


def _instrument(
    row: Mapping[Any, Any], technology: set[str], date: dt.date | None, *, extended: bool
) -> Instrument:
    targets = split_list(row["targets"])
    state, until = state_on(
        date, start=row["start"], end=row["end"], status=row["status"], extended=extended
    )
    same = ("owner", "kind", "legal_hook", "enforceability", "lag_weeks", "start", "end", "status",
            "confidence", "source", "derivation")  # fmt: skip
    return Instrument(
        **{name: row[name] for name in same},
        name=row["control"],
        products=split_list(row["products"]),
        targets=() if "WLD" in targets else targets,
        state=state,
        suspended_until=until,
        technology=tuple(sorted(technology)),
    )


def _technology(chain: SupplyChain) -> set[str]:
    """Return equipment, software and services: what capacity wears down without."""

    def make() -> set[str]:
        inputs = chain.inputs
        return set(inputs.loc[inputs["decay_weekly"] > 0, "input"])

    return kept(chain, "technology", make)


def _with_settings(
    found: list[Instrument], settings: Mapping[str, Mapping[str, Any]], chain: SupplyChain
) -> list[Instrument]:
    if not settings:
        return found
    known = list(chain.controls["control"])
    names = [item.name for item in fields(Instrument)]
    for control, values in settings.items():
        if control not in known:
            raise UnknownLabelError(control, "control", known)
        for name in values:
            if name not in names:
                raise UnknownLabelError(name, "attribute of an instrument", names)
    return [replace(one, **dict(settings.get(one.name, {}))) for one in found]


# ------------------------------------------------------------------------------ one kind each

Areas = tuple[str, ...]


def _ban(one: Instrument, _: SupplyChain, aimed: Areas, share: float) -> Event:
    return ExportBan(
        by=one.owner, against=aimed, products=one.products, severity=share, start=one.first_week
    )


def _quota(one: Instrument, _: SupplyChain, aimed: Areas, share: float) -> Event:
    return Quota(
        by=one.owner, against=aimed, products=one.products, share=1.0 - share, start=one.first_week
    )


def _licence(one: Instrument, chain: SupplyChain, aimed: Areas, share: float) -> Event:
    if one.licence == "refuse":
        return _ban(one, chain, aimed, share)
    # What the licence does not reach passes in every week.
    release = [1.0 - share] * one.review_weeks + [max(one.clearing, 1.0 - share)]
    return Licence(
        by=one.owner, against=aimed, products=one.products, release=release, start=one.first_week
    )


def _boycott(one: Instrument, _: SupplyChain, aimed: Areas, share: float) -> Event:
    return Boycott(
        by=one.owner, against=aimed, products=one.products, severity=share, start=one.first_week
    )


def _extraterritorial(one: Instrument, _: SupplyChain, aimed: Areas, share: float) -> Event | None:
    if one.content is None and not one.technology:
        return None
    return Extraterritorial(
        by=one.owner, against=aimed, products=one.products, content=one.content,
        technology=one.technology or None, severity=share, compliance=one.compliance,
        start=one.first_week,
    )  # fmt: skip


def _denial(one: Instrument, chain: SupplyChain, aimed: Areas, share: float) -> Event | None:
    # Know-how for new plants reaches no flow; only what capacity wears down without does.
    services = [name for name in chain.products_in(one.products) if name in _technology(chain)]
    if not services:
        return None
    return ServiceDenial(
        by=one.owner, against=aimed, products=services, severity=share, decay=0.0,
        start=one.first_week,
    )  # fmt: skip


def _outage(one: Instrument, _: SupplyChain, aimed: Areas, share: float) -> Event:
    del aimed  # its own capacity, whoever misses it
    return Outage(products=one.products, country=one.owner, severity=share, start=one.first_week)


def _tariff(one: Instrument, _: SupplyChain, aimed: Areas, share: float) -> Event | None:
    if one.rate is None:
        return None
    return Tariff(
        by=one.owner, against=aimed, products=one.products, rate=share * one.rate,
        start=one.first_week,
    )  # fmt: skip


_BUILD = dict(
    zip(
        get_args(Kind),
        (_ban, _quota, _licence, _boycott, _extraterritorial, _denial, _outage, _tariff),
        strict=True,
    )
)
