"""What an event does to a chain, in terms that every model to the right understands."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["CapacityEffect", "Effects", "FlowEffect", "LicenceEffect", "window"]

IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class CapacityEffect:
    """Multiply the capacity of sites, or the demand of markets.

    Attributes
    ----------
    nodes : array of int
        Positions in ``chain.nodes``.
    factor : array of shape (weeks,)
        Multiplier of capacity (site) or of demand (market), 1 = baseline.
    """

    nodes: IntArray
    factor: FloatArray


@dataclass(frozen=True)
class FlowEffect:
    """Cap flows at a share of their baseline.

    Attributes
    ----------
    edges : array of int
        Positions in ``chain.edges``.
    allowed : array of shape (weeks,)
        Share of the baseline flow that may pass; 1 = no cap in force.
    redirect : bool
        Whether the buyer knows at once and moves its orders (a boycott).
    """

    edges: IntArray
    allowed: FloatArray
    redirect: bool = False


@dataclass(frozen=True)
class LicenceEffect:
    """Make orders on flows wait for a licence.

    Attributes
    ----------
    edges : array of int
        Positions in ``chain.edges``.
    release : array of shape (weeks,)
        Releases allowed per week as a share of the baseline flow; infinite where no licence
        is needed.
    refused : float
        Share of orders refused for good.
    goods_weeks : float
        Weeks of baseline flow the exporter will make and hold while papers wait.
    """

    edges: IntArray
    release: FloatArray
    refused: float
    goods_weeks: float


@dataclass(frozen=True)
class Effects:
    """Everything a scenario does to one chain; effects on the same thing multiply."""

    capacity: tuple[CapacityEffect, ...] = ()
    flows: tuple[FlowEffect, ...] = ()
    licences: tuple[LicenceEffect, ...] = field(default=())

    def __add__(self, other: Effects) -> Effects:
        return Effects(
            self.capacity + other.capacity,
            self.flows + other.flows,
            self.licences + other.licences,
        )


def window(
    start: int, weeks: int | None, horizon: int, *, inside: float, outside: float = 1.0
) -> FloatArray:
    """Return a weekly profile that is `inside` in weeks ``start .. start + weeks - 1``."""
    profile = np.full(horizon, outside)
    end = horizon if weeks is None else min(horizon, start + weeks)
    profile[start:end] = inside
    return profile
