"""Shifts of final demand."""

from __future__ import annotations

import math
from dataclasses import dataclass

from chokepoint.chain import SupplyChain
from chokepoint.scenario._effects import CapacityEffect, Effects
from chokepoint.scenario._event import Event
from chokepoint.scenario._index import Labels
from chokepoint.scenario._select import NodeQuery

__all__ = ["DemandShift"]


@dataclass(frozen=True, kw_only=True)
class DemandShift(Event):
    """Change final demand by a share: ``change=-0.2`` is a fall by 20 per cent.

    Parameters
    ----------
    change : float
        Relative change of demand, at least -1.
    products, country : str or sequence of str, optional
        Markets of these products (or groups) in these areas (or blocs).
    start, weeks : int
        As for every :class:`Event`.

    Examples
    --------
    >>> from chokepoint.scenario import DemandShift
    >>> DemandShift(change=0.15, country="USA", start=4).label
    'DemandShift in USA'
    """

    change: float
    products: Labels | None = None
    country: Labels | None = None

    def _problems(self) -> list[str]:
        if -1.0 <= self.change < math.inf:
            return []
        return [f"change must be a number >= -1, got {self.change}"]

    def _query(self) -> NodeQuery:
        return NodeQuery("market", self.products, self.country)

    def effects(self, chain: SupplyChain, horizon: int) -> Effects:
        """Return the demand of the markets that change."""
        factor = self._profile(horizon, inside=1.0 + self.change)
        return Effects(capacity=(CapacityEffect(self._matched(chain), factor),))
