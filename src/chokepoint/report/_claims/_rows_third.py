"""Claim on third countries that are forced to align (15)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from chokepoint.leverage import Losses, third_countries
from chokepoint.leverage._lever_sets import lever_events
from chokepoint.report._claims._ask import Ask, Found, Setting
from chokepoint.report._claims._formulas import Formula
from chokepoint.report._format import digits, per_cent
from chokepoint.scenario import Scenario

__all__ = ["forced_to_align"]

FLOOR = 0.0025
POLES = ("CHN", "USA")
OTHERS = ("EU27", "JPN", "KOR", "TWN", "IND")
LEVERS = ("exports", "imports")
COUNTRIES = 12
"""Third countries with the largest GDP that are looked at."""
_DRAWS = 20


def forced_to_align(setting: Setting) -> list[Ask | Found]:
    """Return which part of the world's GDP has to choose between China and the USA."""
    if not setting.has(*POLES):
        return []
    chain, weeks = setting.chain, setting.weeks
    countries, covered = _largest(setting)
    if len(countries) < 2:
        return []
    known = {*chain.countries["area"], *chain.countries["blocs"].str.split(";").explode()}
    others = [] if setting.fast else [one for one in OTHERS if one in known]
    scenarios = {
        (actor, target, name): Scenario(f"15 {actor} > {target}: {name}", events)
        for actor in (*POLES, *others)
        for target in countries
        if target not in chain.areas(actor)
        for name in LEVERS
        if (events := lever_events(chain, name, chain.areas(actor), [target]))
    }
    exposure = _exposure(setting, scenarios, (*POLES, *others), countries)
    call = (
        f"cp.leverage.third_countries({setting.code}, {POLES!r}, others={others!r}, "
        f"countries={countries!r}, weeks={weeks}, levers={LEVERS!r}, dtype='float32').{{}}"
    )
    gdp = pd.Series({one: setting.gdp(one) for one in countries})
    made = third_countries(
        chain, POLES, others=others, countries=countries, weeks=weeks, levers=LEVERS,
        behaviour=setting.behaviour, dtype="float32",
    )  # fmt: skip
    named = [str(one) for one in made.table.index[made.table["forced"]]]
    shared: dict[str, Any] = {
        "claim": 15, "weeks": weeks, "scenarios": tuple(scenarios.values()), "draws": _DRAWS,
    }  # fmt: skip
    if setting.fast:
        shared["remark"] = "Without other actors, so that too many countries count as forced. "
    else:
        shared["remark"] = f"Other actors: {', '.join(others)}. "
    shared["remark"] += (
        f"The {len(countries)} largest third countries, {per_cent(covered)} of the GDP of those in "
        "the chain."
    )
    return [
        Ask(
            **shared | {"remark": f"Forced: {', '.join(named) or 'none'}. {shared['remark']}"},
            key="forced share",
            statement="Third countries with at least half of the GDP of all of them have to choose "
            "between China and the USA: no other actor can cost them as much as either, and the "
            "choice costs at least 0.25 % of GDP",
            unit="share of GDP",
            show=per_cent,
            threshold=0.5,
            formula=lambda losses: _forced(exposure(losses), gdp, FLOOR),
            extra={
                f"choice costs at least {limit:.1%} of GDP": _at_limit(exposure, gdp, limit)
                for limit in (0.001, 0.005)
            },
            code=call.format("forced_share"),
            table=made.table,
        ),
        Ask(
            **shared,
            key="tilt",
            statement="Tilt of third countries together, from -1 (lean on the USA alone) to 1 (on "
            "China alone)",
            unit="index",
            show=digits,
            formula=lambda losses: _tilt(exposure(losses), gdp),
            code=call.format("tilt"),
            table=made.exposure,
        ),
        Ask(
            **shared,
            key="effective poles",
            statement="Effective number of poles: 1 with one that rules, 2 with two of the same "
            "weight",
            unit="number",
            show=digits,
            formula=lambda losses: _poles(exposure(losses), gdp),
            code=call.format("effective_poles"),
        ),
    ]


def _largest(setting: Setting) -> tuple[list[str], float]:
    """Return the third countries with the largest GDP, and their share in that of all."""
    table, sites = setting.chain.countries, set(setting.chain.sites["country"])
    mine = table["kind"].eq("country") & table["area"].isin(sites) & ~table["area"].isin(POLES)
    gdp = table[mine].set_index("area")["gdp_usd_m"].sort_values(ascending=False, kind="stable")
    chosen = gdp[gdp > 0].head(COUNTRIES)
    return [str(one) for one in chosen.index], float(chosen.sum() / gdp.sum()) if len(gdp) else 0.0


Exposure = Callable[[Losses], pd.DataFrame]


def _exposure(
    setting: Setting,
    scenarios: Mapping[tuple[str, str, str], Scenario],
    actors: tuple[str, ...],
    countries: list[str],
) -> Exposure:
    """Return what reads the gross leverage of actors over countries from a case, shares of GDP."""
    weeks = setting.weeks
    income = {one: setting.gdp(one, weeks) for one in countries}

    def exposure(losses: Losses) -> pd.DataFrame:
        table = pd.DataFrame(0.0, index=countries, columns=list(actors))
        values = table.to_numpy(copy=True)
        place = {name: k for k, name in enumerate(countries)}
        column = {name: k for k, name in enumerate(actors)}
        for (actor, target, _), one in scenarios.items():
            share = losses.loss(one.name, (target,), weeks) / income[target]
            at = place[target], column[actor]
            values[at] = max(values[at], share)
        return pd.DataFrame(values, index=countries, columns=list(actors))

    return exposure


def _forced(table: pd.DataFrame, gdp: pd.Series, limit: float) -> float:
    smaller = table[list(POLES)].min(axis=1)
    rest = table.drop(columns=list(POLES)).max(axis=1).reindex(table.index).fillna(0.0)
    forced = (rest < smaller) & (smaller >= limit)
    return float(gdp[forced].sum() / gdp.sum())


def _at_limit(exposure: Exposure, gdp: pd.Series, limit: float) -> Formula:
    return lambda losses: _forced(exposure(losses), gdp, limit)


def _tilt(table: pd.DataFrame, gdp: pd.Series) -> float:
    first, second = (table[one] * gdp for one in POLES)
    whole = float((first + second).sum())
    return float((first - second).sum()) / whole if whole > 0 else float("nan")


def _poles(table: pd.DataFrame, gdp: pd.Series) -> float:
    money = table.mul(gdp, axis=0).sum()
    shares = money / money.sum()
    return float(1.0 / np.square(shares.to_numpy(dtype=float)).sum())
