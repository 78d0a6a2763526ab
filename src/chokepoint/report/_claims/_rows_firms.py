"""Claim on firms that earn in the other country (13)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from chokepoint.leverage import US_SECTORS_IN_CHINA, Losses
from chokepoint.leverage._corporate import macro_sectors, sector_of
from chokepoint.leverage._lever_sets import lever_events
from chokepoint.report._claims._ask import Ask, Found, Setting
from chokepoint.report._claims._code import scenario_code
from chokepoint.report._claims._formulas import Formula
from chokepoint.report._format import digits, per_cent
from chokepoint.scenario import Scenario

__all__ = ["firms"]

LIMIT = 0.05
SIDES = {
    "damage": ("CHN", "USA", "of what Chinese levers cost the USA"),
    "self-harm": ("USA", "CHN", "of what US levers cost the USA itself"),
}


def firms(setting: Setting) -> list[Ask | Found]:
    """Return how much of the US loss falls on sectors that earn in China."""
    if not setting.has("CHN", "USA"):
        return []
    sites = _exposures(setting)
    if sites["exposure"].isna().all():
        return []
    rows: list[Ask | Found] = []
    for key, (actor, target, words) in SIDES.items():
        events = [
            event
            for name in ("exports", "imports")
            for event in lever_events(setting.chain, name, (actor,), (target,))
        ]
        if events:
            rows += _rows(setting, sites, Scenario(f"13 {key}", events), key, words)
    return rows


def _exposures(setting: Setting) -> pd.DataFrame:
    """Return the US sites with the share of revenue in China of their sector."""
    nodes = setting.chain.nodes
    mine = nodes[nodes["kind"].eq("site") & nodes["country"].eq("USA")]
    known = macro_sectors().set_index("sector")[["value", "low", "high"]]
    sectors = mine["product"].map(sector_of(setting.chain, US_SECTORS_IN_CHINA))
    table = known.reindex(sectors).set_index(mine.index)
    return table.rename(columns={"value": "exposure"}).assign(sector=sectors)


def _rows(
    setting: Setting, sites: pd.DataFrame, scenario: Scenario, key: str, words: str
) -> list[Ask | Found]:
    call = (
        f"cp.leverage.corporate_exposure({setting.code}, {scenario_code(scenario)}, 'USA', "
        f"weeks={setting.weeks}).{{}}"
    )
    shared: dict[str, Any] = {
        "claim": 13, "weeks": setting.weeks, "areas": ("USA",), "scenarios": (scenario,),
        "by": "site",
    }  # fmt: skip
    ends = {f"limit {limit:.0%}": ("exposure", limit) for limit in (0.03, 0.1)}
    ends |= {"exposures at their low": ("low", LIMIT), "exposures at their high": ("high", LIMIT)}
    return [
        Ask(
            **shared,
            key=f"{key}, exposed",
            statement=f"At least half {words} falls on sectors that earn 5 % or more of their "
            "revenue in China",
            unit="share of the loss",
            show=per_cent,
            threshold=0.5,
            formula=_exposed(setting, sites, scenario, "exposure", LIMIT),
            extra={
                label: _exposed(setting, sites, scenario, column, limit)
                for label, (column, limit) in ends.items()
            },
            code=call.format("share_exposed"),
            remark="Shares of revenue are those of 2018 (grade B), by sector. Sectors whose share "
            "is not known count as not exposed.",
        ),
        Ask(
            **shared,
            key=f"{key}, lobbying weight",
            statement=f"Lobbying weight {words}: mean share of revenue in China of those who lose",
            unit="index",
            show=digits,
            formula=_weight(setting, sites, scenario, "exposure"),
            extra={
                f"exposures at their {end}": _weight(setting, sites, scenario, end)
                for end in ("low", "high")
            },
            code=call.format("lobbying_weight"),
            remark="An index of its own; it says who has reasons to ask for relief, not how much "
            "they are heard.",
        ),
    ]


def _exposed(
    setting: Setting, sites: pd.DataFrame, scenario: Scenario, column: str, limit: float
) -> Formula:
    """Return the formula of the share of the loss on sectors with at least some exposure."""
    every = tuple(sites.index)
    hit = tuple(sites.index[sites[column] >= limit])

    def share(losses: Losses) -> float:
        whole = losses.loss(scenario.name, every, setting.weeks)
        part = losses.loss(scenario.name, hit, setting.weeks)
        return part / whole if whole > 0 else float("nan")

    return share


def _weight(setting: Setting, sites: pd.DataFrame, scenario: Scenario, column: str) -> Formula:
    """Return the formula of the mean exposure of the sectors that lose."""
    levels = np.unique(sites[column].dropna().to_numpy(dtype=float)).tolist()
    held = {level: tuple(sites.index[sites[column].eq(level)]) for level in levels}

    def weight(losses: Losses) -> float:
        lost = {
            level: losses.loss(scenario.name, some, setting.weeks) for level, some in held.items()
        }
        whole = sum(lost.values())
        return sum(level * part for level, part in lost.items()) / whole if whole else float("nan")

    return weight
