"""Equality, hashing, immutability and replacement."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import chains, full_tables, shuffled

from chokepoint.chain import SupplyChain
from chokepoint.errors import ImmutableError


@settings(max_examples=25)
@given(chains(), st.integers(0, 100))
def test_row_order_does_not_matter_to_equality(chain, seed):
    other = SupplyChain.from_tables(shuffled(chain.tables, seed))
    assert other == chain
    assert hash(other) == hash(chain)
    assert set(other.nodes.index) == set(chain.nodes.index)


@pytest.mark.parametrize("seed", range(5))
def test_row_order_does_not_matter_to_the_flow_estimate(full, seed):
    assert SupplyChain.from_tables(shuffled(full_tables(), seed)) == full


def test_views_of_a_shuffled_chain_hold_the_same_facts_under_the_same_labels(full):
    other = SupplyChain.from_tables(shuffled(full.tables, 7))
    nodes = other.nodes
    assert list(nodes.index) == [*other.sites["site"], *other.markets["market"]]
    assert nodes.loc[full.nodes.index].equals(full.nodes)
    key = ["supplier", "buyer", "slot"]
    ours = full.edges.set_index(key).sort_index()
    assert other.edges.set_index(key).sort_index().equals(ours)


def test_a_changed_cell_makes_another_chain(full):
    frames = full.tables
    frames["sites"].loc[12, "ramp_max"] = 1.2
    other = SupplyChain.from_tables(frames)
    assert other != full
    assert hash(other) != hash(full)


def test_one_row_more_makes_another_chain(full):
    frames = full.tables
    frames["alternatives"] = frames["alternatives"].iloc[:0]
    assert SupplyChain.from_tables(frames) != full


def test_names_do_not_count(full):
    assert SupplyChain.from_tables(full.tables, name="other") == full
    assert full != "full"


def test_nothing_can_be_set_or_deleted(full):
    with pytest.raises(ImmutableError, match=r"chain.replace\(sites=...\)"):
        full.sites = full.sites
    with pytest.raises(ImmutableError):
        full.name = "other"
    with pytest.raises(ImmutableError):
        full.anything = 1
    with pytest.raises(ImmutableError):
        del full.sites
    with pytest.raises(TypeError, match="from_tables"):
        SupplyChain()


def test_frames_given_to_a_chain_stay_the_users_own(full):
    frames = full.tables
    chain = SupplyChain.from_tables(frames)
    before = {name: frame.copy() for name, frame in frames.items()}
    frames["sites"].loc[:, "country"] = "X"
    assert chain == full
    assert list(before["sites"].columns) == list(full.sites.columns)


def test_copies_are_the_chain_itself_and_pickles_are_equal(full):
    assert copy.copy(full) is full
    assert copy.deepcopy(full) is full
    other = pickle.loads(pickle.dumps(full))
    assert other == full
    assert other.name == full.name
    assert other.nodes.equals(full.nodes)


class TestReplace:
    """New chains from old ones."""

    def test_other_tables_stay(self, full):
        inputs = full.inputs
        inputs["lead_weeks"] = 3
        other = full.replace(inputs=inputs)
        assert other.name == full.name
        assert other.flows.equals(full.flows)
        assert set(other.edges.loc[other.edges["buyer"] == "magnet@CHN", "lead_weeks"]) == {3}

    def test_values_follow_prices(self, full):
        products = full.products
        products["price_usd"] *= 2
        other = full.replace(products=products)
        assert np.allclose(other.sites["output_usd_m"], 2 * full.sites["output_usd_m"])
        assert np.allclose(other.flows["value_usd_m"], 2 * full.flows["value_usd_m"])
        assert np.allclose(other.nodes["value_usd_m"], 2 * full.nodes["value_usd_m"])

    def test_values_follow_quantities(self, full):
        frames = full.tables
        for table, column in (("sites", "output_qty"), ("markets", "quantity")):
            frames[table][column] *= 3
            frames[table][["low", "high"]] *= 3
        trade = frames["trade"].assign(role="check")
        other = full.replace(
            sites=frames["sites"], markets=frames["markets"], trade=trade, flows=None
        )
        assert np.allclose(other.sites["output_usd_m"], 3 * full.sites["output_usd_m"])
        assert np.allclose(other.balance()["relative"], 0, atol=1e-9)

    def test_a_value_that_a_user_stated_stays(self, tables):
        tables["sites"]["output_usd_m"] = ""
        tables["sites"].loc[12, "output_usd_m"] = "99"
        chain = SupplyChain.from_tables(tables)
        products = chain.products
        products["price_usd"] *= 2
        other = chain.replace(products=products).nodes["value_usd_m"]
        assert other["car@USA"] == 99
        assert other["car@JPN#rest"] == pytest.approx(100)

    def test_flows_are_estimated_anew_where_dropped(self, full):
        other = full.replace(flows=None)
        assert other.fit is not None
        assert other == full


def test_a_shuffled_chain_gives_the_same_losses_under_the_same_labels(full):
    import chokepoint as cp

    ban = cp.Scenario("ban", [cp.ExportBan(by="CHN", products="oxides", weeks=20)])
    other = SupplyChain.from_tables(shuffled(full.tables, 3))
    losses, others = (
        cp.simulate(chain, [ban], weeks=26).loss(by="site") for chain in (full, other)
    )
    assert losses.to_numpy().max() > 0
    assert set(losses.columns) == set(others.columns)
    assert np.allclose(losses, others[losses.columns], rtol=1e-9, atol=1e-12)
