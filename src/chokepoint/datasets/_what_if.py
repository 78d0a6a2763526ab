"""A chain with some of its numbers moved, as draws that run in one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.datasets._draw_columns import NAMES, QUANTITIES, Columns
from chokepoint.datasets._drawn_views import SLOT_DRAWN, DrawnViews
from chokepoint.datasets._draws import Draws
from chokepoint.datasets._outputs import with_outputs

__all__ = ["End", "Moves", "WhatIf", "end_of", "moved_shares"]

FloatArray = NDArray[np.float64]
End = Literal["low", "high"]
Moves = Mapping[str, FloatArray]
"""New columns by their names in :class:`chokepoint.datasets.Draws`."""

# Where a row states no range: half and one and a half times its value (grade D).
_DEFAULT_SPREAD = {"low": 0.5, "high": 1.5}


class WhatIf:
    """The numbers of a chain, and draws in which some of them are others.

    What must hold between columns is kept as in drawn chains: rows of one slot move together, the
    throttle is at most the stock and a week, disjoint shares add up to at most 1.
    """

    def __init__(self, chain: SupplyChain) -> None:
        recipe = chain._view("recipes")
        self.chain = chain
        self._views = DrawnViews.of(chain, recipe)
        self._rules = Columns.of(chain, recipe)
        tables = chain._tables
        self.base: dict[str, FloatArray] = {
            name: tables[table][column].to_numpy(dtype=np.float64, copy=True)
            for name, (table, column) in NAMES.items()
        }

    def draws(self, moves: Sequence[Moves]) -> Draws:
        """Return one draw for each set of new columns; all other numbers are the chain's."""
        columns = {}
        for name, values in self.base.items():
            rows = [one.get(name, values) for one in moves]
            if name in SLOT_DRAWN:
                rows = [one[self._rules.together] if one is not values else one for one in rows]
            columns[name] = np.array(rows, dtype=np.float64).reshape(len(moves), len(values))
        self._rules._keep_rules({key: columns[name] for name, key in NAMES.items()})
        numbers = pd.RangeIndex(len(moves), name="draw")
        return Draws(self.chain, numbers, columns, self._views)

    def chain_of(self, move: Moves) -> SupplyChain:
        """Return one such chain; ranges of numbers that were moved are blanked."""
        changed = self.draws([move])[0]
        tables = dict(changed._tables)
        for name in move:
            table, column = NAMES[name]
            own = ("low", "high") if name in QUANTITIES else (f"{column}_low", f"{column}_high")
            blank = {one: np.nan for one in own if one in tables[table]}
            tables[table] = tables[table].assign(**blank)
        return SupplyChain._from_trusted(tables, name=self.chain.name, cache=changed._cache)


def end_of(chain: SupplyChain, name: str, end: End) -> FloatArray:
    """Return the low or high end of a column; without a range half or one and a half times it."""
    table, column = NAMES[name]
    frame = chain._tables[table]
    stated = frame[f"{column}_{end}"].fillna(frame[column] * _DEFAULT_SPREAD[end])
    return stated.to_numpy(dtype=np.float64, copy=True)


def moved_shares(
    chain: SupplyChain, owner: Sequence[str], products: Sequence[str], end: End
) -> Moves:
    """Return the quantities of the chain in which an owner's outputs stand at one end.

    The other makers of each product take up the difference.
    """
    sites = chain.sites.set_index("site")
    mine = sites["country"].isin(list(owner)) & sites["product"].isin(list(products))
    stated = sites[end].where(mine).fillna(sites["output_qty"])
    if np.array_equal(stated.to_numpy(), sites["output_qty"].to_numpy()):
        return {}
    tables = with_outputs(chain, stated, fixed=mine)._tables
    return {
        name: tables[NAMES[name][0]][NAMES[name][1]].to_numpy(dtype=np.float64, copy=True)
        for name in QUANTITIES
    }
