"""Figures with all that belongs to them: the band, the interval, one assumption at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.datasets import Draws, draw
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.leverage._variants import Owners, one_at_a_time, stressed
from chokepoint.leverage._what_if import End
from chokepoint.propagate import Behaviour, Outcome, simulate
from chokepoint.propagate._simulate import Precision
from chokepoint.scenario import Scenario

__all__ = ["Assessment", "Figure", "Losses", "assess"]

FloatArray = NDArray[np.float64]
INTERVAL = (5.0, 95.0)


@dataclass(frozen=True, eq=False)
class Losses:
    """What scenarios cost every area, cumulated up to each horizon; what a formula reads.

    Attributes
    ----------
    values, unmet_values : array (scenarios, horizons, areas)
        Loss of value added, and unmet final demand [USD million].
    scenarios, areas : pandas.Index
        Labels.
    horizons : tuple of int
        Weeks.
    """

    values: FloatArray
    unmet_values: FloatArray
    scenarios: pd.Index
    areas: pd.Index
    horizons: tuple[int, ...]
    _masks: dict[tuple[str, ...], NDArray[np.bool_]] = field(default_factory=dict)

    def loss(self, scenario: str, areas: Iterable[str], weeks: int) -> float:
        """Return the value added that areas lose up to a horizon [USD million]."""
        return self._sum(self.values, scenario, tuple(areas), weeks)

    def unmet(self, scenario: str, areas: Iterable[str], weeks: int) -> float:
        """Return the final demand of areas that is not met up to a horizon [USD million]."""
        return self._sum(self.unmet_values, scenario, tuple(areas), weeks)

    def _sum(self, values: FloatArray, scenario: str, areas: tuple[str, ...], weeks: int) -> float:
        if scenario not in self.scenarios:
            raise UnknownLabelError(scenario, "scenario", list(self.scenarios))
        if areas not in self._masks:
            self._masks[areas] = np.asarray(self.areas.isin(list(areas)))
        place = values[self.scenarios.get_loc(scenario), self.horizons.index(weeks)]
        return float(place[self._masks[areas]].sum())


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


@dataclass(frozen=True, eq=False)
class Assessment:
    """A figure and what stands beside it; blank where not computed.

    Attributes
    ----------
    planner, reference, stressed : float
        The band.
    low, high : float
        5th and 95th percentile over draws of the data.
    drawn : array (draws,)
        The figure in each draw.
    assumptions : pandas.DataFrame
        Index assumption; columns low, high (the figure at both ends), low_setting, high_setting,
        swing; the widest swing first.
    """

    planner: float
    reference: float
    stressed: float
    low: float
    high: float
    drawn: FloatArray
    assumptions: pd.DataFrame


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
    horizons = tuple(sorted(set(weeks)))
    if not scenarios or not horizons or horizons[0] < 1:
        raise OptionError(f"Expected scenarios and horizons of at least a week, got {horizons}.")
    settings = behaviour or Behaviour()
    last = horizons[-1]
    reference = simulate(
        chain, scenarios, weeks=last, behaviour=settings, record="country", progress=progress
    )
    tight = simulate(
        stressed(chain), scenarios, weeks=last, behaviour=Behaviour(switching=False),
        record="country", progress=progress,
    )  # fmt: skip
    cases = {"reference": _losses(reference, horizons)[0], "stressed": _losses(tight, horizons)[0]}
    drawn: list[Losses] = []
    sampled = draw(chain, draws, rng=rng) if isinstance(draws, int) else draws
    if len(sampled):
        outcome = simulate(
            sampled, scenarios, weeks=last, behaviour=settings,
            record="country", dtype=dtype, progress=progress,
        )  # fmt: skip
        drawn = _losses(outcome, horizons)
    ends: Mapping[tuple[str, str], tuple[Losses, str]] = {}
    if alone:
        ends = _ends(
            one_at_a_time(
                chain, scenarios, weeks=last, behaviour=settings, owners=owners, dtype=dtype,
                progress=progress,
            ),
            horizons,
        )  # fmt: skip
    named = {one.name: one for one in scenarios}
    found = {}
    for name, figure in figures.items():
        values = {case: figure.formula(losses) for case, losses in cases.items()}
        sample = np.array([figure.formula(losses) for losses in drawn])
        low, high = np.percentile(sample, INTERVAL) if drawn else (np.nan, np.nan)
        found[name] = Assessment(
            planner=_planned(chain, figure, named, period, settings),
            reference=values["reference"],
            stressed=values["stressed"],
            low=float(low),
            high=float(high),
            drawn=sample,
            assumptions=_table(
                {key: (figure.formula(losses), words) for key, (losses, words) in ends.items()},
                values["reference"],
            ),
        )
    return found


def _losses(outcome: Outcome, horizons: tuple[int, ...]) -> list[Losses]:
    """Return the losses of a run, one for each draw."""
    names = outcome.scenarios.get_level_values("scenario").unique()
    shape = (-1, len(names), len(horizons), len(outcome.countries))
    parts = [
        np.stack([table(weeks=h).to_numpy(dtype=float) for h in horizons], axis=1).reshape(shape)
        for table in (outcome.loss, outcome.unmet)
    ]
    masks: dict[tuple[str, ...], NDArray[np.bool_]] = {}
    return [
        Losses(loss, unmet, names, outcome.countries, horizons, masks)
        for loss, unmet in zip(*parts, strict=True)
    ]


def _ends(
    runs: Mapping[tuple[str, End], tuple[Outcome, int, str]], horizons: tuple[int, ...]
) -> dict[tuple[str, str], tuple[Losses, str]]:
    known: dict[int, list[Losses]] = {}
    found: dict[tuple[str, str], tuple[Losses, str]] = {}
    for key, (outcome, place, setting) in runs.items():
        if id(outcome) not in known:
            known[id(outcome)] = _losses(outcome, horizons)
        found[key] = (known[id(outcome)][place], setting)
    return found


def _planned(
    chain: SupplyChain,
    figure: Figure,
    scenarios: Mapping[str, Scenario],
    period: int,
    behaviour: Behaviour,
) -> float:
    if not period or figure.bound is None:
        return float("nan")
    from chokepoint.resilience import recourse

    scenario, areas, weeks = figure.bound
    made = recourse(
        chain, scenarios[scenario], targets=list(areas), weeks=weeks, period=period,
        scarcity=behaviour.scarcity,
    )  # fmt: skip
    return float(made.loss_total)


def _table(ends: Mapping[tuple[str, str], tuple[float, str]], reference: float) -> pd.DataFrame:
    rows: dict[str, dict[str, float | str]] = {}
    for (assumption, end), (value, setting) in ends.items():
        rows.setdefault(assumption, {}).update({end: value, f"{end}_setting": setting})
    columns = ["low", "high", "low_setting", "high_setting"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    both = table[["low", "high"]].astype(float).assign(reference=reference)
    table["swing"] = both.max(axis=1) - both.min(axis=1)
    order = table.sort_values("swing", ascending=False, kind="stable")
    return order.rename_axis("assumption")
