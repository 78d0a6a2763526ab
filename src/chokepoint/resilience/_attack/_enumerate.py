"""Every choice of instruments, run through the weekly model."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.propagate import Behaviour, simulate
from chokepoint.resilience._attack._instruments import Choice, Instruments
from chokepoint.scenario import Effects, Scenario

__all__ = ["Sides", "losses_of_choices"]

_AT_ONCE = 1024
"""Choices whose weekly losses by country are held together."""


class Sides:
    """Which areas an attack is aimed at, and which belong to its owner.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    targets, owner : str, sequence of str or None
        Areas or blocs; no targets = all areas that are not the owner's.
    """

    def __init__(
        self,
        chain: SupplyChain,
        targets: str | Sequence[str] | None,
        owner: str | Sequence[str] | None,
    ) -> None:
        self.owner = () if owner is None else chain.areas(owner)
        every = chain.areas(targets)
        self.targets = (
            every if targets is not None else tuple(a for a in every if a not in self.owner)
        )

    def split(self, losses: pd.DataFrame) -> pd.DataFrame:
        """Return losses by country as damage, self_harm and third_party."""
        own, hit = (losses.columns.isin(areas) for areas in (self.owner, self.targets))
        table = pd.DataFrame(index=losses.index)
        table["damage"] = losses.loc[:, hit].sum(axis=1)
        table["self_harm"] = losses.loc[:, own].sum(axis=1)
        table["third_party"] = losses.loc[:, ~(own | hit)].sum(axis=1)
        return table


def losses_of_choices(
    chain: SupplyChain,
    instruments: Instruments,
    choices: Sequence[Choice],
    *,
    behaviour: Behaviour | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Return the loss of value added by choice (row number) and country [USD million]."""
    parts = []
    for start in range(0, len(choices), _AT_ONCE):
        some = choices[start : start + _AT_ONCE]
        scenarios = [
            Prepared(str(start + row), instruments.together(choice))
            for row, choice in enumerate(some)
        ]
        outcome = simulate(
            chain,
            scenarios,
            weeks=instruments.weeks,
            behaviour=behaviour,
            record="country",
            progress=progress,
        )
        parts.append(outcome.loss())
    table = pd.concat(parts)
    return table.set_axis(pd.RangeIndex(len(table), name="choice"), axis=0)


class Prepared(Scenario):
    """A scenario whose effects on one chain were looked up before."""

    known: Effects

    def __init__(self, name: str, known: Effects) -> None:
        super().__init__(name)
        object.__setattr__(self, "known", known)

    def effects(self, chain: SupplyChain, horizon: int) -> Effects:  # noqa: ARG002
        """Return what was looked up."""
        return self.known
