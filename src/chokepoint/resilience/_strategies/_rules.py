"""Rules without a program: nothing, equal parts, exposure, centrality, systemic importance."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.resilience._offer import Offer
from chokepoint.resilience._plan_result import Plan
from chokepoint.resilience._strategies._contract import Strategy
from chokepoint.resilience._strategies._registry import register
from chokepoint.resilience._strategies._reliance import of_places, reliance
from chokepoint.scenario import Scenario

__all__ = ["Betweenness", "CascadeIndex", "DoNothing", "Exposure", "Uniform"]

FloatArray = NDArray[np.float64]


@register
class DoNothing(Strategy):
    """Buy nothing."""

    name = "none"
    source = "the baseline of every comparison"

    def plan(
        self,
        chain: SupplyChain,
        threats: Sequence[Scenario],
        budget: float,
        measures: Offer,
        rng: np.random.Generator,
    ) -> Plan:
        """Return the plan without measures."""
        return measures.spend(np.zeros(len(measures.most)))


@register
class Uniform(Strategy):
    """Give every measure the same money, and every place of a measure the same part of it."""

    name = "uniform"
    source = "equal parts (the 1/N rule of portfolios)"

    def plan(
        self,
        chain: SupplyChain,
        threats: Sequence[Scenario],
        budget: float,
        measures: Offer,
        rng: np.random.Generator,
    ) -> Plan:
        """Return equal purchases; what is too much for one goes to the others."""
        name = measures.table["measure"]
        places = name.map(name.value_counts()).to_numpy(dtype=float)
        return measures.spend(measures.shared_out(1.0 / places))


@register
class Exposure(Strategy):
    """Spend in proportion to what hangs on a slot times the concentration of its suppliers.

    The value added of the targets that hangs on a slot, directly and through others, times the
    sum of squared shares of the countries that supply it.
    """

    name = "exposure"
    source = (
        "risk-proportional spending on concentrated supply, after Herfindahl-Hirschman criteria"
    )
    uses_structure = True

    def plan(
        self,
        chain: SupplyChain,
        threats: Sequence[Scenario],
        budget: float,
        measures: Offer,
        rng: np.random.Generator,
    ) -> Plan:
        """Return purchases in proportion to exposure."""
        task = measures.study.task
        found = reliance(task.compiled, task.counted)
        return measures.spend(
            measures.shared_out(of_places(measures, found.slot * found.concentration))
        )


class _MostImportant(Strategy):
    """Spend on the places fed by, or making, what is most important, in proportion to it.

    Parameters
    ----------
    places : int
        Number of places that get money.
    """

    uses_structure = True

    def __init__(self, places: int = 20) -> None:
        self.places = places

    @abstractmethod
    def score(self, chain: SupplyChain) -> pd.Series:
        """Return the importance of sites by label."""

    def plan(
        self,
        chain: SupplyChain,
        threats: Sequence[Scenario],
        budget: float,
        measures: Offer,
        rng: np.random.Generator,
    ) -> Plan:
        """Return purchases at the most important places."""
        compiled = measures.study.task.compiled
        site = self.score(chain).reindex(compiled.nodes.index).fillna(0.0).to_numpy(dtype=float)
        share = compiled.sigma[:, 0] * site[compiled.edge_supplier]
        by_slot = np.zeros(compiled.n_groups)
        np.add.at(by_slot, compiled.edge_group, share)
        weight = of_places(measures, by_slot, by_site=site)
        order = np.argsort(-weight, kind="stable")
        weight[order[self.places :]] = 0.0
        return measures.spend(measures.shared_out(weight))


@register
class Betweenness(_MostImportant):
    """Spend where supplies come from, or where sites are, through which most paths lead.

    Betweenness of a site: the share of shortest paths between others that lead through it, slots
    and suppliers alike (Freeman 1977). A slot has the mean of its suppliers, by their shares.
    """

    name = "betweenness"
    source = "Freeman (1977), A set of measures of centrality based on betweenness"

    def score(self, chain: SupplyChain) -> pd.Series:
        """Return the betweenness of sites."""
        import networkx as nx

        nodes, edges = chain.nodes, chain.edges
        sites = nodes.index[nodes["kind"].eq("site")]
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(sites)
        kept = edges[~edges["dormant"] & edges["buyer"].isin(sites)]
        graph.add_edges_from(zip(kept["supplier"], kept["buyer"], strict=True))
        process = nodes.loc[nodes["process"].ne(""), "process"]
        graph.add_edges_from(zip(process, process.index, strict=True))
        return pd.Series(nx.betweenness_centrality(graph), dtype=float)


@register
class CascadeIndex(_MostImportant):
    """Spend where supplies come from, or where sites are, whose failure costs the chain most.

    The economic systemic risk index of sites (Diem et al. 2022): output lost by all when one
    fails, without stocks and without change of supplier.
    """

    name = "cascade_index"
    source = "Diem et al. (2022), Quantifying firm-level economic systemic risk"

    def score(self, chain: SupplyChain) -> pd.Series:
        """Return the index of sites."""
        from chokepoint.exposure import cascade_index

        return cascade_index(chain, progress=False)["index"]
