"""Single defaults: upstream losses from one factorisation, downstream by pushing or sweeping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.errors import OptionError
from chokepoint.exposure._cascade._censor import Censored, censor, closed_classes
from chokepoint.exposure._cascade._columns import Columns, adjoint_price
from chokepoint.exposure._cascade._lanes import LANES, Settled, downstream_lanes
from chokepoint.exposure._cascade._network import FirmNetwork
from chokepoint.exposure._cascade._push import PASSED_ON, Firms, PushWork, most_links
from chokepoint.exposure._cascade._shocks import Shocks

__all__ = ["Direct"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# The inverse of the core takes 8 bytes for each pair of firms, or 4: up to 2.9 GB.
_LARGEST_CORE = 19_000
_LARGEST_SINGLE = 27_000
# Taking firms out costs more than it saves in larger networks, whose core is too large anyway.
_LARGEST_NETWORK = 250_000
# Entries of a core in single precision are right to about a millionth; where that might change an
# index by more than this, what is left of the right-hand side is solved for again.
_SINGLE = 1e-6
_ALLOWED = 2e-9
# Firms that lose hardly anything downstream are not compared with what they lose upstream; what
# that may take from an index.
_LEFT_OUT = 1e-10
_WIDE = (0,) * LANES


class Classes(NamedTuple):
    """Closed classes: the class of each firm (-1 for none), weights, and chances to step in.

    Those of class ``c`` are ``start[c]:start[c + 1]``: from position `source` with `share`.
    """

    number: IntArray
    weight: FloatArray
    start: IntArray
    source: IntArray
    share: FloatArray


class _ColumnWork(NamedTuple):
    """Arrays for reading off a few entries of a column, cleared where they were used."""

    right: FloatArray
    value: FloatArray
    stamp: IntArray
    list_right: IntArray
    list_value: IntArray
    wanted: IntArray

    @classmethod
    def of(cls, m: int) -> _ColumnWork:
        lists = [np.zeros(size, dtype=np.int64) for size in (m, m, m, m + 1)]
        return cls(np.zeros(m), np.zeros(m), *lists)


@dataclass(frozen=True)
class Direct:
    """Single defaults, upstream from one factorisation."""

    network: FirmNetwork
    weight: FloatArray
    replaceability: bool
    factors: Censored
    classes: Classes
    price: FloatArray
    columns: Columns
    cases_per_block: int = 2048

    @classmethod
    def of(
        cls, network: FirmNetwork, weight: FloatArray, *, replaceability: bool, force: bool
    ) -> Direct | None:
        """Return the solver, or None where its matrix would be too large."""
        closed = closed_classes(network.upstream, network.leak)
        factors = None
        if force or network.n <= _LARGEST_NETWORK:
            factors = censor(
                network.upstream, network.leak, closed,
                largest=_LARGEST_CORE, largest_single=_LARGEST_SINGLE,
            )  # fmt: skip
        if factors is None:
            if force:
                raise OptionError(
                    f'Cascade index: method="direct" would leave more than {_LARGEST_SINGLE:,} '
                    'firms to invert at once; use method="sweeps".'
                )
            return None
        columns = Columns(network, factors)
        price = adjoint_price(weight[factors.firm], factors, columns)
        classes = _classes(network, weight, factors, closed)
        return cls(network, weight, replaceability, factors, classes, price, columns)

    @property
    def settings(self) -> tuple[object, ...]:
        """See `Solver`."""
        return ("direct", self.replaceability)

    def solve(self, shocks: Shocks, cases: slice) -> FloatArray:
        """See `Solver`."""
        chosen = shocks.firms[cases]
        rows, returns = self._small(chosen)
        again = self._rough(rows, returns)
        self._sweep(chosen, rows, np.isnan(rows[:, 0]) & ~again, refined=False)
        self._sweep(chosen, rows, again | self._rough(rows, returns), refined=True)
        return rows

    def _small(self, chosen: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return rows, NaN where the cascade is too large, and the chance to come back."""
        from chokepoint.exposure._cascade._kernels_columns import small_defaults

        rows, links = np.empty((len(chosen), 5)), self.network.downstream
        small_defaults(
            chosen, links, Firms.of(self.network, self.weight), self.replaceability,
            PASSED_ON, most_links(links), _LEFT_OUT, self.factors, self.classes, self.price,
            PushWork.of(self.network), _ColumnWork.of(len(self.factors.firm)), rows,
        )  # fmt: skip
        return rows[:, :4].copy(), rows[:, 4]

    def _rough(self, rows: FloatArray, returns: FloatArray) -> NDArray[np.bool_]:
        """Return which rows the rounding of a core in single precision may be felt in."""
        index, down, up = rows[:, 0], rows[:, 1], rows[:, 2]
        overlap = np.where(np.isnan(index), 0.0, up + down - index)
        rough = _SINGLE * (returns * up + overlap) > _ALLOWED
        return rough & (self.factors.core.dtype == np.float32)

    def _sweep(
        self, chosen: IntArray, rows: FloatArray, which: NDArray[np.bool_], *, refined: bool
    ) -> None:
        defaults = Shocks.defaults(self.network.n, chosen)
        for settled in downstream_lanes(
            self.network, self.weight, defaults, np.flatnonzero(which),
            replaceability=self.replaceability,
        ):  # fmt: skip
            rows[settled.cases] = self._large(chosen[settled.cases], settled, refined=refined)

    def _large(self, chosen: IntArray, settled: Settled, *, refined: bool) -> FloatArray:
        """Return one row per default, from all losses downstream and whole columns upstream."""
        from chokepoint.exposure._cascade._kernels_dense import beyond

        factors, classes = self.factors, self.classes
        inside = classes.number[chosen]
        right, up = np.zeros((len(factors.firm), LANES)), np.zeros(len(chosen))
        for lane, (firm, number) in enumerate(zip(chosen, inside, strict=True)):
            source, share = factors.position[firm : firm + 1], np.ones(1)
            if number >= 0:
                enters = slice(classes.start[number], classes.start[number + 1])
                source, share = classes.source[enters], classes.share[enters]
            right[source, lane] = share
            up[lane] = share @ self.price[source]
        value = self.columns.solve(right, refined=refined)
        norm = np.ones((1, LANES))
        alone = np.flatnonzero(inside < 0)
        at = factors.position[chosen[alone]]
        norm[0, alone] = value[at, alone]
        if not refined:
            core = at >= factors.n_out
            norm[0, alone[core]] = factors.diagonal[at[core] - factors.n_out]
        up = up / norm[0, : len(chosen)] + np.where(inside < 0, 0.0, classes.weight[inside])
        more = np.zeros((1, LANES))
        beyond(_WIDE, self.weight, factors.position, settled.losses, value, norm, more)
        losses = settled.losses[:, : len(chosen)]
        both = up + more[0, : len(chosen)] + self._in_other_classes(losses, inside)
        return np.column_stack([both, self.weight @ losses, up, settled.sweeps])

    def _in_other_classes(self, losses: FloatArray, inside: IntArray) -> FloatArray:
        """Return weighted losses of firms in closed classes that the failing firm is not in."""
        closed = np.flatnonzero(self.classes.number >= 0)
        other = self.classes.number[closed, None] != inside
        return np.asarray(self.weight[closed] @ (losses[closed] * other), dtype=np.float64)


def _classes(
    network: FirmNetwork, weight: FloatArray, factors: Censored, closed: IntArray
) -> Classes:
    count = int(closed.max(initial=-1)) + 1
    member = closed >= 0
    # The last entry is what firms in no class find at -1.
    total = np.zeros(count + 1)
    np.add.at(total, closed[member], weight[member])
    links = network.upstream.tocoo()
    source, target = links.coords[0], links.coords[1]
    enters = (closed[target] >= 0) & (closed[source] < 0)
    coords = (closed[target[enters]], factors.position[source[enters]])
    shape = (count, len(factors.firm))
    entries = sparse.coo_array((links.data[enters], coords), shape=shape).tocsr()
    entries.sum_duplicates()
    start, where = entries.indptr.astype(np.int64), entries.indices.astype(np.int64)
    return Classes(closed, total, start, where, entries.data)
