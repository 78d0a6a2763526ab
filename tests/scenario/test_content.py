"""Embedded content and reach of technology, by hand."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from propagate._chains import Alternative, Draft, Flow
from propagate._draft_strategies import drafts
from scenario._trade import trade

from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.scenario import embedded_content, technology_reach


class TestContent:
    """Half of every output's value is added at the site, unless stated."""

    def test_along_a_chain(self):
        found = embedded_content(trade().build(), "CHN")
        assert found.name == "content"
        assert found.index.name == "site"
        assert found.to_dict() == pytest.approx(
            {
                "ore@AUS": 0.0,
                "ore@CHN": 0.5,
                "part@CHN": 0.5 + 0.2 * 0.5,
                "car@DEU": 80 / 200 * 0.6,
                "car@USA": 20 / 50 * 0.6,
                "chip@USA": 0.0,
            }
        )

    def test_areas_add_up(self):
        chain = trade().build()
        parts = sum(embedded_content(chain, area) for area in chain.areas())
        pd.testing.assert_series_equal(
            parts, embedded_content(chain, "WLD"), check_exact=False, rtol=1e-12
        )
        west = embedded_content(chain, "DEU") + embedded_content(chain, "USA")
        pd.testing.assert_series_equal(west, embedded_content(chain, "WEST"))

    def test_round_a_cycle(self):
        flows = [
            Flow("a@CHN", "b@USA", 50.0),
            Flow("b@USA", "a@CHN", 10.0),
            Flow("b@USA", "market:b@USA", 90.0),
        ]
        found = embedded_content(Draft(flows).build(), "CHN")
        # a = 1/2 + 10/50 b and b = 50/100 a
        assert found.to_dict() == pytest.approx({"a@CHN": 5 / 9, "b@USA": 5 / 18})

    def test_joint_outputs_share_the_cost_of_inputs_by_value(self):
        draft = Draft(
            flows=[
                Flow("ore@CHN", "split@USA", 50.0),
                Flow("nd@USA", "market:nd@USA", 60.0),
                Flow("dy@USA", "market:dy@USA", 40.0),
            ],
            outputs_of={"split@USA": ["nd@USA", "dy@USA"]},
            products={"dy": {"worth": 4.0}},
        )
        found = embedded_content(draft.build(), "CHN")
        # Ore worth 50, half of it added in CHN, in outputs worth 60 + 160.
        assert found[["nd@USA", "dy@USA"]].tolist() == pytest.approx([25 / 220, 25 / 220])
        assert found["split@USA"] == 0.0

    def test_a_by_product_takes_its_part_of_the_cost(self):
        draft = Draft(
            flows=[
                Flow("nd@CHN", "magnet@USA", 60.0),
                Flow("magnet@USA", "market:magnet@USA", 100.0),
                Flow("swarf@USA", "market:swarf@USA:other_use", 20.0),
            ],
            byproducts_of={"magnet@USA": ["swarf@USA"]},
        )
        found = embedded_content(draft.build(), "CHN")
        assert found.to_dict() == pytest.approx(
            {"nd@CHN": 0.5, "magnet@USA": 30 / 120, "swarf@USA": 30 / 120}
        )

    def test_dormant_suppliers_put_nothing_in(self):
        draft = Draft(
            flows=[Flow("ore@AUS", "mill@USA"), Flow("mill@USA", "market:mill@USA"),
                   Flow("ore@CHN", "market:ore@CHN")],
            alternatives=[Alternative("ore@CHN", "mill@USA")],
        )  # fmt: skip
        assert embedded_content(draft.build(), "CHN")["mill@USA"] == 0.0

    def test_an_output_worth_nothing_holds_nothing(self):
        draft = trade()
        draft.products = {"part": {"worth": 0.0}}
        found = embedded_content(draft.build(), "CHN")
        assert found["part@CHN"] == 0.0
        assert found["car@DEU"] == 0.0

    def test_a_cycle_that_costs_all_it_is_worth_is_refused(self):
        flows = [Flow("a@CHN", "b@USA", 50.0), Flow("b@USA", "a@CHN", 50.0)]
        with pytest.raises(OptionError, match="embedded_content: the inputs on some cycle"):
            embedded_content(Draft(flows).build(), "CHN")

    def test_unknown_areas(self):
        with pytest.raises(UnknownLabelError, match="CHM"):
            embedded_content(trade().build(), "CHM")


def by_repetition(chain, area: str) -> dict[str, float]:
    """Return contents by putting the equation into itself, site by site and flow by flow."""
    nodes, flows = chain.nodes, chain.flows
    sites = nodes[nodes["kind"].eq("site")]
    worth = {s: 0.0 if row["is_process"] else row["value_usd_m"] for s, row in sites.iterrows()}
    maker = {s: row["process"] or s for s, row in sites.iterrows()}
    together = {s: sum(worth[o] for o in worth if maker[o] == s) for s in worth}
    bought: dict[str, list[tuple[str, float]]] = {s: [] for s in worth}
    for flow in flows.itertuples():
        if flow.buyer in bought:
            price = worth[flow.supplier] / sites.loc[flow.supplier, "output_qty"]
            bought[flow.buyer].append((flow.supplier, price * flow.quantity))
    content = dict.fromkeys(worth, 0.0)
    for _ in range(300):
        before = content
        content = {
            s: 0.0
            if worth[s] == 0
            else (sites.loc[s, "value_added_usd_m"] / worth[s]) * (sites.loc[s, "country"] == area)
            + sum(spent * before[seller] for seller, spent in bought[maker[s]]) / together[maker[s]]
            for s in worth
        }
    assume(max(abs(content[s] - before[s]) for s in content) < 1e-12)
    return content


@settings(max_examples=25)
@given(draft=drafts(rich=True), area=st.sampled_from(["AUS", "CHN", "USA"]))
def test_the_solution_is_what_repetition_leads_to(draft, area):
    chain = draft.build()
    expected = by_repetition(chain, area)
    assert embedded_content(chain, area).to_dict() == pytest.approx(expected, abs=1e-9)


@pytest.fixture
def tools():
    """Optics and tools are technology; chips are made with tools, cars with chips."""
    draft = Draft(
        flows=[
            Flow("optics@USA", "tool@NLD", 5.0),
            Flow("tool@NLD", "split@TWN", 5.0),
            Flow("logic@TWN", "car@DEU", 50.0),
            Flow("memory@TWN", "market:memory@TWN", 50.0),
            Flow("tool@JPN", "logic@KOR", 5.0),
            Flow("logic@KOR", "market:logic@KOR", 5.0),
            Flow("car@DEU", "market:car@DEU", 50.0),
        ],
        alternatives=[Alternative("tool@NLD", "logic@KOR")],
        outputs_of={"split@TWN": ["logic@TWN", "memory@TWN"]},
    )
    return draft.build()


class TestTechnology:
    def reached(self, chain, areas, products) -> set[str]:
        found = technology_reach(chain, areas, products)
        assert found.dtype == np.bool_
        return set(found.index[found])

    def test_users_of_a_tool_and_joint_outputs_are_reached(self, tools):
        fab = {"split@TWN", "logic@TWN", "memory@TWN"}
        assert self.reached(tools, "NLD", "tool") == fab
        assert self.reached(tools, "NLD", ["tool", "optics"]) == fab

    def test_a_path_leads_through_technology_only(self, tools):
        fab = {"split@TWN", "logic@TWN", "memory@TWN"}
        assert self.reached(tools, "USA", ["tool", "optics"]) == {"tool@NLD"} | fab
        assert self.reached(tools, "USA", "optics") == {"tool@NLD"}
        assert self.reached(tools, "USA", "tool") == set()

    def test_buyers_of_what_a_tool_makes_are_not_reached(self, tools):
        assert "car@DEU" not in self.reached(tools, "NLD", ["tool", "optics"])
        assert "car@DEU" in self.reached(tools, "NLD", ["tool", "logic"])

    def test_dormant_suppliers_equip_nobody(self, tools):
        assert self.reached(tools, "JPN", "tool") == {"logic@KOR"}
        assert "logic@KOR" not in self.reached(tools, "NLD", "tool")

    def test_a_circle_of_tools_ends(self):
        flows = [
            Flow("tool@NLD", "chip@TWN", 5.0),
            Flow("chip@TWN", "tool@NLD", 1.0),
            Flow("chip@TWN", "market:chip@TWN", 9.0),
        ]
        chain = Draft(flows).build()
        assert self.reached(chain, "NLD", "tool") == {"chip@TWN"}
        assert self.reached(chain, "NLD", ["tool", "chip"]) == {"chip@TWN", "tool@NLD"}
