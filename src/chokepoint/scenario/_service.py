"""Denial of services: capacity that decays without spare parts, software or maintenance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.scenario._effects import CapacityEffect, Effects, FlowEffect
from chokepoint.scenario._event import FlowEvent, is_share, is_whole
from chokepoint.scenario._index import IntArray, index_of, listed

__all__ = ["ServiceDenial"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ServiceDenial(FlowEvent):
    r"""Deny a service; the capacity of sites that use it decays week after week.

    The flows of the service are capped at ``1 - severity`` of their baseline. What that does to
    the buyers depends on their slot:

    * where ``inputs.decay_weekly`` of the slot is above 0, the weekly model itself lets capacity
      decay with what is missing, and wins it back over ``inputs.repair_weeks``; `decay` and
      `repair_weeks` of the event are not used;
    * elsewhere the event says how fast capacity decays. With :math:`\sigma_g` the share of slot
      :math:`g` that the denied flows fill, a site loses each week

      .. math:: d = 1 - \prod_g (1 - \text{decay} \cdot \text{severity} \cdot \sigma_g)

      of what it has left: its capacity is :math:`(1 - d)^k` after :math:`k` weeks of denial, that
      is in week ``start + k``. After the end of the event it returns to 1 in a straight line
      over `repair_weeks`.

    A service that production cannot do without for a single week is no matter of decay: give
    its slot a criticality, and ban it. The slot of a service that decays should have
    criticality 0, else the missing service stops production at once as well.

    Parameters
    ----------
    by, against
        As for :class:`ExportBan`.
    products : str or sequence of str
        The services: products or groups; needed.
    severity : float
        Share of the baseline flow that is denied, in [0, 1].
    decay : float, optional
        Share of capacity lost per week where all of the slot is denied, in [0, 1]; needed for
        slots without ``decay_weekly``.
    repair_weeks : int
        Weeks after the event in which capacity returns; 0 = at once.
    start, weeks : int
        As for every :class:`Event`.

    Examples
    --------
    >>> from chokepoint.scenario import ServiceDenial
    >>> ServiceDenial(by="NLD", against="CHN", products="litho_service", decay=0.01).label
    'ServiceDenial litho_service: NLD -> CHN'
    """

    severity: float = 1.0
    decay: float | None = None
    repair_weeks: int = 26

    _shares = ("severity",)

    def _problems(self) -> list[str]:
        problems = []
        if self.products is None:
            problems.append("products must name the services")
        if self.decay is not None and not is_share(self.decay):
            problems.append(f"decay must be a share in [0, 1], got {self.decay}")
        if not is_whole(self.repair_weeks, least=0):
            problems.append(f"repair_weeks must be a whole number >= 0, got {self.repair_weeks}")
        return problems

    def effects(self, chain: SupplyChain, horizon: int) -> Effects:
        """Return the caps on the service, and the decay that the weekly model does not do."""
        edges = self._matched(chain)
        allowed = self._profile(horizon, inside=1.0 - self.severity)
        sites, loss = self._losses(chain, edges)
        decay = [
            CapacityEffect(sites[loss == share], self._path(share, horizon))
            for share in np.unique(loss[loss > 0]).tolist()
        ]
        return Effects(capacity=tuple(decay), flows=(FlowEffect(edges, allowed, label=self.label),))

    def _losses(self, chain: SupplyChain, edges: IntArray) -> tuple[IntArray, FloatArray]:
        """Return the sites whose decay is up to the event, and the share they lose per week."""
        index, (slot, share, decays) = index_of(chain), _slots(chain)
        mine = index.live & ~index.is_market[index.buyer] & ~decays[slot]
        edges = edges[mine[edges]]
        if not len(edges):
            return np.empty(0, dtype=np.intp), np.empty(0)
        if self.decay is None:
            keys = chain.slots.index[np.unique(slot[edges])]
            raise OptionError(
                f"{self.label}: expected decay, the share of capacity lost per week, for slots "
                f"without decay_weekly: {listed([f'{key[1]} of {key[0]}' for key in keys])}. "
                "Give decay to the event, or decay_weekly to the inputs."
            )
        denied, place = np.unique(slot[edges], return_inverse=True)
        part = np.minimum(np.bincount(place, share[edges]), 1.0)
        buyer = np.zeros(len(denied), dtype=np.intp)
        buyer[place] = index.buyer[edges]
        sites, owner = np.unique(buyer, return_inverse=True)
        kept = np.ones(len(sites))
        np.multiply.at(kept, owner, 1.0 - self.decay * self.severity * part)
        return sites, 1.0 - kept

    def _path(self, loss: float, horizon: int) -> FloatArray:
        """Return the capacity of a site that loses a share of it each week of the event."""
        factor = np.ones(horizon)
        end = self._end(horizon)
        denied = np.arange(max(0, end - self.start))
        factor[self.start : end] = (1.0 - loss) ** denied
        if self.weeks is not None:
            lowest = (1.0 - loss) ** self.weeks
            repaired = np.arange(self.repair_weeks) / max(self.repair_weeks, 1)
            back = lowest + (1.0 - lowest) * repaired
            stop = min(horizon, end + self.repair_weeks)
            factor[end:stop] = back[: max(0, stop - end)]
        return factor


def _slots(chain: SupplyChain) -> tuple[IntArray, FloatArray, NDArray[np.bool_]]:
    """Return slot and share of each flow, and which slots decay in the weekly model."""
    index = index_of(chain)
    if "slots" not in index.derived:
        edges, slots = chain.edges, chain.slots
        keys = pd.MultiIndex.from_frame(edges[["buyer", "slot"]])
        slot = np.asarray(slots.index.get_indexer(keys), dtype=np.intp)
        need = slots["need"].to_numpy(dtype=float)[slot]
        filled = (edges["quantity"] / edges["recipe"]).to_numpy(dtype=float)
        share = np.divide(filled, need, out=np.zeros(len(edges)), where=need > 0)
        decays = slots["decay_weekly"].to_numpy(dtype=float) > 0
        index.derived["slots"] = (slot, share, decays)
    found: tuple[IntArray, FloatArray, NDArray[np.bool_]] = index.derived["slots"]
    return found
