"""What the flow estimate hands back: the table of flows and the report on trade totals."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from chokepoint import schema
from chokepoint.chain._fit_problem import FloatArray, Problem

__all__ = ["flow_table", "trade_table"]


def flow_table(
    tables: Mapping[str, pd.DataFrame], problem: Problem, flow: FloatArray
) -> pd.DataFrame:
    """Return reported and estimated flows as a table, in the order of buyers, then suppliers."""
    estimated = pd.DataFrame(
        {
            "supplier": problem.suppliers["site"].to_numpy()[problem.supplier],
            "buyer": problem.slots["buyer"].to_numpy()[problem.slot],
            "slot": problem.slots["slot"].to_numpy()[problem.slot],
            "quantity": flow,
            "known": "estimated",
            "confidence": "D",
            "derivation": "proportional fitting to supplier totals, slot needs and trade",
        }
    )
    known = problem.known[[c for c in schema.spec("flows").names if c in problem.known]]
    known = known.dropna(axis="columns", how="all")
    frame = pd.concat([known, estimated], ignore_index=True)
    nodes = pd.Index([*tables["sites"]["site"], *tables["markets"]["market"]])
    order = np.lexsort(
        (
            frame["slot"].to_numpy(dtype=object),
            nodes.get_indexer(frame["supplier"]),
            nodes.get_indexer(frame["buyer"]),
        )
    )
    return schema.coerce("flows", frame.iloc[order])[0]


def trade_table(problem: Problem, flow: FloatArray) -> pd.DataFrame:
    """Return one row per reported total: range, fitted total, deviation and the reason for it."""
    trade = problem.trade
    inside = np.array([flow[block].sum() for block in problem.blocks], dtype=np.float64)
    fitted = inside + trade["held"].to_numpy()
    reported = trade["quantity"].to_numpy()
    low = trade["low"].fillna(trade["quantity"]).to_numpy()
    high = trade["high"].fillna(trade["quantity"]).to_numpy()
    slack = 1e-5 * np.maximum(reported, fitted)
    met = np.abs(fitted - reported) <= slack
    within = (fitted >= low - slack) & (fitted <= high + slack)
    reason = np.select(
        [
            met,
            (trade["role"] == "check").to_numpy(),
            (trade["held"] > reported + slack).to_numpy(),
            (trade["covered"] == 0).to_numpy(),
            within,
        ],
        [
            "",
            "compared only",
            "reported flows exceed the total",
            "no pair of supplier and buyer in the chain",
            "inside the range; supplier totals and slot needs do not allow the total itself",
        ],
        default="outside the range; supplier totals and slot needs do not allow it",
    )
    columns = ["products", "exporter", "importer", "period", "role"]
    frame = trade[columns].assign(
        reported=reported, low=low, high=high, fitted=fitted,
        deviation=fitted - reported, reason=reason,
    )  # fmt: skip
    return frame.set_index(trade["row"].to_numpy()).sort_index().rename_axis("row")
