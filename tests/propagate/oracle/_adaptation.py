"""Steps 9 to 11: orders, ramp-up, thrift, decay, backlog, rebuilding, shares by capacity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from propagate.oracle import _switching as switching

if TYPE_CHECKING:
    from propagate.oracle._world import Slot, World

NOTHING = 1e-6
WEEKS_A_YEAR = 52.0
# Demand and output of two weeks that differ by less are the same.
SAME = 64 * 2.0**-52


# ---------------------------------------------------------------------- step 9, orders


def order(world: World) -> None:
    """Orders for next week: what was used or is needed, and the gap in the position."""
    rule = world.behaviour.order_rule
    for g, row in world.slot.items():
        wished = _wished(world, g)
        gap = (world.target[g] + world.mean_lead[g]) * wished - world.position[g]
        weeks = world.reorder[g]
        if g in world.pushed_slots:
            world.order[g] = 0.0
        elif not row["storable"]:
            world.order[g] = wished
        elif rule == "use":
            world.order[g] = world.used[g] + max(gap, 0.0) / weeks
        else:  # "desired" and "realised" differ in what is wished
            world.order[g] = max(-1.0, wished + gap / weeks)


def _wished(world: World, g: Slot) -> float:
    buyer = g[0]
    # What a market or a service's user did not get it wants all the same next week; an order
    # that followed what came would never recover.
    keeps = buyer not in world.market and world.slot[g]["storable"]
    realised = world.behaviour.order_rule == "realised" and keeps
    wished = world.x[buyer] if realised else world.desired[buyer]
    if g in world.decaying:
        return 0.0
    if g in world.thrifty:
        return world.thrift[g] * (1.0 + wished) - 1.0
    return wished


# -------------------------------------------------------------------- step 10, ramp-up


def ramp_this_week(world: World, name: str) -> None:
    """Capacity grows where this week's output fell short of this week's demand."""
    if name in world.market:
        return
    zeta = _scarcity(world.demand[name], world.x[name])
    world.note(zeta - NOTHING)
    row, now = world.node[name], world.ramp[name]
    step = (row["ramp_max"] - now) * zeta if zeta > NOTHING else 1.0 - now
    world.ramp[name] = now + step / max(row["ramp_weeks"], 1.0)


def ramp_last_output(world: World, name: str) -> None:
    """Capacity follows this week's demand against last week's output, in both directions."""
    if name in world.market or world.week < 2:
        return
    row, now, demand = world.node[name], world.ramp[name], world.demand[name]
    zeta = (demand - world.before[name]) / (1.0 + demand) if demand > -1.0 else 0.0
    if abs(now - 1.0) > 1e-13 and SAME / 8 < abs(zeta) < SAME * 8:
        world.note(0.0)
    step = (row["ramp_max"] - now) * zeta if abs(zeta) > SAME else 1.0 - now
    world.ramp[name] = max(1.0, now + step / max(row["ramp_weeks"], 1.0))


def _scarcity(demand: float, output: float) -> float:
    asked = 1.0 + demand
    return max(demand - output, 0.0) / asked if asked > 0.0 else 0.0


# -------------------------------------------------- order shares by capacity (BoARIO's "alt")


def share_by_capacity(world: World) -> None:
    """Orders of next week go to suppliers in proportion to sigma times capacity."""
    for g, flows in world.into.items():
        if g[0] in world.market or g in world.pushed_slots:
            continue
        pull = {
            e: world.sigma[e] * world.capacity[e[0]] * world.ramp[e[0]] * world.health[e[0]]
            for e in flows
        }
        total = sum(pull.values())
        for e in flows:
            world.weight[e] = pull[e] / total if total > 0.0 else world.sigma[e]


# ------------------------------------------------------------------------------ step 11


def save(world: World) -> None:
    """Thrift: a short slot uses less from next week on, and never more again."""
    for g in world.thrifty:
        row, asked = world.slot[g], 1.0 + world.order[g]
        world.note(asked - NOTHING)
        fill = min(1.0, switching.received(world, g) / asked) if asked > NOTHING else 1.0
        missing = 1.0 - fill
        world.note(missing - NOTHING)
        if missing > NOTHING:
            leaner = world.thrift[g] * (1.0 - row["thrift_weekly"] * missing)
            world.thrift[g] = max(row["thrift_floor"], leaner)


def decay(world: World) -> None:
    """Capacity decays where a service is missing and is repaired once it is back."""
    for name in world.node:
        slots = [g for g in world.slots_of[name] if g in world.decaying]
        if not slots:
            continue
        shorts = {g: max(0.0, 1.0 - world.available[g]) for g in slots}
        for g, short in shorts.items():
            world.note(short - NOTHING)
            world.health[name] *= 1.0 - world.slot[g]["decay_weekly"] * short
        if max(shorts.values()) <= NOTHING:
            weeks = max(world.slot[g]["repair_weeks"] for g in slots)
            world.health[name] += (1.0 - world.health[name]) / weeks


def keep_backlog(world: World) -> None:
    """A share of unmet final demand waits; the rest is lost."""
    for name in world.market:
        missing, asked = world.demand[name] - world.x[name], 1.0 + world.demand[name]
        # What rebuilding did not get stays in the damage that is left.
        ordinary = 1.0 - world.extra[name] / asked if asked > 0.0 else 1.0
        world.backlog[name] = world.node[name]["backlog_share"] * missing * ordinary


def capacity(world: World, name: str) -> float:
    """Return what events leave of capacity or demand, less what is not rebuilt yet."""
    share = world.calendar.capacity(name, world.week)
    for one, left in zip(world.calendar.rebuilds, world.left, strict=True):
        if world.week >= one.first and name in one.sites:
            share *= 1.0 - one.lost * left / one.damage
    return share


def extra_demand(world: World, market: str) -> float:
    """Return what rebuilding asks of a market, over its baseline demand."""
    wanted = sum(
        one.shares.get(market, 0.0) * left / one.weeks
        for one, left in zip(world.calendar.rebuilds, world.left, strict=True)
        if world.week >= one.first
    )
    return wanted / weekly_value(world, market) if wanted else 0.0


def weekly_value(world: World, name: str) -> float:
    """Return USD million per week at baseline prices."""
    return world.node[name]["value_usd_m"] / WEEKS_A_YEAR


def rebuild(world: World) -> None:
    """What the markets got for rebuilding is rebuilt; ordinary demand has the same fill."""
    for i, one in enumerate(world.calendar.rebuilds):
        if world.week < one.first:
            continue
        left, got = world.left[i], 0.0
        for name, share in one.shares.items():
            asked = 1.0 + world.demand[name]
            fill = (1.0 + world.x[name]) / asked if asked > 0.0 else 0.0
            got += share * left / one.weeks * fill
        world.left[i] = max(0.0, left - got)
        world.note((world.left[i] / one.damage - NOTHING) if left > 0.0 else 1.0)
        if world.left[i] < NOTHING * one.damage:
            world.left[i] = 0.0
