"""What all rows of the recourse program need: places by item and period, and output."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chokepoint.program import ProgramBuilder
from chokepoint.resilience._columns import Columns, Model

__all__ = ["Route", "RowAdder"]

IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Route:
    """One way that goods take: the flows themselves, or their detours round caps.

    Attributes
    ----------
    columns : array of int (E, P)
        Columns of what leaves; -1 where there is none.
    lead : array of int (E,)
        Weeks from dispatch to arrival.
    weekly : array (W, E)
        Most that may leave in one week [weeks of the whole slot].
    direct : bool
        Whether these are the flows themselves.
    """

    columns: IntArray
    lead: IntArray
    weekly: FloatArray
    direct: bool

    def edges(self, lead: int) -> NDArray[np.bool_]:
        """Return which flows have a column and this lead."""
        return np.asarray((self.lead == lead) & (self.columns[:, 0] >= 0))


class RowAdder:
    """Adds blocks of (item, week) rows for one scenario.

    Attributes
    ----------
    weeks : array (P,)
        Weeks in each period.
    unit : array (E,)
        Share of the slot that one unit of a flow column stands for.
    leaves_production : array of int (E, P)
        Columns of what production makes for a flow: of a licensed one not what leaves.
    routes : tuple of Route
        Flows, and their detours where there are any.
    """

    def __init__(self, builder: ProgramBuilder, model: Model, columns: Columns) -> None:
        self.builder, self.model, self.columns = builder, model, columns
        self.chain, self.extent = model.chain, model.extent
        self.n_periods = len(model.periods)
        self.weeks = model.periods.lengths.astype(float)
        self.unit = model.unit
        self.leaves_production = columns.flow.copy()
        self.leaves_production[model.licensed] = columns.made[model.licensed]
        limits = model.limits
        direct = Route(columns.flow, self.chain.lead, limits.weekly, direct=True)
        round_caps = Route(columns.detour, limits.detour_lead, limits.detour_weekly, direct=False)
        self.routes = (direct, round_caps) if len(model.detours) else (direct,)

    def rows(
        self,
        name: str,
        kind: str,
        items: IntArray,
        *,
        unit: str,
        lower: FloatArray | float = -np.inf,
        upper: FloatArray | float = np.inf,
    ) -> IntArray:
        """Add rows for `items` and return their places by item and period, -1 for none."""
        size = {
            "node": self.chain.n_nodes, "slot": self.chain.n_groups, "edge": self.chain.n_edges
        }[kind]  # fmt: skip
        places = np.full((size, self.n_periods), -1, dtype=np.intp)
        places[items] = self.builder.rows(
            self.model.prefix + name,
            [self.model.labels(kind, items), self.model.periods.index],
            unit=unit,
            lower=lower,
            upper=upper,
        )
        return places

    def output(self, rows: IntArray, nodes: IntArray, factor: float | FloatArray) -> None:
        """Add `factor` times the output of `nodes` to `rows`, both (items, P)."""
        columns, counted = self.columns, self.extent.counted[nodes]
        factor = np.broadcast_to(np.asarray(factor, dtype=float), rows.shape)
        here = ~counted
        self.builder.add(rows[here], columns.output[nodes[here]], factor[here])
        self.builder.add(rows[counted], columns.extra[nodes[counted]], factor[counted])
        self.builder.add(rows[counted], columns.loss[nodes[counted]], -factor[counted])
        # Output of a counted site is baseline - loss + extra; the baseline is a constant.
        self.builder.shift(rows[counted], factor[counted] * self.weeks)
