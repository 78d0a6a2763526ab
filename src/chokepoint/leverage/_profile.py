"""Leverage through time: within one ban, and for bans that start later."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.leverage._bench import gdp_of
from chokepoint.leverage._lever_sets import LeverSet, lever_events
from chokepoint.leverage._ramps import Ramp, chain_at
from chokepoint.leverage._status import day
from chokepoint.propagate import Behaviour, simulate
from chokepoint.propagate._simulate import Precision
from chokepoint.scenario import Scenario

__all__ = ["Profile", "Times", "profile", "time_favours", "times_of"]

Labels = str | Sequence[str]


@dataclass(frozen=True)
class Times:
    r"""How a loss runs in time, from a weekly trajectory :math:`\lambda(t)`.

    Attributes
    ----------
    onset : float
        Full weeks until an end-sector site of the target is 5 % below baseline.
    peak : int
        Week :math:`t^*` of the largest loss, counted from 0.
    peak_loss : float
        Loss in that week [USD million].
    half_life : float
        Weeks from the peak until the loss is at most half of it; infinite where it never is.
    """

    onset: float
    peak: int
    peak_loss: float
    half_life: float


def times_of(trajectory: ArrayLike, *, onset: float = math.nan) -> Times:
    """Return peak and operational half-life of a weekly loss.

    Examples
    --------
    >>> times_of([0.0, 2.0, 4.0, 3.0, 1.5, 1.0])
    Times(onset=nan, peak=2, peak_loss=4.0, half_life=2.0)
    """
    loss = np.asarray(trajectory, dtype=float)
    peak = int(loss.argmax())
    after = np.flatnonzero(loss[peak + 1 :] <= loss[peak] / 2.0)
    half = float(after[0] + 1) if len(after) and loss[peak] > 0 else math.inf
    return Times(onset, peak, float(loss[peak]), half)


@dataclass(frozen=True, eq=False)
class Profile:
    """Leverage by start and length of a ban.

    Attributes
    ----------
    actor, target : tuple of str
        Areas.
    matrix : pandas.DataFrame
        Loss of the target, rows starts (dates), columns horizons [USD million].
    share : pandas.DataFrame
        The same as a share of the target's GDP of the same weeks.
    self_harm : pandas.DataFrame
        Loss of the actor, as `matrix`.
    times : pandas.DataFrame
        By start: onset, peak, peak_loss and half_life within the ban, as :class:`Times`.
    """

    actor: tuple[str, ...]
    target: tuple[str, ...]
    matrix: pd.DataFrame
    share: pd.DataFrame
    self_harm: pd.DataFrame
    times: pd.DataFrame

    def structural_half_life(self, weeks: int) -> float:
        """Return the years after which leverage at a horizon is half of what it is at first.

        Between starts it is interpolated; infinite where it does not fall so far.
        """
        return _years_until(self.matrix[weeks], 0.5)

    def slope(self, weeks: int) -> float:
        """Return the mean change of the share of GDP from the first to the last start, per year."""
        share = self.share[weeks]
        years = _years(share.index)
        if len(share) < 2:
            return math.nan
        return float((share.iloc[-1] - share.iloc[0]) / years[-1])

    def __repr__(self) -> str:
        return (
            f"<Profile: {'+'.join(self.actor)} > {'+'.join(self.target)}, "
            f"{len(self.matrix)} starts, {len(self.matrix.columns)} horizons>"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>{self.matrix.to_html()}"


def profile(
    chain: SupplyChain,
    actor: Labels,
    target: Labels,
    *,
    starts: Sequence[str | dt.date],
    weeks: Sequence[int] = (4, 13, 26, 52),
    levers: LeverSet = "exports",
    scenario: Scenario | None = None,
    ramps: Iterable[Ramp] = (),
    projects: bool = True,
    behaviour: Behaviour | None = None,
    dtype: Precision = "float64",
    progress: bool | None = None,
) -> Profile:
    r"""Measure a ban that starts on several dates, on the chain as it will stand then.

    :math:`\Lambda(\tau, h)`: rows are starts, columns horizons. Each start has the chain of
    :func:`chain_at`, on which projects and ramps have shifted shares; ramps count from the first
    start. All starts run in one batch.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    actor, target : str or sequence of str
        Areas or blocs.
    starts : sequence of str or datetime.date
        Dates, ascending.
    weeks : sequence of int
        Horizons.
    levers : {"exports", "imports", "controls", "everything"}
        What the actor pulls, as in :func:`leverage`.
    scenario : Scenario, optional
        What happens instead.
    ramps : iterable of Ramp
        Builds of either side.
    projects : bool
        Whether projects of the chain count.
    behaviour : Behaviour, optional
        Settings of the runs.
    dtype : {"float64", "float32"}
        Precision of the runs.
    progress : bool, optional
        Show progress bars.

    Returns
    -------
    Profile

    Raises
    ------
    OptionError
        If starts do not rise, or a ramp finds no site.

    Examples
    --------
    >>> chain = cp.load("rare_earths")
    >>> made = profile(chain, "CHN", "USA", starts=["2026-11-29", "2030-01-01"], weeks=[26])
    >>> made.matrix.shape
    (2, 1)
    """
    own, hit = chain.areas(actor), chain.areas(target)
    dates = [day(one, last=False) for one in starts]
    if not dates or dates != sorted(set(dates)):
        raise OptionError(f"starts must be dates that rise, got {list(starts)}.")
    horizons = sorted(set(weeks))
    ramps = tuple(ramps)
    chains = [
        chain_at(chain, date, ramps=ramps, since=dates[0], projects=projects) for date in dates
    ]
    what = scenario or Scenario("levers", lever_events(chain, levers, own, hit))
    outcome = simulate(
        chains, what, weeks=horizons[-1], behaviour=behaviour, record="country", dtype=dtype,
        progress=progress,
    )  # fmt: skip
    index = pd.Index([pd.Timestamp(date) for date in dates], name="start")
    sides = {
        name: [area for area in areas if area in outcome.countries]
        for name, areas in (("hit", hit), ("own", own))
    }
    sums = {
        name: pd.DataFrame(
            {h: outcome.loss(weeks=h)[areas].sum(axis=1).to_numpy() for h in horizons}, index=index
        )
        for name, areas in sides.items()
    }
    weekly = outcome.loss(over="week")[sides["hit"]].sum(axis=1).to_numpy()
    onset = outcome.time_to_impact()[sides["hit"]].min(axis=1).to_numpy()
    times = [
        times_of(one, onset=float(first))
        for one, first in zip(weekly.reshape(len(dates), -1), onset, strict=True)
    ]
    income = {h: gdp_of(chain, hit, h) for h in horizons}
    share = pd.DataFrame({h: sums["hit"][h] / income[h] for h in horizons})
    return Profile(own, hit, sums["hit"], share, sums["own"], pd.DataFrame(times, index=index))


def time_favours(first: Profile, second: Profile, *, weeks: int) -> pd.DataFrame:
    r"""Return whom time favours, from the leverages that two sides have over each other.

    Parameters
    ----------
    first, second : Profile
        Of A over B and of B over A, with the same starts.
    weeks : int
        Horizon.

    Returns
    -------
    pandas.DataFrame
        By start: first and second (shares of GDP), gap (first less second) and drift, the yearly
        change of the gap since the start before; above 0 time favours A.

    Raises
    ------
    OptionError
        If the starts differ.
    """
    a, b = first.share[weeks], second.share[weeks]
    if not a.index.equals(b.index):
        raise OptionError("Expected two profiles with the same starts.")
    gap = a - b
    years = pd.Series(_years(a.index), index=a.index)
    table = pd.DataFrame({"first": a, "second": b, "gap": gap, "drift": gap.diff() / years.diff()})
    table.attrs["unit"] = "shares of GDP of the same weeks; drift: per year"
    return table


def _years(index: pd.Index) -> list[float]:
    return [(stamp - index[0]).days / 365.25 for stamp in index]


def _years_until(values: pd.Series, part: float) -> float:
    years, level = _years(values.index), part * float(values.iloc[0])
    if not level > 0:
        return math.nan
    points = list(zip(years, values.to_numpy(dtype=float), strict=True))
    for (t0, v0), (t1, v1) in itertools.pairwise(points):
        if v1 <= level:
            return t0 + (t1 - t0) * float((v0 - level) / (v0 - v1))
    return math.inf
