"""Which levers to pull together: all sets where they are few, steps from both ends where not."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.leverage._bench import Bench, Levers
from chokepoint.scenario import Effects

__all__ = ["Search", "Tried"]

FloatArray = NDArray[np.float64]
Set = frozenset[int]

LEVELS = (0.2, 0.4, 0.6, 0.8)
_COLUMNS = 5


@dataclass(frozen=True, eq=False)
class Tried:
    """Sets of levers that were run, and what they cost [USD million].

    Attributes
    ----------
    sets : list of frozenset of int
        Positions of levers.
    level : array (n,)
        Intensity, the same for all levers of a set.
    damage, harm, others : array (n,)
        Value added lost by the target, by the actor and by all other areas.
    unmet, own_unmet : array (n,)
        Unmet final demand of the target and of the actor.
    """

    sets: list[Set]
    level: FloatArray
    damage: FloatArray
    harm: FloatArray
    others: FloatArray
    unmet: FloatArray
    own_unmet: FloatArray

    def best(self, *, cap: float = np.inf, demand_cap: float = np.inf) -> int:
        """Return the row with the largest damage at a self-harm of at most `cap`.

        Of rows with the same damage the one with the least self-harm is taken. Row 0 is to do
        nothing, which no cap rules out. `demand_cap` bounds the actor's unmet final demand.
        """
        allowed = np.flatnonzero((self.harm <= cap) & (self.own_unmet <= demand_cap))
        order = np.lexsort((self.harm[allowed], -self.damage[allowed]))
        return int(allowed[order[0]])

    def best_net(self, *, theta: float, tau: float) -> int:
        """Return the row with the largest damage less weighted harm to self and others."""
        return int(np.argmax(self.damage - theta * self.harm - tau * self.others))


@dataclass(frozen=True, eq=False)
class Search:
    """Runs of sets of levers, each run once.

    Parameters
    ----------
    levers : Levers
        Levers of an actor.
    bench : Bench
        The chain; the last horizon counts.
    actor, target : sequence of str
        Areas.
    exhaustive : int
        Largest number of levers of which all sets are run.
    most : int
        Levers that are chosen one by one; weaker ones are pulled together.
    strongest : int
        Levers of which all pairs are run.
    """

    levers: Levers
    bench: Bench
    actor: Sequence[str]
    target: Sequence[str]
    exhaustive: int = 10
    most: int = 20
    strongest: int = 10
    _known: dict[tuple[Set, float], tuple[float, ...]] = field(default_factory=dict)

    def run(self, caps: Iterable[float] = (), thetas: Iterable[float] = (1.0,)) -> Tried:
        """Run the sets, then the best of them at lower intensities.

        Parameters
        ----------
        caps : iterable of float
            Caps on self-harm round which sets are improved [USD million].
        thetas : iterable of float
            Weights of self-harm round which sets are improved.
        """
        count = len(self.levers)
        if self.is_exhaustive:
            every = range(count)
            self._try(
                frozenset(some)
                for n in range(count + 1)
                for some in itertools.combinations(every, n)
            )
        else:
            self._steps()
        caps, thetas = [*caps, np.inf], list(thetas)
        if not self.is_exhaustive:
            self._try(_neighbours(self._chosen(caps, thetas), self._blocks))
        best = self._chosen(caps, thetas)
        for level in LEVELS:
            self._try(best, level)
        return self.tried

    @property
    def is_exhaustive(self) -> bool:
        """Whether all sets are run."""
        return len(self.levers) <= self.exhaustive

    @property
    def tried(self) -> Tried:
        """All that was run, to do nothing first."""
        keys = list(self._known)
        values = np.array([self._known[key] for key in keys]).reshape(len(keys), _COLUMNS)
        return Tried([key[0] for key in keys], np.array([key[1] for key in keys]), *values.T)

    def interaction(self) -> pd.DataFrame:
        r"""Return what pairs of levers do beyond the sum of both, :math:`D_{ij} - D_i - D_j`.

        Rows are the pairs that were run; columns together, apart and interaction [USD million].
        """
        rows = {}
        for (some, level), values in self._known.items():
            if len(some) == 2 and level == 1.0:
                pair = sorted(some)
                alone = [self._known.get((frozenset({i}), 1.0)) for i in pair]
                if None not in alone:
                    apart = sum(one[0] for one in alone if one is not None)
                    names = tuple(self.levers.names[i] for i in pair)
                    rows[names] = (values[0], apart, values[0] - apart)
        index = pd.MultiIndex.from_tuples(list(rows), names=["first", "second"]) if rows else None
        table = pd.DataFrame(
            list(rows.values()), index=index, columns=["together", "apart", "interaction"]
        )
        table.attrs["unit"] = "USD million of value added"
        return table.sort_values("interaction", ascending=False, kind="stable")

    # ------------------------------------------------------------------------- steps

    def _try(self, sets: Iterable[Set], level: float = 1.0) -> None:
        """Run the sets that were not run yet."""
        new = [
            key
            for key in dict.fromkeys((some, level if some else 1.0) for some in sets)
            if key not in self._known
        ]
        if not new:
            return
        effects: list[Effects] = [self.levers.effects(sorted(some), part) for some, part in new]
        costs = self.bench.costs(effects)
        hit, own = list(self.target), list(self.actor)
        rest = [area for area in costs.areas if area not in {*hit, *own}]
        columns = [costs.of(some)[:, -1] for some in (hit, own, rest)]
        columns += [costs.of(some, what="unmet")[:, -1] for some in (hit, own)]
        self._known.update(zip(new, map(tuple, np.transpose(columns).tolist()), strict=True))

    @property
    def _blocks(self) -> list[Set]:
        """Levers one by one, the strongest first, and the weak ones together."""
        full = frozenset(range(len(self.levers)))
        whole = self._known[full, 1.0][0]
        strength = [
            max(self._known[frozenset({i}), 1.0][0], whole - self._known[full - {i}, 1.0][0])
            for i in sorted(full)
        ]
        order = sorted(full, key=lambda i: (-strength[i], i))
        weak = frozenset(order[self.most :])
        return [frozenset({i}) for i in order[: self.most]] + ([weak] if weak else [])

    def _steps(self) -> None:
        full = frozenset(range(len(self.levers)))
        self._try([frozenset(), full])
        self._try([frozenset({i}) for i in full])
        self._try([full - {i} for i in full])
        blocks = self._blocks
        self._try(blocks)
        self._try(a | b for a, b in itertools.combinations(blocks[: self.strongest], 2))
        self._walk(frozenset(), blocks, grow=True)
        self._walk(full, blocks, grow=False)

    def _walk(self, start: Set, blocks: list[Set], *, grow: bool) -> None:
        """Add (or take away) one block at a time, always the one that pays most per self-harm."""
        now, left = start, list(blocks)
        while left:
            steps = [now | one if grow else now - one for one in left]
            self._try(steps)
            damage, harm = self._known[now, 1.0][:2]
            gains = [
                (self._known[step, 1.0][0] - damage, self._known[step, 1.0][1] - harm)
                for step in steps
            ]
            place = max(range(len(left)), key=lambda i: _worth(*gains[i]))
            now = steps[place]
            left.pop(place)

    def _chosen(self, caps: Iterable[float], thetas: Iterable[float]) -> list[Set]:
        tried = self.tried
        rows = [tried.best(cap=cap) for cap in caps]
        rows += [tried.best(cap=cap, demand_cap=cap) for cap in caps]
        rows += [tried.best_net(theta=theta, tau=0.0) for theta in thetas]
        return list(dict.fromkeys(tried.sets[row] for row in rows))


def _worth(damage: float, harm: float) -> float:
    """Return how good a change is: damage gained per harm taken, or harm saved per damage lost.

    It is how near the change points to more damage at less harm: as an angle, largest for a change
    that does both, then by the ratio of the two, smallest for less damage at more harm.
    """
    angle = float(np.arctan2(damage, harm))
    turned = (angle - 0.75 * np.pi + np.pi) % (2.0 * np.pi) - np.pi
    return -abs(turned)


def _neighbours(sets: Iterable[Set], blocks: Sequence[Set]) -> list[Set]:
    """Return sets with one block more, one less, and one exchanged for another."""
    found: list[Set] = []
    for some in sets:
        inside = [one for one in blocks if one <= some]
        outside = [one for one in blocks if not one & some]
        found += [some | one for one in outside] + [some - one for one in inside]
        found += [(some - old) | new for old in inside for new in outside]
    return found
