"""The weekly model once more: slowly, one number at a time, from the text of the theory.

Nothing here knows the engine. Sites, slots and flows are looked up by label in dictionaries, and
every equation stands under its number in the docs. `play` returns the history of one scenario.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from chokepoint.chain import SupplyChain
from chokepoint.propagate import Behaviour
from chokepoint.scenario import Boycott, DemandShift, Event, ExportBan, Licence, Outage

Slot = tuple[str, str]
Edge = tuple[str, str, str]

# Below this share of baseline a shortage or a queue is rounding.
NOTHING = 1e-6


@dataclass
class History:
    """What happened: by week, then by label."""

    output: list[dict[str, float]] = field(default_factory=list)
    """Deviation of output of sites and of served demand of markets."""
    demand: list[dict[str, float]] = field(default_factory=list)
    stock: list[dict[Slot, float]] = field(default_factory=list)
    shipped: list[dict[Edge, float]] = field(default_factory=list)
    orders: list[dict[Edge, float]] = field(default_factory=list)
    weight: list[dict[Edge, float]] = field(default_factory=list)
    margin: float = math.inf
    """Least distance of any yes-or-no decision from its threshold."""


def play(
    chain: SupplyChain,
    events: Sequence[Event] = (),
    *,
    weeks: int,
    behaviour: Behaviour | None = None,
) -> History:
    """Return the history of `events` on `chain`."""
    world = _World(chain, events, behaviour or Behaviour(), weeks)
    for week in range(weeks):
        world.step(week)
    return world.history


class _World:
    def __init__(
        self, chain: SupplyChain, events: Sequence[Event], behaviour: Behaviour, weeks: int
    ) -> None:
        self.behaviour, self.history = behaviour, History()
        self.node = chain.nodes.to_dict("index")
        self.slot = chain.slots.to_dict("index")
        self.edge = {
            (row["supplier"], row["buyer"], row["slot"]): row
            for row in chain.edges.to_dict("records")
        }
        self.calendar = _Calendar(self.node, self.edge, events, weeks)
        self._facts()
        self._start()

    def _facts(self) -> None:
        """Shares sigma, group sizes kappa, leads, limits: section 0 of the theory."""
        self.out_of: dict[str, list[Edge]] = {name: [] for name in self.node}
        self.into: dict[Slot, list[Edge]] = {name: [] for name in self.slot}
        self.slots_of: dict[str, list[Slot]] = {name: [] for name in self.node}
        self.sigma, self.kappa, self.lead = {}, {}, {}
        for name, row in self.edge.items():
            supplier, buyer, slot = name
            need = row["recipe"] * self.node[buyer]["output_qty"]
            made = self.node[supplier]["output_qty"]
            self.sigma[name] = row["quantity"] / need if need else 0.0
            self.kappa[name] = need / made if made else 0.0
            self.lead[name] = int(row["lead_weeks"])
            self.out_of[supplier].append(name)
            self.into[buyer, slot].append(name)
        for buyer, slot in self.slot:
            self.slots_of[buyer].append((buyer, slot))
        self.market = {name for name, row in self.node.items() if row["kind"] == "market"}
        self.process = {name for name, row in self.node.items() if row["is_process"]}
        self.child_of = {name: row["process"] for name, row in self.node.items() if row["process"]}
        self.byproduct = {name for name in self.child_of if not self.node[name]["wanted"]}
        self.pushed_slots = {(e[1], e[2]) for e in self.edge if e[0] in self.byproduct}
        self.stock_target, self.throttle, self.mean_lead = {}, {}, {}
        for name, row in self.slot.items():
            target = row["stock_weeks"] if row["storable"] else 0.0
            self.stock_target[name] = target
            self.throttle[name] = min(row["throttle_weeks"], target + 1.0)
            self.mean_lead[name] = sum(self.sigma[e] * self.lead[e] for e in self.into[name])

    def _start(self) -> None:
        self.stock = dict(self.stock_target)
        self.pipeline: dict[tuple[Slot, int], float] = {}
        self.position = dict.fromkeys(self.slot, 0.0)
        self.order = dict.fromkeys(self.slot, 0.0)
        self.ramp = dict.fromkeys(self.node, 1.0)
        self.surplus = dict.fromkeys(self.child_of, 0.0)
        self.weight = dict(self.sigma)
        self.reliability = dict.fromkeys(self.edge, 1.0)
        self.trigger = dict.fromkeys(self.slot, math.inf)
        self.queue = dict.fromkeys(self.edge, 0.0)
        self.goods = dict.fromkeys(self.edge, 0.0)

    # --------------------------------------------------------------------- one week

    def step(self, week: int) -> None:
        self.week = week
        self.capacity = {name: self.calendar.capacity(name, week) for name in self.node}
        self.allowed = {name: self.calendar.allowed(name, week) for name in self.edge}
        if self.behaviour.switching:
            self._step_8_boycotts()
        self._step_1_arrivals()
        self._step_2_demand()
        self._steps_3_and_4_output()
        self._step_5_use()
        self._step_6_rationing()
        self._step_7_dispatch()
        if self.behaviour.switching:
            self._step_8_switching()
        if not self.behaviour.frozen_orders:
            self._step_9_orders()
        if self.behaviour.ramp:
            self._step_10_ramp()
        self.history.output.append(dict(self.x))
        self.history.demand.append(dict(self.demand))
        self.history.stock.append(dict(self.stock))
        self.history.shipped.append(dict(self.shipped))
        self.history.orders.append(dict(self.placed))
        self.history.weight.append(dict(self.weight))

    def _step_1_arrivals(self) -> None:
        self.arrived = {g: self.pipeline.pop((g, self.week), 0.0) for g in self.slot}
        self.available = {g: self.stock[g] + 1.0 + self.arrived[g] for g in self.slot}

    def _step_2_demand(self) -> None:
        self.placed, self.called = {}, {}
        self.promised: dict[Edge, float] = {}
        self.rate: dict[Edge, float] = {}
        self.goods_limit: dict[Edge, float] = {}
        for e in self.edge:
            g = (e[1], e[2])
            order = self.weight[e] * (1.0 + self.order[g])
            order = min(order, self._limit(e), self._cap(e))
            self.placed[e] = self.called[e] = order
            release, refused, goods = self.calendar.licence(e, self.week)
            if math.isfinite(release) or self.queue[e] > 0.0:
                self._step_2b_queue(e, release, refused, goods)
        self.demand = {
            name: sum(self.kappa[e] * (self.called[e] - self.sigma[e]) for e in self.out_of[name])
            for name in self.node
        }
        for name in self.byproduct:
            self.demand[name] = 0.0
        for name in self.market:
            self.demand[name] = self.capacity[name] - 1.0

    def _step_2b_queue(self, e: Edge, release: float, refused: float, goods_weeks: float) -> None:
        sigma = self.sigma[e]
        share = 1.0 - refused if math.isfinite(release) else 1.0
        self.promised[e] = share * self.placed[e]
        outstanding = self.queue[e] + self.promised[e]
        granted = release * sigma if math.isfinite(release) else math.inf
        self.rate[e] = min(outstanding, granted, self._cap(e))
        # Goods wait as the exporter's finished stock up to a limit; then its demand falls.
        self.goods_limit[e] = goods_weeks * sigma
        room = self.goods_limit[e] + self.rate[e] - self.goods[e]
        self.called[e] = max(0.0, min(outstanding - self.goods[e], room))

    def _steps_3_and_4_output(self) -> None:
        self.desired, self.x, self.part_used = {}, {}, {}
        for name in self.node:
            if name in self.child_of:
                own = self.capacity[name] * self.ramp[name] - 1.0
                limited = self.capacity[name] < 1.0
                self.desired[name] = min(own, self.demand[name]) if limited else self.demand[name]
        for name in self.process:
            # Step 12: the activity is the largest that a wanted output calls for.
            calls = [
                self.desired[child] - self.surplus[child]
                for child, process in self.child_of.items()
                if process == name and child not in self.byproduct
            ]
            self.demand[name] = max(-1.0, *calls)
        for name in self.node:
            if name not in self.child_of:
                self.x[name] = self._output(name)
        for child, process in self.child_of.items():
            self._step_12_joint_output(child, self.x[process])

    def _output(self, name: str) -> float:
        ceiling = self.capacity[name] - 1.0
        if name not in self.market:
            ceiling = self.capacity[name] * self.ramp[name] - 1.0
        desired = self.desired[name] = min(ceiling, self.demand[name])
        scale = max(1.0, 1.0 + desired)
        x, short = desired, 0.0
        part = {}
        for g in self.slots_of[name]:
            slot = self.slot[g]
            share = slot["use_share"] * slot["criticality"]
            cover = self.available[g] / self.throttle[g]
            if slot["combine"] == "nested":
                if share > 0.0:
                    x = min(x, (1.0 - share) * scale + share * cover - 1.0)
            else:
                short += share * max(0.0, scale - cover)
                if share > 0.0:
                    part[g] = min(scale, cover)
        x = max(-1.0, min(x, scale - short - 1.0))
        # What the part behind a disjoint slot uses: its own reach, at the load of the whole.
        load = (1.0 + x) / (scale - short) if scale - short > 0.0 else 0.0
        self.part_used |= {g: load * reach - 1.0 for g, reach in part.items()}
        return x

    def _step_12_joint_output(self, child: str, activity: float) -> None:
        if child in self.byproduct:
            own = self.capacity[child] - 1.0 if self.capacity[child] < 1.0 else math.inf
            self.desired[child], self.x[child] = 0.0, min(activity, own)
            return
        at_hand = activity + self.surplus[child]
        self.x[child] = max(-1.0, min(self.desired[child], at_hand))
        left = at_hand - self.x[child]
        self.surplus[child] = min(max(left, 0.0), self.node[child]["surplus_weeks"])

    def _step_5_use(self) -> None:
        self.used = {}
        for g in self.slot:
            use = self.part_used.get(g, self.x[g[0]])
            self.used[g] = min(use, self.available[g] - 1.0)
            left = self.stock[g] + self.arrived[g] - self.used[g]
            self.stock[g] = left if self.slot[g]["storable"] else self.stock_target[g]
            self.position[g] -= self.used[g]

    def _step_6_rationing(self) -> None:
        self.fill, self.shipped = {}, {}
        for name in self.node:
            x, demand = self.x[name], self.demand[name]
            if x >= demand:
                self.fill[name] = 1.0
            else:
                self.fill[name] = min(1.0, max(0.0, (1.0 + x) / (1.0 + demand)))
        for e in self.edge:
            supplier = e[0]
            made = self.called[e] * self.fill[supplier]
            if supplier in self.byproduct:
                made = self.sigma[e] * (1.0 + self.x[supplier])
                made = min(made, self._cap(e))
            if e not in self.promised:
                self.shipped[e], self.goods[e] = made, 0.0
                continue
            ready = self.goods[e] + made
            self.shipped[e] = min(ready, self.rate[e])
            self.goods[e] = min(ready - self.shipped[e], self.goods_limit[e])
            self.queue[e] += self.promised[e] - self.shipped[e]
            self._note(self.queue[e], NOTHING)
            if self.queue[e] <= NOTHING:
                self.queue[e] = 0.0

    def _step_7_dispatch(self) -> None:
        for e in self.edge:
            g = (e[1], e[2])
            key = (g, self.week + self.lead[e])
            self.pipeline[key] = self.pipeline.get(key, 0.0) + self.shipped[e] - self.sigma[e]
            self.position[g] += self.promised.get(e, self.shipped[e]) - self.sigma[e]

    # --------------------------------------------------------------- step 8, switching

    def _step_8_switching(self) -> None:
        eta = self.behaviour.memory
        for e in self.edge:
            fill = self.fill[e[0]]
            if e in self.promised:
                placed = self.placed[e]
                fill = min(1.0, self.shipped[e] / placed) if placed > 0.0 else 1.0
            signal = min(1.0, self.allowed[e]) * fill
            self.reliability[e] += eta * (signal - self.reliability[e])
        for g in self.slot:
            if g in self.pushed_slots:
                continue
            asked = 1.0 + self.order[g]
            received = 1.0 + sum(self.shipped[e] - self.sigma[e] for e in self.into[g])
            missing = asked - received - self.behaviour.trigger * asked
            self._note(missing, NOTHING)
            if missing > NOTHING and math.isinf(self.trigger[g]):
                self.trigger[g] = self.week
            if self.week >= self.trigger[g]:
                target = self._new_shares(g)
                for e in self.into[g]:
                    self.weight[e] += self.behaviour.speed * (target[e] - self.weight[e])

    def _step_8_boycotts(self) -> None:
        """A boycott is known to the buyer, which moves its orders in the same week."""
        told = []
        for edges in self.calendar.boycotts(self.week):
            told += [(e[1], e[2]) for e in edges if self.weight[e] > 0.0]
            for e in edges:
                self.reliability[e] = min(self.reliability[e], self.allowed[e])
        for g in dict.fromkeys(told):
            self.trigger[g] = min(self.trigger[g], self.week)
            self.weight.update(self._new_shares(g))

    def _new_shares(self, g: Slot) -> dict[Edge, float]:
        """Reliability-weighted shares; what exceeds a limit goes to suppliers with room."""
        theta = self.behaviour.exponent
        pull, limit = {}, {}
        for e in self.into[g]:
            reserve = self._reserve(e) if self._qualified(e) else 0.0
            # A little trust is left, so that a buyer whose suppliers all fail stays with them.
            pull[e] = (self.sigma[e] + reserve) * max(self.reliability[e], NOTHING) ** theta
            limit[e] = self._limit(e)
        full: set[Edge] = set()
        while True:
            free = [e for e in pull if e not in full]
            rest = max(0.0, 1.0 - sum(limit[e] for e in full))
            weight = sum(pull[e] for e in free)
            share = {e: limit[e] for e in full}
            share |= {e: pull[e] * (rest / weight) if weight > 0.0 else 0.0 for e in free}
            over = {e for e in free if share[e] > limit[e]}
            if not over:
                return share
            full |= over

    def _qualified(self, e: Edge) -> bool:
        return self.week >= self.trigger[e[1], e[2]] + self.edge[e]["qualification_weeks"]

    def _reserve(self, e: Edge) -> float:
        idle = self.node[e[0]]["output_qty"] == 0.0
        return self.edge[e]["max_share"] if self.edge[e]["dormant"] and not idle else 0.0

    def _limit(self, e: Edge) -> float:
        if self.edge[e]["dormant"]:
            return self._reserve(e) if self._qualified(e) else 0.0
        if self._qualified(e):
            return math.inf
        return (1.0 + self.edge[e]["growth_max"]) * self.sigma[e]

    def _cap(self, e: Edge) -> float:
        return self.allowed[e] * self.sigma[e] if self.allowed[e] < 1.0 else math.inf

    # -------------------------------------------------------------- steps 9 and 10

    def _step_9_orders(self) -> None:
        for g, row in self.slot.items():
            buyer = g[0]
            if g in self.pushed_slots:
                self.order[g] = 0.0
            elif buyer in self.market:
                self.order[g] = self.capacity[buyer] - 1.0
            elif not row["storable"]:
                self.order[g] = self.desired[buyer]
            else:
                cover = self.stock_target[g] + self.mean_lead[g]
                gap = cover * self.desired[buyer] - self.position[g]
                self.order[g] = self.used[g] + max(gap, 0.0) / row["reorder_weeks"]

    def _step_10_ramp(self) -> None:
        for name in self.node:
            if name in self.market:
                continue
            row, missing = self.node[name], max(self.demand[name] - self.x[name], 0.0)
            asked = 1.0 + self.demand[name]
            scarcity = missing / asked if asked > 0.0 else 0.0
            self._note(scarcity, NOTHING)
            if scarcity > NOTHING:
                step = (row["ramp_max"] - self.ramp[name]) * scarcity
            else:
                step = 1.0 - self.ramp[name]
            self.ramp[name] += step / max(row["ramp_weeks"], 1.0)

    def _note(self, value: float, threshold: float) -> None:
        self.history.margin = min(self.history.margin, abs(value - threshold))


class _Calendar:
    """What the events do to a site, market or flow in a week; effects multiply."""

    def __init__(
        self,
        node: dict[str, dict],
        edge: dict[Edge, dict],
        events: Sequence[Event],
        horizon: int,
    ) -> None:
        self.node, self.edge, self.events, self.horizon = node, edge, events, horizon

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
