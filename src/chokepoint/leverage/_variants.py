"""Chains with one assumption changed: the stressed case and the one-at-a-time table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.datasets import with_outputs
from chokepoint.propagate import Behaviour

__all__ = ["Variant", "stressed", "variants"]

End = Literal["low", "high"]

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
    chain: SupplyChain, behaviour: Behaviour, *, owner: tuple[str, ...]
) -> Iterator[Variant]:
    """Yield the chain with each deciding assumption at its low and its high end."""
    for column in ("stock_weeks", "use_share", "criticality", "qualification_weeks"):
        for end in ("low", "high"):
            yield _of_inputs(chain, behaviour, column, end)  # type: ignore[arg-type]
    yield from _of_throttle(chain, behaviour)
    yield from _of_growth(chain, behaviour)
    yield from _of_switching(chain, behaviour)
    yield from _of_shares(chain, behaviour, owner)
    yield from _of_value_added(chain, behaviour)


def _end(table: pd.DataFrame, column: str, end: End) -> pd.Series:
    stated = table[f"{column}_{end}"]
    return stated.fillna(table[column] * _DEFAULT_SPREAD[end])


def _without_ranges(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Blank the ranges of columns that were moved, so that value and range cannot disagree."""
    for column in columns:
        table[[f"{column}_low", f"{column}_high"]] = float("nan")
    return table


def _of_inputs(chain: SupplyChain, behaviour: Behaviour, column: str, end: End) -> Variant:
    inputs = chain.inputs
    values = _end(inputs, column, end)
    if column in ("use_share", "criticality"):
        values = values.clip(0.0, 1.0)
    inputs[column] = values
    moved = [column]
    if column == "stock_weeks":
        inputs["throttle_weeks"] = inputs["throttle_weeks"].clip(upper=1.0 + values)
        moved.append("throttle_weeks")
    words = {
        "stock_weeks": "stock cover",
        "use_share": "use share",
        "criticality": "criticality",
        "qualification_weeks": "qualification time",
    }
    return Variant(
        words[column],
        end,
        f"{end} end of {column}",
        chain.replace(inputs=_without_ranges(inputs, *moved)),
        behaviour,
    )


def _of_throttle(chain: SupplyChain, behaviour: Behaviour) -> Iterator[Variant]:
    settings: dict[End, Callable[[pd.DataFrame], pd.Series]] = {
        "low": lambda inputs: inputs["stock_weeks"] * 0.0 + 1.0,
        "high": lambda inputs: inputs["stock_weeks"] + 1.0,
    }
    texts = {"low": "1 week: full output to the last", "high": "stock + 1: slows down at once"}
    for end, setting in settings.items():
        inputs = chain.inputs
        inputs["throttle_weeks"] = setting(inputs)
        changed = chain.replace(inputs=_without_ranges(inputs, "throttle_weeks"))
        yield Variant("throttle", end, texts[end], changed, behaviour)


def _of_growth(chain: SupplyChain, behaviour: Behaviour) -> Iterator[Variant]:
    for end, factor in (("low", 0.0), ("high", 2.0)):
        flows = chain.flows
        flows["growth_max"] = flows["growth_max"] * factor
        yield Variant(
            "growth of existing suppliers",
            end,  # type: ignore[arg-type]
            f"{factor:g} times the allowed growth before qualification",
            chain.replace(flows=flows),
            behaviour,
        )


def _of_switching(chain: SupplyChain, behaviour: Behaviour) -> Iterator[Variant]:
    from dataclasses import replace

    off = replace(behaviour, switching=False)
    fast = replace(behaviour, switching=True, speed=min(1.0, 2 * behaviour.speed))
    yield Variant("supplier switching", "low", "none", chain, off)
    yield Variant("supplier switching", "high", "twice as fast", chain, fast)


def _of_shares(
    chain: SupplyChain, behaviour: Behaviour, owner: tuple[str, ...]
) -> Iterator[Variant]:
    """Move the owner's share of each product to its low or high; the product total is kept."""
    sites = chain.sites
    mine = sites["country"].isin(owner)
    for end in ("low", "high"):
        stated = sites[end].where(mine).fillna(sites["output_qty"])
        yield Variant(
            "shares of the owner",
            end,  # type: ignore[arg-type]
            f"{end} end of the owner's output, product totals kept",
            with_outputs(chain, stated, fixed=mine),
            behaviour,
        )


def _of_value_added(chain: SupplyChain, behaviour: Behaviour) -> Iterator[Variant]:
    for end in ("low", "high"):
        sites = chain.sites
        sites["value_added_share"] = _end(sites, "value_added_share", end).clip(0.0, 1.0)  # type: ignore[arg-type]
        changed = chain.replace(sites=_without_ranges(sites, "value_added_share"))
        yield Variant("value added share", end, f"{end} end", changed, behaviour)  # type: ignore[arg-type]
