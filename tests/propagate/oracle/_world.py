"""A chain in the notation of the theory, the state of a run, and the order of steps in a week."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from propagate.oracle import _adaptation as adaptation
from propagate.oracle import _orders as orders
from propagate.oracle import _production as production
from propagate.oracle import _rationing as rationing
from propagate.oracle import _switching as switching

from chokepoint.chain import SupplyChain
from chokepoint.propagate import Behaviour

Slot = tuple[str, str]
Edge = tuple[str, str, str]

# Below this share of baseline a shortage or a queue is rounding.
NOTHING = 1e-6

KEPT = (
    "demand", "stock", "used", "position", "order", "placed", "called", "made", "shipped",
    "detoured", "arrived", "weight", "surplus", "queue", "goods", "ramp", "thrift", "health",
    "backlog", "extra", "left", "fill", "reliability", "trigger", "desired", "rate", "promised",
    "asked",
)  # fmt: skip
"""What a week leaves in the history besides output."""


@dataclass
class History:
    """What happened: by week, then by label."""

    output: list[dict[str, float]] = field(default_factory=list)
    """Deviation of output of sites and of served demand of markets."""
    weeks: list[dict[str, dict]] = field(default_factory=list)
    """Everything else, by name: levels and deviations as in the notation."""
    clear: int = 0
    """Weeks up to the first one in which a yes-or-no decision was too close to call."""

    def of(self, name: str) -> list[dict]:
        """Return what `name` was in every week."""
        return [week[name] for week in self.weeks]


class World:
    """One run: facts that do not change, and the state that does."""

    def __init__(
        self, chain: SupplyChain, calendar: Any, behaviour: Behaviour, tolerance: float
    ) -> None:
        self.chain, self.calendar, self.behaviour = chain, calendar, behaviour
        self.tolerance, self.history = tolerance, History()
        self.node: dict[str, dict[str, Any]] = chain.nodes.to_dict("index")
        self.slot: dict[Slot, dict[str, Any]] = chain.slots.to_dict("index")
        self.edge: dict[Edge, dict[str, Any]] = {
            (row["supplier"], row["buyer"], row["slot"]): row
            for row in chain.edges.to_dict("records")
        }
        self._flows()
        self._sites()
        self._slots()
        self.rank = rationing.classes(self)
        self._start()

    def _flows(self) -> None:
        """Shares sigma, group sizes kappa, leads: section 0 of the theory."""
        self.out_of: dict[str, list[Edge]] = {name: [] for name in self.node}
        self.into: dict[Slot, list[Edge]] = {name: [] for name in self.slot}
        self.slots_of: dict[str, list[Slot]] = {name: [] for name in self.node}
        self.sigma, self.kappa, self.lead, self.reserve = {}, {}, {}, {}
        for name, row in self.edge.items():
            supplier, buyer, slot = name
            need = row["recipe"] * self.node[buyer]["output_qty"]
            made = self.node[supplier]["output_qty"]
            self.sigma[name] = row["quantity"] / need if need else 0.0
            self.kappa[name] = need / made if made else 0.0
            self.lead[name] = int(row["lead_weeks"])
            # A site without output has no capacity that a share could be taken of.
            self.reserve[name] = row["max_share"] if row["dormant"] and made else 0.0
            self.out_of[supplier].append(name)
            self.into[buyer, slot].append(name)
        for buyer, slot in self.slot:
            self.slots_of[buyer].append((buyer, slot))

    def _sites(self) -> None:
        self.market = {name for name, row in self.node.items() if row["kind"] == "market"}
        self.process = {name for name, row in self.node.items() if row["is_process"]}
        self.child_of = {name: row["process"] for name, row in self.node.items() if row["process"]}
        self.byproduct = {name for name in self.child_of if not self.node[name]["wanted"]}
        self.pushed_slots = {(e[1], e[2]) for e in self.edge if e[0] in self.byproduct}

    def _slots(self) -> None:
        self.target, self.throttle, self.mean_lead, self.reorder = {}, {}, {}, {}
        for name, row in self.slot.items():
            target = row["stock_weeks"] if row["storable"] else 0.0
            self.target[name] = target
            self.throttle[name] = min(row["throttle_weeks"], target + 1.0)
            self.mean_lead[name] = sum(self.sigma[e] * self.lead[e] for e in self.into[name])
            self.reorder[name] = row["reorder_weeks"]
            stops = row["use_share"] * row["criticality"] > 0.0 and not row["decay_weekly"]
            if stops and row["storable"]:
                # A site that has stopped would else order less than it needs for ever.
                longest = max(1.0, target + self.mean_lead[name])
                self.reorder[name] = min(self.reorder[name], longest)
        self.decaying = {g for g, row in self.slot.items() if row["decay_weekly"] > 0.0}
        self.thrifty = {g for g, row in self.slot.items() if row["thrift_weekly"] > 0.0}

    def _start(self) -> None:
        self.stock = dict(self.target)
        self.pipeline: dict[tuple[Slot, int], float] = {}
        self.position = dict.fromkeys(self.slot, 0.0)
        self.order = dict.fromkeys(self.slot, 0.0)
        self.ramp = dict.fromkeys(self.node, 1.0)
        self.surplus = dict.fromkeys(self.child_of, 0.0)
        self.weight = dict(self.sigma)
        self.reliability = dict.fromkeys(self.edge, 1.0)
        self.offer = dict.fromkeys(self.edge, 0.0)
        self.trigger = dict.fromkeys(self.slot, math.inf)
        self.queue = dict.fromkeys(self.edge, 0.0)
        self.goods = dict.fromkeys(self.edge, 0.0)
        self.thrift = dict.fromkeys(self.slot, 1.0)
        self.health = dict.fromkeys(self.node, 1.0)
        self.backlog = dict.fromkeys(self.market, 0.0)
        self.left = [rebuild.damage for rebuild in self.calendar.rebuilds]
        self.x = dict.fromkeys(self.node, 0.0)

    # --------------------------------------------------------------------- one week

    def step(self, week: int) -> None:
        """Run one week; the names of steps are those of the docs."""
        how = self.behaviour
        self.week, self.before = week, self.x
        self.asked = {g: 1.0 + order for g, order in self.order.items()}
        self.capacity = {name: adaptation.capacity(self, name) for name in self.node}
        self.extra = {name: adaptation.extra_demand(self, name) for name in self.market}
        self.allowed = {name: self.calendar.allowed(name, week) for name in self.edge}
        if how.switching:
            switching.boycotts(self)
        orders.arrive(self)
        orders.place(self)
        production.decide(self)
        production.use(self)
        rationing.ship(self)
        rationing.dispatch(self)
        adaptation.save(self)
        if how.switching:
            switching.learn(self)
        if not how.frozen_orders:
            adaptation.order(self)
        if how.ramp and how.scarcity == "this_week":
            for name in self.node:
                adaptation.ramp_this_week(self, name)
        self._remember()
        adaptation.decay(self)
        adaptation.keep_backlog(self)
        adaptation.rebuild(self)
        if how.order_shares == "capacity":
            adaptation.share_by_capacity(self)

    def _remember(self) -> None:
        self.history.output.append(dict(self.x))
        self.history.weeks.append({name: _copy(getattr(self, name)) for name in KEPT})

    def note(self, distance: float) -> None:
        """Take note of how far a yes-or-no decision of this week is from its threshold."""
        if abs(distance) < self.tolerance:
            self.history.clear = min(self.history.clear, self.week)


def _copy(values: Mapping | list) -> Any:
    return dict(values) if isinstance(values, Mapping) else list(values)
