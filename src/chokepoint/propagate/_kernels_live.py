"""One live slot: its flows have orders, shares or caps of their own in some lane."""

from __future__ import annotations

from typing import Any

import numpy as np

from chokepoint.propagate._kernels_arrays import (
    ACCEPTED,
    ASKED,
    DECAYS,
    FILL,
    GOODS,
    MARKET,
    MOST,
    NEXT,
    NOW,
    ORDER,
    OUTSTANDING,
    PIPE,
    PLACED,
    QUEUE,
    RAMP,
    RATE,
    RELEASE,
    ROUND_ASKED,
    ROUND_NEXT,
    ROUND_NOW,
    ROUNDING,
    TAKEN,
    TAKES_PUSHED,
    TRUST,
    WAITING,
    WEIGHT,
    ChainArrays,
    Settings,
    ShockArrays,
    StateArrays,
)
from chokepoint.propagate._kernels_sites import capacity_of
from chokepoint.propagate._kernels_slots import ask, room_of, settle
from chokepoint.propagate._kernels_suppliers import look_elsewhere
from chokepoint.propagate._kernels_vector import (
    any_lane,
    at,
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

__all__ = ["live_slot"]

Vector = Any


@inlined
def live_slot(
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
        received, promised, offered = _deliver(
            chain, state, shocks, settings, g, kind, hit, lane, now
        )
        # What waited in the pipeline is used now; the row is free for what comes later.
        order = settle(chain, state, settings, node, g, kind, lane, now, received, promised)
        store(state.group, g, PIPE + now, lane, constant(0.0, state.group, wide))
        if moves:
            look_elsewhere(
                chain, state, shocks, settings, g, hit, week, lane, before, received, offered
            )
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
                room = room_of(chain, e, sigma, lane, wide)
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
                placed = smaller(placed, room_of(chain, e, sigma, lane, wide))
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
                        ask(chain, state, e, row, lane, detour)
                    licence = at(shocks.licence_of, special)
                    if licence >= 0:
                        placed = _queue(shocks, special, licence, lane, wide, sigma, placed)
            store(state.edge, e, PLACED, lane, placed)
            if not kind & TAKES_PUSHED:
                ask(chain, state, e, at(chain.edge_row, e), lane, placed)
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
) -> tuple[Vector, Vector, Vector]:  # pragma: no cover  (compiled)
    """Steps 6 to 8: what suppliers ship, and how far it shows that they can be relied on.

    Return what was sent, what the position counts, which includes orders that wait, and the
    largest discount of a supplier.
    """
    wide = state.wide
    slots = state.group.shape[1] - PIPE
    received = constant(0.0, state.group, wide)
    promised = constant(0.0, state.group, wide)
    offered = constant(0.0, state.group, wide)
    learns = settings.switching and not kind & TAKES_PUSHED
    memory = number(chain.memory, 0, lane, wide)
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
                if settings.discount > 0.0:
                    idle = load_row(
                        state.idle, at(chain.row_node, at(chain.edge_row, e)), lane, wide
                    )
                    offer = select(fill > 1.0 - ROUNDING, settings.discount * idle, 0.0)
                    offered = larger(offered, offer)
                    fill = fill + offer
                trust = load(state.edge, e, TRUST, lane, wide)
                trust = trust + (fill - trust) * memory
                store(state.edge, e, TRUST, lane, trust)
            sent = sent + shipped
        part = now + at(chain.part_lead, p)
        part = PIPE + (part - slots if part >= slots else part)
        store(state.group, g, part, lane, load(state.group, g, part, lane, wide) + sent)
        received = received + sent
    return received, received + promised, offered


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
    queue = select(waiting & (left > ROUNDING), left, 0.0)
    store(papers, licence, QUEUE, lane, queue)
    asked = load(papers, licence, ASKED, lane, wide)
    # An order that is nothing but a rest of rounding cannot be left unserved.
    served = select(asked > least, larger(smaller(sent / asked, 1.0), 0.0), 1.0)
    waits = select(waiting, load(papers, licence, ACCEPTED, lane, wide) - sent, 0.0)
    return select(waiting, sent - sigma, shipped), select(waiting, served, fill), waits
