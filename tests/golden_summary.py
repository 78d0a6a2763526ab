"""Counts and concentration of the shipped chains; run as a script to record them anew."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import chokepoint as cp

GOLDEN = Path(__file__).parent / "golden" / "summary.csv"


def summary(chain: cp.SupplyChain) -> pd.DataFrame:
    """One row a tier: counts, value added, and concentration of output by country.

    Concentration is the mean over the products of a tier of the sum of squared country shares.
    """
    nodes, sites = chain.nodes, chain.sites
    made = sites.groupby(["product", "country"])["output_qty"].sum()
    share = made / made.groupby("product").transform("sum")
    tier = chain.products.set_index("product")["tier"]
    hhi = (share**2).groupby("product").sum().groupby(tier).mean()
    largest = share.groupby("product").max().groupby(tier).mean()
    inside = nodes[nodes["kind"] == "site"]
    added = inside.groupby("tier")["value_added_usd_m"].sum()
    frame = pd.DataFrame(
        {
            "products": chain.products.groupby("tier")["product"].count(),
            "sites": inside.groupby("tier")["product"].count(),
            "value_added_usd_m": added.round(0),
            "hhi": hhi.round(3),
            "largest_country": largest.round(3),
        }
    )
    frame = frame.reset_index(names="tier")
    frame.insert(0, "chain", chain.name)
    return frame


if __name__ == "__main__":
    frames = [summary(cp.load(name)) for name in cp.datasets.names()]
    pd.concat(frames).to_csv(GOLDEN, index=False)
