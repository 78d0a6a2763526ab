"""Everything that moves in one run of the weekly model, week by week.

The optimisation programs are checked against it: whatever the weekly model does must be
something that they allow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.propagate._behaviour import Behaviour
from chokepoint.propagate._compile import CompiledChain, compile_chain
from chokepoint.propagate._engine import WeekState
from chokepoint.propagate._engines import engine_class
from chokepoint.propagate._rationing import rationing_classes
from chokepoint.propagate._shocks import ShockPlan
from chokepoint.scenario import Scenario

__all__ = ["Trace", "trace"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trace:
    """Levels of one run (1 = baseline); the week comes first in every array.

    Attributes
    ----------
    chain : CompiledChain
        What was run, with labels.
    shocks : ShockPlan
        The shocks of the run.
    output : array (weeks, N)
        Output over baseline.
    used : array (weeks, G)
        Use of a slot over baseline use.
    stock : array (weeks, G)
        Stock at the end of the week [weeks of baseline use].
    made : array (weeks, E)
        Goods that left production for a flow, as a share of the slot.
    shipped : array (weeks, E)
        Goods that left the exporter, as a share of the slot, detours excluded; differs from
        `made` where a licence makes them wait.
    detoured : array (weeks, E)
        Goods for the buyer of a flow that left through third countries, as a share of the slot.
    surplus : array (weeks, N)
        Joint output kept at the end of the week [weeks of baseline output].
    queue, goods, accepted : array (weeks, K)
        Licensed flows in the order of ``shocks.licences.edges``: orders that wait and goods
        ready to leave at the end of the week, and orders taken on, as shares of the slot.
    """

    chain: CompiledChain
    shocks: ShockPlan
    output: FloatArray
    used: FloatArray
    stock: FloatArray
    made: FloatArray
    shipped: FloatArray
    detoured: FloatArray
    surplus: FloatArray
    queue: FloatArray
    goods: FloatArray
    accepted: FloatArray


def trace(
    chain: SupplyChain,
    scenario: Scenario,
    *,
    weeks: int = 52,
    behaviour: Behaviour | None = None,
) -> Trace:
    """Run one scenario and keep all that moves.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    scenario : Scenario
        What happens.
    weeks : int
        Number of weeks.
    behaviour : Behaviour, optional
        Settings, as for :func:`chokepoint.simulate`.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.propagate import trace
    >>> from chokepoint.scenario import Scenario
    >>> run = trace(cp.load("rare_earths"), Scenario("baseline"), weeks=2)
    >>> bool((run.output == 1).all())
    True
    """
    compiled = compile_chain(chain)
    shocks = ShockPlan(
        [scenario.effects(chain, weeks)],
        n_nodes=compiled.n_nodes,
        n_edges=compiled.n_edges,
        weeks=weeks,
    )
    settings = behaviour or Behaviour()
    classes = rationing_classes(compiled, settings)
    kept = _room(compiled, shocks)
    edges = np.arange(compiled.n_edges)

    def record(week: int, state: WeekState) -> None:
        kept["output"][week] = 1.0 + state.output[:, 0]
        kept["used"][week] = 1.0 + state.used[:, 0]
        kept["stock"][week] = state.stock[:, 0]
        kept["made"][week] = state.made(edges)[:, 0]
        kept["shipped"][week] = state.shipped(edges)[:, 0]
        kept["detoured"][week] = state.detoured(edges)[:, 0]
        kept["surplus"][week] = state.surplus[:, 0]
        kept["queue"][week] = state.queue[:, 0]
        kept["goods"][week] = state.goods[:, 0]
        kept["accepted"][week] = state.accepted[:, 0]

    engine_class("numpy")(compiled, shocks, settings, np.dtype("float64"), classes).run(record)
    for array in kept.values():
        array.flags.writeable = False
    return Trace(compiled, shocks, **kept)


def _room(chain: CompiledChain, shocks: ShockPlan) -> dict[str, FloatArray]:
    """Return an empty array for everything that is kept."""
    licensed = 0 if shocks.licences is None else len(shocks.licences.edges)
    sizes = {
        "output": chain.n_nodes,
        "used": chain.n_groups,
        "stock": chain.n_groups,
        "made": chain.n_edges,
        "shipped": chain.n_edges,
        "detoured": chain.n_edges,
        "surplus": chain.n_nodes,
        "queue": licensed,
        "goods": licensed,
        "accepted": licensed,
    }
    return {name: np.zeros((shocks.weeks, size)) for name, size in sizes.items()}
