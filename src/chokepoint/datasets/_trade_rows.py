"""From reports of trade statistics to rows of a chain's table `trade`."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.datasets._trade_layouts import plain_code
from chokepoint.errors import Issue, OptionError, UnknownLabelError
from chokepoint.schema import split_list

__all__ = ["AREAS", "Coding", "Places", "trade_rows"]

AREAS = {"S19": "TWN"}
"""Codes of the statistics that stand for an area: "Other Asia, not elsewhere specified" (490, S19)
is where the trade of Taiwan is found in them."""

_TONNES = {"t": 1.0, "tonne": 1.0, "kg": 1e-3, "g": 1e-6, "kt": 1e3, "Mt": 1e6}
_PIECES = frozenset({"unit", "piece", "item"})
_VALUE = frozenset({"USD m", "USD million"})
_GUESSED = 0.1
"""Part of a quantity that may be worked out from values before the row is graded D."""


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


def trade_rows(
    reports: pd.DataFrame,
    coding: Coding,
    places: Places,
    *,
    prefer: str,
    strict: bool,
    issues: list[Issue],
) -> pd.DataFrame:
    """Return one row per set of products, exporter and importer, sorted by these.

    Parameters
    ----------
    reports : DataFrame
        As from :func:`chokepoint.datasets._trade_layouts.comtrade_reports`.
    coding : Coding
        Products by code.
    places : Places
        Areas of the chain.
    prefer : {"importer", "exporter"}
        Whose report counts where both report.
    strict : bool
        Whether codes without rows are a problem.
    issues : list of Issue
        Takes every problem.
    """
    start = {code: coding.start(code) for code in reports["code"].unique()}
    mine = [start[code] in coding.chosen for code in reports["code"]]
    reports = reports[np.array(mine, dtype=bool)]
    absent = [code for code in coding.codes if code in coding.chosen - set(start.values())]
    if strict:
        rule = "has no rows in the files"
        advice = "its code may be of another revision of the Harmonized System"
        issues += [
            Issue("products", "hs6", rule, "; ".join(coding.codes[code]), code, advice=advice)
            for code in absent
        ]
    all_sets = coding.sets()
    sets = {code: all_sets[start[code]] for code in sorted(reports["code"].unique())}
    measured = _measured(reports, sets, coding, issues)
    flows = _mirrored(measured, prefer)
    exporter, importer = places(flows["exporter"]), places(flows["importer"])
    outside = (exporter == "") | (importer == "")
    left_out = sorted({
        *flows.loc[exporter == "", "exporter"], *flows.loc[importer == "", "importer"]
    })  # fmt: skip
    flows = flows.assign(exporter=exporter, importer=importer)
    flows = flows[~outside & (flows["exporter"] != flows["importer"])]
    flows = flows.assign(products=[";".join(sets[code]) for code in flows["code"]])
    frame = _summed(flows, coding)
    frame.attrs = {
        "absent": absent,
        "left_out": left_out,
        "sets": {
            name: sorted(code for code, made in sets.items() if ";".join(made) == name)
            for name in dict.fromkeys(";".join(made) for made in sets.values())
        },
    }
    return frame


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


def _measured(
    reports: pd.DataFrame,
    sets: Mapping[str, tuple[str, ...]],
    coding: Coding,
    issues: list[Issue],
) -> pd.DataFrame:
    """Return the reports with their quantity in product units, NaN where not reported."""
    kind = {made: _kind(made, sets, coding, issues) for made in dict.fromkeys(sets.values())}
    amount = {
        "weight": reports["tonnes"].to_numpy(dtype=np.float64),
        "pieces": reports["items"].to_numpy(dtype=np.float64),
        "value": reports["usd"].to_numpy(dtype=np.float64) / 1e6,
    }
    quantity = np.full(len(reports), np.nan)
    for made, (what, per_unit) in kind.items():
        mine = np.array([sets[code] == made for code in reports["code"]], dtype=bool)
        quantity[mine] = amount[what][mine] / per_unit
    frame = reports.assign(quantity=quantity, usd=reports["usd"].astype(np.float64))
    parts = ["by", "exporter", "importer", "code"]
    summed = frame.groupby(parts, as_index=False, sort=True)[["quantity", "usd"]].sum(min_count=1)
    unknown = frame[frame["quantity"].isna() & frame["usd"].notna()]
    valued = unknown.groupby(parts)["usd"].sum().rename("unweighed").reset_index()
    summed = summed.merge(valued, on=parts, how="left").fillna({"unweighed": 0.0})
    return _completed(summed, issues)


def _kind(
    made: tuple[str, ...],
    sets: Mapping[str, tuple[str, ...]],
    coding: Coding,
    issues: list[Issue],
) -> tuple[str, float]:
    """Return what the unit of a set of products counts, and how much of it a unit is."""
    weights = {coding.tonnes.get(product) for product in made}
    units = {coding.unit[product] for product in made}
    if len(units) > 1 or len(weights) > 1:
        code = next(one for one, held in sets.items() if held == made)
        rule = f"share codes (such as {code}), so that they must have one unit; they have "
        rule += ", ".join(sorted(units))
        advice = "give them one unit, or codes of their own, or leave them out with products=..."
        issues.append(Issue("products", "unit", rule, "; ".join(made), advice=advice))
        return "weight", 1.0
    weight, unit = weights.pop(), units.pop()
    if weight is not None:
        return "weight", weight
    if unit in _VALUE:
        return "value", 1.0
    if unit not in _PIECES:
        rule = f'must be a weight, pieces or USD million; the unit is "{unit}"'
        advice = f"give tonnes={{{made[0]!r}: ...}}, tonnes of traded goods per unit, or leave it "
        advice += "out with products=..."
        issues.append(Issue("products", "unit", rule, "; ".join(made), advice=advice))
        return "weight", 1.0
    return "pieces", 1.0


def _completed(summed: pd.DataFrame, issues: list[Issue]) -> pd.DataFrame:
    """Fill quantities in from values and unit values; `guessed` is the part filled in."""
    known = summed["quantity"].notna() & (summed["usd"] > summed["unweighed"])
    weighed = summed.assign(
        worth=(summed["usd"] - summed["unweighed"]).where(known),
        held=summed["quantity"].where(known),
    )
    own = weighed.groupby(["exporter", "code"])[["worth", "held"]].transform("sum")
    every = weighed.groupby("code")[["worth", "held"]].transform("sum")
    price = (own["worth"] / own["held"]).fillna(every["worth"] / every["held"])
    guessed = (summed["unweighed"] / price).where(summed["unweighed"] > 0, 0.0)
    lost = ~np.isfinite(guessed.to_numpy(dtype=np.float64))
    for code in sorted(set(summed.loc[lost, "code"])):
        rule = "has values but no quantity in any row, so that no unit value is known"
        issues.append(Issue("trade", "quantity", rule, f"code {code}"))
    quantity = summed["quantity"].fillna(0.0) + guessed.where(~lost, 0.0)
    frame = summed.assign(quantity=quantity, guessed=guessed.where(~lost, 0.0))
    return pd.DataFrame(frame[(frame["quantity"] > 0) & ~lost])


def _mirrored(frame: pd.DataFrame, prefer: str) -> pd.DataFrame:
    """Return one row per flow: the preferred report, with the other one as an end of its range."""
    key = ["exporter", "importer", "code"]
    grouped = frame.groupby(key)["quantity"]
    ends = frame.assign(low=grouped.transform("min"), high=grouped.transform("max"))
    # A weight that was reported goes before one that was worked out.
    rank = (ends["by"] != prefer).astype(int) + 2 * (ends["guessed"] > 0).astype(int)
    first = ends.assign(rank=rank).sort_values([*key, "rank"], kind="stable")
    return pd.DataFrame(first.drop_duplicates(key).drop(columns="rank").reset_index(drop=True))


def _summed(flows: pd.DataFrame, coding: Coding) -> pd.DataFrame:
    key = ["products", "exporter", "importer"]
    amounts = ["quantity", "low", "high", "guessed"]
    grouped = flows.groupby(key, sort=False)
    sums = grouped[amounts].sum()
    frame = sums.assign(
        value_usd_m=grouped["usd"].sum(min_count=1) / 1e6,
        codes=grouped["code"].agg(lambda codes: ", ".join(sorted(set(codes)))),
    ).reset_index()
    rank = {product: i for i, product in enumerate(coding.order)}
    place = frame["products"].map(lambda cell: rank[split_list(cell)[0]])
    frame = frame.assign(place=place).sort_values(["place", "exporter", "importer"])
    part = (frame["guessed"] / frame["quantity"]).to_numpy()
    # Where one side reports alone nothing is known of the range.
    ranged = frame["high"] > frame["low"]
    note = [f"; {share:.0%} of it from values and unit values" if share > 0 else ""
            for share in part]  # fmt: skip
    frame = frame.assign(
        unit=frame["products"].map(lambda cell: coding.unit[split_list(cell)[0]]),
        low=frame["low"].where(ranged),
        high=frame["high"].where(ranged),
        confidence=np.where(part > _GUESSED, "D", "A"),
        note=note,
    )
    return frame.drop(columns=["guessed", "place"]).reset_index(drop=True)
