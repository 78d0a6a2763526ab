"""The strongest attack with given instruments."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.propagate import Behaviour
from chokepoint.resilience._attack._enumerate import Sides
from chokepoint.resilience._attack._instruments import Instruments
from chokepoint.resilience._attack._result import Attack
from chokepoint.resilience._attack._search import Search, by_planner, by_weekly_model
from chokepoint.scenario import Scenario

__all__ = ["attack"]

Response = Literal["weekly_model", "planner"]
Harm = Literal["simulated", "planner"]


def attack(
    chain: SupplyChain,
    instruments: Scenario | Iterable[Scenario],
    *,
    targets: str | Sequence[str] | None = None,
    owner: str | Sequence[str] | None = None,
    response: Response = "weekly_model",
    most: int | None = None,
    budget: float | None = None,
    costs: Mapping[str, float] | None = None,
    harm_limit: float | None = None,
    harm: Harm = "simulated",
    weeks: int = 52,
    period: int = 4,
    behaviour: Behaviour | None = None,
    gap: float = 1e-6,
    time_limit: float | None = None,
    options: Mapping[str, Any] | None = None,
    progress: bool | None = None,
) -> Attack:
    r"""Return the choice of instruments that costs the targets most.

    .. math::
        \max_{b} D_T(b) \quad\text{s.t.}\quad \sum_k b_k \le n,\ \sum_k c_k b_k \le C,\
        D_A(b) \le H

    With ``response="weekly_model"`` every allowed choice is simulated and the strongest kept.
    With ``response="planner"`` the targets answer as well as can be (:func:`recourse`): the
    planner's program with a penalty on what an attack takes away is turned over into one
    mixed-integer program (Israeli and Wood 2002; Lim and Smith 2007), which bounds from below
    what an attack costs those who cannot coordinate.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    instruments : Scenario or iterable of Scenario
        What may be pulled: each a named set of events. Instruments made of tariffs alone may
        be pulled in part under the planner (the weekly model moves no goods for a tariff); all
        others are pulled or not, since a ban does most at its extremes.
    targets : str or sequence of str, optional
        Areas or blocs whose loss is sought; None = all but the owner's.
    owner : str or sequence of str, optional
        Areas or blocs of the owner, whose loss is the self-harm.
    response : {"weekly_model", "planner"}
        Who answers the attack.
    most : int, optional
        Number of instruments pulled at most.
    budget : float, optional
        Sum of costs at most.
    costs : mapping of instrument to float, optional
        Cost of each instrument; None = 1 each where a budget is given.
    harm_limit : float, optional
        Largest loss of value added that the owner bears [USD million].
    harm : {"simulated", "planner"}
        How the planner's program holds that limit: by the weekly model, with the sum of harms
        of single instruments as a first guess, each attack simulated and those above the limit
        ruled out one by one; or exactly in the planner's own answer, who then minimises the
        losses of all (strong duality; optimistic in ties).
    weeks, period : int
        Weeks that count, and weeks in a period of the planner's program.
    behaviour : Behaviour, optional
        Settings of the weekly model.
    gap : float
        Relative gap at which the solver of the planner's program may stop.
    time_limit, options
        As for :func:`recourse`.
    progress : bool, optional
        Show progress bars.

    Returns
    -------
    Attack

    Raises
    ------
    OptionError
        If an option is out of range, there are too many choices to simulate, or instruments
        act on one limit in ways that the planner's program cannot hold.
    SolverError
        If the solver stops early.

    Notes
    -----
    The first guess with ``harm="simulated"`` adds harms up; where two instruments harm their
    owner less together than one by one, a choice that is within the limit may be passed over.
    Only the search by the weekly model looks at all of them.

    References
    ----------
    Israeli, Wood (2002), "Shortest-path network interdiction"; Lim, Smith (2007), "Algorithms
    for discrete and continuous multicommodity flow network interdiction problems"; Wood (1993),
    "Deterministic network interdiction".

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.resilience import attack
    >>> chain = cp.load("rare_earths")
    >>> bans = [
    ...     cp.Scenario(name, cp.ExportBan(by="CHN", against="JPN", products=name))
    ...     for name in ("oxide_heavy", "ndfeb_sintered")
    ... ]
    >>> found = attack(chain, bans, targets="JPN", owner="CHN", most=1, weeks=26)
    >>> found.pulled
    ('ndfeb_sintered',)
    """
    started = time.perf_counter()
    _check("response", response, get_args(Response))
    _check("harm", harm, get_args(Harm))
    if harm_limit is not None and (owner is None or not harm_limit >= 0):
        raise OptionError(
            f"Expected a harm_limit of at least 0 USD million together with an owner, got "
            f"harm_limit={harm_limit} and owner={owner}."
        )
    offered = Instruments.of(chain, instruments, weeks=weeks, most=most, budget=budget, costs=costs)
    sides = Sides(chain, targets, owner)
    if response == "weekly_model":
        found = by_weekly_model(
            chain, offered, sides, harm_limit=harm_limit, behaviour=behaviour, progress=progress
        )
    else:
        found = by_planner(
            chain, offered, sides, harm_limit=harm_limit, harm=harm, period=period,
            behaviour=behaviour, gap=gap,
            solving={"time_limit": time_limit, "options": options},
        )  # fmt: skip
    held = "" if harm_limit is None else "simulated" if response == "weekly_model" else harm
    return _result(offered, sides, found, response, held, time.perf_counter() - started)


def _check(name: str, given: str, choices: tuple[str, ...]) -> None:
    if given not in choices:
        listed = " or ".join(f'"{choice}"' for choice in choices)
        raise OptionError(f"Expected {name} {listed}, got {given!r}.")


def _result(
    instruments: Instruments,
    sides: Sides,
    found: Search,
    response: str,
    harm: str,
    seconds: float,
) -> Attack:
    levels = pd.Series(found.levels, index=instruments.names, name="level", dtype=float)
    levels.attrs["unit"] = "1 = pulled in full"
    choice = np.flatnonzero(found.levels > 0).tolist()
    return Attack(
        scenario=instruments.joint(choice, instruments.label(choice)),
        levels=levels,
        damage=found.damage,
        bound=found.bound,
        losses=found.losses,
        tried=found.tried,
        targets=sides.targets,
        owner=sides.owner,
        cost=float(instruments.costs @ found.levels),
        response=response,
        harm=harm,
        weeks=instruments.weeks,
        solver=found.solver,
        seconds=seconds,
    )
