"""Tariffs: what crosses the border costs more."""

from __future__ import annotations

from dataclasses import dataclass

from chokepoint.chain import SupplyChain
from chokepoint.scenario._effects import Effects, TariffEffect
from chokepoint.scenario._event import FlowEvent, is_amount

__all__ = ["Tariff"]


@dataclass(frozen=True, kw_only=True)
class Tariff(FlowEvent):
    r"""Charge a share of the value of imports; tariffs on one flow add up.

    The cost in a week is :math:`\sum_e \text{rate}\; p_e q_e`, with :math:`q_e` the goods that
    leave the supplier and :math:`p_e` the supplier's baseline price. Quantities do not react:
    that belongs to programs that optimise, not to the weekly model.

    Parameters
    ----------
    by : str or sequence of str
        Importing areas or blocs, which collect the tariff.
    against : str or sequence of str, optional
        Exporting areas or blocs; None = everyone else.
    products : str or sequence of str, optional
        Products or groups; None = everything.
    rate : float
        Share of the value at baseline prices, at least 0; 0.25 = 25 per cent.
    start, weeks : int
        As for every :class:`Event`.

    Examples
    --------
    >>> from chokepoint.scenario import Tariff
    >>> Tariff(by="USA", against="CHN", products="magnet_ndfeb", rate=0.25).label
    'Tariff magnet_ndfeb: CHN -> USA'
    """

    rate: float

    _owner_sells = False

    def _problems(self) -> list[str]:
        if is_amount(self.rate):
            return []
        return [f"rate must be a number >= 0 [share of the value], got {self.rate}"]

    def effects(self, chain: SupplyChain, horizon: int) -> Effects:
        """Return the tariff on the imports."""
        rate = self._profile(horizon, inside=self.rate, outside=0.0)
        return Effects(tariffs=(TariffEffect(self._matched(chain), rate, label=self.label),))
