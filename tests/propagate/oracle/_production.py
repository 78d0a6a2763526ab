"""Steps 3 to 5 and 12: desired output, what inputs allow, use, joint outputs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from propagate.oracle import _adaptation as adaptation

if TYPE_CHECKING:
    from propagate.oracle._world import World


def decide(world: World) -> None:
    """Step 10 where it looks at last week's output; then steps 3, 4 and 12."""
    world.desired, world.x, world.part = {}, {}, {}
    early = world.behaviour.ramp and world.behaviour.scarcity == "last_output"
    if early:
        for name in world.node:
            if name not in world.process:
                adaptation.ramp_last_output(world, name)
    for name in world.child_of:
        own, demand = _ceiling(world, name), world.demand[name]
        world.desired[name] = min(own, demand) if world.capacity[name] < 1.0 else demand
    for name in world.process:
        # Step 12: the activity is the largest that a wanted output calls for.
        calls = [
            world.desired[child] - world.surplus[child]
            for child, process in world.child_of.items()
            if process == name and child not in world.byproduct
        ]
        world.demand[name] = max(-1.0, *calls)
        if early:
            adaptation.ramp_last_output(world, name)
    for name in world.node:
        if name not in world.child_of:
            world.x[name] = _output(world, name)
    for child, process in world.child_of.items():
        _joint_output(world, child, world.x[process])


def _ceiling(world: World, name: str) -> float:
    """Step 3, with what is left of capacity where a service is denied (step 11)."""
    return world.capacity[name] * world.ramp[name] * world.health[name] - 1.0


def _output(world: World, name: str) -> float:
    desired = world.demand[name]
    if name not in world.market:
        desired = min(_ceiling(world, name), desired)
    world.desired[name] = desired
    scale = max(1.0, 1.0 + desired)
    x, short, reach = desired, 0.0, {}
    for g in world.slots_of[name]:
        slot = world.slot[g]
        share = slot["use_share"] * slot["criticality"]
        cover = world.available[g] / (world.throttle[g] * world.thrift[g])
        if slot["combine"] == "nested":
            if share > 0.0:
                x = min(x, (1.0 - share) * scale + share * cover - 1.0)
        else:
            short += share * max(0.0, scale - cover)
            if share > 0.0:
                reach[g] = min(scale, cover)
    x = max(-1.0, min(x, scale - short - 1.0))
    # What the part behind a disjoint slot makes: its own reach, at the load of the whole.
    load = (1.0 + x) / (scale - short) if scale - short > 0.0 else 0.0
    world.part |= {g: load * far - 1.0 for g, far in reach.items()}
    return x


def _joint_output(world: World, child: str, activity: float) -> None:
    """Step 12: outputs follow the activity; what is wanted and not sold piles up."""
    if child in world.byproduct:
        own = world.capacity[child] - 1.0 if world.capacity[child] < 1.0 else math.inf
        world.desired[child], world.x[child] = 0.0, min(activity, own)
        return
    at_hand = activity + world.surplus[child]
    world.x[child] = max(-1.0, min(world.desired[child], at_hand))
    left = at_hand - world.x[child]
    world.surplus[child] = min(max(left, 0.0), world.node[child]["surplus_weeks"])


def use(world: World) -> None:
    """Step 5, with thrift and maintenance (step 11)."""
    world.used = {}
    for g in world.slot:
        makes = world.part.get(g, world.x[g[0]])
        wish = world.thrift[g] * (1.0 + makes) - 1.0 if g in world.thrifty else makes
        if g in world.decaying:
            wish = 0.0
        world.used[g] = min(wish, world.available[g] - 1.0)
        left = world.stock[g] + world.arrived[g] - world.used[g]
        world.stock[g] = left if world.slot[g]["storable"] else world.target[g]
        world.position[g] -= world.used[g]
