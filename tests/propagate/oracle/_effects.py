"""What arrays of effects do to a site, market or flow in a week."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from chokepoint.chain import SupplyChain
from chokepoint.scenario import Effects

Edge = tuple[str, str, str]


@dataclass(frozen=True)
class Rebuild:
    """Capital that is lost until markets have delivered what it takes to rebuild it."""

    sites: frozenset[str]
    lost: float
    first: int
    weeks: float
    damage: float
    shares: Mapping[str, float]


class EffectCalendar:
    """Effects by label. Effects on one thing multiply; tariffs add; the widest detour holds."""

    def __init__(self, chain: SupplyChain, effects: Effects) -> None:
        nodes = list(chain.nodes.index)
        edges = list(chain.edges[["supplier", "buyer", "slot"]].itertuples(index=False, name=None))
        self._capacity = [({nodes[i] for i in e.nodes}, e.factor) for e in effects.capacity]
        self._flows = [({edges[i] for i in e.edges}, e) for e in effects.flows]
        self._licences = [({edges[i] for i in e.edges}, e) for e in effects.licences]
        self._tariffs = [({edges[i] for i in e.edges}, e.rate) for e in effects.tariffs]
        self.rebuilds = [
            Rebuild(
                frozenset(nodes[i] for i in e.nodes),
                e.lost,
                e.first,
                e.weeks,
                e.damage,
                {nodes[i]: float(share) for i, share in zip(e.markets, e.shares, strict=True)},
            )
            for e in effects.rebuilds
        ]

    def capacity(self, name: str, week: int) -> float:
        """Return the share of capacity, or of demand, that is left."""
        return math.prod(float(factor[week]) for some, factor in self._capacity if name in some)

    def allowed(self, e: Edge, week: int) -> float:
        """Return the share of the baseline flow that may pass."""
        return math.prod(float(one.allowed[week]) for some, one in self._flows if e in some)

    def detour(self, e: Edge, week: int) -> tuple[float, int]:
        """Return the share that may pass round the cap and the weeks that this takes longer."""
        ways = [one for some, one in self._flows if e in some and one.detour is not None]
        share = max((float(one.detour[week]) for one in ways), default=0.0)
        return share, max((one.detour_weeks for one in ways), default=0)

    def licence(self, e: Edge, week: int) -> tuple[float, float, float]:
        """Return release, refused share and goods held, of all licences together."""
        release, passed, goods = math.inf, 1.0, 0.0
        for some, one in self._licences:
            if e in some:
                goods = max(goods, one.goods_weeks)
                if math.isfinite(one.release[week]):
                    release = min(release, float(one.release[week]))
                    passed *= 1.0 - one.refused
        return release, 1.0 - passed, goods

    def boycotts(self, week: int) -> list[list[Edge]]:
        """Return the flows whose buyers refuse more from this week on."""
        return [
            sorted(some)
            for some, one in self._flows
            if one.redirect and one.allowed[week] < (one.allowed[week - 1] if week else 1.0)
        ]

    def tariff(self, e: Edge, week: int) -> float:
        """Return the tariff as a share of the value of the goods."""
        return sum(float(rate[week]) for some, rate in self._tariffs if e in some)
