"""Outages of sites, and how they end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chokepoint.chain import SupplyChain
from chokepoint.scenario._effects import CapacityEffect, Effects
from chokepoint.scenario._event import Event, is_amount, is_whole
from chokepoint.scenario._index import Labels
from chokepoint.scenario._rebuild import Shares, rebuild_effects, share_problems
from chokepoint.scenario._recovery import CURVES, Recovery, remaining
from chokepoint.scenario._select import NodeQuery

__all__ = ["Outage"]


@dataclass(frozen=True, kw_only=True)
class Outage(Event):
    r"""Cut the capacity of sites by `severity`, then let it recover.

    In the outage itself, weeks ``start .. start + weeks - 1``, capacity is
    :math:`1 - \text{severity}` of baseline. In the :math:`k`-th week after it, capacity is
    :math:`1 - \text{severity}\; g(\tau)` with :math:`\tau = k / (R + 1)` and :math:`R` the
    `recovery_weeks`:

    ================  ====================================================  ==================
    `recovery`        loss left, :math:`g(\tau)`                            shape
    ================  ====================================================  ==================
    ``linear``        :math:`1 - \tau`                                      even
    ``exponential``   :math:`(20^{-\tau} - 1/20) / (1 - 1/20)`              fast, then slow
    ``s_shaped``      :math:`1 - \tau^2 (3 - 2 \tau)`                       slow, fast, slow
    ``rebuild``       :math:`D(t) / \text{damage}`                          what the run gives
    ================  ====================================================  ==================

    The first three start from the whole loss, :math:`g(0) = 1` in the last week of the outage,
    and reach :math:`g(1) = 0` exactly in week ``start + weeks + recovery_weeks``: here
    `recovery_weeks` is the number of weeks with part of the capacity missing. With
    ``rebuild`` it is a time constant instead: from week ``start + weeks`` on, the damage
    :math:`D` that is left is ordered at :math:`D / R` per week from the markets of the products
    in `rebuild_with`, in the country of the sites, and falls by what they deliver. Where they
    deliver everything, :math:`(1 - 1/R)^k` of it is left after :math:`k` weeks, about a third
    after `recovery_weeks`; a last millionth counts as rebuilt.

    Parameters
    ----------
    products, country, sites : str or sequence of str, optional
        Sites of these products (or groups), in these areas (or blocs), or with these
        labels; all that are given must hold. At least one is needed.
    severity : float
        Share of capacity lost, in [0, 1].
    recovery_weeks : int
        Length (or, with ``rebuild``, time constant) of the recovery; 0 = all at once. An outage
        with ``weeks=None`` does not end.
    recovery : {"linear", "exponential", "s_shaped", "rebuild"}
        How capacity returns.
    damage : float, optional
        With ``rebuild``: what has to be rebuilt [USD million at baseline prices]. Sites in
        several countries share it by the value of their output.
    rebuild_with : mapping of str to float, or str, optional
        With ``rebuild``: products (or groups) that rebuilding takes, and their shares of the
        damage, which add up to 1. Each share goes to the markets of the product in the
        country of the sites, by the value of their demand.
    start, weeks : int
        As for every :class:`Event`.

    Examples
    --------
    >>> chain = cp.load("rare_earths")
    >>> quake = cp.Outage(country="JPN", severity=0.8, weeks=2, recovery_weeks=3)
    >>> quake.effects(chain, 6).capacity[0].factor.round(2).tolist()
    [0.2, 0.2, 0.4, 0.6, 0.8, 1.0]
    """

    products: Labels | None = None
    country: Labels | None = None
    sites: Labels | None = None
    severity: float = 1.0
    recovery_weeks: int = 0
    recovery: Recovery = "linear"
    damage: float | None = None
    rebuild_with: Mapping[str, float] | Shares | str | None = None

    _shares = ("severity",)

    def _freeze(self) -> None:
        if isinstance(self.rebuild_with, str):
            object.__setattr__(self, "rebuild_with", {self.rebuild_with: 1.0})
        super()._freeze()

    def _problems(self) -> list[str]:
        problems = []
        if self.products is None and self.country is None and self.sites is None:
            problems.append("name at least one of products, country, sites")
        if not is_whole(self.recovery_weeks, least=0):
            problems.append(
                f"recovery_weeks must be a whole number >= 0, got {self.recovery_weeks}"
            )
        if self.recovery not in CURVES:
            problems.append(f"recovery must be one of {', '.join(CURVES)}, got {self.recovery!r}")
        if self.recovery == "rebuild":
            return problems + self._rebuild_problems()
        if self.damage is not None or self.rebuild_with is not None:
            problems.append('damage and rebuild_with go with recovery="rebuild" only')
        return problems

    def _rebuild_problems(self) -> list[str]:
        problems = []
        if self.weeks is None:
            problems.append("rebuilding starts after the outage: give its weeks")
        if self.recovery_weeks == 0:
            problems.append("rebuilding takes time: recovery_weeks must be at least 1")
        if not is_amount(self.damage) or not self.damage:
            problems.append(f"damage must be a number > 0 [USD million], got {self.damage}")
        return problems + share_problems(self._rebuild_shares())

    def _rebuild_shares(self) -> Shares:
        return tuple(self.rebuild_with or ())  # type: ignore[arg-type]

    def _query(self) -> NodeQuery:
        return NodeQuery("site", self.products, self.country, self.sites)

    def effects(self, chain: SupplyChain, horizon: int) -> Effects:
        """Return the capacity of the sites that are hit, and their rebuilding."""
        nodes = self._matched(chain)
        factor = self._profile(horizon, inside=1.0 - self.severity)
        capacity = (CapacityEffect(nodes, factor),)
        if self.recovery == "rebuild":
            assert self.weeks is not None
            assert self.damage is not None
            rebuilds = rebuild_effects(
                chain,
                nodes,
                lost=self.severity,
                first=self.start + self.weeks,
                weeks=self.recovery_weeks,
                damage=self.damage,
                shares=self._rebuild_shares(),
                label=self.label,
            )
            return Effects(capacity=capacity, rebuilds=rebuilds)
        if self.weeks is not None and self.recovery_weeks:
            end = self.start + self.weeks
            recovering = 1.0 - self.severity * remaining(self.recovery, self.recovery_weeks)
            stop = min(horizon, end + self.recovery_weeks)
            factor[end:stop] = recovering[: max(0, stop - end)]
        return Effects(capacity=capacity)
