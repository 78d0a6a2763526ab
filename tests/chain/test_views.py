"""Nodes, slots, edges, balance and selections of the hand-made chain."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from oracles import slow_balance, slow_recipes
from strategies import chains, full_tables

from chokepoint.chain import SupplyChain
from chokepoint.errors import TableError, UnknownLabelError


def test_nodes_are_sites_in_table_order_then_markets(full):
    nodes = full.nodes
    assert list(nodes.index) == [*full.sites["site"], *full.markets["market"]]
    assert nodes.index.name == "node"
    assert nodes.loc["car@JPN#thin", ["kind", "country", "cohort", "tier"]].tolist() == [
        "site", "JPN", "thin", 3,
    ]  # fmt: skip
    market = nodes.loc["market:car@CHN:fleets"]
    assert market[["kind", "sector", "output_qty", "tier"]].tolist() == [
        "market", "fleets", 1000.0, 3,
    ]  # fmt: skip


def test_money_is_quantity_times_price_in_usd_million(full):
    nodes = full.nodes
    assert nodes.loc["ndpr@CHN:North", "value_usd_m"] == pytest.approx(200 * 60_000 / 1e6)
    assert nodes.loc["ndpr@CHN:North", "value_added_usd_m"] == pytest.approx(12 * 0.3)
    assert nodes.loc["market:car@USA", "value_usd_m"] == pytest.approx(3600 * 25_000 / 1e6)
    assert nodes.loc["market:car@USA", "value_added_usd_m"] == 0.0


def test_processes_children_and_by_products(full):
    nodes = full.nodes
    assert nodes.index[nodes["is_process"]].tolist() == ["feed@CHN:North", "feed@USA"]
    assert nodes.index[~nodes["wanted"]].tolist() == ["swarf@CHN", "swarf@JPN"]
    assert nodes.loc["dy@USA", "process"] == "feed@USA"
    # A site that has only by-products still sells its own product.
    assert not nodes.loc["magnet@CHN", "is_process"]


def test_a_pure_process_adds_no_value(tables):
    tables["products"].loc[0, "price_usd"] = "100"
    tables["sites"].loc[0, "value_added_share"] = "0.5"
    chain = SupplyChain.from_tables(tables)
    assert chain.nodes.loc["feed@CHN:North", "value_usd_m"] > 0
    assert chain.nodes.loc["feed@CHN:North", "value_added_usd_m"] == 0.0


def test_critical_weight_is_the_products_unless_the_market_has_one(tables):
    tables["markets"]["critical_weight"] = ["", "5", "", "", "", ""]
    weight = SupplyChain.from_tables(tables).nodes["critical_weight"]
    assert weight["market:car@USA"] == 2.0
    assert weight["market:car@JPN"] == 5.0
    assert weight["car@USA"] == 0.0


def test_what_waits_and_what_is_kept_by_final_demand(tables):
    tables["markets"]["backlog_share"] = ["", "0.4", "", "", "", ""]
    tables["markets"]["stock_weeks"] = ["3", "", "", "", "", ""]
    tables["markets"]["reorder_weeks"] = ["2", "", "", "", "", ""]
    chain = SupplyChain.from_tables(tables)
    first, second = (f"{label}" for label in chain.markets["market"][:2])
    waits = chain.nodes["backlog_share"]
    assert waits[second] == 0.4
    assert waits.drop(second).eq(0.0).all()
    columns = ["stock_weeks", "throttle_weeks", "reorder_weeks", "storable"]
    assert chain.slots.loc[(first, "demand"), columns].tolist() == [3.0, 1.0, 2.0, True]
    assert chain.slots.loc[(second, "demand"), columns].tolist() == [0.0, 1.0, 4.0, False]


def test_thrift_and_decay_agree_among_the_inputs_of_a_slot(tables):
    inputs = tables["inputs"]
    row = inputs.index[inputs["slot"].duplicated(keep=False) & (inputs["slot"] != "")][0]
    inputs["decay_weekly"] = ""
    inputs.loc[row, "decay_weekly"] = "0.1"
    with pytest.raises(TableError, match=r"decay_weekly.*must agree among the inputs"):
        SupplyChain.from_tables(tables)


def test_slots_take_the_row_of_the_site_where_there_is_one(full):
    slots = full.slots
    assert slots.index.names == ["buyer", "slot"]
    assert slots.loc[("car@JPN#thin", "magnet"), "stock_weeks"] == 1.0
    assert slots.loc[("car@JPN#rest", "magnet"), "stock_weeks"] == 4.0
    assert slots.loc[("magnet@JPN", "power"), "criticality"] == 0.4
    assert slots.loc[("magnet@CHN", "ndpr"), "need"] == 500.0


def test_children_need_nothing_and_markets_one_thing(full):
    buyers = full.slots.index.get_level_values("buyer")
    assert "ndpr@USA" not in buyers
    assert full.slots.loc["market:car@USA"].index.tolist() == ["demand"]
    demand = full.slots.loc[("market:car@USA", "demand")]
    assert demand[["stock_weeks", "throttle_weeks", "storable"]].tolist() == [0.0, 1.0, False]


def test_a_slot_is_storable_if_all_its_inputs_are(full):
    storable = full.slots["storable"]
    assert storable["magnet@CHN", "ndpr"]
    assert not storable["magnet@CHN", "power"]


def test_edges_are_in_the_order_of_slots_then_suppliers(full):
    edges = full.edges
    nodes, slots = full.nodes.index, full.slots.index
    key = [
        (slots.get_loc((b, s)), nodes.get_loc(a))
        for a, b, s in zip(edges["supplier"], edges["buyer"], edges["slot"], strict=True)
    ]
    assert key == sorted(key)
    assert isinstance(edges.index, pd.RangeIndex)


def test_edges_carry_recipe_lead_and_qualification(full):
    edges = full.edges.set_index(["supplier", "buyer"])
    row = edges.loc[("ndpr_recycled@JPN", "magnet@CHN")]
    assert row[["slot", "product", "recipe"]].tolist() == ["ndpr", "ndpr_recycled", 0.5]
    assert edges.loc[("power@CHN", "magnet@JPN"), "recipe"] == 1.2
    assert edges["lead_weeks"].dtype.kind == "i"
    assert edges.loc[("car@USA", "market:car@JPN"), "qualification_weeks"] == 4.0


def test_leads_of_flows_win_over_leads_of_inputs(full):
    frames = full.tables
    frames["flows"]["lead_weeks"] = np.nan
    frames["flows"].loc[frames["flows"]["buyer"] == "car@USA", "lead_weeks"] = 7
    edges = SupplyChain.from_tables(frames).edges
    assert set(edges.loc[edges["buyer"].eq("car@USA") & ~edges["dormant"], "lead_weeks"]) == {7}
    assert set(edges.loc[edges["buyer"] == "magnet@CHN", "lead_weeks"]) == {1}


def test_alternatives_are_dormant_edges(full):
    edges = full.edges
    (row,) = edges[edges["dormant"]].to_dict("records")
    assert row["supplier"] == "magnet@JPN"
    assert (row["quantity"], row["max_share"], row["growth_max"]) == (0.0, 0.3, 0.0)
    assert (row["qualification_weeks"], row["known"]) == (40.0, "")
    assert edges.loc[~edges["dormant"], "max_share"].isna().all()


def test_shares_of_a_slot_add_up_to_one(full):
    edges, need = full.edges, full.slots["need"]
    keys = pd.MultiIndex.from_frame(edges[["buyer", "slot"]])
    share = edges["quantity"] / edges["recipe"] / need.reindex(keys).to_numpy()
    total = share.groupby([edges["buyer"], edges["slot"]]).sum()
    assert total.to_numpy() == pytest.approx(np.ones(len(need)), abs=1e-9)


@settings(max_examples=25)
@given(chains())
def test_balance_and_recipes_agree_with_the_slow_ones(chain):
    frame = chain.balance()
    assert frame["relative"].abs().max() <= 1e-9
    assert slow_balance(chain.tables) <= 1e-9
    edges = chain.edges
    slow = slow_recipes(chain.tables)
    fast = zip(edges["buyer"], edges["slot"], edges["product"], edges["recipe"], strict=True)
    assert all(slow[buyer, slot, product] == recipe for buyer, slot, product, recipe in fast)


def test_balance_of_the_full_chain(full):
    frame = full.balance()
    assert set(frame["identity"]) == {"output", "slot", "child"}
    assert len(frame[frame["identity"] == "child"]) == 6
    assert "feed@USA" not in set(frame.loc[frame["identity"] == "output", "node"])
    assert slow_balance(full.tables) <= 1e-9
    worst = frame["relative"].abs().max()
    assert worst == pytest.approx(slow_balance(full.tables), abs=1e-12)


def test_views_are_copies(full):
    for name in ("nodes", "slots", "edges", "sites"):
        frame = getattr(full, name)
        before = frame.iloc[0, 0]
        frame.isetitem(0, ["changed"] * len(frame))
        assert getattr(full, name).iloc[0, 0] == before
    sites = full.tables["sites"]
    sites["country"] = "X"
    assert "X" not in full.sites["country"].tolist()


class TestSelections:
    """Codes, blocs, products and groups."""

    @pytest.mark.parametrize(
        ("names", "areas"),
        [
            ("CHN", ("CHN",)),
            ("G7", ("USA", "JPN")),
            (["JPN", "G20"], ("CHN", "USA", "JPN")),
            ("JPN;CHN", ("CHN", "JPN")),
            ("WLD", ("CHN", "USA", "JPN")),
            (None, ("CHN", "USA", "JPN")),
            ([], ()),
        ],
    )
    def test_areas(self, full, names, areas):
        assert full.areas(names) == areas

    @pytest.mark.parametrize(
        ("names", "products"),
        [
            ("dy", ("dy",)),
            ("oxides", ("ndpr", "dy")),
            (("magnets", "dy"), ("dy", "magnet")),
        ],
    )
    def test_products(self, full, names, products):
        assert full.products_in(names) == products

    def test_unknown_names_raise_with_the_nearest(self, full):
        with pytest.raises(UnknownLabelError, match=r'"JPM" is not a country or bloc.*"JPN"'):
            full.areas("JPM")
        with pytest.raises(UnknownLabelError, match='closest: "magnets"'):
            full.products_in(["magnetss"])


def test_countries_are_listed_where_the_table_is_missing():
    tables = full_tables()
    for table in ("countries", "trade", "controls"):
        del tables[table]
    tables["sites"].loc[6, "country"] = "X_EU"
    countries = SupplyChain.from_tables(tables).countries.set_index("area")["kind"]
    assert countries.to_dict() == {
        "CHN": "country", "USA": "country", "X_EU": "residual", "JPN": "country",
    }  # fmt: skip


def test_recipes_are_read_off_flows_where_inputs_are_missing():
    chain = SupplyChain.from_tables(
        products=pd.DataFrame({"product": ["ore", "coal", "steel"]}),
        sites=pd.DataFrame(
            {"product": ["ore", "coal", "steel"], "country": "CHN", "output_qty": [30, 5, 10]}
        ),
        markets=pd.DataFrame({"product": ["steel"], "country": ["CHN"], "quantity": [10]}),
        flows=pd.DataFrame(
            {
                "supplier": ["ore@CHN", "coal@CHN", "steel@CHN"],
                "buyer": ["steel@CHN", "steel@CHN", "market:steel@CHN"],
                "quantity": [30, 5, 10],
            }
        ),
    )
    assert chain.inputs.set_index("slot")["quantity"].to_dict() == {"ore": 3.0, "coal": 0.5}
    assert chain.fit is None
