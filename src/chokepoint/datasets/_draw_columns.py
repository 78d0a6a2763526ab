"""The columns of tables that are drawn, and what holds between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.chain import SupplyChain
from chokepoint.datasets._drawn_views import SLOT_DRAWN
from chokepoint.datasets._spread import Spread, column_spread

__all__ = ["BEHAVIOUR", "NAMES", "QUANTITIES", "Columns", "Numbers", "random_numbers"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
Key = tuple[str, str]

BEHAVIOUR = ("trigger", "memory", "speed")
"""Numbers of the weekly model that are drawn as factors."""

NAMES: dict[str, Key] = {
    # name of an array of draws: table and column
    "outputs": ("sites", "output_qty"),
    "markets": ("markets", "quantity"),
    "flows": ("flows", "quantity"),
    "value_added_share": ("sites", "value_added_share"),
    "ramp_max": ("sites", "ramp_max"),
    "ramp_weeks": ("sites", "ramp_weeks"),
    "surplus_weeks": ("sites", "surplus_weeks"),
    **{name: ("inputs", name) for name in SLOT_DRAWN},
    "qualification_weeks": ("inputs", "qualification_weeks"),
    "market_qualification_weeks": ("markets", "qualification_weeks"),
    "market_stock_weeks": ("markets", "stock_weeks"),
    "market_reorder_weeks": ("markets", "reorder_weeks"),
    "backlog_share": ("markets", "backlog_share"),
    "growth_max": ("flows", "growth_max"),
    "max_share": ("alternatives", "max_share"),
    "alternative_qualification_weeks": ("alternatives", "qualification_weeks"),
    "prices": ("products", "price_usd"),
    "added_share": ("projects", "added_share"),
    "unit_cost": ("measures", "unit_cost"),
    "enforceability": ("controls", "enforceability"),
}

QUANTITIES = ("outputs", "markets", "flows")
_OFFSET = {"ramp_max": 1.0}


Numbers = tuple[FloatArray, FloatArray]
"""Standard uniform and standard normal numbers (draws, rows) of a column."""


def random_numbers(
    generators: Sequence[np.random.Generator], spreads: Sequence[Spread]
) -> list[Numbers]:
    """Return the random numbers of columns; each draw has a generator of its own.

    Rows with a range have a uniform number, the others a normal one; the other of the two says
    the middle.
    """
    ranged = [~np.isnan(spread.low) for spread in spreads]
    count = sum(int(rows.sum()) for rows in ranged)
    rest = sum(len(rows) for rows in ranged) - count
    uniform, normal = np.empty((len(generators), count)), np.empty((len(generators), rest))
    for draw, generator in enumerate(generators):
        uniform[draw] = generator.random(count)
        normal[draw] = generator.standard_normal(rest)
    dealt, used = [], [0, 0]
    for rows in ranged:
        wide = (np.full((len(generators), len(rows)), 0.5), np.zeros((len(generators), len(rows))))
        for which, (given, some) in enumerate(((uniform, rows), (normal, ~rows))):
            end = used[which] + int(some.sum())
            wide[which][:, some] = given[:, used[which] : end]
            used[which] = end
        dealt.append(wide)
    return dealt


@dataclass(frozen=True)
class Columns:
    """Spreads of all columns but quantities, and rules that hold between columns.

    Attributes
    ----------
    spreads : mapping
        By table and column.
    together : array (inputs,)
        First row of `inputs` that shares a slot of some site with each row; rows of one slot
        move together.
    disjoint : tuple of (rows, same)
        For each site with disjoint slots one row of `inputs` per such slot, and all rows that
        move with them.
    """

    spreads: Mapping[Key, Spread]
    together: IntArray
    disjoint: tuple[tuple[IntArray, IntArray], ...]

    @classmethod
    def of(cls, chain: SupplyChain, recipe: pd.DataFrame) -> Columns:
        """Return the columns of a chain."""
        tables = chain.tables
        together = _rows_of_slots(recipe, len(tables["inputs"]))
        # Rows of one slot agree; the first one's grade and range speak for all of them.
        shared = tables["inputs"].iloc[together].reset_index(drop=True)
        spreads = {}
        for name, (table, column) in NAMES.items():
            if name in QUANTITIES:
                continue
            frame = shared if table == "inputs" and column in SLOT_DRAWN else tables[table]
            offset = _OFFSET.get(column, 0.0)
            spreads[table, column] = column_spread(table, frame, column, offset=offset)
        disjoint = tuple(
            (rows, np.flatnonzero(np.isin(together, together[rows])))
            for rows in _disjoint_slots(recipe)
        )
        return cls(spreads, together, disjoint)

    def values(self, numbers: Sequence[Numbers]) -> dict[Key, FloatArray]:
        """Return the columns (draws, rows) that numbers stand for, in the order of `spreads`."""
        drawn: dict[Key, FloatArray] = {}
        for (key, spread), (uniform, normal) in zip(self.spreads.items(), numbers, strict=True):
            if key[0] == "inputs" and key[1] in SLOT_DRAWN:
                uniform, normal = uniform[:, self.together], normal[:, self.together]
            drawn[key] = spread.values(uniform, normal)
        self._keep_rules(drawn)
        return drawn

    def _keep_rules(self, drawn: dict[Key, FloatArray]) -> None:
        limit = drawn["inputs", "stock_weeks"] + 1.0
        throttle = drawn["inputs", "throttle_weeks"]
        drawn["inputs", "throttle_weeks"] = np.minimum(throttle, limit)
        # Several sites may share rows, so the shares shrink until every site's add up.
        share = drawn["inputs", "use_share"]
        for rows, same in self.disjoint:
            part = share[:, rows] * drawn["inputs", "criticality"][:, rows]
            share[:, same] /= np.maximum(part.sum(axis=1), 1.0)[:, None]


def _rows_of_slots(recipe: pd.DataFrame, size: int) -> IntArray:
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


def _disjoint_slots(recipe: pd.DataFrame) -> tuple[IntArray, ...]:
    """Return for each site with disjoint slots one row of `inputs` per such slot."""
    own = recipe[(recipe["row"] >= 0) & (recipe["combine"] == "disjoint")]
    own = own[~own.duplicated(["buyer", "slot"])]
    groups = {tuple(sorted(rows)) for rows in own.groupby("buyer")["row"].agg(list)}
    return tuple(np.array(rows, dtype=np.intp) for rows in sorted(groups))
