"""Losses of scenarios in every case that a figure is reckoned in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.datasets import Draws
from chokepoint.datasets._what_if import End
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.leverage._variants import Owners, one_at_a_time, stressed
from chokepoint.propagate import Behaviour, Outcome, simulate
from chokepoint.propagate._simulate import Precision
from chokepoint.scenario import Scenario

__all__ = ["Assessment", "Losses", "Runs"]

FloatArray = NDArray[np.float64]
INTERVAL = (5.0, 95.0)
By = Literal["country", "site"]
_SITE_DRAWS = 20
"""Draws that run together where every site is kept: what is kept of them stays small."""


@dataclass(frozen=True, eq=False)
class Losses:
    """What scenarios cost every area, cumulated up to each horizon; what a formula reads.

    Attributes
    ----------
    values, unmet_values : array (scenarios, horizons, areas)
        Loss of value added, and unmet final demand [USD million].
    scenarios, areas : pandas.Index
        Labels; the labels of sites and markets in the place of areas where every site was kept.
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


@dataclass(frozen=True, eq=False)
class Runs:
    """Losses of the same scenarios in every case that a figure is reckoned in.

    Attributes
    ----------
    reference, stressed : Losses
        The reference case, and stocks at their low with early throttling and no switching.
    drawn : list of Losses
        One for each draw of the data.
    ends : mapping
        By (assumption, end): losses, and what the assumption was set to.
    """

    reference: Losses
    stressed: Losses
    drawn: list[Losses]
    ends: Mapping[tuple[str, str], tuple[Losses, str]]

    @classmethod
    def of(
        cls,
        chain: SupplyChain,
        scenarios: Sequence[Scenario],
        *,
        weeks: Sequence[int],
        owners: Owners | None = None,
        draws: Draws | None = None,
        alone: bool = True,
        behaviour: Behaviour | None = None,
        dtype: Precision = "float64",
        progress: bool | None = None,
        by: By = "country",
    ) -> Runs:
        """Run the scenarios in all cases; arguments as for :func:`assess`.

        With ``by="site"`` losses are those of sites and of markets, in the place of areas.
        """
        horizons = tuple(sorted(set(weeks)))
        if not scenarios or not horizons or horizons[0] < 1:
            raise OptionError(
                f"Expected scenarios and horizons of at least a week, got {horizons}."
            )
        settings, last = behaviour or Behaviour(), horizons[-1]
        reference = simulate(
            chain, scenarios, weeks=last, behaviour=settings, record=by, progress=progress
        )
        tight = simulate(
            stressed(chain), scenarios, weeks=last, behaviour=Behaviour(switching=False),
            record=by, progress=progress,
        )  # fmt: skip
        drawn: list[Losses] = []
        step = _SITE_DRAWS if by == "site" else max(len(draws or ()), 1)
        for first in range(0, len(draws or ()), step):
            assert draws is not None
            outcome = simulate(
                draws[first : first + step], scenarios, weeks=last, behaviour=settings, record=by,
                dtype=dtype, progress=progress,
            )  # fmt: skip
            drawn += _losses(outcome, horizons, by)
        ends: Mapping[tuple[str, str], tuple[Losses, str]] = {}
        if alone:
            moved = one_at_a_time(
                chain, scenarios, weeks=last, behaviour=settings, owners=owners, dtype=dtype,
                progress=progress, record=by,
            )  # fmt: skip
            ends = _ends(moved, horizons, by)
        return cls(
            _losses(reference, horizons, by)[0], _losses(tight, horizons, by)[0], drawn, ends
        )

    def evaluate(self, formula: Callable[..., float], *others: Runs) -> Assessment:
        """Return a figure in all cases; a formula of several runs gets the losses of each."""
        every = (self, *others)
        reference = formula(*(one.reference for one in every))
        drawn = [one.drawn for one in every]
        sample = np.array([formula(*some) for some in zip(*drawn, strict=True)])
        low, high = np.percentile(sample, INTERVAL) if len(sample) else (np.nan, np.nan)
        shared = [key for key in self.ends if all(key in one.ends for one in others)]
        table = {
            key: (formula(*(one.ends[key][0] for one in every)), self.ends[key][1])
            for key in shared
        }
        return Assessment(
            planner=np.nan,
            reference=reference,
            stressed=formula(*(one.stressed for one in every)),
            low=float(low),
            high=float(high),
            drawn=sample,
            assumptions=_table(table, reference),
        )


def _losses(outcome: Outcome, horizons: tuple[int, ...], by: By) -> list[Losses]:
    """Return the losses of a run, one for each draw."""
    names = outcome.scenarios.get_level_values("scenario").unique()
    labels = outcome.countries if by == "country" else outcome.nodes.index
    shape = (-1, len(names), len(horizons), len(labels))
    parts = [
        np.stack(
            [
                table(by=by, weeks=h).reindex(columns=labels, fill_value=0.0).to_numpy(dtype=float)
                for h in horizons
            ],
            axis=1,
        ).reshape(shape)
        for table in (outcome.loss, outcome.unmet)
    ]
    masks: dict[tuple[str, ...], NDArray[np.bool_]] = {}
    return [
        Losses(loss, unmet, names, labels, horizons, masks)
        for loss, unmet in zip(*parts, strict=True)
    ]


def _ends(
    runs: Mapping[tuple[str, End], tuple[Outcome, int, str]], horizons: tuple[int, ...], by: By
) -> dict[tuple[str, str], tuple[Losses, str]]:
    known: dict[int, list[Losses]] = {}
    found: dict[tuple[str, str], tuple[Losses, str]] = {}
    for key, (outcome, place, setting) in runs.items():
        if id(outcome) not in known:
            known[id(outcome)] = _losses(outcome, horizons, by)
        found[key] = (known[id(outcome)][place], setting)
    return found


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
