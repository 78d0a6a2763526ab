"""Where the rows of a compiled chain belong: areas, markets and end sectors, worked out once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.propagate._compile import WEEKS_PER_YEAR, CompiledChain
from chokepoint.propagate._segments import Segments

__all__ = ["Layout", "weekly_sales"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Layout:
    """What all chunks of a batch share; chains without labels are one area, ``"all"``.

    Attributes
    ----------
    countries : pandas.Index
        Areas, sorted.
    nodes : array of int (N,)
        0, 1, 2, ...
    country : array of int (N,)
        Position of each node's area in `countries`.
    product : array of int (N,) or None
        A number for each product; None where the chain has no labels.
    markets, ends : array of int
        Positions of markets, and of end-sector sites.
    followed : array of bool (markets,)
        Markets that count as final demand: all but those of sector ``other_use``.
    by_country, markets_by_country, ends_by_country : Segments
        Sums and minima of nodes, markets and end-sector sites.
    """

    countries: pd.Index
    nodes: IntArray
    country: IntArray
    product: IntArray | None
    markets: IntArray
    ends: IntArray
    followed: NDArray[np.bool_]
    by_country: Segments
    markets_by_country: Segments
    ends_by_country: Segments

    @classmethod
    def of(cls, chain: CompiledChain) -> Layout:
        """Return the layout of `chain`."""
        nodes = chain.nodes
        labelled = "country" in nodes
        areas = nodes["country"] if labelled else pd.Series("all", index=range(chain.n_nodes))
        codes, countries = pd.factorize(areas, sort=True)
        country = codes.astype(np.intp)
        markets, ends = np.flatnonzero(chain.is_market), np.flatnonzero(chain.end_sector)
        followed = np.ones(len(markets), dtype=bool)
        if "sector" in nodes:
            followed = nodes["sector"].ne("other_use").to_numpy()[markets]
        return cls(
            pd.Index(countries, name="country"),
            np.arange(chain.n_nodes),
            country,
            pd.factorize(nodes["product"])[0].astype(np.intp) if "product" in nodes else None,
            markets,
            ends,
            followed,
            Segments(country, len(countries)),
            Segments(country[markets], len(countries)),
            Segments(country[ends], len(countries)),
        )


def weekly_sales(chain: CompiledChain) -> FloatArray:
    """Return what each node sells at baseline, shape (N, 1) [USD million per week].

    Product units per week where the chain has no prices.
    """
    if "value_usd_m" not in chain.nodes:
        return chain.output[:, :1]
    value = chain.nodes["value_usd_m"].to_numpy(dtype=float)
    return np.asarray(np.nan_to_num(value) / WEEKS_PER_YEAR)[:, None]
