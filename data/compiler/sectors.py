"""Sectors that two chains describe: needs handed on, value added counted once."""

from __future__ import annotations

import pandas as pd

from compiler.inputs import Inputs

__all__ = ["deducted", "replaced"]

MOST_DEDUCTED = 0.4
"""A sector keeps at least this much less than one of its value added beside its parts."""


def replaced(inputs: Inputs, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return recipe rows of the products that take over the needs of removed ones.

    A row of `replaced` hands a share of the world need that `product` has in `slot` on to the
    product `by`: quantity = need x share / world output of `by`. Stock and qualification stay as
    they were; use share and criticality are stated anew, since they are shares of another output.
    """
    sites, recipes = tables["sites"], tables["inputs"]
    made = sites.groupby("product")["output_qty"].sum()
    rows = inputs["replaced"]
    total = rows.groupby(["product", "slot"])["share"].sum()
    off = total[(total - 1.0).abs() > 1e-9]
    if len(off):
        raise ValueError(f"shares of {list(off.index)} in `replaced` do not add up to 1")
    out = []
    for row in rows.itertuples():
        old = recipes[
            (recipes["product"] == row.product)
            & (recipes["slot"] == row.slot)
            & (recipes["site"] == "")
        ]
        if old.empty:
            raise ValueError(f"replaced: {row.product} has no slot {row.slot}")
        new = old.copy()
        need = old["quantity"] * made[row.product]
        new["product"] = row.by
        scale = row.share / made[row.by] * made[row.product]
        for column in ("quantity", "low", "high"):
            new[column] = old[column] * scale
        assert (need > 0).all()
        for column in ("use_share", "criticality"):
            for end in ("", "_low", "_high"):
                new[column + end] = getattr(row, column + end)
        new["combine"] = row.combine
        new["source"], new["confidence"] = row.source, row.confidence
        new["derivation"] = row.derivation
        out.append(new)
    return pd.concat(out, ignore_index=True) if out else recipes.iloc[:0]


def deducted(inputs: Inputs, sites: pd.DataFrame) -> pd.DataFrame:
    """Return sites whose value added no longer holds that of parts that have sites of their own.

    A row of `deductions` names a part that statistics count inside a family of sectors. In each
    country the value added of the family falls by that of its parts, at most by MOST_DEDUCTED.
    """
    rows = inputs["deductions"]
    out = sites.copy()
    added = out["output_usd_m"] * out["value_added_share"]
    for _, group in rows.groupby("family", sort=False):
        sectors = {item for cell in group["sectors"] for item in cell.split(";")}
        parts = added[out["product"].isin(group["part"])].groupby(out["country"]).sum()
        inside = out["product"].isin(sectors)
        whole = added[inside].groupby(out["country"]).sum()
        share = (parts.reindex(whole.index).fillna(0.0) / whole).clip(upper=MOST_DEDUCTED)
        factor = 1.0 - out["country"].map(share).fillna(0.0).where(inside, 0.0)
        for end in ("", "_low", "_high"):
            name = f"value_added_share{end}"
            out[name] = (out[name] * factor).where(factor < 1.0, out[name])
        note = "; less parts that have sites of their own"
        out["derivation"] = out["derivation"] + pd.Series(note, out.index).where(factor < 1.0, "")
    return out
