"""Figures that others published, beside the figures of the chain, like with like."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from chokepoint.report._findings import Findings
from chokepoint.report._format import per_cent, span

__all__ = ["Comparison", "Ratio", "compare", "ratios"]

_OF_GDP = "percent of GDP"
# What a fall of value added may be held against; exposure, prices and gross output are not.
_COMPARABLE = ("GDP", "direct value added", "with cascade")
_QUARTER, _YEAR = 13, 52


@dataclass(frozen=True)
class Comparison:
    """A published figure and the chain's own, blank where the two are no match."""

    shock: str
    who: str
    geography: str
    weeks: float
    metric: str
    scope: str
    published: str
    published_range: str
    own: str
    own_note: str
    grade: str


@dataclass(frozen=True)
class Ratio:
    """Loss after a quarter over loss after a year."""

    target: str
    publisher: str
    published: float
    planner: float
    reference: float
    stressed: float


def compare(findings: Findings) -> list[Comparison]:
    """Return every published estimate of the chain with the figure to hold against it."""
    publishers = _publishers(findings)
    rows = []
    for row in findings.chain.estimates.to_dict("records"):
        own, note = _own(findings, row)
        low, high = float(row["low"]), float(row["high"])
        certain = math.isnan(low) or low == high
        rows.append(
            Comparison(
                shock=row["shock"],
                who="; ".join(publishers.get(one, one) for one in _listed(row["source"])),
                geography=row["geography"],
                weeks=float(row["horizon_weeks"]),
                metric=row["metric"],
                scope=row["scope"],
                published=_with_unit(float(row["value"]), row["unit"]),
                published_range="" if certain else f"{_plain(low)} to {_plain(high)}",
                own=own,
                own_note=note,
                grade=row["confidence"],
            )
        )
    return rows


def ratios(findings: Findings) -> list[Ratio]:
    """Return loss after a quarter over loss after a year, published and own.

    One for each source and place that publish both horizons in one unit; the ratio tells more
    about a model than the level, which many settings reach.
    """
    if not {_QUARTER, _YEAR} <= set(findings.settings.weeks):
        return []
    publishers = _publishers(findings)
    values: dict[tuple[str, str, str], dict[float, float]] = {}
    for row in findings.chain.estimates.to_dict("records"):
        key = (row["source"], row["geography"], row["unit"])
        values.setdefault(key, {}).setdefault(row["horizon_weeks"], float(row["value"]))
    found = []
    for (source, geography, _), by_weeks in values.items():
        if geography not in findings.targets or not {_QUARTER, _YEAR} <= set(by_weeks):
            continue
        early, late = (findings.damage(geography, weeks=weeks) for weeks in (_QUARTER, _YEAR))
        found.append(
            Ratio(
                target=geography,
                publisher=publishers.get(source, source),
                published=by_weeks[_QUARTER] / by_weeks[_YEAR],
                planner=_ratio(early.planner, late.planner),
                reference=_ratio(early.reference, late.reference),
                stressed=_ratio(early.stressed, late.stressed),
            )
        )
    return found


def _own(findings: Findings, row: dict[Hashable, Any]) -> tuple[str, str]:
    """Return the chain's own figure in the unit of an estimate, and its interval."""
    study = findings.study
    if row["estimate"] in study.same_onset:
        return _own_onset(findings)
    if row["scope"] not in _COMPARABLE:
        return "–", "another scope"
    if row["geography"] not in findings.targets:
        return "–", "another place"
    if row["estimate"] not in study.same_shock or row["unit"] != _OF_GDP:
        return "–", "another shock"
    if row["horizon_weeks"] not in findings.settings.weeks:
        return "–", "another horizon"
    found = findings.damage(row["geography"], weeks=int(row["horizon_weeks"]))
    scale = found.share_of_annual_gdp / found.reference if found.reference else 0.0
    interval = span(found.low * scale, found.high * scale, "per_cent")
    stressed = per_cent(found.stressed * scale)
    note = f"stressed {stressed}" if interval == "–" else f"{interval}; stressed {stressed}"
    return per_cent(found.share_of_annual_gdp), note


def _own_onset(findings: Findings) -> tuple[str, str]:
    longest = findings.settings.weeks[-1]
    onsets = [findings.damage(one, weeks=longest).onset_weeks for one in findings.targets]
    days = sorted(7 * onset for onset in onsets if math.isfinite(onset))
    if not days:
        return "–", "no stop within the run"
    return f"{days[0]:.0f} to {days[-1]:.0f} days", "by target, ban without notice"


def _publishers(findings: Findings) -> dict[str, str]:
    names = {}
    for row in findings.chain.sources.to_dict("records"):
        year = "" if pd.isna(row["year"]) else f", {int(row['year'])}"
        names[row["source"]] = (row["publisher"] or row["title"]) + year
    return names


def _listed(cell: str) -> list[str]:
    return [part for part in cell.split(";") if part]


def _plain(value: float) -> str:
    """Return a published number as it was published."""
    return f"{value:,.6g}" if abs(value) < 1000 else f"{value:,.0f}"


def _with_unit(value: float, unit: str) -> str:
    if unit == _OF_GDP:
        return f"{_plain(value)} %"
    if unit.startswith("USD "):
        return f"USD {_plain(value)} {unit.removeprefix('USD ')}"
    return f"{_plain(value)} {unit}"


def _ratio(early: float, late: float) -> float:
    return early / late if late else math.nan
