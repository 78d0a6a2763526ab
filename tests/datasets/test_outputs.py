"""Chains with stated outputs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import chokepoint as cp
from chokepoint.chain import SupplyChain
from chokepoint.datasets import with_outputs
from chokepoint.errors import ShapeError, UnknownLabelError


def stated(chain, **outputs):
    sites = chain.sites.set_index("site")["output_qty"]
    changed = pd.Series({key.replace("_at_", "@"): value for key, value in outputs.items()})
    fixed = sites.index.isin(changed.index)
    return with_outputs(
        chain,
        changed.reindex(sites.index).fillna(sites),
        fixed=pd.Series(fixed, index=sites.index),
    )


def test_others_of_the_product_take_up_the_difference(full):
    chain = stated(full, car_at_USA=2400.0)
    output = chain.nodes["output_qty"]
    assert output["car@USA"] == pytest.approx(2400.0, rel=1e-3)
    cars = output[["car@USA", "car@JPN#thin", "car@JPN#rest"]]
    assert cars.sum() == pytest.approx(6000.0, rel=1e-3)
    assert output["car@JPN#rest"] == pytest.approx(2 * output["car@JPN#thin"], rel=0.01)
    assert chain.balance()["relative"].abs().max() <= 1e-9


def test_the_result_is_a_valid_chain_with_ranges_blanked_where_they_exclude_it(full):
    chain = stated(full, magnet_at_CHN=590.0)
    sites = chain.sites.set_index("site")
    assert np.isnan(sites.loc["magnet@CHN", "high"])
    assert SupplyChain.from_tables(chain.tables) == chain
    assert chain.nodes.equals(SupplyChain.from_tables(chain.tables).nodes)


def test_children_follow_and_cannot_be_stated(full):
    chain = stated(full, feed_at_USA=440.0)
    output = chain.nodes["output_qty"]
    assert output["ndpr@USA"] == pytest.approx(0.2 * output["feed@USA"], rel=1e-12)
    assert output["feed@USA"] == pytest.approx(440.0, rel=0.01)
    same = stated(full, ndpr_at_USA=10.0)
    assert same.nodes["output_qty"].to_numpy() == pytest.approx(
        full.nodes["output_qty"].to_numpy(), rel=1e-9
    )


def test_all_sites_of_a_product_give_way_in_proportion(full):
    chain = stated(full, power_at_CHN=1000.0, power_at_JPN=240.0)
    output = chain.nodes["output_qty"]
    assert output["power@CHN"] / output["power@JPN"] == pytest.approx(500 / 120, rel=0.01)
    assert output["power@CHN"] == pytest.approx(500.0, rel=0.01)


def test_nothing_fixed_changes_nothing(full):
    sites = full.sites
    chain = with_outputs(full, sites["output_qty"] * 2, fixed=sites["output_qty"] < 0)
    assert np.allclose(chain.nodes["output_qty"], full.nodes["output_qty"], rtol=1e-9)
    assert np.allclose(chain.edges["quantity"], full.edges["quantity"], rtol=1e-6)


def test_labels_have_to_be_sites(full):
    sites = full.sites.set_index("site")["output_qty"]
    fixed = pd.Series(False, index=sites.index)
    with pytest.raises(UnknownLabelError, match='closest: "car@USA"'):
        with_outputs(full, sites.rename({"car@USA": "car@USB"}), fixed=fixed)
    with pytest.raises(ShapeError, match="1 are missing, such as car@USA"):
        with_outputs(full, sites.drop("car@USA"), fixed=fixed)
    with pytest.raises(ShapeError, match="finite and >= 0"):
        with_outputs(full, -sites, fixed=~fixed)


def test_a_site_may_be_stated_to_make_nothing(full):
    chain = stated(full, magnet_at_JPN=0.0)
    output = chain.nodes["output_qty"]
    assert output["magnet@JPN"] == pytest.approx(0.0, abs=0.05)
    assert (chain.flows["quantity"] >= 0.0).all()


def test_other_sites_keep_an_output_whose_account_is_exact():
    """A share moved far pushes others down, not to where their identities are rounding."""
    chain = cp.load("rare_earths")
    sites = chain.sites.set_index("site")["output_qty"]
    wanted = sites.copy()
    wanted["metal_ndpr@CHN"] *= 1.09
    fixed = pd.Series(sites.index == "metal_ndpr@CHN", sites.index)
    moved = with_outputs(chain, wanted, fixed=fixed)
    assert moved.balance()["relative"].abs().max() < 1e-9
    cp.simulate(moved, cp.Scenario("none"), weeks=2)
