"""Fit assumptions that all episodes share; half of the episodes are never looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint._progress import track
from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.history._assumptions import Assumptions
from chokepoint.history._episode import Episode, chosen
from chokepoint.history._observables import RATIOS
from chokepoint.history._run import Chains, run_episodes
from chokepoint.history._score import Score, errors, score

__all__ = ["Calibration", "calibrate", "residuals"]

FloatArray = NDArray[np.float64]

_FARTHEST = 3.0
"""Tolerances beyond which an error counts no more: a site that never stops is no outlier."""
_STEP = 0.05
"""Step of the finite differences, as a share of the range of a parameter."""
_PRIOR = 0.1
"""Weight of the start in tolerances per range, so that what nothing speaks for stays."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Shared assumptions before and after fitting, and how both do.

    Attributes
    ----------
    assumptions : Assumptions
        The fitted assumptions.
    values : DataFrame
        One row per parameter: start, fitted, low, high.
    before, after : Score
        All episodes, calibration and test, with the start and with the fitted assumptions.
    cost : tuple of float
        Half the sum of squared residuals of the calibration set, before and after.
    test_cost : tuple of float
        The same of the test set, which was not fitted.
    evaluations : int
        Runs of the calibration set.
    """

    assumptions: Assumptions
    values: pd.DataFrame
    before: Score
    after: Score
    cost: tuple[float, float]
    test_cost: tuple[float, float]
    evaluations: int

    @property
    def holds(self) -> bool:
        """Whether the test set is no worse: neither its squared errors nor what of it is met."""
        return (
            self.test_cost[1] <= self.test_cost[0]
            and self.after.met("test") >= self.before.met("test")
            and self.after.passed("test") >= self.before.passed("test")
        )

    def table(self) -> pd.DataFrame:
        """Return what is met before and after, by role: episodes, observations, squared errors."""
        rows = []
        for role, cost in (("calibration", self.cost), ("test", self.test_cost)):
            for when, result, value in zip(
                ("before", "after"), (self.before, self.after), cost, strict=True
            ):
                rows.append(
                    {
                        "role": role,
                        "assumptions": when,
                        "episodes": int(result.episodes["role"].eq(role).sum()),
                        "passed": result.passed(role),
                        "met": result.met(role),
                        "cost": value,
                    }
                )
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        parts = [f"{name} {value:.3g}" for name, value in self.values["fitted"].items()]
        verdict = "test set no worse" if self.holds else "test set worse: do not use"
        return f"<Calibration: {', '.join(parts)}; {verdict}>"


def calibrate(
    parameters: Mapping[str, tuple[float, float]],
    episodes: Episode | str | Iterable[Episode | str] | None = None,
    *,
    start: Assumptions | None = None,
    chains: Mapping[str, SupplyChain] | None = None,
    samples: int = 16,
    starts: int = 2,
    evaluations: int = 12,
    rng: np.random.Generator | int | None = 0,
    progress: bool | None = None,
) -> Calibration:
    r"""Fit shared assumptions to the calibration episodes by bounded least squares.

    Minimised is half the sum of squares of

    .. math:: \rho_{ek} = \frac{1}{\sqrt{n_e}}\, \mathrm{clip}_{\pm 3}\!\left(
              \frac{\text{error}_{ek}}{\text{tolerance}_k}\right)

    over episodes e with :math:`n_e` observations k each, so that every episode counts the same;
    errors of ratios are logarithms, a loss below 2 per cent and a figure below its upper bound
    have none. A weak pull of 0.1 tolerances per range towards `start` leaves alone what nothing
    speaks for. Every parameter is scaled to its range; derivatives are differences over a
    twentieth of it, since onsets move in steps. Episodes of the role ``test`` are only scored,
    before and after.

    Parameters
    ----------
    parameters : mapping of str to (low, high)
        Bounds of what is fitted, by the names of :meth:`Assumptions.with_values`.
    episodes : Episode, str or several, optional
        Which; None = all shipped ones.
    start : Assumptions, optional
        First point, and what is not fitted.
    chains : mapping of str to SupplyChain, optional
        Chains to use instead of the shipped ones.
    samples : int
        Random points between the bounds that are tried first, a Latin hypercube.
    starts : int
        Points from which the search starts: `start`, and the best of the random ones.
    evaluations : int
        Most steps from each of them (each step runs the episodes once more per parameter).
    rng : Generator, int or None
        Seed of the random points.
    progress : bool, optional
        Show a progress bar over the starts.

    Returns
    -------
    Calibration

    Raises
    ------
    OptionError
        If no parameter or calibration episode is given, a name is unknown or a bound is wrong.

    Notes
    -----
    Parameters of single episodes cannot be fitted. The result is worth using only if
    :attr:`Calibration.holds`.

    Examples
    --------
    >>> fit = cp.calibrate({"speed": (0.1, 0.5)}, ["soy_2018"], samples=0, starts=1, evaluations=1)
    >>> fit.values.columns.tolist()
    ['start', 'fitted', 'low', 'high']
    """
    wanted, first = chosen(episodes), start or Assumptions()
    fitted = [one for one in wanted if one.role == "calibration"]
    names, low, high = _bounds(parameters)
    begin = np.array([first.value(name) for name in names])
    if not fitted:
        raise OptionError("expected at least one episode of the role calibration, got none")
    made = Chains(chains)
    problem = _Problem(fitted, made, first, names, low, high, (begin - low) / (high - low))
    generator = np.random.default_rng(rng)
    best = problem.best(samples, starts, evaluations, generator, progress=progress)
    after = problem.assumptions(best)
    tested = [one for one in wanted if one.role == "test"]

    def test_cost(settings: Assumptions) -> float:
        return _half_squares(residuals(tested, made, settings)) if tested else 0.0

    return Calibration(
        assumptions=after,
        values=pd.DataFrame(
            {"start": begin, "fitted": low + best * (high - low), "low": low, "high": high},
            index=pd.Index(names, name="parameter"),
        ),
        before=score(wanted, assumptions=first, chains=chains, progress=False),
        after=score(wanted, assumptions=after, chains=chains, progress=False),
        cost=(
            _half_squares(residuals(fitted, made, first)),
            _half_squares(residuals(fitted, made, after)),
        ),
        test_cost=(test_cost(first), test_cost(after)),
        evaluations=problem.evaluations,
    )


def residuals(episodes: list[Episode], chains: Chains, assumptions: Assumptions) -> FloatArray:
    """Return the errors of episodes in tolerances, each weighted by one over root n."""
    found = run_episodes(episodes, chains, assumptions, progress=False)
    parts = [_in_tolerances(one.observations, found[one.name]) for one in episodes]
    return np.concatenate([part / np.sqrt(len(part)) for part in parts])


def _in_tolerances(observations: pd.DataFrame, values: FloatArray) -> FloatArray:
    wrong = errors(observations, values)[:, 0]
    tolerance = observations["tolerance"].to_numpy(dtype=float)
    ratio = observations["observable"].isin(RATIOS).to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.where(ratio, np.log(np.maximum(wrong, 0.0)) / np.log(tolerance), 0.0)
    scaled = np.where(ratio, scaled, wrong / tolerance)
    none = observations["observable"].eq("loss").to_numpy()
    scaled = np.where(none, np.maximum(scaled - 1.0, 0.0), scaled)
    most = observations["bound"].eq("at_most").to_numpy()
    scaled = np.where(most, np.maximum(scaled, 0.0), scaled)
    return np.asarray(np.clip(scaled, -_FARTHEST, _FARTHEST))


def _half_squares(values: FloatArray) -> float:
    return float(0.5 * (values**2).sum())


def _bounds(
    parameters: Mapping[str, tuple[float, float]],
) -> tuple[list[str], FloatArray, FloatArray]:
    if not parameters:
        raise OptionError("expected at least one parameter to fit, got none")
    low = np.array([float(ends[0]) for ends in parameters.values()])
    high = np.array([float(ends[1]) for ends in parameters.values()])
    wrong = [name for name, a, b in zip(parameters, low, high, strict=True) if not a < b]
    if wrong:
        raise OptionError(f"expected low < high for each parameter; not so for {', '.join(wrong)}")
    return list(parameters), low, high


class _Problem:
    """The least-squares problem, with parameters scaled to [0, 1]."""

    def __init__(
        self,
        episodes: list[Episode],
        chains: Chains,
        first: Assumptions,
        names: list[str],
        low: FloatArray,
        high: FloatArray,
        begin: FloatArray,
    ) -> None:
        self._episodes, self._chains, self._first = episodes, chains, first
        self._names, self._low, self._high = names, low, high
        if ((begin < 0.0) | (begin > 1.0)).any():
            outside = [name for name, x in zip(names, begin, strict=True) if not 0.0 <= x <= 1.0]
            raise OptionError(f"expected the start within the bounds; not so: {', '.join(outside)}")
        self._begin, self.evaluations = begin, 0

    def assumptions(self, point: FloatArray) -> Assumptions:
        """Return the assumptions at a point of the unit cube."""
        values = self._low + point * (self._high - self._low)
        return self._first.with_values(dict(zip(self._names, values.tolist(), strict=True)))

    def residuals(self, point: FloatArray) -> FloatArray:
        """Return the residuals at a point, with the pull towards the start."""
        self.evaluations += 1
        own = residuals(self._episodes, self._chains, self.assumptions(point))
        return np.concatenate([own, _PRIOR * (point - self._begin)])

    def _shifted(self, point: FloatArray) -> FloatArray:
        """Return the residuals at a point shifted by one, since steps are relative to it."""
        return self.residuals(point - 1.0)

    def best(
        self,
        samples: int,
        starts: int,
        evaluations: int,
        rng: np.random.Generator,
        *,
        progress: bool | None,
    ) -> FloatArray:
        """Return the best point found; never worse than the first."""
        from scipy.optimize import least_squares

        if samples < 0 or starts < 1 or evaluations < 1:
            raise OptionError("expected samples >= 0, at least one start and one evaluation")
        points = [self._begin, *_hypercube(samples, len(self._begin), rng)]
        tried = [(_half_squares(self.residuals(point)), point) for point in points]
        ranked = sorted(tried[1:], key=lambda one: one[0])
        begins = [self._begin, *(point for _, point in ranked[: starts - 1])]
        for point in track(begins, "starts", progress=progress):
            fit = least_squares(
                self._shifted,
                1.0 + np.clip(point, 1e-6, 1.0 - 1e-6),
                bounds=(1.0, 2.0),
                diff_step=np.full(len(point), _STEP),
                max_nfev=evaluations,
                xtol=1e-4,
                ftol=1e-4,
            )
            tried.append((float(fit.cost), np.asarray(fit.x, dtype=float) - 1.0))
        best: FloatArray = min(tried, key=lambda one: one[0])[1]
        return best


def _hypercube(samples: int, size: int, rng: np.random.Generator) -> FloatArray:
    """Return points of the unit cube (samples, size), one in each slice of every axis."""
    slices = np.stack([rng.permutation(samples) for _ in range(size)], axis=1)
    points: FloatArray = (slices + rng.random((samples, size))) / max(samples, 1)
    return points
