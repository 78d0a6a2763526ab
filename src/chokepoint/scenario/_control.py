"""Extraterritorial export control: goods of third countries that hold or use the owner's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.scenario._bans import LeakyEvent
from chokepoint.scenario._content import content_of_nodes, technology_of_nodes
from chokepoint.scenario._effects import Effects
from chokepoint.scenario._event import is_share
from chokepoint.scenario._index import BoolArray, IntArray, Labels, index_of, listed, words

__all__ = ["Extraterritorial"]

FloatArray = NDArray[np.float64]

# Content below this is rounding, also where the threshold is 0.
_TRACE = 1e-12


@dataclass(frozen=True, kw_only=True)
class Extraterritorial(LeakyEvent):
    r"""Control exports to a target, wherever they come from, by what the owner put into them.

    A flow into the target is reached if its supplier :math:`i`

    * is on the owner's own territory, or
    * has embedded content :math:`\kappa^A_i \ge` `content` of the owner
      (:func:`embedded_content`), or
    * is equipped with the owner's `technology` (:func:`technology_reach`);

    the last two only for suppliers outside the target, whose own authorities would not enforce
    it. A flow that is reached is capped at

    .. math:: m_e = 1 - \text{severity} \times \text{compliance}_{c(i)}

    of its baseline, with a compliance of 1 on the owner's own territory.

    Parameters
    ----------
    by : str or sequence of str
        Areas or blocs of the owner.
    against : str or sequence of str
        Areas or blocs of the target; needed.
    products : str or sequence of str, optional
        Controlled products or groups; None = everything.
    content : float, optional
        Least share of the value that makes a good controlled, in [0, 1]; 0 = any content.
    technology : str or sequence of str, optional
        Products or groups (equipment, software) whose use makes a good controlled. At least
        one of `content` and `technology` is needed.
    severity : float
        Share of the baseline flow that is stopped where everybody complies, in [0, 1].
    compliance : float or mapping of str to float
        Share, in [0, 1], that suppliers of other countries comply with: one number for all, or
        by area or bloc. Areas that are not named comply fully (1.0); the owner's own territory
        always does. Where an area is named and its bloc too, the area's own share holds.
    leakage, leakage_lag, leakage_weeks
        As for :class:`ExportBan`.
    start, weeks : int
        As for every :class:`Event`.

    Examples
    --------
    >>> rule = cp.Extraterritorial(
    ...     by="CHN",
    ...     against="USA",
    ...     products="magnet_ndfeb_heavy",
    ...     content=0.001,
    ...     compliance={"JPN": 0.5, "EU27": 0.8},
    ... )
    >>> len(rule.effects(cp.load("rare_earths"), 4).flows) > 1
    True
    """

    content: float | None = None
    technology: Labels | None = None
    severity: float = 1.0
    compliance: float | Mapping[str, float] | tuple[tuple[str, float], ...] = 1.0

    _shares = ("severity", "leakage")

    def _problems(self) -> list[str]:
        problems = super()._problems()
        if self.against is None:
            problems.append("against must name the target")
        if self.content is None and self.technology is None:
            problems.append("give content, technology or both")
        if self.content is not None and not is_share(self.content):
            problems.append(f"content must be a share in [0, 1], got {self.content}")
        stated = [("compliance", self.compliance)]
        if isinstance(self.compliance, tuple):
            stated = [(f"compliance of {area}", share) for area, share in self.compliance]
        problems += [
            f"{name} must be a share in [0, 1], got {share}"
            for name, share in stated
            if not is_share(share)
        ]
        return problems

    def _positions(self, chain: SupplyChain) -> IntArray:
        index = index_of(chain)
        target = index.in_areas(chain, self.against)
        edges = index.crossing(target, sold=False)
        if self.products is not None:
            edges = edges[index.in_products(chain, self.products)[index.edge_product[edges]]]
        seller = index.seller_area[edges]
        abroad = self._inside(chain)[index.supplier[edges]] & ~target[seller]
        return edges[index.in_areas(chain, self.by)[seller] | abroad]

    def _inside(self, chain: SupplyChain) -> BoolArray:
        """Return which sites make goods that hold, or are made with, what is the owner's."""
        found = np.zeros(len(index_of(chain).is_market), dtype=bool)
        if self.content is not None:
            found |= content_of_nodes(chain, self.by) >= max(self.content, _TRACE)
        if self.technology is not None:
            found |= technology_of_nodes(chain, self.by, self.technology)
        return found

    def unmatched(self, chain: SupplyChain) -> list[str]:
        """Return what was asked for and matches nothing in `chain`, in words."""
        parts = [
            replace(self, against=against, products=product)
            for against in words(self.against)
            for product in words(self.products)
        ]
        return [str(part._query()) for part in parts if not part.matches(chain)]

    def _nothing(self, chain: SupplyChain) -> str:
        if self.content is None:
            return super()._nothing(chain)
        index = index_of(chain)
        target = index.in_areas(chain, self.against)
        edges = index.crossing(target, sold=False)
        if self.products is not None:
            edges = edges[index.in_products(chain, self.products)[index.edge_product[edges]]]
        most = content_of_nodes(chain, self.by)[index.supplier[edges]].max(initial=0.0)
        return (
            f"{super()._nothing(chain)} The suppliers of {listed([*map(str, words(self.against))])}"
            f" hold a content of at most {most:.3g}, asked for are {self.content:g}."
        )

    def _compliance(self, chain: SupplyChain) -> FloatArray:
        """Return the share that suppliers of each area comply with."""
        index = index_of(chain)
        if not isinstance(self.compliance, tuple):
            shares = np.full(len(index.areas), float(self.compliance))  # type: ignore[arg-type]
        else:
            shares = np.ones(len(index.areas))
            # Blocs first: an area's own share holds.
            for name, share in sorted(self.compliance, key=lambda pair: pair[0] in index.areas):
                shares[index.in_areas(chain, name)] = share
        shares[index.in_areas(chain, self.by)] = 1.0
        return shares

    def effects(self, chain: SupplyChain, horizon: int) -> Effects:
        """Return the caps on the flows that are reached, one effect per degree of compliance."""
        edges = self._matched(chain)
        shares = self._compliance(chain)[index_of(chain).seller_area[edges]]
        caps = [
            self._cap(
                edges[shares == share], self._profile(horizon, inside=1.0 - self.severity * share)
            )
            for share in np.unique(shares[shares > 0]).tolist()
        ]
        return Effects(flows=tuple(caps))
