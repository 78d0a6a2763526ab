"""Chains at later dates: ramps, projects, and what stays."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from chokepoint.errors import OptionError
from chokepoint.leverage import Ramp, chain_at, ramp_cost

TODAY = "2026-01-01"


def outputs(chain):
    return chain.sites.set_index("site")["output_qty"]


def with_project(magnets, share=0.5, date="2027-06", probability=0.8):
    project = pd.DataFrame(
        {"project": ["new"], "site": ["magnet@JPN"], "added_share": [share], "online_date": [date],
         "probability": [probability]}
    )  # fmt: skip
    return magnets.replace(projects=project)


def test_a_ramp_is_exponential_after_its_lag() -> None:
    ramp = Ramp(name="r", products="magnet", country="USA", of_need=0.5, lag_years=1, time_years=2,
                cost_usd_m=100.0)  # fmt: skip
    assert ramp.part(0.5) == ramp.part(1.0) == 0.0
    assert ramp.part(3.0) == pytest.approx(1 - math.exp(-1))
    assert ramp.part(1e9) == pytest.approx(1.0)
    assert ramp_cost([ramp, ramp], 3.0) == pytest.approx(200 * (1 - math.exp(-1)))


def test_ramps_add_a_share_of_the_need_and_others_give_way(magnets) -> None:
    # Japan needs 30 magnets a year; half of that is 15 more, at the cost of China's 80.
    ramp = Ramp(
        name="r", products="magnet", country="JPN", of_need=0.5, lag_years=0, time_years=0.1
    )
    later = outputs(chain_at(magnets, "2036-01-01", ramps=[ramp], since=TODAY))
    assert later["magnet@JPN"] == pytest.approx(35.0, rel=1e-3)
    assert later["magnet@CHN"] == pytest.approx(65.0, rel=1e-3)
    assert later.drop(["magnet@JPN", "magnet@CHN"]).to_numpy() == pytest.approx(
        outputs(magnets).drop(["magnet@JPN", "magnet@CHN"]).to_numpy(), rel=1e-5
    )


def test_projects_count_from_their_date_with_their_probability(magnets) -> None:
    chain = with_project(magnets)
    assert chain_at(chain, "2027-06-29") is chain
    assert outputs(chain_at(chain, "2027-06-30"))["magnet@JPN"] == pytest.approx(28.0)
    assert chain_at(chain, "2028-01-01", projects=False) is chain


def test_nobody_makes_more_than_there_is(magnets) -> None:
    huge = outputs(chain_at(with_project(magnets, share=50.0), "2028-01-01"))
    assert huge["magnet@JPN"] == pytest.approx(98.0, rel=0.01)
    assert huge["magnet@CHN"] > 0.0


def test_identities_and_labels_are_kept(magnets) -> None:
    later = chain_at(with_project(magnets), "2028-01-01")
    assert later.nodes.index.equals(magnets.nodes.index)
    made = outputs(later).groupby(later.sites.set_index("site")["product"]).sum()
    sold = later.flows.groupby(later.flows["supplier"].str.split("@").str[0])["quantity"].sum()
    assert made.to_dict() == pytest.approx(sold.to_dict())


def test_wrong_ramps(magnets) -> None:
    with pytest.raises(OptionError, match="time_years > 0"):
        Ramp(name="r", products="magnet", country="USA", of_need=0.5, time_years=0.0)
    ramp = Ramp(name="r", products="magnet", country="USA", of_need=0.5)
    with pytest.raises(OptionError, match="expected sites of magnet in USA, found none"):
        chain_at(magnets, "2030-01-01", ramps=[ramp], since=TODAY)
    with pytest.raises(OptionError, match="since"):
        chain_at(magnets, "2030-01-01", ramps=[ramp])
    with pytest.raises(OptionError, match="Expected a day"):
        chain_at(magnets, "in five years")
