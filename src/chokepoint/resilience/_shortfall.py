"""The loss of the weekly model, counted as the planner's is."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.propagate import Outcome

__all__ = ["shortfall"]


def shortfall(
    outcome: Outcome,
    chain: SupplyChain,
    *,
    targets: str | Iterable[str] | None = None,
    weeks: int | None = None,
) -> pd.Series:
    r"""Return the shortfall of value added of the targets' sites, per scenario [USD million].

    .. math:: \sum_{t < T} \sum_{i \in \text{targets}} va_i\, (1 - x_{it})^+

    Weeks and sites above baseline do not make up for others, so that the figure is never
    below :meth:`Outcome.loss`. Compare :func:`recourse` with this figure: the planner's loss
    is a lower bound on it.

    Parameters
    ----------
    outcome : Outcome
        A run that kept its sites.
    chain : SupplyChain
        The chain that was run.
    targets : str or iterable of str, optional
        Areas or blocs; None = all.
    weeks : int, optional
        Count only the first weeks; None = all.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.resilience import shortfall
    >>> chain = cp.load("rare_earths")
    >>> shortfall(cp.simulate(chain, cp.Scenario("baseline"), weeks=4), chain).to_dict()
    {'baseline': 0.0}
    """
    weekly = outcome.loss(by="site", over="week", weeks=weeks)
    country = outcome.nodes["country"].reindex(weekly.columns)
    lost = weekly.loc[:, country.isin(chain.areas(targets)).to_numpy()].clip(lower=0.0)
    levels = list(range(lost.index.nlevels - 1))
    total = lost.sum(axis=1).groupby(level=levels, sort=False).sum()
    total.attrs["unit"] = "USD million of value added, shortfall"
    return total.rename("shortfall")
