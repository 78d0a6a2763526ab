"""What can be bought and where: the measures of a chain laid out over slots, sites and flows."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.propagate import WEEKS_PER_YEAR, CompiledChain

__all__ = ["KINDS", "Candidates", "find_candidates"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

KINDS = ("stock", "capacity", "second_source")

_USD = 1e6


@dataclass(frozen=True, eq=False)
class Candidates:
    """Places where measures of a chain may be bought.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per measure and place: measure, kind, product, where, site, slot, supplier,
        unit, unit_cost [USD per unit], delay [weeks after the threats' week 0],
        effect [per USD million: weeks of cover, share of baseline capacity, or share of the
        slot], top [USD million that can be of any use there], and the positions group, node
        and edge (-1 where it does not apply).
    most : pandas.Series
        Largest quantity of each measure, infinite where there is no limit.
    skipped : pandas.DataFrame
        Measures that are not on offer: measure, kind, reason.
    """

    table: pd.DataFrame
    most: pd.Series
    skipped: pd.DataFrame

    def positions(self, kind: str, column: str) -> NDArray[np.intp]:
        """Return the positions of one kind's candidates."""
        return self.table.loc[self.table["kind"] == kind, column].to_numpy(dtype=np.intp)


def find_candidates(
    chain: SupplyChain,
    compiled: CompiledChain,
    *,
    kinds: Sequence[str],
    targets: str | Iterable[str] | None,
    notice: float,
    weeks: int,
) -> Candidates:
    """Return where each measure can be bought, and what USD 1 million of it does.

    Stocks and second sources are bought for buyers in the target areas, capacity anywhere;
    the country of a measure narrows that down: it is where the stock lies, where the
    capacity stands, or where the buyer is that qualifies a second source.
    """
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown or not kinds:
        raise OptionError(f"Expected kinds among {', '.join(KINDS)}, got {tuple(kinds)}.")
    finder = _Finder(chain, compiled, set(chain.areas(targets)))
    rows: list[dict[str, object]] = []
    skipped: list[dict[str, str]] = []
    for measure in chain.measures.to_dict("records"):
        found, reason = [], ""
        delay = max(0.0, float(measure["lead_weeks"]) - notice)
        if measure["kind"] not in kinds:
            reason = "kind not asked for"
        elif delay >= weeks:
            reason = f"works only from week {delay:g} on"
        else:
            found = getattr(finder, measure["kind"])(measure)
            reason = "" if found else "no site, slot or flow that it could help"
        if reason:
            skipped.append(
                {"measure": measure["measure"], "kind": measure["kind"], "reason": reason}
            )
        common = {
            "measure": measure["measure"],
            "kind": measure["kind"],
            "product": measure["product"],
            "unit_cost": float(measure["unit_cost"]),
            "delay": delay,
        }
        rows += [_COMMON | common | one for one in found]
    table = pd.DataFrame(rows, columns=[*_COLUMNS])
    units = chain.products.set_index("product")["unit"]
    suffix = table["kind"].ne("stock").map({True: " per year", False: ""})
    table["unit"] = table["product"].map(units).astype(str) + suffix
    most = chain.measures.set_index("measure")["max"].astype(float).fillna(np.inf)
    blank = pd.DataFrame(skipped, columns=["measure", "kind", "reason"])
    return Candidates(table, most[most.index.isin(table["measure"])], blank)


_COMMON = {"site": "", "slot": "", "supplier": "", "group": -1, "node": -1, "edge": -1}
_COLUMNS = (
    "measure", "kind", "product", "where", "site", "slot", "supplier", "unit", "unit_cost",
    "delay", "effect", "top", "group", "node", "edge",
)  # fmt: skip


class _Finder:
    """Looks up the places of one measure at a time."""

    def __init__(self, chain: SupplyChain, compiled: CompiledChain, targets: set[str]) -> None:
        self.chain, self.compiled, self.targets = chain, compiled, targets
        nodes, edges = compiled.nodes, compiled.edges
        self.product = edges["product"].to_numpy()
        self.country = nodes["country"].to_numpy()
        self.buyer = compiled.group_buyer[compiled.edge_group]
        need = chain.slots["need"].to_numpy(dtype=float)[compiled.edge_group]
        # Units of the input that the whole slot takes in a year.
        self.volume = need * edges["recipe"].to_numpy(dtype=float)
        limiting = ((compiled.eps > 0) | (compiled.phi > 0)).any(axis=1)
        self.limiting = np.asarray(limiting, dtype=bool)

    def _inputs(self, measure: dict[Hashable, Any]) -> NDArray[np.intp]:
        """Return flows of the measure's product to sites that it may serve."""
        compiled = self.compiled
        areas = self.targets
        if measure["country"]:
            areas = areas & set(self.chain.areas(str(measure["country"])))
        served = np.isin(self.country, list(areas)) & ~compiled.is_market
        chosen = (self.product == measure["product"]) & served[self.buyer]
        chosen &= self.limiting[compiled.edge_group] & (self.volume > 0)
        return np.flatnonzero(chosen & ~compiled.is_pushed[compiled.edge_supplier])

    def stock(self, measure: dict[Hashable, Any]) -> list[dict[str, object]]:
        """One candidate for each slot that takes the product and can hold it."""
        compiled, edges = self.compiled, self._inputs(measure)
        edges = edges[compiled.storable[compiled.edge_group[edges]]]
        _, first = np.unique(compiled.edge_group[edges], return_index=True)
        found = []
        for edge in edges[first]:
            group = int(compiled.edge_group[edge])
            site, slot = compiled.groups[group]
            per_week = self.volume[edge] / WEEKS_PER_YEAR
            found.append(
                {
                    "where": f"{site} [{slot}]",
                    "site": site,
                    "slot": slot,
                    "effect": _USD / float(measure["unit_cost"]) / per_week,
                    "top": np.inf,
                    "group": group,
                }
            )
        return found

    def capacity(self, measure: dict[Hashable, Any]) -> list[dict[str, object]]:
        """One candidate for each site that makes the product; a joint output's is its process."""
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
                }
            )
        return found

    def second_source(self, measure: dict[Hashable, Any]) -> list[dict[str, object]]:
        """One candidate for each flow, or dormant supplier, that could be qualified for more."""
        compiled, found = self.compiled, []
        for edge in self._inputs(measure).tolist():
            if compiled.qualification[edge, 0] <= 0:
                continue
            site, slot = compiled.groups[int(compiled.edge_group[edge])]
            supplier = compiled.nodes.index[int(compiled.edge_supplier[edge])]
            effect = _USD / float(measure["unit_cost"]) / self.volume[edge]
            most = compiled.reserve[edge, 0] if compiled.dormant[edge] else 1.0
            found.append(
                {
                    "where": f"{supplier} -> {site} [{slot}]",
                    "site": site,
                    "slot": slot,
                    "supplier": supplier,
                    "effect": effect,
                    "top": most / effect,
                    "edge": edge,
                }
            )
        return found
