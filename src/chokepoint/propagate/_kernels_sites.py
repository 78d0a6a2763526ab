"""Steps 2 to 6, 10 and 12 for all nodes of a chunk of lanes: demand to fills, in one pass.

The pass over the slots (`_kernels_groups`) has left the demand on each supplier and the tightest
limit by inputs. A slot that limits only part of the output is looked at here, because its limit
depends on the desired output.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chokepoint.propagate._kernels_arrays import (
    CHILD,
    DECAYS,
    DEMAND,
    DESIRED,
    DISJOINT,
    ESSENTIAL,
    FILL,
    LIMIT,
    LOOK,
    MARKET,
    OUTPUT,
    PARTLY,
    PIPE,
    PUSHED,
    RAMP,
    ROUND_NEXT,
    ROUNDING,
    SAVES,
    STOCK,
    ChainArrays,
    Settings,
    ShockArrays,
    StateArrays,
)
from chokepoint.propagate._kernels_vector import (
    any_lane,
    at,
    compiled,
    constant,
    helper,
    inlined,
    larger,
    load,
    load_row,
    number,
    select,
    smaller,
    store,
    store_row,
)

__all__ = ["capacity_of", "reach_of", "step_sites"]

Vector = Any


@compiled
def step_sites(
    chain: ChainArrays,
    state: StateArrays,
    shocks: ShockArrays,
    settings: Settings,
    week: int,
    now: int,
) -> None:  # pragma: no cover  (compiled)
    """Decide output and fills of a week; `now` is the pipeline's row of the week."""
    width, lanes = len(state.wide), state.site.shape[2]
    early = settings.ramp and settings.late and week >= 2
    if early:
        # A process sees what its outputs can take, so these come first.
        for c in range(len(chain.children)):
            node = at(chain.children, c)
            for lane in range(0, lanes, width):
                _ramp_up_late(chain, state, node, lane, _demand(chain, state, node, lane))
    for p in range(len(chain.process)):
        for lane in range(0, lanes, width):
            _call_process(chain, state, shocks, p, lane)
    for node in range(state.site.shape[0]):
        kind = at(chain.node_kind, node)
        if kind & CHILD:
            continue
        for lane in range(0, lanes, width):
            _node(chain, state, shocks, settings, node, kind, lane, now, early)
    for c in range(len(chain.child_process)):
        for lane in range(0, lanes, width):
            _child(chain, state, shocks, settings, c, lane)


@inlined
def reach_of(
    chain: ChainArrays, state: StateArrays, g: int, kind: int, lane: int, available: Vector
) -> Vector:  # pragma: no cover  (compiled)
    """Step 4: deviation of the output that a slot allows, ``v / (k theta) - 1``."""
    throttle = number(chain.throttle, g, lane, state.wide)
    if kind & SAVES:
        throttle = throttle + throttle * load_row(state.saved, g, lane, state.wide)
        return (available - throttle) / throttle
    return (available - throttle) * number(chain.per_throttle, g, lane, state.wide)


@inlined
def capacity_of(
    state: StateArrays, shocks: ShockArrays, node: int, lane: int
) -> Vector:  # pragma: no cover  (compiled)
    row = at(shocks.node_row, node)
    if row < 0:
        return constant(1.0, state.site, state.wide)
    return load_row(shocks.capacity, row, lane, state.wide)


@inlined
def _demand(
    chain: ChainArrays, state: StateArrays, node: int, lane: int
) -> Vector:  # pragma: no cover  (compiled)
    """Step 2: demand on a node over all its classes."""
    demand = constant(0.0, state.supply, state.wide)
    for row in range(at(chain.row_first, node), at(chain.row_first, node + 1)):
        demand = demand + load(state.supply, row, DEMAND, lane, state.wide)
    return demand


@inlined
def _child_ceiling(
    state: StateArrays, shocks: ShockArrays, node: int, lane: int
) -> Vector:  # pragma: no cover  (compiled)
    """Step 3: a joint output has a ceiling of its own only in an outage."""
    capacity = capacity_of(state, shocks, node, lane)
    ramp = load(state.site, node, RAMP, lane, state.wide)
    return select(capacity < 1.0, capacity * ramp - 1.0, np.inf)


@inlined
def _call_process(
    chain: ChainArrays, state: StateArrays, shocks: ShockArrays, p: int, lane: int
) -> None:  # pragma: no cover  (compiled)
    """Step 12: a process follows its most wanted output."""
    most = constant(-1.0, state.site, state.wide)
    for c in range(at(chain.child_first, p), at(chain.child_first, p + 1)):
        node = at(chain.child, c)
        demand = _demand(chain, state, node, lane)
        called = smaller(demand, _child_ceiling(state, shocks, node, lane))
        most = larger(most, called - load_row(state.surplus, node, lane, state.wide))
    store(state.supply, at(chain.row_first, at(chain.process, p)), DEMAND, lane, most)


@inlined
def _node(
    chain: ChainArrays,
    state: StateArrays,
    shocks: ShockArrays,
    settings: Settings,
    node: int,
    kind: int,
    lane: int,
    now: int,
    early: int,
) -> None:  # pragma: no cover  (compiled)
    capacity = capacity_of(state, shocks, node, lane)
    if kind & MARKET:
        demand = capacity - 1.0
        if settings.backlog:
            demand = demand + load_row(state.waiting, node, lane, state.wide)
        row = at(shocks.node_row, node)
        if settings.rebuild and row >= 0:
            demand = demand + load_row(shocks.extra, row, lane, state.wide)
        desired = demand
    else:
        demand = _demand(chain, state, node, lane)
        if early:
            _ramp_up_late(chain, state, node, lane, demand)
        if settings.ramp:
            capacity = capacity * load(state.site, node, RAMP, lane, state.wide)
        if kind & DECAYS:
            capacity = capacity * load_row(state.kept, node, lane, state.wide)
        desired = smaller(capacity - 1.0, demand)
    if kind & LOOK:
        output = _limited(chain, state, node, lane, now, desired)
    else:
        output = smaller(desired, load(state.site, node, LIMIT, lane, state.wide))
    output = larger(output, -1.0)
    store(state.site, node, OUTPUT, lane, output)
    store(state.site, node, DESIRED, lane, desired)
    if not kind & MARKET:
        _serve(chain, state, shocks, settings, node, kind, lane, demand, output)
        if settings.discount > 0.0:
            _stand_idle(chain, state, node, lane, demand, output)
        if settings.ramp and not settings.late:
            _ramp_up(chain, state, node, lane, demand, output)
    elif settings.backlog:
        _put_on_list(chain, state, shocks, settings, node, lane, demand, output)


@inlined
def _put_on_list(
    chain: ChainArrays,
    state: StateArrays,
    shocks: ShockArrays,
    settings: Settings,
    node: int,
    lane: int,
    demand: Vector,
    output: Vector,
) -> None:  # pragma: no cover  (compiled)
    """Step 11: what a market wanted for itself and did not get waits."""
    missing = larger(demand - output, 0.0)
    row = at(shocks.node_row, node)
    if settings.rebuild and row >= 0:
        # Both kinds of demand are served in the same proportion.
        extra = load_row(shocks.extra, row, lane, state.wide)
        missing = missing - extra * select(1.0 + demand > 0.0, missing / (1.0 + demand), 0.0)
    backlog = number(chain.backlog, node, lane, state.wide)
    store_row(state.waiting, node, lane, backlog * missing)


@inlined
def _limited(
    chain: ChainArrays, state: StateArrays, node: int, lane: int, now: int, desired: Vector
) -> Vector:  # pragma: no cover  (compiled)
    """Step 4 where a slot limits part of the output only."""
    wide = state.wide
    scale = larger(desired, 0.0)
    limit = constant(np.inf, state.site, wide)
    short = constant(0.0, state.site, wide)
    for g in range(at(chain.group_first, node), at(chain.group_first, node + 1)):
        kind = at(chain.group_kind, g)
        if not kind & (ESSENTIAL | PARTLY | DISJOINT):
            continue
        arrived = load(state.group, g, PIPE + now, lane, wide)
        available = load(state.group, g, STOCK, lane, wide) + arrived + 1.0
        reach = reach_of(chain, state, g, kind, lane, available)
        if kind & ESSENTIAL:
            limit = smaller(limit, reach)
        if kind & PARTLY:
            eps = number(chain.eps, g, lane, wide)
            part = select(eps < 1.0, scale + eps * (reach - scale), reach)
            limit = select(eps > 0.0, smaller(limit, part), limit)
        if kind & DISJOINT:
            short = short + number(chain.phi, g, lane, wide) * larger(scale - reach, 0.0)
    whole = scale - short
    # A slot of a part of the output asks for it when it counts what was used.
    store(state.site, node, LIMIT, lane, whole)
    return smaller(smaller(desired, limit), whole)


@inlined
def _serve(
    chain: ChainArrays,
    state: StateArrays,
    shocks: ShockArrays,
    settings: Settings,
    node: int,
    kind: int,
    lane: int,
    demand: Vector,
    output: Vector,
) -> None:  # pragma: no cover  (compiled)
    if settings.equalising and not kind & PUSHED:
        _equalise(chain, state, shocks, settings, node, lane, demand, output)
    else:
        _fills(chain, state, node, kind, lane, demand, output)


@inlined
def _stand_idle(
    chain: ChainArrays, state: StateArrays, node: int, lane: int, demand: Vector, output: Vector
) -> None:  # pragma: no cover  (compiled)
    """Step 8: capacity that nobody asks for; buyers hear of it."""
    idle = select(demand - output <= ROUNDING, larger(0.0 - demand, 0.0), 0.0)
    store_row(state.idle, node, lane, idle)
    if any_lane(idle > 0.0):
        for row in range(at(chain.row_first, node), at(chain.row_first, node + 1)):
            state.short[row] = 1


@helper
def _equalise(
    chain: ChainArrays,
    state: StateArrays,
    shocks: ShockArrays,
    settings: Settings,
    node: int,
    lane: int,
    demand: Vector,
    output: Vector,
) -> None:  # pragma: no cover  (compiled)
    """Step 6: ratios of order to baseline order are raised together; a row is an order.

    While the level is sought, the row of the fill says who is filled in any case.
    """
    wide = state.wide
    first, end = at(chain.row_first, node), at(chain.row_first, node + 1)
    one, none = constant(1.0, state.supply, wide), constant(0.0, state.supply, wide)
    for row in range(first, end):
        asked = _asked(chain, state, settings, row, first, lane)
        store(state.supply, row, FILL, lane, select(asked <= state.rounding[0], one, none))
    level = none
    more = True
    while more:
        room, taken = none, none
        for row in range(first, end):
            full = load(state.supply, row, FILL, lane, wide) > 0.0
            asked = _asked(chain, state, settings, row, first, lane)
            base = _base(chain, state, shocks, settings, row, first, lane)
            room = room + select(full, 0.0, base)
            taken = taken + select(full, asked, 0.0)
        level = larger(1.0 + output - taken, 0.0) / room
        level = select(room > 0.0, level, 0.0)
        more = False
        for row in range(first, end):
            full = load(state.supply, row, FILL, lane, wide) > 0.0
            asked = _asked(chain, state, settings, row, first, lane)
            base = _base(chain, state, shocks, settings, row, first, lane)
            new = (asked <= level * base) & ~full
            if any_lane(new):
                more = True
                store(state.supply, row, FILL, lane, select(full | new, one, none))
    for row in range(first, end):
        full = load(state.supply, row, FILL, lane, wide) > 0.0
        asked = _asked(chain, state, settings, row, first, lane)
        base = _base(chain, state, shocks, settings, row, first, lane)
        fill = smaller(level * base / asked, 1.0) - 1.0
        fill = select(full | (output >= demand), 0.0, fill)
        store(state.supply, row, FILL, lane, fill)
        if lane == 0:
            state.short[row] = 0
        if any_lane(fill < 0.0):
            state.short[row] = 1
    for row in range(first, end):
        store(state.supply, row, DEMAND, lane, none)


@inlined
def _asked(
    chain: ChainArrays, state: StateArrays, settings: Settings, row: int, first: int, lane: int
) -> Vector:  # pragma: no cover  (compiled)
    """Return an order in units of the supplier's output; every second row is a detour."""
    asked = load(state.supply, row, DEMAND, lane, state.wide)
    if settings.detours and (row - first) % 2:
        return asked
    return number(chain.row_base, row, lane, state.wide) + asked


@inlined
def _base(
    chain: ChainArrays,
    state: StateArrays,
    shocks: ShockArrays,
    settings: Settings,
    row: int,
    first: int,
    lane: int,
) -> Vector:  # pragma: no cover  (compiled)
    """Return the baseline order: the flow, the reserve of a dormant one, the detour's width."""
    wide = state.wide
    if settings.detours and (row - first) % 2:
        special = at(shocks.cap_row, row)
        if special < 0:
            return constant(0.0, state.supply, wide)
        # What the orders of this week met; it becomes "now" once goods are delivered.
        share = load(shocks.cap, special, ROUND_NEXT, lane, wide)
        return share * number(chain.row_base, row - 1, lane, wide)
    return number(chain.row_share, row, lane, wide)


@inlined
def _ramp_up_late(
    chain: ChainArrays, state: StateArrays, node: int, lane: int, demand: Vector
) -> None:  # pragma: no cover  (compiled)
    """Step 10 with the output of the week before: scarcity has a sign, capacity a floor."""
    wide = state.wide
    ramp = load(state.site, node, RAMP, lane, wide)
    gap = demand - load(state.site, node, OUTPUT, lane, wide)
    scarcity = select(1.0 + demand > 0.0, gap / (1.0 + demand), 0.0)
    speed = number(chain.ramp_speed, node, lane, wide)
    up = (number(chain.ramp_max, node, lane, wide) - ramp) * scarcity * speed
    down = (1.0 - ramp) * speed
    least = state.rounding[0]
    moved = ramp + select((scarcity > least) | (scarcity < 0.0 - least), up, down)
    store(state.site, node, RAMP, lane, larger(moved, 1.0))


@inlined
def _fills(
    chain: ChainArrays,
    state: StateArrays,
    node: int,
    kind: int,
    lane: int,
    demand: Vector,
    output: Vector,
) -> None:  # pragma: no cover  (compiled)
    """Step 6: what is missing of an order, by class; the demand of next week starts at 0."""
    nothing = constant(0.0, state.supply, state.wide)
    first, end = at(chain.row_first, node), at(chain.row_first, node + 1)
    served = output >= demand
    # Orders that cancel leave a rest of rounding: nobody asks for anything.
    least = state.rounding[0]
    left = 1.0 + output
    for row in range(first, end):
        if kind & PUSHED:
            fill = output
        elif end - first == 1:
            fill = larger((output - demand) / (1.0 + demand), -1.0)
            fill = select(served | (1.0 + demand <= least), 0.0, fill)
        else:
            asked = number(chain.row_base, row, lane, state.wide)
            asked = asked + load(state.supply, row, DEMAND, lane, state.wide)
            fill = larger(smaller(left / asked, 1.0), 0.0) - 1.0
            fill = select(served | (asked <= least), 0.0, fill)
            left = left - asked
        store(state.supply, row, FILL, lane, fill)
        store(state.supply, row, DEMAND, lane, nothing)
        if lane == 0:
            state.short[row] = 0
        if any_lane(fill < 0.0):
            state.short[row] = 1


@inlined
def _ramp_up(
    chain: ChainArrays, state: StateArrays, node: int, lane: int, demand: Vector, output: Vector
) -> None:  # pragma: no cover  (compiled)
    """Step 10: capacity builds up where demand cannot be met, and falls back elsewhere."""
    wide = state.wide
    ramp = load(state.site, node, RAMP, lane, wide)
    scarcity = larger(demand - output, 0.0) / (1.0 + demand)
    scarcity = select(1.0 + demand > 0.0, scarcity, 0.0)
    speed = number(chain.ramp_speed, node, lane, wide)
    up = (number(chain.ramp_max, node, lane, wide) - ramp) * scarcity * speed
    down = (1.0 - ramp) * speed
    store(state.site, node, RAMP, lane, ramp + select(scarcity > ROUNDING, up, down))


@inlined
def _child(
    chain: ChainArrays,
    state: StateArrays,
    shocks: ShockArrays,
    settings: Settings,
    c: int,
    lane: int,
) -> None:  # pragma: no cover  (compiled)
    """Step 12: joint outputs follow the process; surplus is kept, then dumped."""
    wide = state.wide
    node = at(chain.children, c)
    kind = at(chain.node_kind, node)
    activity = load(state.site, at(chain.child_process, c), OUTPUT, lane, wide)
    demand = _demand(chain, state, node, lane)
    desired = smaller(_child_ceiling(state, shocks, node, lane), demand)
    if kind & PUSHED:
        capacity = capacity_of(state, shocks, node, lane)
        output = smaller(activity, select(capacity < 1.0, capacity - 1.0, np.inf))
        output = larger(output, -1.0)
    else:
        kept = load_row(state.surplus, node, lane, wide)
        output = larger(smaller(desired, activity + kept), -1.0)
        left = larger(kept + activity - output, 0.0)
        most = number(chain.surplus_weeks, node, lane, wide)
        store_row(state.surplus, node, lane, smaller(left, most))
    store(state.site, node, OUTPUT, lane, output)
    store(state.site, node, DESIRED, lane, desired)
    _serve(chain, state, shocks, settings, node, kind, lane, demand, output)
    if settings.discount > 0.0:
        _stand_idle(chain, state, node, lane, demand, output)
    if settings.ramp and not settings.late:
        _ramp_up(chain, state, node, lane, demand, output)
