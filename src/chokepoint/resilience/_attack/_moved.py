"""Which bounds of the planner's program an attack moves, and how far under each choice."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chokepoint.errors import OptionError
from chokepoint.program import LinearProgram
from chokepoint.resilience._attack._unit_values import UnitValues

__all__ = ["Bound", "Piece", "ProgramOf", "moved_bounds", "subsets_of"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Kind = Literal["row", "column"]
ProgramOf = Callable[[frozenset[int]], LinearProgram]
Pieces = tuple[float, list["Piece"]]

_MOST_MEMBERS = 6
"""Instruments whose joint effect on one bound is looked up subset by subset."""
_ROUNDING = 1e-11


@dataclass(frozen=True, eq=False)
class Piece:
    """A part of a bound that some choices take away.

    Attributes
    ----------
    width : float
        How much it is.
    constant, signs
        It is taken away where ``constant + sum(sign * pulled)`` is at least 1.
    members, subsets
        Or where the pulled ones among `members` are one of `subsets`.
    """

    width: float
    constant: float = 0.0
    signs: tuple[tuple[int, float], ...] = ()
    members: tuple[int, ...] = ()
    subsets: tuple[frozenset[int], ...] | None = None

    def taken(self, choice: frozenset[int]) -> bool:
        """Return whether a choice takes it away."""
        if self.subsets is not None:
            return choice & frozenset(self.members) in self.subsets
        return self.constant + sum(sign for k, sign in self.signs if k in choice) > 0.5


@dataclass(frozen=True, eq=False)
class Bound:
    """A bound that instruments move, as a number that is looser the larger it is.

    Lower bounds have their sign turned.

    Attributes
    ----------
    kind, place, upper
        Row or column, its position, and which of its bounds.
    tightest : float
        The bound where every piece is taken away.
    pieces : list of Piece
        What lies above it.
    price : float
        Upper bound on the worth of one unit [USD million].
    """

    kind: Kind
    place: int
    upper: bool
    tightest: float
    pieces: list[Piece]
    price: float

    def at(self, choice: frozenset[int]) -> float:
        """Return the bound under a choice."""
        return self.tightest + sum(one.width for one in self.pieces if not one.taken(choice))


def moved_bounds(program: ProgramOf, instruments: Sequence[int], values: UnitValues) -> list[Bound]:
    """Return every bound that some instrument moves and that can be worth something.

    How instruments act together is found from what each does alone: independently of each
    other, or each takes all. Where that does not give the bounds that hold under all of them and
    under all but one, every subset is looked up.
    """
    found: list[Bound] = []
    for kind in ("row", "column"):
        price = values.rows if kind == "row" else values.columns
        for upper in (True, False):
            look = _Look(program, tuple(instruments), kind, upper=upper)
            for place in look.places():
                worth = float(price[place])
                if np.isnan(worth):
                    name = getattr(program(frozenset()), f"{kind}s").text(place)
                    raise OptionError(
                        f"Expected instruments that move limits of sites, flows and demand; one "
                        f'moves {name}. Take response="weekly_model" for it.'
                    )
                if worth > 0:
                    found.append(look.bound(place, worth))
    return found


class _Look:
    """One kind of bound under several choices."""

    def __init__(
        self, program: ProgramOf, instruments: tuple[int, ...], kind: Kind, *, upper: bool
    ) -> None:
        self.program, self.kind, self.upper = program, kind, upper
        self.instruments = instruments
        every = frozenset(instruments)
        choices = [frozenset[int](), every]
        choices += [frozenset([k]) for k in instruments]
        choices += [every - {k} for k in instruments]
        self.seen = {choice: self._bounds(choice) for choice in choices}
        self.none, self.every = self.seen[frozenset()], self.seen[every]
        self._refuse_moved_balances()

    def _bounds(self, choice: frozenset[int]) -> FloatArray:
        program = self.program(choice)
        bounds = getattr(program, f"{self.kind}_{'upper' if self.upper else 'lower'}")
        return np.asarray(bounds if self.upper else -bounds)

    def _refuse_moved_balances(self) -> None:
        """A balance may be opened to one side; where it moves it is no limit."""
        base = self.program(frozenset())
        lower, upper = (getattr(base, f"{self.kind}_{side}") for side in ("lower", "upper"))
        balance = (lower == upper) & np.isfinite(lower) & (self.kind == "row")
        opened = np.all(
            [(one == np.inf) | (one == self.none) for one in self.seen.values()], axis=0
        )
        wrong = np.flatnonzero(balance & ~opened)
        if len(wrong):
            raise OptionError(
                f"Expected instruments that move limits, got one that moves the balance "
                f'{base.rows.text(int(wrong[0]))}. Take response="weekly_model" for it.'
            )

    def places(self) -> list[int]:
        """Return the positions that some choice moves."""
        moved = np.any([_differ(one, self.none) for one in self.seen.values()], axis=0)
        return [int(place) for place in np.flatnonzero(moved)]

    def bound(self, place: int, price: float) -> Bound:
        """Return the bound at a place with its pieces."""
        members = self._members(place)
        for way in (self._added_up, self._any_of, self._by_subset):
            found = way(place, members)
            if found is not None:
                bound = Bound(self.kind, place, self.upper, *found, price)
                if self._holds(bound):
                    return bound
        found = self._by_subset(place, self.instruments)
        if found is not None:
            return Bound(self.kind, place, self.upper, *found, price)
        raise OptionError(
            f"{len(members)} instruments act on one limit of the planner's program in part; "
            f"expected at most {_MOST_MEMBERS}. Make them full bans, let them reach different "
            'flows, or take response="weekly_model".'
        )

    def _at(self, place: int, choice: frozenset[int]) -> float:
        bounds = self.seen[choice] if choice in self.seen else self._bounds(choice)
        return float(bounds[place])

    def _members(self, place: int) -> tuple[int, ...]:
        """Return the instruments that move a bound alone, or on top of all others."""
        every = frozenset(self.instruments)
        return tuple(
            k
            for k in self.instruments
            if _apart(self._at(place, frozenset([k])), float(self.none[place]))
            or _apart(self._at(place, every - {k}), float(self.every[place]))
        )

    def _holds(self, bound: Bound) -> bool:
        """Return whether the pieces give the bounds that were seen."""
        return not any(
            _apart(bound.at(choice), float(bounds[bound.place]))
            for choice, bounds in self.seen.items()
        )

    def _added_up(self, place: int, members: tuple[int, ...]) -> Pieces | None:
        """Instruments move the bound independently of each other."""
        none = float(self.none[place])
        alone = {k: self._at(place, frozenset([k])) for k in members}
        if len(members) > 1 and not np.isfinite([none, *alone.values()]).all():
            return None
        lost = {k: none - value for k, value in alone.items() if value < none}
        pieces = [Piece(width, 0.0, ((k, 1.0),)) for k, width in lost.items()]
        pieces += [
            Piece(value - none, 1.0, ((k, -1.0),)) for k, value in alone.items() if value > none
        ]
        tightest = (
            min(alone.values(), default=none) if len(lost) == 1 else none - sum(lost.values())
        )
        return tightest, pieces

    def _any_of(self, place: int, members: tuple[int, ...]) -> Pieces | None:
        """Any instrument takes all of it, as full bans on one flow do."""
        every = float(self.every[place])
        if not every < self.none[place]:
            return None
        width = float(self.none[place]) - every
        return every, [Piece(width, 0.0, tuple((k, 1.0) for k in members))]

    def _by_subset(self, place: int, members: tuple[int, ...]) -> Pieces | None:
        """Look up what the members do together."""
        if not 0 < len(members) <= _MOST_MEMBERS:
            return None
        subsets = subsets_of(members)
        at = {subset: self._at(place, subset) for subset in subsets}
        levels = sorted(set(at.values()))
        pieces = [
            Piece(
                width=high - low,
                members=members,
                subsets=tuple(subset for subset in subsets if at[subset] < high),
            )
            for low, high in itertools.pairwise(levels)
        ]
        return levels[0], pieces


def subsets_of(members: Sequence[int]) -> list[frozenset[int]]:
    """Return all subsets, the empty one first and the whole last."""
    return [
        frozenset(k for i, k in enumerate(members) if number >> i & 1)
        for number in range(2 ** len(members))
    ]


def _differ(one: FloatArray, other: FloatArray) -> BoolArray:
    with np.errstate(invalid="ignore"):
        gap = np.where(one == other, 0.0, np.abs(one - other))
        scale = np.where(np.isfinite(other), np.maximum(np.abs(other), 1.0), 1.0)
    return np.asarray(gap > _ROUNDING * scale)


def _apart(one: float, other: float) -> bool:
    if one == other:
        return False
    scale = max(abs(other), 1.0) if math.isfinite(other) else 1.0
    return not abs(one - other) <= _ROUNDING * scale
