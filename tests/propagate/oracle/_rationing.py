"""Steps 6 and 7: who is served when output falls short of orders, and dispatch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from propagate.oracle import _orders as orders

if TYPE_CHECKING:
    from propagate.oracle._world import Edge, World

SAME = 1e-9
"""Bids that differ by less than this share are equal."""


# ------------------------------------------------------------------------- who comes first


def classes(world: World) -> dict[Edge, int]:
    """Return the class of every flow under the rule of the behaviour; 0 is served first."""
    rule = world.behaviour.rationing
    if rule == "domestic_first":
        return {e: 0 if _home(world, e) else 1 for e in world.edge}
    if rule == "allies_first":
        return {e: 0 if _home(world, e) else 1 if _allied(world, e) else 2 for e in world.edge}
    if rule == "highest_bidder":
        return _quartiles(world)
    return dict.fromkeys(world.edge, 0)


def _home(world: World, e: Edge) -> bool:
    return world.node[e[0]]["country"] == world.node[e[1]]["country"]


def _allied(world: World, e: Edge) -> bool:
    """Return whether both countries are in one bloc that counts as an alliance."""
    table = world.chain.countries
    members = dict(zip(table["area"], table["blocs"], strict=True))
    counted = world.behaviour.alliances

    def blocs(name: str) -> set[str]:
        some = {one.strip() for one in members[world.node[name]["country"]].split(";")} - {""}
        return some if counted is None else some & set(counted)

    return bool(blocs(e[0]) & blocs(e[1]))


def _quartiles(world: World) -> dict[Edge, int]:
    """Class 0 for the quarter of a supplier's flows that bids most; equal bids stay together."""
    rank = {}
    for flows in world.out_of.values():
        bids = {e: bid(world, e) for e in flows}
        for e in flows:
            higher = sum(other > bids[e] * (1.0 + SAME) for other in bids.values())
            rank[e] = 4 * higher // len(flows)
    return rank


def bid(world: World, e: Edge) -> float:
    """Return the value of buyer output that a unit of the supplier's product enables."""
    buyer = world.node[e[1]]
    worth = buyer["value_usd_m"]
    if e[1] in world.process:  # what is made of it is worth something, the process is not
        outputs = [child for child, process in world.child_of.items() if process == e[1]]
        worth = sum(world.node[child]["value_usd_m"] for child in outputs)
    need = buyer["output_qty"] * world.edge[e]["recipe"]
    return worth / need if need else 0.0


# ---------------------------------------------------------------------------- what is sent


def ship(world: World) -> None:
    """Step 6."""
    world.fill, world.made, world.shipped, world.detoured = {}, {}, {}, {}
    for name, flows in world.out_of.items():
        if name in world.byproduct:
            _push(world, flows, 1.0 + world.x[name])
        elif world.x[name] >= world.demand[name]:
            _serve(world, flows, dict.fromkeys(flows, 1.0), dict.fromkeys(flows, 1.0))
        elif world.behaviour.rationing == "equalising":
            _equalise(world, flows, 1.0 + world.x[name])
        else:
            _by_class(world, flows, 1.0 + world.x[name])
    for e in world.edge:
        _release(world, e)


def _push(world: World, flows: list[Edge], level: float) -> None:
    """By-products follow the activity; what a cap stops takes the detour as far as it goes."""
    for e in flows:
        pushed = world.sigma[e] * level
        world.fill[e] = min(1.0, level)
        world.made[e] = min(pushed, orders.cap(world, e))
        way_round = orders.detour(world, e) * world.sigma[e]
        world.detoured[e] = min(pushed - world.made[e], way_round)


def _serve(
    world: World, flows: list[Edge], fill: dict[Edge, float], round_fill: dict[Edge, float]
) -> None:
    for e in flows:
        world.fill[e] = fill[e]
        world.made[e] = world.called[e] * fill[e]
        world.detoured[e] = world.round_about[e] * round_fill[e]


def _by_class(world: World, flows: list[Edge], rest: float) -> None:
    fill: dict[Edge, float] = {}
    for rank in sorted({world.rank[e] for e in flows}):
        some = [e for e in flows if world.rank[e] == rank]
        asked = sum(world.kappa[e] * (world.called[e] + world.round_about[e]) for e in some)
        # Where nothing is left, a rounding error may be asked or nothing: to call it either way
        # is safe only where orders are zero by construction.
        doubtful = asked < world.tolerance and rest < world.tolerance
        if doubtful and any(world.called[e] or e in world.promised for e in some):
            world.note(0.0)
        served = min(1.0, max(0.0, rest / asked)) if asked > 0.0 else 1.0
        fill |= dict.fromkeys(some, served)
        rest -= asked
    _serve(world, flows, fill, fill)


def _equalise(world: World, flows: list[Edge], made: float) -> None:
    """Raise the ratio of shipment to baseline order of all alike until output is used up."""
    asks = []  # (size of the slot, order, baseline order)
    for e in flows:
        base = world.reserve[e] if world.edge[e]["dormant"] else world.sigma[e]
        asks.append((world.kappa[e], world.called[e], base))
        way_round = orders.detour(world, e) * world.sigma[e]
        asks.append((world.kappa[e], world.round_about[e], way_round))
    ratio = equal_ratio(asks, made)
    fills = [min(order, ratio * base) / order if order > 0.0 else 1.0 for _, order, base in asks]
    fill = dict(zip(flows, fills[0::2], strict=True))
    round_fill = dict(zip(flows, fills[1::2], strict=True))
    _serve(world, flows, fill, round_fill)


def equal_ratio(asks: list[tuple[float, float, float]], made: float) -> float:
    """Return the ratio at which ``sum(size * min(order, ratio * base))`` is what is made."""
    if made <= 0.0:
        return 0.0
    steps = sorted({order / base for _, order, base in asks if base > 0.0})
    lower = taken = 0.0
    for upper in steps:
        slope = sum(k * b for k, order, b in asks if b > 0.0 and order / b >= upper)
        more = slope * (upper - lower)
        if taken + more >= made and slope > 0.0:
            return lower + (made - taken) / slope
        taken, lower = taken + more, upper
    return lower


def _release(world: World, e: Edge) -> None:
    """What is ready leaves where no licence is awaited; else at the rate of step 2b."""
    if e not in world.promised:
        world.shipped[e], world.goods[e] = world.made[e], 0.0
        return
    ready = world.goods[e] + world.made[e]
    world.shipped[e] = min(ready, world.rate[e])
    world.goods[e] = min(ready - world.shipped[e], world.goods_limit[e])
    world.queue[e] += world.promised[e] - world.shipped[e]
    world.note(world.queue[e] - 1e-6)
    if world.queue[e] <= 1e-6:
        world.queue[e] = 0.0


def dispatch(world: World) -> None:
    """Step 7: goods arrive after the lead; the inventory position counts them at once."""
    for e in world.edge:
        g = (e[1], e[2])
        _send(world, e, world.lead[e], world.shipped[e] - world.sigma[e])
        world.position[g] += world.promised.get(e, world.shipped[e]) - world.sigma[e]
        if world.detoured[e]:
            _, longer = world.calendar.detour(e, world.week)
            _send(world, e, world.lead[e] + longer, world.detoured[e])
            world.position[g] += world.detoured[e]


def _send(world: World, e: Edge, weeks: int, amount: float) -> None:
    key = ((e[1], e[2]), world.week + weeks)
    world.pipeline[key] = world.pipeline.get(key, 0.0) + amount
