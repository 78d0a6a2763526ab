"""Steps 1, 2, 5, 7, 8 and 9 for all slots of a chunk of lanes, in one pass.

A slot first gets what its suppliers ship, on the orders that were written a week ago; then it
uses, counts and orders again, and its orders become next week's demand on the suppliers.

A slot is *plain* while its orders are nothing but baseline shares in every lane: then the order on
a flow is ``sigma (1 + r)`` and nothing is kept per flow. Otherwise it is *live*. Both ways compute
the same numbers for a lane to which nothing has happened, whatever happens to its neighbours.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chokepoint.propagate._kernels_arrays import (
    AHEAD,
    DECAYS,
    FILL,
    LIMIT,
    LOOK,
    MAINTAINS,
    ORDER,
    PIPE,
    PLACED,
    ROUNDING,
    STOCK,
    TAKES_PUSHED,
    TRUST,
    WEIGHT,
    ChainArrays,
    Settings,
    ShockArrays,
    StateArrays,
)
from chokepoint.propagate._kernels_live import live_slot
from chokepoint.propagate._kernels_slots import ask, room_of, settle, used_of
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
    prefetch,
    select,
    smaller,
    store,
    store_row,
)

__all__ = ["step_groups", "use_slots"]


@compiled
def step_groups(
    chain: ChainArrays,
    state: StateArrays,
    shocks: ShockArrays,
    settings: Settings,
    week: int,
    now: int,
) -> None:  # pragma: no cover  (compiled)
    """Deliver, use and order in `week`; `now` is its row of the pipeline."""
    width, lanes = len(state.wide), state.site.shape[2]
    nothing = constant(np.inf, state.site, state.wide)
    if len(state.kept):
        _wear(chain, state, now)
    for node in range(state.site.shape[0]):
        first, end = at(chain.group_first, node), at(chain.group_first, node + 1)
        if first == end:
            continue
        if not at(chain.node_kind, node) & LOOK:
            for lane in range(0, lanes, width):
                store(state.site, node, LIMIT, lane, nothing)
        for g in range(first, end):
            if state.live[g] == 0 and _wakes(chain, state, shocks, settings, g):
                _wake(chain, state, settings, g, now)
            if state.live[g]:
                live_slot(chain, state, shocks, settings, node, g, week, now)
            else:
                _plain(chain, state, settings, node, g, now)


@compiled
def use_slots(
    chain: ChainArrays, state: StateArrays, now: int, used: Any
) -> None:  # pragma: no cover  (compiled)
    """Write the use of all slots, without moving anything."""
    wide, width = state.wide, len(state.wide)
    for node in range(state.site.shape[0]):
        for g in range(at(chain.group_first, node), at(chain.group_first, node + 1)):
            kind = at(chain.group_kind, g)
            for lane in range(0, state.site.shape[2], width):
                full = load(state.group, g, STOCK, lane, wide)
                full = full + load(state.group, g, PIPE + now, lane, wide)
                store_row(used, g, lane, used_of(chain, state, node, g, kind, lane, full))


@helper
def _wear(chain: ChainArrays, state: StateArrays, now: int) -> None:  # pragma: no cover  (compiled)
    """Step 11: capacity is lost without the inputs that keep it alive, and repaired later."""
    wide, width, lanes = state.wide, len(state.wide), state.site.shape[2]
    for node in range(len(state.kept)):
        if not at(chain.node_kind, node) & DECAYS:
            continue
        for lane in range(0, lanes, width):
            kept = load_row(state.kept, node, lane, wide)
            worst = constant(0.0, state.kept, wide)
            for g in range(at(chain.group_first, node), at(chain.group_first, node + 1)):
                if at(chain.group_kind, g) & MAINTAINS:
                    arrived = load(state.group, g, PIPE + now, lane, wide)
                    available = load(state.group, g, STOCK, lane, wide) + arrived + 1.0
                    decay = number(chain.decay, g, lane, wide)
                    short = select(decay > 0.0, larger(1.0 - available, 0.0), 0.0)
                    kept = kept * (1.0 - decay * short)
                    worst = larger(worst, short)
            repaired = kept + (1.0 - kept) / number(chain.repair, node, lane, wide)
            store_row(state.kept, node, lane, select(worst > ROUNDING, kept, repaired))


@inlined
def _wakes(
    chain: ChainArrays, state: StateArrays, shocks: ShockArrays, settings: Settings, g: int
) -> bool:  # pragma: no cover  (compiled)
    """Return whether anything but baseline shares acts on a slot from now on."""
    if settings.by_capacity or at(shocks.group_hit, g):
        return True
    if settings.switching and not at(chain.group_kind, g) & TAKES_PUSHED:
        first, end = at(chain.part_first, g), at(chain.part_first, g + 1)
        for e in range(at(chain.part_edge, first), at(chain.part_edge, end)):
            if at(state.short, at(chain.edge_row, e)):
                return True
    return False


@helper
def _wake(
    chain: ChainArrays, state: StateArrays, settings: Settings, g: int, now: int
) -> None:  # pragma: no cover  (compiled)
    """Write down what is known of a plain slot: its flows' orders, weights, reliabilities."""
    wide, width, lanes = state.wide, len(state.wide), state.site.shape[2]
    slots = state.group.shape[1] - PIPE
    first, end = at(chain.part_first, g), at(chain.part_first, g + 1)
    longest = at(chain.part_lead, first)
    for lane in range(0, lanes, width):
        order = load(state.group, g, ORDER, lane, wide)
        for e in range(at(chain.part_edge, first), at(chain.part_edge, end)):
            sigma = number(chain.sigma, e, lane, wide)
            store(state.edge, e, PLACED, lane, sigma * order)
            if settings.switching:
                store(state.edge, e, WEIGHT, lane, sigma)
                store(state.edge, e, TRUST, lane, constant(1.0, state.edge, wide))
        if settings.switching:
            store_row(state.trigger, g, lane, constant(np.inf, state.edge, wide))
        # A plain slot overwrites its pipeline, a live one adds to it.
        for ahead in range(longest, slots):
            part = PIPE + (now + ahead) % slots
            store(state.group, g, part, lane, constant(0.0, state.group, wide))
    state.live[g] = 1


@inlined
def _plain(
    chain: ChainArrays, state: StateArrays, settings: Settings, node: int, g: int, now: int
) -> None:  # pragma: no cover  (compiled)
    wide, width, lanes = state.wide, len(state.wide), state.site.shape[2]
    slots = state.group.shape[1] - PIPE
    first, end = at(chain.part_first, g), at(chain.part_first, g + 1)
    from_edge, to_edge = at(chain.part_edge, first), at(chain.part_edge, end)
    kind = at(chain.group_kind, g)
    still = settings.frozen or kind & TAKES_PUSHED
    exceeded = False
    if width == 1:
        for e in range(from_edge, to_edge):
            prefetch(state.supply, at(chain.edge_row, e + AHEAD), 0)
    for lane in range(0, lanes, width):
        order = load(state.group, g, ORDER, lane, wide)
        received = constant(0.0, state.group, wide)
        for p in range(first, end):
            sent = constant(0.0, state.group, wide)
            for e in range(at(chain.part_edge, p), at(chain.part_edge, p + 1)):
                fill = load(state.supply, at(chain.edge_row, e), FILL, lane, wide)
                sigma = number(chain.sigma, e, lane, wide)
                placed = sigma * order
                sent = sent + (placed + (sigma + placed) * fill)
            part = now + at(chain.part_lead, p)
            part = PIPE + (part - slots if part >= slots else part)
            if p > first:
                store(state.group, g, part, lane, load(state.group, g, part, lane, wide) + sent)
            else:
                store(state.group, g, part, lane, sent)
            received = received + sent
        order = settle(chain, state, settings, node, g, kind, lane, now, received, received)
        if still:
            continue
        bounded = any_lane(order > number(chain.growth_least, g, lane, wide))
        exceeded = exceeded or bounded
        for e in range(from_edge, to_edge):
            sigma = number(chain.sigma, e, lane, wide)
            placed = sigma * order
            if bounded:
                placed = smaller(placed, room_of(chain, e, sigma, lane, wide))
            ask(chain, state, e, at(chain.edge_row, e), lane, placed)
    if exceeded:
        _wake(chain, state, settings, g, (now + 1) % slots)
        for lane in range(0, lanes, width):
            for e in range(from_edge, to_edge):
                sigma = number(chain.sigma, e, lane, wide)
                placed = load(state.edge, e, PLACED, lane, wide)
                placed = smaller(placed, room_of(chain, e, sigma, lane, wide))
                store(state.edge, e, PLACED, lane, placed)
