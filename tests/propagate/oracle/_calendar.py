"""What events do to a site, market or flow in a week, from the words that describe them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from propagate.oracle import _reach as reach
from propagate.oracle._effects import Rebuild

from chokepoint.chain import SupplyChain
from chokepoint.scenario import (
    Boycott,
    DemandShift,
    Event,
    ExportBan,
    Extraterritorial,
    Licence,
    Outage,
    Quota,
    ServiceDenial,
    Tariff,
)

Edge = tuple[str, str, str]
Leaky = ExportBan | Quota | Extraterritorial
Cap = Leaky | Boycott | ServiceDenial
FlowEvent = Cap | Licence | Tariff


class EventCalendar:
    """Events by label. Effects on one thing multiply; tariffs add; the widest detour holds."""

    def __init__(self, chain: SupplyChain, events: Sequence[Event], horizon: int) -> None:
        self.node = chain.nodes.to_dict("index")
        rows = chain.edges.to_dict("records")
        self.edge = {(row["supplier"], row["buyer"], row["slot"]): row for row in rows}
        self.slot = chain.slots.to_dict("index")
        self.events, self.horizon = events, horizon
        self._known: dict[tuple[int, Any], Any] = {}
        blocs = chain.countries.set_index("area")["blocs"]
        self.kin = {area: {area, *blocs[area].split(";")} for area in blocs.index}
        groups = chain.products.set_index("product")["group"]
        self.kind = {product: {product, groups[product]} for product in groups.index}
        self.rebuilds = [
            one
            for event in events
            if isinstance(event, Outage) and event.recovery == "rebuild"
            for one in self._rebuilds(event)
        ]

    # ------------------------------------------------------------------ sites and markets

    def capacity(self, name: str, week: int) -> float:
        """Return the share of capacity, or of demand, that is left."""
        share = 1.0
        for event in self.events:
            if isinstance(event, Outage) and self._hits(event, name, "site"):
                share *= 1.0 - event.severity * _loss_left(event, week)
            if isinstance(event, DemandShift) and self._hits(event, name, "market"):
                share *= 1.0 + event.change * _active(event, week)
            if isinstance(event, ServiceDenial):
                share *= self._worn(event, name, week)
        return share

    def _worn(self, event: ServiceDenial, name: str, week: int) -> float:
        """Return what is left of capacity that decays without a service, then is repaired."""
        key = (id(event), "withheld")
        if key not in self._known:
            denied = [e for e in self.edge if self._crosses(event, e)]
            self._known[key] = reach.withheld(self.node, self.slot, self.edge, denied)
        parts = self._known[key].get(name, [])
        if not parts or week < event.start:
            return 1.0
        weekly = math.prod(1.0 - event.decay * event.severity * part for part in parts)
        if _active(event, week):
            return weekly ** (week - event.start)
        lowest, since = weekly**event.weeks, week - event.start - event.weeks
        if since >= event.repair_weeks:
            return 1.0
        return lowest + (1.0 - lowest) * since / event.repair_weeks

    def _hits(self, event: Outage | DemandShift, name: str, kind: str) -> bool:
        row = self.node[name]
        return (
            row["kind"] == kind
            and _among(self.kind[row["product"]], event.products)
            and _among(self.kin[row["country"]], event.country)
            and _among({name}, getattr(event, "sites", None))
        )

    def _rebuilds(self, event: Outage) -> list[Rebuild]:
        """Sites in several countries share the damage by the value of their output."""
        hit = [name for name in self.node if self._hits(event, name, "site")]
        value = {name: self.node[name]["value_usd_m"] for name in hit}
        if not sum(value.values()):
            value = dict.fromkeys(hit, 1.0)
        found = []
        for country in dict.fromkeys(self.node[name]["country"] for name in hit):
            here = frozenset(name for name in hit if self.node[name]["country"] == country)
            part = sum(value[name] for name in here) / sum(value.values())
            if part:
                assert event.weeks is not None
                found.append(
                    Rebuild(
                        here,
                        event.severity,
                        event.start + event.weeks,
                        event.recovery_weeks,
                        event.damage * part,
                        self._sellers(event, country),
                    )
                )
        return found

    def _sellers(self, event: Outage, country: str) -> dict[str, float]:
        """Each share goes to the markets of the product there, by the value of their demand."""
        shares: dict[str, float] = {}
        for product, share in dict(event.rebuild_with).items():
            some = {
                name: row["value_usd_m"]
                for name, row in self.node.items()
                if row["kind"] == "market"
                and row["country"] == country
                and product in self.kind[row["product"]]
            }
            for name, value in some.items():
                if value:
                    part = share * value / sum(some.values())
                    shares[name] = shares.get(name, 0.0) + part
        return shares

    # ------------------------------------------------------------------------------ flows

    def allowed(self, e: Edge, week: int) -> float:
        """Return the share of the baseline flow that may pass."""
        return math.prod(
            1.0 - self._stopped(event, e, week)
            for event in self.events
            if isinstance(event, Cap) and self._crosses(event, e)
        )

    def detour(self, e: Edge, week: int) -> tuple[float, int]:
        """Return the share that may pass round the cap and the weeks that this takes longer."""
        leaky = [
            event
            for event in self.events
            if isinstance(event, Leaky) and event.leakage and self._crosses(event, e)
        ]
        ways = [
            event.leakage * self._stopped(event, e, week)
            for event in leaky
            if week >= event.start + event.leakage_lag
        ]
        return max(ways, default=0.0), max((event.leakage_weeks for event in leaky), default=0)

    def _stopped(self, event: Cap, e: Edge, week: int) -> float:
        if not _active(event, week):
            return 0.0
        if isinstance(event, Extraterritorial):
            return event.severity * self._complies(event, e[0])
        if not isinstance(event, Quota):
            return event.severity
        if event.share is not None:
            return 1.0 - event.share
        total = sum(row["quantity"] for e, row in self.edge.items() if self._crosses(event, e))
        return 1.0 - min(1.0, event.quantity / total) if total else 1.0

    def _complies(self, event: Extraterritorial, seller: str) -> float:
        """Return the compliance of a seller's country: its own, its bloc's, else full."""
        country = self.node[seller]["country"]
        if _among(self.kin[country], event.by):
            return 1.0
        if isinstance(event.compliance, float):
            return event.compliance
        stated = dict(event.compliance)
        blocs = [share for name, share in stated.items() if name in self.kin[country]]
        return stated.get(country, blocs[-1] if blocs else 1.0)

    def licence(self, e: Edge, week: int) -> tuple[float, float, float]:
        """Return release, refused share and goods held, of all licences together."""
        release, passed, goods = math.inf, 1.0, 0.0
        for event in self.events:
            if not isinstance(event, Licence) or not self._crosses(event, e):
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
        """Return the flows whose buyers refuse more from this week on."""
        return [
            [e for e in self.edge if self._crosses(event, e)]
            for event in self.events
            if isinstance(event, Boycott) and event.start == week and event.severity > 0.0
        ]

    def tariff(self, e: Edge, week: int) -> float:
        """Return the tariff as a share of the value of the goods."""
        return sum(
            event.rate * _active(event, week)
            for event in self.events
            if isinstance(event, Tariff) and self._crosses(event, e)
        )

    def _crosses(self, event: FlowEvent, e: Edge) -> bool:
        """Return whether the event is about a flow over a border."""
        key = (id(event), e)
        if key not in self._known:
            self._known[key] = self._is_about(event, e)
        return self._known[key]

    def _is_about(self, event: FlowEvent, e: Edge) -> bool:
        if isinstance(event, Extraterritorial):
            return self._is_reached(event, e)
        seller, buyer = self.node[e[0]]["country"], self.node[e[1]]["country"]
        imports = isinstance(event, Boycott | Tariff)
        owner, other = (buyer, seller) if imports else (seller, buyer)
        if event.against is None:
            aimed = not _among(self.kin[other], event.by)
        else:
            aimed = _among(self.kin[other], event.against)
        return (
            seller != buyer
            and _among(self.kin[owner], event.by)
            and aimed
            and _among(self.kind[self.node[e[0]]["product"]], event.products)
        )

    def _is_reached(self, event: Extraterritorial, e: Edge) -> bool:
        """A flow into the target from the owner, or of goods that hold or use what is its."""
        seller, buyer = self.node[e[0]], self.node[e[1]]
        into = _among(self.kin[buyer["country"]], event.against)
        listed = _among(self.kind[seller["product"]], event.products)
        if seller["country"] == buyer["country"] or not into or not listed:
            return False
        if _among(self.kin[seller["country"]], event.by):
            return True
        outside = not _among(self.kin[seller["country"]], event.against)
        return outside and e[0] in self._held(event)

    def _held(self, event: Extraterritorial) -> set[str]:
        key = (id(event), "held")
        if key not in self._known:
            owners = {area for area, kin in self.kin.items() if _among(kin, event.by)}
            found: set[str] = set()
            if event.content is not None:
                shares = reach.content(self.node, self.edge, owners)
                least = max(event.content, 1e-12)
                found |= {name for name, share in shares.items() if share >= least}
            if event.technology is not None:
                tools = [p for p, kind in self.kind.items() if _among(kind, event.technology)]
                found |= reach.equipped(self.node, self.edge, owners, tools)
            self._known[key] = found
        return self._known[key]


def _loss_left(event: Outage, week: int) -> float:
    """Return the share of the loss that is left: all in the outage, then what its curve says."""
    if _active(event, week):
        return 1.0
    if event.weeks is None or week < event.start or event.recovery == "rebuild":
        return 0.0
    tau = (week - (event.start + event.weeks) + 1) / (event.recovery_weeks + 1)
    if tau >= 1.0:
        return 0.0
    if event.recovery == "exponential":
        return (20.0**-tau - 0.05) / 0.95
    if event.recovery == "s_shaped":
        return 1.0 - tau * tau * (3.0 - 2.0 * tau)
    return 1.0 - tau


def _active(event: Event, week: int) -> bool:
    return week >= event.start and (event.weeks is None or week < event.start + event.weeks)


def _among(labels: set[str], names: str | Sequence[str] | None) -> bool:
    if names is None:
        return True
    return bool(labels & ({names} if isinstance(names, str) else set(names)))
