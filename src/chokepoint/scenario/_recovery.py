"""How lost capacity returns: the share of the loss that is left, week by week."""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

__all__ = ["CURVES", "Recovery", "remaining"]

Recovery = Literal["linear", "exponential", "s_shaped", "rebuild"]
CURVES: tuple[str, ...] = get_args(Recovery)

# A plain exponential of this rate would leave a twentieth of the loss at the end.
_RATE = math.log(20.0)


def remaining(curve: Recovery, weeks: int) -> NDArray[np.float64]:
    """Return the share of the loss left in the 1st, 2nd, ... week of a recovery of `weeks` weeks.

    The time ``tau = k / (weeks + 1)`` runs from 0 in the last week of the outage, where all of
    the loss is there, to 1 in the week after the recovery, where none is.

    Examples
    --------
    >>> remaining("linear", 3).tolist()
    [0.75, 0.5, 0.25]
    """
    tau = np.arange(1, weeks + 1) / (weeks + 1)
    if curve == "exponential":
        left: NDArray[np.float64] = (np.exp(-_RATE * tau) - 1 / 20) / (1 - 1 / 20)
        return left
    if curve == "s_shaped":
        return np.asarray(1.0 - tau**2 * (3.0 - 2.0 * tau))
    return np.asarray(1.0 - tau)
