"""Colours and layout that all pictures share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chokepoint._optional import require

__all__ = ["FONT", "GREY", "OTHERS", "colours", "fade", "figure"]

OTHERS = "others"
GREY = "#9a9a9a"
FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif"
# The palette of Okabe and Ito (2008), readable with any kind of colour vision, and ten more.
_PALETTE = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#7a5195",
    "#8c6d31",
    "#1b4f5f",
    "#b3b300",
    "#c2185b",
    "#3f9fb5",
    "#a35d2f",
    "#5c6bc0",
    "#7cb342",
    "#b39ddb",
)


def colours(labels: Iterable[str]) -> dict[str, str]:
    """Return a colour for each label in order; ``"others"`` is grey."""
    named = [label for label in dict.fromkeys(labels) if label != OTHERS]
    chosen = {label: _PALETTE[i % len(_PALETTE)] for i, label in enumerate(named)}
    return {**chosen, OTHERS: GREY}


def fade(colour: str, opacity: float) -> str:
    """Return a colour given as ``#rrggbb`` with an opacity."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def figure(*, height: int, title: str = "", **layout: Any) -> Any:
    """Return an empty plotly figure in the common style."""
    graph = require("plotly.graph_objects", extra="report")
    margin = {"l": 60, "r": 20, "t": 40 if title else 20, "b": 50}
    settings = {"margin": margin, **layout}
    drawn = graph.Figure(
        layout={
            "template": "plotly_white",
            "font": {"family": FONT, "size": 13, "color": "#222222"},
            "title": {"text": title, "x": 0.0, "xanchor": "left", "font": {"size": 14}},
            "height": height,
            "colorway": list(_PALETTE),
            **settings,
        }
    )
    small = {"size": 12, "color": "#5b6577"}
    drawn.update_xaxes(title_font=small, automargin=True)
    drawn.update_yaxes(title_font=small, automargin=True)
    return drawn
