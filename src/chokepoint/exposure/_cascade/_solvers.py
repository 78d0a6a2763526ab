"""Losses of a set of shocks: as the paper iterates, or from one factorisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.errors import OptionError
from chokepoint.exposure._cascade._censor import Censored, censor, closed_classes
from chokepoint.exposure._cascade._iterate import (
    downstream_sweeps,
    paper_iteration,
)
from chokepoint.exposure._cascade._network import FirmNetwork

__all__ = ["PASSED_ON", "PUSHED", "Direct", "Paper", "Shocks", "Solver", "weighed"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Losses below this are not passed on downstream; what that leaves out of an index stays below 1e-9.
PASSED_ON = 1e-11
# Cascades that follow more links than this many times all of them are left to sweeps.
PUSHED = 2.0
# Cascades that are swept together.
_LANES = 32
# The inverse of the core takes 8 bytes for each pair of firms: 3.2 GB.
_LARGEST_CORE = 20_000
# Taking firms out costs more than it saves in larger networks, whose core is too large anyway.
_LARGEST_NETWORK = 250_000


@dataclass(frozen=True)
class Shocks:
    """Shocks by case: one firm that fails altogether, or a stated column."""

    n: int
    firms: IntArray
    table: FloatArray | None = None

    @classmethod
    def defaults(cls, n: int, firms: IntArray) -> Shocks:
        """Return the default of each of `firms`, one after the other."""
        return cls(n, firms)

    @classmethod
    def stated(cls, table: FloatArray) -> Shocks:
        """Return the columns of a table (n, cases)."""
        return cls(len(table), np.empty(0, dtype=np.int64), table)

    @property
    def single(self) -> bool:
        """Whether each case is the default of one firm."""
        return self.table is None

    def __len__(self) -> int:
        return len(self.firms) if self.table is None else self.table.shape[1]

    def columns(self, cases: slice) -> FloatArray:
        """Return the shocks of some cases, shape (n, cases)."""
        if self.table is not None:
            return np.ascontiguousarray(self.table[:, cases])
        chosen = self.firms[cases]
        shock = np.zeros((self.n, len(chosen)))
        shock[chosen, np.arange(len(chosen))] = 1.0
        return shock


class Solver(Protocol):
    """Finds index, downstream part, upstream part and steps of some cases."""

    @property
    def cases_per_block(self) -> int:
        """How many cases one call should take."""
        ...

    @property
    def settings(self) -> tuple[object, ...]:
        """What the result depends on beside the network, for checkpoints."""
        ...

    def solve(self, shocks: Shocks, cases: slice) -> FloatArray:
        """Return one row per case."""
        ...

    @property
    def network(self) -> FirmNetwork:
        """The network."""
        ...

    @property
    def weight(self) -> FloatArray:
        """Weights of firms, adding up to 1."""
        ...


def weighed(
    weight: FloatArray, down: FloatArray, up: FloatArray, steps: NDArray[np.int64]
) -> FloatArray:
    """Return one row per lane."""
    return np.column_stack([weight @ np.maximum(down, up), weight @ down, weight @ up, steps])


@dataclass(frozen=True)
class Paper:
    """All firms updated at once, stopped as in the paper."""

    network: FirmNetwork
    weight: FloatArray
    replaceability: bool
    stop: float
    cases_per_block: int = 64

    @property
    def settings(self) -> tuple[object, ...]:
        """See `Solver`."""
        return ("paper", self.replaceability, self.stop)

    def solve(self, shocks: Shocks, cases: slice) -> FloatArray:
        """See `Solver`."""
        losses = paper_iteration(
            self.network,
            shocks.columns(cases),
            replaceability=self.replaceability,
            stop=self.stop,
        )
        return weighed(self.weight, losses.downstream, losses.upstream, losses.steps)


@dataclass(frozen=True)
class Direct:
    """Single defaults, upstream from one factorisation."""

    network: FirmNetwork
    weight: FloatArray
    replaceability: bool
    factors: Censored
    closed: IntArray
    class_weight: FloatArray
    entries: sparse.csr_array
    price: FloatArray
    cases_per_block: int = 256

    @classmethod
    def of(
        cls, network: FirmNetwork, weight: FloatArray, *, replaceability: bool, force: bool
    ) -> Direct | None:
        """Return the solver, or None where its matrix would be too large."""
        from chokepoint.exposure._cascade._kernels import adjoint

        closed = closed_classes(network.upstream, network.leak)
        factors = None
        if force or network.n <= _LARGEST_NETWORK:
            factors = censor(network.upstream, network.leak, closed, largest_core=_LARGEST_CORE)
        if factors is None:
            if force:
                raise OptionError(
                    f'Cascade index: method="direct" would leave more than {_LARGEST_CORE:,} firms '
                    'to invert at once; use method="sweeps".'
                )
            return None
        f = factors
        price = adjoint(
            weight[f.firm], f.n_out, f.out_start, f.out_to, f.out_share,
            f.in_start, f.in_from, f.in_share, f.scale, f.core,
        )  # fmt: skip
        inside = closed >= 0
        classes = int(closed.max(initial=-1)) + 1
        class_weight = np.zeros(classes)
        np.add.at(class_weight, closed[inside], weight[inside])
        entries = _entries(network, factors, closed, classes)
        return cls(network, weight, replaceability, factors, closed, class_weight, entries, price)

    @property
    def settings(self) -> tuple[object, ...]:
        """See `Solver`."""
        return ("direct", self.replaceability)

    def solve(self, shocks: Shocks, cases: slice) -> FloatArray:
        """See `Solver`."""
        chosen = shocks.firms[cases]
        rows = self._rows(chosen, np.empty((0, 0)), 0)
        large = np.flatnonzero(np.isnan(rows[:, 0]))
        for first in range(0, len(large), _LANES):
            some = large[first : first + _LANES]
            shock = Shocks.defaults(self.network.n, chosen[some]).columns(slice(None))
            losses, steps = downstream_sweeps(
                self.network, shock, replaceability=self.replaceability, tolerance=PASSED_ON
            )
            rows[some] = self._rows(chosen[some], losses, steps)
        return rows

    def _rows(self, chosen: IntArray, given: FloatArray, steps: int) -> FloatArray:
        from chokepoint.exposure._cascade._kernels import single_defaults

        rows = np.empty((len(chosen), 4))
        network, links, f = self.network, self.network.downstream, self.factors
        single_defaults(
            chosen, given, steps,
            links.start, links.buyer, links.account, links.share, links.n_accounts,
            network.sales, network.market, network.market_sales, self.replaceability, PASSED_ON,
            PUSHED * len(links.buyer),
            self.weight, f.position, f.firm, f.n_out, f.out_start, f.out_to, f.out_share,
            f.in_start, f.in_from, f.in_share, f.scale, f.core, self.price,
            self.closed, self.class_weight, self.entries.indptr.astype(np.int64),
            self.entries.indices.astype(np.int64), self.entries.data, rows,
        )  # fmt: skip
        return rows


def _entries(
    network: FirmNetwork, factors: Censored, closed: IntArray, classes: int
) -> sparse.csr_array:
    """Return the chance to step into each closed class (row) from each position."""
    links = network.upstream.tocoo()
    source, target = links.coords[0], links.coords[1]
    enters = (closed[target] >= 0) & (closed[source] < 0)
    coords = (closed[target[enters]], factors.position[source[enters]])
    shape = (classes, len(factors.firm))
    entries = sparse.coo_array((links.data[enters], coords), shape=shape).tocsr()
    entries.sum_duplicates()
    return entries
