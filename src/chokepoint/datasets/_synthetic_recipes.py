"""Recipes of made-up products: which of them go into which, in what quantity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Recipes", "Settings", "made_recipes"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_BEFORE = 0.7
"""Share of inputs that come from the tier right before."""
_BOUGHT = (0.3, 0.6)
"""Range of the value of all inputs of a product over the value of its output."""
_CRITICAL = 0.6
"""Share of inputs without which all output stops; the criticality of others is uniform."""


@dataclass(frozen=True)
class Settings:
    """What a network is made of; see :func:`chokepoint.datasets.synthetic`."""

    sites: int
    tiers: int
    products: int
    countries: int
    inputs: float
    suppliers: float
    tail: float
    feedback: float
    home: float


@dataclass(frozen=True)
class Recipes:
    """Inputs of products, sorted by the product that is made.

    Attributes
    ----------
    product, input : array of int (rows,)
        What is made of what.
    quantity : array (rows,)
        Input per unit of output; a unit of every product is worth a million dollars.
    stock, criticality, lead, qualification : array (rows,)
        Stock cover [weeks], criticality (share), lead and qualification time [weeks].
    """

    product: IntArray
    input: IntArray
    quantity: FloatArray
    stock: FloatArray
    criticality: FloatArray
    lead: IntArray
    qualification: FloatArray


def made_recipes(settings: Settings, tier: IntArray, rng: np.random.Generator) -> Recipes:
    """Return the inputs of all products: mostly of the tier before, some of any, a few from later.

    What is popular is drawn with a heavy tail too, so that some products go into very many.
    """
    count = settings.products
    popular = (1.0 - rng.random(count)) ** (-1.0 / settings.tail)
    pairs: list[tuple[int, int]] = []
    for made in range(count):
        wanted = 1 + int(rng.poisson(settings.inputs - 1.0)) if tier[made] else 0
        before = rng.random(wanted) < _BEFORE
        found: set[int] = set()
        for near in before.tolist():
            others = (tier == tier[made] - 1) if near else (tier < tier[made])
            found.add(_one(others, popular, rng))
        if rng.random() < settings.feedback * max(wanted, 1):
            later = (tier >= tier[made]) & (np.arange(count) != made)
            found.add(_one(later, popular, rng))
        pairs += [(made, one) for one in sorted(found)]
    if settings.feedback > 0:
        # At least one product goes, by way of what is made of it, into itself.
        made, one = pairs[-1]
        pairs = sorted({*pairs, (one, made)})
    product, taken = np.array(pairs, dtype=np.int64).T
    rows = len(product)
    weight = rng.exponential(size=rows)
    bought = rng.uniform(*_BOUGHT, count)[product]
    return Recipes(
        product=product,
        input=taken,
        quantity=bought * weight / np.bincount(product, weight, minlength=count)[product],
        stock=rng.uniform(0.5, 8.0, rows),
        criticality=np.where(rng.random(rows) < _CRITICAL, 1.0, rng.random(rows)),
        lead=rng.integers(1, 5, rows),
        qualification=rng.uniform(8.0, 52.0, rows),
    )


def _one(among: NDArray[np.bool_], weight: FloatArray, rng: np.random.Generator) -> int:
    places = np.flatnonzero(among)
    total = np.cumsum(weight[places])
    return int(places[np.searchsorted(total, rng.random() * total[-1])])
