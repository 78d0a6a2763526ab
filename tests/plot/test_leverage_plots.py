"""Pictures of leverage: shares, bands and swings as numbers, each figure drawn once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from report.example import AREAS

from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.leverage import Leverage
from chokepoint.plot import band, leverage_map, leverage_timeline, tornado
from chokepoint.plot._leverage import (
    _band_data,
    _leverage_map_data,
    _leverage_timeline_data,
    _tornado_data,
)


class _Weekly:
    """Stands for an outcome: half a million USD a week in Japan."""

    scenarios = pd.Index(["CHN > JPN: magnets", "CHN > USA: magnets"], name="scenario")

    def loss(self, *, over):
        assert over == "week"
        rows = pd.MultiIndex.from_product([self.scenarios, range(52)], names=["scenario", "week"])
        return pd.DataFrame({"JPN": 0.5, "USA": 0.0}, index=rows)


@pytest.fixture(scope="module")
def found():
    gdp = AREAS["JPN"][0]
    rows = {
        ("CHN", "JPN", "magnets", 52): (1.0, 4.0, 10.0, 2.0, 6.0, 4.0 / gdp),
        ("CHN", "JPN", "magnets", 13): (np.nan, 1.0, 2.0, np.nan, np.nan, 4.0 / gdp),
        ("CHN", "USA", "magnets", 52): (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        ("CHN", "USA", "magnets", 13): (np.nan, 0.0, 0.0, np.nan, np.nan, 0.0),
    }
    columns = ["planner", "reference", "stressed", "low", "high", "share_of_gdp"]
    index = pd.MultiIndex.from_tuples(list(rows), names=["actor", "target", "bundle", "weeks"])
    table = pd.DataFrame(list(rows.values()), index=index, columns=columns)
    table["share_of_annual_gdp"] = table["reference"] / gdp
    keys = pd.MultiIndex.from_tuples(
        [("CHN", "JPN", "stock cover"), ("CHN", "JPN", "throttle")],
        names=["actor", "target", "assumption"],
    )
    assumptions = pd.DataFrame(
        {
            "low": [6.0, 4.0],
            "high": [3.0, 13.0],
            "low_setting": ["half", "1 week"],
            "high_setting": ["double", "stock + 1"],
        },
        index=keys,
    )
    return Leverage(
        table=table,
        assumptions=assumptions,
        not_reached=pd.DataFrame(),
        actors={"CHN": ("CHN",)},
        targets={"JPN": ("JPN",), "USA": ("USA",)},
        bundles={"magnets": ("magnet",)},
        headline=("magnets", 52),
        draws=3,
        outcome=_Weekly(),
    )


def test_map_shows_per_cent_of_gdp(found):
    data = _leverage_map_data(found, weeks=52)
    assert data.loc["magnets", ("CHN", "JPN")] == pytest.approx(100 * 4.0 / AREAS["JPN"][0])
    assert "52 weeks" in data.attrs["unit"]
    with pytest.raises(OptionError, match=r"\[13, 52\], got 26"):
        leverage_map(found, weeks=26)


def test_band_is_over_one_income(found):
    data = _band_data(found)
    row = data.loc[("CHN", "JPN")]
    scale = 100 / AREAS["JPN"][0]
    expected = {"planner": 1.0, "low": 2.0, "reference": 4.0, "high": 6.0, "stressed": 10.0}
    assert row.to_dict() == pytest.approx({key: value * scale for key, value in expected.items()})
    quarter = _band_data(found, weeks=13).loc[("CHN", "JPN")]
    assert quarter["stressed"] == pytest.approx(2.0 * scale * 4)
    with pytest.raises(UnknownLabelError, match='closest: "magnets"'):
        _band_data(found, bundle="magnet")


def test_tornado_puts_the_widest_swing_first(found):
    data = _tornado_data(found, actor="CHN", target="JPN")
    assert list(data.index) == ["throttle", "stock cover"]
    assert data.loc["throttle", "swing"] == 9.0
    assert data.loc["stock cover", "swing"] == 3.0
    assert (data["reference"] == 4.0).all()
    with pytest.raises(UnknownLabelError, match="CHN on USA"):
        tornado(found, actor="CHN", target="USA")


def test_timeline_is_per_cent_of_weekly_gdp(found):
    data = _leverage_timeline_data(found)
    assert list(data.columns) == ["JPN", "USA"]
    assert data["JPN"].iloc[0] == pytest.approx(0.5 / (AREAS["JPN"][0] / 52) * 100)


def test_each_figure_is_drawn(found):
    assert leverage_map(found).data[0].z.shape == (1, 2)
    drawn = band(found)
    assert [trace.name for trace in drawn.data][-3:] == [
        "reference, with the interval of data draws",
        "planner",
        "stressed",
    ]
    bars = tornado(found, actor="CHN", target="JPN").data
    # A bar reaches from the reference to the end: 4 to 13 USD million.
    assert bars[1].x[0] == pytest.approx(0.009)
    assert bars[1].base == pytest.approx(0.004)
    assert len(leverage_timeline(found).data) == 2
