"""The chain as a Sankey diagram: value of flows between countries, stage by stage."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from chokepoint._optional import require
from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.plot._style import FONT, OTHERS, colours, fade

__all__ = ["sankey"]

_PAD, _MARGIN = 10, 10  # pixels
_TOP = 0.95  # the rest is for headings
_UNIT = "USD million per year, baseline prices"


def _sankey_data(chain: SupplyChain, *, threshold: float = 0.03) -> pd.DataFrame:
    """Return the links of the diagram, one row per (tier, country) to (tier, country).

    Columns ``source_tier``, ``source``, ``target_tier``, ``target``, ``value_usd_m``, ``flows``
    (number of flows behind the link) and ``share`` (of all that the buying tier buys, in
    ``value_usd_m``). In each tier the countries whose throughput is
    below `threshold` of the tier's are one node, ``"others"``. Flows to markets are left out.
    Flows that do not lead to a later tier (returned scrap, trade within a tier) would close a
    cycle: they are cut, and ``attrs`` says how many there were and what they were worth.
    A pure process stands in the tier of its most valuable output.
    """
    if not 0.0 <= threshold < 1.0:
        raise OptionError(f"threshold must be a share in [0, 1), got {threshold}.")
    flows = _site_flows(chain)
    forward = flows["source_tier"] < flows["target_tier"]
    cut, kept = flows[~forward], flows[forward].copy()
    small = _small(kept, threshold)
    for end in ("source", "target"):
        keys = pd.MultiIndex.from_frame(kept[[f"{end}_tier", end]])
        kept[end] = kept[end].where(~keys.isin(small), OTHERS)
    links = (
        kept.groupby(["source_tier", "source", "target_tier", "target"])["value_usd_m"]
        .agg(["sum", "size"])
        .rename(columns={"sum": "value_usd_m", "size": "flows"})
        .reset_index()
    )
    bought = links.groupby("target_tier")["value_usd_m"].transform("sum")
    links["share"] = links["value_usd_m"] / bought
    links.attrs = {
        "unit": _UNIT,
        "threshold": threshold,
        "cut_flows": len(cut),
        "cut_value_usd_m": float(cut["value_usd_m"].sum()),
        "stages": _stage_names(chain, {*links["source_tier"], *links["target_tier"]}),
    }
    return links


def sankey(
    chain: SupplyChain,
    *,
    threshold: float = 0.03,
    width: Literal["share", "value"] = "share",
    height: int = 560,
) -> Any:
    """Return the Sankey diagram of a chain by tier and country as a plotly figure.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    threshold : float
        Countries below this share of a tier's throughput are drawn as one node, "others".
    width : {"share", "value"}
        What the width of a link shows: its share of all that the buying tier buys, so that cheap
        tiers upstream are as visible as dear ones downstream, or its value.
    height : int
        Height in pixels.

    Returns
    -------
    plotly.graph_objects.Figure
        Values are per year at baseline prices.

    Raises
    ------
    MissingDependencyError
        If plotly is not installed.
    OptionError
        If `threshold` is no share, or `width` is neither word.
    """
    if width not in ("share", "value"):
        raise OptionError(f'width must be "share" or "value", got {width!r}.')
    graph = require("plotly.graph_objects", extra="report")
    links = _sankey_data(chain, threshold=threshold)
    drawn_as = links["share"] if width == "share" else links["value_usd_m"]
    nodes = _placed_nodes(links.assign(width=drawn_as), room=_TOP * (height - 2 * _MARGIN))
    names = dict(zip(chain.countries["area"], chain.countries["name"], strict=True))
    stages = links.attrs["stages"]
    shade = colours(nodes.groupby("country")["value"].sum().sort_values(ascending=False).index)
    position = {key: i for i, key in enumerate(zip(nodes["tier"], nodes["country"], strict=True))}
    source = [position[key] for key in zip(links["source_tier"], links["source"], strict=True)]
    target = [position[key] for key in zip(links["target_tier"], links["target"], strict=True)]
    drawn = graph.Figure(
        graph.Sankey(
            arrangement="fixed",
            domain={"x": [0.0, 1.0], "y": [0.0, _TOP]},
            node={
                "label": list(nodes["country"]),
                "customdata": [
                    f"{names.get(country) or country}, {stages[tier]}"
                    for tier, country in zip(nodes["tier"], nodes["country"], strict=True)
                ],
                "hovertemplate": "%{customdata}<extra></extra>",
                "color": [shade[country] for country in nodes["country"]],
                "x": list(nodes["x"]),
                "y": list(nodes["y"]),
                "pad": _PAD,
                "thickness": 16,
                "line": {"width": 0},
            },
            link={
                "source": source,
                "target": target,
                "value": list(drawn_as),
                "customdata": [
                    f"{share:.1%} of what the stage {stages[tier]} buys, "
                    f"USD {value:,.1f} million a year"
                    for share, tier, value in zip(
                        links["share"], links["target_tier"], links["value_usd_m"], strict=True
                    )
                ],
                "color": [fade(shade[country], 0.35) for country in links["source"]],
                "hovertemplate": (
                    "%{source.customdata} to %{target.customdata}: %{customdata}<extra></extra>"
                ),
            },
        )
    )
    drawn.update_layout(
        height=height,
        margin=dict.fromkeys("lrtb", _MARGIN),
        font={"family": FONT, "size": 12, "color": "#222222"},
        annotations=[_heading(tier, stages[tier], nodes) for tier in sorted(set(nodes["tier"]))],
    )
    return drawn


def _heading(tier: int, stage: str, nodes: pd.DataFrame) -> dict[str, Any]:
    x = float(nodes.loc[nodes["tier"].eq(tier), "x"].iloc[0])
    anchor = "left" if x < 0.01 else "right" if x > 0.99 else "center"
    return {
        "x": x,
        "y": 1.0,
        "yanchor": "top",
        "xref": "paper",
        "yref": "paper",
        "xanchor": anchor,
        "text": f"<b>{stage}</b>",
        "showarrow": False,
    }


def _site_flows(chain: SupplyChain) -> pd.DataFrame:
    """Return flows between sites with tier and country of both ends."""
    nodes, tier = chain.nodes, _tiers(chain)
    flows = chain.flows[["supplier", "buyer", "value_usd_m"]]
    flows = flows[flows["buyer"].map(nodes["kind"]).eq("site") & (flows["value_usd_m"] > 0)]
    return pd.DataFrame(
        {
            "source_tier": flows["supplier"].map(tier).to_numpy(),
            "source": flows["supplier"].map(nodes["country"]).to_numpy(dtype=object),
            "target_tier": flows["buyer"].map(tier).to_numpy(),
            "target": flows["buyer"].map(nodes["country"]).to_numpy(dtype=object),
            "value_usd_m": flows["value_usd_m"].to_numpy(dtype=float),
        }
    )


def _tiers(chain: SupplyChain) -> pd.Series:
    """Return the tier of each node; a pure process takes that of its most valuable output."""
    nodes = chain.nodes
    tier = nodes["tier"].copy()
    outputs = nodes[nodes["process"].ne("")].sort_values("value_usd_m", ascending=False)
    first = outputs.drop_duplicates("process").set_index("process")["tier"]
    pure = nodes.index[nodes["is_process"]]
    tier.loc[pure] = first.reindex(pure).fillna(tier.loc[pure]).astype(int)
    return tier


def _small(flows: pd.DataFrame, threshold: float) -> pd.Index:
    """Return the (tier, country) pairs whose throughput is below the threshold."""
    out = flows.groupby(["source_tier", "source"])["value_usd_m"].sum()
    into = flows.groupby(["target_tier", "target"])["value_usd_m"].sum()
    names = ["tier", "country"]
    both = pd.concat([out.rename_axis(names), into.rename_axis(names)], axis=1)
    throughput = both.max(axis=1)
    share = throughput / throughput.groupby("tier").transform("sum")
    return share.index[share < threshold]


def _stage_names(chain: SupplyChain, tiers: set[int]) -> dict[int, str]:
    """Return the stage that most of a tier's value belongs to."""
    nodes = chain.nodes
    products = chain.products.set_index("product")
    value = nodes[nodes["kind"].eq("site")].groupby("product")["value_usd_m"].sum()
    table = pd.DataFrame(
        {"tier": products["tier"], "stage": products["stage"], "value": value}
    ).fillna({"value": 0.0})
    worth = table.groupby(["tier", "stage"])["value"].sum().sort_values(ascending=False)
    names: dict[int, str] = {}
    for tier, stage in worth.index:
        names.setdefault(int(tier), str(stage) or f"tier {tier}")
    return {tier: names[tier] for tier in sorted(tiers)}


def _placed_nodes(links: pd.DataFrame, *, room: float) -> pd.DataFrame:
    """Return the nodes with their places: tiers from left to right, large countries on top.

    `room` is the height that the nodes may take [pixels].
    """
    out = links.groupby(["source_tier", "source"])["width"].sum()
    into = links.groupby(["target_tier", "target"])["width"].sum()
    names = ["tier", "country"]
    value = pd.concat([out.rename_axis(names), into.rename_axis(names)], axis=1).max(axis=1)
    nodes = value.rename("value").reset_index()
    overall = nodes.groupby("country")["value"].sum()
    nodes["rank"] = nodes["country"].map(overall.rank(ascending=False))
    nodes.loc[nodes["country"].eq(OTHERS), "rank"] = np.inf
    nodes = nodes.sort_values(["tier", "rank"]).reset_index(drop=True)
    tiers = sorted(set(nodes["tier"]))
    place = {tier: i / max(1, len(tiers) - 1) for i, tier in enumerate(tiers)}
    nodes["x"] = nodes["tier"].map(place).clip(0.001, 0.999)
    # As plotly scales them: the fullest tier takes the whole height, gaps included.
    gap = _PAD / room
    held = nodes.groupby("tier")["value"].agg(["sum", "size"])
    scale = float(((1.0 - gap * (held["size"] - 1)) / held["sum"]).min())
    tall = nodes["value"] * scale
    above = (tall + gap).groupby(nodes["tier"]).cumsum() - (tall + gap)
    nodes["y"] = (above + tall / 2).clip(0.001, 0.999)
    return nodes
