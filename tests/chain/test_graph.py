"""Chains as networkx graphs."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given, settings
from strategies import chains

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError, TableError


@settings(max_examples=15)
@given(chains())
def test_there_and_back(chain):
    assert SupplyChain.from_networkx(chain.to_networkx()) == chain


def test_the_full_chain_there_and_back(full):
    again = SupplyChain.from_networkx(full.to_networkx())
    assert again == full
    assert again.name == full.name
    assert SupplyChain.from_networkx(full.to_networkx(), name="other").name == "other"


def test_the_graph_has_the_flows_as_edges(full):
    graph = full.to_networkx()
    assert isinstance(graph, nx.MultiDiGraph)
    assert set(graph) == set(full.nodes.index)
    assert graph.number_of_edges() == len(full.flows)
    edge = graph.edges["magnet@CHN", "car@USA", "magnet"]
    assert edge["quantity"] == pytest.approx(240.0)
    assert graph.nodes["car@JPN#thin"]["cohort"] == "thin"
    assert graph.nodes["market:car@USA"]["kind"] == "market"


def test_changes_in_the_graph_reach_the_chain(full):
    graph = full.to_networkx()
    graph.nodes["car@USA"]["ramp_max"] = 1.5
    assert SupplyChain.from_networkx(graph).nodes.loc["car@USA", "ramp_max"] == 1.5
    assert full.nodes.loc["car@USA", "ramp_max"] == 1.1


def bare():
    graph = nx.DiGraph()
    graph.add_node("north", product="ore", country="CHN")
    graph.add_node("south", product="ore", country="CHN", output_qty=15.0)
    graph.add_node("pit", product="coal", country="AUS", price_usd=100.0)
    graph.add_node("mill", product="steel", country="JPN", firm="Mill", value_added_share=0.5)
    graph.add_node("users", product="steel", country="JPN", kind="market")
    graph.add_edge("north", "mill", quantity=5.0)
    graph.add_edge("south", "mill", quantity=15.0, lead_weeks=6)
    graph.add_edge("pit", "mill", quantity=4.0)
    graph.add_edge("mill", "users", quantity=10.0)
    return graph


class TestBareGraphs:
    """Graphs that a user already has."""

    def test_recipes_are_flow_over_output(self):
        inputs = SupplyChain.from_networkx(bare()).inputs
        assert inputs.set_index("input")["quantity"].to_dict() == {"ore": 2.0, "coal": 0.4}
        assert set(inputs["site"]) == {"steel@JPN:Mill"}

    def test_sites_that_share_a_label_take_the_nodes_name(self):
        chain = SupplyChain.from_networkx(bare())
        assert chain.sites["site"].tolist() == [
            "ore@CHN:north", "ore@CHN:south", "coal@AUS", "steel@JPN:Mill",
        ]  # fmt: skip

    def test_outputs_demand_tiers_and_attributes(self):
        chain = SupplyChain.from_networkx(bare())
        nodes = chain.nodes
        assert nodes["output_qty"].tolist() == [5.0, 15.0, 4.0, 10.0, 10.0]
        assert nodes["tier"].tolist() == [0, 0, 0, 1, 1]
        assert nodes.loc["coal@AUS", "value_usd_m"] == pytest.approx(4e-4)
        assert chain.sites.set_index("site").loc["steel@JPN:Mill", "value_added_share"] == 0.5
        lead = chain.edges.set_index("supplier")["lead_weeks"]
        assert lead["ore@CHN:south"] == 6

    def test_a_multigraph_adds_up(self):
        graph = nx.MultiDiGraph(bare())
        assert SupplyChain.from_networkx(graph) == SupplyChain.from_networkx(bare())

    def test_cycles_of_products_share_a_tier(self):
        graph = bare()
        graph.add_node("scrap", product="scrap", country="JPN")
        graph.add_edge("scrap", "mill", quantity=1.0)
        graph.add_edge("mill", "scrap", quantity=2.0)
        graph.nodes["mill"]["output_qty"] = 12.0
        chain = SupplyChain.from_networkx(graph)
        assert chain.nodes.loc[["scrap@JPN", "steel@JPN:Mill"], "tier"].tolist() == [1, 1]

    def test_missing_attributes_are_all_told(self):
        graph = bare()
        del graph.nodes["pit"]["country"]
        del graph.edges["pit", "mill"]["quantity"]
        graph.nodes["users"]["kind"] = "shop"
        with pytest.raises(TableError) as caught:
            SupplyChain.from_networkx(graph)
        text = str(caught.value)
        assert "pit       country" in text
        assert "pit -> mill quantity" in text
        assert 'kind = "shop"' in text

    def test_output_that_is_more_than_the_flows_is_told(self):
        graph = bare()
        graph.nodes["south"]["output_qty"] = 20.0
        with pytest.raises(TableError, match="must equal the sum of its flows out, 15"):
            SupplyChain.from_networkx(graph)

    def test_undirected_graphs_are_refused(self):
        with pytest.raises(OptionError, match="directed"):
            SupplyChain.from_networkx(bare().to_undirected())
