"""Figures with all that belongs to them: the band, the interval, one assumption at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chokepoint.chain import SupplyChain
from chokepoint.datasets import Draws, draw
from chokepoint.leverage._runs import Assessment, Losses, Runs
from chokepoint.leverage._variants import Owners
from chokepoint.propagate import Behaviour
from chokepoint.propagate._simulate import Precision
from chokepoint.scenario import Scenario

__all__ = ["Figure", "assess", "planned"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure that is reckoned from losses.

    Parameters
    ----------
    formula : callable
        From :class:`Losses` to a number.
    bound : (str, sequence of str, int), optional
        Scenario, areas and weeks of which the figure is the loss, so that the planner's program
        gives its lower end; None = the figure has no such end.
    """

    formula: Callable[[Losses], float]
    bound: tuple[str, Sequence[str], int] | None = None


def assess(
    chain: SupplyChain,
    scenarios: Sequence[Scenario],
    figures: Mapping[str, Figure],
    *,
    weeks: Sequence[int] = (52,),
    owners: Owners | None = None,
    draws: int | Draws = 0,
    rng: np.random.Generator | int | None = None,
    alone: bool = True,
    period: int = 0,
    behaviour: Behaviour | None = None,
    dtype: Precision = "float64",
    progress: bool | None = None,
) -> dict[str, Assessment]:
    """Reckon figures in the reference case, the stressed case, over draws and one at a time.

    All scenarios run together: once as reference, once stressed, once for each draw and once for
    each end of each assumption. So many figures on few scenarios cost little more than one.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    scenarios : sequence of Scenario
        What happens; names are what formulas ask for.
    figures : mapping of name to Figure
        What is reckoned.
    weeks : sequence of int
        Horizons that formulas may ask for.
    owners : mapping of name to (areas, products), optional
        Owners whose outputs are moved to their ends as well.
    draws : int or Draws
        Draws of the data, or how many; 0 = no interval.
    rng : numpy.random.Generator, int or None
        Randomness of the draws.
    alone : bool
        Whether assumptions are moved one at a time.
    period : int
        Weeks of a period of the planner's program; 0 = no planner.
    behaviour : Behaviour, optional
        Settings of the reference run.
    dtype : {"float64", "float32"}
        Precision of draws and of assumptions one at a time; the reference is float64.
    progress : bool, optional
        Show progress bars.

    Returns
    -------
    dict of Assessment

    Examples
    --------
    >>> chain = cp.load("rare_earths")
    >>> ban = cp.Scenario("ban", [cp.ExportBan(by="CHN", against="USA", products="magnet_ndfeb")])
    >>> usa = Figure(formula=lambda losses: losses.loss("ban", ["USA"], 26))
    >>> found = assess(chain, [ban], {"USA": usa}, weeks=[26], alone=False)["USA"]
    >>> bool(found.stressed > found.reference > 0)
    True
    """
    sampled = draw(chain, draws, rng=rng) if isinstance(draws, int) else draws
    runs = Runs.of(
        chain, scenarios, weeks=weeks, owners=owners, draws=sampled, alone=alone,
        behaviour=behaviour, dtype=dtype, progress=progress,
    )  # fmt: skip
    named = {one.name: one for one in scenarios}
    found = {}
    for name, figure in figures.items():
        planner = planned(chain, figure.bound, named, period=period, behaviour=behaviour)
        found[name] = replace(runs.evaluate(figure.formula), planner=planner)
    return found


def planned(
    chain: SupplyChain,
    bound: tuple[str, Sequence[str], int] | None,
    scenarios: Mapping[str, Scenario],
    *,
    period: int,
    behaviour: Behaviour | None = None,
) -> float:
    """Return the planner's loss of a scenario; not a number where none is asked for."""
    if not period or bound is None:
        return float("nan")
    from chokepoint.resilience import recourse

    scenario, areas, weeks = bound
    made = recourse(
        chain, scenarios[scenario], targets=list(areas), weeks=weeks, period=period,
        scarcity=(behaviour or Behaviour()).scarcity,
    )  # fmt: skip
    return float(made.loss_total)
