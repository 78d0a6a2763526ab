"""What the events do to a site, market or flow in a week, from the words that describe them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from chokepoint.chain import SupplyChain
from chokepoint.scenario import Boycott, DemandShift, Event, ExportBan, Licence, Outage

Edge = tuple[str, str, str]


class EventCalendar:
    """What the events do to a site, market or flow in a week; effects multiply."""

    def __init__(self, chain: SupplyChain, events: Sequence[Event], horizon: int) -> None:
        self.node = chain.nodes.to_dict("index")
        self.edge = list(
            chain.edges[["supplier", "buyer", "slot"]].itertuples(index=False, name=None)
        )
        self.events, self.horizon = events, horizon
        self.rebuilds: list = []

    def detour(self, e: Edge, week: int) -> tuple[float, int]:
        return 0.0, 0

    def capacity(self, name: str, week: int) -> float:
        share = 1.0
        for event in self.events:
            if isinstance(event, Outage) and self._hits_site(event, name):
                share *= 1.0 - event.severity * self._force(event, week)
            if isinstance(event, DemandShift) and self._hits_market(event, name):
                share *= 1.0 + event.change * _active(event, week)
        return share

    def allowed(self, e: Edge, week: int) -> float:
        share = 1.0
        for event in self.events:
            if isinstance(event, ExportBan | Boycott) and self._hits_flow(event, e):
                share *= 1.0 - event.severity * _active(event, week)
        return share

    def licence(self, e: Edge, week: int) -> tuple[float, float, float]:
        release, passed, goods = math.inf, 1.0, 0.0
        for event in self.events:
            if not isinstance(event, Licence) or not self._hits_flow(event, e):
                continue
            goods = max(goods, event.goods_weeks)
            if not _active(event, week):
                continue
            passed *= 1.0 - event.refused
            since = week - event.start
            if event.release is not None:
                here = event.release[min(since, len(event.release) - 1)]
            else:
                here = 0.0 if since < event.review_weeks else event.clearing
            release = min(release, here)
        return release, 1.0 - passed, goods

    def boycotts(self, week: int) -> list[list[Edge]]:
        return [
            [e for e in self.edge if self._hits_flow(event, e)]
            for event in self.events
            if isinstance(event, Boycott) and event.start == week and event.severity > 0.0
        ]

    def _force(self, event: Outage, week: int) -> float:
        if _active(event, week):
            return 1.0
        if event.weeks is None or week < event.start:
            return 0.0
        after = week - (event.start + event.weeks) + 1
        return max(0.0, 1.0 - after / (event.recovery_weeks + 1))

    def _hits_site(self, event: Outage, name: str) -> bool:
        row = self.node[name]
        return (
            row["kind"] == "site"
            and _among(row["product"], event.products)
            and _among(row["country"], event.country)
            and _among(name, event.sites)
        )

    def _hits_market(self, event: DemandShift, name: str) -> bool:
        row = self.node[name]
        return (
            row["kind"] == "market"
            and _among(row["product"], event.products)
            and _among(row["country"], event.country)
        )

    def _hits_flow(self, event: ExportBan | Boycott | Licence, e: Edge) -> bool:
        seller, buyer = self.node[e[0]]["country"], self.node[e[1]]["country"]
        owner, other = (buyer, seller) if isinstance(event, Boycott) else (seller, buyer)
        aimed = not _among(other, event.by) if event.against is None else True
        return (
            seller != buyer
            and _among(owner, event.by)
            and aimed
            and _among(other, event.against)
            and _among(self.node[e[0]]["product"], event.products)
        )


def _active(event: Event, week: int) -> bool:
    return week >= event.start and (event.weeks is None or week < event.start + event.weeks)


def _among(label: str, names: str | Sequence[str] | None) -> bool:
    if names is None:
        return True
    return label == names if isinstance(names, str) else label in names
