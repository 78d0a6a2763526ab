"""Files of trade statistics as they are handed out: UN Comtrade and BACI, one row per report.

Whatever the layout, what comes out has the same columns, so that everything after it is shared.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from chokepoint.datasets._trade_cells import (
    Paths,
    chunks,
    listed,
    no_year,
    note,
    numbers,
    plain_number,
    six_digits,
    text_rows,
    wanted_codes,
)
from chokepoint.errors import Issue

__all__ = ["baci_reports", "comtrade_reports"]

# Names of columns, reduced to letters and digits: those of the present interface, of the exports
# of the former site, and of its machine-readable form.
_COMTRADE = {
    "year": ("refyear", "year", "yr"),
    "frequency": ("freqcode",),
    "kind": ("typecode",),
    "flow": ("flowcode", "tradeflowcode", "rgcode"),
    "reporter_code": ("reportercode", "rtcode"),
    "reporter": ("reporteriso", "rt3iso"),
    "partner_code": ("partnercode", "ptcode"),
    "partner": ("partneriso", "pt3iso"),
    "second": ("partner2code", "2ndpartnercode", "x2ndpartnercode", "ptcode2"),
    "customs": ("customscode", "customsproccode", "cstcode"),
    "supply": ("moscode",),
    "transport": ("motcode", "modeoftransportcode"),
    "revision": ("classificationcode", "classification", "pfcode"),
    "code": ("cmdcode", "commoditycode"),
    "unit": ("qtyunitcode", "qtcode"),
    "items": ("qty", "tradequantity"),
    "weight": ("netwgt", "netweightkg", "netweight"),
    "value": ("primaryvalue", "tradevalueus", "tradevalue"),
}
_NEEDED = ("year", "flow", "code", "weight", "value")
_BACI = {"t": "year", "i": "exporter", "j": "importer", "k": "code", "v": "value", "q": "weight"}
_BY = {"M": "importer", "1": "importer", "X": "exporter", "2": "exporter"}
"""Imports and exports; re-exports and re-imports are parts of them."""

_ITEMS = {"5": 1.0, "6": 2.0, "9": 1000.0, "11": 12.0}
"""Pieces per unit of quantity: items, pairs, thousands, dozens (codes of the World Customs
Organization's units)."""

_WORLD = frozenset({"W00", "WLD", "0"})
_TOTALS = {"second": {"", "0"}, "customs": {"", "C00", "0"}, "supply": {"", "0"},
           "transport": {"", "0"}}  # fmt: skip
_COLUMNS = ["file", "row", "by", "exporter", "importer", "code", "tonnes", "items", "usd"]


def comtrade_reports(
    paths: Paths,
    year: int,
    codes: Collection[str],
    *,
    revision: str | None,
    countries: Mapping[str, str],
    issues: list[Issue],
) -> pd.DataFrame:
    """Return reports on goods of UN Comtrade files, totals over transport and customs procedures.

    Parameters
    ----------
    paths : path or sequence of paths
        CSV files in any of the layouts.
    year : int
        Reports on other years, and on months, are left out.
    codes : collection of str
        Beginnings of codes that are wanted, of 2, 4 or 6 digits.
    revision : str, optional
        Only codes of this classification, such as "H6".
    countries : mapping
        ISO code by numeric code, for files without ISO codes.
    issues : list of Issue
        Takes every problem.

    Returns
    -------
    DataFrame
        Columns file, row (line), by ("importer" or "exporter"), exporter, importer (ISO codes),
        code, tonnes, items, usd; numbers are NaN where not reported (blank or 0).
    """
    frames = []
    years: set[str] = set()
    for path in listed(paths):
        for raw in chunks(path, _COMTRADE, _NEEDED, issues):
            monthly = raw["frequency"] == "M" if "frequency" in raw else raw["year"] == ""
            years |= set(raw.loc[~monthly, "year"].str.strip().unique())
            chunk = text_rows(raw[wanted_codes(raw["code"], codes) & ~monthly])
            goods = chunk["kind"].isin(["C", ""]) if "kind" in chunk else True
            kept = chunk[chunk["year"].eq(str(year)) & chunk["flow"].isin(_BY) & goods]
            if revision is not None and "revision" in kept:
                kept = kept[kept["revision"] == revision]
            frames.append(kept.assign(file=path.name))
    if not frames:
        return pd.DataFrame(columns=_COLUMNS)
    frame = pd.concat(frames, ignore_index=True).fillna("")
    if str(year) not in years:
        no_year(listed(paths), year, years, issues)
    for side in ("reporter", "partner"):
        frame[side] = _iso(frame, side, countries, issues)
    world = frame["partner"].isin(_WORLD) | frame["reporter"].isin(_WORLD)
    # Groups of countries report too; their codes are no three letters, or those of the union.
    group = ~frame["reporter"].str.fullmatch("[A-Z]{3}") | frame["reporter"].isin(["EUR", "EU2"])
    frame = frame[~world & ~group]
    frame = frame.assign(by=frame["flow"].map(_BY))
    frame = _totals(frame, issues)
    mine = (frame["by"] == "importer").to_numpy()
    items = numbers(frame, "items", issues) if "items" in frame else np.nan
    pieces = frame["unit"].map(_ITEMS).to_numpy() if "unit" in frame else np.nan
    return pd.DataFrame(
        {
            "file": frame["file"],
            "row": frame["row"],
            "by": frame["by"],
            "exporter": np.where(mine, frame["partner"], frame["reporter"]),
            "importer": np.where(mine, frame["reporter"], frame["partner"]),
            "code": frame["code"].map(six_digits),
            "tonnes": numbers(frame, "weight", issues) / 1000.0,
            "items": items * pieces,
            "usd": numbers(frame, "value", issues),
        }
    )


def baci_reports(
    paths: Paths,
    year: int,
    codes: Collection[str],
    *,
    countries: Mapping[str, str],
    issues: list[Issue],
) -> pd.DataFrame:
    """Return rows of BACI files in the columns of :func:`comtrade_reports`; by is "importer"."""
    frames = []
    years: set[str] = set()
    names = {meaning: (letter,) for letter, meaning in _BACI.items()}
    for path in listed(paths):
        for raw in chunks(path, names, list(names), issues):
            years |= set(raw["year"].str.strip().unique())
            chunk = text_rows(raw[wanted_codes(raw["code"], codes)])
            frames.append(chunk[chunk["year"] == str(year)].assign(file=path.name))
    if not frames:
        return pd.DataFrame(columns=_COLUMNS)
    frame = pd.concat(frames, ignore_index=True)
    if str(year) not in years:
        no_year(listed(paths), year, years, issues)
    for side in ("exporter", "importer"):
        iso = frame[side].map(lambda code: countries.get(plain_number(code), ""))
        _unknown(frame, frame[side].where(iso == ""), side, issues)
        frame[side] = iso.where(iso != "", frame[side])
    return pd.DataFrame(
        {
            **{name: frame[name] for name in ("file", "row", "exporter", "importer")},
            "by": "importer",
            "code": frame["code"].map(six_digits),
            "tonnes": numbers(frame, "weight", issues),
            "items": np.nan,
            "usd": numbers(frame, "value", issues) * 1000.0,
        }
    )


def _iso(
    frame: pd.DataFrame, side: str, countries: Mapping[str, str], issues: list[Issue]
) -> pd.Series:
    """Return ISO codes of reporters or partners, from their numbers where they are blank."""
    numbers = frame[f"{side}_code"] if f"{side}_code" in frame else pd.Series("", frame.index)
    iso = frame[side] if side in frame else pd.Series("", frame.index)
    blank = iso.isin(["", "NA", "N/A", "null"])
    told = numbers.map(lambda code: "W00" if code == "0" else countries.get(plain_number(code), ""))
    filled = iso.where(~blank, told)
    _unknown(frame, numbers.where(filled == ""), f"{side} code", issues)
    return filled


def _unknown(frame: pd.DataFrame, codes: pd.Series, column: str, issues: list[Issue]) -> None:
    """Note each number of a country that no ISO code is known of, at its first row."""
    first = codes.dropna().drop_duplicates()
    rule = "must be the number of a country that the file of country codes knows"
    advice = "give `countries`, a file that says which ISO code belongs to which number"
    rows = frame.loc[first.index, ["file", "row"]].assign(**{column: first})
    note(rows, column, rule, advice, issues)


def _totals(frame: pd.DataFrame, issues: list[Issue]) -> pd.DataFrame:
    """Return one total per report where there is one, else the parts that it is broken down into.

    Lines that repeat others word by word are left out; totals that differ are a problem.
    """
    facts = [name for name in frame.columns if name not in ("file", "row")]
    frame = frame[~frame.duplicated(facts)]
    total = pd.Series(True, frame.index)
    for name, blank in _TOTALS.items():
        if name in frame:
            total &= frame[name].isin(blank)
    key = [name for name in ("by", "reporter", "partner", "code", "revision") if name in frame]
    some = total.groupby([frame[name] for name in key]).transform("any")
    again = frame[total & frame[total].duplicated(key).reindex(frame.index, fill_value=False)]
    rule = "is reported before with other numbers"
    note(again, "code", rule, "keep one of the two lines", issues)
    if "revision" in frame:
        same = frame.groupby(key[:-1])["revision"].transform("nunique") > 1
        rule = "is reported under several classifications"
        advice = "name the one that the products are coded in, such as revision='H6'"
        note(frame[same].drop_duplicates("revision"), "revision", rule, advice, issues)
    return frame[total | ~some]
