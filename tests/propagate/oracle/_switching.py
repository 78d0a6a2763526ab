"""Step 8: reliability, the trigger, and new shares under limits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from propagate.oracle import _orders as orders

if TYPE_CHECKING:
    from propagate.oracle._world import Edge, Slot, World

NOTHING = 1e-6


def learn(world: World) -> None:
    """Reliability follows what came; short slots move their orders."""
    for e in world.edge:
        fill = world.fill[e]
        if e in world.promised:
            placed = world.placed[e]
            fill = min(1.0, world.shipped[e] / placed) if placed > 0.0 else 1.0
        signal = orders.passes(world, e) * fill
        world.offer[e] = _discount(world, e, signal)
        signal += world.offer[e]
        world.reliability[e] += world.behaviour.memory * (signal - world.reliability[e])
    for g in world.slot:
        if g not in world.pushed_slots:
            _move(world, g)


def _discount(world: World, e: Edge, signal: float) -> float:
    """What is idle at a supplier that serves everybody draws buyers it serves in full."""
    lost = -world.behaviour.discount * world.demand[e[0]]
    if lost <= 0.0:
        return 0.0
    short = world.demand[e[0]] - world.x[e[0]]
    world.note(short - NOTHING)
    world.note(1.0 - signal - NOTHING)
    return lost if short <= NOTHING and signal > 1.0 - NOTHING else 0.0


def _move(world: World, g: Slot) -> None:
    asked = 1.0 + world.order[g]
    if math.isinf(world.trigger[g]):
        missing = asked - received(world, g) - world.behaviour.trigger * asked
        if world.behaviour.discount:
            best = max((world.offer[e] for e in world.into[g]), default=0.0)
            missing = max(missing, best - world.behaviour.trigger)
        world.note(missing - NOTHING)
        if missing > NOTHING:
            world.trigger[g] = world.week
    if world.week >= world.trigger[g]:
        target = new_shares(world, g)
        for e in world.into[g]:
            world.weight[e] += world.behaviour.speed * (target[e] - world.weight[e])


def received(world: World, g: Slot) -> float:
    """Return what was sent to the slot this week over its baseline, detours included."""
    return 1.0 + sum(world.shipped[e] + world.detoured[e] - world.sigma[e] for e in world.into[g])


def boycotts(world: World) -> None:
    """A boycott is known to the buyer, which moves its orders in the same week."""
    told = []
    for edges in world.calendar.boycotts(world.week):
        # By-products are not ordered, so that no order of them moves.
        edges = [e for e in edges if e[0] not in world.byproduct]
        told += [(e[1], e[2]) for e in edges if world.weight[e] > 0.0]
        for e in edges:
            # The buyer's own act: it does not take the same goods round the cap either.
            world.reliability[e] = min(world.reliability[e], world.allowed[e])
    for g in dict.fromkeys(told):
        world.trigger[g] = min(world.trigger[g], world.week)
        world.weight.update(new_shares(world, g))


def new_shares(world: World, g: Slot) -> dict[Edge, float]:
    """Reliability-weighted shares; what exceeds a limit goes to suppliers with room."""
    theta = world.behaviour.exponent
    pull, limit = {}, {}
    for e in world.into[g]:
        reserve = world.reserve[e] if orders.qualified(world, e) else 0.0
        # A little trust is left, so that a buyer whose suppliers all fail stays with them.
        pull[e] = (world.sigma[e] + reserve) * max(world.reliability[e], NOTHING) ** theta
        limit[e] = orders.limit(world, e)
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
