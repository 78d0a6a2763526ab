"""Markets that must be served in every threat: medicines, defence."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.program import ProgramBuilder
from chokepoint.propagate import CompiledChain
from chokepoint.resilience._columns import Columns, Model

__all__ = ["Service", "add_service", "find_service"]

IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

Service = float | Mapping[str, float]

_OTHER_USE = "other_use"


def find_service(
    chain: SupplyChain,
    compiled: CompiledChain,
    service: Service | None,
    areas: tuple[str, ...],
) -> pd.Series:
    """Return the least share of demand that each market must get, by position of the market.

    Parameters
    ----------
    chain, compiled
        The chain.
    service : float or mapping, optional
        A share for all markets with a critical weight, or shares by product or group.
    areas : tuple of str
        Areas whose markets count.

    Raises
    ------
    OptionError
        If a share is out of range, or no market is meant.
    UnknownLabelError
        If a product is not known.
    """
    if service is None:
        return pd.Series(dtype=float)
    nodes = compiled.nodes
    here = compiled.is_market & nodes["country"].isin(areas).to_numpy()
    here &= nodes["sector"].ne(_OTHER_USE).to_numpy() & (compiled.output[:, 0] > 0)
    share = pd.Series(0.0, index=np.arange(len(nodes)))
    if isinstance(service, Mapping):
        for names, least in service.items():
            share[nodes["product"].isin(chain.products_in(names)).to_numpy()] = least
        asked = ", ".join(service)
    else:
        share[nodes["critical_weight"].fillna(0.0).gt(0).to_numpy()] = float(service)
        asked = "critical products"
    share = share[here & share.ne(0.0).to_numpy()]
    if not share.between(0.0, 1.0).all():
        raise OptionError(f"Expected shares of demand from 0 to 1, got {service}.")
    if share.empty:
        raise OptionError(
            f"No market for {asked} in {', '.join(areas)}: name products that are sold there, or "
            "give them a critical_weight in the table of products."
        )
    return share


def add_service(
    builder: ProgramBuilder, model: Model, columns: Columns, service: pd.Series
) -> IntArray:
    r"""Add rows that keep markets served over the weeks that count, and return their positions.

    .. math:: \sum_t x_{m,t} \ge s_m \sum_t d_{m,t}
    """
    markets = service.index.to_numpy(dtype=np.intp)
    counted = model.periods.counted
    wanted = model.limits.capacity[markets, :counted].sum(axis=1)
    rows = builder.rows(
        model.prefix + "service", [model.labels("node", markets)],
        unit="weeks of baseline demand", lower=service.to_numpy(dtype=float) * wanted,
    )  # fmt: skip
    builder.add(rows[:, None], columns.output[markets, :counted], 1.0)
    return rows
