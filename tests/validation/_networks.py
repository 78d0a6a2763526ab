"""Random input-output networks, and the chains that the weekly model sees in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from propagate._chains import Draft, Flow, product_of

from chokepoint.chain import SupplyChain
from chokepoint.propagate import Behaviour, Outcome, simulate
from chokepoint.scenario import Event, Outage, Scenario

FROZEN = Behaviour(switching=False, ramp=False, frozen_orders=True)
ORDERING = Behaviour(switching=False, ramp=False)

# No stock, a week's use is the week's arrivals; and stocks that never bind and never reorder.
TIGHT = {"stock_weeks": 0.0, "throttle_weeks": 1.0}
AMPLE = {"stock_weeks": 1e6, "reorder_weeks": 1e18, "criticality": 0.0}
# Orders on a supplier may grow without limit.
NO_LIMIT = 1e9


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

    @property
    def sold(self) -> np.ndarray:
        """Share of a site's output that goes to each site."""
        return self.flows / self.output[:, None]

    def same_product(self) -> np.ndarray:
        """Return whether two sites make the same product."""
        made = np.array([product_of(site) for site in self.sites])
        return made[:, None] == made[None, :]

    def makers(self, product: str) -> list[int]:
        """Return the positions of the sites that make a product."""
        return [i for i, site in enumerate(self.sites) if product_of(site) == product]

    def slots(self) -> list[tuple[str, str]]:
        """Return (buyer, product) of every slot."""
        rows = zip(*np.nonzero(self.flows), strict=True)
        pairs = [(self.sites[j], product_of(self.sites[i])) for i, j in rows]
        return list(dict.fromkeys(pairs))

    def draft(self, slots: Mapping[tuple[str, str], Mapping[str, Any]], *, services: bool) -> Draft:
        """Return the chain of the network with these slots."""
        flows = [
            Flow(self.sites[i], self.sites[j], self.flows[i, j], growth=NO_LIMIT)
            for i, j in zip(*np.nonzero(self.flows), strict=True)
        ]
        flows += [
            Flow(site, f"market:{site}", final)
            for site, final in zip(self.sites, self.final, strict=True)
            if final > 0
        ]
        products = sorted({product_of(site) for site in self.sites})
        return Draft(flows, slots=slots, services=products if services else ())


def network(seed: int, *, products: int = 6, makers: int = 2, density: float = 0.35) -> Network:
    """Return a network with cycles; about half of what is made goes to final demand."""
    rng = np.random.default_rng(seed)
    sites = [f"p{p}@C{c}" for p in range(products) for c in range(makers)]
    size = len(sites)
    flows = rng.uniform(1.0, 9.0, (size, size)) * (rng.random((size, size)) < density)
    np.fill_diagonal(flows, 0.0)
    final = flows.sum(axis=1) * rng.uniform(0.5, 1.5, size) + rng.uniform(1.0, 5.0, size)
    return Network(sites, flows, final)


def shocked(size: int, seed: int, left: Sequence[float] = (0.0, 0.3, 0.75)) -> np.ndarray:
    """Return the share of capacity that is left of each site; a few sites are hit."""
    rng = np.random.default_rng(seed)
    share = np.ones(size)
    share[rng.choice(size, len(left), replace=False)] = left
    return share


def outages(sites: Sequence[str], left: np.ndarray, **when: int) -> list[Outage]:
    """Return outages that leave these shares of capacity."""
    return [
        Outage(sites=site, severity=1.0 - share, **when)
        for site, share in zip(sites, left, strict=True)
        if share < 1.0
    ]


def play(
    chain: SupplyChain,
    scenarios: Scenario | Sequence[Scenario],
    weeks: int,
    behaviour: Behaviour,
    engine: str,
) -> Outcome:
    """Run scenarios with one engine."""
    return simulate(chain, scenarios, weeks=weeks, behaviour=behaviour, engine=engine)


def histories(
    draft: Draft, *events: Event, weeks: int, behaviour: Behaviour, engine: str
) -> pd.DataFrame:
    """Return output over baseline, week x node."""
    chain = draft.build()
    outcome = play(chain, Scenario("some", events), weeks, behaviour, engine)
    return pd.DataFrame(outcome.activity[0], columns=chain.nodes.index)
