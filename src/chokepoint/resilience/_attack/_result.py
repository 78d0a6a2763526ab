"""An attack: which instruments are pulled, and what that costs whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

import numpy as np
import pandas as pd

from chokepoint.scenario import Scenario

__all__ = ["Attack"]


@dataclass(frozen=True, eq=False)
class Attack:
    """The choice of instruments that costs the targets most.

    Attributes
    ----------
    scenario : Scenario
        All that is pulled, as one scenario to be simulated again.
    levels : pandas.Series
        How far each instrument is pulled: 0 or 1, for tariffs anything between.
    damage : float
        Loss of the targets, in the answer that was asked for [USD million]: by the weekly
        model, value added lost; by the planner, the least shortfall (with tariffs: shortfall
        and tariffs paid).
    bound : float
        No choice that is allowed and was not found to break the limit on self-harm does more
        damage [USD million].
    losses : pandas.DataFrame
        Rows damage, self_harm, third_party; columns simulated (weekly model, value added lost)
        and planner (shortfall; blank where the planner does not look at it) [USD million].
    tried : pandas.DataFrame
        Choices that were run: instruments, damage, self_harm, third_party, cost, allowed; the
        strongest first.
    targets, owner : tuple of str
        Areas.
    cost : float
        Cost of what is pulled, in the units of `costs`.
    response : str
        Who answers: "weekly_model" or "planner".
    harm : str
        How the limit on self-harm was held: "", "simulated" or "planner".
    weeks : int
        Weeks that count.
    solver : str
        Solver of the planner's answer, blank for the weekly model.
    seconds : float
        Time of the search.
    """

    scenario: Scenario
    levels: pd.Series
    damage: float
    bound: float
    losses: pd.DataFrame
    tried: pd.DataFrame = field(repr=False)
    targets: tuple[str, ...]
    owner: tuple[str, ...]
    cost: float
    response: str
    harm: str
    weeks: int
    solver: str
    seconds: float

    @property
    def pulled(self) -> tuple[str, ...]:
        """Names of the instruments that are pulled."""
        return tuple(str(name) for name in self.levels.index[self.levels > 0])

    @property
    def frontier(self) -> pd.DataFrame:
        """Choices that were run and are not beaten in damage by one that harms the owner less.

        Sorted by self_harm; the choice to do nothing is the first row where it was run.
        """
        # Of choices that do the owner good the strongest is kept.
        table = self.tried.sort_values(["self_harm", "damage"], ascending=[True, False])
        best = table["damage"].cummax()
        beaten = best.shift(fill_value=-np.inf)
        return table[table["damage"] > beaten].reset_index(drop=True)

    def __repr__(self) -> str:
        what = " + ".join(self.pulled) or "nothing"
        return (
            f"<Attack by {self.response}: {what}; damage {self.damage:,.0f} USD million in "
            f"{self.weeks} weeks (bound {self.bound:,.0f})>"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>{self.losses.to_html()}"
