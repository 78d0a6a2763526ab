"""Pictures of a plan: what is bought, and what it saves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from chokepoint.errors import OptionError
from chokepoint.plot._style import GREY, OTHERS, colours, figure

if TYPE_CHECKING:
    from chokepoint.resilience import Plan

__all__ = ["plan_measures", "plan_saving"]


def _plan_measures_data(plan: Plan, *, top: int = 12) -> pd.DataFrame:
    """Return the dearest measures of a plan, the rest summed into ``"others"`` [USD million].

    Index measure and place; columns kind and cost_usd_m.
    """
    if top < 1:
        raise OptionError(f"top must be at least 1 (number of bars), got {top}.")
    bought = plan.measures.sort_values("cost_usd_m", ascending=False, kind="stable")
    labels = bought["measure"] + ", " + bought["where"]
    data = bought[["kind", "cost_usd_m"]].set_axis(pd.Index(labels, name="measure"))
    rest = data["cost_usd_m"].iloc[top:].sum()
    data = data.iloc[:top]
    if len(bought) > top:
        data = pd.concat([data, pd.DataFrame({"kind": OTHERS, "cost_usd_m": rest}, [OTHERS])])
    data.attrs = {"unit": "USD million"}
    return data


def plan_measures(plan: Plan, *, top: int = 12) -> Any:
    """Return the measures that a plan buys as a plotly bar chart of their cost.

    Parameters
    ----------
    plan : Plan
        Result of :func:`chokepoint.resilience.plan`.
    top : int
        Number of measures with a bar of their own.
    """
    data = _plan_measures_data(plan, top=top)
    shade = colours(data["kind"])
    drawn = figure(
        height=110 + 26 * len(data),
        xaxis={"title": {"text": "cost [USD million]"}},
        yaxis={
            "autorange": "reversed",
            "categoryorder": "array",
            "categoryarray": list(data.index),
        },
        legend={"orientation": "h", "y": 1.1, "x": 0},
    )
    for kind in dict.fromkeys(data["kind"]):
        mine = data[data["kind"].eq(kind)]
        drawn.add_bar(
            y=list(mine.index),
            x=mine["cost_usd_m"],
            orientation="h",
            name=kind.replace("_", " "),
            marker={"color": shade[kind]},
            hovertemplate="%{y}: %{x:.3g} USD million<extra></extra>",
        )
    return drawn


def _plan_saving_data(before: pd.Series, after: pd.Series) -> pd.DataFrame:
    """Return losses without and with a plan, and what it saves [USD million]; by label."""
    if set(before.index) != set(after.index):
        missing = sorted(map(str, set(before.index) ^ set(after.index)))
        raise OptionError(f"before and after must have the same labels; not in both: {missing}.")
    data = pd.DataFrame({"without": before, "with": after.reindex(before.index)})
    data["saved"] = data["without"] - data["with"]
    data.attrs = {"unit": "USD million of value added"}
    return data


def plan_saving(before: pd.Series, after: pd.Series) -> Any:
    """Return losses without and with a plan as a plotly bar chart.

    Parameters
    ----------
    before, after : pandas.Series
        Losses by label [USD million], simulated without and with the plan.

    Raises
    ------
    OptionError
        If the labels differ.
    """
    data = _plan_saving_data(before, after)
    drawn = figure(
        height=110 + 46 * len(data),
        barmode="group",
        xaxis={"title": {"text": "loss of value added [USD billion]"}},
        yaxis={"autorange": "reversed", "type": "category"},
        legend={"orientation": "h", "y": 1.15, "x": 0, "traceorder": "normal"},
    )
    for column, name, colour in (
        ("without", "without a plan", GREY),
        ("with", "with the plan, simulated again", "#009e73"),
    ):
        drawn.add_bar(
            y=list(data.index),
            x=data[column] / 1e3,
            orientation="h",
            name=name,
            marker={"color": colour},
            hovertemplate="%{x:.3g} USD billion<extra>" + name + "</extra>",
        )
    return drawn
