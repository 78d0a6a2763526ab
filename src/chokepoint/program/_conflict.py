"""Which rows of an infeasible program contradict each other, and what an unbounded one grows by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.program._blocks import Blocks
from chokepoint.program._highs import HighsSession
from chokepoint.program._highs_model import quiet_highs
from chokepoint.program._program import LinearProgram
from chokepoint.program._solution import Status
from chokepoint.program._stretch import stretched

__all__ = ["Conflict", "conflict", "directions"]

FloatArray = NDArray[np.float64]

# Above this many rows the search would cost more than its answer is worth.
_MOST_ROWS = 200_000
_SECONDS = 20.0
_MOST_NAMES = 8
# So many of a kind are named one by one.
_ALIKE = 2
_SMALL = 1e-9


@dataclass(frozen=True)
class Conflict:
    """Bounds of rows and columns that no point satisfies together.

    Attributes
    ----------
    bounds : tuple of str
        Names with their bounds, e.g. ``demand[JPN] at least 9``: rows first, and of these the
        ones with few of their kind, such as a budget.
    irreducible : bool
        Whether all but any one of them can be satisfied.
    missed : tuple of str
        Rows that the least stretched point breaks, with the size, largest first.
    searched : bool
        Whether anything was looked for: not in very large programs.
    """

    bounds: tuple[str, ...] = ()
    irreducible: bool = False
    missed: tuple[str, ...] = ()
    searched: bool = True

    def text(self) -> str:
        """Return the conflict as sentences for a message; blank if there is none."""
        if not self.bounds:
            return ""
        shown = _gathered(self.bounds)
        more = len(shown) - _MOST_NAMES
        shown = [*shown[:_MOST_NAMES], f"... and {more} more kinds"] if more > 0 else shown
        sentences = f"These rows and bounds contradict each other: {'; '.join(shown)}."
        if self.irreducible:
            sentences += " All but any one of them can be met."
        if self.missed:
            sentences += f" The least that has to give: {'; '.join(self.missed)}."
        return sentences


def _gathered(bounds: tuple[str, ...]) -> list[str]:
    """Return one text for each kind of bound; of several of a kind the first and their number."""
    kinds: dict[str, list[str]] = {}
    for bound in bounds:
        kinds.setdefault(bound.partition("[")[0], []).append(bound)
    return [
        "; ".join(some) if len(some) <= _ALIKE else f"{some[0]} and {len(some) - 1} more like it"
        for some in kinds.values()
    ]


def conflict(program: LinearProgram) -> Conflict:
    r"""Return a smallest set of bounds of `program` that contradict each other.

    First every row may miss its bounds at a cost of one a unit (elastic relaxation; Chinneck,
    *Feasibility and infeasibility in optimization*, 2008):
    :math:`\min \sum_i (p_i + n_i)` with :math:`\ell \le Ax + p - n \le u`. Rows without a dual
    there take no part, so what is left is small; of that HiGHS names an irreducible infeasible
    subset. Where HiGHS gives none, the rows that are left stand for it.

    Returns
    -------
    Conflict
        Without bounds if the program is feasible (its whole numbers left aside), or too large.
    """
    if program.n_rows > _MOST_ROWS:
        return Conflict(searched=False)
    relaxed = _without_whole_numbers(program)
    raw = HighsSession(stretched(relaxed)).run(time_limit=_SECONDS)
    if raw.status is not Status.OPTIMAL or raw.objective <= _SMALL:
        return Conflict()
    stretch = raw.values[program.n_columns :].reshape(2, -1)
    size = np.abs(stretch[0] - stretch[1])
    broken = np.flatnonzero(size > _SMALL)
    broken = broken[np.argsort(-size[broken], kind="stable")]
    missed = [f"{program.rows.text(int(row))} (missed by {size[row]:.3g})" for row in broken]
    part = np.flatnonzero((np.abs(raw.duals) > _SMALL) | (size > _SMALL))
    found = _irreducible(relaxed, part)
    bounds = found or [program.rows.text(int(row)) for row in part]
    return Conflict(tuple(bounds), bool(found), tuple(missed[:_MOST_NAMES]))


def directions(program: LinearProgram) -> list[str]:
    r"""Return columns that can change together for ever while the cost falls.

    A direction :math:`d` with :math:`c^\top d = -1` that breaks no finite bound, of least
    :math:`\sum_j |d_j|`; empty if there is none.
    """
    rows, columns = program.n_rows, program.n_columns
    stacked = sparse.vstack([program.matrix, sparse.csr_array(program.cost[None, :])])
    cone = LinearProgram(
        name=f"{program.name}, direction",
        cost=np.ones(2 * columns),
        matrix=sparse.csr_array(sparse.hstack([stacked, -stacked])),
        row_lower=np.append(np.where(np.isfinite(program.row_lower), 0.0, -np.inf), -1.0),
        row_upper=np.append(np.where(np.isfinite(program.row_upper), 0.0, np.inf), -1.0),
        column_lower=np.zeros(2 * columns),
        column_upper=np.concatenate(
            [
                np.where(np.isfinite(program.column_upper), 0.0, np.inf),
                np.where(np.isfinite(program.column_lower), 0.0, np.inf),
            ]
        ),
    )
    if rows > _MOST_ROWS:
        return []
    raw = HighsSession(cone).run(time_limit=_SECONDS)
    if raw.status is not Status.OPTIMAL:
        return []
    step = raw.values[:columns] - raw.values[columns:]
    moved = np.flatnonzero(np.abs(step) > _SMALL)
    moved = moved[np.argsort(-np.abs(step[moved]), kind="stable")]
    return [
        f"{program.columns.text(int(place))} {'up' if step[place] > 0 else 'down'}"
        for place in moved[:_MOST_NAMES]
    ]


def _without_whole_numbers(program: LinearProgram) -> LinearProgram:
    if program.integer is None:
        return program
    return LinearProgram(
        name=program.name,
        cost=program.cost,
        matrix=program.matrix,
        row_lower=program.row_lower,
        row_upper=program.row_upper,
        column_lower=program.column_lower,
        column_upper=program.column_upper,
        rows=program.rows,
        columns=program.columns,
    )


def _irreducible(program: LinearProgram, part: NDArray[np.intp]) -> list[str]:
    """Return what HiGHS names of the rows in `part`; empty where it does not."""
    import highspy

    model = quiet_highs()
    strategy = getattr(highspy, "IisStrategy", None)
    if strategy is None:
        return []
    # By the relaxation, not by one ray of it, and irreducible.
    wanted = int(strategy.kIisStrategyFromLp) | int(strategy.kIisStrategyIrreducible)
    for name, value in (("iis_strategy", wanted), ("iis_time_limit", _SECONDS)):
        if model.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            return []
    matrix = program.matrix[part]
    used = np.unique(matrix.indices).astype(np.intp)
    matrix = sparse.csr_array(matrix[:, used])
    none = np.zeros(len(used))
    model.passModel(
        len(used), len(part), matrix.nnz,
        int(highspy.MatrixFormat.kRowwise), int(highspy.ObjSense.kMinimize), 0.0,
        none, program.column_lower[used], program.column_upper[used],
        program.row_lower[part], program.row_upper[part],
        matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32), matrix.data,
        none.astype(np.int32),
    )  # fmt: skip
    status, found = model.getIis()
    if status != highspy.HighsStatus.kOk or not found.valid_ or not len(found.row_index_):
        return []
    order = np.argsort([program.rows.at(int(part[row])).size for row in found.row_index_],
                       kind="stable")  # fmt: skip
    found_rows = [found.row_index_[place] for place in order]
    row_bounds = [found.row_bound_[place] for place in order]
    rows = _named(program.rows, found_rows, row_bounds, part,
                  (program.row_lower, program.row_upper))  # fmt: skip
    columns = _named(program.columns, found.col_index_, found.col_bound_, used,
                     (program.column_lower, program.column_upper))  # fmt: skip
    return rows + columns


def _named(
    blocks: Blocks,
    places: list[int],
    kinds: list[int],
    positions: NDArray[np.intp],
    bounds: tuple[FloatArray, FloatArray],
) -> list[str]:
    """Return names with the bounds that take part."""
    import highspy

    bound = highspy.IisBoundStatus
    names = []
    for place, kind in zip(places, kinds, strict=True):
        position = int(positions[place])
        low, high = float(bounds[0][position]), float(bounds[1][position])
        words = {
            int(bound.kIisBoundStatusLower): f"at least {low:g}",
            int(bound.kIisBoundStatusUpper): f"at most {high:g}",
            int(bound.kIisBoundStatusBoxed): f"between {low:g} and {high:g}",
        }.get(int(kind))
        if words is not None:
            words = f"exactly {low:g}" if low == high else words
            names.append(f"{blocks.text(position)} {words}")
    return names
