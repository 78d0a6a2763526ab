"""Made-up chains: their accounts, their shape, and that they are chains like any other."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.sparse import csgraph

import chokepoint as cp
from chokepoint.datasets import synthetic
from chokepoint.errors import OptionError
from chokepoint.propagate import compile_chain

LINKS = ("supplier", "buyer", "slot", "product", "quantity", "recipe", "growth_max", "lead_weeks",
         "qualification_weeks", "max_share", "dormant")  # fmt: skip


@pytest.fixture(scope="module")
def chain():
    return synthetic(5000, rng=7)


def graph(chain):
    """Flows between sites as a matrix, supplier in the rows."""
    links, size = chain.links, len(chain.sites)
    inner = links.buyer < size
    ends = (links.supplier[inner], links.buyer[inner])
    return sparse.csr_array((np.ones(inner.sum()), ends), shape=(size, size))


def test_accounts_balance_to_the_last_digits(chain):
    assert chain.balance()["relative"].abs().max() < 1e-12


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_is_what_a_chain_of_its_tables_is(seed):
    """Views and links are made from arrays; those of the validated tables are the same."""
    made = synthetic(300, countries=7, rng=seed)
    built = cp.SupplyChain.from_tables(made.tables)
    assert made == built
    for view in ("nodes", "slots", "edges"):
        pd.testing.assert_frame_equal(getattr(made, view), getattr(built, view))
    for name in LINKS:
        mine, theirs = getattr(made.links, name), getattr(built.links, name)
        assert np.array_equal(mine, theirs, equal_nan=name == "max_share")
        assert mine.dtype == theirs.dtype


def test_sizes_and_labels(chain):
    assert len(chain.sites) == 5000
    assert chain.sites["site"].is_unique
    assert chain.markets["market"].is_unique
    assert chain.sites["product"].nunique() == len(chain.products) == 71
    assert sorted(chain.products["tier"].unique()) == [0, 1, 2, 3, 4, 5]
    assert len(chain.countries) == 36
    assert set(chain.sites["country"]) <= set(chain.areas())
    small = synthetic(60, tiers=3, products=9, countries=2, rng=1)
    assert (len(small.sites), len(small.products), len(small.countries)) == (60, 9, 2)


def test_the_same_seed_gives_the_same_chain(chain):
    again = synthetic(5000, rng=np.random.default_rng(7))
    assert again == chain
    assert synthetic(5000, rng=8) != chain


@pytest.mark.parametrize("tail", [1.2, 2.0])
def test_customers_have_the_tail_that_was_asked_for(tail):
    """Hill's estimate where one product sells to the other, over more than five times the mean.

    Customers are drawn in proportion to a Pareto variable, so the exponent of their tail is its.
    """
    size = 60_000
    chain = synthetic(size, tiers=2, products=2, feedback=0.0, home=0.0, tail=tail, rng=3)
    makers = (chain.sites["product"] == "p00000").sum()
    inner = chain.links.buyer < size
    customers = np.bincount(chain.links.supplier[inner], minlength=size)[:makers]
    cut = 5.0 * customers.mean()
    large = customers[customers >= cut]
    assert len(large) > 300
    assert len(large) / np.log(large / (cut - 0.5)).sum() == pytest.approx(tail, rel=0.2)


def test_hubs_serve_a_large_part(chain):
    customers = np.asarray(graph(chain).sum(axis=1))
    top = np.sort(customers)[-50:].sum() / customers.sum()
    assert 0.15 < top < 0.6
    suppliers = np.asarray(graph(chain).sum(axis=0))
    assert customers.max() > 5 * suppliers.max()
    # Whoever has more customers makes more, and sites that make more have more suppliers.
    output = np.log(chain.sites["output_qty"].to_numpy())
    assert np.corrcoef(np.log1p(customers), output)[0, 1] > 0.4
    beyond = suppliers > 0
    assert np.corrcoef(np.log(suppliers[beyond]), output[beyond])[0, 1] > 0.3


def test_everything_hangs_together_and_there_are_cycles(chain):
    matrix = graph(chain)
    _, weak = csgraph.connected_components(matrix, connection="weak")
    assert np.bincount(weak).max() > 0.95 * len(weak)
    _, strong = csgraph.connected_components(matrix, connection="strong")
    assert np.bincount(strong).max() > 10
    products = chain.inputs.groupby("product")["input"].agg(set)
    straight = synthetic(2000, feedback=0.0, rng=1)
    tier = straight.products.set_index("product")["tier"]
    earlier = straight.inputs["input"].map(tier) < straight.inputs["product"].map(tier)
    assert earlier.all()
    _, alone = csgraph.connected_components(graph(straight), connection="strong")
    assert np.bincount(alone).max() == 1
    assert not all(product in held for product, held in products.items())


def test_a_cycle_of_products_is_certain_where_feedback_is_wanted():
    for seed in range(5):
        chain = synthetic(60, feedback=1e-9, rng=seed)
        inputs = chain.inputs
        pairs = set(zip(inputs["product"], inputs["input"], strict=True))
        assert any((b, a) in pairs for a, b in pairs)
        assert len(chain.to_networkx()) == len(chain.nodes)


def test_every_site_makes_and_sells_something(chain):
    assert (chain.sites["output_qty"] > 0).all()
    assert np.isin(np.arange(5000), chain.links.supplier).all()
    assert chain.sites["value_added_share"].between(0.4, 1.0).all()
    # What markets pay is what all sites add.
    added = (chain.sites["output_usd_m"] * chain.sites["value_added_share"]).sum()
    assert chain.markets["value_usd_m"].sum() == pytest.approx(added, rel=1e-9)


def test_buyers_look_at_home_first():
    country = {home: [] for home in (0.0, 0.9)}
    for home, found in country.items():
        chain = synthetic(3000, countries=4, home=home, rng=5)
        nodes, links = chain.nodes["country"].to_numpy(), chain.links
        inner = links.buyer < 3000
        found.append((nodes[links.supplier[inner]] == nodes[links.buyer[inner]]).mean())
    assert country[0.9][0] > country[0.0][0] + 0.3


def test_several_suppliers_and_inputs():
    single = synthetic(500, suppliers=1.0, inputs=1.0, feedback=0.0, rng=1)
    links = single.links
    assert np.bincount(links.slot[links.buyer < 500]).max() == 1
    assert single.inputs.groupby("product").size().max() == 1
    many = synthetic(500, suppliers=6.0, inputs=5.0, rng=1)
    assert len(many.links) > 4 * len(links)


def test_it_can_be_simulated_written_and_pickled(tmp_path):
    chain = synthetic(200, rng=2)
    ban = cp.Scenario("ban", [cp.Outage(products=chain.products["product"][1], weeks=8)])
    out = cp.simulate(chain, [cp.Scenario("none"), ban], weeks=12)
    losses = out.loss(by="total")["total"]
    assert losses.iloc[0] == 0.0
    assert losses.iloc[1] > 0.0
    chain.write(tmp_path / "c")
    assert cp.SupplyChain.read(tmp_path / "c") == chain
    assert pickle.loads(pickle.dumps(chain)) == chain
    assert "200 sites" in repr(chain)


@pytest.mark.parametrize(
    "options",
    [
        {"tiers": 1},
        {"n_sites": 5},
        {"products": 2},
        {"products": 2000},
        {"countries": 0},
        {"inputs": 0.5},
        {"suppliers": 0.0},
        {"tail": 1.0},
        {"feedback": 1.0},
        {"home": 1.5},
    ],
)
def test_options_out_of_range(options):
    with pytest.raises(OptionError, match="expected"):
        synthetic(**{"n_sites": 1000, **options})


@pytest.mark.slow
def test_a_large_one():
    chain = synthetic(100_000, rng=1)
    links = chain.links
    made = np.bincount(links.supplier, links.quantity)
    nodes = chain.nodes["output_qty"].to_numpy()
    assert np.abs(made / nodes[:100_000] - 1).max() < 1e-12
    filled = np.bincount(links.slot, links.quantity / links.recipe)
    assert np.abs(filled / chain.slots["need"].to_numpy() - 1).max() < 1e-12
    compiled = compile_chain(chain)
    assert compiled.n_edges == len(links) > 500_000
