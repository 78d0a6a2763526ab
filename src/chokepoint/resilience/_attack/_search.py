"""Searches for the strongest attack: over all choices, or by the attacker's program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import SolverError
from chokepoint.program import LinearProgram
from chokepoint.propagate import Behaviour
from chokepoint.resilience._attack._answer import Answer
from chokepoint.resilience._attack._attacker import Cut, Found, strongest
from chokepoint.resilience._attack._enumerate import Sides, losses_of_choices
from chokepoint.resilience._attack._instruments import Choice, Instruments
from chokepoint.resilience._attack._penalty import Penalised, penalised
from chokepoint.resilience._attack._self_harm import strongest_within_harm

__all__ = ["Search", "by_planner", "by_weekly_model", "exact_loss", "strongest_exact"]

FloatArray = NDArray[np.float64]

_ROUNDING = 1e-9
_MOST_ROUNDS = 500
_AGREE = 1e-5
"""Relative distance between an attack's loss in the attacker's program and by itself."""

_LOSS = "USD million of value added"


@dataclass(frozen=True, eq=False)
class Search:
    """What a search found; see `Attack`."""

    levels: FloatArray
    damage: float
    bound: float
    losses: pd.DataFrame
    tried: pd.DataFrame
    solver: str = ""


def by_weekly_model(
    chain: SupplyChain,
    instruments: Instruments,
    sides: Sides,
    *,
    harm_limit: float | None,
    behaviour: Behaviour | None,
    progress: bool | None,
) -> Search:
    """Simulate every choice; of equally strong ones take the cheapest, then the smallest."""
    choices = instruments.choices()
    tried = _simulated(chain, instruments, sides, choices, behaviour, progress=progress)
    limit = np.inf if harm_limit is None else harm_limit
    tried["allowed"] = tried["self_harm"] <= limit + _ROUNDING * max(1.0, limit)
    best = tried[tried["allowed"]].sort_values(
        ["damage", "cost", "number"], ascending=[False, True, True], kind="stable"
    )
    row = int(best.index[0])
    levels = np.zeros(len(instruments))
    levels[list(choices[row])] = 1.0
    damage = float(tried["damage"].loc[row])
    return Search(levels, damage, damage, _losses(tried[tried.index == row], None), _ranked(tried))


def _simulated(
    chain: SupplyChain,
    instruments: Instruments,
    sides: Sides,
    choices: Sequence[Choice],
    behaviour: Behaviour | None,
    *,
    progress: bool | None = False,
) -> pd.DataFrame:
    table = sides.split(
        losses_of_choices(chain, instruments, choices, behaviour=behaviour, progress=progress)
    )
    table.insert(0, "instruments", [instruments.label(choice) for choice in choices])
    table["cost"] = [float(instruments.costs[list(choice)].sum()) for choice in choices]
    table["number"] = [len(choice) for choice in choices]
    return table


def _ranked(tried: pd.DataFrame) -> pd.DataFrame:
    ranked = tried.sort_values("damage", ascending=False, kind="stable").reset_index(drop=True)
    ranked.attrs["unit"] = f"damage, self_harm, third_party: {_LOSS}, weekly model"
    return ranked


def _losses(simulated: pd.DataFrame, planner: Mapping[str, float] | None) -> pd.DataFrame:
    rows = ["damage", "self_harm", "third_party"]
    table = pd.DataFrame(
        {
            "simulated": [float(simulated[row].iloc[0]) for row in rows],
            "planner": [np.nan if planner is None else planner.get(row, np.nan) for row in rows],
        },
        index=pd.Index(rows, name="loss"),
    )
    table.attrs["unit"] = f"{_LOSS}; planner: shortfall (and tariffs paid)"
    return table


def by_planner(
    chain: SupplyChain,
    instruments: Instruments,
    sides: Sides,
    *,
    harm_limit: float | None,
    harm: str,
    period: int,
    behaviour: Behaviour | None,
    gap: float,
    solving: Mapping[str, Any],
) -> Search:
    """Find the attack that costs most in the planner's answer, and simulate it."""
    limited = harm_limit is not None
    whole_world = limited and harm == "planner"
    answer = Answer(
        chain, instruments.effects, targets=None if whole_world else sides.targets,
        weeks=instruments.weeks, period=period,
    )  # fmt: skip
    if whole_world:
        assert harm_limit is not None
        exact = strongest_within_harm(
            answer, instruments, targets=sides.targets, owner=sides.owner,
            harm_limit=harm_limit, gap=gap, **solving,
        )  # fmt: skip
        found, damage = exact.found, exact.found.value
        rest = exact.total - damage - exact.self_harm
        planner = {"damage": damage, "self_harm": exact.self_harm, "third_party": rest}
        tried = _simulated(chain, instruments, sides, [_choice(found)], behaviour)
    elif limited:
        assert harm_limit is not None
        found, damage, tried = _within_simulated_harm(
            chain, instruments, sides, answer, harm_limit, behaviour, gap, solving
        )
        planner = {"damage": damage}
    else:
        found, damage = strongest_exact(answer, instruments, gap=gap, **solving)
        planner = {"damage": damage}
        tried = _simulated(chain, instruments, sides, [_choice(found)], behaviour)
    if "allowed" not in tried:
        tried["allowed"] = True
    row = tried.tail(1)
    return Search(
        found.levels, damage, max(found.bound, damage), _losses(row, planner), _ranked(tried),
        found.solution.solver,
    )  # fmt: skip


def _choice(found: Found) -> Choice:
    return tuple(sorted(found.choice))


def strongest_exact(
    answer: Answer,
    instruments: Instruments,
    *,
    spent: FloatArray | None = None,
    cuts: Sequence[Cut] = (),
    harm: FloatArray | None = None,
    harm_limit: float | None = None,
    gap: float = 1e-6,
    **solving: Any,
) -> tuple[Found, float]:
    """Return the strongest attack and the planner's loss under it, found by itself.

    The attacker's program may overrate a choice whose instruments hinder each other (plants
    that decay); such a choice is ruled out once its own loss is known, and the search goes on
    until no other can be stronger.
    """
    parts = penalised(answer, spent)
    cuts, best = list(cuts), None
    for _ in range(_MOST_ROUNDS):
        found = strongest(
            instruments, parts, cuts=cuts, harm=harm, harm_limit=harm_limit, gap=gap, **solving
        )
        loss = exact_loss(answer, parts, found.levels, spent)
        if best is None or loss > best[1]:
            best = (found, loss)
        if best[1] >= found.bound - _AGREE * max(1.0, abs(found.bound)):
            return replace(best[0], bound=found.bound), best[1]
        if loss > found.value + _AGREE * max(1.0, abs(loss)):
            raise SolverError(
                f"The attacker's program sees a loss of {found.value:,.6g} USD million under "
                f"{instruments.label(sorted(found.choice))}, the planner's own {loss:,.6g}. "
                'Take response="weekly_model", or a smaller `gap`.'
            )
        if len(cuts) >= 2 ** int((~instruments.charges).sum()) - 1:
            return replace(best[0], bound=max(best[1], found.bound)), best[1]
        cuts.append(Cut(found.choice))
    raise SolverError(
        f"After {_MOST_ROUNDS} rounds the attacker's program still overrates its choices. Take "
        'response="weekly_model".'
    )


def exact_loss(
    answer: Answer, parts: Penalised, levels: FloatArray, spent: FloatArray | None = None
) -> float:
    """Return the planner's loss under given levels, with bans as bans."""
    return answer_program(answer, parts, levels, spent).solve().objective


def answer_program(
    answer: Answer, parts: Penalised, levels: FloatArray, spent: FloatArray | None = None
) -> LinearProgram:
    """Return the planner's program under given levels."""
    pulled = frozenset(np.flatnonzero(levels > 0.5).tolist())
    program = answer.program(pulled, spent)
    none = answer.program(frozenset(), spent)
    tariffs = parts.tariffs[: none.n_columns, : len(levels)] @ levels
    return replace(program, cost=none.cost + tariffs)


def _within_simulated_harm(
    chain: SupplyChain,
    instruments: Instruments,
    sides: Sides,
    answer: Answer,
    harm_limit: float,
    behaviour: Behaviour | None,
    gap: float,
    solving: Mapping[str, Any],
) -> tuple[Found, float, pd.DataFrame]:
    """Rule out attacks whose simulated harm is above the limit, one by one."""
    alone = _simulated(
        chain, instruments, sides, [(k,) for k in range(len(instruments))], behaviour
    )
    harm = alone["self_harm"].to_numpy(dtype=float)
    cuts: list[Cut] = []
    tried: list[pd.DataFrame] = []
    for _ in range(_MOST_ROUNDS):
        found, damage = strongest_exact(
            answer, instruments, cuts=cuts, harm=harm, harm_limit=harm_limit, gap=gap, **solving
        )
        row = _simulated(chain, instruments, sides, [_choice(found)], behaviour)
        allowed = float(row["self_harm"].iloc[0]) <= harm_limit + _ROUNDING * max(1.0, harm_limit)
        tried.append(row.assign(allowed=allowed))
        if allowed:
            return found, damage, pd.concat(tried, ignore_index=True)
        cuts.append(Cut(found.choice))
    raise SolverError(
        f"{_MOST_ROUNDS} attacks in a row harm their owner by more than {harm_limit:g} USD million "
        'in the weekly model. Raise harm_limit, or take response="weekly_model".'
    )
