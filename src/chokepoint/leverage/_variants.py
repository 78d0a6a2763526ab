"""Chains with one assumption changed: the stressed case and the one-at-a-time table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from chokepoint.chain import SupplyChain
from chokepoint.datasets._what_if import End, Moves, WhatIf, end_of, moved_shares
from chokepoint.leverage._memory import kept
from chokepoint.propagate import Behaviour, Outcome, simulate
from chokepoint.propagate._recorder import Record
from chokepoint.propagate._simulate import Precision
from chokepoint.resilience._stress import with_thin_stocks
from chokepoint.scenario import Scenario

__all__ = ["Variant", "one_at_a_time", "stressed", "variants"]

Owners = Mapping[str, tuple[Sequence[str], Sequence[str]]]

ENDS: tuple[End, End] = ("low", "high")
_OF_INPUTS = {
    "stock_weeks": "stock cover",
    "use_share": "use share",
    "criticality": "criticality",
    "qualification_weeks": "qualification time",
}
_SHARES = ("use_share", "criticality")
_THROTTLE = {
    "low": "1 week: full output until stock is gone",
    "high": "stock + 1 weeks: slows down at once",
}
_GROWTH = {
    "low": (0.0, "no growth before qualification"),
    "high": (2.0, "twice the growth before qualification"),
}


@dataclass(frozen=True)
class Variant:
    """One assumption at one end of its range.

    Attributes
    ----------
    assumption : str
        Name of the assumption.
    end : {"low", "high"}
        Which end.
    setting : str
        What it was set to, in words.
    chain : SupplyChain
        The chain with that setting.
    behaviour : Behaviour
        Settings of the run.
    """

    assumption: str
    end: End
    setting: str
    chain: SupplyChain
    behaviour: Behaviour


@dataclass(frozen=True)
class _Change:
    """What a variant changes: columns of the chain, or the behaviour."""

    assumption: str
    end: End
    setting: str
    moves: Moves
    behaviour: Behaviour


def stressed(chain: SupplyChain) -> SupplyChain:
    """Return the chain with stocks at their low and sites that slow down as stock falls.

    ``stock_weeks`` becomes ``stock_weeks_low`` (half the value where no range is stated) and
    ``throttle_weeks`` becomes ``1 + stock_weeks``. Together with a run without switching
    this is the *stressed* figure of the band [planner, reference, stressed].

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.leverage import stressed
    >>> chain = cp.load("rare_earths")
    >>> bool((stressed(chain).slots["stock_weeks"] <= chain.slots["stock_weeks"]).all())
    True
    """
    return with_thin_stocks(chain)


def variants(
    chain: SupplyChain,
    behaviour: Behaviour,
    *,
    owner: tuple[str, ...],
    products: tuple[str, ...],
) -> Iterator[Variant]:
    """Yield the chain with each deciding assumption at its low and its high end.

    The owner's shares are moved for `products` only, the goods that are banned.
    """
    numbers = WhatIf(chain)
    for one in _changes(chain, behaviour, {"the owner": (owner, products)}):
        moved = numbers.chain_of(one.moves) if one.moves else chain
        yield Variant(one.assumption, one.end, one.setting, moved, one.behaviour)


def one_at_a_time(
    chain: SupplyChain,
    scenarios: Sequence[Scenario],
    *,
    weeks: int,
    behaviour: Behaviour | None = None,
    owners: Owners | None = None,
    dtype: Precision = "float64",
    progress: bool | None = None,
    record: Record = "country",
) -> dict[tuple[str, End], tuple[Outcome, int, str]]:
    """Run scenarios with one assumption at a time moved to the ends of its range.

    All that change the chain run in one batch.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    scenarios : sequence of Scenario
        What happens.
    weeks : int
        Length of the runs.
    behaviour : Behaviour, optional
        Settings of the reference run.
    owners : mapping of name to (areas, products), optional
        Owners whose outputs are moved as well, for these products, each on its own.
    dtype : {"float64", "float32"}
        Precision of the runs.
    progress : bool, optional
        Show progress bars.
    record : {"country", "site", "all"}
        What is kept of the runs.

    Returns
    -------
    dict
        By (assumption, end): the outcome in which it ran, its number among the draws of that
        outcome, and what the assumption was set to.
    """
    settings = behaviour or Behaviour()
    changes = list(_changes(chain, settings, owners or {}))
    options: dict[str, Any] = {
        "weeks": weeks, "record": record, "dtype": dtype, "progress": progress,
    }  # fmt: skip
    found = {}
    for used in dict.fromkeys(one.behaviour for one in changes):
        same = [one for one in changes if one.behaviour == used]
        draws = WhatIf(chain).draws([one.moves for one in same])
        outcome = simulate(draws, scenarios, behaviour=used, **options)
        for place, one in enumerate(same):
            found[one.assumption, one.end] = (outcome, place, one.setting)
    return found


def _changes(chain: SupplyChain, behaviour: Behaviour, owners: Owners) -> Iterator[_Change]:
    flows = chain._tables["flows"]["growth_max"].to_numpy(dtype=float)
    stock = chain._tables["inputs"]["stock_weeks"].to_numpy(dtype=float)
    faster = min(1.0, 2.0 * behaviour.speed)
    switching = {
        "low": ("none", replace(behaviour, switching=False)),
        "high": ("twice as fast", replace(behaviour, switching=True, speed=faster)),
    }
    for end in ENDS:
        for column, words in _OF_INPUTS.items():
            values = end_of(chain, column, end)
            values = values.clip(0.0, 1.0) if column in _SHARES else values
            yield _Change(words, end, f"{end} end of {column}", {column: values}, behaviour)
        throttle = stock * 0.0 + 1.0 if end == "low" else 1.0 + stock
        yield _Change("throttle", end, _THROTTLE[end], {"throttle_weeks": throttle}, behaviour)
        factor, words = _GROWTH[end]
        yield _Change("growth of suppliers", end, words, {"growth_max": flows * factor}, behaviour)
        yield _Change("supplier switching", end, switching[end][0], {}, switching[end][1])
        for name, (areas, products) in owners.items():
            words = f"{end} end of the outputs of {name}, product totals kept"
            key = ("moved shares", tuple(areas), tuple(products), end)
            moves = kept(chain, key, partial(moved_shares, chain, areas, products, end))
            yield _Change(f"shares of {name}", end, words, moves, behaviour)
        added = end_of(chain, "value_added_share", end).clip(0.0, 1.0)
        words = f"{end} end of value_added_share"
        yield _Change("value added", end, words, {"value_added_share": added}, behaviour)
