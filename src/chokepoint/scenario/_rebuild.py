"""Rebuilding after an outage: whom the damage is addressed to."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.scenario._effects import RebuildEffect
from chokepoint.scenario._event import is_amount
from chokepoint.scenario._index import IntArray, index_of

__all__ = ["Shares", "rebuild_effects", "share_problems"]

Shares = tuple[tuple[str, float], ...]
FloatArray = NDArray[np.float64]


def share_problems(shares: Shares) -> list[str]:
    """Return what is wrong with the products that rebuilding takes and their shares."""
    text = 'rebuild_with must give products with shares that add up to 1, as {"steel": 1.0}'
    try:
        amounts = [amount for _, amount in shares]
    except (TypeError, ValueError):
        return [f"{text}, got {shares}"]
    right = bool(amounts) and all(is_amount(amount) for amount in amounts)
    if right and math.isclose(sum(amounts), 1.0, abs_tol=1e-9):
        return []
    return [f"{text}, got {dict(shares)}"]


def rebuild_effects(
    chain: SupplyChain,
    nodes: IntArray,
    *,
    lost: float,
    first: int,
    weeks: int,
    damage: float,
    shares: Shares,
    label: str,
) -> tuple[RebuildEffect, ...]:
    """Return one effect per country of the damaged sites.

    Raises
    ------
    OptionError
        If a country has no market with demand for one of the products: all are listed.
    """
    index = index_of(chain)
    value = np.nan_to_num(chain.nodes["value_usd_m"].to_numpy(dtype=float))
    parts, missing = [], []
    areas = index.node_area[nodes]
    for area in np.unique(areas).tolist():
        found = [_markets(chain, name, area, value) for name, _ in shares]
        missing += [
            f"{name} in {index.areas[area]}"
            for (name, _), markets in zip(shares, found, strict=True)
            if not len(markets)
        ]
        parts.append((nodes[areas == area], found))
    if missing:
        raise OptionError(
            f"{label}: expected a market with demand for what rebuilding takes, found none of "
            f"{', '.join(missing)}. Name products in rebuild_with that are sold there."
        )
    weights = [value[damaged].sum() for damaged, _ in parts]
    if not sum(weights) > 0:
        weights = [float(len(damaged)) for damaged, _ in parts]
    effects = []
    for (damaged, found), weight in zip(parts, weights, strict=True):
        markets, split = _split(found, [amount for _, amount in shares], value)
        amount = damage * weight / sum(weights)
        if amount > 0:
            effects.append(
                RebuildEffect(damaged, lost, first, weeks, amount, markets, split, label)
            )
    return tuple(effects)


def _markets(chain: SupplyChain, product: str, area: int, value: FloatArray) -> IntArray:
    index = index_of(chain)
    goods = index.in_products(chain, product)[index.node_product]
    return np.flatnonzero(index.is_market & goods & (index.node_area == area) & (value > 0))


def _split(
    found: list[IntArray], shares: list[float], value: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Return markets and their shares; a market that two names stand for gets both shares."""
    together = np.zeros(len(value))
    for markets, share in zip(found, shares, strict=True):
        together[markets] += share * value[markets] / value[markets].sum()
    markets = np.flatnonzero(together)
    return markets, together[markets]
