"""Cost of disruptions, and how long demand is met, in a network of two tiers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from chokepoint.errors import OptionError
from chokepoint.program import ProgramBuilder
from chokepoint.resilience._outages import Outages

__all__ = ["disruptions"]

# Longer than this many times the longest cover, nobody runs short at all.
_FOR_EVER = 1e4

Amounts = Mapping[str, float] | pd.Series


def disruptions(
    capacity: Amounts,
    demand: Amounts,
    *,
    inventory: Amounts,
    unit_loss: Amounts,
    time_to_recover: float | Amounts,
    links: pd.DataFrame | None = None,
) -> pd.DataFrame:
    r"""Return cost, risk-exposure index and time to survive for the loss of each supplier.

    With supplier n gone for its time to recover :math:`t^n`,

    .. math::
        \min \sum_j f_j l_j \quad\text{s.t.}\quad
        \sum_i \alpha_{ij} y_{ij} + l_j \ge d_j t^n - s_j, \qquad
        \sum_j y_{ij} \le c_i t^n\ (c_n = 0), \qquad y, l \ge 0

    and the time to survive is the largest :math:`t` at which no :math:`l_j` is needed. The
    risk-exposure index is the cost over the largest cost (Simchi-Levi et al., *Identifying risks
    and mitigating disruptions in the automotive supply chain*, Interfaces 45(5), 2015).

    Parameters
    ----------
    capacity : mapping or Series
        Units a supplier can make per unit of time, by supplier.
    demand, inventory, unit_loss : mapping or Series
        By product: units wanted per unit of time, units in stock, cost of a unit not delivered.
    time_to_recover : float or mapping
        Time for which a supplier is gone, the same for all or by supplier.
    links : DataFrame, optional
        Suppliers (rows) and products (columns): whether, or how much of a unit, the supplier
        makes for the product; None = every supplier makes every product.

    Returns
    -------
    DataFrame
        Rows ``none`` (nobody is gone) and each supplier; columns cost, lost (units), exposure
        (share of the largest cost), time_to_survive (infinite if demand is met for ever).

    Raises
    ------
    OptionError
        If labels do not match, or a number is negative or missing.

    Examples
    --------
    >>> from chokepoint.resilience import disruptions
    >>> table = disruptions(
    ...     {"S1": 30, "S2": 45, "S3": 60},
    ...     {"P1": 75, "P2": 50},
    ...     inventory={"P1": 20, "P2": 25},
    ...     unit_loss={"P1": 5000, "P2": 6500},
    ...     time_to_recover=2,
    ... )
    >>> table["cost"].tolist()
    [0.0, 0.0, 125000.0, 275000.0]
    """
    made = _series(capacity, "capacity")
    wanted = _series(demand, "demand")
    stock, loss = (
        _series(given, name, wanted.index)
        for given, name in ((inventory, "inventory"), (unit_loss, "unit_loss"))
    )
    if isinstance(time_to_recover, Mapping | pd.Series):
        time = _series(time_to_recover, "time_to_recover", made.index)
    else:
        time = _series(dict.fromkeys(made.index, float(time_to_recover)), "time_to_recover")
    share = np.ones((len(made), len(wanted)))
    if links is not None:
        share = links.reindex(index=made.index, columns=wanted.index).to_numpy(dtype=float)
        if np.isnan(share).any() or (share < 0).any():
            raise OptionError("Expected links of at least 0 between all suppliers and products.")
    builder = ProgramBuilder("disruptions")
    labels = [made.index, wanted.index]
    make = builder.columns("made", labels, unit="unit")
    lost = builder.columns("lost", [wanted.index], unit="unit", cost=loss.to_numpy())
    duration = builder.columns("duration", unit="time")
    able = builder.rows("capacity", [made.index], unit="unit", upper=0.0)
    builder.add(able[:, None], make, 1.0)
    builder.add(able, duration, -made.to_numpy())
    met = builder.rows("demand", [wanted.index], unit="unit", lower=-stock.to_numpy())
    builder.add(met[None, :], make, share)
    builder.add(met, lost, 1.0)
    builder.add(met, duration, -wanted.to_numpy())
    cover = (stock[wanted > 0] / wanted[wanted > 0]).max() if (wanted > 0).any() else 0.0
    outages = Outages(
        builder.build(), duration=int(duration), losses=lost, longest=_FOR_EVER * (1.0 + cover)
    )
    rows = []
    for name in ("none", *made.index):
        gone = make[made.index.to_numpy() == name].ravel()
        found = outages.cost(gone, float(time.get(name, time.max())))
        units = float(found.values_of("lost").sum())
        rows.append((name, found.objective, units, outages.survive(gone)))
    table = pd.DataFrame(rows, columns=["supplier", "cost", "lost", "time_to_survive"])
    largest = float(table["cost"].max())
    table.insert(3, "exposure", table["cost"] / largest if largest > 0 else 0.0)
    table.attrs["unit"] = "cost: as unit_loss; lost: units; time: as time_to_recover"
    return table.set_index("supplier")


def _series(given: Amounts, name: str, index: pd.Index | None = None) -> pd.Series:
    series = pd.Series(given, dtype=float)
    if index is not None:
        if set(series.index) != set(index):
            raise OptionError(f"Expected {name} for {list(index)}, got {list(series.index)}.")
        series = series.reindex(index)
    if series.empty or not (series >= 0).all():
        raise OptionError(f"Expected {name} of at least 0, got {series.to_dict()}.")
    return series
