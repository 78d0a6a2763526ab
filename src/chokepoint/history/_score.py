"""Score episodes: what the model says beside what was observed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.history._assumptions import Assumptions
from chokepoint.history._episode import Episode, chosen
from chokepoint.history._observables import RATIOS
from chokepoint.history._run import Chains, run_episodes

__all__ = ["Score", "errors", "passes", "score"]

FloatArray = NDArray[np.float64]

_INTERVAL = (0.05, 0.95)
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Score:
    """How well episodes are met.

    Attributes
    ----------
    observations : DataFrame
        One row per observation: episode, observation, observable, unit, observed, low, high (the
        range of the source), model, error (weeks, points, or the ratio of model to observation),
        tolerance, passed, and where draws were run model_low, model_high (5 and 95 per cent of
        them) and pass_share.
    episodes : DataFrame
        One row per episode, in order of date: title, chain, role, kind, observations, met, passed
        (whether all were met), and pass_share (of draws that meet all).
    """

    observations: pd.DataFrame
    episodes: pd.DataFrame

    def passed(self, role: str | None = None) -> int:
        """Return how many episodes are met in full, of one role or of all."""
        return int(self._of(self.episodes, role)["passed"].sum())

    def met(self, role: str | None = None) -> int:
        """Return how many observations are met, of one role or of all."""
        return int(self._of(self.episodes, role)["met"].sum())

    def misses(self) -> pd.DataFrame:
        """Return the observations that are not met."""
        table = self.observations
        return table[~table["passed"]].reset_index(drop=True)

    @staticmethod
    def _of(table: pd.DataFrame, role: str | None) -> pd.DataFrame:
        return table if role is None else table[table["role"].eq(role)]

    def _line(self) -> str:
        parts = [
            f"{role} {self.passed(role)} of {int(self.episodes['role'].eq(role).sum())} episodes"
            for role in ("calibration", "test")
            if self.episodes["role"].eq(role).any()
        ]
        return f"{', '.join(parts)}; {self.met()} of {len(self.observations)} observations"

    def __repr__(self) -> str:
        return f"<Score: met {self._line()}>"

    def _repr_html_(self) -> str:
        table = self.episodes.to_html(index=False, float_format=lambda number: f"{number:.2f}")
        return f"<p>Met: {escape(self._line())}</p>{table}"


def score(
    episodes: Episode | str | Iterable[Episode | str] | None = None,
    *,
    assumptions: Assumptions | None = None,
    chains: Mapping[str, SupplyChain] | None = None,
    pooled: bool = False,
    draws: int = 0,
    rng: np.random.Generator | int | None = 0,
    progress: bool | None = None,
) -> Score:
    r"""Run episodes and compare what follows with what was observed.

    An observation is met if

    ========================================  ==================================================
    onset                                     the model is within 2 weeks
    depth, change, share                      within 15 points
    integral, cost, half_time, recovery,      within a factor of 1.5
    price
    loss (of episodes without effect)         below 2 per cent
    bound ``at_most``                         at most the observed value
    ========================================  ==================================================

    An episode is met if all its observations are. Tolerances are the same for all episodes.

    Parameters
    ----------
    episodes : Episode, str or several, optional
        Which; None = all shipped ones.
    assumptions : Assumptions, optional
        What is assumed about everybody's behaviour.
    chains : mapping of str to SupplyChain, optional
        Chains to use instead of the shipped ones of the same name.
    pooled : bool
        Leave out the cohorts of episodes, so that suppliers of a slot serve all plants alike.
    draws : int
        Draws that are run besides the chain as it stands; they give the intervals. A draw is one
        of the chain (:func:`chokepoint.datasets.draw`) with one of the severities, see Notes.
    rng : Generator, int or None
        Seed of the draws.
    progress : bool, optional
        Show a progress bar; None = only in an interactive terminal.

    Returns
    -------
    Score

    Raises
    ------
    OptionError
        If there is no episode, or an observation asks for what the chain does not have.
    UnknownLabelError
        If an episode is not shipped.

    Notes
    -----
    Severities of events with a range are drawn from the triangular distribution between its ends
    with the stated number as mode, as numbers of chains with a range are; steps of one release
    move together, events and chain are independent, and a severity without a range stays.
    The intervals hold the uncertainty of the chain's numbers, of the covers of the time and of the
    severities, not that of dates, of cohorts, nor of what was observed.

    Examples
    --------
    >>> result = cp.history.score("hualien_2024")
    >>> result.episodes["kind"].tolist()
    ['no_effect']
    """
    wanted, settings = chosen(episodes), assumptions or Assumptions()
    if draws < 0:
        raise OptionError(f"expected draws >= 0, got {draws}")
    seed = int(np.random.default_rng(rng).integers(2**31)) if draws else 0
    made = Chains(chains, pooled=pooled)
    central = run_episodes(wanted, made, settings, progress=progress)
    drawn = None
    if draws:
        drawn = run_episodes(wanted, made, settings, draws=draws, rng=seed, progress=progress)
    rows, heads = [], []
    for episode in wanted:
        table = _table(
            episode, central[episode.name], None if drawn is None else drawn[episode.name]
        )
        rows.append(table.drop(columns="every", errors="ignore"))
        heads.append(_head(episode, table))
    return Score(pd.concat(rows, ignore_index=True), pd.DataFrame(heads))


def errors(observations: pd.DataFrame, values: FloatArray) -> FloatArray:
    """Return errors (observations, lanes): model less observed, or model over observed."""
    stated = observations["value"].to_numpy(dtype=float)[:, None]
    ratio = observations["observable"].isin(RATIOS).to_numpy()[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(ratio, values / stated, values - stated))


def passes(observations: pd.DataFrame, values: FloatArray) -> NDArray[np.bool_]:
    """Return which observations (observations, lanes) are met."""
    wrong = errors(observations, values)
    # An error that equals its tolerance is met, whatever its last digit.
    tolerance = observations["tolerance"].to_numpy(dtype=float)[:, None] * (1.0 + _ROUNDING)
    ratio = observations["observable"].isin(RATIOS).to_numpy()[:, None]
    near = np.where(
        ratio, (wrong <= tolerance) & (wrong >= 1.0 / tolerance), np.abs(wrong) <= tolerance
    )
    # Without effect: the model may not lose what nobody lost; a gain is no miss.
    none = observations["observable"].eq("loss").to_numpy()[:, None]
    most = observations["bound"].eq("at_most").to_numpy()[:, None]
    stated = observations["value"].to_numpy(dtype=float)[:, None]
    below = stated + observations["tolerance"].to_numpy(dtype=float)[:, None]
    met = np.where(none, values < below, near)
    return np.asarray(np.where(most, values <= stated, met), dtype=bool)


def _table(episode: Episode, central: FloatArray, drawn: FloatArray | None) -> pd.DataFrame:
    given = episode.observations.reset_index(drop=True)
    table = pd.DataFrame(
        {
            "episode": episode.name,
            "observation": given["observation"],
            "observable": given["observable"],
            "unit": given["unit"],
            "observed": given["value"],
            "low": given["low"],
            "high": given["high"],
            "model": central[:, 0],
            "error": errors(given, central)[:, 0],
            "tolerance": given["tolerance"],
            "bound": given["bound"],
            "passed": passes(given, central)[:, 0],
        }
    )
    if drawn is None:
        return table
    met = passes(given, drawn)
    # An order statistic: onsets may be infinite, and nothing lies between 9 weeks and never.
    low, high = np.quantile(drawn, _INTERVAL, axis=1, method="nearest")
    return table.assign(
        model_low=low, model_high=high, pass_share=met.mean(axis=1), every=met.all(axis=0).mean()
    )


def _head(episode: Episode, table: pd.DataFrame) -> dict[str, object]:
    head: dict[str, object] = {
        "episode": episode.name,
        "title": episode.title,
        "chain": episode.chain,
        "role": episode.role,
        "kind": episode.kind,
        "observations": len(table),
        "met": int(table["passed"].sum()),
        "passed": bool(table["passed"].all()),
    }
    if "every" in table:
        head["pass_share"] = float(table["every"].iloc[0])
    return head
