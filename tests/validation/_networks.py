"""Random input-output networks, and the chains that the weekly model sees in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from propagate._chains import Draft, Flow, product_of

from chokepoint.propagate import Behaviour, simulate
from chokepoint.scenario import Event, Scenario

FROZEN = Behaviour(switching=False, ramp=False, frozen_orders=True)
ORDERING = Behaviour(switching=False, ramp=False)


@dataclass(frozen=True)
class Network:
    """Yearly flows between sites and to final demand; some products have several makers."""

    sites: list[str]
    flows: np.ndarray
    final: np.ndarray

    @property
    def output(self) -> np.ndarray:
        """Output of each site: what it sells."""
        return self.flows.sum(axis=1) + self.final

    def same_product(self) -> np.ndarray:
        """Return whether two sites make the same product."""
        made = np.array([product_of(site) for site in self.sites])
        return made[:, None] == made[None, :]

    def draft(self, slots: Mapping[tuple[str, str], Mapping[str, Any]], *, services: bool) -> Draft:
        """Return the chain of the network with these slots."""
        flows = [
            Flow(self.sites[i], self.sites[j], self.flows[i, j])
            for i, j in zip(*np.nonzero(self.flows), strict=True)
        ]
        flows += [
            Flow(site, f"market:{site}", final)
            for site, final in zip(self.sites, self.final, strict=True)
        ]
        products = sorted({product_of(site) for site in self.sites})
        return Draft(flows, slots=slots, services=products if services else ())

    def slots(self) -> list[tuple[str, str]]:
        """Return (buyer, product) of every slot."""
        rows = zip(*np.nonzero(self.flows), strict=True)
        pairs = [(self.sites[j], product_of(self.sites[i])) for i, j in rows]
        return list(dict.fromkeys(pairs))


def network(seed: int, *, products: int = 6, makers: int = 2, density: float = 0.35) -> Network:
    """Return a network with cycles; about half of what is made goes to final demand."""
    rng = np.random.default_rng(seed)
    sites = [f"p{p}@C{c}" for p in range(products) for c in range(makers)]
    size = len(sites)
    flows = rng.uniform(1.0, 9.0, (size, size)) * (rng.random((size, size)) < density)
    np.fill_diagonal(flows, 0.0)
    final = flows.sum(axis=1) * rng.uniform(0.5, 1.5, size) + rng.uniform(1.0, 5.0, size)
    return Network(sites, flows, final)


def histories(draft: Draft, *events: Event, weeks: int, behaviour: Behaviour) -> pd.DataFrame:
    """Return output over baseline, week x node."""
    chain = draft.build()
    outcome = simulate(chain, Scenario("some", events), weeks=weeks, behaviour=behaviour)
    return pd.DataFrame(outcome.activity[0], columns=chain.nodes.index)
