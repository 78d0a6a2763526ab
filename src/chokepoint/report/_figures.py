"""Pictures of the page, as pieces of HTML that need no network."""

from __future__ import annotations

from typing import Any

import pandas as pd

from chokepoint._optional import require
from chokepoint.plot import band, leverage_timeline, plan_saving, sankey, tornado
from chokepoint.report._findings import Findings

__all__ = ["figures", "plotly_script"]

_CONFIG = {"displayModeBar": False, "responsive": True}


def plotly_script() -> str:
    """Return the drawing library, to be put into the page once."""
    script: str = require("plotly.offline", extra="report").get_plotlyjs()
    return script


def figures(findings: Findings) -> dict[str, str]:
    """Return the pictures by name."""
    actor = findings.study.actor
    drawn = {
        "sankey": sankey(findings.chain),
        "band": band(findings.main),
        "timeline": leverage_timeline(findings.main),
    }
    if findings.plans:
        before = {target: findings.damage(target).reference for target in findings.plans}
        after = {target: held.reference for target, held in findings.plans.items()}
        drawn["saving"] = plan_saving(pd.Series(before), pd.Series(after))
    for target in findings.targets:
        drawn[f"tornado-{target}"] = tornado(findings.main, actor=actor, target=target)
    return {name: _piece(name, picture) for name, picture in drawn.items()}


def _piece(name: str, picture: Any) -> str:
    piece: str = picture.to_html(
        full_html=False, include_plotlyjs=False, config=_CONFIG, div_id=f"figure-{name}"
    )
    return piece
