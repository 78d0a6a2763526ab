"""From a user's input-output table to industries, with every problem collected in one error."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint import schema
from chokepoint.chain._industries import IndustryTable
from chokepoint.chain._io_options import (
    NO_LIMIT,
    IoOptions,
    check_options,
    shown,
    slot_options,
)
from chokepoint.errors import Issue, OptionError, TableError, nearest_label

__all__ = ["read_io_table"]

FloatArray = NDArray[np.float64]

_RESIDUAL = re.compile(r"X_.*|RO[WE].*|W[AEFLM]|WW[AEFLM]|REST.*", re.IGNORECASE)
"""Codes that tables use for a rest of the world or of a continent."""

_SPACE = re.compile(rf"[{re.escape(schema.FORBIDDEN)}]")


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
        check_options(options, issues)
        _raise(issues, flows, final)
    order = flows.index
    Z = _numbers("Z", flows.reindex(columns=order), issues)
    Y = _numbers("Y", final.reindex(index=order), issues)
    x = None if output is None else _numbers("x", output.reindex(order).to_frame("x"), issues)
    readable = not issues
    check_options(options, issues)
    factor = options.usd_million
    areas, sectors, codes = _parts(order, final.columns, options, issues)
    Y, market_area = _by_area(Y * factor, codes["consumer"])
    x = None if x is None else x[:, 0] * factor
    if readable:
        _check_balance(order, Z * factor, Y, x, options.tolerance, issues)
    slots = slot_options(options, order, codes, issues)
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
        issues.append(Issue("Z", "rows", "must not repeat an industry", shown(name)))
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
        found.append(Issue(table, axis, "must not repeat an industry", shown(name)))
    known = [shown(name) for name in expected]
    for name in labels.difference(expected, sort=False):
        rule, near = "is not an industry of the rows of Z", nearest_label(shown(name), known)
        found.append(Issue(table, axis, rule, shown(name), nearest=near))
    for name in expected.difference(labels, sort=False):
        found.append(Issue(table, axis, "is an industry of the rows of Z and missing here",
                           shown(name)))  # fmt: skip
    return found


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
        issues.append(Issue(table, "entries", rule, shown(frame.index[int(row)]), advice=advice))
    for row in np.flatnonzero((values < 0).any(axis=1)):
        bad = np.flatnonzero(values[row] < 0)
        rule = f"must not be negative; {_listed(bad, frame.columns)}"
        advice = "book changes of stocks and refunds elsewhere, or set them to 0 and balance again"
        issues.append(Issue(table, "entries", rule, shown(frame.index[int(row)]), advice=advice))
    return values


def _listed(positions: NDArray[np.intp], labels: pd.Index) -> str:
    first = shown(labels[int(positions[0])])
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
            issues.append(Issue("x", "output", rule, shown(order[int(i)]), advice=advice))
    for i in np.flatnonzero((sold <= 0) & (bought > 0)):
        rule = f"sells nothing and buys for {bought[i]:.6g} USD million"
        advice = "add its sales to Y, or set its column to 0"
        issues.append(Issue("Z", "output", rule, shown(order[int(i)]), advice=advice))
    for i in np.flatnonzero((sold > 0) & (bought > sold + small)):
        rule = f"buys for {bought[i]:.6g} USD million, more than it sells ({sold[i]:.6g})"
        advice = "its value added is negative: book subsidies outside the table"
        issues.append(Issue("Z", "value added", rule, shown(order[int(i)]), advice=advice))
    if sold.max(initial=0.0) <= 0:
        issues.append(Issue("Z", "rows", "must hold at least one industry with output"))


def _raise(issues: Sequence[Issue], flows: pd.DataFrame, final: pd.DataFrame) -> None:
    if issues:
        raise TableError(issues, sizes={"Z": len(flows), "Y": len(final)})
