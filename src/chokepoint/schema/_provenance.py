"""The strict check of where numbers come from, for data that is shipped."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from chokepoint.errors import Issue
from chokepoint.schema._coerce import coerce
from chokepoint.schema._spec import TABLE_NAMES, spec

__all__ = ["check_provenance"]


def check_provenance(tables: Mapping[str, pd.DataFrame]) -> list[Issue]:
    """Return the rows whose main number lacks a range, a source, a grade or a derivation.

    A row is checked where its table's measure is not blank. It needs `low`, `high`, `source` and
    `confidence`; a row graded C or D also needs a `derivation`. Flows that the library estimated
    (``known`` is "estimated") are results of the tables beside them and are not checked.

    Parameters
    ----------
    tables : mapping of DataFrame
        Tables by kind, as given or as a chain holds them.

    Returns
    -------
    list of Issue
        Empty where everything is in order.

    Examples
    --------
    >>> sites = pd.DataFrame(
    ...     {
    ...         "site": ["ore@CHN"],
    ...         "product": "ore",
    ...         "country": "CHN",
    ...         "output_qty": 5.0,
    ...         "low": 4.0,
    ...         "source": "usgs",
    ...         "confidence": "A",
    ...     }
    ... )
    >>> [issue.column for issue in check_provenance({"sites": sites})]
    ['high']
    """
    issues: list[Issue] = []
    for table in TABLE_NAMES:
        if table in tables and spec(table).measure:
            issues += _check(table, tables[table])
    return issues


def _check(table: str, given: pd.DataFrame) -> list[Issue]:
    frame, _ = coerce(table, given)
    # A blank grade reads as D; here the question is whether one was written.
    written = given["confidence"] if "confidence" in given else pd.Series("", given.index)
    graded = (written.notna() & (written != "")).to_numpy()
    checked = frame[spec(table).measure].notna().to_numpy()
    if table == "flows":
        checked = checked & (frame["known"] != "estimated").to_numpy()
    recalled = frame["confidence"].isin(["C", "D"]).to_numpy()
    rules = {
        "low": (frame["low"].isna(), "must state the low end of the range"),
        "high": (frame["high"].isna(), "must state the high end of the range"),
        "source": (frame["source"] == "", "must name a source"),
        "confidence": (~graded, "must be graded A, B, C or D"),
        "derivation": (
            (frame["derivation"] == "") & recalled,
            "must say how a number graded C or D was made",
        ),
    }
    issues = []
    for column, (missing, rule) in rules.items():
        for i in np.flatnonzero(np.asarray(missing) & checked).tolist():
            issues.append(Issue(table, column, rule, given.index[i]))
    return issues
