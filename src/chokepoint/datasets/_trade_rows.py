"""From reports of trade statistics to rows of a chain's table `trade`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from chokepoint.datasets._trade_coding import Coding, Places
from chokepoint.errors import Issue
from chokepoint.schema import split_list

__all__ = ["trade_rows"]

_PIECES = frozenset({"unit", "piece", "item"})
_VALUE = frozenset({"USD m", "USD million"})
_GUESSED = 0.1
"""Part of a quantity that may be worked out from values before the row is graded D."""


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
