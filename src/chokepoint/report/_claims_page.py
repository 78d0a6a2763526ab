"""The ledger of claims as one page: a picture, and for each claim its figures and their ranges."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from chokepoint._optional import require
from chokepoint.report._claims import CLAIMS, Ledger
from chokepoint.report._format import digits, money, per_cent
from chokepoint.report._verdict import RULE

__all__ = ["claims_headline", "render_claims"]

_TEMPLATE = "claims.html.jinja"
_COLOURS = {"supports": "#0072b2", "contradicts": "#d55e00"}
_LEAST, _MOST = -3.0, 2.0
_WIDTH, _ROW, _LEFT = 980, 26, 430
_TOP = 6


def claims_headline(found: Ledger) -> str:
    """Return what the ledger found in one line."""
    table = found.table[found.table["threshold"].notna() | found.table["key"].eq("dominance")]
    counts = table["verdict"].value_counts()
    words = ", ".join(
        f"{counts.get(word, 0)} {said}"
        for word, said in (
            ("supports", "supported"),
            ("contradicts", "contradicted"),
            ("cannot decide", "cannot be decided"),
            ("not tested", "not tested"),
        )
    )
    chain = found.setting.chain.name
    return f"Ledger of claims on the chain {chain}: of {len(table)} statements {words}."


def render_claims(found: Ledger) -> str:
    """Return the page as text; it loads nothing from elsewhere."""
    jinja = require("jinja2", extra="report")
    environment = jinja.Environment(
        loader=jinja.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja.StrictUndefined,
    )
    from chokepoint import __version__

    page: str = environment.get_template(_TEMPLATE).render(
        headline=claims_headline(found),
        rule=RULE,
        claims=[_claim(found, number) for number in dict.fromkeys(found.table["claim"])],
        picture=_picture(found.table),
        facts=_facts(found),
        version=__version__,
    )
    return page


def _facts(found: Ledger) -> dict[str, str]:
    setting = found.setting
    return {
        "chain": repr(setting.chain).splitlines()[0].strip("<>"),
        "draws": str(setting.draws),
        "seed": str(setting.rng),
        "today": setting.today,
        "later": setting.later,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "seconds": f"{sum(found.seconds.values()):.0f}",
    }


def _claim(found: Ledger, number: int) -> dict[str, Any]:
    rows = found.table[found.table["claim"].eq(number)].to_dict("records")
    return {
        "number": number,
        "text": CLAIMS[number].text,
        "rows": [_row(found, row) for row in rows],
    }


def _row(found: Ledger, row: dict[Any, Any]) -> dict[str, Any]:
    table = found.assumptions.get((row["claim"], row["key"]))
    show = _shower(str(row["unit"]))
    text = {
        name: "" if pd.isna(row[name]) else str(row[name])
        for name in ("key", "sentence", "remark", "published", "drivers", "grades", "call", "unit",
                     "verdict", "decided_by")
    }  # fmt: skip
    numbers = {
        name: show(float(row[name]))
        for name in ("figure", "low", "high", "median", "planner", "stressed", "threshold")
    }
    return {
        **text,
        **numbers,
        "weeks": "" if pd.isna(row["horizon_weeks"]) else f"{row['horizon_weeks']:.0f}",
        "draws": f"{row['draws']:.0f}",
        "assumptions": [] if table is None else _assumptions(table, show),
        "empty": pd.isna(row["figure"]),
    }


def _assumptions(table: pd.DataFrame, show: Any) -> list[tuple[str, str, str]]:
    return [
        (str(name), show(float(row["low"])), show(float(row["high"])))
        for name, row in table.head(_TOP).iterrows()
    ]


def _shower(unit: str) -> Any:
    if unit.startswith("USD million"):
        return money
    return per_cent if unit.startswith("share") else digits


# -------------------------------------------------------------------------------------- picture


def _picture(table: pd.DataFrame) -> str:
    """Return how far each figure and its ranges are from the limit of the statement, as SVG."""
    rows = [row for row in table.to_dict("records") if row["threshold"] > 0]
    height = _ROW * (len(rows) + 2)
    lines = [
        (
            f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" xmlns="http://www.w3.org/2000/svg" '
            'font-family="Helvetica, Arial, sans-serif" font-size="12">'
        ),
        "<title>Figures over the limits of their statements</title>",
    ]
    for power in range(int(_LEAST), int(_MOST) + 1):
        x = _place(10.0**power)
        width = 2 if power == 0 else 1
        lines.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_ROW}" y2="{height - _ROW}" stroke="#d8dde6" '
            f'stroke-width="{width}"/><text x="{x:.1f}" y="{height - 8}" text-anchor="middle">'
            f"{'limit' if power == 0 else f'{10.0**power:g}×'}</text>"
        )
    for place, row in enumerate(rows):
        lines += _bar(row, _ROW * (place + 1.5))
    return "\n".join([*lines, "</svg>"])


def _bar(row: dict[Any, Any], y: float) -> list[str]:
    limit = float(row["threshold"])
    colour = _COLOURS.get(str(row["verdict"]), "#5b6577")
    label = escape(f"{row['claim']} {row['key']}")
    parts = [f'<text x="{_LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{label}</text>']
    for names, width, shade in ((("planner", "stressed"), 3, 0.35), (("low", "high"), 8, 0.55)):
        known = [float(row[name]) for name in names] + [float(row["figure"])]
        known = [value for value in known if not math.isnan(value)]
        ends = _place(min(known) / limit), _place(max(known) / limit)
        parts.append(
            f'<line x1="{ends[0]:.1f}" x2="{ends[1]:.1f}" y1="{y:.1f}" y2="{y:.1f}" '
            f'stroke="{colour}" stroke-opacity="{shade}" stroke-width="{width}"/>'
        )
    x = _place(float(row["figure"]) / limit)
    parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>')
    return parts


def _place(ratio: float) -> float:
    """Return where a ratio to the limit stands; what is below the scale stands at its left end."""
    power = math.log10(ratio) if ratio > 0 else _LEAST
    part = (min(max(power, _LEAST), _MOST) - _LEAST) / (_MOST - _LEAST)
    return _LEFT + part * (_WIDTH - _LEFT - 30)
