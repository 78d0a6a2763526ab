"""From an answer to a row of the ledger: verdict, sentence, grades, published figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from chokepoint.leverage import Assessment
from chokepoint.report._claims._ask import Ask, Found, Setting
from chokepoint.report._claims._cases import Answer
from chokepoint.report._format import per_cent
from chokepoint.report._ledger import grades
from chokepoint.report._verdict import Verdict, decide

__all__ = ["LINE_COLUMNS", "line_of_ask", "line_of_found", "no_line"]

LINE_COLUMNS = (
    "claim", "key", "statement", "figure", "unit", "low", "high", "median", "planner", "reference",
    "stressed", "horizon_weeks", "threshold", "verdict", "decided_by", "sentence", "remark",
    "published", "drivers", "grades", "call", "draws",
)  # fmt: skip

_WORDS = {
    "supports": "supported: every case reaches the limit",
    "contradicts": "contradicted: no case reaches the limit",
    "cannot decide": "cannot be decided",
    "not tested": "not tested",
}
_JUDGED = {
    "supports": "supported: it holds in every case",
    "contradicts": "contradicted: it holds in no case",
    "cannot decide": "cannot be decided",
    "not tested": "not tested",
}
_SURE = 0.95
Line = dict[str, Any]


def line_of_ask(setting: Setting, ask: Ask, answer: Answer, drivers: pd.DataFrame | None) -> Line:
    """Return the row of a figure that was reckoned in all cases."""
    found = answer.found
    if answer.truth is not None:
        verdict, words = _judged(answer.truth), _JUDGED
    elif ask.threshold is None:
        verdict, words = _FIGURE, _WORDS
    else:
        tests = {
            "band": {"planner": found.planner, "stressed": found.stressed},
            "interval": {"interval, low end": found.low, "interval, high end": found.high},
            "one at a time": _ends(found.assumptions),
        }
        verdict, words = decide(found.reference, tests, threshold=ask.threshold), _WORDS
    drawn = found.drawn[~np.isnan(found.drawn)]
    low, high = _span(found.reference, found.low, found.high)
    return _line(setting, ask, verdict) | {
        "figure": found.reference,
        "low": low,
        "high": high,
        "median": float(np.median(drawn)) if len(drawn) else math.nan,
        "planner": found.planner,
        "reference": found.reference,
        "stressed": found.stressed,
        "sentence": _sentence(ask, found, verdict, words),
        "draws": len(found.drawn),
        "drivers": _named(drivers),
    }


def line_of_found(setting: Setting, row: Found) -> Line:
    """Return the row of a figure that was worked out on its own."""
    low, high = _span(row.figure, row.low, row.high)
    return _line(setting, row, _FIGURE) | {
        "figure": row.figure,
        "low": low,
        "high": high,
        "reference": row.figure,
        "sentence": f"{row.statement}: {_text(row, row.figure)}, {_text(row, low)} to "
        f"{_text(row, high)} over the assumptions.",
        "draws": 0,
        "drivers": "",
    }


def no_line(claim: int, text: str, decided_by: str, why: str) -> Line:
    """Return the row of a claim on which the chain says nothing."""
    return {
        "claim": claim,
        "key": "",
        "statement": text.removesuffix("."),
        "verdict": "not tested",
        "decided_by": decided_by,
        "sentence": f"{text} {why}",
        "draws": 0,
    }


_FIGURE = Verdict("not tested", "a figure, not a statement")


def _span(figure: float, low: float, high: float) -> tuple[float, float]:
    """Return the interval, widened to the figure where it lies outside."""
    return float(np.fmin(low, figure)), float(np.fmax(high, figure))


def _line(setting: Setting, row: Ask | Found, verdict: Verdict) -> Line:
    return {
        "claim": row.claim,
        "key": row.key,
        "statement": row.statement,
        "unit": row.unit,
        "horizon_weeks": row.weeks,
        "threshold": math.nan if row.threshold is None else row.threshold,
        "verdict": verdict.word,
        "decided_by": verdict.decided_by,
        "remark": _remark(row),
        "published": published(setting, row.published),
        "grades": _grades(setting, row),
        "call": row.code,
    }


def _remark(row: Ask | Found) -> str:
    words = row.remark
    if isinstance(row, Ask) and row.held:
        words = f"{words} In its draws outputs and flows stay as they are in each chain."
    return words.strip()


def _judged(truth: Assessment) -> Verdict:
    """Return the verdict on a statement that is true or not in each case."""
    often = float(np.mean(truth.drawn)) if len(truth.drawn) else math.nan
    held = bool(truth.reference)
    cases = {"stressed": bool(truth.stressed)}
    cases |= {name: bool(value) for name, value in _ends(truth.assumptions).items()}
    other = [name for name, value in cases.items() if value is not held]
    share = often if held else 1.0 - often
    if other or share < _SURE:
        why = other[0] if other else f"it holds in {per_cent(often)} of draws"
        return Verdict("cannot decide", why)
    missing = [*(["no interval"] if math.isnan(often) else []),
               *(["no one at a time"] if len(cases) == 1 else [])]  # fmt: skip
    if missing:
        return Verdict("not tested", ", ".join(missing))
    return Verdict("supports" if held else "contradicts", f"{per_cent(share)} of draws")


def _sentence(row: Ask, found: Assessment, verdict: Verdict, words: Mapping[str, str]) -> str:
    """Return one plain sentence."""
    value, span = _text(row, found.reference), ""
    if not math.isnan(found.low):
        ends = f"{_text(row, found.low)} to {_text(row, found.high)}"
        span += f", {ends} over {len(found.drawn)} draws"
    if not math.isnan(found.stressed):
        span += f", {_text(row, found.stressed)} in the stressed case"
    if not math.isnan(found.planner):
        span += f", {_text(row, found.planner)} with a perfectly coordinated response"
    if row.threshold is None and row.judge is None:
        return f"{row.statement}: {value}{span}."
    by = f" ({verdict.decided_by})" if verdict.word in ("cannot decide", "not tested") else ""
    limit = "" if row.threshold is None else f", against a limit of {_text(row, row.threshold)}"
    return (
        f"{row.statement}: {words[verdict.word]}{by}; {value} in the reference case{limit}{span}."
    )


def _text(row: Ask | Found, value: float) -> str:
    """Return a figure as text, with its currency where it has one."""
    return f"USD {row.show(value)}" if row.unit.startswith("USD") else row.show(value)


def _ends(table: pd.DataFrame) -> dict[str, float]:
    ends = {}
    for name, row in table.iterrows():
        for end in ("low", "high"):
            words = f"{name}, {end} end" if row[f"{end}_setting"] != name else str(name)
            if not math.isnan(row[end]):
                ends[words] = float(row[end])
    return ends


def _named(drivers: pd.DataFrame | None) -> str:
    if drivers is None or not len(drivers):
        return ""
    return "; ".join(
        f"{row['table']}.{row['column']} of {row['row']} ({row['confidence']}, "
        f"{row['correlation']:+.2f})"
        for row in drivers.to_dict("records")
    )


def _grades(setting: Setting, row: Ask | Found) -> str:
    if isinstance(row, Found) and row.grades:
        return row.grades
    chain = setting.chain
    products = chain.products_in(row.goods) if row.goods else tuple(chain.products["product"])
    return grades(chain, products, chain.areas(row.areas or None))


def published(setting: Setting, names: tuple[str, ...]) -> str:
    """Return published estimates as text, each with its scope and its source."""
    table = setting.chain.estimates
    titles = setting.chain.sources.set_index("source")["title"]
    parts = []
    for row in table[table["estimate"].isin(names)].to_dict("records"):
        first = str(row["source"]).split(";")[0].strip()
        parts.append(
            f"{row['value']:g} {row['unit']} ({row['metric']}, {row['geography']}, {row['scope']}; "
            f"{row['shock']}; {titles.get(first, first)})"
        )
    return "; ".join(parts) or "none in the tables of the chain"
