"""A chain small enough to reckon by hand: magnets from two countries, cars in three."""

from __future__ import annotations

import pandas as pd
import pytest

from chokepoint import SupplyChain


@pytest.fixture(scope="session")
def magnets() -> SupplyChain:
    """China makes 80 of 100 magnets a year; motors and cars are made in the USA and Japan.

    The USA takes 30 Chinese and 10 Japanese magnets and 10 motors from Japan, so that a ban
    on magnets does not reach everything.
    """
    products = pd.DataFrame(
        {
            "product": ["magnet", "motor", "car"],
            "tier": [0, 1, 2],
            "group": ["magnet", "motor", "vehicle"],
            "price_usd": [1e6, 1e7, 1e8],
        }
    )
    countries = pd.DataFrame(
        {
            "area": ["CHN", "JPN", "USA"],
            "gdp_usd_m": [18_700.0, 4_000.0, 29_200.0],
            "blocs": ["", "ALLIES", "ALLIES"],
        }
    )
    sites = pd.DataFrame(
        [
            ("magnet", "CHN", 80.0, 60.0, 90.0),
            ("magnet", "JPN", 20.0, 10.0, 40.0),
            ("motor", "CHN", 30.0, None, None),
            ("motor", "JPN", 30.0, None, None),
            ("motor", "USA", 40.0, None, None),
            ("car", "CHN", 30.0, None, None),
            ("car", "JPN", 20.0, None, None),
            ("car", "USA", 50.0, None, None),
        ],
        columns=["product", "country", "output_qty", "low", "high"],
    )
    sites["value_added_share"] = 0.5
    inputs = pd.DataFrame(
        {
            "product": ["motor", "car"],
            "input": ["magnet", "motor"],
            "quantity": [1.0, 1.0],
            "stock_weeks": [4.0, 2.0],
            "stock_weeks_low": [2.0, 1.0],
            "stock_weeks_high": [8.0, 4.0],
            "use_share": [1.0, 0.8],
            "use_share_low": [0.8, 0.5],
            "use_share_high": [1.0, 1.0],
            "lead_weeks": [2, 1],
            "qualification_weeks": [26.0, 26.0],
        }
    )
    markets = pd.DataFrame(
        {"product": ["car"] * 3, "country": ["CHN", "JPN", "USA"], "quantity": [30.0, 20.0, 50.0]}
    )
    flows = pd.DataFrame(
        [
            ("magnet@CHN", "motor@CHN", 30.0),
            ("magnet@CHN", "motor@JPN", 20.0),
            ("magnet@CHN", "motor@USA", 30.0),
            ("magnet@JPN", "motor@JPN", 10.0),
            ("magnet@JPN", "motor@USA", 10.0),
            ("motor@CHN", "car@CHN", 30.0),
            ("motor@JPN", "car@JPN", 20.0),
            ("motor@JPN", "car@USA", 10.0),
            ("motor@USA", "car@USA", 40.0),
            ("car@CHN", "market:car@CHN", 30.0),
            ("car@JPN", "market:car@JPN", 20.0),
            ("car@USA", "market:car@USA", 50.0),
        ],
        columns=["supplier", "buyer", "quantity"],
    )
    return SupplyChain.from_tables(
        name="magnets",
        products=products,
        countries=countries,
        sites=sites,
        inputs=inputs,
        markets=markets,
        flows=flows,
    )
