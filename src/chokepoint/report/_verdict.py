"""Whether a figure supports a statement: one rule for every row of the ledger."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["NEEDED", "RULE", "Verdict", "decide"]

Word = Literal["supports", "contradicts", "cannot decide", "not tested"]

ORDER_OF_MAGNITUDE = 10.0
NEEDED = ("band", "interval", "one at a time")
RULE = (
    "A statement sets a threshold for a figure. The figure is compared in the reference case, at "
    "both ends of the band (planner and stressed), at both ends of the interval and with each "
    "assumption at each end of its range. If any two of these values differ in sign or by a "
    "factor of ten or more, the verdict is 'cannot decide', unless all of them stay below a tenth "
    "of the threshold. Otherwise it is 'supports' where all "
    "of them reach the threshold, 'contradicts' where none does, and 'cannot decide' where some "
    "do. Where one of the three tests was not run and the others do not already disagree, the "
    "statement is 'not tested'. Values below a thousandth of the threshold count as zero."
)


@dataclass(frozen=True)
class Verdict:
    """A verdict and what decided it.

    Attributes
    ----------
    word : {"supports", "contradicts", "cannot decide", "not tested"}
        The verdict.
    decided_by : str
        The value that stands farthest from the reference, or what is missing.
    """

    word: Word
    decided_by: str


def decide(
    reference: float, tests: Mapping[str, Mapping[str, float]], *, threshold: float
) -> Verdict:
    """Return the verdict on "the figure is at least `threshold`"; the rule is :data:`RULE`.

    Parameters
    ----------
    reference : float
        The figure in the reference case.
    tests : mapping of name to values
        For each of :data:`NEEDED`, the values by name; blank values do not count, and a test
        without values was not run.
    threshold : float
        Positive; in the unit of the figure.

    Examples
    --------
    >>> tests = {
    ...     "band": {"planner": 3.0, "stressed": 8.0},
    ...     "interval": {"low": 4.0, "high": 6.0},
    ...     "one at a time": {"stock low": 7.0},
    ... }
    >>> decide(5.0, tests, threshold=2.0).word
    'supports'
    >>> decide(5.0, {**tests, "band": {"planner": 0.0, "stressed": 8.0}}, threshold=2.0)
    Verdict(word='cannot decide', decided_by='planner')
    """
    known = {
        name: {label: value for label, value in values.items() if not math.isnan(value)}
        for name, values in tests.items()
    }
    floor = threshold / 1000.0
    values = {"reference": reference}
    values.update({label: value for held in known.values() for label, value in held.items()})
    values = {label: 0.0 if abs(value) < floor else value for label, value in values.items()}
    outlier = _outlier(values)
    far_below = max(values.values()) < threshold / ORDER_OF_MAGNITUDE
    if _flips(list(values.values())) and not far_below:
        return Verdict("cannot decide", outlier)
    reached = [value >= threshold for value in values.values()]
    if any(reached) and not all(reached):
        return Verdict("cannot decide", outlier)
    missing = [name for name in NEEDED if not known.get(name)]
    if missing:
        return Verdict("not tested", "no " + ", no ".join(missing))
    return Verdict("supports" if all(reached) else "contradicts", outlier)


def _flips(values: list[float]) -> bool:
    """Return whether sign or order of magnitude differs between any two values."""
    low, high = min(values), max(values)
    if low == high:
        return False
    if low <= 0.0 <= high:
        return True
    ratio = high / low if low > 0 else low / high
    return ratio >= ORDER_OF_MAGNITUDE


def _outlier(values: Mapping[str, float]) -> str:
    """Return the label whose value stands farthest from the reference, by ratio."""
    reference = values["reference"]
    others = {label: value for label, value in values.items() if label != "reference"}
    if not others:
        return ""

    def distance(value: float) -> float:
        if value * reference <= 0:
            return math.inf if value != reference else 0.0
        return abs(math.log(value / reference))

    return max(others, key=lambda label: distance(others[label]))
