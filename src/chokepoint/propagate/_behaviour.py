"""How buyers and sellers react: settings shared by all sites."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from chokepoint.errors import OptionError

__all__ = ["REACTIONS", "Behaviour", "reactions"]

REACTIONS = ("trigger", "memory", "speed")
"""Settings that may differ between lanes."""

Rationing = Literal[
    "proportional", "domestic_first", "allies_first", "highest_bidder", "equalising"
]
OrderRule = Literal["use", "desired", "realised"]
OrderShares = Literal["baseline", "capacity"]
Scarcity = Literal["this_week", "last_output"]

_CHOICES = {
    "rationing": get_args(Rationing),
    "order_rule": get_args(OrderRule),
    "order_shares": get_args(OrderShares),
    "scarcity": get_args(Scarcity),
}


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    r"""Settings of the weekly model that do not belong to one site (steps 6 and 8 to 10).

    Parameters
    ----------
    switching : bool
        Whether buyers move orders to other suppliers.
    trigger : float
        Share of an order that must stay unfilled before a buyer starts to look elsewhere.
    memory : float
        Weight :math:`\eta` of the latest week in a supplier's reliability.
    speed : float
        Share :math:`\chi` of the way to the new supplier shares covered each week.
    exponent : float
        Exponent :math:`\theta` of reliability in the new shares.
    discount : float
        How much more attractive a supplier becomes per share of its baseline output that nobody
        orders, while it serves its orders in full. Buyers who are not short then move orders to
        suppliers that others shun; they look elsewhere once the gain exceeds `trigger`. 0 = only
        a shortage moves orders.
    ramp : bool
        Whether sites that cannot meet demand build up capacity to ``ramp_max``.
    frozen_orders : bool
        Whether orders stay at baseline. Cumulative losses are then monotone in the severity
        of capacity shocks; a mode for tests, not a bound.
    rationing : {"proportional", "domestic_first", "allies_first", "highest_bidder", "equalising"}
        Whom a supplier serves when it cannot fill all orders: everybody in the same proportion;
        buyers in its own country first; then those in countries of a common bloc, then the rest;
        buyers whose output is worth most per unit of the input first; or those whose orders have
        grown least, until all are served up to one ratio of order to baseline order.
    alliances : tuple of str, optional
        Blocs whose members are allies; None = every bloc of the chain.
    order_rule : {"use", "desired", "realised"}
        What an order replaces: what was used; what the desired output needs; or what the output
        that came about needs. The last two close gaps of the inventory position in both
        directions, the first never orders less than was used.
    order_shares : {"baseline", "capacity"}
        Whether orders go to suppliers in baseline shares or in proportion to the capacity that
        each has at present. "capacity" replaces switching.
    scarcity : {"this_week", "last_output"}
        Whether ramp-up compares a week's demand with the output of the same week, or with that
        of the week before, both signs counting. "last_output" is what BoARIO 0.7.2 does.

    Notes
    -----
    The defaults are assumptions (grade C): a buyer reacts to a tenth of an order missing,
    forgets with a half-life of about two and a half weeks and moves a quarter of the way a week.
    `discount` is off: it costs time, since every supplier that loses an order then moves others.
    Where goods are shunned it matters: with 2, fitted to the sales of US soybeans to third
    countries in 2018-19, the model also meets those of 2025 (page *How well does it do?*).
    """

    switching: bool = True
    trigger: float = 0.1
    memory: float = 0.25
    speed: float = 0.25
    exponent: float = 1.0
    discount: float = 0.0
    ramp: bool = True
    frozen_orders: bool = False
    rationing: Rationing = "proportional"
    alliances: tuple[str, ...] | None = None
    order_rule: OrderRule = "use"
    order_shares: OrderShares = "baseline"
    scarcity: Scarcity = "this_week"

    def __post_init__(self) -> None:
        wrong = [
            f"{name} must be in [0, 1], got {getattr(self, name)}"
            for name in ("trigger", "memory", "speed")
            if not 0.0 <= getattr(self, name) <= 1.0
        ]
        wrong += [
            f"{name} must be a number >= 0, got {getattr(self, name)}"
            for name in ("exponent", "discount")
            if not 0.0 <= getattr(self, name) < math.inf
        ]
        wrong += self._wrong_choices()
        alliances: Any = self.alliances
        if alliances is not None:
            one = isinstance(alliances, str)
            object.__setattr__(self, "alliances", (alliances,) if one else tuple(alliances))
        if self.order_shares == "capacity" and self.switching:
            wrong.append(
                'order_shares="capacity" moves orders between suppliers by itself; '
                "set switching=False with it"
            )
        if wrong:
            raise OptionError("Behaviour: " + "; ".join(wrong) + ".")

    def scaled(self, *, trigger: float = 1.0, memory: float = 1.0, speed: float = 1.0) -> Behaviour:
        """Return the settings with numbers times factors, inside [0, 1]; 0 and 1 stay.

        This is what each draw of :func:`chokepoint.datasets.draw` is run with.

        Parameters
        ----------
        trigger, memory, speed : float
            Factors, such as a row of ``draws.frame("behaviour")``.

        Examples
        --------
        >>> import chokepoint as cp
        >>> cp.Behaviour(speed=0.25).scaled(speed=1.2).speed
        0.3
        """
        numbers = reactions(self, np.array([[trigger], [memory], [speed]], dtype=np.float64))
        return replace(self, **dict(zip(REACTIONS, numbers[:, 0].tolist(), strict=True)))

    def _wrong_choices(self) -> list[str]:
        return [
            f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}"
            for name, choices in _CHOICES.items()
            if getattr(self, name) not in choices
        ]


def reactions(behaviour: Behaviour, factors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return trigger, memory and speed times their factors (3, lanes); 0 and 1 stay."""
    given = np.array([[getattr(behaviour, name)] for name in REACTIONS], dtype=np.float64)
    inside = (given > 0.0) & (given < 1.0)
    return np.where(inside, np.clip(given * factors, 0.0, 1.0), given)
