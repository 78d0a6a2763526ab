"""Critical goods that are missed: medicines, medical devices, defence. Never in dollars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.propagate import WEEKS_PER_YEAR, Outcome

__all__ = ["critical", "critical_index"]


def critical(
    chain: SupplyChain,
    outcome: Outcome,
    areas: str | Sequence[str],
    *,
    scenario: str | None = None,
    weeks: int | None = None,
) -> pd.DataFrame:
    r"""Return how much of the demand for critical products is not met.

    A product counts by its `critical_weight`, not by its price:

    .. math:: D^{crit} = \sum_p \omega_p s_p \Big/ \sum_p \omega_p,

    with :math:`s_p` the share of the demand of the areas that is not met over the weeks
    (:func:`critical_index`). It stands beside the loss of value added and is never added to it.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    outcome : Outcome
        A run with every site kept.
    areas : str or sequence of str
        Areas or blocs.
    scenario : str, optional
        A scenario of the run; None = the first.
    weeks : int, optional
        Count only the first weeks; None = all.

    Returns
    -------
    pandas.DataFrame
        Index product, the largest share first; columns weight, demand_usd_m (of these weeks),
        unmet_usd_m and unmet_share.

    Examples
    --------
    >>> chain = cp.load("rare_earths")
    >>> ban = cp.Scenario("ban", [cp.ExportBan(by="CHN", against="USA")])
    >>> table = critical(chain, cp.simulate(chain, ban, weeks=26), "USA")
    >>> bool(table["unmet_share"].between(0, 1).all())
    True
    """
    horizon = outcome.weeks if weeks is None else weeks
    unmet = outcome.unmet(by="site", weeks=horizon)
    row = unmet.iloc[0] if scenario is None else unmet.loc[scenario]
    nodes = chain.nodes.loc[row.index]
    chosen = nodes["critical_weight"].gt(0) & nodes["country"].isin(chain.areas(areas))
    nodes, row = nodes[chosen], row[chosen]
    demand = nodes["value_usd_m"] * horizon / WEEKS_PER_YEAR
    frame = pd.DataFrame(
        {
            "product": nodes["product"].to_numpy(),
            "weighted": (nodes["critical_weight"] * demand).to_numpy(),
            "demand_usd_m": demand.to_numpy(),
            "unmet_usd_m": row.to_numpy(),
        }
    )
    table = frame.groupby("product").sum()
    whole = table["demand_usd_m"].where(table["demand_usd_m"] > 0)
    table.insert(0, "weight", table.pop("weighted") / whole)
    table["unmet_share"] = (table["unmet_usd_m"] / whole).fillna(0.0).clip(0.0, 1.0)
    table.attrs["unit"] = "shares of demand; USD million at baseline prices"
    return table.sort_values("unmet_share", ascending=False, kind="stable")


def critical_index(table: pd.DataFrame) -> float:
    """Return the weighted share of critical demand that is not met, in [0, 1].

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`critical`.
    """
    weight = table["weight"].fillna(0.0).to_numpy(dtype=float)
    share = table["unmet_share"].to_numpy(dtype=float)
    total = float(np.sum(weight))
    return float(weight @ share) / total if total > 0 else float("nan")
