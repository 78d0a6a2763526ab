"""What all events share: a start, a length, checks, and words for what they act on."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.scenario._effects import Effects, window
from chokepoint.scenario._index import IntArray, Labels
from chokepoint.scenario._select import FlowQuery, NodeQuery

__all__ = ["Event", "FlowEvent", "is_amount", "is_share", "is_whole"]


@dataclass(frozen=True, kw_only=True)
class Event(ABC):
    """A change of a chain that starts in week `start` and lasts `weeks` weeks.

    Parameters
    ----------
    start : int
        First week of the event, counted from 0.
    weeks : int, optional
        Length in weeks; the event is active in weeks ``start .. start + weeks - 1``.
        None means to the end of the run.
    """

    start: int = 0
    weeks: int | None = None

    _shares: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        self._freeze()
        problems = []
        if not is_whole(self.start, least=0):
            problems.append(f"start must be a whole number >= 0 [weeks], got {self.start}")
        if self.weeks is not None and not is_whole(self.weeks, least=1):
            problems.append(
                f"weeks must be a whole number >= 1 or None (to the end), got {self.weeks}"
            )
        for name in self._shares:
            value = getattr(self, name)
            if not is_share(value):
                problems.append(f"{name} must be a share in [0, 1], got {value}")
        problems += self._problems()
        if problems:
            raise OptionError(f"{type(self).__name__}: " + "; ".join(problems) + ".")

    def _freeze(self) -> None:
        """Keep lists as tuples: an event is a value and does not follow the user's lists."""
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, Mapping):
                object.__setattr__(self, item.name, tuple(value.items()))
            elif isinstance(value, Iterable) and not isinstance(value, str):
                object.__setattr__(self, item.name, tuple(value))

    def _problems(self) -> list[str]:
        return []

    @property
    def label(self) -> str:
        """The event in words, as tables name it."""
        return f"{type(self).__name__} {self._query()}"

    @abstractmethod
    def _query(self) -> FlowQuery | NodeQuery:
        """Return what the event acts on."""

    @abstractmethod
    def effects(self, chain: SupplyChain, horizon: int) -> Effects:
        """Return what the event does to `chain` over `horizon` weeks.

        Raises
        ------
        OptionError
            If the event matches nothing in the chain.
        UnknownLabelError
            If it names something that the chain does not have.
        """

    def matches(self, chain: SupplyChain) -> bool:
        """Return whether the event acts on anything in `chain`."""
        return len(self._positions(chain)) > 0

    def unmatched(self, chain: SupplyChain) -> list[str]:
        """Return what was asked for and matches nothing in `chain`, in words.

        Examples
        --------
        >>> ban = cp.ExportBan(by="CHN", against=["JPN", "BRA"], products="magnet_ndfeb_heavy")
        >>> ban.unmatched(cp.load("rare_earths"))
        []
        """
        return self._query().unmatched(chain)

    def _positions(self, chain: SupplyChain) -> IntArray:
        return self._query().positions(chain)

    def _matched(self, chain: SupplyChain) -> IntArray:
        """Return the flows or nodes that the event acts on; refuse if there are none."""
        found = self._positions(chain)
        if not len(found):
            raise OptionError(self._nothing(chain))
        return found

    def _nothing(self, chain: SupplyChain) -> str:
        """Return what to say where the event matches nothing."""
        query = self._query()
        what = "flow over a border" if isinstance(query, FlowQuery) else query.kind
        return (
            f"{type(self).__name__}: expected at least one {what}, found none for {query}. "
            f"Change or leave out the event; nearest: {query.advice(chain)}."
        )

    def _profile(self, horizon: int, *, inside: float, outside: float = 1.0) -> NDArray[np.float64]:
        return window(self.start, self.weeks, horizon, inside=inside, outside=outside)

    def _end(self, horizon: int) -> int:
        """Return the first week after the event, at most `horizon`."""
        return horizon if self.weeks is None else min(horizon, self.start + self.weeks)


@dataclass(frozen=True, kw_only=True)
class FlowEvent(Event):
    """An event on flows over a border.

    Parameters
    ----------
    by : str or sequence of str
        Areas or blocs of the owner of the event.
    against : str or sequence of str, optional
        Areas or blocs at the other end; None = everyone else.
    products : str or sequence of str, optional
        Products or groups; None = everything.
    """

    by: Labels
    against: Labels | None = None
    products: Labels | None = None

    _owner_sells: ClassVar[bool] = True

    def _query(self) -> FlowQuery:
        return FlowQuery(self.by, self.against, self.products, self._owner_sells)


def is_whole(value: object, *, least: int) -> bool:
    """Return whether a value is a whole number of at least `least`."""
    return (
        isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= least)
    )


def is_amount(value: object) -> bool:
    """Return whether a value is a finite number >= 0."""
    number = isinstance(value, int | float | np.integer | np.floating)
    return number and not isinstance(value, bool) and 0.0 <= float(value) < math.inf  # type: ignore[arg-type]


def is_share(value: object) -> bool:
    """Return whether a value is a number in [0, 1]."""
    return is_amount(value) and bool(value <= 1.0)  # type: ignore[operator]
