"""What an attacker may pull, what each costs, and which choices are allowed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.scenario import Effects, Scenario

__all__ = ["MOST_CHOICES", "Instruments"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Choice = tuple[int, ...]

MOST_CHOICES = 2**15
"""Choices that are run through the weekly model at most: all of 15 instruments."""


@dataclass(frozen=True, eq=False)
class Instruments:
    """Levers of an attacker, each a named set of events.

    Attributes
    ----------
    scenarios : tuple of Scenario
        What each instrument does.
    effects : tuple of Effects
        The same as arrays, over the weeks that count.
    costs : array (K,)
        Cost of pulling each, in units of the user's choice.
    charges : array of bool (K,)
        Instruments that do nothing but charge tariffs; they may be pulled in part.
    most : float
        Number of instruments at most, infinite for no limit.
    budget : float
        Sum of costs at most, infinite for no limit.
    weeks : int
        Weeks that count.
    """

    scenarios: tuple[Scenario, ...]
    effects: tuple[Effects, ...]
    costs: FloatArray
    charges: BoolArray
    most: float
    budget: float
    weeks: int

    @classmethod
    def of(
        cls,
        chain: SupplyChain,
        given: Scenario | Iterable[Scenario],
        *,
        weeks: int,
        most: int | None = None,
        budget: float | None = None,
        costs: Mapping[str, float] | None = None,
    ) -> Instruments:
        """Return the instruments after checks; a missing cost is 1 with a budget, else 0."""
        listed = (given,) if isinstance(given, Scenario) else tuple(given)
        names = [one.name for one in listed]
        if not listed or len(set(names)) < len(names):
            raise OptionError(f"Expected one or more instruments with unique names, got {names}.")
        if weeks < 1:
            raise OptionError(f"Expected weeks of at least 1, got {weeks}.")
        if most is not None and most < 0:
            raise OptionError(f"Expected most to be at least 0, got {most}.")
        effects = tuple(one.effects(chain, weeks) for one in listed)
        return cls(
            scenarios=listed,
            effects=effects,
            costs=_costs(names, costs, budget),
            charges=np.array([_only_charges(one) for one in effects]),
            most=math.inf if most is None else float(most),
            budget=math.inf if budget is None else float(budget),
            weeks=weeks,
        )

    def __len__(self) -> int:
        return len(self.scenarios)

    @property
    def names(self) -> pd.Index:
        """Names of the instruments."""
        return pd.Index([one.name for one in self.scenarios], name="instrument")

    def label(self, choice: Sequence[int]) -> str:
        """Return the names of a choice in one line."""
        return " + ".join(self.names[list(choice)]) or "nothing"

    def joint(self, choice: Sequence[int], name: str) -> Scenario:
        """Return all events of a choice as one scenario."""
        return Scenario(name, [event for k in choice for event in self.scenarios[k].events])

    def together(self, choice: Sequence[int]) -> Effects:
        """Return the effects of a choice."""
        return sum((self.effects[k] for k in choice), Effects())

    def choices(self) -> list[Choice]:
        """Return every choice within the number and the budget, the empty one first.

        Raises
        ------
        OptionError
            If there are more than 32 768 of them.
        """
        size = len(self)
        top = int(min(self.most, size))
        count = sum(math.comb(size, number) for number in range(top + 1))
        if count > MOST_CHOICES:
            raise OptionError(
                f"Expected at most {MOST_CHOICES:,} choices of instruments to be run one by one, "
                f"got {count:,} of {size} instruments. Allow fewer at a time (most), offer fewer, "
                'or take response="planner".'
            )
        return list(self._affordable(top))

    def _affordable(self, top: int) -> Iterator[Choice]:
        for number in range(top + 1):
            for choice in itertools.combinations(range(len(self)), number):
                if self.costs[list(choice)].sum() <= self.budget * (1 + 1e-12):
                    yield choice


def _costs(
    names: Sequence[str], given: Mapping[str, float] | None, budget: float | None
) -> FloatArray:
    if budget is not None and not budget >= 0:
        raise OptionError(f"Expected a budget of at least 0, got {budget}.")
    if given is None:
        return np.full(len(names), 0.0 if budget is None else 1.0)
    if set(given) != set(names) or not min(given.values()) >= 0:
        raise OptionError(
            f"Expected a cost of at least 0 for each of {list(names)}, got {dict(given)}."
        )
    return np.array([float(given[name]) for name in names])


def _only_charges(effects: Effects) -> bool:
    others = (effects.capacity, effects.flows, effects.licences, effects.rebuilds)
    return bool(effects.tariffs) and not any(others)
