"""The frontier: properties, brute force, and what it reports."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from leverage._levers import one_input, trade

import chokepoint as cp
from chokepoint.errors import OptionError
from chokepoint.exposure import ces_power
from chokepoint.leverage import frontier, generic_instruments
from chokepoint.leverage._search import _worth

CAPS = (0.0, 1e-5, 1e-4, 3e-4, 1e-3, 1e-2, 1.0)


@pytest.fixture(scope="module")
def chain() -> cp.SupplyChain:
    return trade()


@pytest.fixture(scope="module")
def curve(chain):
    return frontier(chain, "CHN", "USA", weeks=26, caps=CAPS)


def test_by_hand(chain, curve) -> None:
    """China stops chips: 20.8 of 124.8 a year, a sixth, so 208 / 52 / 6 of US cars a week.

    What is on the way lasts for a week, a stock of two weeks at a sixth a week for twelve; US
    value added is half the worth of a car. US chip plants, with no growth to offer, lose nothing.
    """
    tried = curve.tried[curve.tried["level"].eq(1.0)]
    row = tried[tried["levers"].map(list).map(" ".join).eq("no chip")].iloc[0]
    assert row["damage"] == pytest.approx((26 - 13) * 208 / 52 / 6 / 2)
    # China makes 20.8 fewer chips a year, from the first week on; its cars gain a little later.
    assert row["self_harm"] == pytest.approx(26 * 20.8 / 52 / 2, rel=1e-3)


def test_nondecreasing_and_ends_at_the_gross_leverage(curve) -> None:
    damage = curve.table["damage"]
    assert damage.is_monotonic_increasing
    assert damage.iloc[-1] == curve.gross == curve.tried["damage"].max()
    assert (curve.table["self_harm"] <= curve.table["cap_usd_m"]).all()
    assert (curve.table["damage_both"] <= damage).all()
    assert curve.gross >= 0.0


def test_flags_where_the_cap_binds(curve) -> None:
    assert curve.table.loc[0.0, "binding"]
    assert not curve.table.loc[1.0, "binding"]
    assert not curve.table.loc[np.inf, "binding"]


def test_any_cap_may_be_asked(curve) -> None:
    assert curve.at(np.inf) == curve.gross
    assert curve.at(3e-4) == curve.table.loc[3e-4, "damage"]
    with pytest.raises(OptionError, match="cap_share"):
        curve.at(-1.0)


def test_net_leverage(curve) -> None:
    free, dear = curve.net(theta=0.0), curve.net(theta=1e6)
    assert free["damage"] == curve.gross
    assert dear["self_harm"] <= 0.0
    assert curve.net()["net"] == max(
        curve.tried["damage"] - curve.tried["self_harm"]
    )  # fmt: skip
    assert curve.net(tau=1.0)["net"] <= curve.net()["net"] - min(
        0, curve.tried["third_party"].min()
    )
    assert curve.net_share(theta=0.0) == pytest.approx(curve.gross / (29_200 / 2))


def test_the_scenario_is_the_optimum(chain, curve) -> None:
    for cap in (3e-4, np.inf):
        loss = cp.simulate(chain, curve.scenario(cap), weeks=26).loss()
        assert loss["USA"].iloc[0] == pytest.approx(curve.table.loc[cap, "damage"], rel=1e-12)
        assert loss["CHN"].iloc[0] == pytest.approx(curve.table.loc[cap, "self_harm"], rel=1e-12)


def test_no_path_no_leverage(chain) -> None:
    sold = generic_instruments(chain, actor="CHN", target="JPN", imports=False)
    none = frontier(chain, "CHN", "JPN", weeks=13, levers=sold)
    assert none.gross == 0.0
    assert none.table["damage"].eq(0.0).all()
    assert not none.table["binding"].any()


def test_more_levers_are_worth_at_least_as_much(chain, curve) -> None:
    every = generic_instruments(chain, actor="CHN", target="USA")
    for one in every:
        less = frontier(chain, "CHN", "USA", weeks=26, levers=[one], caps=CAPS)
        assert (less.table["damage"] <= curve.table["damage"] + 1e-12).all()


def test_currency_does_not_matter(chain, curve) -> None:
    scaled = {
        "products": chain.products.assign(price_usd=lambda table: table["price_usd"] * 7),
        "countries": chain.countries.assign(gdp_usd_m=lambda table: table["gdp_usd_m"] * 7),
    }
    sites, flows, markets = chain.sites, chain.flows, chain.markets
    sites["output_usd_m"] *= 7
    flows["value_usd_m"] *= 7
    markets["value_usd_m"] *= 7
    richer = chain.replace(**scaled, sites=sites, flows=flows, markets=markets)
    again = frontier(richer, "CHN", "USA", weeks=26, caps=CAPS)
    shares = ["damage_share", "self_harm_share"]
    pd.testing.assert_frame_equal(again.table[shares], curve.table[shares])


@pytest.mark.parametrize("pair", [("CHN", "USA"), ("USA", "CHN"), (["USA", "JPN"], "CHN")])
def test_steps_find_what_brute_force_finds(pair) -> None:
    """With all sets run, and with steps from both ends: the same frontier, to one part in 1,000."""
    chain = cp.load("rare_earths")
    levers = generic_instruments(chain, actor=pair[0], target=pair[1])[:9]
    options = {"weeks": 26, "levers": levers, "caps": np.logspace(-6, -2, 9)}
    brute = frontier(chain, *pair, exhaustive=9, **options)
    steps = frontier(chain, *pair, exhaustive=3, **options)
    assert brute.exhaustive
    assert not steps.exhaustive
    assert len(steps.tried) < len(brute.tried)
    assert (steps.table["damage"] >= 0.999 * brute.table["damage"]).all()
    assert (steps.table["damage_both"] >= 0.95 * brute.table["damage_both"]).all()


def test_weak_levers_go_together() -> None:
    chain = cp.load("rare_earths")
    made = frontier(chain, "CHN", "USA", weeks=13, levers="generic", most=4, exhaustive=3)
    assert not made.exhaustive
    assert made.gross > 0.0


def test_interaction_is_what_pairs_add(chain) -> None:
    made = frontier(chain, "CHN", "USA", weeks=26, levers="generic")
    pairs = made.interaction
    assert ((pairs["together"] - pairs["apart"]) == pairs["interaction"]).all()


def test_worth_prefers_more_damage_at_less_harm() -> None:
    order = [(1, -1), (1, 0), (1, 0.1), (1, 1), (0.1, 1), (0, 1), (-1, 1)]
    values = [_worth(*one) for one in order]
    assert values == sorted(values, reverse=True)
    # Giving up levers: much harm saved for little damage lost comes first.
    assert _worth(-1, -10) > _worth(-10, -1) > _worth(-1, 0.1)


def test_wrong_arguments(chain) -> None:
    with pytest.raises(OptionError, match="without common areas"):
        frontier(chain, ["CHN", "USA"], "USA")
    with pytest.raises(OptionError, match="caps"):
        frontier(chain, "CHN", "USA", caps=[-1.0])
    with pytest.raises(OptionError, match="levers must be"):
        frontier(chain, "CHN", "USA", levers="everything")
    twice = generic_instruments(chain, actor="CHN", target="USA")[:1] * 2
    with pytest.raises(OptionError, match="twice"):
        frontier(chain, "CHN", "USA", levers=twice)


# ------------------------------------------------------------------- the price measure beside it

TABLE = {
    0.10: (0.0421, 0.2107, 0.2163, 0.2208),
    0.50: (0.2773, 1.3863, 1.6500, 1.9081),
    0.90: (0.9210, 4.6052, 8.4673, 14.4481),
    0.95: (1.1983, 5.9915, 13.4275, 27.1206),
    0.99: (1.8421, 9.2103, 33.1029, 89.7034),
}
ELASTICITIES = ((6, 1), (2, 1), (2, 0.5), (2, 0.1))


@pytest.mark.parametrize(("share", "place"), [*itertools.product(TABLE, range(4))])
def test_long_run_loss_meets_the_price_measure(share, place) -> None:
    """The quantity model at a long horizon, where others grow by what the elasticities imply.

    Power P is in log points of real output. Quantities give the same loss if others come to
    deliver exp(-P) of the need, so grow by exp(-P) / (1 - share) - 1. Tolerance: 0.5 % of the
    buyer's output in the mean over the last year of ten.
    """
    sigma, rho = ELASTICITIES[place]
    power = ces_power(share, 0.02, sigma=sigma, rho=rho)
    assert 100 * power == pytest.approx(TABLE[share][place], abs=1e-4)
    left = np.exp(-power)
    chain = one_input(share, growth=left / (1.0 - share) - 1.0)
    assert _late_loss(chain, "A") == pytest.approx(1.0 - left, abs=0.005)


def test_the_quantity_model_brackets_the_price_measure() -> None:
    for share, row in TABLE.items():
        still = _late_loss(one_input(share), "A")
        assert still == pytest.approx(share, abs=1e-9)
        assert still > 1.0 - np.exp(-max(row) / 100)


def test_loss_is_convex_in_the_share_and_coalitions_are_worth_more() -> None:
    losses = [_late_loss(one_input(share, growth=0.5), "A") for share in (0.3, 0.5, 0.7, 0.9)]
    expected = [max(0.0, 1.0 - 1.5 * (1.0 - share)) for share in (0.3, 0.5, 0.7, 0.9)]
    assert losses == pytest.approx(expected, abs=0.005)
    pair = one_input(0.45, others=2, growth=0.5)
    sites = pair.sites.set_index("site")["output_qty"]
    assert sites["input@A"] == pytest.approx(0.45 * 5200)
    alone = _late_loss(one_input(0.45, growth=0.5), "A")
    together = _late_loss(one_input(0.9, growth=0.5), "A")
    assert together > 2 * alone


def _late_loss(chain: cp.SupplyChain, actor: str) -> float:
    ban = cp.Scenario("ban", [cp.ExportBan(by=actor, against="B")])
    # Orders for what is needed: without a stock the default rule swings for years around the mean.
    steady = cp.Behaviour(order_rule="desired", trigger=0.001)
    run = cp.simulate(chain, ban, weeks=520, start_date="2026-01-05", behaviour=steady)
    loss = run.loss(by="site", over="week")["good@B"].to_numpy()
    return float(loss[-52:].mean() / 50.0)
