"""Run two sides' levels jointly and solve the game."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.datasets import draw
from chokepoint.errors import OptionError
from chokepoint.leverage._bench import Bench, Costs, gdp_of
from chokepoint.leverage._escalation import EPSILON, MATERIALITY, Escalation, parity
from chokepoint.leverage._game import Game, solve_game
from chokepoint.leverage._lever_sets import LeverSet, lever_events
from chokepoint.propagate import Behaviour, simulate
from chokepoint.propagate._simulate import Precision
from chokepoint.scenario import Scenario

__all__ = ["escalation"]

Labels = str | Sequence[str]
FloatArray = NDArray[np.float64]
Ladder = Sequence[Scenario]

LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
WORDS = ("first dominates", "second dominates", "parity", "both weak")


def escalation(
    chain: SupplyChain,
    first: Labels,
    second: Labels,
    *,
    weeks: int | Sequence[int] = 52,
    levels: Sequence[float] = LEVELS,
    levers: LeverSet = "everything",
    ladders: tuple[Ladder, Ladder] | None = None,
    epsilon: float = EPSILON,
    materiality: float = MATERIALITY,
    draws: int = 0,
    rng: np.random.Generator | int | None = None,
    behaviour: Behaviour | None = None,
    dtype: Precision = "float64",
    progress: bool | None = None,
) -> Escalation:
    """Run all pairs of levels of two sides jointly, and solve the game that they make.

    Losses are not additive over the two actions, so each of the (m + 1)(n + 1) pairs is a run of
    its own, all in one batch; nothing is summed.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    first, second : str or sequence of str
        Areas or blocs of the two sides.
    weeks : int or sequence of int
        Horizons.
    levels : sequence of float
        Intensities of the set of levers, ascending from 0.
    levers : {"exports", "imports", "controls", "everything"}
        What each side pulls, as in :func:`leverage`.
    ladders : pair of sequences of Scenario, optional
        Levels of one's own, from mild to strong, for each side; the first of each must be to do
        nothing. They replace `levels` and `levers`; the names are the labels.
    epsilon, materiality : float
        Limits of the verdict, shares of GDP: a dominance of at most `epsilon` is parity if both
        gross leverages reach `materiality`, and "both weak" if one does not.
    draws : int
        Draws of the data behind the interval; 0 = none.
    rng : numpy.random.Generator, int or None
        Randomness of the draws.
    behaviour : Behaviour, optional
        Settings of the runs.
    dtype : {"float64", "float32"}
        Precision of the runs.
    progress : bool, optional
        Show progress bars.

    Returns
    -------
    Escalation

    Raises
    ------
    OptionError
        If the sides overlap, or a ladder does not begin with nothing.

    Examples
    --------
    >>> chain = cp.load("rare_earths")
    >>> made = escalation(chain, "CHN", "JPN", weeks=13, levels=(0, 1), levers="exports")
    >>> made.payoff(13).shape
    (2, 2)
    """
    own, other = chain.areas(first), chain.areas(second)
    common = sorted(set(own) & set(other))
    if common:
        raise OptionError(f"Expected two sides without common areas, got {common} on both.")
    horizons = (weeks,) if isinstance(weeks, int) else tuple(sorted(set(weeks)))
    match = _Match(
        (own, other),
        ladders
        or (
            _ladder(chain, own, other, levels, levers),
            _ladder(chain, other, own, levels, levers),
        ),
        horizons,
        np.array([[gdp_of(chain, side, one) for one in horizons] for side in (own, other)]),
        (epsilon, materiality),
    )
    settings = behaviour or Behaviour()
    bench = Bench(chain, horizons, settings, dtype, progress)
    costs = bench.costs([one.effects(chain, horizons[-1]) for one in match.joint()])
    table, games = match.table(costs)
    if draws:
        outcome = simulate(
            draw(chain, draws, rng=rng), match.joint(), weeks=horizons[-1], behaviour=settings,
            record="country", dtype=dtype, progress=progress,
        )  # fmt: skip
        losses = [outcome.loss(weeks=one) for one in horizons]
        table = table.join(match.intervals(losses, draws))
    table.attrs["unit"] = "shares of GDP of the same weeks"
    return Escalation(own, other, match.grid(costs), table, epsilon, materiality, games)


def _ladder(
    chain: SupplyChain,
    actor: Sequence[str],
    target: Sequence[str],
    levels: Sequence[float],
    levers: LeverSet,
) -> list[Scenario]:
    if not levels or list(levels) != sorted(set(levels)) or levels[0] != 0:
        raise OptionError(f"levels must rise from 0, got {list(levels)}.")
    return [
        Scenario(f"{level:g}", lever_events(chain, levers, actor, target, level=level))
        for level in levels
    ]


@dataclass(frozen=True, eq=False)
class _Match:
    """Two sides, their ladders, and what is made of the runs.

    Arrays of losses have the shape (levels of the first side, levels of the second).
    """

    sides: tuple[tuple[str, ...], tuple[str, ...]]
    ladders: tuple[Ladder, Ladder]
    horizons: tuple[int, ...]
    income: FloatArray
    limits: tuple[float, float]

    def __post_init__(self) -> None:
        for ladder in self.ladders:
            names = [one.name for one in ladder]
            if not ladder or ladder[0].events or len(set(names)) < len(names):
                raise OptionError(
                    "Expected for each side scenarios with different names, the first of them "
                    f"without events, got {names}."
                )

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.ladders[0]), len(self.ladders[1])

    def joint(self) -> list[Scenario]:
        """Return what both do at once, for every pair of levels."""
        return [
            Scenario(f"{a.name} | {b.name}", [*a.events, *b.events])
            for a in self.ladders[0]
            for b in self.ladders[1]
        ]

    def table(self, costs: Costs) -> tuple[pd.DataFrame, dict[int, Game]]:
        """Return the game and the verdict at each horizon."""
        own, other = (costs.of(side) / self.income[k] for k, side in enumerate(self.sides))
        rows, games = {}, {}
        for place, horizon in enumerate(self.horizons):
            shares = [side[:, place].reshape(self.shape) for side in (own, other)]
            rows[horizon], games[horizon] = self._verdict(shares[0], shares[1])
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("weeks"), games

    def _verdict(self, own: FloatArray, other: FloatArray) -> tuple[dict[str, object], Game]:
        game = solve_game(other - own)
        there, back = max(0.0, other[:, 0].max()), max(0.0, own[0].max())
        total = there + back
        verdict = parity(
            game.value, there, back, epsilon=self.limits[0], materiality=self.limits[1]
        )
        row = {
            "dominance": game.value,
            "maximin": game.maximin,
            "minimax": game.minimax,
            "gross_first": there,
            "gross_second": back,
            "asymmetry": (there - back) / total if total > 0 else np.nan,
            "verdict": verdict,
        }
        return row, game

    def intervals(self, losses: Sequence[pd.DataFrame], draws: int) -> pd.DataFrame:
        """Return the range of the dominance over draws, and how often each verdict comes out."""
        rows = {}
        for place, (horizon, loss) in enumerate(zip(self.horizons, losses, strict=True)):
            own, other = (
                (
                    loss[[area for area in side if area in loss]].sum(axis=1).to_numpy()
                    / self.income[k, place]
                ).reshape(draws, *self.shape)
                for k, side in enumerate(self.sides)
            )
            found = pd.DataFrame([self._verdict(a, b)[0] for a, b in zip(own, other, strict=True)])
            low, high = np.percentile(found["dominance"].to_numpy(dtype=float), (5.0, 95.0))
            often = found["verdict"].value_counts(normalize=True)
            shares = {word: float(often.get(word, 0.0)) for word in WORDS}
            rows[horizon] = {"low": low, "high": high, **shares}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("weeks")

    def grid(self, costs: Costs) -> pd.DataFrame:
        """Return the losses of every pair of levels at every horizon."""
        names = [[_label(one.name) for one in ladder] for ladder in self.ladders]
        index = pd.MultiIndex.from_product(names, names=["first", "second"])
        rest = [area for area in costs.areas if area not in {*self.sides[0], *self.sides[1]}]
        own, other, third = (costs.of(some) for some in (*self.sides, rest))
        unmet = [costs.of(side, what="unmet") for side in self.sides]
        parts = {}
        for place, horizon in enumerate(self.horizons):
            shares = [(own, other)[k][:, place] / self.income[k, place] for k in range(2)]
            both = (own + other)[:, place].reshape(self.shape)
            columns = {
                "first_loss": own[:, place],
                "second_loss": other[:, place],
                "third_party": third[:, place],
                "first_unmet": unmet[0][:, place],
                "second_unmet": unmet[1][:, place],
                "first_share": shares[0],
                "second_share": shares[1],
                "payoff": shares[1] - shares[0],
                "interaction": (both - (both[:, :1] + both[:1])).ravel(),
            }
            parts[horizon] = pd.DataFrame(columns, index=index)
        grid = pd.concat(parts, names=["weeks"])
        grid.attrs["unit"] = "USD million; shares of GDP of the same weeks"
        return grid


def _label(name: str) -> float | str:
    """Return the level that a name stands for, or the name."""
    try:
        return float(name)
    except ValueError:
        return name
