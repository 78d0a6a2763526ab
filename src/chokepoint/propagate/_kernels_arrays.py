"""What the compiled loops read and write: tuples of arrays, and the meaning of their rows.

Arrays of numbers of the chain have one axis (rows), or two (rows, lanes) where every lane has a
chain of its own. State has the lane as its last axis.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ChainArrays", "Settings", "ShockArrays", "StateArrays"]

Floats = NDArray[np.floating]
Ints = NDArray[np.integer[Any]]
Bytes = NDArray[np.uint8]

# Kinds of nodes (bits).
MARKET, PROCESS, CHILD, PUSHED, LOOK, DECAYS = 1, 2, 4, 8, 16, 32
# Kinds of slots (bits): keeps stock, takes by-products, limits output fully, partly, disjointly,
# learns to save, maintains capacity.
STORES, TAKES_PUSHED, ESSENTIAL, PARTLY, DISJOINT, SAVES, MAINTAINS = 1, 2, 4, 8, 16, 32, 64

# Parts of `supply`: what is missing of an order, deviation of demand.
FILL, DEMAND = 0, 1
# Parts of `site`: output, desired output, limit by inputs, capacity from ramp-up.
OUTPUT, DESIRED, LIMIT, RAMP = 0, 1, 2, 3
# Parts of `group`: stock, position, order, then the weeks of the pipeline.
STOCK, POSITION, ORDER, PIPE = 0, 1, 2, 3
# Parts of `edge`: order on the flow, its weight, reliability of the supplier.
PLACED, WEIGHT, TRUST = 0, 1, 2
# Parts of `cap`: allowed share this week and next, whether next week's cap is a boycott, share
# that may take a detour this week and next, what is ordered on the detour.
NOW, NEXT, TOLD, ROUND_NOW, ROUND_NEXT, ROUND_ASKED = range(6)
# Parts of `licence`.
RELEASE, TAKEN, QUEUE, GOODS, MOST, ASKED, ACCEPTED, WAITING, OUTSTANDING, RATE = range(10)

# A shortage, queue or change below this is rounding, as in the NumPy engine.
ROUNDING = 1e-6


class ChainArrays(NamedTuple):
    """A chain, edges sorted by slot and, inside a slot, from long to short leads."""

    node_kind: Bytes
    row_first: Ints
    row_base: Floats
    row_share: Floats
    group_first: Ints
    process: Ints
    child_first: Ints
    child: Ints
    children: Ints
    child_process: Ints
    ramp_max: Floats
    ramp_speed: Floats
    surplus_weeks: Floats
    backlog: Floats
    repair: Floats
    row_node: Ints
    group_kind: Bytes
    part_first: Ints
    part_edge: Ints
    part_lead: Ints
    eps: Floats
    phi: Floats
    stock: Floats
    throttle: Floats
    per_throttle: Floats
    per_reorder: Floats
    target: Floats
    thrift: Floats
    floor: Floats
    decay: Floats
    growth_least: Floats
    edge_row: Ints
    sigma: Floats
    kappa: Floats
    growth: Floats
    qualification: Floats
    reserve: Floats
    dormant: Bytes
    trigger: Floats
    memory: Floats
    speed: Floats


class StateArrays(NamedTuple):
    """State of a chunk of lanes; `wide` has as many items as a vector has lanes."""

    wide: tuple[int, ...]
    supply: Floats
    short: Bytes
    site: Floats
    surplus: Floats
    kept: Floats
    waiting: Floats
    saved: Floats
    group: Floats
    live: Bytes
    edge: Floats
    trigger: Floats
    scratch: Floats
    rounding: Floats
    idle: Floats


class ShockArrays(NamedTuple):
    """Shocks on the rows that some lane of the chunk touches; -1 where none does."""

    node_row: Ints
    capacity: Floats
    extra: Floats
    group_hit: Bytes
    edge_special: Ints
    cap: Floats
    cap_row: Ints
    detour_weeks: Ints
    licence_of: Ints
    licence: Floats


# How many flows ahead a supplier is fetched: large networks wait for memory.
AHEAD = 24

# Order rules.
USE, WISH, REALISED = 0, 1, 2


class Settings(NamedTuple):
    """Behaviour, as numbers; `late`: ramp-up looks at last week's output."""

    switching: int
    frozen: int
    ramp: int
    late: int
    rule: int
    by_capacity: int
    equalising: int
    detours: int
    backlog: int
    rebuild: int
    exponent: float
    discount: float
