"""Formulas of losses that rows of the ledger are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chokepoint.leverage import Losses
from chokepoint.scenario import Scenario

__all__ = ["Formula", "fall_of", "loss_of", "over", "ratio_of", "unmet_of"]

Formula = Callable[..., float]


def loss_of(scenario: Scenario, areas: Sequence[str], weeks: int) -> Formula:
    """Return the formula of the loss of value added of areas or sites [USD million]."""
    return lambda losses: losses.loss(scenario.name, areas, weeks)


def unmet_of(scenario: Scenario, areas: Sequence[str], weeks: int) -> Formula:
    """Return the formula of what areas or markets do not get [USD million]."""
    return lambda losses: losses.unmet(scenario.name, areas, weeks)


def over(formula: Formula, value: float) -> Formula:
    """Return a formula divided by a number."""
    return lambda *losses: formula(*losses) / value


def ratio_of(above: Formula, below: Formula) -> Formula:
    """Return the ratio of two formulas; not a number where the lower one is not above 0."""

    def ratio(*losses: Losses) -> float:
        whole = below(*losses)
        return above(*losses) / whole if whole > 0 else float("nan")

    return ratio


def fall_of(formula: Formula) -> Formula:
    """Return by which share a formula falls from the losses of the chain to those of another."""

    def fall(now: Losses, then: Losses) -> float:
        before = formula(now)
        return 1.0 - formula(then) / before if before > 0 else float("nan")

    return fall
