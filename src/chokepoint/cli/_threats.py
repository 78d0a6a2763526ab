"""Options of the commands that plan: threats, targets, time, what is on offer."""

from __future__ import annotations

import argparse
from typing import Any

from chokepoint.cli._options import amount, amounts, count, names
from chokepoint.cli._shocks import add_shocks
from chokepoint.errors import OptionError

__all__ = ["add_threats", "planning"]


def add_threats(parser: argparse.ArgumentParser) -> None:
    """Add what a plan is made against, and what for."""
    add_shocks(parser)
    parser.add_argument(
        "--probabilities",
        metavar="P,P",
        type=amounts,
        help="weights of the threats in their order (default: those of the file, or equal ones)",
    )
    parser.add_argument(
        "--targets",
        metavar="AREAS",
        type=names,
        help="areas or blocs whose losses count (default: all)",
    )
    parser.add_argument(
        "--weeks", metavar="N", type=count, default=52, help="weeks (default: %(default)s)"
    )
    parser.add_argument(
        "--period",
        metavar="N",
        type=count,
        default=4,
        help="weeks in a period of the program (default: %(default)s)",
    )
    parser.add_argument(
        "--notice",
        metavar="N",
        type=amount,
        default=104.0,
        help="weeks between the decision and the threats (default: 104)",
    )
    parser.add_argument(
        "--kinds", metavar="KINDS", type=names, help="kinds of measures on offer (default: all)"
    )


def planning(
    arguments: argparse.Namespace, weights: dict[str, float] | None, number: int
) -> dict[str, Any]:
    """Return the keywords of :func:`chokepoint.plan` that the options stand for."""
    if arguments.period < 1:
        raise OptionError("--period: expected at least 1 week, got 0.")
    given: dict[str, Any] = {
        "weeks": arguments.weeks,
        "period": arguments.period,
        "targets": arguments.targets,
        "notice": arguments.notice,
        "probabilities": weights,
    }
    if arguments.probabilities is not None:
        if len(arguments.probabilities) != number:
            raise OptionError(
                f"--probabilities: expected {number}, one for each threat, got "
                f"{len(arguments.probabilities)}."
            )
        given["probabilities"] = arguments.probabilities
    if arguments.kinds:
        given["kinds"] = arguments.kinds
    return given
