"""What codes of goods and areas in trade statistics are in a chain."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files

import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.datasets._trade_cells import plain_code
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.schema import split_list

__all__ = ["AREAS", "Coding", "Places"]

AREAS = {"S19": "TWN"}
"""Codes of the statistics that stand for an area: "Other Asia, not elsewhere specified" (490, S19)
is where the trade of Taiwan is found in them."""

_TONNES = {"t": 1.0, "tonne": 1.0, "kg": 1e-3, "g": 1e-6, "kt": 1e3, "Mt": 1e6}


@dataclass(frozen=True)
class Coding:
    """Which codes stand for which products of a chain.

    Attributes
    ----------
    codes : mapping of str to tuple of str
        Products by code, as the chain states it, dots left out.
    chosen : frozenset of str
        Codes that are wanted.
    tonnes : mapping of str to float
        Tonnes per unit of products whose unit is no piece; products that are missing are counted
        in pieces.
    unit : mapping of str to str
        Unit of each product.
    order : tuple of str
        Products in the order of the chain.
    """

    codes: Mapping[str, tuple[str, ...]]
    chosen: frozenset[str]
    tonnes: Mapping[str, float]
    unit: Mapping[str, str]
    order: tuple[str, ...]

    @classmethod
    def of(
        cls,
        chain: SupplyChain,
        products: str | Iterable[str] | None,
        tonnes: Mapping[str, float] | None,
    ) -> Coding:
        """Return the codes of the chosen products, and of those that share codes with them."""
        known = chain.products_in()
        for name in tonnes or {}:
            if name not in known:
                raise UnknownLabelError(name, "product", known)
        frame = chain.products
        codes = _by_code(frame)
        wanted, before = set(chain.products_in(products)), set[str]()
        while wanted != before:
            before = set(wanted)
            for made in codes.values():
                wanted |= set(made) if not wanted.isdisjoint(made) else set()
        chosen = frozenset(code for code, made in codes.items() if not wanted.isdisjoint(made))
        if not chosen:
            raise OptionError(
                "expected products with codes of the Harmonized System in the column hs6; "
                f"{'the chain has none' if products is None else 'none of the chosen has one'}"
            )
        unit = dict(zip(frame["product"], frame["unit"], strict=True))
        weights = {name: _TONNES[held] for name, held in unit.items() if held in _TONNES}
        return cls(codes, chosen, {**weights, **(tonnes or {})}, unit, known)

    def start(self, code: str) -> str:
        """Return the most specific code of the chain that a code begins with, "" for none."""
        return max((one for one in self.codes if code.startswith(one)), key=len, default="")

    def sets(self) -> dict[str, tuple[str, ...]]:
        """Return the set of products that each chosen code belongs to.

        Codes that share a product belong to one set, since a total covers all of it.
        """
        group: dict[str, set[str]] = {}
        for code in self.chosen:
            merged = set(self.codes[code])
            for product in self.codes[code]:
                merged |= group.get(product, set())
            for product in merged:
                group[product] = merged
        return {
            code: tuple(p for p in self.order if p in group[self.codes[code][0]])
            for code in self.codes
            if code in self.chosen
        }


@dataclass(frozen=True)
class Places:
    """Which area of a chain an area of the statistics belongs to.

    Attributes
    ----------
    area : mapping of str to str
        Area of the chain by code.
    rest : str
        Residual area that takes all others, "" where the chain has none.
    """

    area: Mapping[str, str]
    rest: str

    @classmethod
    def of(
        cls,
        chain: SupplyChain,
        areas: Mapping[str, str] | None,
        residuals: Mapping[str, Iterable[str]] | None,
    ) -> Places:
        """Return the areas of a chain, and what its residual areas stand for."""
        frame = chain.countries
        residual = frame["kind"] == "residual"
        found: dict[str, str] = {}
        rest = ""
        for area, cell in zip(frame["area"][residual], frame["blocs"][residual], strict=True):
            blocs = split_list(cell)
            found |= {member: area for bloc in blocs for member in _members(bloc)}
            rest = rest or ("" if blocs else area)
        for area, members in (residuals or {}).items():
            found |= dict.fromkeys(members, _area(chain, area))
        found |= {area: area for area in frame["area"][~residual]}
        usual = {code: area for code, area in AREAS.items() if area in found}
        given = {code: _area(chain, area) for code, area in (areas or {}).items()}
        return cls({**found, **usual, **given}, rest)

    def __call__(self, codes: pd.Series) -> pd.Series:
        """Return the areas of codes, "" for those that have none."""
        return codes.map(lambda code: self.area.get(code, self.rest))


def _area(chain: SupplyChain, area: str) -> str:
    known = set(chain.countries["area"])
    if area not in known:
        raise UnknownLabelError(area, "area", known)
    return area


def _by_code(products: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Return the products by code; a code that arrived as a number has lost its leading zero."""
    codes: dict[str, tuple[str, ...]] = {}
    for product, cell in zip(products["product"], products["hs6"], strict=True):
        for given in split_list(cell):
            code = plain_code(given)
            code = code.zfill(6) if len(code) == 5 else code
            if not (code.isdigit() and len(code) in (2, 4, 6)):
                raise OptionError(
                    "expected codes of the Harmonized System of 2, 4 or 6 digits in the column "
                    f"hs6; product {product} has {given!r}"
                )
            codes[code] = (*codes.get(code, ()), product)
    return codes


def _members(bloc: str) -> list[str]:
    text = files("chokepoint.datasets").joinpath("blocs.csv").read_text(encoding="utf-8")
    return [row["area"] for row in csv.DictReader(text.splitlines()) if row["bloc"] == bloc]
