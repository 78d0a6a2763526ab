"""An input-output table as arrays, and the slots and flows of the chain that it stands for.

A chain made from a table of 2000 industries has 4 million flows. They stay in the matrix they
came in; labelled tables of them are made when somebody asks.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chokepoint.chain._links import Links

__all__ = ["LEAD_WEEKS", "MARKET_QUALIFICATION", "QUALIFICATION", "IndustryTable"]

LEAD_WEEKS = 1
"""Weeks from dispatch to arrival on every flow."""

QUALIFICATION = 26.0
"""Weeks until an industry may buy more from a supplier; no limit binds unless one was asked for."""

MARKET_QUALIFICATION = 4.0
"""The same for final demand."""

IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class IndustryTable:
    """Industries of several areas that buy from one another; quantities are USD million per year.

    Attributes
    ----------
    areas, sectors, names : tuple of str
        Labels of areas and sectors, and the sectors' names as the table has them.
    residual : tuple of bool
        Which areas stand for a rest of the world.
    area, sector : array of int (n,)
        Area and sector of each industry.
    flows : array (n, n)
        Flow from the row's to the column's industry.
    final : array (n, m)
        Final demand of consuming area j for each industry's product.
    market_area : array of int (m,)
        The consuming areas.
    stock, throttle, reorder, criticality : array (S, n)
        Properties of the slot of input sector s at industry i, as in ``chain.slots``.
    ramp_max, ramp_weeks : array (n,)
        Largest output over baseline output, and time constant of ramping up.
    growth_max : float
        Growth over the baseline flow that a supplier may deliver at once (share).
    """

    areas: tuple[str, ...]
    sectors: tuple[str, ...]
    names: tuple[str, ...]
    residual: tuple[bool, ...]
    area: IntArray
    sector: IntArray
    flows: FloatArray
    final: FloatArray
    market_area: IntArray
    stock: FloatArray
    throttle: FloatArray
    reorder: FloatArray
    criticality: FloatArray
    ramp_max: FloatArray
    ramp_weeks: FloatArray
    growth_max: float

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    def same(self, other: IndustryTable) -> bool:
        """Return whether both hold the same industries in the same order, with the same numbers."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return all(np.array_equal(mine, theirs) for mine, theirs in pairs)

    @property
    def size(self) -> int:
        """Number of industries."""
        return len(self.sector)

    @cached_property
    def output(self) -> FloatArray:
        """Output of each industry: the sum of its row."""
        return np.asarray(self.flows.sum(axis=1) + self.final.sum(axis=1))

    @cached_property
    def added(self) -> FloatArray:
        """Value added of each industry: its output less what it buys, at least 0."""
        return np.asarray(np.maximum(self.output - self.flows.sum(axis=0), 0.0))

    @cached_property
    def by_sector(self) -> IntArray:
        """Industries sorted by sector; within a sector in their own order."""
        return np.argsort(self.sector, kind="stable")

    @cached_property
    def bought(self) -> FloatArray:
        """What each industry buys of each sector, shape (n, S)."""
        return np.ascontiguousarray(self._sums(self.flows).T)

    @cached_property
    def wanted(self) -> FloatArray:
        """Final demand of each consuming area for each sector, shape (m, S)."""
        return np.ascontiguousarray(self._sums(self.final).T)

    def _sums(self, matrix: FloatArray) -> FloatArray:
        total = np.zeros((len(self.sectors), matrix.shape[1]))
        for sector in range(len(self.sectors)):
            rows = np.flatnonzero(self.sector == sector)
            total[sector] = matrix[rows].sum(axis=0)
        return total

    @cached_property
    def slot_at(self) -> tuple[IntArray, IntArray]:
        """Industry and input sector of each slot of industries, as in ``chain.slots``."""
        buyer, sector = np.nonzero(self.bought > 0)
        return buyer, sector

    @cached_property
    def market_at(self) -> tuple[IntArray, IntArray]:
        """Column of `final` and sector of each market, in the order of ``chain.nodes``."""
        column, sector = np.nonzero(self.wanted > 0)
        return column, sector

    @cached_property
    def flow_count(self) -> int:
        """Number of flows between industries and to final demand."""
        return int(np.count_nonzero(self.flows) + np.count_nonzero(self.final))

    @cached_property
    def links(self) -> Links:
        """Flows as positions, in the order of ``chain.edges``."""
        between, final = self._between(), self._to_markets()
        joined = (np.concatenate(parts) for parts in zip(between, final, strict=True))
        supplier, buyer, slot, quantity, recipe, qualification = joined
        size = len(supplier)
        return Links(
            supplier.astype(np.int32, copy=False),
            buyer.astype(np.int32, copy=False),
            slot.astype(np.int32, copy=False),
            self.sector.astype(np.int32)[supplier],
            quantity,
            recipe,
            # One number seen many times: millions of flows differ in none of these.
            np.broadcast_to(self.growth_max, size),
            np.broadcast_to(float(LEAD_WEEKS), size),
            qualification,
            np.broadcast_to(np.nan, size),
            np.broadcast_to(np.False_, size),
        ).frozen()

    def _between(self) -> tuple[NDArray[np.generic], ...]:
        """Return flows between industries: by buyer, then sector, then supplier."""
        into = np.ascontiguousarray(self.flows[self.by_sector].T).ravel()
        # 32 bits suffice: a table with more than 46,000 industries does not fit in memory.
        place = np.flatnonzero(into).astype(np.int32)
        buyer, column = np.divmod(place, np.int32(self.size))
        supplier = self.by_sector.astype(np.int32)[column]
        at, sector = self.slot_at
        number = np.full(self.bought.shape, -1, dtype=np.int32)
        number[self.slot_at] = np.arange(len(at))
        slot = number.ravel()[buyer * np.int32(len(self.sectors)) + self.sector[supplier]]
        recipe = (self.bought[at, sector] / self.output[at])[slot]
        return supplier, buyer, slot, into[place], recipe, np.full(len(place), QUALIFICATION)

    def _to_markets(self) -> tuple[NDArray[np.generic], ...]:
        into = np.ascontiguousarray(self.final[self.by_sector].T)
        column, position = np.nonzero(into)
        supplier = self.by_sector[position].astype(np.int32)
        number = np.full(self.wanted.shape, -1, dtype=np.intp)
        number[self.market_at] = np.arange(len(self.market_at[0]))
        market = number[column, self.sector[supplier]]
        size = len(market)
        return (
            supplier,
            (self.size + market).astype(np.int32),
            (len(self.slot_at[0]) + market).astype(np.int32),
            into[column, position],
            np.ones(size),
            np.full(size, MARKET_QUALIFICATION),
        )
