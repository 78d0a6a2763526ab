"""Run episodes: covers and assumptions into the chain, events through it, observables out of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from chokepoint._progress import track
from chokepoint.chain import SupplyChain
from chokepoint.datasets import Draws, draw, load
from chokepoint.history._assumptions import Assumptions
from chokepoint.history._cohorts import with_cohorts
from chokepoint.history._covers import with_covers
from chokepoint.history._episode import Episode
from chokepoint.history._series import Reader
from chokepoint.history._severities import drawn_episode
from chokepoint.propagate import Behaviour, Outcome, simulate
from chokepoint.propagate._chains import DrawnChains
from chokepoint.propagate._simulate import batch_outcome, row_labels
from chokepoint.scenario import Effects, Scenario

__all__ = ["Chains", "run_episodes"]

FloatArray = NDArray[np.float64]

_LANES = 16
"""Draws that are run and held together: every flow of every week is kept."""


class Chains:
    """Chains as they were at the time of episodes, each made once.

    Parameters
    ----------
    given : mapping of str to SupplyChain
        Chains to use instead of the shipped ones.
    pooled : bool
        Leave out the cohorts of episodes: suppliers of a slot serve all plants alike.
    """

    def __init__(
        self, given: Mapping[str, SupplyChain] | None = None, *, pooled: bool = False
    ) -> None:
        self._given, self._pooled = dict(given or {}), pooled
        self._made: dict[tuple[str, str], SupplyChain] = {}

    def at(self, episode: Episode) -> SupplyChain:
        """Return the chain of an episode with the covers and cohorts of its time."""
        cohorts = episode.cohorts.iloc[:0] if self._pooled else episode.cohorts
        parts = [part.drop(columns="episode") for part in (episode.covers, cohorts)]
        key = (episode.chain, "".join(part.to_csv(index=False) for part in parts))
        if key not in self._made:
            name = episode.chain
            chain = self._given[name] if name in self._given else load(name)
            self._made[key] = with_cohorts(with_covers(chain, episode.covers), cohorts)
        return self._made[key]


def run_episodes(
    episodes: Sequence[Episode],
    chains: Chains,
    assumptions: Assumptions,
    *,
    draws: int = 0,
    rng: int = 0,
    progress: bool | None = None,
) -> dict[str, FloatArray]:
    """Return the observables of episodes, arrays (observations, lanes).

    The only lane is the chain as it stands with events as they are stated, or there is one for
    each of `draws` draws: a drawn chain with drawn severities.
    """
    # By identity: the same chain of several episodes is changed, compiled and drawn once.
    grouped: dict[int, list[Episode]] = {}
    base: dict[int, SupplyChain] = {}
    for episode in episodes:
        chain = chains.at(episode)
        base[id(chain)] = chain
        grouped.setdefault(id(chain), []).append(episode)
    jobs = [(base[key], group) for key, group in grouped.items()]
    found: dict[str, FloatArray] = {}
    for chain, group in track(jobs, "episodes", progress=progress):
        changed = assumptions.apply(chain)
        for part in _lots(changed, draws, rng):
            baseline = _baseline(part, assumptions.behaviour)
            for episode in group:
                values = _values(episode, changed, part, baseline, assumptions, rng)
                known = found.get(episode.name)
                found[episode.name] = values if known is None else np.hstack([known, values])
    return found


def _lots(chain: SupplyChain, draws: int, rng: int) -> Iterator[SupplyChain | Draws]:
    if not draws:
        yield chain
        return
    drawn = draw(chain, draws, rng=rng)
    for first in range(0, draws, _LANES):
        yield drawn[first : first + _LANES]


def _baseline(chain: SupplyChain | Draws, behaviour: Behaviour) -> FloatArray:
    """Return the shipments of a week without shock, shape (lanes, flows)."""
    calm = simulate(
        chain, Scenario("baseline"), weeks=1, behaviour=behaviour, record="all", progress=False
    )
    return np.asarray(calm.shipments[:, 0].astype(float))


def _values(
    episode: Episode,
    chain: SupplyChain,
    lanes: SupplyChain | Draws,
    baseline: FloatArray,
    assumptions: Assumptions,
    rng: int,
) -> FloatArray:
    if isinstance(lanes, Draws):
        outcome = _drawn_outcome(episode, lanes, assumptions, rng)
    else:
        outcome = simulate(
            lanes,
            episode.scenario(leakage=assumptions.leakage),
            weeks=episode.weeks,
            behaviour=assumptions.behaviour,
            record="all",
            progress=False,
        )
    reader = Reader(chain, outcome, baseline)
    rows = [row for _, row in episode.observations.iterrows()]
    return np.stack([reader.value(row, episode.window(row)) for row in rows])


def _drawn_outcome(episode: Episode, draws: Draws, assumptions: Assumptions, rng: int) -> Outcome:
    """Run draws, each with its own scenario, where `simulate` has all scenarios on every draw."""
    scenarios = [
        drawn_episode(episode, rng, int(number)).scenario(leakage=assumptions.leakage)
        for number in draws.numbers
    ]

    def effects(draw: int, _: int) -> Effects:
        return scenarios[draw].effects(draws.chain, episode.weeks)

    return batch_outcome(
        DrawnChains(draws),
        effects,
        row_labels([episode.name], draws.numbers),
        weeks=episode.weeks,
        behaviour=assumptions.behaviour,
        record="all",
        dtype="float64",
        engine="auto",
        threads=None,
        progress=False,
        # What matches nothing shows in the run without draws.
        unmatched=[],
    )
