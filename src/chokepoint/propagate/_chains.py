"""The chains of a batch: one, a list of them, or draws that become arrays when they are run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from chokepoint.datasets import Draws
from chokepoint.propagate._check import check_chain
from chokepoint.propagate._compile import (
    WEEKS_PER_YEAR,
    CompiledChain,
    Facts,
    columns_of,
    compile_chain,
    numbers_of,
    stack,
)
from chokepoint.propagate._compiled import NUMBERS

__all__ = ["Chains", "DrawnChains", "ListedChains"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_CELLS_AT_ONCE = 1_000_000
"""Flows times draws that are looked at together before the run, at most."""


class Chains(Protocol):
    """Chains of one structure."""

    @property
    def first(self) -> CompiledChain:
        """A chain that has the labels and the structure of all."""

    def __len__(self) -> int: ...

    def lanes(self, chosen: Sequence[int]) -> tuple[CompiledChain, FloatArray]:
        """Return chosen chains, one lane each, and what their nodes sell (N, lanes).

        Where all are the same one, there is one lane.
        """

    def values(self) -> tuple[FloatArray, FloatArray]:
        """Return value added and value of final demand (chains, N) [USD million per week]."""


@dataclass(frozen=True, eq=False)
class ListedChains:
    """Chains that are compiled already.

    Attributes
    ----------
    chains : sequence of CompiledChain
        Chains of one structure, at least one.
    sales : sequence of array (N, 1)
        What the nodes of each chain sell at baseline, by `weekly_sales`.
    """

    chains: Sequence[CompiledChain]
    sales: Sequence[FloatArray]

    @property
    def first(self) -> CompiledChain:
        """The first chain."""
        return self.chains[0]

    def __len__(self) -> int:
        """Return the number of chains."""
        return len(self.chains)

    def lanes(self, chosen: Sequence[int]) -> tuple[CompiledChain, FloatArray]:
        """Return chosen chains side by side."""
        used = chosen[:1] if len(set(chosen)) == 1 else chosen
        sales = np.hstack([self.sales[one] for one in used])
        return stack([self.chains[one] for one in used]), sales

    def values(self) -> tuple[FloatArray, FloatArray]:
        """Return value added and value of final demand."""
        return (
            np.stack([chain.value_added[:, 0] for chain in self.chains]),
            np.stack([chain.final_value[:, 0] for chain in self.chains]),
        )


class DrawnChains:
    """Draws of a chain, made into arrays for as many lanes as run together.

    What `compile_chain` would make of the chain of each draw, without that chain.

    Parameters
    ----------
    draws : Draws
        At least one. All are looked at once.

    Raises
    ------
    TableError
        If a draw is out of balance.
    """

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self.first = compile_chain(draws.chain)
        self._facts, self._base = Facts.of(draws.chain), columns_of(draws.chain)
        # Chunks of many scenarios on one draw follow each other.
        self._last: tuple[int, CompiledChain, FloatArray] | None = None
        self._values = self._checked()

    def _checked(self) -> tuple[FloatArray, FloatArray]:
        shape = (len(self), self.first.n_nodes)
        added, final = np.empty(shape), np.empty(shape)
        size = max(1, _CELLS_AT_ONCE // max(self.first.n_edges, 1))
        for start in range(0, len(self), size):
            rows = np.arange(start, min(start + size, len(self)))
            block, _ = self._compiled(rows)
            check_chain(block)
            added[rows], final[rows] = block.value_added.T, block.final_value.T
        return added, final

    def __len__(self) -> int:
        """Return the number of draws."""
        return len(self._draws)

    def lanes(self, chosen: Sequence[int]) -> tuple[CompiledChain, FloatArray]:
        """Return chosen draws side by side."""
        if len(set(chosen)) == 1:
            last = self._last
            if last is None or last[0] != chosen[0]:
                last = (chosen[0], *self._compiled(np.array([chosen[0]], dtype=np.intp)))
                self._last = last
            return last[1:]
        rows, lane = np.unique(np.asarray(chosen, dtype=np.intp), return_inverse=True)
        merged, sales = self._compiled(rows)
        # Scenarios on one draw repeat its numbers.
        wide: dict[str, Any] = {name: getattr(merged, name)[:, lane] for name in NUMBERS}
        return replace(merged, **wide), sales[:, lane]

    def values(self) -> tuple[FloatArray, FloatArray]:
        """Return value added and value of final demand."""
        return self._values

    def _compiled(self, rows: IntArray) -> tuple[CompiledChain, FloatArray]:
        """Return draws, one lane each, and their sales."""
        given = {view: dict(columns) for view, columns in self._base.items()}
        for view, columns in self._draws.views(rows).items():
            for name in given[view].keys() & columns.keys():
                given[view][name] = columns[name].T
        numbers = numbers_of(self.first, self._facts, given)
        factors = self._draws.columns.get("behaviour")
        numbers["reactions"] = np.ones((3, 1)) if factors is None else factors[rows].T
        lanes: dict[str, Any] = {
            name: np.ascontiguousarray(np.broadcast_to(values, (len(values), len(rows))))
            for name, values in numbers.items()
        }
        sales = np.nan_to_num(given["nodes"]["value_usd_m"]) / WEEKS_PER_YEAR
        return replace(self.first, **lanes), sales
