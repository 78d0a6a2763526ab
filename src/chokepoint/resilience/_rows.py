r"""The rows of the recourse program for one scenario.

.. math::
    \text{out}\quad & \textstyle\sum_{e\ \text{out of}\ i} \kappa_e q_{e} = x_{i} \\
    \text{stock}\quad & s_{g,t} = s_{g,t-1} + \textstyle\sum_{e \in g} q_{e,t-L_e}
        - \theta_{g,t} u_{g,t} \\
    \text{need}\quad & x_{i} \le (1-\epsilon_g) Q_{i} + \epsilon_g u_{g} \\
    \text{parts}\quad & x_{i} \le Q_{i} - \textstyle\sum_g \phi_g (Q_{i} - u_{g}) \\
    \text{joint}\quad & S_{c,t} \le S_{c,t-1} + x_{p} - x_{c}

with capacity and flow limits as bounds of columns, :math:`u` the output that a slot serves
and :math:`\theta` the least use that thrift can lead to. A throttle does not enter: it is a
habit, not a necessity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chokepoint.program import ProgramBuilder
from chokepoint.resilience._adder import RowAdder
from chokepoint.resilience._columns import Columns, Model
from chokepoint.resilience._flow_rows import (
    demand_rows,
    goods_rows,
    limit_rows,
    pushed_rows,
    queue_rows,
)
from chokepoint.resilience._site_rows import capacity_rows, joint_rows, out_rows, parts_rows
from chokepoint.resilience._slot_rows import (
    Late,
    late_rows,
    need_rows,
    reach_rows,
    room_rows,
    stock_rows,
    transit_rows,
)

__all__ = ["Rows", "add_rows"]

IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Rows:
    """Positions of the rows, by item and period; -1 where there is none.

    Attributes
    ----------
    out, joint, parts, capacity : array (N, P)
        Where output goes, what a process yields, slots that serve different parts, and the
        capacity of sites that a plan may enlarge.
    stock, late, transit, reach, need, room : array (G, P)
        Balance of a slot, the least and (for services) the most of it that is still on its
        way, what upkeep can serve, how far output may go without it, and how much of it
        plants can take.
    pushed, limit, queue, goods : array (E, P)
        By-products, flows that a plan may enlarge, licensed orders and goods.
    demand, demand_so_far : array (N, P)
        What a market takes, and what one with stock takes from the start on.
    lateness : list of Late
        The flows in the rows `late`.
    """

    out: IntArray
    joint: IntArray
    parts: IntArray
    capacity: IntArray
    stock: IntArray
    late: IntArray
    transit: IntArray
    reach: IntArray
    need: IntArray
    room: IntArray
    pushed: IntArray
    limit: IntArray
    queue: IntArray
    goods: IntArray
    demand: IntArray
    demand_so_far: IntArray
    lateness: list[Late]


def add_rows(builder: ProgramBuilder, model: Model, columns: Columns) -> Rows:
    """Add the rows of one scenario and return their positions."""
    adder = RowAdder(builder, model, columns)
    late, lateness = late_rows(adder)
    demand, demand_so_far = demand_rows(adder)
    return Rows(
        out=out_rows(adder),
        joint=joint_rows(adder),
        parts=parts_rows(adder),
        capacity=capacity_rows(adder),
        stock=stock_rows(adder),
        late=late,
        transit=transit_rows(adder),
        reach=reach_rows(adder),
        need=need_rows(adder),
        room=room_rows(adder),
        pushed=pushed_rows(adder),
        limit=limit_rows(adder),
        queue=queue_rows(adder),
        goods=goods_rows(adder),
        demand=demand,
        demand_so_far=demand_so_far,
        lateness=lateness,
    )
