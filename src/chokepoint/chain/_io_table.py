"""From a user's input-output table to industries, with every problem collected in one error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint import schema
from chokepoint.chain._industries import IndustryTable
from chokepoint.errors import Issue, OptionError, TableError, nearest_label

__all__ = ["ENDLESS_STOCK", "NO_LIMIT", "IoOptions", "read_io_table"]

FloatArray = NDArray[np.float64]

NO_LIMIT = 1e9
"""Growth of a flow (share) that stands for no limit: tables hold finite numbers."""

ENDLESS_STOCK = 1e4
"""Weeks of stock of an input that never runs out."""

_NEVER_REORDERED = 1e15

_RESIDUAL = re.compile(r"X_.*|RO[WE].*|W[AEFLM]|WW[AEFLM]|REST.*", re.IGNORECASE)
"""Codes that tables use for a rest of the world or of a continent."""

_SPACE = re.compile(rf"[{re.escape(schema.FORBIDDEN)}]")


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


def read_io_table(table: Any, final_demand: Any, options: IoOptions) -> IndustryTable:
    """Return the industries of a table; see :meth:`SupplyChain.from_io_table`.

    Raises
    ------
    TableError
        If anything is wrong with the table or an option: every problem is listed.
    """
    flows, final, output = _frames(table, final_demand, options.output)
    issues: list[Issue] = []
    _check_labels(flows, final, output, issues)
    if issues:
        _check_options(options, issues)
        _raise(issues, flows, final)
    order = flows.index
    Z = _numbers("Z", flows.reindex(columns=order), issues)
    Y = _numbers("Y", final.reindex(index=order), issues)
    x = None if output is None else _numbers("x", output.reindex(order).to_frame("x"), issues)
    readable = not issues
    _check_options(options, issues)
    factor = options.usd_million
    areas, sectors, codes = _parts(order, final.columns, options, issues)
    Y, market_area = _by_area(Y * factor, codes["consumer"])
    x = None if x is None else x[:, 0] * factor
    if readable:
        _check_balance(order, Z * factor, Y, x, options.tolerance, issues)
    slots = _slots(options, order, codes, issues)
    _raise(issues, flows, final)
    labels = tuple(_clean(name) for name in sectors)
    return IndustryTable(
        areas=areas,
        sectors=labels,
        names=tuple(str(name) for name in sectors),
        residual=tuple(_is_residual(area, options.residual) for area in areas),
        area=codes["area"],
        sector=codes["sector"],
        flows=Z * factor,
        final=Y,
        market_area=market_area,
        growth_max=NO_LIMIT if options.growth_max is None else float(options.growth_max),
        **slots,
    )


def _frames(table: Any, final: Any, output: Any) -> tuple[pd.DataFrame, pd.DataFrame, Any]:
    """Return flows, final demand and output as frames, from frames or from a pymrio system."""
    if not isinstance(table, pd.DataFrame) and hasattr(table, "Z") and hasattr(table, "Y"):
        if final is not None:
            raise OptionError("expected a system alone or a table and its final demand, got both")
        given = getattr(table, "x", None) if output is None else output
        table, final, output = table.Z, table.Y, given
    for name, frame in (("Z", table), ("Y", final)):
        if not isinstance(frame, pd.DataFrame):
            raise OptionError(
                f"expected {name} as a DataFrame with (region, sector) labels, given "
                f"{type(frame).__name__}; of a pymrio system call calc_all() first"
            )
    if isinstance(output, pd.DataFrame):
        output = output.iloc[:, 0]
    if output is not None and not isinstance(output, pd.Series):
        raise OptionError(
            f"expected output as a Series by (region, sector), given {type(output).__name__}"
        )
    return table, final, output


# ------------------------------------------------------------------------------ labels


def _check_labels(
    flows: pd.DataFrame, final: pd.DataFrame, output: pd.Series | None, issues: list[Issue]
) -> None:
    if flows.index.nlevels != 2:
        rule = f"must have two levels, region and sector; given {flows.index.nlevels}"
        issues.append(Issue("Z", "rows", rule))
        return
    if final.columns.nlevels > 2:
        rule = f"must be regions, or (region, category); given {final.columns.nlevels} levels"
        issues.append(Issue("Y", "columns", rule))
    for name in flows.index[flows.index.duplicated()].unique():
        issues.append(Issue("Z", "rows", "must not repeat an industry", _shown(name)))
    others = {"Z": ("columns", flows.columns), "Y": ("rows", final.index)}
    if output is not None:
        others["x"] = ("rows", output.index)
    for table, (axis, labels) in others.items():
        issues += _differences(table, axis, labels, flows.index)


def _differences(table: str, axis: str, labels: pd.Index, expected: pd.Index) -> list[Issue]:
    if labels.nlevels != 2:
        rule = f"must have two levels, region and sector; given {labels.nlevels}"
        return [Issue(table, axis, rule)]
    found = []
    for name in labels[labels.duplicated()].unique():
        found.append(Issue(table, axis, "must not repeat an industry", _shown(name)))
    known = [_shown(name) for name in expected]
    for name in labels.difference(expected, sort=False):
        rule, near = "is not an industry of the rows of Z", nearest_label(_shown(name), known)
        found.append(Issue(table, axis, rule, _shown(name), nearest=near))
    for name in expected.difference(labels, sort=False):
        found.append(Issue(table, axis, "is an industry of the rows of Z and missing here",
                           _shown(name)))  # fmt: skip
    return found


def _shown(name: Any) -> str:
    return ", ".join(str(part) for part in name) if isinstance(name, tuple) else str(name)


def _parts(
    order: pd.Index, columns: pd.Index, options: IoOptions, issues: list[Issue]
) -> tuple[tuple[str, ...], list[Any], dict[str, NDArray[np.intp]]]:
    """Return areas, sectors, and the positions of each industry and consumer in them."""
    renamed = {str(old): str(new) for old, new in options.areas.items()}
    regions = [str(name) for name in order.get_level_values(0)]
    consumers = [str(name) for name in columns.get_level_values(0)]
    for old in renamed:
        if old not in regions and old not in consumers:
            near = nearest_label(old, [*regions, *consumers])
            issues.append(Issue("areas", old, "is not a region of the table", nearest=near))
    area = [_clean(renamed.get(name, name)) for name in regions]
    consumer = [_clean(renamed.get(name, name)) for name in consumers]
    area_codes, areas = pd.factorize(np.array([*area, *consumer], dtype=object))
    sector_codes, sectors = pd.factorize(order.get_level_values(1))
    _check_distinct("sectors", [str(name) for name in sectors], issues)
    origin = pd.unique(np.array([*regions, *consumers], dtype=object))
    _check_distinct("regions", [str(renamed.get(name, name)) for name in origin], issues)
    codes = {
        "area": area_codes[: len(area)].astype(np.intp),
        "consumer": area_codes[len(area) :].astype(np.intp),
        "sector": sector_codes.astype(np.intp),
    }
    return tuple(str(name) for name in areas), list(sectors), codes


def _check_distinct(kind: str, names: Sequence[str], issues: list[Issue]) -> None:
    """Labels of a chain use some characters as separators; names must differ without them."""
    seen: dict[str, str] = {}
    for name in names:
        label = _clean(name)
        if not label:
            issues.append(Issue("Z", kind, "must not be blank"))
        elif label in seen:
            rule = f'has the same label "{label}" as "{seen[label]}"'
            issues.append(Issue("Z", kind, rule, name, advice="rename one of them"))
        seen.setdefault(label, name)


def _clean(name: Any) -> str:
    return _SPACE.sub("_", str(name)).strip()


def _is_residual(area: str, residual: Sequence[str]) -> bool:
    return area in residual or _RESIDUAL.fullmatch(area) is not None


# ----------------------------------------------------------------------------- numbers


def _numbers(table: str, frame: pd.DataFrame, issues: list[Issue]) -> FloatArray:
    """Return the numbers; note rows with entries that are no numbers, or negative."""
    try:
        values = np.array(frame.to_numpy(dtype=np.float64), order="C")
    except (TypeError, ValueError) as error:
        issues.append(Issue(table, "entries", f"must be numbers [table unit per year]: {error}"))
        return np.zeros(frame.shape)
    for row in np.flatnonzero(~np.isfinite(values).all(axis=1)):
        bad = np.flatnonzero(~np.isfinite(values[row]))
        rule = f"must be finite numbers; {_listed(bad, frame.columns)}"
        advice = "write 0 where nothing is sold"
        issues.append(Issue(table, "entries", rule, _shown(frame.index[int(row)]), advice=advice))
    for row in np.flatnonzero((values < 0).any(axis=1)):
        bad = np.flatnonzero(values[row] < 0)
        rule = f"must not be negative; {_listed(bad, frame.columns)}"
        advice = "book changes of stocks and refunds elsewhere, or set them to 0 and balance again"
        issues.append(Issue(table, "entries", rule, _shown(frame.index[int(row)]), advice=advice))
    return values


def _listed(positions: NDArray[np.intp], labels: pd.Index) -> str:
    first = _shown(labels[int(positions[0])])
    return f"1 is not, at {first}" if len(positions) == 1 else (
        f"{len(positions):,} are not, the first at {first}"
    )  # fmt: skip


def _by_area(final: FloatArray, consumer: NDArray[np.intp]) -> tuple[FloatArray, NDArray[np.intp]]:
    """Return final demand summed over the categories of each area, and the areas."""
    position, areas = pd.factorize(consumer)
    total = np.zeros((len(final), len(areas)))
    for column, target in enumerate(position):
        total[:, target] += final[:, column]
    return total, np.asarray(areas, dtype=np.intp)


def _check_balance(
    order: pd.Index,
    Z: FloatArray,
    Y: FloatArray,
    x: FloatArray | None,
    tolerance: float,
    issues: list[Issue],
) -> None:
    sold, bought = Z.sum(axis=1) + Y.sum(axis=1), Z.sum(axis=0)
    small = tolerance * np.maximum(sold, 1e-12 * sold.max(initial=0.0))
    if x is not None:
        for i in np.flatnonzero(np.abs(x - sold) > np.maximum(small, tolerance * x)):
            rule = f"sales of {sold[i]:.6g} USD million do not add up to its output {x[i]:.6g}"
            advice = "balance the table, or raise tolerance to take the sales as output"
            issues.append(Issue("x", "output", rule, _shown(order[int(i)]), advice=advice))
    for i in np.flatnonzero((sold <= 0) & (bought > 0)):
        rule = f"sells nothing and buys for {bought[i]:.6g} USD million"
        advice = "add its sales to Y, or set its column to 0"
        issues.append(Issue("Z", "output", rule, _shown(order[int(i)]), advice=advice))
    for i in np.flatnonzero((sold > 0) & (bought > sold + small)):
        rule = f"buys for {bought[i]:.6g} USD million, more than it sells ({sold[i]:.6g})"
        advice = "its value added is negative: book subsidies outside the table"
        issues.append(Issue("Z", "value added", rule, _shown(order[int(i)]), advice=advice))
    if sold.max(initial=0.0) <= 0:
        issues.append(Issue("Z", "rows", "must hold at least one industry with output"))


# ----------------------------------------------------------------------------- options


def _check_options(options: IoOptions, issues: list[Issue]) -> None:
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


def _slots(
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
        shown = [_shown(label) for label in expected]
        before = len(issues)
        for label in labels.difference(expected):
            near = nearest_label(_shown(label), shown)
            rule = "is not a sector or industry of the table"
            issues.append(Issue("options", name, rule, value=_shown(label), nearest=near))
        for label in expected.difference(labels):
            issues.append(Issue("options", name, "must be stated for", value=_shown(label)))
        return len(issues) == before


def _floats(values: NDArray[Any], *, endless: bool) -> FloatArray:
    cells = np.asarray(values, dtype=object)
    blank = np.inf if endless else np.nan
    flat = [blank if cell is None else float(cell) for cell in cells.ravel()]
    return np.array(flat).reshape(cells.shape)


def _raise(issues: Sequence[Issue], flows: pd.DataFrame, final: pd.DataFrame) -> None:
    if issues:
        raise TableError(issues, sizes={"Z": len(flows), "Y": len(final)})
