"""The planner's program under every choice of instruments, always with the same columns and rows.

Two choices differ in bounds and in tariffs alone, so that an attacker's program can hold all of
them at once (see `_penalty`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.program import LinearProgram, ProgramBuilder
from chokepoint.propagate import ShockPlan, compile_chain
from chokepoint.resilience._attack._demand import add_demand
from chokepoint.resilience._columns import Columns, Model, add_columns
from chokepoint.resilience._extent import Extent
from chokepoint.resilience._limits import Limits
from chokepoint.resilience._model import counted_sites, make_model
from chokepoint.resilience._modes import Reserved
from chokepoint.resilience._periods import Periods
from chokepoint.resilience._rows import Rows, add_rows
from chokepoint.resilience._tariffs import first_tariff
from chokepoint.scenario import Effects, FlowEffect, LicenceEffect

__all__ = ["Answer", "Built"]

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class _Shaped(Model):
    """A model whose detours are those of all instruments, in force or not."""

    round_caps: IntArray | None = None

    @property
    def detours(self) -> IntArray:
        """Kept flows part of which may pass round a cap under some choice."""
        assert self.round_caps is not None
        return self.round_caps


@dataclass(frozen=True, eq=False)
class Built:
    """The planner's program under one choice, and where its parts are."""

    program: LinearProgram
    model: Model
    columns: Columns
    rows: Rows
    demand: list[tuple[IntArray, IntArray]]
    """Rows of markets that take licensed flows: markets, and positions by period."""
    reserved: Reserved = field(default_factory=Reserved)
    """Rows of capacity that money has reserved."""


class Answer:
    """The planner who answers an attack.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    effects : sequence of Effects
        What each instrument does, over `weeks`.
    targets : str or sequence of str, optional
        Areas or blocs whose losses the planner minimises; None = all.
    weeks, period : int
        Weeks whose losses count, and weeks in a period.

    Notes
    -----
    The planner starts in the first week in which any instrument could act, also where one that
    acts later is chosen. Flows without a limit in the absence of an attack have no rows `late`
    (with weekly periods there are none at all), and a market limits what it takes on licensed
    flows only while no licence is in force on any of them: the loss may be a little below that
    of :func:`recourse`, never above.
    """

    def __init__(
        self,
        chain: SupplyChain,
        effects: Sequence[Effects],
        *,
        targets: str | Iterable[str] | None,
        weeks: int,
        period: int,
    ) -> None:
        self.chain, self.effects = chain, tuple(effects)
        self.compiled = compile_chain(chain)
        self.counted = counted_sites(chain, self.compiled, targets)
        self.weeks = weeks
        _check_detours(self.effects, self.compiled.n_edges)
        self.every = frozenset(range(len(self.effects)))
        union = self._shocks(self.every)
        first = min(union.first, first_tariff(union), weeks - 1)
        self.periods = Periods.make(first=first, weeks=weeks, length=period)
        self._built: dict[frozenset[int], Built] = {}
        self._find_shape()

    def _find_shape(self) -> None:
        """Find what matters under any choice, and where limits are missing without an attack."""
        choices = [frozenset[int](), *(frozenset([k]) for k in sorted(self.every)), self.every]
        models = [self._plain(choice) for choice in dict.fromkeys(choices)]
        extents = [model.extent for model in models]
        if not extents[0].counted.any():
            raise OptionError("Expected targets with sites that add value, got none.")
        edges = np.any([one.edges for one in extents], axis=0)
        self.extent = Extent(
            counted=extents[0].counted,
            sites=np.any([one.sites for one in extents], axis=0),
            groups=np.any([one.groups for one in extents], axis=0),
            edges=edges,
            outlets=np.any([one.outlets for one in extents], axis=0) & ~edges,
        )
        kept = self.extent.edges | self.extent.outlets
        round_caps = np.any([(one.limits.detour > 0).any(axis=1) for one in models], axis=0)
        self.round_caps = np.flatnonzero(kept & round_caps)
        self.unlimited = np.isinf(models[0].limits.weekly)

    def _shocks(self, choice: frozenset[int]) -> ShockPlan:
        """Return the shocks of a choice; instruments that are not pulled leave their shape."""
        effects = sum((self.effects[k] for k in sorted(choice)), Effects())
        for k in sorted(self.every - choice):
            effects += _inert(self.effects[k], self.weeks)
        compiled = self.compiled
        return ShockPlan(
            [effects], n_nodes=compiled.n_nodes, n_edges=compiled.n_edges, weeks=self.weeks
        )

    def _plain(self, choice: frozenset[int], *, prefix: str = "", weight: float = 1.0) -> Model:
        return make_model(
            self.compiled,
            self._shocks(choice),
            self.counted,
            periods=self.periods,
            prefix=prefix,
            weight=weight,
            pays=any(one.tariffs for one in self.effects),
            **self._opened(),
        )

    def _opened(self) -> dict[str, Any]:
        """Return what money can open; nothing here."""
        return {}

    def model(self, choice: frozenset[int], *, prefix: str = "", weight: float = 1.0) -> Model:
        """Return the model under a choice, in the common shape."""
        plain = self._plain(choice, prefix=prefix, weight=weight)
        limits: Limits = replace(
            plain.limits, weekly=np.where(self.unlimited, np.inf, plain.limits.weekly)
        )
        parts = {field.name: getattr(plain, field.name) for field in fields(Model)}
        shape = {"limits": limits, "extent": self.extent, "round_caps": self.round_caps}
        return _Shaped(**(parts | shape))

    def built(self, choice: frozenset[int]) -> Built:
        """Return the program under a choice; kept for the next time."""
        if choice not in self._built:
            self._built[choice] = self._build(choice)
        return self._built[choice]

    def _build(self, choice: frozenset[int]) -> Built:
        builder = ProgramBuilder("the planner's answer")
        model = self.model(choice)
        spend = self._add_spend(builder)
        columns = add_columns(builder, model)
        rows = add_rows(builder, model, columns)
        reserved = self._add_measures(builder, model, columns, rows, spend)
        demand = add_demand(builder, model, columns, _inert_edges(model))
        program = _without_waste(builder.build(), model, rows)
        return Built(program, model, columns, rows, demand, reserved)

    def _add_spend(self, builder: ProgramBuilder) -> IntArray:  # noqa: ARG002
        """Add columns for money, before all others; nothing here."""
        return np.empty(0, dtype=np.intp)

    def _add_measures(
        self,
        builder: ProgramBuilder,  # noqa: ARG002
        model: Model,  # noqa: ARG002
        columns: Columns,  # noqa: ARG002
        rows: Rows,  # noqa: ARG002
        spend: IntArray,  # noqa: ARG002
    ) -> Reserved:
        """Add what money changes; nothing here."""
        return Reserved()

    def program(self, choice: frozenset[int], spent: FloatArray | None = None) -> LinearProgram:  # noqa: ARG002
        """Return the program under a choice, after money was `spent` on measures."""
        return self.built(choice).program


def _without_waste(program: LinearProgram, model: Model, rows: Rows) -> LinearProgram:
    """Let goods be made ahead, and lost, for licences that are in force alone."""
    places = rows.goods[_inert_edges(model)]
    lower = program.row_lower.copy()
    lower[places[places >= 0]] = 0.0
    return replace(program, row_lower=lower)


def _inert_edges(model: Model) -> IntArray:
    """Return flows that some instrument puts under a licence, and this choice does not."""
    if model.shocks.licences is None:
        return np.empty(0, dtype=np.intp)
    never = ~np.isfinite(model.shocks.licences.release[:, :, 0]).any(axis=0)
    return np.asarray(model.shocks.licences.edges[never], dtype=np.intp)


def _inert(effects: Effects, weeks: int) -> Effects:
    """Return effects on the same licensed and leaky flows that change nothing."""
    licences = tuple(
        LicenceEffect(one.edges, np.full(weeks, np.inf), refused=0.0, goods_weeks=0.0)
        for one in effects.licences
    )
    flows = tuple(
        FlowEffect(one.edges, np.ones(weeks), detour=np.zeros(weeks), detour_weeks=one.detour_weeks)
        for one in effects.flows
        if one.detour is not None
    )
    return Effects(flows=flows, licences=licences)


def _check_detours(effects: Sequence[Effects], n_edges: int) -> None:
    longest = np.full(n_edges, -1)
    for one in (flow for each in effects for flow in each.flows if flow.detour is not None):
        known = longest[one.edges]
        if ((known >= 0) & (known != one.detour_weeks)).any():
            raise OptionError(
                "Expected instruments whose detours round one flow take the same time "
                f"(leakage_weeks), got {sorted({*known[known >= 0].tolist(), one.detour_weeks})}. "
                'Give them one length, or take response="weekly_model".'
            )
        longest[one.edges] = one.detour_weeks


def same_matrix(one: sparse.csr_array, other: sparse.csr_array) -> bool:
    """Return whether two matrices have the same coefficients."""
    difference = sparse.csr_array(one - other)
    scale = float(np.abs(one.data).max(initial=1.0))
    return bool(np.abs(difference.data).max(initial=0.0) <= 1e-12 * scale)
