"""Files of trade statistics as they are handed out: UN Comtrade and BACI, one row per report.

Whatever the layout, what comes out has the same columns, so that everything after it is shared.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from chokepoint.errors import Issue, OptionError

__all__ = ["baci_reports", "comtrade_reports", "country_codes", "plain_code"]

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
_CHUNK = 250_000
_COLUMNS = [
    "file",
    "row",
    "by",
    "exporter",
    "importer",
    "code",
    "revision",
    "tonnes",
    "items",
    "usd",
]

Paths = str | Path | Sequence[str | Path]


def plain_code(text: str) -> str:
    """Return a code of the Harmonized System without its dots and blanks.

    Examples
    --------
    >>> plain_code("8505.11")
    '850511'
    """
    return re.sub(r"[.\s]", "", str(text))


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
    for path in _listed(paths):
        for raw in _chunks(path, _COMTRADE, _NEEDED, issues):
            monthly = raw["frequency"] == "M" if "frequency" in raw else raw["year"] == ""
            years |= set(raw.loc[~monthly, "year"].str.strip().unique())
            chunk = _text(raw[_wanted(raw["code"], codes) & ~monthly])
            goods = chunk["kind"].isin(["C", ""]) if "kind" in chunk else True
            kept = chunk[chunk["year"].eq(str(year)) & chunk["flow"].isin(_BY) & goods]
            if revision is not None and "revision" in kept:
                kept = kept[kept["revision"] == revision]
            frames.append(kept.assign(file=path.name))
    if not frames:
        return pd.DataFrame(columns=list(_COLUMNS))
    frame = pd.concat(frames, ignore_index=True).fillna("")
    if str(year) not in years:
        _no_year(_listed(paths), year, years, issues)
    for side in ("reporter", "partner"):
        frame[side] = _iso(frame, side, countries, issues)
    world = frame["partner"].isin(_WORLD) | frame["reporter"].isin(_WORLD)
    # Groups of countries report too; their codes are no three letters, or those of the union.
    group = ~frame["reporter"].str.fullmatch("[A-Z]{3}") | frame["reporter"].isin(["EUR", "EU2"])
    frame = frame[~world & ~group]
    frame = frame.assign(by=frame["flow"].map(_BY))
    frame = _totals(frame, issues)
    mine = (frame["by"] == "importer").to_numpy()
    items = _numbers(frame, "items", issues) if "items" in frame else np.nan
    pieces = frame["unit"].map(_ITEMS).to_numpy() if "unit" in frame else np.nan
    return pd.DataFrame(
        {
            "file": frame["file"],
            "row": frame["row"],
            "by": frame["by"],
            "exporter": np.where(mine, frame["partner"], frame["reporter"]),
            "importer": np.where(mine, frame["reporter"], frame["partner"]),
            "code": frame["code"].map(_six),
            "tonnes": _numbers(frame, "weight", issues) / 1000.0,
            "items": items * pieces,
            "usd": _numbers(frame, "value", issues),
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
    for path in _listed(paths):
        for raw in _chunks(path, names, list(names), issues):
            years |= set(raw["year"].str.strip().unique())
            chunk = _text(raw[_wanted(raw["code"], codes)])
            frames.append(chunk[chunk["year"] == str(year)].assign(file=path.name))
    if not frames:
        return pd.DataFrame(columns=list(_COLUMNS))
    frame = pd.concat(frames, ignore_index=True)
    if str(year) not in years:
        _no_year(_listed(paths), year, years, issues)
    for side in ("exporter", "importer"):
        iso = frame[side].map(lambda code: countries.get(_digits(code), ""))
        _unknown(frame, frame[side].where(iso == ""), side, issues)
        frame[side] = iso.where(iso != "", frame[side])
    return pd.DataFrame(
        {
            **{name: frame[name] for name in ("file", "row", "exporter", "importer")},
            "by": "importer",
            "code": frame["code"].map(_six),
            "tonnes": _numbers(frame, "weight", issues),
            "items": np.nan,
            "usd": _numbers(frame, "value", issues) * 1000.0,
        }
    )


def country_codes(path: str | Path, issues: list[Issue]) -> dict[str, str]:
    """Return ISO codes by numeric code from a file of country codes as BACI comes with it."""
    names = {
        "code": ("countrycode", "id", "reportercode", "partnercode"),
        "iso": ("countryiso3", "iso3digitalpha", "iso3", "reportercodeisoalpha3",
                "partnercodeisoalpha3"),
    }  # fmt: skip
    found: dict[str, str] = {}
    for raw in _chunks(Path(path), names, list(names), issues):
        chunk = _text(raw)
        found |= {
            _digits(code): iso
            for code, iso in zip(chunk["code"], chunk["iso"], strict=True)
            if iso not in ("", "NA", "N/A")
        }
    return found


def _listed(paths: Paths) -> list[Path]:
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    listed = [Path(path) for path in given]
    missing = [str(path) for path in listed if not path.is_file()]
    if missing or not listed:
        raise OptionError(f"expected files of trade statistics; there is no {missing or 'path'}")
    return listed


def _chunks(
    path: Path,
    names: Mapping[str, Sequence[str]],
    needed: Sequence[str],
    issues: list[Issue],
) -> Iterator[pd.DataFrame]:
    """Yield parts of a CSV file as text with the columns that have a meaning, rows by position."""
    if not path.is_file():
        raise OptionError(f"expected a file of codes or trade statistics; there is no {path}")
    # Names of countries come in several encodings; codes and numbers are plain in all of them.
    options: Any = {"encoding": "latin-1", "dtype": str, "index_col": False}
    head = pd.read_csv(path, nrows=0, **options).columns
    plain = {re.sub(r"[^a-z0-9]", "", str(name).lower()): name for name in head}
    chosen = {
        plain[alias]: meaning
        for meaning, aliases in names.items()
        for alias in [next((one for one in aliases if one in plain), None)]
        if alias is not None
    }
    missing = [name for name in needed if name not in chosen.values()]
    if missing:
        for name in missing:
            known = " or ".join(names[name])
            rule = f"is missing: expected a column such as {known}"
            issues.append(Issue(path.name, name, rule))
        return
    reader = pd.read_csv(
        path, usecols=list(chosen), chunksize=_CHUNK, na_filter=False, skip_blank_lines=False,
        **options,
    )  # fmt: skip
    for chunk in reader:
        yield chunk.rename(columns=chosen).fillna("")


def _text(rows: pd.DataFrame) -> pd.DataFrame:
    """Return cells without blanks at their ends, and the line of each row that is not blank."""
    text = rows.apply(lambda column: column.str.strip())
    text = pd.DataFrame(text[(text != "").any(axis=1)])
    return text.assign(row=[f"line {number + 2}" for number in text.index])


def _wanted(codes: pd.Series, beginnings: Collection[str]) -> pd.Series:
    """Return which codes have six digits and begin in one of the wanted ways."""
    starts = tuple(beginnings)
    plain = {code: _six(code) for code in codes.unique()}
    wanted = [code for code, six in plain.items() if six.startswith(starts)]
    return codes.isin(wanted)


def _six(code: str) -> str:
    """Return a code of six digits, "" for others; a number has lost its leading zero."""
    plain = plain_code(code)
    long = plain.zfill(6) if len(plain) == 5 else plain
    return long if len(long) == 6 and long.isdigit() else ""


def _iso(
    frame: pd.DataFrame, side: str, countries: Mapping[str, str], issues: list[Issue]
) -> pd.Series:
    """Return ISO codes of reporters or partners, from their numbers where they are blank."""
    numbers = frame[f"{side}_code"] if f"{side}_code" in frame else pd.Series("", frame.index)
    iso = frame[side] if side in frame else pd.Series("", frame.index)
    blank = iso.isin(["", "NA", "N/A", "null"])
    told = numbers.map(lambda code: "W00" if code == "0" else countries.get(_digits(code), ""))
    filled = iso.where(~blank, told)
    _unknown(frame, numbers.where(filled == ""), f"{side} code", issues)
    return filled


def _unknown(frame: pd.DataFrame, codes: pd.Series, column: str, issues: list[Issue]) -> None:
    """Note each number of a country that no ISO code is known of, at its first row."""
    first = codes.dropna().drop_duplicates()
    rule = "must be the number of a country that the file of country codes knows"
    advice = "give `countries`, a file that says which ISO code belongs to which number"
    rows = frame.loc[first.index, ["file", "row"]].assign(**{column: first})
    _note(rows, column, rule, advice, issues)


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
    _note(again, "code", rule, "keep one of the two lines", issues)
    if "revision" in frame:
        same = frame.groupby(key[:-1])["revision"].transform("nunique") > 1
        rule = "is reported under several classifications"
        advice = "name the one that the products are coded in, such as revision='H6'"
        _note(frame[same].drop_duplicates("revision"), "revision", rule, advice, issues)
    return frame[total | ~some]


def _note(rows: pd.DataFrame, column: str, rule: str, advice: str, issues: list[Issue]) -> None:
    for file, row, value in zip(rows["file"], rows["row"], rows[column], strict=True):
        issues.append(Issue(str(file), column, rule, str(row), value, advice=advice))


def _numbers(frame: pd.DataFrame, column: str, issues: list[Issue]) -> np.ndarray:
    """Return a column as numbers; blank, "NA", 0 and negative marks of absence are NaN."""
    text = frame[column].str.strip()
    absent = text.isin(["", "NA", "N/A", "null", "nan", "None"])
    values = pd.to_numeric(text.where(~absent), errors="coerce")
    _note(frame[values.isna() & ~absent], column, "must be a number", "", issues)
    numbers = values.to_numpy(dtype=np.float64)
    return np.where(numbers > 0, numbers, np.nan)


def _no_year(paths: Sequence[Path], year: int, years: Collection[str], issues: list[Issue]) -> None:
    there = ", ".join(sorted(one for one in years if one)) or "none"
    for path in paths[:1]:
        rule = f"has no yearly rows of {year}; the years there are {there}"
        issues.append(Issue(path.name, "year", rule))


def _digits(code: str) -> str:
    """Return a number of a country without leading zeros and decimals."""
    return str(code).strip().removesuffix(".0").lstrip("0") or "0"
