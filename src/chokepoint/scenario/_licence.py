"""Licences: exports that wait for papers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chokepoint.chain import SupplyChain
from chokepoint.scenario._effects import Effects, LicenceEffect
from chokepoint.scenario._event import FlowEvent, is_amount, is_whole

__all__ = ["Licence"]


@dataclass(frozen=True, kw_only=True)
class Licence(FlowEvent):
    """Make exports wait for a licence: a delay, a refused share, and catching up afterwards.

    Orders join a queue. Nothing is released during the review; then at most
    `clearing` times the baseline flow passes each week until the queue is empty
    (step 2b of the weekly model).

    Parameters
    ----------
    by, against, products
        As for :class:`ExportBan`.
    review_weeks : int
        Weeks until the first licences are granted.
    refused : float
        Share of orders refused for good, in [0, 1].
    clearing : float
        Largest weekly release after the review, as a multiple of the baseline flow.
    release : sequence of float, optional
        Allowed release in each week of the event as a share of the baseline flow, for
        feeding observed exports; replaces `review_weeks` and `clearing`. Its last value
        holds for the rest of the event.
    goods_weeks : float
        Weeks of baseline flow the exporter makes and holds while papers wait.
    start, weeks : int
        As for every :class:`Event`.

    Examples
    --------
    >>> from chokepoint.scenario import Licence
    >>> Licence(by="CHN", products="magnet_ndfeb_heavy", review_weeks=9, refused=0.2).label
    'Licence magnet_ndfeb_heavy: CHN -> others'
    """

    review_weeks: int = 9
    refused: float = 0.0
    clearing: float = 1.5
    release: Sequence[float] | None = None
    goods_weeks: float = 4.0

    _shares = ("refused",)

    def _problems(self) -> list[str]:
        problems = []
        if not is_whole(self.review_weeks, least=0):
            problems.append(f"review_weeks must be a whole number >= 0, got {self.review_weeks}")
        if not is_amount(self.clearing):
            problems.append(f"clearing must be a share of baseline >= 0, got {self.clearing}")
        if not is_amount(self.goods_weeks):
            problems.append(f"goods_weeks must be a number >= 0, got {self.goods_weeks}")
        if self.release is not None and not (
            len(self.release) and all(is_amount(share) for share in self.release)
        ):
            problems.append(f"release must hold shares of baseline >= 0, got {self.release}")
        return problems

    def effects(self, chain: SupplyChain, horizon: int) -> Effects:
        """Return the queue on the licensed flows."""
        edges = self._matched(chain)
        release = self._profile(horizon, inside=self.clearing, outside=np.inf)
        end = self._end(horizon)
        if self.release is None:
            release[self.start : min(end, self.start + self.review_weeks)] = 0.0
        else:
            stated = np.asarray(self.release, dtype=float)
            weeks = np.arange(max(0, end - self.start))
            release[self.start : end] = stated[np.minimum(weeks, len(stated) - 1)]
        effect = LicenceEffect(edges, release, self.refused, self.goods_weeks)
        return Effects(licences=(effect,))
