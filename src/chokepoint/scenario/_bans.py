"""Events that stop flows: export bans, quotas, boycotts; and what leaks round them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.scenario._effects import Effects, FlowEffect
from chokepoint.scenario._event import FlowEvent, is_amount, is_share, is_whole
from chokepoint.scenario._index import IntArray

__all__ = ["Boycott", "ExportBan", "LeakyEvent", "Quota"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class LeakyEvent(FlowEvent):
    """A cap on exports, part of which third countries may pass on.

    Parameters
    ----------
    leakage : float
        Largest share of the stopped flow that reaches its buyer through third countries.
    leakage_lag : int
        Weeks from the start of the event until the first goods go that way.
    leakage_weeks : int
        Weeks that goods on that way need beyond the lead of the flow.
    """

    leakage: float = 0.0
    leakage_lag: int = 0
    leakage_weeks: int = 0

    _shares: ClassVar[tuple[str, ...]] = ("leakage",)

    def _problems(self) -> list[str]:
        return [
            f"{name} must be a whole number >= 0 [weeks], got {getattr(self, name)}"
            for name in ("leakage_lag", "leakage_weeks")
            if not is_whole(getattr(self, name), least=0)
        ]

    def _cap(self, edges: IntArray, allowed: FloatArray) -> FlowEffect:
        """Return the cap on flows with what may pass round it."""
        detour = None
        if self.leakage > 0:
            detour = self.leakage * (1.0 - allowed)
            detour[: self.start + self.leakage_lag] = 0.0
        return FlowEffect(
            edges, allowed, detour=detour, detour_weeks=self.leakage_weeks, label=self.label
        )


@dataclass(frozen=True, kw_only=True)
class ExportBan(LeakyEvent):
    r"""Cap exports at :math:`1 - \text{severity}` of the baseline flow.

    The cap is on the baseline flow, not on the order: inflated orders do not pass it
    (step 2 of the weekly model). From week ``start + leakage_lag`` on, up to ``leakage *
    severity`` of the baseline flow may take a detour through third countries.

    Parameters
    ----------
    by : str or sequence of str
        Exporting areas or blocs.
    against : str or sequence of str, optional
        Importing areas or blocs; None = everyone else.
    products : str or sequence of str, optional
        Products or groups; None = everything the owner sells.
    severity : float
        Share of the baseline flow that is stopped, in [0, 1].
    leakage : float
        Largest share of the stopped flow that third countries pass on, in [0, 1].
    leakage_lag : int
        Weeks from `start` until the first goods go that way.
    leakage_weeks : int
        Weeks that goods on that way need beyond the lead of the flow.
    start, weeks : int
        As for every :class:`Event`.

    Examples
    --------
    >>> from chokepoint.scenario import ExportBan
    >>> ExportBan(by="CHN", against="USA", products=["ndfeb_sintered"], severity=0.9)
    ExportBan(start=0, weeks=None, by='CHN', against='USA', products=('ndfeb_sintered',),
    leakage=0.0, leakage_lag=0, leakage_weeks=0, severity=0.9)
    """

    severity: float = 1.0

    _shares = ("severity", "leakage")

    def effects(self, chain: SupplyChain, horizon: int) -> Effects:
        """Return the caps on the banned flows."""
        allowed = self._profile(horizon, inside=1.0 - self.severity)
        return Effects(flows=(self._cap(self._matched(chain), allowed),))


@dataclass(frozen=True, kw_only=True)
class Quota(LeakyEvent):
    r"""Let a limited amount of exports pass, spread over flows as at baseline.

    With `share`, each flow is capped at that share of its baseline. With `quantity`, all flows
    that match are together capped at that amount, each at the same share

    .. math:: m = \min\Bigl(1,\ \text{quantity} \Big/ \sum\nolimits_e f_e \Bigr)

    of its baseline :math:`f_e`. A quota at or above the baseline flow caps nothing.

    Parameters
    ----------
    by, against, products
        As for :class:`ExportBan`.
    share : float, optional
        Share of the baseline flow that may pass, in [0, 1].
    quantity : float, optional
        Amount that may pass [product units per year]; the products must have the same unit.
        Exactly one of `share` and `quantity` is given.
    leakage, leakage_lag, leakage_weeks
        As for :class:`ExportBan`.
    start, weeks : int
        As for every :class:`Event`.

    Examples
    --------
    >>> from chokepoint.scenario import Quota
    >>> Quota(by="CHN", products="magnet_ndfeb_heavy", share=0.6).label
    'Quota magnet_ndfeb_heavy: CHN -> others'
    """

    share: float | None = None
    quantity: float | None = None

    def _problems(self) -> list[str]:
        problems = super()._problems()
        if (self.share is None) == (self.quantity is None):
            problems.append(
                f"give exactly one of share and quantity, got {self.share} and {self.quantity}"
            )
        if self.share is not None and not is_share(self.share):
            problems.append(f"share must be a share in [0, 1], got {self.share}")
        if self.quantity is not None and not is_amount(self.quantity):
            problems.append(f"quantity must be a number >= 0 [units per year], got {self.quantity}")
        return problems

    def effects(self, chain: SupplyChain, horizon: int) -> Effects:
        """Return the caps on the flows under the quota."""
        edges = self._matched(chain)
        allowed = self._profile(horizon, inside=self._passing(chain, edges))
        return Effects(flows=(self._cap(edges, allowed),))

    def _passing(self, chain: SupplyChain, edges: IntArray) -> float:
        """Return the share of the baseline flows that may pass."""
        if self.share is not None:
            return self.share
        assert self.quantity is not None
        chosen = chain.edges.iloc[edges]
        units = chain.products.set_index("product")["unit"]
        several = sorted(set(units.reindex(chosen["product"].unique()).astype(str)))
        if len(several) > 1:
            raise OptionError(
                f"Quota: expected a quantity of products with one unit, got {', '.join(several)}. "
                "State one quota per product, or a share."
            )
        total = float(chosen["quantity"].sum())
        return min(1.0, self.quantity / total) if total > 0 else 0.0


@dataclass(frozen=True, kw_only=True)
class Boycott(FlowEvent):
    """Cap imports at ``1 - severity`` of the baseline flow; buyers move their orders at once.

    Parameters
    ----------
    by : str or sequence of str
        Importing areas or blocs that refuse to buy.
    against : str or sequence of str, optional
        Exporting areas or blocs; None = everyone else.
    products : str or sequence of str, optional
        Products or groups; None = everything.
    severity : float
        Share of the baseline flow that is refused, in [0, 1].
    start, weeks : int
        As for every :class:`Event`.

    Examples
    --------
    >>> from chokepoint.scenario import Boycott
    >>> Boycott(by="CHN", against="USA", products="soybeans").label
    'Boycott soybeans: USA -> CHN'
    """

    severity: float = 1.0

    _shares = ("severity",)
    _owner_sells = False

    def effects(self, chain: SupplyChain, horizon: int) -> Effects:
        """Return the caps on the refused flows, marked as known to the buyer."""
        allowed = self._profile(horizon, inside=1.0 - self.severity)
        effect = FlowEffect(self._matched(chain), allowed, redirect=True, label=self.label)
        return Effects(flows=(effect,))
