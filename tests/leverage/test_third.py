"""Third countries: the formulas on exposures known by heart, and a run on a chain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import chokepoint as cp
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.leverage import third_countries


@pytest.fixture(scope="module")
def made():
    return cp.leverage(
        cp.load("rare_earths"), actors=["CHN", "USA", "JPN"],
        targets=["DEU", "JPN", "KOR", "VNM", "CHN"], weeks=[26], levers=["exports"], band=False,
    )  # fmt: skip


def known(made, exposures):
    """Return the leverages with other shares of GDP."""
    table = made.table.copy()
    for (actor, target), share in exposures.items():
        table.loc[(actor, target), "share_of_gdp"] = share
    return replace(made, table=table)


EXPOSURES = {
    ("CHN", "DEU"): 0.02, ("USA", "DEU"): 0.01, ("JPN", "DEU"): 0.002,
    ("CHN", "KOR"): 0.03, ("USA", "KOR"): 0.01, ("JPN", "KOR"): 0.02,
    ("CHN", "VNM"): 0.04, ("USA", "VNM"): 0.0, ("JPN", "VNM"): 0.0,
    ("CHN", "JPN"): 0.01, ("USA", "JPN"): 0.03,
}  # fmt: skip


def test_formulas_by_hand(made) -> None:
    found = third_countries(known(made, EXPOSURES), ["CHN", "USA"], weeks=26)
    table = found.table
    assert table.index.tolist() == ["DEU", "JPN", "KOR", "VNM"]
    assert table["tilt"].tolist() == pytest.approx([1 / 3, -0.5, 0.5, 1.0])
    assert table["forced_choice_cost"].tolist() == pytest.approx([0.01, 0.01, 0.01, 0.0])
    assert table["autonomy"].tolist() == pytest.approx([0.5, 0.25, 0.25, 0.0])
    # Korea could lean on Japan instead; Viet Nam has nothing to give up.
    assert table["forced"].tolist() == [True, True, False, False]
    assert table["other"].tolist() == ["JPN", "", "JPN", ""]
    gdp = table["gdp_usd_m"]
    assert found.forced_share == pytest.approx((gdp["DEU"] + gdp["JPN"]) / gdp.sum())
    money = {
        pole: sum(EXPOSURES.get((pole, name), 0.0) * gdp[name] for name in gdp.index)
        for pole in ("CHN", "USA", "JPN")
    }
    shares = pd.Series(money) / sum(money.values())
    pd.testing.assert_series_equal(found.shares, shares, check_names=False)
    assert found.effective_poles == pytest.approx(1 / np.square(shares).sum())
    assert -1.0 <= found.tilt <= 1.0


def test_materiality_counts(made) -> None:
    strict = third_countries(known(made, EXPOSURES), ["CHN", "USA"], weeks=26, materiality=0.011)
    assert strict.forced_share == 0.0


def test_tilt_is_antisymmetric(made) -> None:
    one = third_countries(made, ["CHN", "USA"], weeks=26)
    two = third_countries(made, ["USA", "CHN"], weeks=26)
    pd.testing.assert_series_equal(one.table["tilt"], -two.table["tilt"], check_names=False)
    assert one.effective_poles == pytest.approx(two.effective_poles)


def test_on_a_chain_all_countries_without_the_poles() -> None:
    chain = cp.load("rare_earths")
    found = third_countries(
        chain, {"China": "CHN", "US": ["USA", "CAN"]}, others=["JPN"], weeks=13,
        levers=["exports"], dtype="float32",
    )  # fmt: skip
    assert not {"CHN", "USA", "CAN"} & set(found.table.index)
    assert "X_WLD" not in found.table.index
    assert "JPN" in found.table.index
    assert found.exposure.loc["JPN", "JPN"] != found.exposure.loc["JPN", "China"]
    assert found.shares.sum() == pytest.approx(1.0)


def test_wrong_arguments(made) -> None:
    with pytest.raises(OptionError, match="two poles"):
        third_countries(made, ["CHN"], weeks=26)
    with pytest.raises(OptionError, match="at 52 weeks"):
        third_countries(made, ["CHN", "USA"], weeks=52)
    with pytest.raises(UnknownLabelError, match="DEU"):
        third_countries(made, ["CHN", "DEU"], weeks=26)
