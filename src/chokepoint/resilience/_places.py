"""Where a measure of a chain may be bought, and what money does there."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.propagate import WEEKS_PER_YEAR, CompiledChain
from chokepoint.resilience._budget import Pool

__all__ = ["Measure", "PlaceFinder", "Places"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Measure = Mapping[Hashable, Any]
Places = list[dict[str, object]]

_USD = 1e6


class PlaceFinder:
    """Looks up the places of one measure at a time.

    Every place is a dictionary with `where`, labels (site, slot, supplier), positions (group,
    node, edge), `payer` (the country that pays, blank for any), `effect` (what USD 1 million
    does) and `top` (USD million that can be of any use there).

    Parameters
    ----------
    chain, compiled
        The chain.
    targets : set of str
        Areas whose buyers are served.
    weeks : int
        Weeks in which goods can be used.
    pool : Pool, optional
        Who keeps stocks together.
    """

    def __init__(
        self,
        chain: SupplyChain,
        compiled: CompiledChain,
        *,
        targets: set[str],
        weeks: int,
        pool: Pool | None = None,
    ) -> None:
        self.chain, self.compiled, self.targets, self.weeks = chain, compiled, targets, weeks
        nodes, edges = compiled.nodes, compiled.edges
        self.product = edges["product"].to_numpy()
        self.country = nodes["country"].to_numpy()
        self.buyer = compiled.group_buyer[compiled.edge_group]
        self.need = chain.slots["need"].to_numpy(dtype=float)
        # Units of the input that the whole slot takes in a year.
        self.volume = self.need[compiled.edge_group] * edges["recipe"].to_numpy(dtype=float)
        limiting = ((compiled.eps > 0) | (compiled.phi > 0)).any(axis=1)
        self.limiting = np.asarray(limiting, dtype=bool)
        self.pool = pool
        self.members = set(chain.areas(pool.members)) if pool else set()
        self._kinds: dict[str, Callable[[Measure], Places]] = {
            "stock": self.stock,
            "capacity": self.capacity,
            "reserved_capacity": self.reserved_capacity,
            "second_source": self.second_source,
            "recycling": self.recycling,
            "substitution": self.substitution,
            "pooled_stock": self.pooled_stock,
        }

    def find(self, measure: Measure, kind: str) -> Places:
        """Return the places of a measure, taken as one of `kind`."""
        return self._kinds[kind](measure)

    def _areas(self, measure: Measure) -> set[str]:
        if measure["country"]:
            return self.targets & set(self.chain.areas(str(measure["country"])))
        return self.targets

    def _inputs(self, measure: Measure, areas: set[str] | None = None) -> NDArray[np.intp]:
        """Return flows of the measure's product to sites that it may serve."""
        compiled = self.compiled
        served = np.isin(self.country, list(self._areas(measure) if areas is None else areas))
        served &= ~compiled.is_market
        chosen = (self.product == measure["product"]) & served[self.buyer]
        chosen &= self.limiting[compiled.edge_group] & (self.volume > 0)
        return np.flatnonzero(chosen & ~compiled.is_pushed[compiled.edge_supplier])

    def _slots(self, measure: Measure) -> pd.Series:
        """Return yearly units of the product in each slot that could take it, by slot."""
        compiled, product = self.compiled, str(measure["product"])
        inputs = self.chain.inputs
        rows = inputs[inputs["input"].eq(product)]
        nodes = compiled.nodes
        sites = nodes.index.to_series().to_numpy()
        # Dictionaries: thousands of look-ups in a labelled series take a second.
        own = rows[rows["site"].ne("")].set_index(["site", "slot"])["quantity"].to_dict()
        general = rows[rows["site"].eq("")].set_index(["product", "slot"])["quantity"].to_dict()
        made = nodes["product"].to_numpy()
        units = np.zeros(compiled.n_groups)
        slots = compiled.groups.get_level_values("slot")
        for group, (buyer, slot) in enumerate(zip(compiled.group_buyer, slots, strict=True)):
            quantity = own.get((sites[buyer], slot), general.get((made[buyer], slot), 0.0))
            units[group] = float(quantity) * self.need[group]
        served = np.isin(self.country, list(self._areas(measure))) & ~compiled.is_market
        kept = np.flatnonzero((units > 0) & self.limiting & served[compiled.group_buyer])
        return pd.Series(units[kept], index=kept)

    def _at_slot(self, group: int) -> dict[str, object]:
        site, slot = self.compiled.groups[group]
        country = self.country[self.compiled.group_buyer[group]]
        return {
            "where": f"{site} [{slot}]", "site": site, "slot": slot, "group": group,
            "payer": country,
        }  # fmt: skip

    def _on_edge(self, edge: int) -> dict[str, object]:
        place = self._at_slot(int(self.compiled.edge_group[edge]))
        supplier = self.compiled.nodes.index[int(self.compiled.edge_supplier[edge])]
        place |= {"where": f"{supplier} -> {place['where']}", "supplier": supplier, "edge": edge}
        return place | {"group": -1}

    def _cover(self, group: int) -> float:
        """Return weeks of cover of which more cannot be used within the horizon."""
        compiled = self.compiled
        scale = max(1.0, float(compiled.ramp_max[compiled.group_buyer[group], 0]))
        return self.weeks * scale + float(compiled.stock[group, 0])

    def stock(self, measure: Measure) -> Places:
        """One place for each slot that takes the product and can hold it."""
        compiled, edges = self.compiled, self._inputs(measure)
        edges = edges[compiled.storable[compiled.edge_group[edges]]]
        _, first = np.unique(compiled.edge_group[edges], return_index=True)
        found = []
        for edge in edges[first]:
            group = int(compiled.edge_group[edge])
            effect = _USD / float(measure["unit_cost"]) / (self.volume[edge] / WEEKS_PER_YEAR)
            top = {"effect": effect, "top": self._cover(group) / effect}
            found.append(self._at_slot(group) | top)
        return found

    def pooled_stock(self, measure: Measure) -> Places:
        """One place for all slots of members that take the product and can hold it."""
        assert self.pool is not None
        if self.pool.products is not None:
            products = self.chain.products_in(self.pool.products)
            if measure["product"] not in products:
                return []
        compiled, edges = self.compiled, self._inputs(measure, self.members)
        edges = edges[compiled.storable[compiled.edge_group[edges]]]
        groups, first = np.unique(compiled.edge_group[edges], return_index=True)
        if not len(groups):
            return []
        units = self.volume[edges[first]] / WEEKS_PER_YEAR
        effect = _USD / float(measure["unit_cost"]) / units.sum()
        most = max(self._cover(int(group)) for group in groups)
        return [
            {
                "where": f"pool of {'+'.join(self.pool.members)}",
                "payer": "",
                "effect": effect,
                "top": most / effect,
                "groups": tuple(groups.tolist()),
                "shares": tuple((units / units.sum()).tolist()),
            }
        ]

    def capacity(self, measure: Measure) -> Places:
        """One place for each site that makes the product; a joint output's is its process."""
        compiled = self.compiled
        made = compiled.nodes["product"].eq(str(measure["product"])).to_numpy()
        chosen = made & ~compiled.is_market & ~compiled.is_pushed & (compiled.output[:, 0] > 0)
        if measure["country"]:
            chosen &= np.isin(self.country, self.chain.areas(str(measure["country"])))
        found = []
        for site in np.flatnonzero(chosen).tolist():
            process = int(compiled.process[site])
            yearly = compiled.output[site, 0] * WEEKS_PER_YEAR
            found.append(
                {
                    "where": compiled.nodes.index[site],
                    "site": compiled.nodes.index[process if process >= 0 else site],
                    "effect": _USD / float(measure["unit_cost"]) / yearly,
                    "top": np.inf,
                    "node": process if process >= 0 else site,
                    "payer": "",
                }
            )
        return found

    def second_source(self, measure: Measure) -> Places:
        """One place for each flow, or dormant supplier, that could be qualified for more."""
        compiled, found = self.compiled, []
        for edge in self._inputs(measure).tolist():
            if compiled.qualification[edge, 0] <= 0:
                continue
            effect = _USD / float(measure["unit_cost"]) / self.volume[edge]
            most = compiled.reserve[edge, 0] if compiled.dormant[edge] else 1.0
            found.append(self._on_edge(edge) | {"effect": effect, "top": most / effect})
        return found

    def reserved_capacity(self, measure: Measure) -> Places:
        """One place for each flow, or dormant supplier, whose supplier could keep some ready."""
        compiled, found = self.compiled, []
        for edge in self._inputs(measure).tolist():
            supplier = int(compiled.edge_supplier[edge])
            if compiled.process[supplier] >= 0 or compiled.output[supplier, 0] <= 0:
                continue
            effect = _USD / float(measure["unit_cost"]) / self.volume[edge]
            place = {"effect": effect, "top": 1.0 / effect, "node": supplier}
            found.append(self._on_edge(edge) | place)
        return found

    def recycling(self, measure: Measure) -> Places:
        """One place for each slot that could take the product."""
        return self._shares_of_slots(measure, most=None)

    def substitution(self, measure: Measure) -> Places:
        """One place for each slot that takes the product: part of the output goes without."""
        return self._shares_of_slots(measure, most=1.0)

    def _shares_of_slots(self, measure: Measure, *, most: float | None) -> Places:
        found = []
        for group, units in self._slots(measure).items():
            effect = _USD / float(measure["unit_cost"]) / float(units)
            buyer = self.compiled.group_buyer[int(str(group))]
            limit = max(1.0, float(self.compiled.ramp_max[buyer, 0])) if most is None else most
            found.append(self._at_slot(int(str(group))) | {"effect": effect, "top": limit / effect})
        return found
