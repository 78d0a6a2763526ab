"""Chains drawn from the uncertainty of a chain's numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import GRADE_SPREAD, SupplyChain
from chokepoint.datasets._draw_columns import (
    BEHAVIOUR,
    NAMES,
    QUANTITIES,
    Columns,
    random_numbers,
)
from chokepoint.datasets._drawn_views import DrawnViews
from chokepoint.datasets._draws import Draws
from chokepoint.datasets._quantities import Quantities
from chokepoint.datasets._spread import Spread, grade_sigma
from chokepoint.errors import OptionError

__all__ = ["draw"]

FloatArray = NDArray[np.float64]

_AT_ONCE = 32
_CELLS_AT_ONCE = 8_000_000
"""Flows and sources times draws that are worked on together, at most."""


def draw(
    chain: SupplyChain,
    n: int,
    *,
    rng: np.random.Generator | int | None = None,
    behaviour: bool = True,
) -> Draws:
    """Draw chains of the same structure from the uncertainty of a chain's numbers.

    Numbers with a range (`low`, `high` for the measure of a table, `X_low`, `X_high` for a column
    X) are drawn from the triangular distribution between its ends with the number as mode. Numbers
    without a range are drawn from a lognormal around them with a standard deviation by grade: A
    2 %, B 5 %, C 15 %, D 30 % (assumption), inside the bounds of their column; a number that stands
    at a bound (a share of 0 or 1, a cover of 0) stays. Drawn are

    * outputs of sites and demand of markets, as shares: the sum over the sites (markets) of a
      product is kept, children follow their process, `other_use` takes what is left over;
    * flows, scaled towards the drawn outputs and needs, then fitted so that every identity holds;
    * of slots use_share, criticality, stock_weeks and throttle_weeks (which stays at most
      stock_weeks + 1; disjoint shares add up to at most 1), reorder_weeks, thrift, decay and
      repair; qualification_weeks, growth_max and max_share; value_added_share, ramp_max,
      ramp_weeks, surplus_weeks; stock, reordering and backlog of markets; added_share of projects,
      unit_cost of measures, enforceability of controls, price_usd;
    * factors on trigger, memory and speed of the weekly model, lognormal as grade D.

    Recipe quantities and yields are not drawn: the weekly model is relative to baseline, so that
    only shares, covers and times matter to it, and another recipe would merely rescale the
    outputs upstream. Lead times, dates, GDP and totals of trade are not drawn either. The page
    *Uncertainty* of the docs says why.

    Parameters
    ----------
    chain : SupplyChain
        The baseline.
    n : int
        Number of draws.
    rng : Generator, int or None
        Draw k depends only on `rng` and k: the same seed gives the same draws, whatever n is.
    behaviour : bool
        Whether factors on the behaviour of the weekly model are drawn. The other numbers do not
        depend on it.

    Returns
    -------
    Draws
        Arrays (draws, rows), and a sequence of valid chains with the labels, order and name of
        `chain`.

    Raises
    ------
    OptionError
        If n is no whole number of at least 0.
    ConvergenceError
        If no outputs and flows near drawn ones keep the accounting identities.

    Examples
    --------
    >>> chain = cp.SupplyChain.from_tables(
    ...     products=pd.DataFrame({"product": ["ore"]}),
    ...     sites=pd.DataFrame(
    ...         {"product": "ore", "country": ["CHN", "USA"], "output_qty": [60.0, 40.0]}
    ...     ),
    ...     markets=pd.DataFrame({"product": ["ore"], "country": ["JPN"], "quantity": [100.0]}),
    ... )
    >>> draws = cp.datasets.draw(chain, 3, rng=1)
    >>> draws.outputs.sum(axis=1).round(6).tolist()
    [100.0, 100.0, 100.0]
    >>> [len(one.sites) for one in draws]
    [2, 2, 2]
    """
    given: Any = n
    if isinstance(given, bool) or not isinstance(given, int | np.integer) or given < 0:
        raise OptionError(f"expected a whole number n >= 0 of draws, given {given!r}")
    plan = _Plan(chain, behaviour=behaviour)
    generators = np.random.default_rng(rng).spawn(int(n))
    columns = plan.room(int(n))
    for start, block in plan.blocks(generators):
        for name, values in block.items():
            columns[name][start : start + len(values)] = values
    return Draws(chain, pd.RangeIndex(int(n), name="draw"), columns, plan.views)


class _Plan:
    """Everything about the draws of one chain that does not depend on the draw."""

    def __init__(self, chain: SupplyChain, *, behaviour: bool) -> None:
        recipe = chain._view("recipes")
        self.views = DrawnViews.of(chain, recipe)
        self._quantities = Quantities.of(chain)
        self._columns = Columns.of(chain, recipe)
        self._behaviour = behaviour
        self._sites = len(chain.sites)
        self._rows = {name: len(chain._tables[table]) for name, (table, _) in NAMES.items()}

    def room(self, n: int) -> dict[str, FloatArray]:
        """Return empty arrays for n draws."""
        rows = {**self._rows, **({"behaviour": len(BEHAVIOUR)} if self._behaviour else {})}
        return {name: np.empty((n, size)) for name, size in rows.items()}

    def blocks(
        self, generators: list[np.random.Generator]
    ) -> Iterator[tuple[int, dict[str, FloatArray]]]:
        """Yield the arrays of some draws at a time, and the position of the first of them."""
        quantities = self._quantities
        variables = len(quantities.base) + len(quantities.flows.value)
        width = int(np.clip(_CELLS_AT_ONCE // max(variables, 1), 1, _AT_ONCE))
        for start in range(0, len(generators), width):
            yield start, self._block(generators[start : start + width], width)

    def _block(self, generators: list[np.random.Generator], width: int) -> dict[str, FloatArray]:
        quantities, columns = self._quantities, self._columns
        spreads = [quantities.spread, quantities.flows, *columns.spreads.values(), _REACTIONS]
        sources, flows, *numbers, reactions = random_numbers(generators, spreads)
        nodes, found = self._balanced(
            quantities.spread.values(*sources), quantities.flows.values(*flows), width
        )
        drawn = columns.values(numbers)
        block = {
            "outputs": nodes[:, : self._sites],
            "markets": nodes[:, self._sites :],
            "flows": found[:, self.views.edge_of_flow],
            **{name: drawn[key] for name, key in NAMES.items() if name not in QUANTITIES},
        }
        if self._behaviour:
            block["behaviour"] = _REACTIONS.values(*reactions)
        return block

    def _balanced(
        self, sources: FloatArray, flows: FloatArray, width: int
    ) -> tuple[FloatArray, FloatArray]:
        """Balance a full block: the last digit hangs on the number of right-hand sides."""
        count, quantities = len(sources), self._quantities
        missing = (width - count, 1)
        nodes, found = quantities.balanced(
            np.vstack([sources, np.tile(quantities.base, missing)]),
            np.vstack([flows, np.tile(quantities.flows.value, missing)]),
        )
        return nodes[:count], found[:count]


_REACTIONS = Spread(
    value=np.ones(len(BEHAVIOUR)),
    low=np.full(len(BEHAVIOUR), np.nan),
    high=np.full(len(BEHAVIOUR), np.nan),
    sigma=np.full(len(BEHAVIOUR), grade_sigma(GRADE_SPREAD["D"])),
    floor=0.0,
    ceiling=np.inf,
)
