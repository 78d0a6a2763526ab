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
from chokepoint.propagate._engine_numpy import NumpyEngine
from chokepoint.propagate._shocks import ShockPlan
from chokepoint.scenario import Scenario

__all__ = ["Trace", "trace"]

FloatArray = NDArray[np.float64]
Array = NDArray[np.floating]


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
        Goods that left the exporter, as a share of the slot; differs from `made` where a
        licence makes them wait.
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
    surplus: FloatArray
    queue: FloatArray
    goods: FloatArray
    accepted: FloatArray


class _TracingEngine(NumpyEngine):
    """The engine, with a look at what it moves before the week is over."""

    made: Array
    sent: Array

    def _release(self, shipped: Array) -> None:
        self.made = shipped.copy()
        super()._release(shipped)

    def _dispatch(self, week: int, shipped: Array) -> None:
        self.sent = shipped.copy()
        if not len(self.licensed):
            self.made = self.sent
        super()._dispatch(week, shipped)


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
    engine = _TracingEngine(compiled, shocks, behaviour or Behaviour(), np.dtype("float64"))
    kept = _baseline(compiled, shocks)

    def record(week: int, output: Array) -> None:
        if week < shocks.first:
            return
        kept["output"][week] = 1.0 + output[:, 0]
        kept["used"][week] = 1.0 + engine.used[:, 0]
        kept["stock"][week] = engine.inventory[:, 0]
        kept["made"][week] = engine.made[:, 0]
        kept["shipped"][week] = engine.sent[:, 0]
        kept["surplus"][week] = engine.surplus[:, 0]
        if len(engine.licensed):
            kept["queue"][week] = engine.queue[:, 0]
            kept["goods"][week] = engine.goods[:, 0]
            kept["accepted"][week] = engine.accepted[:, 0]

    engine.run(record)
    for array in kept.values():
        array.flags.writeable = False
    return Trace(compiled, shocks, **kept)


def _baseline(chain: CompiledChain, shocks: ShockPlan) -> dict[str, FloatArray]:
    """Return what moves in weeks without a shock."""
    weeks = shocks.weeks
    sigma = np.repeat(chain.sigma.T, weeks, axis=0)
    licences = shocks.licences
    waiting = np.zeros((weeks, 0 if licences is None else len(licences.edges)))
    return {
        "output": np.ones((weeks, chain.n_nodes)),
        "used": np.ones((weeks, chain.n_groups)),
        "stock": np.repeat(chain.stock.T, weeks, axis=0),
        "made": sigma,
        "shipped": sigma.copy(),
        "surplus": np.zeros((weeks, chain.n_nodes)),
        "queue": waiting,
        "goods": waiting.copy(),
        "accepted": waiting.copy() if licences is None else sigma[:, licences.edges],
    }
