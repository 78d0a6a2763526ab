"""Chains drawn from the uncertainty of a chain's numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.chain import SupplyChain
from chokepoint.datasets._drawn_views import SLOT_DRAWN, DrawnViews
from chokepoint.datasets._quantities import Quantities
from chokepoint.datasets._spread import Spread, column_spread
from chokepoint.errors import OptionError

__all__ = ["draw"]

FloatArray = NDArray[np.float64]

_DRAWN = {
    # table: columns drawn row by row (ramp_max: its excess over 1)
    "sites": ("value_added_share", "ramp_max", "ramp_weeks"),
    "inputs": ("qualification_weeks",),
    "markets": ("qualification_weeks",),
    "flows": ("growth_max",),
    "alternatives": ("max_share",),
    "products": ("price_usd",),
    "projects": ("added_share",),
    "measures": ("unit_cost",),
    "controls": ("enforceability",),
}
_OFFSET = {"ramp_max": 1.0}


def draw(
    chain: SupplyChain, n: int, *, rng: np.random.Generator | int | None = None
) -> Iterator[SupplyChain]:
    """Yield chains of the same structure whose numbers are drawn from their uncertainty.

    Numbers with a range (`low`, `high` for the measure of a table, `X_low`, `X_high` for a column
    X) are drawn from the triangular distribution between its ends with the number as mode. Numbers
    without a range are drawn from a lognormal around them with a standard deviation by grade: A
    2 %, B 5 %, C 15 %, D 30 % (assumption), inside the bounds of their column; a number that stands
    at a bound (a share of 0 or 1, a cover of 0) stays. Drawn are

    * outputs of sites and demand of markets, as shares: the sum over the sites (markets) of a
      product is kept, children follow their process, `other_use` takes what is left over;
    * flows, then fitted again so that every identity holds;
    * use_share, criticality, stock_weeks and throttle_weeks of slots (throttle_weeks stays at most
      stock_weeks + 1, disjoint shares add up to at most 1), qualification_weeks, growth_max,
      value_added_share, ramp_max, ramp_weeks, max_share of alternatives, added_share of projects,
      unit_cost of measures, enforceability of controls, price_usd.

    Recipe quantities and yields are not drawn: the weekly model is relative to baseline, so that
    only shares, covers and times matter to it, and another recipe would merely rescale the
    outputs upstream. Lead times, dates, GDP and totals of trade are not drawn either.

    Parameters
    ----------
    chain : SupplyChain
        The baseline.
    n : int
        Number of draws.
    rng : Generator, int or None
        Draw k depends only on `rng` and k: the same seed gives the same draws, whatever n is.

    Yields
    ------
    SupplyChain
        Valid chains with the labels, order and name of `chain`.

    Raises
    ------
    OptionError
        If n is negative.

    Examples
    --------
    >>> chain = cp.SupplyChain.from_tables(
    ...     products=pd.DataFrame({"product": ["ore"]}),
    ...     sites=pd.DataFrame(
    ...         {"product": "ore", "country": ["CHN", "USA"], "output_qty": [60.0, 40.0]}
    ...     ),
    ...     markets=pd.DataFrame({"product": ["ore"], "country": ["JPN"], "quantity": [100.0]}),
    ... )
    >>> draws = list(cp.datasets.draw(chain, 3, rng=1))
    >>> [round(float(one.sites["output_qty"].sum()), 6) for one in draws]
    [100.0, 100.0, 100.0]
    """
    if n < 0:
        raise OptionError(f"expected n >= 0 draws, given {n}")
    return _draws(chain, np.random.default_rng(rng).spawn(n))


def _draws(chain: SupplyChain, generators: list[np.random.Generator]) -> Iterator[SupplyChain]:
    plan = _Plan.of(chain)
    for generator in generators:
        yield plan.sample(generator)


@dataclass(frozen=True)
class _Plan:
    """Everything about the draws of one chain that does not depend on the draw."""

    chain: SupplyChain
    quantities: Quantities
    columns: Mapping[tuple[str, str], Spread]
    together: NDArray[np.intp]
    disjoint: tuple[NDArray[np.intp], ...]
    views: DrawnViews

    @classmethod
    def of(cls, chain: SupplyChain) -> _Plan:
        tables = chain.tables
        columns = {
            (table, column): column_spread(
                table, tables[table], column, offset=_OFFSET.get(column, 0.0)
            )
            for table, names in _DRAWN.items()
            for column in names
        }
        recipe = chain._view("recipes")
        together = _rows_of_slots(recipe, len(tables["inputs"]))
        # Rows of one slot agree; the first one's grade and range speak for all of them.
        shared = tables["inputs"].iloc[together].reset_index(drop=True)
        for column in SLOT_DRAWN:
            columns["inputs", column] = column_spread("inputs", shared, column)
        return cls(
            chain=chain,
            quantities=Quantities.of(chain),
            columns=columns,
            together=together,
            disjoint=_disjoint_slots(recipe),
            views=DrawnViews.of(chain, recipe),
        )

    def sample(self, rng: np.random.Generator) -> SupplyChain:
        """Return one drawn chain."""
        nodes, flows = self.quantities.sample(rng)
        new: dict[str, dict[str, FloatArray]] = {table: {} for table in _DRAWN}
        for (table, column), spread in self.columns.items():
            share = self.together if column in SLOT_DRAWN and table == "inputs" else None
            new[table][column] = spread.sample(rng, share)
        self._keep_rules(new["inputs"])
        return self.views.chain(self.chain, new, nodes, flows)

    def _keep_rules(self, inputs: dict[str, FloatArray]) -> None:
        limit = inputs["stock_weeks"] + 1.0
        inputs["throttle_weeks"] = np.minimum(inputs["throttle_weeks"], limit)
        # Several sites may share rows, so the shares shrink until every site's add up.
        for rows in self.disjoint:
            total = float((inputs["use_share"][rows] * inputs["criticality"][rows]).sum())
            if total > 1.0:
                same = np.isin(self.together, self.together[rows])
                inputs["use_share"][same] /= total


def _rows_of_slots(recipe: pd.DataFrame, size: int) -> NDArray[np.intp]:
    """Return for each row of `inputs` the first row that shares a slot of some site with it."""
    from scipy.sparse.csgraph import connected_components

    own = recipe[recipe["row"] >= 0]
    slot = own.groupby(["buyer", "slot"], sort=False).ngroup().to_numpy()
    row = own["row"].to_numpy()
    count = size + (int(slot.max()) + 1 if len(slot) else 0)
    link = sparse.csr_array((np.ones(len(row)), (row, size + slot)), shape=(count, count))
    part = connected_components(link, directed=False)[1][:size]
    first = pd.Series(np.arange(size)).groupby(part).transform("first")
    return np.asarray(first.to_numpy(), dtype=np.intp)


def _disjoint_slots(recipe: pd.DataFrame) -> tuple[NDArray[np.intp], ...]:
    """Return for each site with disjoint slots one row of `inputs` per such slot."""
    own = recipe[(recipe["row"] >= 0) & (recipe["combine"] == "disjoint")]
    own = own[~own.duplicated(["buyer", "slot"])]
    groups = {tuple(sorted(rows)) for rows in own.groupby("buyer")["row"].agg(list)}
    return tuple(np.array(rows, dtype=np.intp) for rows in sorted(groups))
