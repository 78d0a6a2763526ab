"""Losses by sector and firm beside their revenue in the other country."""

from __future__ import annotations

import pandas as pd
import pytest
from leverage._levers import trade

import chokepoint as cp
from chokepoint.errors import OptionError
from chokepoint.leverage import US_SECTORS_IN_CHINA, corporate_exposure

SECTORS = {"Chips": ["chip"], "Cars": ["vehicle"], "Nobody": ["missing"]}
EXPOSURE = pd.DataFrame(
    {"sector": ["Chips", "Cars"], "value": [0.3, 0.02], "low": [0.2, 0.01], "high": [0.4, 0.03],
     "source": "survey", "confidence": "B"}
)  # fmt: skip
BAN = cp.Scenario("ban", [cp.ExportBan(by="CHN", against="USA", products="chip"),
                          cp.Boycott(by="CHN", against="JPN", products="tool")])  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return corporate_exposure(trade(), BAN, "USA", weeks=52, sectors=SECTORS, exposure=EXPOSURE)


def test_shares_and_weights_by_hand(found) -> None:
    loss = cp.simulate(trade(), BAN, weeks=52).loss(by="site").iloc[0]
    chips, cars, parts = (loss[one] for one in ("chip@USA", "car@USA", "part@USA"))
    total = chips + cars + parts + loss["tool@USA"]
    assert found.sectors.loc["Cars", "loss"] == pytest.approx(cars)
    assert found.sectors.loc["Chips", "share"] == pytest.approx(chips / total, abs=1e-12)
    assert found.share_exposed == pytest.approx(chips / total, abs=1e-12)
    weight = (0.3 * chips + 0.02 * cars) / (chips + cars)
    assert found.lobbying_weight == pytest.approx(weight)
    assert found.known == pytest.approx((chips + cars) / total)
    assert found.sectors["share"].sum() == pytest.approx(1.0)
    assert pd.isna(found.sectors.loc["", "exposure"])


def test_the_threshold_decides_who_is_exposed() -> None:
    low = corporate_exposure(
        trade(), BAN, "USA", weeks=52, sectors=SECTORS, exposure=EXPOSURE, threshold=0.01
    )
    assert low.share_exposed == pytest.approx(low.known)


def test_a_product_has_one_sector() -> None:
    twice = {"Chips": ["chip"], "All": ["chip", "car"]}
    with pytest.raises(OptionError, match="one sector"):
        corporate_exposure(trade(), BAN, "USA", sectors=twice, exposure=EXPOSURE)


def test_shipped_groups_and_firms_are_known() -> None:
    """Every group that is filed under a sector exists in some shipped chain."""
    groups: set[str] = set()
    for name in cp.datasets.names():
        groups |= set(cp.load(name).products["group"])
    filed = {group for held in US_SECTORS_IN_CHINA.values() for group in held}
    assert filed <= groups
    known = set(cp.datasets.macro("sector_exposure")["sector"])
    assert set(US_SECTORS_IN_CHINA) <= known
    stop = cp.Scenario("stop", [cp.Outage(products="advanced_logic", country="TWN")])
    found = corporate_exposure(cp.load("semiconductors"), stop, "USA", weeks=13)
    assert len(found.firms) > 0
    assert found.firms["exposure"].between(0, 1).all()
