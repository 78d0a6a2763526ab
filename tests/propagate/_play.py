"""Run the engine on a small chain and look at its weeks by label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from propagate._chains import Draft

from chokepoint.chain import SupplyChain
from chokepoint.propagate import Behaviour, compile_chain, simulate
from chokepoint.propagate._compile import CompiledChain, stack
from chokepoint.propagate._engine_numpy import NumpyEngine
from chokepoint.propagate._shocks import ShockPlan
from chokepoint.scenario import Effects, Event, Scenario

STIFF = Behaviour(switching=False, ramp=False)
"""Neither switching nor ramp-up: stocks, transit and rationing only."""


def activity(
    what: Draft | SupplyChain,
    *events: Event,
    weeks: int = 12,
    behaviour: Behaviour | None = None,
) -> pd.DataFrame:
    """Return output over baseline, one row per week, one column per node."""
    chain = what.build() if isinstance(what, Draft) else what
    outcome = simulate(chain, Scenario("some", events), weeks=weeks, behaviour=behaviour)
    return pd.DataFrame(outcome.activity[0], columns=chain.nodes.index)


class Spy(NumpyEngine):
    """The engine, with what happened in each week kept: name -> list of arrays."""

    def __init__(self, *args: Any) -> None:
        self.seen: dict[str, list[np.ndarray]] = {}
        super().__init__(*args)
        self._keep("stock", self.production.stock)
        self._keep("pipeline", self.delivery.pipeline)

    def _keep(self, name: str, values: np.ndarray) -> None:
        self.seen.setdefault(name, []).append(np.array(values))

    def _move_goods(self, week):
        self._keep("arrived", self.delivery.pipeline[week % len(self.delivery.pipeline)])
        fill = super()._move_goods(week)
        self._keep("orders", self.called)
        self._keep("demand", self.demand)
        self._keep("shipped", self.delivery.sent)
        self._keep("output", self.output)
        self._keep("used", self.production.used)
        self._keep("stock", self.production.stock)
        self._keep("position", self.replenishment.position)
        self._keep("pipeline", self.delivery.pipeline)
        self._keep("surplus", self.joint.surplus)
        return fill

    def _adapt(self, week, fill):
        super()._adapt(week, fill)
        self._keep("order", self.replenishment.order)
        self._keep("weight", self.suppliers.weight)
        self._keep("ramp", self.capacity.ramp)


def watch(
    chain: SupplyChain | Sequence[SupplyChain],
    scenarios: Sequence[Scenario],
    *,
    weeks: int,
    behaviour: Behaviour | None = None,
    dtype: str = "float64",
) -> tuple[CompiledChain, dict[str, np.ndarray]]:
    """Return the compiled chain and arrays (week, row, lane) of everything a week did.

    The first row of `stock` and `pipeline` is the state before the first week. Weeks before the
    first shock are not stepped through.
    """
    chains = [chain] if isinstance(chain, SupplyChain) else list(chain)
    compiled = stack([compile_chain(one) for one in chains])
    effects: list[Effects] = [one.effects(chains[0], weeks) for one in scenarios]
    plan = ShockPlan(effects, n_nodes=compiled.n_nodes, n_edges=compiled.n_edges, weeks=weeks)
    spy = Spy(compiled, plan, behaviour or Behaviour(), np.dtype(dtype))
    spy.run(lambda *_: None)
    return compiled, {name: np.stack(rows) for name, rows in spy.seen.items()}
