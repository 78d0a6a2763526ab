from __future__ import annotations

import pytest

from chokepoint.leverage import reach


def test_magnets_in_imported_motors_are_not_reached(magnets) -> None:
    table = reach(magnets, by="CHN", against="USA", products="magnet")
    row = table.loc["magnet"]
    # 30 directly; a Japanese motor holds 20/30 of a Chinese magnet, and 10 are imported.
    assert row["direct"] == pytest.approx(30.0)
    assert row["through_others"] == pytest.approx(10 * 20 / 30)
    assert row["in_owner_goods"] == 0.0
    assert row["reached_share"] == pytest.approx(30 / (30 + 20 / 3))


def test_own_parts_are_told_apart(magnets) -> None:
    flows, sites, markets = magnets.flows, magnets.sites, magnets.markets
    flows.loc[flows["supplier"].eq("motor@JPN") & flows["buyer"].eq("car@USA"), "supplier"] = (
        "motor@CHN"
    )
    flows.loc[flows["buyer"].eq("motor@JPN"), "quantity"] *= 20 / 30
    flows.loc[flows["buyer"].eq("motor@CHN"), "quantity"] = 40.0
    sites.loc[sites["site"].eq("motor@JPN"), "output_qty"] = 20.0
    sites.loc[sites["site"].eq("motor@CHN"), "output_qty"] = 40.0
    out = flows.groupby("supplier")["quantity"].sum()
    sites["output_qty"] = sites["site"].map(out)
    blank = sites[["output_usd_m", "low", "high"]] * float("nan")
    sites[["output_usd_m", "low", "high"]] = blank
    flows["value_usd_m"] = float("nan")
    changed = magnets.replace(flows=flows, sites=sites, markets=markets)
    row = reach(changed, by="CHN", against="USA", products="magnet").loc["magnet"]
    assert row["in_owner_goods"] == pytest.approx(10.0)
    assert row["through_others"] == 0.0
