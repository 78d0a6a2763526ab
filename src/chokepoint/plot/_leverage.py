"""Pictures of leverage: who is hurt, by what, how surely, and which assumption decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.plot._style import figure
from chokepoint.plot._timeline import draw_lines
from chokepoint.propagate import WEEKS_PER_YEAR

if TYPE_CHECKING:
    from chokepoint.leverage import Leverage

__all__ = ["band", "leverage_map", "leverage_timeline", "tornado"]

_FIGURES = ["planner", "low", "reference", "high", "stressed"]


def _leverage_map_data(leverage: Leverage, *, weeks: int = 52) -> pd.DataFrame:
    """Return damage as a share of GDP, bundle x (actor, target) [per cent of the same weeks]."""
    table = _at(leverage, weeks=weeks)["share_of_gdp"] * 100.0
    data = table.unstack(["actor", "target"])
    data = data.reindex(index=list(leverage.bundles), columns=_pairs(leverage))
    data.attrs = {"unit": f"per cent of the target's GDP of {weeks} weeks"}
    return data


def leverage_map(leverage: Leverage, *, weeks: int = 52) -> Any:
    """Return a heat map of damage by bundle and target as a plotly figure.

    Parameters
    ----------
    leverage : Leverage
        Result of :func:`chokepoint.leverage.leverage`.
    weeks : int
        Horizon; one of those that were measured.

    Raises
    ------
    OptionError
        If the horizon was not measured.
    """
    data = _leverage_map_data(leverage, weeks=weeks)
    columns = _pair_names(leverage, data.columns)
    drawn = figure(
        height=120 + 30 * len(data),
        margin={"l": 170, "r": 20, "t": 40, "b": 20},
        xaxis={"side": "top"},
        yaxis={"autorange": "reversed"},
    )
    drawn.add_heatmap(
        x=columns,
        y=list(data.index),
        z=data.to_numpy(),
        text=[[_short(value) for value in row] for row in data.to_numpy()],
        texttemplate="%{text}",
        colorscale="Blues",
        zmin=0.0,
        colorbar={"title": {"text": "% of GDP"}},
        hovertemplate="%{y} on %{x}: %{z:.2g} % of GDP<extra></extra>",
    )
    return drawn


def _band_data(
    leverage: Leverage, *, bundle: str | None = None, weeks: int | None = None
) -> pd.DataFrame:
    """Return band and interval, one row per (actor, target) [per cent of GDP of the weeks]."""
    chosen, horizon = _bundle(leverage, bundle), weeks or leverage.headline[1]
    table = pd.DataFrame(_at(leverage, weeks=horizon).xs(chosen, level="bundle"))
    yearly = _income(leverage).reindex([target for _, target in _pairs(leverage)]).to_numpy()
    data: pd.DataFrame = (
        table[_FIGURES].reindex(_pairs(leverage)).div(yearly * horizon / WEEKS_PER_YEAR, axis=0)
        * 100.0
    )
    data.attrs = {
        "unit": f"per cent of the target's GDP of {horizon} weeks",
        "bundle": chosen,
        "weeks": horizon,
    }
    return data


def band(leverage: Leverage, *, bundle: str | None = None, weeks: int | None = None) -> Any:
    """Return the band [planner, reference, stressed] with the interval as a plotly figure.

    Parameters
    ----------
    leverage : Leverage
        Result of :func:`chokepoint.leverage.leverage`.
    bundle : str, optional
        Bundle of goods; None = that of the headline.
    weeks : int, optional
        Horizon; None = that of the headline.
    """
    data = _band_data(leverage, bundle=bundle, weeks=weeks)
    names = _pair_names(leverage, data.index)
    drawn = figure(
        height=110 + 44 * len(data),
        margin={"l": 70, "r": 20, "t": 30, "b": 50},
        xaxis={"title": {"text": data.attrs["unit"]}, "rangemode": "tozero"},
        yaxis={"autorange": "reversed", "type": "category"},
        legend={"orientation": "h", "y": 1.15, "x": 0},
    )
    for name, (low, high) in zip(names, _ends(data), strict=True):
        drawn.add_scatter(
            x=[low, high],
            y=[name, name],
            mode="lines",
            line={"color": "#c9d4de", "width": 14},
            name="band: planner to stressed",
            showlegend=bool(name == names[0]),
            hoverinfo="skip",
        )
    reference = data["reference"]
    drawn.add_scatter(
        x=reference,
        y=names,
        mode="markers",
        marker={"color": "#0072b2", "size": 10},
        name="reference, with the interval of data draws",
        error_x={
            "type": "data",
            "symmetric": False,
            "array": (data["high"] - reference).clip(lower=0.0),
            "arrayminus": (reference - data["low"]).clip(lower=0.0),
            "color": "#0072b2",
            "thickness": 2,
        },
        hovertemplate="reference %{x:.2g} %<extra></extra>",
    )
    for column, symbol in (("planner", "triangle-right"), ("stressed", "triangle-left")):
        drawn.add_scatter(
            x=data[column],
            y=names,
            mode="markers",
            marker={"color": "#555555", "size": 9, "symbol": symbol},
            name=column,
            hovertemplate=column + " %{x:.2g} %<extra></extra>",
        )
    return drawn


def _tornado_data(leverage: Leverage, *, actor: str, target: str) -> pd.DataFrame:
    """Return damage with one assumption at a time at its ends [USD million of value added].

    Index assumption, widest swing first; columns low, reference, high, low_setting,
    high_setting and swing.
    """
    assumptions = leverage.assumptions
    pairs = {(a, t): f"{a} on {t}" for a, t, _ in assumptions.index}
    if (actor, target) not in pairs:
        raise UnknownLabelError(f"{actor} on {target}", "pair", pairs.values())
    bundle, weeks = leverage.headline
    data = pd.DataFrame(assumptions.xs((actor, target), level=("actor", "target")))
    data["reference"] = leverage.table["reference"][actor, target, bundle, weeks]
    ends = data[["low", "high", "reference"]].astype(float)
    data["swing"] = ends.max(axis=1) - ends.min(axis=1)
    data = data.sort_values("swing", ascending=False, kind="stable")
    data.attrs = {"unit": assumptions.attrs.get("unit", ""), "bundle": bundle, "weeks": weeks}
    return data[["low", "reference", "high", "low_setting", "high_setting", "swing"]]


def tornado(leverage: Leverage, *, actor: str, target: str) -> Any:
    """Return the one-at-a-time table of a headline as a plotly bar chart.

    Parameters
    ----------
    leverage : Leverage
        Result of :func:`chokepoint.leverage.leverage`.
    actor, target : str
        Names as in ``leverage.actors`` and ``leverage.targets``.

    Raises
    ------
    UnknownLabelError
        If that pair was not measured.
    """
    data = _tornado_data(leverage, actor=actor, target=target)
    reference = float(data["reference"].iloc[0]) / 1e3
    drawn = figure(
        height=110 + 30 * len(data),
        margin={"l": 190, "r": 20, "t": 30, "b": 50},
        barmode="overlay",
        xaxis={
            "title": {"text": f"loss of {target} over {data.attrs['weeks']} weeks [USD billion]"}
        },
        yaxis={"autorange": "reversed"},
        legend={"orientation": "h", "y": 1.12, "x": 0},
    )
    for end, colour in (("low", "#56b4e9"), ("high", "#d55e00")):
        drawn.add_bar(
            y=list(data.index),
            x=data[end] / 1e3 - reference,
            base=reference,
            orientation="h",
            name=f"assumption at its {end} end",
            marker={"color": colour},
            customdata=list(zip(data[f"{end}_setting"], data[end] / 1e3, strict=True)),
            hovertemplate="%{customdata[0]}: %{customdata[1]:.3g} USD billion<extra></extra>",
        )
    drawn.add_vline(x=reference, line={"color": "#222222", "width": 1.5})
    return drawn


def _leverage_timeline_data(leverage: Leverage, *, bundle: str | None = None) -> pd.DataFrame:
    """Return each target's weekly loss under the ban against it [per cent of weekly GDP].

    Weeks x targets (``"actor on target"`` with several actors), reference case.
    """
    chosen = _bundle(leverage, bundle)
    weekly = leverage.outcome.loss(over="week")
    income = _income(leverage) / WEEKS_PER_YEAR
    columns = {}
    for actor, target in _pairs(leverage):
        lanes = pd.DataFrame(weekly.xs(leverage.scenario(actor, target, chosen), level="scenario"))
        areas = [area for area in leverage.targets[target] if area in lanes.columns]
        columns[actor, target] = lanes[areas].sum(axis=1) / income[target] * 100.0
    data = pd.DataFrame(columns)
    data.columns = pd.Index(_pair_names(leverage, data.columns), name="target")
    data.attrs = {"unit": "per cent of the target's weekly GDP", "bundle": chosen}
    return data


def leverage_timeline(leverage: Leverage, *, bundle: str | None = None) -> Any:
    """Return each target's weekly loss under the ban against it as a plotly figure.

    Parameters
    ----------
    leverage : Leverage
        Result of :func:`chokepoint.leverage.leverage`.
    bundle : str, optional
        Bundle of goods; None = that of the headline.
    """
    data = _leverage_timeline_data(leverage, bundle=bundle)
    return draw_lines(data, y="loss [% of the target's weekly GDP]", hover=".2g")


def _at(leverage: Leverage, *, weeks: int) -> pd.DataFrame:
    measured = leverage.table.index.get_level_values("weeks")
    if weeks not in measured:
        raise OptionError(
            f"weeks must be one of the measured horizons {sorted(set(measured))}, got {weeks}."
        )
    return pd.DataFrame(leverage.table.xs(weeks, level="weeks"))


def _income(leverage: Leverage) -> pd.Series:
    """Return each target's GDP [USD million per year]; blank where nothing hurts it."""
    table = leverage.table
    yearly = table["reference"] / table["share_of_annual_gdp"].where(table["reference"] != 0)
    income: pd.Series = yearly.groupby("target").median()
    return income


def _bundle(leverage: Leverage, name: str | None) -> str:
    if name is None:
        return leverage.headline[0]
    if name not in leverage.bundles:
        raise UnknownLabelError(name, "bundle", leverage.bundles)
    return name


def _pairs(leverage: Leverage) -> list[tuple[str, str]]:
    """Return the pairs that were measured, in the order in which they were named."""
    measured = {(actor, target) for actor, target, *_ in leverage.table.index}
    both = [(actor, target) for actor in leverage.actors for target in leverage.targets]
    return [pair for pair in both if pair in measured]


def _pair_names(leverage: Leverage, pairs: pd.Index) -> list[str]:
    one_actor = len(leverage.actors) == 1
    return [str(pair[1]) if one_actor else f"{pair[0]} on {pair[1]}" for pair in pairs]


def _ends(data: pd.DataFrame) -> list[tuple[float, float]]:
    inner = data[["planner", "reference", "stressed"]]
    return list(zip(inner.min(axis=1), inner.max(axis=1), strict=True))


def _short(value: float) -> str:
    if np.isnan(value):
        return ""
    return f"{value:.2g}" if abs(value) >= 0.001 else "0"
