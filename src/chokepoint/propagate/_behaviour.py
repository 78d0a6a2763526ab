"""How buyers and sellers react: settings shared by all sites."""

from __future__ import annotations

import math
from dataclasses import dataclass

from chokepoint.errors import OptionError

__all__ = ["Behaviour"]


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    r"""Settings of the weekly model that do not belong to one site (steps 8 to 10).

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
    ramp : bool
        Whether sites that cannot meet demand build up capacity to ``ramp_max``.
    frozen_orders : bool
        Whether orders stay at baseline. Cumulative losses are then monotone in the severity
        of capacity shocks; a mode for tests, not a bound.

    Notes
    -----
    The defaults are assumptions (grade C): a buyer reacts to a tenth of an order missing,
    forgets with a half-life of about two and a half weeks and moves a quarter of the way a week.
    """

    switching: bool = True
    trigger: float = 0.1
    memory: float = 0.25
    speed: float = 0.25
    exponent: float = 1.0
    ramp: bool = True
    frozen_orders: bool = False

    def __post_init__(self) -> None:
        wrong = [
            f"{name} must be in [0, 1], got {getattr(self, name)}"
            for name in ("trigger", "memory", "speed")
            if not 0.0 <= getattr(self, name) <= 1.0
        ]
        if not 0.0 <= self.exponent < math.inf:
            wrong.append(f"exponent must be a number >= 0, got {self.exponent}")
        if wrong:
            raise OptionError("Behaviour: " + "; ".join(wrong) + ".")
