"""Assumptions about behaviour that all episodes share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.datasets._drawn_views import DrawnViews
from chokepoint.errors import OptionError
from chokepoint.propagate import Behaviour
from chokepoint.propagate._behaviour import Rationing
from chokepoint.schema import split_list

__all__ = ["Assumptions"]

Columns = dict[str, NDArray[np.float64]]

_REACTIONS = ("trigger", "memory", "speed", "exponent", "discount")
_OWN = ("reorder", "thrift")
_BY_LABEL = {"qualification": 1.0, "leakage": 0.0}
_NAMES = (
    "expected trigger, memory, speed, exponent, discount, reorder, thrift, qualification:LABEL "
    "or leakage:LABEL, got {name!r}"
)
_LEAKAGE = {"gallium;germanium;antimony_metal;antimony_trioxide;antimony_trisulphide": 0.9}
_RATIONING: Rationing = "highest_bidder"
_THRIFT_FLOOR = 0.7
"""Least use that thrift reaches where a chain states none (assumption, grade C)."""


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """What is assumed about everybody's behaviour, beside the numbers of a chain.

    Parameters
    ----------
    behaviour : Behaviour
        Settings of the weekly model; by default scarce goods go to the highest bidder, see Notes.
    qualification : mapping of str to float
        Factor on the weeks that it takes to qualify a supplier of a product, by product, group or
        several of them separated by ";"; "*" stands for all others. Applies to `inputs`,
        `markets` and `alternatives`; labels that a chain does not have are skipped.
    reorder : float
        Factor on the weeks over which gaps are reordered; at least one week remains.
    thrift : float
        Share of the use that a full shortage saves for good each week, in slots for which the
        chain states none; use falls to 0.7 at most.
    leakage : mapping of str to float
        Part of a banned flow that third countries pass on, of bans whose rows state none, by
        product as the event names it; several in one key are separated by ";", "*" stands for all
        others, and without it they leak nothing. By default nine tenths of banned gallium,
        germanium and antimony, see Notes.

    Notes
    -----
    Two defaults come from calibration, since they lower the errors of the calibration episodes
    and of those that were not looked at. Of the five rules of rationing, ``"highest_bidder"`` has
    the lowest errors. Leakage was fitted to US imports of gallium after the ban of December 2024
    (0.99, rounded down) and meets those of antimony as well. The numbers of the weekly model stay
    as they are: fitting them gained little and made the test episodes worse. The page *How well
    does it do?* of the docs has the figures.

    Examples
    --------
    >>> slow = cp.history.Assumptions(qualification={"*": 2.0})
    >>> chain = cp.load("soybeans")
    >>> before = chain.inputs["qualification_weeks"].to_numpy()
    >>> bool((slow.apply(chain).inputs["qualification_weeks"] == 2 * before).all())
    True
    """

    behaviour: Behaviour = field(default_factory=lambda: Behaviour(rationing=_RATIONING))
    qualification: Mapping[str, float] = field(default_factory=dict)
    reorder: float = 1.0
    thrift: float = 0.0
    leakage: Mapping[str, float] = field(default_factory=lambda: dict(_LEAKAGE))

    def __post_init__(self) -> None:
        wrong = [
            f"{name} must be a number > 0, got {value}"
            for name, value in [("reorder", self.reorder), *self.qualification.items()]
            if not (value > 0 and np.isfinite(value))
        ]
        if not 0.0 <= self.thrift < 1.0:
            wrong.append(f"thrift must be a share in [0, 1), got {self.thrift}")
        wrong += [
            f"leakage of {name} must be a share in [0, 1], got {value}"
            for name, value in self.leakage.items()
            if not 0.0 <= value <= 1.0
        ]
        if wrong:
            raise OptionError("Assumptions: " + "; ".join(wrong) + ".")

    def with_values(self, values: Mapping[str, float]) -> Assumptions:
        """Return the assumptions with some numbers changed.

        Parameters
        ----------
        values : mapping of str to float
            `trigger`, `memory`, `speed`, `exponent`, `discount` of the behaviour, `reorder`,
            `thrift`, and `qualification:LABEL` and `leakage:LABEL`, where the label may be "*".

        Raises
        ------
        OptionError
            If a name is none of these.
        """
        behaviour: dict[str, Any] = {}
        own: dict[str, Any] = {}
        by_label = {name: dict(getattr(self, name)) for name in _BY_LABEL}
        for name, value in values.items():
            head, _, label = name.partition(":")
            if head in _BY_LABEL and label:
                by_label[head][label] = float(value)
            elif name in _REACTIONS:
                behaviour[name] = float(value)
            elif name in _OWN:
                own[name] = float(value)
            else:
                raise OptionError(_NAMES.format(name=name))
        return replace(
            self,
            behaviour=replace(self.behaviour, **behaviour),
            qualification=by_label["qualification"],
            leakage=by_label["leakage"],
            **own,
        )

    def value(self, name: str) -> float:
        """Return one number by the name that :meth:`with_values` takes."""
        head, _, label = name.partition(":")
        if head in _BY_LABEL and label:
            return float(getattr(self, head).get(label, _BY_LABEL[head]))
        if name not in (*_REACTIONS, *_OWN):
            raise OptionError(_NAMES.format(name=name))
        return float(getattr(self.behaviour if name in _REACTIONS else self, name))

    def apply(self, chain: SupplyChain) -> SupplyChain:
        """Return the chain with the factors in its numbers; itself if there are none."""
        columns = self._columns(chain)
        if not columns:
            return chain
        views = DrawnViews.of(chain, chain._view("recipes"))
        tables, links = chain._tables, chain.links
        nodes = np.concatenate([tables["sites"]["output_qty"], tables["markets"]["quantity"]])
        return views.chain(chain, columns, nodes, np.array(links.quantity[~links.dormant]))

    def _columns(self, chain: SupplyChain) -> dict[str, Columns]:
        """Return the columns of tables that change."""
        tables = chain._tables
        inputs, markets = tables["inputs"], tables["markets"]
        changed: dict[str, Columns] = {}
        factor = self._qualification_factors(chain)
        if any(value != 1.0 for value in factor.values()):
            changed = _qualified(tables, factor)
        if self.reorder != 1.0:
            for name, table in (("inputs", inputs), ("markets", markets)):
                weeks = table["reorder_weeks"].to_numpy(dtype=float) * self.reorder
                changed.setdefault(name, {})["reorder_weeks"] = np.maximum(weeks, 1.0)
        if self.thrift > 0.0:
            own = inputs["thrift_weekly"].to_numpy(dtype=float)
            silent = (own == 0.0) & (inputs["criticality"].to_numpy(dtype=float) > 0.0)
            floor = inputs["thrift_floor"].to_numpy(dtype=float)
            changed.setdefault("inputs", {}).update(
                thrift_weekly=np.where(silent, self.thrift, own),
                thrift_floor=np.where(silent, _THRIFT_FLOOR, floor),
            )
        return changed

    def _qualification_factors(self, chain: SupplyChain) -> dict[str, float]:
        """Return the factor of each product; one for a product goes before one for its group."""
        products = chain._tables["products"]
        factors = dict.fromkeys(products["product"], float(self.qualification.get("*", 1.0)))
        known = set(factors) | set(products["group"])
        named = [
            (label, float(value))
            for labels, value in self.qualification.items()
            for label in split_list(labels)
            if label in known
        ]
        for label, value in sorted(named, key=lambda pair: pair[0] in factors):
            factors |= dict.fromkeys(chain.products_in(label), value)
        return factors


def _qualified(
    tables: Mapping[str, pd.DataFrame], factor: Mapping[str, float]
) -> dict[str, Columns]:
    """Return the qualification weeks of all tables times the factor of the product."""
    made = tables["sites"].set_index("site")["product"]
    supplied = made.reindex(tables["alternatives"]["supplier"])
    products = {
        "inputs": tables["inputs"]["input"],
        "markets": tables["markets"]["product"],
        "alternatives": supplied,
    }
    return {
        name: {
            "qualification_weeks": tables[name]["qualification_weeks"].to_numpy(dtype=float)
            * product.map(factor).to_numpy(dtype=float)
        }
        for name, product in products.items()
    }
