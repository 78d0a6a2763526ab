"""Pictures of plans: what is bought and what it saves, as numbers, each drawn once."""

from __future__ import annotations

import pandas as pd
import pytest
from report.example import small_chain

import chokepoint as cp
from chokepoint.errors import OptionError
from chokepoint.plot import plan_measures, plan_saving
from chokepoint.plot._plan import _plan_measures_data, _plan_saving_data


@pytest.fixture(scope="module")
def bought():
    ban = cp.Scenario("ban", [cp.ExportBan(by="CHN", against="JPN", products="ndfeb_sintered")])
    return cp.plan(small_chain(), ban, budget=1.0, targets="JPN", weeks=26)


def test_measures_are_sorted_and_add_up_to_what_was_spent(bought):
    data = _plan_measures_data(bought, top=50)
    assert len(data) == len(bought.measures) > 1
    assert data["cost_usd_m"].is_monotonic_decreasing
    assert data["cost_usd_m"].sum() == pytest.approx(bought.spent)


def test_measures_beyond_the_top_are_summed(bought):
    data = _plan_measures_data(bought, top=1)
    assert list(data.index[1:]) == ["others"]
    assert data["cost_usd_m"].sum() == pytest.approx(bought.spent)
    with pytest.raises(OptionError, match="at least 1"):
        plan_measures(bought, top=0)


def test_saving_is_the_difference_by_label():
    before = pd.Series({"USA": 10.0, "JPN": 4.0})
    data = _plan_saving_data(before, pd.Series({"JPN": 1.0, "USA": 9.0}))
    assert data.to_dict("index") == {
        "USA": {"without": 10.0, "with": 9.0, "saved": 1.0},
        "JPN": {"without": 4.0, "with": 1.0, "saved": 3.0},
    }
    with pytest.raises(OptionError, match="JPN"):
        plan_saving(before, pd.Series({"USA": 9.0}))


def test_each_figure_is_drawn(bought):
    drawn = plan_measures(bought)
    assert sum(len(bars.x) for bars in drawn.data) == min(12, len(bought.measures))
    without, with_plan = plan_saving(pd.Series({"USA": 10.0}), pd.Series({"USA": 9.0})).data
    assert (without.x[0], with_plan.x[0]) == (0.01, 0.009)
