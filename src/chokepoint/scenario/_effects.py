"""What an event does to a chain, in terms that every model to the right understands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CapacityEffect",
    "Effects",
    "FlowEffect",
    "LicenceEffect",
    "RebuildEffect",
    "TariffEffect",
    "window",
]

IntArray = NDArray[np.integer[Any]]
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
    """Cap flows at a share of their baseline; some of what is stopped may take a detour.

    Attributes
    ----------
    edges : array of int
        Positions in ``chain.edges``.
    allowed : array of shape (weeks,)
        Share of the baseline flow that may pass; 1 = no cap in force.
    redirect : bool
        Whether the buyer knows at once and moves its orders (a boycott).
    detour : array of shape (weeks,), optional
        Share of the baseline flow that may pass round the cap through third countries, at
        most what the cap stops; None = nothing.
    detour_weeks : int
        Weeks that goods on the detour need beyond the lead of the flow.
    label : str
        The event in words, for tables.
    """

    edges: IntArray
    allowed: FloatArray
    redirect: bool = False
    detour: FloatArray | None = None
    detour_weeks: int = 0
    label: str = ""


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
class TariffEffect:
    """Charge a tariff on flows; it changes costs, not quantities.

    Attributes
    ----------
    edges : array of int
        Positions in ``chain.edges``.
    rate : array of shape (weeks,)
        Share of the value of the goods that leave the supplier in that week.
    label : str
        The event in words, for tables.
    """

    edges: IntArray
    rate: FloatArray
    label: str = ""


@dataclass(frozen=True)
class RebuildEffect:
    r"""Capital lost at sites until it is rebuilt, which takes goods from markets.

    With :math:`R(t)` the damage that is left, :math:`R = \text{damage}` up to week `first`:
    from week `first` on the capacity of the sites is multiplied by
    :math:`1 - \text{lost}\, R(t) / \text{damage}`, and market :math:`k` wants goods worth
    :math:`\text{shares}_k R(t) / \text{weeks}` per week at baseline prices beyond its own
    demand. :math:`R` falls by what the markets get for it. Before week `first` the effect does
    nothing: the outage itself is a :class:`CapacityEffect` up to then. Damage below a
    millionth of what it was counts as rebuilt.

    Attributes
    ----------
    nodes : array of int
        Sites, positions in ``chain.nodes``.
    lost : float
        Share of capacity that is lost while nothing is rebuilt.
    first : int
        First week of rebuilding.
    weeks : float
        Time constant of rebuilding [weeks].
    damage : float
        What has to be rebuilt [USD million at baseline prices].
    markets : array of int
        Markets that deliver to the rebuilding, positions in ``chain.nodes``.
    shares : array
        Their shares of the damage; sum 1.
    label : str
        The event in words, for tables.
    """

    nodes: IntArray
    lost: float
    first: int
    weeks: float
    damage: float
    markets: IntArray
    shares: FloatArray
    label: str = ""


@dataclass(frozen=True)
class Effects:
    """Everything a scenario does to one chain.

    Effects on the same thing multiply; tariffs add up; of several detours round one cap the
    widest holds.
    """

    capacity: tuple[CapacityEffect, ...] = ()
    flows: tuple[FlowEffect, ...] = ()
    licences: tuple[LicenceEffect, ...] = ()
    tariffs: tuple[TariffEffect, ...] = ()
    rebuilds: tuple[RebuildEffect, ...] = ()

    def __add__(self, other: Effects) -> Effects:
        return Effects(
            self.capacity + other.capacity,
            self.flows + other.flows,
            self.licences + other.licences,
            self.tariffs + other.tariffs,
            self.rebuilds + other.rebuilds,
        )


def window(
    start: int, weeks: int | None, horizon: int, *, inside: float, outside: float = 1.0
) -> FloatArray:
    """Return a weekly profile that is `inside` in weeks ``start .. start + weeks - 1``."""
    profile = np.full(horizon, outside)
    end = horizon if weeks is None else min(horizon, start + weeks)
    profile[start:end] = inside
    return profile
