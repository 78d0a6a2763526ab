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
    ACCEPTED,
    AHEAD,
    ASKED,
    DECAYS,
    DEMAND,
    DESIRED,
    DISJOINT,
    ESSENTIAL,
    FILL,
    GOODS,
    LIMIT,
    LOOK,
    MAINTAINS,
    MARKET,
    MOST,
    NEXT,
    NOW,
    ORDER,
    OUTPUT,
    OUTSTANDING,
    PIPE,
    PLACED,
    POSITION,
    QUEUE,
    RAMP,
    RATE,
    REALISED,
    RELEASE,
    ROUND_ASKED,
    ROUND_NEXT,
    ROUND_NOW,
    SAVES,
    STOCK,
    STORES,
    TAKEN,
    TAKES_PUSHED,
    TOLD,
    TRUST,
    USE,
    WAITING,
    WEIGHT,
    ChainArrays,
    Settings,
    ShockArrays,
    StateArrays,
)
from chokepoint.propagate._kernels_sites import capacity_of, reach_of
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

Vector = Any

_ROUNDING = 1e-6


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
                _live(chain, state, shocks, settings, node, g, week, now)
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
            store_row(state.kept, node, lane, select(worst > _ROUNDING, kept, repaired))


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
        order = _settle(chain, state, settings, node, g, kind, lane, now, received, received)
        if still:
            continue
        bounded = any_lane(order > number(chain.growth_least, g, lane, wide))
        exceeded = exceeded or bounded
        for e in range(from_edge, to_edge):
            sigma = number(chain.sigma, e, lane, wide)
            placed = sigma * order
            if bounded:
                placed = smaller(placed, _room(chain, e, sigma, lane, wide))
            _ask(chain, state, e, at(chain.edge_row, e), lane, placed)
    if exceeded:
        _wake(chain, state, settings, g, (now + 1) % slots)
        for lane in range(0, lanes, width):
            for e in range(from_edge, to_edge):
                sigma = number(chain.sigma, e, lane, wide)
                placed = load(state.edge, e, PLACED, lane, wide)
                placed = smaller(placed, _room(chain, e, sigma, lane, wide))
                store(state.edge, e, PLACED, lane, placed)


@inlined
def _room(
    chain: ChainArrays, e: int, sigma: Vector, lane: int, wide: tuple[int, ...]
) -> Vector:  # pragma: no cover  (compiled)
    """Return by how much an order may grow before the supplier is qualified for more."""
    if at(chain.dormant, e):
        return sigma * 0.0
    return number(chain.growth, e, lane, wide) * sigma


@inlined
def _ask(
    chain: ChainArrays, state: StateArrays, e: int, row: int, lane: int, placed: Vector
) -> None:  # pragma: no cover  (compiled)
    """Add an order to the demand on its supplier."""
    demand = load(state.supply, row, DEMAND, lane, state.wide)
    demand = demand + number(chain.kappa, e, lane, state.wide) * placed
    store(state.supply, row, DEMAND, lane, demand)


@inlined
def _settle(
    chain: ChainArrays,
    state: StateArrays,
    settings: Settings,
    node: int,
    g: int,
    kind: int,
    lane: int,
    now: int,
    received: Vector,
    promised: Vector,
) -> Vector:  # pragma: no cover  (compiled)
    """Steps 5 and 9: use, stock, position; return the new order."""
    wide = state.wide
    slots = state.group.shape[1] - PIPE
    stock = load(state.group, g, STOCK, lane, wide)
    full = stock + load(state.group, g, PIPE + now, lane, wide)
    used = used_of(chain, state, node, g, kind, lane, full)
    if kind & STORES:
        stock = larger(full - used, 0.0)
        store(state.group, g, STOCK, lane, stock)
    position = load(state.group, g, POSITION, lane, wide) - used + promised
    store(state.group, g, POSITION, lane, position)
    order = load(state.group, g, ORDER, lane, wide)
    if kind & SAVES:
        _save(chain, state, g, lane, order, received)
    if kind & ESSENTIAL and not at(chain.node_kind, node) & LOOK:
        part = 0 if now + 1 == slots else now + 1
        available = stock + load(state.group, g, PIPE + part, lane, wide) + 1.0
        reach = reach_of(chain, state, g, kind, lane, available)
        limit = smaller(load(state.site, node, LIMIT, lane, wide), reach)
        store(state.site, node, LIMIT, lane, limit)
    if settings.frozen or kind & TAKES_PUSHED:
        return order
    order = _renew(chain, state, settings, node, g, kind, lane, used, position)
    store(state.group, g, ORDER, lane, order)
    return order


@inlined
def _renew(
    chain: ChainArrays,
    state: StateArrays,
    settings: Settings,
    node: int,
    g: int,
    kind: int,
    lane: int,
    used: Vector,
    position: Vector,
) -> Vector:  # pragma: no cover  (compiled)
    """Step 9: the order of next week."""
    wide = state.wide
    desired = load(state.site, node, DESIRED, lane, wide)
    wished = _need(chain, state, g, kind, lane, desired)
    if not kind & STORES:
        return wished
    per_reorder = number(chain.per_reorder, g, lane, wide)
    target = number(chain.target, g, lane, wide)
    if settings.rule == USE:
        return used + larger(target * wished - position, 0.0) * per_reorder
    if settings.rule == REALISED and not at(chain.node_kind, node) & MARKET:
        output = load(state.site, node, OUTPUT, lane, wide)
        wished = _need(chain, state, g, kind, lane, output)
    return larger(wished + (target * wished - position) * per_reorder, -1.0)


@inlined
def _need(
    chain: ChainArrays, state: StateArrays, g: int, kind: int, lane: int, run: Vector
) -> Vector:  # pragma: no cover  (compiled)
    """Return the use of a buyer that runs at 1 + `run`: what it saves, and upkeep apart."""
    if kind & SAVES:
        run = run + load_row(state.saved, g, lane, state.wide) * (1.0 + run)
    if kind & MAINTAINS:
        run = select(number(chain.decay, g, lane, state.wide) > 0.0, 0.0, run)
    return run


@inlined
def _save(
    chain: ChainArrays, state: StateArrays, g: int, lane: int, order: Vector, received: Vector
) -> None:  # pragma: no cover  (compiled)
    """Step 11: who runs short learns to do with less."""
    wide = state.wide
    saved = load_row(state.saved, g, lane, wide)
    asked = 1.0 + order
    missing = larger(order - received, 0.0) / asked
    missing = select(asked > _ROUNDING, missing, 0.0)
    lower = saved - (1.0 + saved) * number(chain.thrift, g, lane, wide) * missing
    lower = larger(lower, number(chain.floor, g, lane, wide) - 1.0)
    store_row(state.saved, g, lane, select(missing > _ROUNDING, lower, saved))


@inlined
def used_of(
    chain: ChainArrays,
    state: StateArrays,
    node: int,
    g: int,
    kind: int,
    lane: int,
    full: Vector,
) -> Vector:  # pragma: no cover  (compiled)
    """Step 5: deviation of use; `full` is that of all that can be used."""
    run = load(state.site, node, OUTPUT, lane, state.wide)
    if kind & DISJOINT:
        run = _part_run(chain, state, node, g, kind, lane, full, run)
    return smaller(_need(chain, state, g, kind, lane, run), full)


@inlined
def _part_run(
    chain: ChainArrays,
    state: StateArrays,
    node: int,
    g: int,
    kind: int,
    lane: int,
    full: Vector,
    output: Vector,
) -> Vector:  # pragma: no cover  (compiled)
    """Return how far a part of the output runs: as far as its slot goes, at the site's load."""
    wide = state.wide
    scale = larger(load(state.site, node, DESIRED, lane, wide), 0.0)
    reach = reach_of(chain, state, g, kind, lane, full + 1.0)
    part = scale + smaller(reach - scale, 0.0)
    whole = 1.0 + load(state.site, node, LIMIT, lane, wide)
    share = larger(smaller((1.0 + output) / whole, 1.0), 0.0)
    share = select(whole > 0.0, share, 0.0)
    run = share * (1.0 + part) - 1.0
    return select(number(chain.phi, g, lane, wide) > 0.0, run, output)


@inlined
def _live(
    chain: ChainArrays,
    state: StateArrays,
    shocks: ShockArrays,
    settings: Settings,
    node: int,
    g: int,
    week: int,
    now: int,
) -> None:  # pragma: no cover  (compiled)
    wide, width, lanes = state.wide, len(state.wide), state.site.shape[2]
    first, end = at(chain.part_first, g), at(chain.part_first, g + 1)
    from_edge, to_edge = at(chain.part_edge, first), at(chain.part_edge, end)
    kind = at(chain.group_kind, g)
    hit = at(shocks.group_hit, g)
    moves = settings.switching and not kind & TAKES_PUSHED
    by_capacity = (
        settings.by_capacity and not kind & TAKES_PUSHED and not at(chain.node_kind, node) & MARKET
    )
    bounded = False
    for lane in range(0, lanes, width):
        before = load(state.group, g, ORDER, lane, wide)
        received, promised = _deliver(chain, state, shocks, settings, g, kind, hit, lane, now)
        # What waited in the pipeline is used now; the row is free for what comes later.
        order = _settle(chain, state, settings, node, g, kind, lane, now, received, promised)
        store(state.group, g, PIPE + now, lane, constant(0.0, state.group, wide))
        if moves:
            _look_elsewhere(chain, state, shocks, settings, g, hit, week, lane, before, received)
        bounded = bounded or any_lane(order > number(chain.growth_least, g, lane, wide))
        scale = constant(1.0, state.group, wide)
        if by_capacity:
            scale = _capacity_scale(chain, state, shocks, from_edge, to_edge, lane)
        for e in range(from_edge, to_edge):
            sigma = number(chain.sigma, e, lane, wide)
            if moves:
                weight = load(state.edge, e, WEIGHT, lane, wide)
                placed = (weight - sigma) + weight * order
                ready = load_row(state.trigger, g, lane, wide) + number(
                    chain.qualification, e, lane, wide
                )
                room = _room(chain, e, sigma, lane, wide)
                if at(chain.dormant, e):
                    then = number(chain.reserve, e, lane, wide)
                else:
                    then = constant(np.inf, state.edge, wide)
                placed = smaller(placed, select(ready <= week + 1, then, room))
            else:
                placed = sigma * order
                if by_capacity:
                    weight = sigma * capacity_at(chain, state, shocks, e, lane) / scale
                    weight = select(scale > 0.0, weight, sigma)
                    placed = (weight - sigma) + weight * order
                placed = smaller(placed, _room(chain, e, sigma, lane, wide))
            if hit:
                special = at(shocks.edge_special, e)
                if special >= 0:
                    asked = placed
                    placed = _capped(state, shocks, special, lane, sigma, placed, NEXT)
                    if settings.detours and not kind & TAKES_PUSHED:
                        most = load(shocks.cap, special, ROUND_NEXT, lane, wide) * sigma
                        detour = smaller(asked - placed, most)
                        store(shocks.cap, special, ROUND_ASKED, lane, detour)
                        row = at(chain.edge_row, e) + settings.equalising
                        _ask(chain, state, e, row, lane, detour)
                    licence = at(shocks.licence_of, special)
                    if licence >= 0:
                        placed = _queue(shocks, special, licence, lane, wide, sigma, placed)
            store(state.edge, e, PLACED, lane, placed)
            if not kind & TAKES_PUSHED:
                _ask(chain, state, e, at(chain.edge_row, e), lane, placed)
    if not (settings.switching or settings.by_capacity or bounded or hit):
        state.live[g] = 0


@inlined
def capacity_at(
    chain: ChainArrays, state: StateArrays, shocks: ShockArrays, e: int, lane: int
) -> Vector:  # pragma: no cover  (compiled)
    """Return the capacity of a flow's supplier over baseline."""
    node = at(chain.row_node, at(chain.edge_row, e))
    capacity = capacity_of(state, shocks, node, lane)
    capacity = capacity * load(state.site, node, RAMP, lane, state.wide)
    if at(chain.node_kind, node) & DECAYS:
        capacity = capacity * load_row(state.kept, node, lane, state.wide)
    return capacity


@inlined
def _capacity_scale(
    chain: ChainArrays,
    state: StateArrays,
    shocks: ShockArrays,
    from_edge: int,
    to_edge: int,
    lane: int,
) -> Vector:  # pragma: no cover  (compiled)
    """Return the mean capacity of a slot's suppliers; exactly 1 at baseline."""
    pull = constant(0.0, state.group, state.wide)
    whole = constant(0.0, state.group, state.wide)
    for e in range(from_edge, to_edge):
        sigma = number(chain.sigma, e, lane, state.wide)
        pull = pull + capacity_at(chain, state, shocks, e, lane) * sigma
        whole = whole + sigma
    return select(whole > 0.0, pull / whole, 0.0)


@inlined
def _capped(
    state: StateArrays,
    shocks: ShockArrays,
    special: int,
    lane: int,
    sigma: Vector,
    amount: Vector,
    when: int,
) -> Vector:  # pragma: no cover  (compiled)
    """Return a deviation under the cap on the baseline flow."""
    allowed = load(shocks.cap, special, when, lane, state.wide)
    most = select(allowed < 1.0, allowed * sigma - sigma, np.inf)
    return smaller(amount, most)


@inlined
def _queue(
    shocks: ShockArrays,
    special: int,
    licence: int,
    lane: int,
    wide: tuple[int, ...],
    sigma: Vector,
    placed: Vector,
) -> Vector:  # pragma: no cover  (compiled)
    """Step 2b: a licensed order waits; return what the exporter makes, as a deviation."""
    papers = shocks.licence
    asked = sigma + placed
    release = load(papers, licence, RELEASE, lane, wide)
    queue = load(papers, licence, QUEUE, lane, wide)
    goods = load(papers, licence, GOODS, lane, wide)
    active = release < np.inf
    waiting = active | (queue > 0.0)
    accepted = asked * load(papers, licence, TAKEN, lane, wide)
    outstanding = queue + accepted
    rate = smaller(select(active, release * sigma, np.inf), outstanding)
    allowed = load(shocks.cap, special, NEXT, lane, wide)
    rate = smaller(rate, select(allowed < 1.0, allowed * sigma, np.inf))
    room = load(papers, licence, MOST, lane, wide) + rate - goods
    make = larger(smaller(outstanding - goods, room), 0.0)
    store(papers, licence, ASKED, lane, asked)
    store(papers, licence, ACCEPTED, lane, accepted)
    one, none = constant(1.0, papers, wide), constant(0.0, papers, wide)
    store(papers, licence, WAITING, lane, select(waiting, one, none))
    store(papers, licence, OUTSTANDING, lane, outstanding)
    store(papers, licence, RATE, lane, rate)
    return select(waiting, make - sigma, placed)


@inlined
def _deliver(
    chain: ChainArrays,
    state: StateArrays,
    shocks: ShockArrays,
    settings: Settings,
    g: int,
    kind: int,
    hit: int,
    lane: int,
    now: int,
) -> tuple[Vector, Vector]:  # pragma: no cover  (compiled)
    """Steps 6 to 8: what suppliers ship, and how far it shows that they can be relied on.

    Return what was sent and what the position counts, which includes orders that wait.
    """
    wide = state.wide
    slots = state.group.shape[1] - PIPE
    received = constant(0.0, state.group, wide)
    promised = constant(0.0, state.group, wide)
    learns = settings.switching and not kind & TAKES_PUSHED
    for p in range(at(chain.part_first, g), at(chain.part_first, g + 1)):
        sent = constant(0.0, state.group, wide)
        for e in range(at(chain.part_edge, p), at(chain.part_edge, p + 1)):
            sigma = number(chain.sigma, e, lane, wide)
            missing = load(state.supply, at(chain.edge_row, e), FILL, lane, wide)
            placed = load(state.edge, e, PLACED, lane, wide)
            fill = 1.0 + missing
            if kind & TAKES_PUSHED:
                shipped = sigma * missing
            else:
                shipped = placed + (sigma + placed) * missing
            if hit:
                special = at(shocks.edge_special, e)
                if special >= 0:
                    if kind & TAKES_PUSHED:
                        made = shipped
                        shipped = _capped(state, shocks, special, lane, sigma, shipped, NOW)
                        most = load(shocks.cap, special, ROUND_NOW, lane, wide) * sigma
                        stopped = smaller(made - shipped, most)
                        store(shocks.cap, special, ROUND_ASKED, lane, stopped)
                    if settings.detours:
                        detour = load(shocks.cap, special, ROUND_ASKED, lane, wide)
                        if not kind & TAKES_PUSHED:
                            row = at(chain.edge_row, e) + settings.equalising
                            detour = detour * (1.0 + load(state.supply, row, FILL, lane, wide))
                        lead = now + at(chain.part_lead, p)
                        _go_round(state, shocks, special, g, lane, lead, detour)
                        received = received + detour
                    licence = at(shocks.licence_of, special)
                    if licence >= 0:
                        shipped, fill, waits = _release(
                            shocks, licence, lane, wide, sigma, shipped, fill, state.rounding[0]
                        )
                        promised = promised + waits
                    trusted = load(shocks.cap, special, NOW, lane, wide)
                    if settings.detours:
                        trusted = trusted + load(shocks.cap, special, ROUND_NOW, lane, wide)
                    fill = fill * smaller(trusted, 1.0)
            if learns:
                trust = load(state.edge, e, TRUST, lane, wide)
                trust = trust + (fill - trust) * settings.memory
                store(state.edge, e, TRUST, lane, trust)
            sent = sent + shipped
        part = now + at(chain.part_lead, p)
        part = PIPE + (part - slots if part >= slots else part)
        store(state.group, g, part, lane, load(state.group, g, part, lane, wide) + sent)
        received = received + sent
    return received, received + promised


@helper
def _go_round(
    state: StateArrays,
    shocks: ShockArrays,
    special: int,
    g: int,
    lane: int,
    lead: int,
    detour: Vector,
) -> None:  # pragma: no cover  (compiled)
    """Put goods on the detour under way; how long it takes differs between lanes."""
    slots = state.group.shape[1] - PIPE
    store_row(state.scratch, 0, 0, detour)
    for k in range(len(state.wide)):
        part = PIPE + (lead + shocks.detour_weeks[special, lane + k]) % slots
        state.group[g, part, lane + k] += state.scratch[0, k]


@inlined
def _release(
    shocks: ShockArrays,
    licence: int,
    lane: int,
    wide: tuple[int, ...],
    sigma: Vector,
    shipped: Vector,
    fill: Vector,
    least: float,
) -> tuple[Vector, Vector, Vector]:  # pragma: no cover  (compiled)
    """Step 2b: goods leave as licences come. Return them, their fill, and what still waits."""
    papers = shocks.licence
    waiting = load(papers, licence, WAITING, lane, wide) > 0.0
    rate = load(papers, licence, RATE, lane, wide)
    ready = load(papers, licence, GOODS, lane, wide) + (sigma + shipped)
    sent = smaller(ready, rate)
    kept = smaller(ready - sent, load(papers, licence, MOST, lane, wide))
    store(papers, licence, GOODS, lane, select(waiting, kept, 0.0))
    left = load(papers, licence, OUTSTANDING, lane, wide) - sent
    queue = select(waiting & (left > _ROUNDING), left, 0.0)
    store(papers, licence, QUEUE, lane, queue)
    asked = load(papers, licence, ASKED, lane, wide)
    # An order that is nothing but a rest of rounding cannot be left unserved.
    served = select(asked > least, larger(smaller(sent / asked, 1.0), 0.0), 1.0)
    waits = select(waiting, load(papers, licence, ACCEPTED, lane, wide) - sent, 0.0)
    return select(waiting, sent - sigma, shipped), select(waiting, served, fill), waits


@inlined
def _look_elsewhere(
    chain: ChainArrays,
    state: StateArrays,
    shocks: ShockArrays,
    settings: Settings,
    g: int,
    hit: int,
    week: int,
    lane: int,
    order: Vector,
    received: Vector,
) -> None:  # pragma: no cover  (compiled)
    """Step 8: a shortage starts the search; order shares move towards reliable suppliers."""
    wide = state.wide
    first, end = at(chain.part_first, g), at(chain.part_first, g + 1)
    edges = (at(chain.part_edge, first), at(chain.part_edge, end))
    trigger = load_row(state.trigger, g, lane, wide)
    missing = order - received - settings.trigger * (1.0 + order)
    short = (missing > _ROUNDING) & (trigger == np.inf)
    if any_lane(short):
        trigger = select(short, week, trigger)
        store_row(state.trigger, g, lane, trigger)
    moving = trigger <= week
    if any_lane(moving):
        _shares(chain, state, settings, g, edges, week, lane)
        for e in range(edges[0], edges[1]):
            weight = load(state.edge, e, WEIGHT, lane, wide)
            share = load_row(state.scratch, e - edges[0], 0, wide)
            step = (share - weight) * select(
                moving, constant(settings.speed, state.edge, wide), 0.0
            )
            store(state.edge, e, WEIGHT, lane, weight + step)
    if hit:
        _redirect(chain, state, shocks, settings, g, edges, week, lane)


@helper
def _redirect(
    chain: ChainArrays,
    state: StateArrays,
    shocks: ShockArrays,
    settings: Settings,
    g: int,
    edges: tuple[int, int],
    week: int,
    lane: int,
) -> None:  # pragma: no cover  (compiled)
    """A boycott of next week is known to the buyer: orders move at once."""
    wide = state.wide
    told = constant(0.0, state.edge, wide) > 1.0
    for e in range(edges[0], edges[1]):
        special = at(shocks.edge_special, e)
        if special >= 0:
            flagged = load(shocks.cap, special, TOLD, lane, wide) > 0.0
            weight = load(state.edge, e, WEIGHT, lane, wide)
            trust = load(state.edge, e, TRUST, lane, wide)
            known = smaller(trust, load(shocks.cap, special, NEXT, lane, wide))
            store(state.edge, e, TRUST, lane, select(flagged, known, trust))
            told = told | (flagged & (weight > 0.0))
    if not any_lane(told):
        return
    trigger = load_row(state.trigger, g, lane, wide)
    since = smaller(trigger, week + 1)
    store_row(state.trigger, g, lane, select(told, since, trigger))
    _shares(chain, state, settings, g, edges, week + 1, lane)
    for e in range(edges[0], edges[1]):
        weight = load(state.edge, e, WEIGHT, lane, wide)
        share = load_row(state.scratch, e - edges[0], 0, wide)
        store(state.edge, e, WEIGHT, lane, select(told, share, weight))


@helper
def _shares(
    chain: ChainArrays,
    state: StateArrays,
    settings: Settings,
    g: int,
    edges: tuple[int, int],
    week: int,
    lane: int,
) -> None:  # pragma: no cover  (compiled)
    """Write new order shares to `scratch`: by reliability, within limits, adding up to one.

    Rows of scratch: the pull of each flow, then its bound; at the end the shares.
    """
    wide, width = state.wide, len(state.wide)
    count = edges[1] - edges[0]
    trigger = load_row(state.trigger, g, lane, wide)
    everything = constant(0.0, state.edge, wide)
    infinite = constant(np.inf, state.edge, wide)
    for i in range(count):
        e = edges[0] + i
        sigma = number(chain.sigma, e, lane, wide)
        reserve = number(chain.reserve, e, lane, wide)
        ready = trigger + number(chain.qualification, e, lane, wide) <= week
        # A little trust is left, so that a buyer whose suppliers all fail stays with them.
        pull = larger(load(state.edge, e, TRUST, lane, wide), _ROUNDING)
        if settings.exponent != 1.0:
            store_row(state.scratch, i, 0, pull)
            for k in range(width):
                state.scratch[i, k] = state.scratch[i, k] ** settings.exponent
            pull = load_row(state.scratch, i, 0, wide)
        pull = pull * select(ready, sigma + reserve, sigma)
        if at(chain.dormant, e):
            bound = select(ready, reserve, 0.0)
        else:
            bound = select(ready, infinite, (1.0 + number(chain.growth, e, lane, wide)) * sigma)
        store_row(state.scratch, i, 0, pull)
        store_row(state.scratch, count + i, 0, bound)
        everything = everything + pull
    scale = select(everything > 0.0, 1.0 / everything, 0.0)
    before = constant(0.0, state.edge, wide)
    while True:
        taken = constant(0.0, state.edge, wide)
        weight = constant(0.0, state.edge, wide)
        changed = taken > 1.0
        for i in range(count):
            pull = load_row(state.scratch, i, 0, wide)
            bound = load_row(state.scratch, count + i, 0, wide)
            full = scale * pull > bound
            changed = changed | (full & ~(before * pull > bound))
            taken = taken + select(full, bound, 0.0)
            weight = weight + select(full, 0.0, pull)
        if not any_lane(changed):
            break
        before = scale
        spread = select(weight > 0.0, larger((1.0 - taken) / weight, 0.0), 0.0)
        scale = larger(spread, scale)
    for i in range(count):
        share = scale * load_row(state.scratch, i, 0, wide)
        bound = load_row(state.scratch, count + i, 0, wide)
        store_row(state.scratch, i, 0, smaller(share, bound))
