"""Claims on the balance of the two: parity (2), and interdependence as a weapon (10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chokepoint.leverage import Frontier, Losses, frontier, parity
from chokepoint.leverage._game import solve_game
from chokepoint.leverage._lever_sets import lever_events
from chokepoint.report._claims._ask import Ask, Found, Setting
from chokepoint.report._format import digits, per_cent
from chokepoint.scenario import Scenario

__all__ = ["interdependence", "strategic_parity"]

EPSILON = 0.001
FLOOR = 0.0025
CAP = 0.001
LEVELS = (0.0, 0.5, 1.0)
SIDES = ("CHN", "USA")
PAIR = (("CHN", "USA"), ("USA", "CHN"))
Shares = tuple[NDArray[np.float64], NDArray[np.float64]]


def strategic_parity(setting: Setting) -> list[Ask | Found]:
    """Return the game of the USA and China with everything on both sides."""
    if not setting.has(*SIDES):
        return []
    weeks = setting.weeks
    ladders = [
        [
            lever_events(setting.chain, "everything", [mine], [aimed], level=level)
            for level in LEVELS
        ]
        for mine, aimed in PAIR
    ]
    if not any(ladders[0][-1] + ladders[1][-1]):
        return []
    grid = [
        [Scenario(f"2 {a:g} | {b:g}", [*first, *second])
         for b, second in zip(LEVELS, ladders[1], strict=True)]
        for a, first in zip(LEVELS, ladders[0], strict=True)
    ]  # fmt: skip
    shares = _shares_of(grid, {side: setting.gdp(side, weeks) for side in SIDES}, weeks)
    call = (
        f"cp.leverage.escalation({setting.code}, 'CHN', 'USA', weeks={weeks}, levels={LEVELS!r})"
        f".table.loc[{weeks}, {{!r}}]"
    )
    shared: dict[str, Any] = {
        "claim": 2, "weeks": weeks, "areas": SIDES, "show": per_cent, "unit": "share of GDP",
        "scenarios": tuple(one for row in grid for one in row),
    }  # fmt: skip
    return [
        Ask(
            **shared,
            key="dominance",
            statement="China and the USA are at parity: neither comes off better by more than "
            "0.1 % of GDP when both play everything they have, and both can cost the other at "
            "least 0.25 % of GDP",
            formula=lambda losses: _dominance(*shares(losses)),
            judge=lambda losses: _at_par(*shares(losses)),
            code=call.format("dominance"),
            remark="Above 0 China comes off better, below 0 the USA. Only goods of the chain "
            "count: no finance, no services, no force of arms.",
        ),
        Ask(
            **shared,
            key="gross leverage of CHN",
            statement="What China can cost the USA with all its levers, whatever it costs itself",
            formula=lambda losses: _gross(*shares(losses))[0],
            code=call.format("gross_first"),
        ),
        Ask(
            **shared,
            key="gross leverage of USA",
            statement="What the USA can cost China with all its levers, whatever it costs itself",
            formula=lambda losses: _gross(*shares(losses))[1],
            code=call.format("gross_second"),
        ),
        Ask(
            **shared | {"show": digits, "unit": "index"},
            key="asymmetry",
            statement="Asymmetry of gross leverages, from -1 (only the USA can hurt) to 1 (only "
            "China can)",
            formula=lambda losses: _asymmetry(*_gross(*shares(losses))),
            code=call.format("asymmetry"),
        ),
    ]


def _shares_of(
    grid: Sequence[Sequence[Scenario]], income: dict[str, float], weeks: int
) -> Callable[[Losses], Shares]:
    """Return what reads the losses of both sides from a case: (levels, levels), shares of GDP."""

    def shares(losses: Losses) -> Shares:
        own, other = (
            np.array([[losses.loss(one.name, (side,), weeks) for one in row] for row in grid])
            / income[side]
            for side in SIDES
        )
        return own, other

    return shares


def _dominance(own: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return solve_game(other - own).value


def _gross(own: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    return max(0.0, float(other[:, 0].max())), max(0.0, float(own[0].max()))


def _asymmetry(there: float, back: float) -> float:
    return (there - back) / (there + back) if there + back > 0 else float("nan")


def _at_par(own: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    there, back = _gross(own, other)
    word = parity(_dominance(own, other), there, back, epsilon=EPSILON, materiality=FLOOR)
    return word == "parity"


def interdependence(setting: Setting) -> list[Ask | Found]:
    """Return what each side can do to the other at a self-harm of 0.1 % of its GDP."""
    if not setting.has(*SIDES):
        return []
    rows: list[Ask | Found] = []
    for actor, target in PAIR:
        options: dict[str, Any] = {"weeks": setting.weeks, "exhaustive": 4,
                                   "most": 4 if setting.fast else 10}  # fmt: skip
        curve = frontier(
            setting.chain, actor, target, behaviour=setting.behaviour, dtype="float32", **options
        )
        rows += _of_frontier(setting, curve, actor, target, options)
    return rows


def _of_frontier(
    setting: Setting, curve: Frontier, actor: str, target: str, options: dict[str, Any]
) -> list[Ask | Found]:
    """Return the figure with the best of the frontier's sets that keeps to the cap in each case."""
    table, weeks = curve.table, setting.weeks
    caps = [float(cap) for cap in table.index if cap <= CAP * 1.001]
    sets = {
        (row["levers"], row["level"]): cap
        for cap, row in zip(caps, table.to_dict("records"), strict=False)
        if row["levers"]
    }
    scenarios = tuple(
        Scenario(f"10 {actor} on {target} {place}", curve.scenario(cap).events)
        for place, cap in enumerate(sets.values())
    )
    if not scenarios:
        return []
    row = table.to_dict("records")[len(caps) - 1]
    income, own_income = setting.gdp(target, weeks), setting.gdp(actor, weeks)

    def best(losses: Losses) -> float:
        kept = [
            losses.loss(one.name, (target,), weeks)
            for one in scenarios
            if losses.loss(one.name, (actor,), weeks) <= CAP * own_income
        ]
        return max([0.0, *kept]) / income

    given = ", ".join(f"{name}={value!r}" for name, value in options.items())
    names = ", ".join(row["levers"][:5]) + (" and others" if len(row["levers"]) > 5 else "")
    return [
        Ask(
            claim=10,
            key=f"{actor} on {target}",
            statement=f"At a loss of at most 0.1 % of its own GDP in a year, {actor} can cost "
            f"{target} at least 0.25 % of GDP",
            unit="share of GDP",
            show=per_cent,
            threshold=FLOOR,
            weeks=weeks,
            code=f"cp.leverage.frontier({setting.code}, {actor!r}, {target!r}, {given}, "
            f"dtype='float32').at({CAP!r}) / {income!r}",
            areas=(target,),
            scenarios=scenarios,
            formula=best,
            table=table,
            remark=f"Best of {len(curve.tried)} sets of levers that were run, so a lower bound; in "
            f"the reference: {names}. In the other cases it is the best of the {len(scenarios)} "
            "sets on the frontier that keeps to the cap there. "
            + ("The cap binds. " if bool(row["binding"]) else "The cap does not bind. ")
            + f"Where the cap holds for unmet demand of {actor} too, it can do "
            f"{per_cent(float(row['damage_both']) / income)}.",
        )
    ]
