"""Options of a chain from an input-output table: stocks, reactions, and how they are stated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.errors import Issue, nearest_label

__all__ = ["ENDLESS_STOCK", "NO_LIMIT", "IoOptions", "check_options", "shown", "slot_options"]

FloatArray = NDArray[np.float64]

NO_LIMIT = 1e9
"""Growth of a flow (share) that stands for no limit: tables hold finite numbers."""

ENDLESS_STOCK = 1e4
"""Weeks of stock of an input that never runs out."""

_NEVER_REORDERED = 1e15


@dataclass(frozen=True)
class IoOptions:
    """Options of :meth:`SupplyChain.from_io_table`; see there."""

    usd_million: float = 1.0
    output: Any = None
    inventories: Any = 4.0
    criticality: Any = 1.0
    throttle: float | None = None
    reorder_weeks: Any = 4.0
    ramp_max: Any = 1.1
    ramp_weeks: Any = 26.0
    growth_max: float | None = None
    areas: Mapping[str, str] = field(default_factory=dict)
    residual: Sequence[str] = ()
    tolerance: float = 1e-3


def shown(name: Any) -> str:
    """Return a label as messages show it."""
    return ", ".join(str(part) for part in name) if isinstance(name, tuple) else str(name)


def check_options(options: IoOptions, issues: list[Issue]) -> None:
    """Note plain options that are out of range."""
    bounds = {"usd_million": (0.0, False), "tolerance": (0.0, True), "growth_max": (0.0, True)}
    for name, (least, closed) in bounds.items():
        value = getattr(options, name)
        if value is None and name == "growth_max":
            continue
        good = np.isfinite(value) and (value >= least if closed else value > least)
        if not good:
            sign = ">=" if closed else ">"
            issues.append(Issue("options", name, f"must be a number {sign} {least:g}", value=value))
    if options.throttle is not None and not 0.0 < options.throttle <= 1.0:
        rule = "must be a share in (0, 1] of the full cover, or None for one week"
        issues.append(Issue("options", "throttle", rule, value=options.throttle))


def slot_options(
    options: IoOptions,
    order: pd.Index,
    codes: Mapping[str, NDArray[np.intp]],
    issues: list[Issue],
) -> dict[str, FloatArray]:
    """Return stock, throttle, reorder and criticality of each input sector at each industry."""
    sectors = list(pd.unique(order.get_level_values(1)))
    labels = _Labels(sectors, order, codes["sector"])
    stock = labels.spread("inventories", options.inventories, issues, endless=True)
    criticality = labels.spread("criticality", options.criticality, issues)
    reorder = labels.spread("reorder_weeks", options.reorder_weeks, issues)
    ramp = {
        name: labels.by_industry(name, getattr(options, name), issues)
        for name in ("ramp_max", "ramp_weeks")
    }
    _check_range("inventories", stock[~np.isinf(stock)], 0.0, np.inf, "weeks", issues)
    _check_range("criticality", criticality, 0.0, 1.0, "share", issues)
    _check_range("reorder_weeks", reorder, 1.0, np.inf, "weeks", issues)
    _check_range("ramp_max", ramp["ramp_max"], 1.0, np.inf, "ratio", issues)
    _check_range("ramp_weeks", ramp["ramp_weeks"], np.nextafter(0, 1), np.inf, "weeks", issues)
    endless = np.isinf(stock)
    stock = np.where(endless, ENDLESS_STOCK, stock)
    # Full production needs what a week uses, however small the cover.
    throttle = np.maximum(1.0, (options.throttle or 0.0) * (stock + 1.0))
    return {
        "stock": stock,
        "throttle": np.where(endless, 1.0, throttle),
        "reorder": np.where(endless, _NEVER_REORDERED, reorder),
        "criticality": np.where(endless, 0.0, criticality),
        **ramp,
    }


def _check_range(
    name: str, values: FloatArray, low: float, high: float, unit: str, issues: list[Issue]
) -> None:
    bad = values[~((values >= low) & (values <= high) & np.isfinite(values))]
    if bad.size:
        rule = f"must be numbers in [{low:.3g}, {high:g}] [{unit}]"
        issues.append(Issue("options", name, rule, value=float(bad.flat[0])))


@dataclass(frozen=True)
class _Labels:
    """Sectors and industries that options may be stated for."""

    sectors: Sequence[Any]
    industries: pd.Index
    sector: NDArray[np.intp]

    def spread(
        self, name: str, given: Any, issues: list[Issue], *, endless: bool = False
    ) -> FloatArray:
        """Return a number per input sector and industry, shape (S, n); None is infinite."""
        shape = (len(self.sectors), len(self.industries))
        if isinstance(given, pd.DataFrame):
            rows = self._found(name, given.index, self.sectors, issues)
            per_sector = given.columns.nlevels == 1
            known = pd.Index(self.sectors) if per_sector else self.industries
            columns = self._found(name, given.columns, known, issues)
            if not (rows and columns):
                return np.ones(shape)
            values = given.reindex(index=list(self.sectors), columns=known)
            numbers = _floats(values.to_numpy(), endless=endless)
            return numbers[:, self.sector] if per_sector else numbers
        if isinstance(given, pd.Series | Mapping):
            series = pd.Series(given, dtype=object)
            if not self._found(name, series.index, self.sectors, issues):
                return np.ones(shape)
            column = _floats(series.reindex(list(self.sectors)).to_numpy(), endless=endless)
            return np.broadcast_to(column[:, None], shape)
        return np.full(shape, float(_floats(np.array([given], dtype=object), endless=endless)[0]))

    def by_industry(self, name: str, given: Any, issues: list[Issue]) -> FloatArray:
        """Return a number per industry, from one number, one per sector or one per industry."""
        size = len(self.industries)
        if not isinstance(given, pd.Series | Mapping):
            return np.full(size, float(given))
        series = pd.Series(given, dtype=np.float64)
        per_sector = series.index.nlevels == 1
        known: Iterable[Any] = self.sectors if per_sector else self.industries
        if not self._found(name, series.index, known, issues):
            return np.ones(size)
        values: FloatArray = np.array(series.reindex(pd.Index(known)), dtype=np.float64)
        return values[self.sector] if per_sector else values

    def _found(
        self, name: str, labels: pd.Index, known: Iterable[Any], issues: list[Issue]
    ) -> bool:
        expected = pd.Index(known)
        known_names = [shown(label) for label in expected]
        before = len(issues)
        for label in labels.difference(expected):
            near = nearest_label(shown(label), known_names)
            rule = "is not a sector or industry of the table"
            issues.append(Issue("options", name, rule, value=shown(label), nearest=near))
        for label in expected.difference(labels):
            issues.append(Issue("options", name, "must be stated for", value=shown(label)))
        return len(issues) == before


def _floats(values: NDArray[Any], *, endless: bool) -> FloatArray:
    cells = np.asarray(values, dtype=object)
    blank = np.inf if endless else np.nan
    flat = [blank if cell is None else float(cell) for cell in cells.ravel()]
    return np.array(flat).reshape(cells.shape)
