"""Cells of files of trade statistics: parts of large files, codes, numbers, and their problems."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from chokepoint.errors import Issue, OptionError

__all__ = [
    "Paths",
    "chunks",
    "country_codes",
    "listed",
    "no_year",
    "note",
    "numbers",
    "plain_code",
    "plain_number",
    "six_digits",
    "text_rows",
    "wanted_codes",
]

Paths = str | Path | Sequence[str | Path]
_CHUNK = 250_000


def plain_code(text: str) -> str:
    """Return a code of the Harmonized System without its dots and blanks.

    Examples
    --------
    >>> plain_code("8505.11")
    '850511'
    """
    return re.sub(r"[.\s]", "", str(text))


def six_digits(code: str) -> str:
    """Return a code of six digits, "" for others; a number has lost its leading zero."""
    plain = plain_code(code)
    long = plain.zfill(6) if len(plain) == 5 else plain
    return long if len(long) == 6 and long.isdigit() else ""


def plain_number(code: str) -> str:
    """Return a number of a country without leading zeros and decimals."""
    return str(code).strip().removesuffix(".0").lstrip("0") or "0"


def country_codes(path: str | Path, issues: list[Issue]) -> dict[str, str]:
    """Return ISO codes by numeric code from a file of country codes as BACI comes with it."""
    names = {
        "code": ("countrycode", "id", "reportercode", "partnercode"),
        "iso": ("countryiso3", "iso3digitalpha", "iso3", "reportercodeisoalpha3",
                "partnercodeisoalpha3"),
    }  # fmt: skip
    found: dict[str, str] = {}
    for raw in chunks(Path(path), names, list(names), issues):
        chunk = text_rows(raw)
        found |= {
            plain_number(code): iso
            for code, iso in zip(chunk["code"], chunk["iso"], strict=True)
            if iso not in ("", "NA", "N/A")
        }
    return found


def listed(paths: Paths) -> list[Path]:
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    listed = [Path(path) for path in given]
    missing = [str(path) for path in listed if not path.is_file()]
    if missing or not listed:
        raise OptionError(f"expected files of trade statistics; there is no {missing or 'path'}")
    return listed


def chunks(
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


def text_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return cells without blanks at their ends, and the line of each row that is not blank."""
    text = rows.apply(lambda column: column.str.strip())
    text = pd.DataFrame(text[(text != "").any(axis=1)])
    return text.assign(row=[f"line {number + 2}" for number in text.index])


def wanted_codes(codes: pd.Series, beginnings: Collection[str]) -> pd.Series:
    """Return which codes have six digits and begin in one of the wanted ways."""
    starts = tuple(beginnings)
    plain = {code: six_digits(code) for code in codes.unique()}
    wanted = [code for code, six in plain.items() if six.startswith(starts)]
    return codes.isin(wanted)


def note(rows: pd.DataFrame, column: str, rule: str, advice: str, issues: list[Issue]) -> None:
    for file, row, value in zip(rows["file"], rows["row"], rows[column], strict=True):
        issues.append(Issue(str(file), column, rule, str(row), value, advice=advice))


def numbers(frame: pd.DataFrame, column: str, issues: list[Issue]) -> np.ndarray:
    """Return a column as numbers; blank, "NA", 0 and negative marks of absence are NaN."""
    text = frame[column].str.strip()
    absent = text.isin(["", "NA", "N/A", "null", "nan", "None"])
    values = pd.to_numeric(text.where(~absent), errors="coerce")
    note(frame[values.isna() & ~absent], column, "must be a number", "", issues)
    numbers = values.to_numpy(dtype=np.float64)
    return np.where(numbers > 0, numbers, np.nan)


def no_year(paths: Sequence[Path], year: int, years: Collection[str], issues: list[Issue]) -> None:
    there = ", ".join(sorted(one for one in years if one)) or "none"
    for path in paths[:1]:
        rule = f"has no yearly rows of {year}; the years there are {there}"
        issues.append(Issue(path.name, "year", rule))
