"""Losses week by week."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from chokepoint._optional import require
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.plot._style import OTHERS, colours, figure
from chokepoint.propagate import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_lines", "timeline", "timeline_interactive"]

By = Literal["country", "product", "tier", "site", "total"]


def _timeline_data(
    outcome: Outcome, *, by: By = "country", scenario: str | None = None, top: int = 8
) -> pd.DataFrame:
    """Return losses of one scenario, week x label [USD million per week].

    The `top` labels with the largest cumulative loss or gain keep their column, the rest is
    summed into ``"others"``. Where the outcome has draws, each figure is their median.
    """
    if top < 1:
        raise OptionError(f"top must be at least 1 (number of lines), got {top}.")
    chosen = _scenario(outcome, scenario)
    weekly = outcome.loss(by=by, over="week")
    lanes = pd.DataFrame(weekly.xs(chosen, level="scenario"))
    table = lanes.groupby("week").median() if isinstance(lanes.index, pd.MultiIndex) else lanes
    order = table.sum().abs().sort_values(ascending=False, kind="stable").index
    data = table[order[:top]].copy()
    data.columns = data.columns.astype(str)
    if len(order) > top:
        data[OTHERS] = table[order[top:]].sum(axis=1)
    data.columns.name = by
    data.attrs = {"unit": weekly.attrs["unit"], "scenario": chosen}
    return data


def _scenario(outcome: Outcome, name: str | None) -> str:
    """Return the scenario that is asked for, or the one with the largest loss."""
    totals = outcome.loss(by="total")["total"].groupby("scenario").median()
    if name is None:
        return str(totals.idxmax())
    if name not in totals.index:
        raise UnknownLabelError(name, "scenario", totals.index)
    return name


def timeline(
    outcome: Outcome,
    *,
    by: By = "country",
    scenario: str | None = None,
    top: int = 8,
    ax: Axes | None = None,
) -> Axes:
    """Draw the weekly loss of value added of one scenario with matplotlib.

    Parameters
    ----------
    outcome : Outcome
        Result of a simulation.
    by : {"country", "product", "tier", "site", "total"}
        What each line stands for.
    scenario : str, optional
        Which scenario; None = the one with the largest loss.
    top : int
        Number of labels with a line of their own; the rest is summed.
    ax : matplotlib.axes.Axes, optional
        Where to draw; None = a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Never shown by this function.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    UnknownLabelError
        If the outcome has no such scenario.
    """
    data = _timeline_data(outcome, by=by, scenario=scenario, top=top)
    if ax is None:
        pyplot = require("matplotlib.pyplot", extra="plot")
        ax = pyplot.subplots(figsize=(8.0, 4.0), layout="constrained")[1]
    for label, colour in _line_colours(data).items():
        ax.plot(data.index, data[label], label=label, color=colour)
    ax.axhline(0.0, color="#444444", linewidth=0.8)
    ax.set_xlabel("week")
    ax.set_ylabel("loss of value added [USD million per week]")
    ax.set_title(data.attrs["scenario"], loc="left")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    return ax


def timeline_interactive(
    outcome: Outcome, *, by: By = "country", scenario: str | None = None, top: int = 8
) -> Any:
    """Return the weekly loss of value added of one scenario as a plotly figure.

    Parameters are those of :func:`timeline`.
    """
    data = _timeline_data(outcome, by=by, scenario=scenario, top=top)
    return draw_lines(data, y="loss of value added [USD million per week]")


def draw_lines(data: pd.DataFrame, *, y: str, height: int = 360, hover: str = ",.1f") -> Any:
    """Return a plotly figure with a line for each column over weeks."""
    drawn = figure(
        height=height,
        xaxis={"title": {"text": "weeks after the start"}, "rangemode": "tozero"},
        yaxis={"title": {"text": y}, "zeroline": True, "zerolinecolor": "#444444"},
        legend={"orientation": "h", "y": 1.12, "x": 0},
        hovermode="x unified",
    )
    for label, colour in _line_colours(data).items():
        drawn.add_scatter(
            x=data.index,
            y=data[label],
            name=label,
            mode="lines",
            line={"color": colour, "width": 2},
            hovertemplate=f"%{{y:{hover}}}",
        )
    return drawn


def _line_colours(data: pd.DataFrame) -> dict[str, str]:
    chosen = colours(data.columns)
    return {label: chosen[label] for label in data.columns}
