"""What others have published on the same shocks, as tests of the order of magnitude.

The model is not fitted to these figures. Where it falls outside a published interval the test says
where, so that a change of that shows; `docs/explanation/ledger.md` says why.
"""

from __future__ import annotations

import pytest

import chokepoint as cp
from chokepoint.leverage import stressed

pytestmark = pytest.mark.slow

TIGHT = cp.Behaviour(switching=False)
LOGIC = ["advanced_logic", "mature_logic"]


@pytest.fixture(scope="module")
def chain():
    return cp.load("all")


def _published(chain, name):
    row = chain.estimates.set_index("estimate").loc[name]
    return float(row["value"]), float(row["low"]), float(row["high"])


def _losses(chain, scenario):
    """Return the loss by country in the reference and in the stressed case [USD million]."""
    run = {"weeks": 52, "record": "country", "progress": False}
    return (
        cp.simulate(chain, scenario, **run).loss().iloc[0],
        cp.simulate(stressed(chain), scenario, behaviour=TIGHT, **run).loss().iloc[0],
    )


@pytest.fixture(scope="module")
def minerals(chain):
    """A year without any Chinese gallium and germanium, raw or as compounds, for anybody."""
    goods = ["gallium", "gallium_compound", "germanium", "germanium_tetrachloride"]
    rest = [area for area in chain.areas() if area != "CHN"]
    ban = cp.ExportBan(by="CHN", against=rest, products=goods)
    reference, tight = _losses(chain, cp.Scenario("gallium and germanium", [ban]))
    return reference["USA"] / 1e3, tight["USA"] / 1e3


def test_gallium_and_germanium_published_interval_lies_inside_the_band(chain, minerals):
    """USGS, open-file report 2024-1057: USD 3.4 bn of US GDP, 1.7 to 9.0."""
    value, low, high = _published(chain, "usgs_gallium_germanium")
    assert (value, low, high) == (3.4, 1.7, 9.0)
    reference, tight = minerals
    assert reference < low < value < high < tight


def test_gallium_and_germanium_reference_is_below_and_stressed_within_ten_times(chain, minerals):
    value, _, _ = _published(chain, "usgs_gallium_germanium")
    reference, tight = minerals
    # The reference misses by orders of magnitude: see the page on the ledger.
    assert reference < value / 100.0
    assert value < tight < 10.0 * value


@pytest.fixture(scope="module")
def taiwan(chain):
    """A year without logic chips made in Taiwan, shares of GDP in per cent."""
    scenario = cp.Scenario("no logic", [cp.Outage(products=LOGIC, country="TWN")])
    reference, tight = _losses(chain, scenario)
    gdp = chain.countries.set_index("area")["gdp_usd_m"]
    return reference / gdp * 100.0, tight / gdp * 100.0, reference


def test_taiwan_costs_the_usa_and_china_within_a_factor_of_100_of_published_figures(chain, taiwan):
    """War, blockade and cut-off, Bloomberg Economics and McKinsey: 3 to 16 % of GDP."""
    reference, tight, _ = taiwan
    for area, names in {
        "USA": ("bloomberg_blockade_usa", "bloomberg_war_usa", "mckinsey_usa_pct"),
        "CHN": ("bloomberg_blockade_chn", "bloomberg_war_chn", "mckinsey_chn_pct"),
    }.items():
        published = [_published(chain, name)[0] for name in names]
        # Below all of them: only value added at sites of the chain counts.
        assert reference[area] < tight[area] < min(published)
        assert tight[area] > min(published) / 10.0
        assert reference[area] > max(published) / 100.0


def test_taiwan_loses_as_much_as_in_a_published_blockade(chain, taiwan):
    value, _, _ = _published(chain, "bloomberg_blockade_twn")
    reference, tight, _ = taiwan
    assert 0.5 * value < reference["TWN"] < tight["TWN"] < 1.5 * value


def test_taiwan_world_loss_beside_the_revenue_of_electronics_makers(chain, taiwan):
    """BCG and SIA 2021: USD 490 bn of revenue of electronics makers in a year without foundries,
    which is revenue and not value added: no more than an order of magnitude."""
    value, _, _ = _published(chain, "bcg_foundry_halt")
    world = taiwan[2].sum() / 1e3
    assert value / 2.0 < world < value * 2.0
