"""Events: one change each, with a start, a length and a severity."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.scenario._effects import (
    CapacityEffect,
    Effects,
    FlowEffect,
    LicenceEffect,
    window,
)
from chokepoint.scenario._select import Labels, edge_positions, node_positions

__all__ = ["Boycott", "DemandShift", "Event", "ExportBan", "Licence", "Outage"]


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
        if not _is_whole(self.start, least=0):
            problems.append(f"start must be a whole number >= 0 [weeks], got {self.start}")
        if self.weeks is not None and not _is_whole(self.weeks, least=1):
            problems.append(
                f"weeks must be a whole number >= 1 or None (to the end), got {self.weeks}"
            )
        for name in self._shares:
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                problems.append(f"{name} must be a share in [0, 1], got {value}")
        problems += self._problems()
        if problems:
            raise OptionError(f"{type(self).__name__}: " + "; ".join(problems) + ".")

    def _freeze(self) -> None:
        """Keep lists as tuples: an event is a value and does not follow the user's lists."""
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, Iterable) and not isinstance(value, str):
                object.__setattr__(self, item.name, tuple(value))

    def _problems(self) -> list[str]:
        return []

    @abstractmethod
    def effects(self, chain: SupplyChain, horizon: int) -> Effects:
        """Return what the event does to `chain` over `horizon` weeks."""

    def _profile(self, horizon: int, *, inside: float, outside: float = 1.0) -> np.ndarray:
        return window(self.start, self.weeks, horizon, inside=inside, outside=outside)


@dataclass(frozen=True, kw_only=True)
class ExportBan(Event):
    r"""Cap exports at :math:`1 - \text{severity}` of the baseline flow.

    The cap is on the baseline flow, not on the order: inflated orders do not pass it
    (step 2 of the weekly model).

    Parameters
    ----------
    by : str or sequence of str
        Exporting areas or blocs.
    against : str or sequence of str, optional
        Importing areas or blocs; None = everyone else.
    products : str or sequence of str, optional
        Products or groups; None = everything the owner sells.
    severity : float
        Share of the baseline flow that is stopped, in [0, 1].

    Examples
    --------
    >>> from chokepoint.scenario import ExportBan
    >>> ExportBan(by="CHN", against="USA", products=["ndfeb_sintered"], severity=0.9)
    ExportBan(start=0, weeks=None, by='CHN', against='USA', products=('ndfeb_sintered',),
    severity=0.9)
    """

    by: Labels
    against: Labels | None = None
    products: Labels | None = None
    severity: float = 1.0

    _shares = ("severity",)

    def effects(self, chain: SupplyChain, horizon: int) -> Effects:
        """Return the caps on the banned flows."""
        edges = edge_positions(chain, by=self.by, against=self.against, products=self.products)
        allowed = self._profile(horizon, inside=1.0 - self.severity)
        return Effects(flows=(FlowEffect(edges, allowed),))


@dataclass(frozen=True, kw_only=True)
class Boycott(Event):
    """Cap imports at ``1 - severity`` of the baseline flow; buyers move their orders at once.

    Parameters
    ----------
    by : str or sequence of str
        Importing areas or blocs that refuse to buy.
    against : str or sequence of str, optional
        Exporting areas or blocs; None = everyone else.
    products : str or sequence of str, optional
        Products or groups; None = everything.
    severity : float
        Share of the baseline flow that is refused, in [0, 1].
    """

    by: Labels
    against: Labels | None = None
    products: Labels | None = None
    severity: float = 1.0

    _shares = ("severity",)

    def effects(self, chain: SupplyChain, horizon: int) -> Effects:
        """Return the caps on the refused flows, marked as known to the buyer."""
        edges = edge_positions(
            chain,
            by=self.by,
            against=self.against,
            products=self.products,
            seller_is_owner=False,
        )
        allowed = self._profile(horizon, inside=1.0 - self.severity)
        return Effects(flows=(FlowEffect(edges, allowed, redirect=True),))


@dataclass(frozen=True, kw_only=True)
class Licence(Event):
    """Make exports wait for a licence: a delay, a refused share, and catching up afterwards.

    Orders join a queue. Nothing is released during the review; then at most
    `clearing` times the baseline flow passes each week until the queue is empty
    (step 2b of the weekly model).

    Parameters
    ----------
    by, against, products
        As for :class:`ExportBan`.
    review_weeks : int
        Weeks until the first licences are granted.
    refused : float
        Share of orders refused for good, in [0, 1].
    clearing : float
        Largest weekly release after the review, as a multiple of the baseline flow.
    release : sequence of float, optional
        Allowed release in each week of the event as a share of the baseline flow, for
        feeding observed exports; replaces `review_weeks` and `clearing`. Its last value
        holds for the rest of the event.
    goods_weeks : float
        Weeks of baseline flow the exporter makes and holds while papers wait.
    """

    by: Labels
    against: Labels | None = None
    products: Labels | None = None
    review_weeks: int = 9
    refused: float = 0.0
    clearing: float = 1.5
    release: Sequence[float] | None = None
    goods_weeks: float = 4.0

    _shares = ("refused",)

    def _problems(self) -> list[str]:
        problems = []
        if not _is_whole(self.review_weeks, least=0):
            problems.append(f"review_weeks must be a whole number >= 0, got {self.review_weeks}")
        if not 0.0 <= self.clearing < math.inf:
            problems.append(f"clearing must be a share of baseline >= 0, got {self.clearing}")
        if not 0.0 <= self.goods_weeks < math.inf:
            problems.append(f"goods_weeks must be a number >= 0, got {self.goods_weeks}")
        if self.release is not None and not (
            len(self.release) and all(0.0 <= share < math.inf for share in self.release)
        ):
            problems.append(f"release must hold shares of baseline >= 0, got {self.release}")
        return problems

    def effects(self, chain: SupplyChain, horizon: int) -> Effects:
        """Return the queue on the licensed flows."""
        edges = edge_positions(chain, by=self.by, against=self.against, products=self.products)
        release = self._profile(horizon, inside=self.clearing, outside=np.inf)
        end = horizon if self.weeks is None else min(horizon, self.start + self.weeks)
        if self.release is None:
            release[self.start : min(end, self.start + self.review_weeks)] = 0.0
        else:
            stated = np.asarray(self.release, dtype=float)
            weeks = np.arange(max(0, end - self.start))
            release[self.start : end] = stated[np.minimum(weeks, len(stated) - 1)]
        effect = LicenceEffect(edges, release, self.refused, self.goods_weeks)
        return Effects(licences=(effect,))


@dataclass(frozen=True, kw_only=True)
class Outage(Event):
    """Cut the capacity of sites by `severity`, then let it recover in a straight line.

    Parameters
    ----------
    products, country, sites : str or sequence of str, optional
        Sites of these products (or groups), in these areas (or blocs), or with these
        labels; all that are given must hold. At least one is needed.
    severity : float
        Share of capacity lost, in [0, 1].
    recovery_weeks : int
        Weeks after the event in which capacity returns linearly; 0 = at once.
    """

    products: Labels | None = None
    country: Labels | None = None
    sites: Labels | None = None
    severity: float = 1.0
    recovery_weeks: int = 0

    _shares = ("severity",)

    def _problems(self) -> list[str]:
        problems = []
        if self.products is None and self.country is None and self.sites is None:
            problems.append("name at least one of products, country, sites")
        if not _is_whole(self.recovery_weeks, least=0):
            problems.append(
                f"recovery_weeks must be a whole number >= 0, got {self.recovery_weeks}"
            )
        return problems

    def effects(self, chain: SupplyChain, horizon: int) -> Effects:
        """Return the capacity of the sites that are hit."""
        nodes = node_positions(
            chain, kind="site", products=self.products, country=self.country, labels=self.sites
        )
        factor = self._profile(horizon, inside=1.0 - self.severity)
        if self.weeks is not None and self.recovery_weeks:
            end = self.start + self.weeks
            steps = np.arange(1, self.recovery_weeks + 1) / (self.recovery_weeks + 1)
            recovery = 1.0 - self.severity * (1.0 - steps)
            stop = min(horizon, end + self.recovery_weeks)
            factor[end:stop] = recovery[: max(0, stop - end)]
        return Effects(capacity=(CapacityEffect(nodes, factor),))


@dataclass(frozen=True, kw_only=True)
class DemandShift(Event):
    """Change final demand by a share: ``change=-0.2`` is a fall by 20 per cent.

    Parameters
    ----------
    change : float
        Relative change of demand, at least -1.
    products, country : str or sequence of str, optional
        Markets of these products (or groups) in these areas (or blocs).
    """

    change: float
    products: Labels | None = None
    country: Labels | None = None

    def _problems(self) -> list[str]:
        if -1.0 <= self.change < math.inf:
            return []
        return [f"change must be a number >= -1, got {self.change}"]

    def effects(self, chain: SupplyChain, horizon: int) -> Effects:
        """Return the demand of the markets that change."""
        nodes = node_positions(chain, kind="market", products=self.products, country=self.country)
        factor = self._profile(horizon, inside=1.0 + self.change)
        return Effects(capacity=(CapacityEffect(nodes, factor),))


def _is_whole(value: object, *, least: int) -> bool:
    return (
        isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= least)
    )
