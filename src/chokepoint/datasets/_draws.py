"""Many chains of one structure as arrays of their numbers, draw first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint import schema
from chokepoint.chain import SupplyChain
from chokepoint.datasets._draw_columns import BEHAVIOUR, NAMES
from chokepoint.datasets._drawn_views import DrawnViews
from chokepoint.errors import UnknownLabelError

__all__ = ["Draws"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_FACTORS = "behaviour"


@dataclass(frozen=True, eq=False, repr=False)
class Draws(Sequence[SupplyChain]):
    """Draws of a chain: labelled arrays of what varies, and a sequence of chains.

    Every name of :attr:`names` is an attribute, an array of shape (draws, rows) that cannot be
    written to, rows in the order of the table:

    * of sites: ``outputs``, ``value_added_share``, ``ramp_max``, ``ramp_weeks``,
      ``surplus_weeks``;
    * of inputs: ``use_share``, ``criticality``, ``stock_weeks``, ``throttle_weeks``,
      ``reorder_weeks``, ``thrift_weekly``, ``thrift_floor``, ``decay_weekly``, ``repair_weeks``,
      ``qualification_weeks``;
    * of markets: ``markets`` (their demand), ``market_stock_weeks``, ``market_reorder_weeks``,
      ``market_qualification_weeks``, ``backlog_share``;
    * of flows: ``flows`` (their quantity), ``growth_max``; of alternatives: ``max_share``,
      ``alternative_qualification_weeks``; of products: ``prices``; of projects: ``added_share``;
      of measures: ``unit_cost``; of controls: ``enforceability``;
    * ``behaviour``: factors on trigger, memory and speed of the weekly model, 1 = as given.

    :func:`chokepoint.simulate` runs all draws as one batch. As a sequence the draws are chains,
    each made when it is asked for; a slice is again draws.

    Attributes
    ----------
    chain : SupplyChain
        The baseline.
    numbers : pandas.Index
        Number of each draw.
    columns : mapping of array (draws, rows)
        The arrays by name.

    Notes
    -----
    Memory is 8 bytes per draw and number that varies; ``draws.nbytes`` adds it up.

    Examples
    --------
    >>> draws = cp.datasets.draw(cp.load("rare_earths"), 3, rng=1)
    >>> draws.outputs.shape == (3, len(draws.chain.sites))
    True
    >>> draws.frame("stock_weeks").index.tolist()
    [0, 1, 2]
    >>> type(draws[0]).__name__
    'SupplyChain'
    """

    chain: SupplyChain
    numbers: pd.Index
    columns: Mapping[str, FloatArray]
    _views: DrawnViews

    def __post_init__(self) -> None:
        for values in self.columns.values():
            values.flags.writeable = False
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what draws are made of."""
        return Draws, (self.chain, self.numbers, dict(self.columns), self._views)

    # ---------------------------------------------------------------------------- arrays

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays."""
        return tuple(self.columns)

    @property
    def nbytes(self) -> int:
        """Bytes that the arrays take."""
        return sum(values.nbytes for values in self.columns.values())

    def __getattr__(self, name: str) -> FloatArray:
        """Return an array by its name."""
        if name in NAMES or name == _FACTORS:
            return self.columns[name]
        raise AttributeError(f"draws have no attribute {name!r}; their arrays are in draws.names")

    def __dir__(self) -> list[str]:
        """Return the names of attributes, arrays included."""
        return sorted({*super().__dir__(), *self.columns})

    def frame(self, name: str) -> pd.DataFrame:
        """Return one array with labels: rows are draws, columns the rows of its table.

        Parameters
        ----------
        name : str
            One of :attr:`names`.

        Raises
        ------
        UnknownLabelError
            If there is no such array.
        """
        if name not in self.columns:
            raise UnknownLabelError(name, "array of draws", self.names)
        return pd.DataFrame(
            self.columns[name].copy(), index=self.numbers, columns=self._labels(name)
        )

    def _labels(self, name: str) -> pd.Index:
        if name == _FACTORS:
            return pd.Index(BEHAVIOUR, name="number")
        table = NAMES[name][0]
        frame, key = self.chain._tables[table], list(schema.spec(table).key)
        labels: pd.Index = pd.MultiIndex.from_frame(frame[key])
        return labels if len(key) > 1 else pd.Index(frame[key[0]])

    def views(self, chosen: IntArray) -> dict[str, dict[str, FloatArray]]:
        """Return the columns of nodes, slots and edges that vary.

        Parameters
        ----------
        chosen : array of int
            Positions of draws.

        Returns
        -------
        dict of dict of array (chosen, rows)
            By view ("nodes", "slots", "edges") and column, rows as in ``chain.nodes`` and so on.
        """
        columns = self._views.with_values(self.chain, self._tables(chosen), ("sites", "markets"))
        return self._views.views(self.chain, columns)

    def with_projects(self, position: int) -> SupplyChain:
        """Return the baseline with the projects of one draw."""
        tables = dict(self.chain._tables)
        shares = self.columns["added_share"][position]
        tables["projects"] = tables["projects"].assign(added_share=shares)
        cache = {name: view for name, view in self.chain._cache.items() if name != "hash"}
        return SupplyChain._from_trusted(tables, name=self.chain.name, cache=cache)

    def _tables(self, chosen: int | IntArray) -> dict[str, dict[str, FloatArray]]:
        found: dict[str, dict[str, FloatArray]] = {}
        for name, values in self.columns.items():
            if name != _FACTORS:
                table, column = NAMES[name]
                found.setdefault(table, {})[column] = values[chosen]
        return found

    # -------------------------------------------------------------------------- sequence

    def __len__(self) -> int:
        """Return the number of draws."""
        return len(self.numbers)

    @overload
    def __getitem__(self, item: int) -> SupplyChain: ...
    @overload
    def __getitem__(self, item: slice) -> Draws: ...
    def __getitem__(self, item: int | slice) -> SupplyChain | Draws:
        """Return the chain of one draw, or some of the draws."""
        if isinstance(item, slice):
            kept = {name: values[item] for name, values in self.columns.items()}
            return replace(self, numbers=self.numbers[item], columns=kept)
        position = range(len(self))[item]
        return self._views.changed(self.chain, self._tables(position))

    def __repr__(self) -> str:
        """Return what was drawn and how often."""
        return (
            f"<Draws: {len(self)} of {self.chain.name!r}, {len(self.columns)} arrays, "
            f"{self.nbytes / 1e6:.1f} MB>"
        )
