"""Steps 1 and 2: what arrives, what is ordered, what waits for a licence, what goes round a cap."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from propagate.oracle._world import Edge, World


def arrive(world: World) -> None:
    """Step 1."""
    world.arrived = {g: world.pipeline.pop((g, world.week), 0.0) for g in world.slot}
    world.available = {g: world.stock[g] + 1.0 + world.arrived[g] for g in world.slot}


def place(world: World) -> None:
    """Step 2, with 2b and detours; then the demand on every supplier."""
    world.placed, world.called, world.round_about = {}, {}, {}
    world.promised, world.rate, world.goods_limit = {}, {}, {}
    for e in world.edge:
        wish = min(world.weight[e] * (1.0 + world.order[e[1], e[2]]), limit(world, e))
        world.placed[e] = world.called[e] = min(wish, cap(world, e))
        round_about = detour(world, e) * world.sigma[e]
        world.round_about[e] = min(max(wish - world.placed[e], 0.0), round_about)
        release, refused, goods = world.calendar.licence(e, world.week)
        if math.isfinite(release) or world.queue[e] > 0.0:
            _queue(world, e, release, refused, goods)
    world.demand = {name: _demand(world, name) for name in world.node}


def _demand(world: World, name: str) -> float:
    if name in world.byproduct:
        return 0.0
    if name in world.market:
        return world.capacity[name] - 1.0 + world.backlog[name] + world.extra[name]
    return sum(
        world.kappa[e] * (world.called[e] + world.round_about[e] - world.sigma[e])
        for e in world.out_of[name]
    )


def _queue(world: World, e: Edge, release: float, refused: float, goods_weeks: float) -> None:
    """Step 2b: orders wait for papers; goods are made ahead up to a limit."""
    sigma = world.sigma[e]
    accepted = 1.0 - refused if math.isfinite(release) else 1.0
    world.promised[e] = accepted * world.placed[e]
    outstanding = world.queue[e] + world.promised[e]
    granted = release * sigma if math.isfinite(release) else math.inf
    world.rate[e] = min(outstanding, granted, cap(world, e))
    # Goods wait as the exporter's finished stock up to a limit; then its demand falls.
    world.goods_limit[e] = goods_weeks * sigma
    room = world.goods_limit[e] + world.rate[e] - world.goods[e]
    world.called[e] = max(0.0, min(outstanding - world.goods[e], room))


def cap(world: World, e: Edge) -> float:
    """Return what may pass on the flow: a share of the baseline flow, not of the order."""
    return world.allowed[e] * world.sigma[e] if world.allowed[e] < 1.0 else math.inf


def detour(world: World, e: Edge) -> float:
    """Return the share of the baseline flow that may pass round the cap, if there is one."""
    share, _ = world.calendar.detour(e, world.week)
    return min(share, 1.0 - world.allowed[e]) if world.allowed[e] < 1.0 else 0.0


def passes(world: World, e: Edge) -> float:
    """Return what the buyer can count on, for reliability: the cap and the way round it."""
    return min(1.0, world.allowed[e] + detour(world, e))


def limit(world: World, e: Edge) -> float:
    """Return the largest order the supplier takes before and after qualification."""
    if world.edge[e]["dormant"]:
        return world.reserve[e] if qualified(world, e) else 0.0
    if qualified(world, e):
        return math.inf
    return (1.0 + world.edge[e]["growth_max"]) * world.sigma[e]


def qualified(world: World, e: Edge) -> bool:
    """Return whether the search that the trigger started is over."""
    return world.week >= world.trigger[e[1], e[2]] + world.edge[e]["qualification_weeks"]
