"""Three ways to the losses of a set of shocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.errors import OptionError
from chokepoint.exposure._cascade._censor import Censored, censor, closed_classes
from chokepoint.exposure._cascade._iterate import paper_iteration, upstream_sweeps
from chokepoint.exposure._cascade._network import FirmNetwork

__all__ = ["Direct", "Paper", "Shocks", "Solver", "Swept"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Losses below this are not passed on downstream; what that leaves out of an index stays below 1e-9.
_PASSED_ON = 1e-11
# What the sweeps leave out of an upstream loss, as a share of a firm's output.
_SETTLED = 1e-10
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


def _weighed(
    weight: FloatArray, down: FloatArray, up: FloatArray, steps: NDArray[np.int64]
) -> FloatArray:
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
        return _weighed(self.weight, losses.downstream, losses.upstream, losses.steps)


@dataclass(frozen=True)
class Swept:
    """Losses pushed downstream, and sweeps over the firms upstream: any shock, any size."""

    network: FirmNetwork
    weight: FloatArray
    replaceability: bool
    cases_per_block: int = 32

    @property
    def settings(self) -> tuple[object, ...]:
        """See `Solver`."""
        return ("sweeps", self.replaceability)

    def solve(self, shocks: Shocks, cases: slice) -> FloatArray:
        """See `Solver`."""
        shock = shocks.columns(cases)
        up = upstream_sweeps(self.network, shock, tolerance=_SETTLED)
        total = self.weight @ up
        rows = np.empty((shock.shape[1], 4))
        work = _Workspace(self.network)
        for lane in range(shock.shape[1]):
            touched, down, pushes = work.spread(shock[:, lane], replaceability=self.replaceability)
            own = self.weight[touched]
            beyond = np.maximum(down - up[touched, lane], 0.0)
            rows[lane] = total[lane] + own @ beyond, own @ down, total[lane], pushes
        return rows


class _Workspace:
    """Arrays for pushing losses downstream, cleared where they were touched."""

    def __init__(self, network: FirmNetwork) -> None:
        self._network, links = network, network.downstream
        self._left = network.market_sales.copy()
        self._loss, self._pushed = np.zeros(network.n), np.zeros(network.n)
        self._missing = np.zeros(links.n_accounts)
        self._queued = np.zeros(network.n, dtype=np.bool_)
        self._touched = np.empty(network.n, dtype=np.int64)
        self._accounts = np.empty(links.n_accounts, dtype=np.int64)

    def spread(
        self, shock: FloatArray, *, replaceability: bool
    ) -> tuple[IntArray, FloatArray, int]:
        """Return the firms that lose anything, their losses, and the number of pushes."""
        from chokepoint.exposure._cascade._kernels import spread

        network, links = self._network, self._network.downstream
        first = np.flatnonzero(shock).astype(np.int64)
        n_touched, n_accounts, pushes = spread(
            first, shock[first], links.start, links.buyer, links.account, links.share,
            network.sales, network.market, self._left, replaceability, _PASSED_ON,
            self._loss, self._pushed, self._missing, self._queued, self._touched, self._accounts,
        )  # fmt: skip
        touched = self._touched[:n_touched].copy()
        losses = self._loss[touched]
        markets = network.market[touched]
        self._left[markets] = network.market_sales[markets]
        self._loss[touched] = self._pushed[touched] = 0.0
        self._missing[self._accounts[:n_accounts]] = 0.0
        return touched, losses, int(pushes)


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
        from chokepoint.exposure._cascade._kernels import single_defaults

        chosen = shocks.firms[cases]
        rows = np.empty((len(chosen), 4))
        network, links, f = self.network, self.network.downstream, self.factors
        single_defaults(
            chosen, links.start, links.buyer, links.account, links.share, links.n_accounts,
            network.sales, network.market, network.market_sales, self.replaceability, _PASSED_ON,
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
