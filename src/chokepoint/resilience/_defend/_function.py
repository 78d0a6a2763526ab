"""What to buy against an attacker who sees it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.propagate import Behaviour
from chokepoint.resilience._attack._enumerate import Sides
from chokepoint.resilience._attack._instruments import Instruments
from chokepoint.resilience._budget import Budget
from chokepoint.resilience._defend._answer import PreparedAnswer
from chokepoint.resilience._defend._attackers import Enumerated, Method, make_attacker
from chokepoint.resilience._defend._result import Defence, worst_by_case
from chokepoint.resilience._defend._rounds import Rounds, Settled
from chokepoint.resilience._gap import behaviour_table, behaviour_warnings
from chokepoint.resilience._measures import KINDS
from chokepoint.resilience._plan_tables import bought_table
from chokepoint.resilience._study import make_first_stage, make_task
from chokepoint.scenario import Scenario

__all__ = ["defend"]

FloatArray = NDArray[np.float64]


def defend(
    chain: SupplyChain,
    instruments: Scenario | Iterable[Scenario],
    *,
    budget: float | Budget,
    most: int | None = None,
    attack_budget: float | None = None,
    costs: Mapping[str, float] | None = None,
    targets: str | Sequence[str] | None = None,
    owner: str | Sequence[str] | None = None,
    weeks: int = 52,
    period: int = 4,
    kinds: Sequence[str] = KINDS,
    notice: float = 104.0,
    whole: Sequence[str] = (),
    measures: pd.DataFrame | None = None,
    simulate: bool = True,
    behaviour: Behaviour | None = None,
    method: Method = "auto",
    tolerance: float = 1e-4,
    most_rounds: int = 100,
    solver: str = "highs",
    time_limit: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> Defence:
    r"""Return the measures that leave the strongest attack the least to do.

    .. math::
        \min_{y \in Y,\ \mathbf 1^\top y \le B}\ \max_{b \in \mathcal B}\ Q_b(y)

    Three decisions: money is spent on measures y; an attacker sees them and pulls the
    instruments b that cost the targets most; the planner answers as well as can be,
    :math:`Q_b(y)` (:func:`recourse`). Found in rounds: the best plan against the attacks known
    so far bounds the worst loss from below, the strongest attack on that plan
    (:func:`attack` with ``response="planner"``) bounds it from above and joins the list
    (column-and-constraint generation). The rounds end where the bounds meet.

    Parameters
    ----------
    chain : SupplyChain
        The chain, with a table of measures.
    instruments : Scenario or iterable of Scenario
        What the attacker may pull: each a named set of events; see :func:`attack`.
    budget : float or Budget
        Money for all measures together [USD million], or with limits by year and by country.
    most : int, optional
        Number of instruments pulled at most.
    attack_budget : float, optional
        Sum of the costs of instruments at most.
    costs : mapping of instrument to float, optional
        Cost of each instrument; None = 1 each where an `attack_budget` is given.
    targets : str or sequence of str, optional
        Areas or blocs whose loss is sought by the attacker, and whose sites hold stocks and
        qualify suppliers; None = all but the owner's.
    owner : str or sequence of str, optional
        Areas or blocs of the attacker.
    weeks, period : int
        Weeks whose losses count, and weeks in a period of the planner's program.
    kinds, notice, whole, measures
        As for :func:`plan`.
    simulate : bool
        Whether the attacks found are simulated, before and after.
    behaviour : Behaviour, optional
        Settings of the weekly model for the reference case.
    method : {"auto", "enumerated", "program"}
        How the strongest attack is found: every choice answered by the planner one by one, or
        by one mixed-integer program; "auto" takes the first for up to 128 choices of
        instruments that are not tariffs.
    tolerance : float
        Relative gap at which the rounds end.
    most_rounds : int
        Number of rounds at most.
    solver, options
        Solver of the defender's programs and its options, as for :func:`recourse`; attacks are
        always sought with HiGHS.
    time_limit : float, optional
        Seconds for all rounds together.

    Returns
    -------
    Defence

    Raises
    ------
    OptionError
        If an argument is out of range, the chain offers no such measure, or instruments act on
        one limit in ways that the planner's program cannot hold.
    ConvergenceError
        If the bounds are still apart after the rounds or the time allowed.
    SolverError
        If a solver stops early.

    Notes
    -----
    The plan is the best against an attacker who faces the planner. Where nobody coordinates
    another attack may be the strongest: ``attack(found.apply(chain), instruments)`` tells.

    Against one threat after the other, each with its probability, :func:`plan` is the tool; its
    worst case alone (``risk=CVaR(level)`` with all attacks as threats) gives the same plan where
    all attacks can be listed.

    References
    ----------
    Brown, Carlyle, Salmeron, Wood (2006), "Defending critical infrastructure"; Zeng, Zhao (2013),
    "Solving two-stage robust optimization problems using a column-and-constraint generation
    method".

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.resilience import defend
    >>> chain = cp.load("rare_earths")
    >>> bans = [
    ...     cp.Scenario(name, cp.ExportBan(by="CHN", against="JPN", products=name))
    ...     for name in ("metal_dy", "magnet_bonded")
    ... ]
    >>> found = defend(
    ...     chain, bans, budget=20, most=1, targets="JPN", weeks=13, kinds=["stock"], simulate=False
    ... )
    >>> bool(found.spent <= 20 and found.loss_after <= found.loss_before)
    True
    """
    started = time.perf_counter()
    _check(tolerance, most_rounds, time_limit)
    money = Budget.of(budget)
    offered = Instruments.of(
        chain, instruments, weeks=weeks, most=most, budget=attack_budget, costs=costs
    )
    sides = Sides(chain, targets, owner)
    task = make_task(
        chain, weeks=weeks, period=period, kinds=kinds, targets=sides.targets, notice=notice,
        measures=measures, years=max(len(money.by_year), 1),
    )  # fmt: skip
    first, _ = make_first_stage(task, money, whole=whole)
    answer = PreparedAnswer(task, offered.effects, targets=sides.targets)
    attacker = make_attacker(method, answer, offered, gap=min(1e-6, tolerance / 10))
    rounds = Rounds(
        answer, first, offered, attacker, tolerance, most_rounds,
        solver=solver, time_limit=time_limit, options=options,
    )  # fmt: skip
    settled = rounds.run()
    found = _result(
        answer, offered, sides, settled, first.budget, money.most,
        method="enumerated" if isinstance(attacker, Enumerated) else "program", notice=notice,
    )  # fmt: skip
    if simulate:
        found = _with_behaviour(chain, found, behaviour)
    return replace(found, seconds=time.perf_counter() - started)


def _check(tolerance: float, most_rounds: int, time_limit: float | None) -> None:
    if not tolerance > 0:
        raise OptionError(f"Expected a tolerance above 0, got {tolerance}.")
    if most_rounds < 1:
        raise OptionError(f"Expected most_rounds of at least 1, got {most_rounds}.")
    if time_limit is not None and not time_limit > 0:
        raise OptionError(f"Expected a time_limit above 0 seconds, got {time_limit}.")


def _result(
    answer: PreparedAnswer,
    instruments: Instruments,
    sides: Sides,
    settled: Settled,
    budget_row: int,
    most: float,
    *,
    method: str,
    notice: float,
) -> Defence:
    task, master = answer.task, settled.master
    spend = np.maximum(settled.x[: answer.size], 0.0)
    names = _names(instruments, settled.attacks)
    losses = pd.DataFrame(
        {
            what: [answer.under(levels, money).solve().objective for levels in settled.attacks]
            for what, money in (("before", np.zeros(answer.size)), ("after", spend))
        },
        index=names,
    )
    losses.attrs["unit"] = "USD million of value added, planner's shortfall (and tariffs paid)"
    scenarios = [
        instruments.joint(np.flatnonzero(levels > 0).tolist(), name)
        for name, levels in zip(names, settled.attacks, strict=True)
    ]
    price = 0.0 if master is None else float(max(-master.prices[budget_row], 0.0))
    return Defence(
        budget=most,
        spent=float(spend.sum()),
        measures=bought_table(
            task.candidates, spend, max(most if np.isfinite(most) else spend.sum(), 1e-9)
        ),
        budget_value=price,
        attack_before=names[_place(settled.attacks, settled.first.levels)],
        attack_after=names[_place(settled.attacks, settled.worst.levels)],
        loss_before=settled.first.loss,
        loss_after=settled.worst.loss,
        lower_bound=settled.lower,
        upper_bound=settled.upper,
        rounds=settled.table,
        losses=losses,
        levels=pd.DataFrame(settled.attacks, index=names, columns=instruments.names),
        scenarios=tuple(scenarios),
        behaviour=pd.DataFrame(),
        warnings=(),
        skipped=task.candidates.skipped,
        targets=sides.targets,
        owner=sides.owner,
        weeks=task.weeks,
        period=task.period,
        notice=float(notice),
        method=method,
        solver="" if master is None else master.solution.solver,
        seconds=0.0,
    )


def _names(instruments: Instruments, attacks: Sequence[FloatArray]) -> pd.Index:
    """Return a name for each attack; of two with the same instruments the later has a number."""
    found: list[str] = []
    for number, levels in enumerate(attacks, start=1):
        name = instruments.label(np.flatnonzero(levels > 0).tolist())
        found.append(name if name not in found else f"{name} ({number})")
    return pd.Index(found, name="attack")


def _place(attacks: Sequence[FloatArray], levels: FloatArray) -> int:
    distance = [float(np.abs(one - levels).max(initial=0.0)) for one in attacks]
    return int(np.argmin(distance))


def _with_behaviour(chain: SupplyChain, found: Defence, behaviour: Behaviour | None) -> Defence:
    """Return the defence with the losses of its attacks in the weekly model, and warnings."""
    table = behaviour_table(
        chain, found.scenarios, found.losses, lambda one, _: found.apply(one),
        one_for_all=True, targets=found.targets, weeks=found.weeks, behaviour=behaviour,
    )  # fmt: skip
    table.index = table.index.rename("attack")
    worst = worst_by_case(found.losses, table)
    cells = {
        (case, what): [float(worst[what].loc[case])]
        for case in worst.index for what in ("before", "after", "saving")
    }  # fmt: skip
    row = pd.DataFrame(cells, index=["the worst attack"])
    said = behaviour_warnings(row, pd.Series({"the worst attack": 1.0}), found.measures)
    return replace(found, behaviour=table, warnings=tuple(said))
