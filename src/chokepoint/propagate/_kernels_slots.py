"""Steps 5 and 9 for one slot: what it may use and does use, saves, and orders next."""

from __future__ import annotations

from typing import Any

from chokepoint.propagate._kernels_arrays import (
    DEMAND,
    DESIRED,
    DISJOINT,
    ESSENTIAL,
    LIMIT,
    LOOK,
    MAINTAINS,
    MARKET,
    ORDER,
    OUTPUT,
    PIPE,
    POSITION,
    REALISED,
    ROUNDING,
    SAVES,
    STOCK,
    STORES,
    TAKES_PUSHED,
    USE,
    ChainArrays,
    Settings,
    StateArrays,
)
from chokepoint.propagate._kernels_sites import reach_of
from chokepoint.propagate._kernels_vector import (
    at,
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

__all__ = ["ask", "room_of", "settle", "used_of"]

Vector = Any


@inlined
def room_of(
    chain: ChainArrays, e: int, sigma: Vector, lane: int, wide: tuple[int, ...]
) -> Vector:  # pragma: no cover  (compiled)
    """Return by how much an order may grow before the supplier is qualified for more."""
    if at(chain.dormant, e):
        return sigma * 0.0
    return number(chain.growth, e, lane, wide) * sigma


@inlined
def ask(
    chain: ChainArrays, state: StateArrays, e: int, row: int, lane: int, placed: Vector
) -> None:  # pragma: no cover  (compiled)
    """Add an order to the demand on its supplier."""
    demand = load(state.supply, row, DEMAND, lane, state.wide)
    demand = demand + number(chain.kappa, e, lane, state.wide) * placed
    store(state.supply, row, DEMAND, lane, demand)


@inlined
def settle(
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
    missing = select(asked > ROUNDING, missing, 0.0)
    lower = saved - (1.0 + saved) * number(chain.thrift, g, lane, wide) * missing
    lower = larger(lower, number(chain.floor, g, lane, wide) - 1.0)
    store_row(state.saved, g, lane, select(missing > ROUNDING, lower, saved))


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
