"""A linear program on sparse arrays, with names and units for every row and column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.errors import InfeasibleError, ShapeError
from chokepoint.program._blocks import Blocks

if TYPE_CHECKING:
    from chokepoint.program._highs import HighsSession
    from chokepoint.program._solution import Solution

__all__ = ["LinearProgram"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LinearProgram:
    r"""Minimise :math:`c^\top x + \text{offset}` under row and column bounds.

    .. math::
        \min c^\top x \quad\text{s.t.}\quad
        \ell^r \le A x \le u^r,\quad \ell^c \le x \le u^c,\quad x_j \in \mathbb Z\ (j \in I)

    A program is data: it can be checked, printed and compared without a solver.

    Parameters
    ----------
    name : str
        Name in messages and files.
    cost : array (columns,)
        Cost of one unit of each column.
    matrix : scipy.sparse.csr_array (rows, columns)
        Coefficients.
    row_lower, row_upper : array (rows,)
        Bounds of the rows; infinite where there is none.
    column_lower, column_upper : array (columns,)
        Bounds of the columns; infinite where there is none.
    rows, columns : Blocks, optional
        Names and units; numbers from 0 where not given.
    offset : float
        Constant of the objective.
    integer : array of bool (columns,), optional
        Columns that take whole numbers only; None = no column.

    Raises
    ------
    ShapeError
        If shapes differ, or a number is NaN; the message names the row or column.
    InfeasibleError
        If a lower bound is above its upper bound.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from chokepoint.program import LinearProgram
    >>> program = LinearProgram(
    ...     name="toy",
    ...     cost=np.array([1.0, 2.0]),
    ...     matrix=csr_array([[1.0, 1.0]]),
    ...     row_lower=np.array([1.0]),
    ...     row_upper=np.array([np.inf]),
    ...     column_lower=np.zeros(2),
    ...     column_upper=np.ones(2),
    ... )
    >>> program
    <LinearProgram toy: 1 row, 2 columns, 2 coefficients>
    >>> program.solve(solver="highs").objective
    1.0
    """

    name: str
    cost: FloatArray
    matrix: sparse.csr_array
    row_lower: FloatArray
    row_upper: FloatArray
    column_lower: FloatArray
    column_upper: FloatArray
    rows: Blocks = field(default_factory=Blocks)
    columns: Blocks = field(default_factory=Blocks)
    offset: float = 0.0
    integer: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        n_rows, n_columns = self.matrix.shape
        if not len(self.rows):
            object.__setattr__(self, "rows", Blocks.plain("row", n_rows))
        if not len(self.columns):
            object.__setattr__(self, "columns", Blocks.plain("column", n_columns))
        self._check_shapes(n_rows, n_columns)
        self._check_numbers()
        for array in self._arrays().values():
            array.flags.writeable = False

    def _arrays(self) -> dict[str, FloatArray]:
        names = ("cost", "row_lower", "row_upper", "column_lower", "column_upper")
        return {name: getattr(self, name) for name in names}

    def _check_shapes(self, n_rows: int, n_columns: int) -> None:
        given: dict[str, NDArray[Any]] = dict(self._arrays())
        if self.integer is not None:
            given["integer"] = self.integer
        for name, array in given.items():
            size = n_rows if name.startswith("row") else n_columns
            if array.shape != (size,):
                raise ShapeError(
                    f"{self.name}: expected {name} with shape ({size},) to go with a matrix of "
                    f"{n_rows} rows and {n_columns} columns, got {array.shape}."
                )
        if (len(self.rows), len(self.columns)) != (n_rows, n_columns):
            raise ShapeError(
                f"{self.name}: expected names of {n_rows} rows and {n_columns} columns, got "
                f"{len(self.rows)} and {len(self.columns)}."
            )

    def _check_numbers(self) -> None:
        for name, array in self._arrays().items():
            bad = np.isnan(array) | (np.isinf(array) if name == "cost" else False)
            if bad.any():
                blocks = self.rows if name.startswith("row") else self.columns
                place = int(np.flatnonzero(bad)[0])
                raise ShapeError(
                    f"{self.name}: {name} of {blocks.text(place)} is {array[place]}; expected a "
                    "number. Look for a missing value in the tables it comes from."
                )
        if not np.isfinite(self.matrix.data).all():
            place = int(np.flatnonzero(~np.isfinite(self.matrix.data))[0])
            row = int(np.searchsorted(self.matrix.indptr, place, side="right")) - 1
            column = int(self.matrix.indices[place])
            raise ShapeError(
                f"{self.name}: the coefficient of {self.columns.text(column)} in "
                f"{self.rows.text(row)} is {self.matrix.data[place]}; expected a finite number."
            )
        self._check_bounds()

    def _check_bounds(self) -> None:
        for what, lower, upper, blocks in (
            ("row", self.row_lower, self.row_upper, self.rows),
            ("column", self.column_lower, self.column_upper, self.columns),
        ):
            crossed = np.flatnonzero(lower > upper)
            if len(crossed):
                place = int(crossed[0])
                raise InfeasibleError(
                    f"{self.name}: {what} {blocks.text(place)} must be at least {lower[place]:g} "
                    f"and at most {upper[place]:g}, which no solution is."
                )

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.matrix.shape[0])

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return int(self.matrix.shape[1])

    @property
    def n_coefficients(self) -> int:
        """Number of coefficients that are not zero."""
        return int(self.matrix.nnz)

    def residual(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return by how much `values` break each row and each column bound (0 = not at all).

        Parameters
        ----------
        values : array (columns,)
            Any point, feasible or not.
        """
        activity = self.matrix @ values
        rows = np.maximum(self.row_lower - activity, activity - self.row_upper)
        columns = np.maximum(self.column_lower - values, values - self.column_upper)
        return np.maximum(rows, 0.0), np.maximum(columns, 0.0)

    def violations(
        self, values: FloatArray, *, tolerance: float = 1e-9, most: int = 10
    ) -> list[str]:
        """Return the names of the rows and columns that `values` break, worst first."""
        found: list[tuple[float, str]] = []
        for broken, blocks in zip(self.residual(values), (self.rows, self.columns), strict=True):
            places = np.flatnonzero(broken > tolerance)
            worst = places[np.argsort(-broken[places])][:most]
            found += [(float(broken[place]), blocks.text(int(place))) for place in worst]
        found.sort(key=lambda pair: -pair[0])
        return [f"{name} by {size:.3g}" for size, name in found[:most]]

    def solve(
        self,
        *,
        solver: str = "highs",
        time_limit: float | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Solution:
        """Solve and return the optimum.

        Parameters
        ----------
        solver : str
            ``"highs"`` (arrays straight into HiGHS), or ``"pulp:NAME"`` for a solver that PuLP
            knows, e.g. ``"pulp:HiGHS"`` or ``"pulp:CBC"``.
        time_limit : float, optional
            Seconds after which the solver stops; stopping early is an error.
        options : mapping, optional
            Options of the solver by its own names; one it does not accept is an error.

        Returns
        -------
        Solution

        Raises
        ------
        InfeasibleError
            If no point satisfies all rows; the message names rows that contradict each other.
        SolverError
            If the program is unbounded or the solver stopped without an optimum.
        OptionError
            If the solver or one of its options is not known, or CBC is asked for whole numbers.
        """
        from chokepoint.program._solve import solve

        return solve(self, solver=solver, time_limit=time_limit, options=options)

    def session(self, *, options: Mapping[str, Any] | None = None) -> HighsSession:
        """Return a HiGHS session for solving again after changes of bounds or costs."""
        from chokepoint.program._highs import HighsSession

        return HighsSession(self, options=options)

    def write(self, path: str | Path) -> Path:
        """Write the program to a file that other solvers read, with its names.

        Names keep letters, digits and full stops; the position of the row or column stands in
        front, so that they are unique: ``x3_stock_motor_DEU__magnet__3_``.

        Parameters
        ----------
        path : str or Path
            File whose name ends in ``.mps`` or ``.lp``, or in one of them and ``.gz``.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        OptionError
            If the ending is another one, or the folder does not exist.
        """
        from chokepoint.program._files import write

        return write(self, path)

    def to_pulp(self) -> Any:
        """Return the program as a ``pulp.LpProblem`` with names, to read or to extend."""
        from chokepoint.program._pulp import to_pulp

        return to_pulp(self)[0]

    def __repr__(self) -> str:
        sizes = {
            "row": self.n_rows, "column": self.n_columns, "coefficient": self.n_coefficients
        }  # fmt: skip
        parts = [f"{size:,} {noun}{'' if size == 1 else 's'}" for noun, size in sizes.items()]
        return f"<LinearProgram {self.name}: {', '.join(parts)}>"
