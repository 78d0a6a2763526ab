"""Chains with one assumption changed: the stressed case and the one-at-a-time table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.datasets import with_outputs
from chokepoint.propagate import Behaviour

__all__ = ["Variant", "stressed", "variants"]

End = Literal["low", "high"]

ENDS: tuple[End, End] = ("low", "high")
_OF_INPUTS = {
    "stock_weeks": "stock cover",
    "use_share": "use share",
    "criticality": "criticality",
    "qualification_weeks": "qualification time",
}
_THROTTLE = {
    "low": "1 week: full output until stock is gone",
    "high": "stock + 1 weeks: slows down at once",
}
_GROWTH = {
    "low": (0.0, "no growth before qualification"),
    "high": (2.0, "twice the growth before qualification"),
}

# Where a row states no range: half and one and a half times its value (grade D).
_DEFAULT_SPREAD = {"low": 0.5, "high": 1.5}


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
    inputs = chain.inputs
    inputs["stock_weeks"] = _end(inputs, "stock_weeks", "low")
    inputs["throttle_weeks"] = 1.0 + inputs["stock_weeks"]
    return chain.replace(inputs=_without_ranges(inputs, "stock_weeks", "throttle_weeks"))


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
    for end in ENDS:
        for column, words in _OF_INPUTS.items():
            yield Variant(
                words, end, f"{end} end of {column}", _moved(chain, column, end), behaviour
            )
        yield Variant("throttle", end, _THROTTLE[end], _throttled(chain, end), behaviour)
        yield Variant("growth of suppliers", end, _GROWTH[end][1], _grown(chain, end), behaviour)
        yield Variant("supplier switching", end, *_switching(chain, behaviour, end))
        yield Variant("shares of the owner", end, f"{end} end of the owner's outputs, product "
                      "totals kept", _shared(chain, owner, products, end), behaviour)  # fmt: skip
        yield Variant("value added", end, f"{end} end of value_added_share",
                      _valued(chain, end), behaviour)  # fmt: skip


def _end(table: pd.DataFrame, column: str, end: End) -> pd.Series:
    stated = table[f"{column}_{end}"]
    return stated.fillna(table[column] * _DEFAULT_SPREAD[end])


def _without_ranges(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Blank the ranges of columns that were moved, so that value and range cannot disagree."""
    for column in columns:
        table[[f"{column}_low", f"{column}_high"]] = float("nan")
    return table


def _moved(chain: SupplyChain, column: str, end: End) -> SupplyChain:
    inputs = chain.inputs
    values = _end(inputs, column, end)
    inputs[column] = values.clip(0.0, 1.0) if column in ("use_share", "criticality") else values
    moved = [column]
    if column == "stock_weeks":
        inputs["throttle_weeks"] = inputs["throttle_weeks"].clip(upper=1.0 + values)
        moved.append("throttle_weeks")
    return chain.replace(inputs=_without_ranges(inputs, *moved))


def _throttled(chain: SupplyChain, end: End) -> SupplyChain:
    inputs = chain.inputs
    inputs["throttle_weeks"] = 1.0 if end == "low" else 1.0 + inputs["stock_weeks"]
    return chain.replace(inputs=_without_ranges(inputs, "throttle_weeks"))


def _grown(chain: SupplyChain, end: End) -> SupplyChain:
    flows = chain.flows
    flows["growth_max"] *= _GROWTH[end][0]
    return chain.replace(flows=flows)


def _switching(
    chain: SupplyChain, behaviour: Behaviour, end: End
) -> tuple[str, SupplyChain, Behaviour]:
    if end == "low":
        return "none", chain, replace(behaviour, switching=False)
    faster = min(1.0, 2.0 * behaviour.speed)
    return "twice as fast", chain, replace(behaviour, switching=True, speed=faster)


def _shared(
    chain: SupplyChain, owner: tuple[str, ...], products: tuple[str, ...], end: End
) -> SupplyChain:
    sites = chain.sites.set_index("site")
    mine = sites["country"].isin(owner) & sites["product"].isin(products)
    stated = sites[end].where(mine).fillna(sites["output_qty"])
    return with_outputs(chain, stated, fixed=mine)


def _valued(chain: SupplyChain, end: End) -> SupplyChain:
    sites = chain.sites
    sites["value_added_share"] = _end(sites, "value_added_share", end).clip(0.0, 1.0)
    return chain.replace(sites=_without_ranges(sites, "value_added_share"))
