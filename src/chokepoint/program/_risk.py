"""How much the worst cases weigh: conditional value at risk of discrete losses."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chokepoint.errors import OptionError

__all__ = ["CVaR"]

FloatArray = NDArray[np.float64]

# Fewer losses than this in the tail, and the mean of the tail is little more than its largest.
_IN_THE_TAIL = 10


@dataclass(frozen=True)
class CVaR:
    r"""Weigh the mean of the worst cases beside the mean of all.

    .. math::
        (1 - \lambda)\, \mathbb E[L] + \lambda\, \text{CVaR}_\beta(L), \qquad
        \text{CVaR}_\beta(L) = \min_\eta\ \eta + \tfrac{1}{1-\beta}\, \mathbb E[(L - \eta)^+],

    the mean of the worst share :math:`1 - \beta` of cases (Rockafellar and Uryasev, 2000).

    Parameters
    ----------
    level : float
        :math:`\beta`, from 0 (the mean) to below 1; 0.9 is the mean of the worst tenth.
    weight : float
        :math:`\lambda`, from 0 (the mean alone) to 1 (the worst cases alone).

    Raises
    ------
    OptionError
        If level or weight is out of range.

    Examples
    --------
    >>> from chokepoint.program import CVaR
    >>> risk = CVaR(0.8, weight=0.5)
    >>> risk.tail_mean([10.0, 20.0, 50.0], [0.6, 0.3, 0.1])
    35.0
    >>> risk.value([10.0, 20.0, 50.0], [0.6, 0.3, 0.1])
    26.0
    """

    level: float
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.level < 1:
            raise OptionError(f"Expected a level from 0 to below 1, got {self.level}.")
        if not 0 <= self.weight <= 1:
            raise OptionError(f"Expected a weight from 0 to 1, got {self.weight}.")

    @property
    def cases_needed(self) -> int:
        """Number of equally likely cases that leaves ten in the tail: 10 / (1 - level)."""
        return math.ceil(round(_IN_THE_TAIL / (1.0 - self.level), 9))

    def tail_shares(self, losses: ArrayLike, probabilities: ArrayLike) -> FloatArray:
        """Return the probability of each loss within the tail, over the mass of the tail.

        Parameters
        ----------
        losses, probabilities : array-like (cases,)
            Losses of at least 0; where probabilities add up to less than 1, the rest stands
            for a loss of 0.
        """
        loss, mass = (np.asarray(given, dtype=np.float64) for given in (losses, probabilities))
        order = np.argsort(-loss, kind="stable")
        before = np.concatenate([[0.0], np.cumsum(mass[order])[:-1]])
        inside = np.clip((1.0 - self.level) - before, 0.0, mass[order])
        shares = np.zeros(len(loss))
        shares[order] = inside / (1.0 - self.level)
        return shares

    def tail_mean(self, losses: ArrayLike, probabilities: ArrayLike) -> float:
        """Return the mean of the worst cases."""
        shares = self.tail_shares(losses, probabilities)
        return float(shares @ np.asarray(losses, dtype=np.float64))

    def weights(self, losses: ArrayLike, probabilities: ArrayLike) -> FloatArray:
        """Return the weight of each case in :meth:`value`."""
        mass = np.asarray(probabilities, dtype=np.float64)
        tail = self.tail_shares(losses, mass)
        return np.asarray((1.0 - self.weight) * mass + self.weight * tail)

    def value(self, losses: ArrayLike, probabilities: ArrayLike) -> float:
        """Return the weighted mean of all cases and of the worst ones."""
        loss = np.asarray(losses, dtype=np.float64)
        return float(self.weights(loss, probabilities) @ loss)
