"""Projects that come on line in a dated run."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from propagate._chains import Draft, Flow

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.scenario import project_effects


def chain_with(*rows) -> SupplyChain:
    flows = [Flow("ore@AUS", "mill@USA"), Flow("mill@USA", "market:mill@USA")]
    columns = ["project", "site", "added_share", "online_date", "probability"]
    projects = pd.DataFrame(rows, columns=columns)
    return SupplyChain.from_tables({**Draft(flows).tables(), "projects": projects})


def factors(chain, start="2026-01-05", weeks=6) -> dict[str, list[float]]:
    return {
        chain.nodes.index[effect.nodes.item()]: effect.factor.tolist()
        for effect in project_effects(chain, start, weeks).capacity
    }


def test_expected_capacity_from_the_first_week_that_begins_on_or_after_the_date():
    chain = chain_with(
        ("on a Monday", "ore@AUS", 0.5, "2026-01-19", 1.0),
        ("a day later", "mill@USA", 2.0, "2026-01-20", 0.25),
    )
    assert factors(chain) == {
        "ore@AUS": [1.0, 1.0, 1.5, 1.5, 1.5, 1.5],
        "mill@USA": [1.0, 1.0, 1.0, 1.5, 1.5, 1.5],
    }


def test_projects_at_one_site_add_up():
    chain = chain_with(
        ("first", "ore@AUS", 0.5, "2026-01-12", 0.5),
        ("second", "ore@AUS", 1.0, "2026-01-26", 0.5),
    )
    assert factors(chain) == {"ore@AUS": [1.0, 1.25, 1.25, 1.75, 1.75, 1.75]}


def test_a_month_or_year_stands_for_its_last_day():
    chain = chain_with(("month", "ore@AUS", 1.0, "2026-01", 1.0))
    # 31 January is a Saturday: the first week after it begins on 2 February, week 4.
    assert factors(chain) == {"ore@AUS": [1.0] * 4 + [2.0, 2.0]}
    chain = chain_with(("year", "ore@AUS", 1.0, "2025", 1.0))
    assert factors(chain, "2025-12-17", 4) == {"ore@AUS": [1.0, 1.0, 2.0, 2.0]}


def test_what_came_before_the_run_is_there_and_what_comes_after_it_is_not():
    chain = chain_with(
        ("before", "ore@AUS", 1.0, "2020", 0.5), ("after", "mill@USA", 1.0, "2026-03", 1.0)
    )
    assert factors(chain) == {"ore@AUS": [1.5] * 6}


def test_without_projects_nothing_happens():
    chain = Draft([Flow("ore@AUS", "market:ore@USA")]).build()
    assert project_effects(chain, "2026-01-05", 9).capacity == ()


@pytest.mark.parametrize(
    "given", [dt.date(2026, 1, 19), pd.Timestamp("2026-01-19T18:00Z"), pd.Timestamp("2026-01-19")]
)
def test_the_start_may_be_any_kind_of_date(given):
    chain = chain_with(("now", "ore@AUS", 1.0, "2026-01-19", 1.0))
    assert factors(chain, given, 2) == {"ore@AUS": [2.0, 2.0]}


@pytest.mark.parametrize("given", ["soon", 2026, None, pd.NaT, True])
def test_a_start_that_is_no_date_is_refused(given):
    chain = chain_with(("now", "ore@AUS", 1.0, "2026", 1.0))
    with pytest.raises(OptionError, match="start_date must be the first day of the run"):
        project_effects(chain, given, 4)
