"""Step 8 for one live slot: trust in its suppliers, and where its orders move."""

from __future__ import annotations

from typing import Any

import numpy as np

from chokepoint.propagate._kernels_arrays import (
    NEXT,
    ROUNDING,
    TOLD,
    TRUST,
    WEIGHT,
    ChainArrays,
    Settings,
    ShockArrays,
    StateArrays,
)
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

__all__ = ["look_elsewhere"]

Vector = Any


@inlined
def look_elsewhere(
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
    offered: Vector,
) -> None:  # pragma: no cover  (compiled)
    """Step 8: a shortage or a discount starts the search; orders move to reliable suppliers."""
    wide = state.wide
    first, end = at(chain.part_first, g), at(chain.part_first, g + 1)
    edges = (at(chain.part_edge, first), at(chain.part_edge, end))
    trigger = load_row(state.trigger, g, lane, wide)
    least = number(chain.trigger, 0, lane, wide)
    missing = order - received - least * (1.0 + order)
    if settings.discount > 0.0:
        missing = larger(missing, offered - least)
    short = (missing > ROUNDING) & (trigger == np.inf)
    if any_lane(short):
        trigger = select(short, week, trigger)
        store_row(state.trigger, g, lane, trigger)
    moving = trigger <= week
    if any_lane(moving):
        _shares(chain, state, settings, g, edges, week, lane)
        speed = select(moving, number(chain.speed, 0, lane, wide), 0.0)
        for e in range(edges[0], edges[1]):
            weight = load(state.edge, e, WEIGHT, lane, wide)
            share = load_row(state.scratch, e - edges[0], 0, wide)
            step = (share - weight) * speed
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
        pull = larger(load(state.edge, e, TRUST, lane, wide), ROUNDING)
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
