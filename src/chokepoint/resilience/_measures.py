"""What can be bought and where: the measures of a chain laid out over slots, sites and flows."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.propagate import WEEKS_PER_YEAR, CompiledChain
from chokepoint.resilience._budget import Pool
from chokepoint.resilience._places import PlaceFinder, Places

__all__ = ["KINDS", "Candidates", "find_candidates"]

KINDS = (
    "stock", "capacity", "reserved_capacity", "second_source", "recycling", "substitution",
)  # fmt: skip
"""Kinds of measures that a table may offer."""

_POOLED = "pooled_stock"


@dataclass(frozen=True, eq=False)
class Candidates:
    """Places where measures of a chain may be bought.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per measure, place and year of order: measure, kind, product, where, site, slot,
        supplier, unit, unit_cost [USD per unit], order_year, delay [weeks after the threats'
        week 0], payer (country, blank for any), effect [per USD million: weeks of cover, share
        of baseline capacity, or share of the slot], top [USD million that can be of any use
        there], and the positions group, node and edge (-1 where it does not apply). Pooled
        stocks hold the slots of the members and their shares in groups and shares.
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

    def rows(self, kind: str) -> NDArray[np.intp]:
        """Return the numbers of one kind's candidates."""
        return np.flatnonzero(self.table["kind"].to_numpy() == kind)


def find_candidates(
    chain: SupplyChain,
    compiled: CompiledChain,
    *,
    kinds: Sequence[str],
    targets: str | Iterable[str] | None,
    notice: float,
    weeks: int,
    measures: pd.DataFrame | None = None,
    years: int = 1,
    pool: Pool | None = None,
) -> Candidates:
    """Return where each measure can be bought, and what USD 1 million of it does.

    Stocks, second sources, reserved capacity, recycling and substitution are bought for buyers
    in the target areas, capacity anywhere; the country of a measure narrows that down: it is
    where the stock lies, where the capacity stands, or where the buyer is.

    Parameters
    ----------
    chain, compiled
        The chain.
    kinds, targets, notice, weeks
        As for :func:`chokepoint.resilience.plan`.
    measures : DataFrame, optional
        What is on offer; None = the table of the chain.
    years : int
        Years from the decision on in which orders can be placed.
    pool : Pool, optional
        Who keeps stocks together; each stock is then on offer as a pooled one too.
    """
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown or not kinds:
        raise OptionError(f"Expected kinds among {', '.join(KINDS)}, got {tuple(kinds)}.")
    offered = _offered(chain, measures)
    finder = PlaceFinder(chain, compiled, targets=set(chain.areas(targets)), weeks=weeks, pool=pool)
    rows: list[dict[str, object]] = []
    skipped: list[dict[str, str]] = []
    for measure in offered.to_dict("records"):
        found, reason = _look_up(finder, measure, kinds, notice=notice, weeks=weeks, years=years)
        if reason:
            named = {"measure": str(measure["measure"]), "kind": str(measure["kind"])}
            skipped.append(named | {"reason": reason})
        rows += found
    table = pd.DataFrame(rows, columns=[*_COLUMNS])
    units = chain.products.set_index("product")["unit"]
    suffix = table["kind"].isin(["stock", _POOLED]).map({True: "", False: " per year"})
    table["unit"] = table["product"].map(units).astype(str) + suffix
    most = offered.set_index("measure")["max"].astype(float).fillna(np.inf)
    blank = pd.DataFrame(skipped, columns=["measure", "kind", "reason"])
    return Candidates(table, most[most.index.isin(table["measure"])], blank)


def _offered(chain: SupplyChain, measures: pd.DataFrame | None) -> pd.DataFrame:
    """Return the table of what is on offer, with its defaults."""
    if measures is None:
        return chain.measures
    missing = {"measure", "kind", "product", "unit_cost"} - set(measures)
    if missing:
        raise OptionError(f"Expected measures with the columns {', '.join(sorted(missing))}.")
    table = measures.copy()
    for column, default in (("country", ""), ("lead_weeks", 0.0), ("max", np.nan)):
        table[column] = table.get(column, default)
    table["country"] = table["country"].fillna("")
    bad = sorted(set(table["kind"]) - set(KINDS))
    if bad or not (table["unit_cost"] > 0).all() or table["measure"].duplicated().any():
        raise OptionError(
            f"Expected measures with unique names, kinds among {', '.join(KINDS)} and unit costs "
            f"above 0, got kinds {sorted(set(table['kind']))} and costs from "
            f"{table['unit_cost'].min()}."
        )
    for product in table["product"]:
        chain.products_in(str(product))
    return table


def _look_up(
    finder: PlaceFinder,
    measure: dict[Hashable, Any],
    kinds: Sequence[str],
    *,
    notice: float,
    weeks: int,
    years: int,
) -> tuple[list[dict[str, object]], str]:
    """Return the candidates of one measure, or why there is none."""
    kind = str(measure["kind"])
    if kind not in kinds:
        return [], "kind not asked for"
    lead = float(measure["lead_weeks"])
    delays = {year: max(0.0, lead + year * WEEKS_PER_YEAR - notice) for year in range(years)}
    delays = {year: delay for year, delay in delays.items() if delay < weeks}
    if not delays:
        return [], f"works only from week {max(0.0, lead - notice):g} on"
    taken_as = [kind]
    if kind == "stock" and finder.pool is not None:
        taken_as.append(_POOLED)
    found: list[dict[str, object]] = []
    for one in taken_as:
        places: Places = finder.find(measure, one)
        for year, delay in delays.items():
            common = _common(measure, one) | {"order_year": year, "delay": delay}
            found += [common | place for place in places]
    return found, "" if found else "no site, slot or flow that it could help"


def _common(measure: Mapping[Hashable, Any], kind: str) -> dict[str, object]:
    return {
        "site": "", "slot": "", "supplier": "", "group": -1, "node": -1, "edge": -1,
        "groups": (), "shares": (),
        "measure": measure["measure"],
        "kind": kind,
        "product": measure["product"],
        "unit_cost": float(measure["unit_cost"]),
    }  # fmt: skip


_COLUMNS = (
    "measure", "kind", "product", "where", "site", "slot", "supplier", "unit", "unit_cost",
    "order_year", "delay", "payer", "effect", "top", "group", "node", "edge", "groups", "shares",
)  # fmt: skip
