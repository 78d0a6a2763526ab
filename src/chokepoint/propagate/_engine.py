"""What every engine offers: a run that shows each week to a recorder."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate._behaviour import Behaviour
from chokepoint.propagate._compile import CompiledChain
from chokepoint.propagate._shocks import ShockPlan

__all__ = ["BaselineState", "Engine", "Recorder", "WeekState"]

Array = NDArray[np.floating]
IntArray = NDArray[np.intp]


class WeekState(Protocol):
    """What moves in one week; arrays have the shape (rows, lanes).

    It is valid during the call of the recorder only: arrays may be overwritten afterwards, and
    must not be written to. What is not asked for need not be computed.
    """

    @property
    def output(self) -> Array:
        """Deviation of the output of sites and of what markets got (N)."""

    @property
    def wanted(self) -> Array:
        """Deviation of what markets want, backlog and rebuilding included (N).

        Rows of sites mean nothing.
        """

    @property
    def asked(self) -> Array:
        """Orders of slots over baseline, before limits and caps of flows (G)."""

    def ordered(self, edges: IntArray) -> Array:
        """Orders on these flows as shares of the slot, under all limits, detours excluded."""

    def made(self, edges: IntArray) -> Array:
        """Goods made for these flows; differs from what is shipped where a licence is awaited."""

    def shipped(self, edges: IntArray) -> Array:
        """Goods that left the exporter on these flows, detours excluded."""

    def detoured(self, edges: IntArray) -> Array:
        """Goods for the buyers of these flows that left through third countries."""

    @property
    def stock(self) -> Array:
        """Stock at the end of the week [weeks of baseline use] (G)."""

    @property
    def used(self) -> Array:
        """Deviation of the use of each slot (G)."""

    @property
    def surplus(self) -> Array:
        """Joint output kept at the end of the week [weeks of baseline output] (N)."""

    @property
    def queue(self) -> Array:
        """Orders that wait for a licence at the end of the week, on licensed flows (K)."""

    @property
    def goods(self) -> Array:
        """Goods that are ready and wait for a licence, on licensed flows (K)."""

    @property
    def accepted(self) -> Array:
        """Orders taken on this week, on licensed flows (K)."""


class Recorder(Protocol):
    """Keeps what is wanted of a run."""

    def __call__(self, week: int, state: WeekState, /) -> None:
        """Take note of one week, once step 7 is decided and before anything is overwritten."""


class Engine(Protocol):
    """One run of a batch of scenarios.

    A lane's numbers do not depend, to the last bit, on the lanes beside it.
    """

    def __init__(
        self,
        chain: CompiledChain,
        shocks: ShockPlan,
        behaviour: Behaviour,
        dtype: np.dtype[np.floating],
        classes: IntArray,
    ) -> None: ...

    def run(self, record: Recorder) -> None:
        """Step through the weeks; weeks before ``shocks.first`` show a `BaselineState`."""


class BaselineState:
    """A week in which nothing has happened yet.

    Parameters
    ----------
    chain : CompiledChain
        The chain.
    shocks : ShockPlan
        Gives the number of lanes and the licensed flows.
    dtype : numpy.dtype
        Precision of the arrays.
    """

    def __init__(
        self, chain: CompiledChain, shocks: ShockPlan, dtype: np.dtype[np.floating]
    ) -> None:
        self._chain, self._lanes, self._dtype = chain, shocks.lanes, dtype
        licences = shocks.licences
        self._licensed = np.empty(0, dtype=np.intp) if licences is None else licences.edges

    def _zeros(self, rows: int) -> Array:
        return np.zeros((rows, self._lanes), dtype=self._dtype)

    def _share(self, edges: IntArray) -> Array:
        sigma = self._chain.sigma[edges].astype(self._dtype)
        return np.broadcast_to(sigma, (len(sigma), self._lanes))

    @property
    def output(self) -> Array:
        """Zero everywhere."""
        return self._zeros(self._chain.n_nodes)

    @property
    def wanted(self) -> Array:
        """Zero everywhere."""
        return self._zeros(self._chain.n_nodes)

    @property
    def asked(self) -> Array:
        """One everywhere."""
        return self._zeros(self._chain.n_groups) + 1.0

    def ordered(self, edges: IntArray) -> Array:
        """Baseline shares."""
        return self._share(edges)

    def made(self, edges: IntArray) -> Array:
        """Baseline shares."""
        return self._share(edges)

    def shipped(self, edges: IntArray) -> Array:
        """Baseline shares."""
        return self._share(edges)

    def detoured(self, edges: IntArray) -> Array:
        """Zero everywhere."""
        return self._zeros(len(edges))

    @property
    def stock(self) -> Array:
        """Baseline cover."""
        stock = self._chain.stock.astype(self._dtype)
        return np.broadcast_to(stock, (len(stock), self._lanes))

    @property
    def used(self) -> Array:
        """Zero everywhere."""
        return self._zeros(self._chain.n_groups)

    @property
    def surplus(self) -> Array:
        """Zero everywhere."""
        return self._zeros(self._chain.n_nodes)

    @property
    def queue(self) -> Array:
        """Zero everywhere."""
        return self._zeros(len(self._licensed))

    @property
    def goods(self) -> Array:
        """Zero everywhere."""
        return self._zeros(len(self._licensed))

    @property
    def accepted(self) -> Array:
        """Baseline shares."""
        return self._share(self._licensed)
