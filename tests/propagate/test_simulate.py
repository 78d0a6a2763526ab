"""What simulate accepts, refuses and returns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from propagate._chains import Draft, Flow, line

from chokepoint.errors import OptionError, ShapeError, UnknownLabelError
from chokepoint.propagate import Behaviour, simulate
from chokepoint.scenario import ExportBan, Outage, Scenario

BASE = Scenario("baseline")


def draft(*, lead: int = 1, stock: float = 2.0) -> Draft:
    return line("ore@AUS", "mill@JPN", "market:mill@JPN", lead=lead, stock=stock)


@pytest.fixture(scope="module")
def chain():
    return draft().build()


def test_one_scenario_or_several(chain):
    assert list(simulate(chain, BASE, weeks=2).scenarios) == ["baseline"]
    some = (Scenario(name) for name in ("a", "b"))
    assert list(simulate(chain, some, weeks=2).scenarios) == ["a", "b"]


def test_several_chains_give_rows_of_draw_and_scenario(chain):
    outcome = simulate([chain, chain], [BASE, Scenario("x")], weeks=2)
    expected = pd.MultiIndex.from_product([[0, 1], ["baseline", "x"]], names=["draw", "scenario"])
    assert outcome.scenarios.equals(expected)
    assert outcome.loss(over="week").index.names == ["draw", "scenario", "week"]


def test_a_list_of_one_chain_is_a_batch_of_one_draw(chain):
    assert simulate([chain], BASE, weeks=1).scenarios.nlevels == 2


def test_the_chain_is_not_changed(chain):
    before = chain.tables
    simulate(chain, Scenario("out", Outage(country="AUS")), weeks=4)
    after = chain.tables
    assert all(before[name].equals(after[name]) for name in before)


def test_a_site_that_makes_nothing_stays_at_baseline_and_disturbs_nobody():
    shape = draft()
    shape.flows = [*shape.flows, Flow("ore@BRA", "mill@BRA", 0.0)]
    shape.slots = {**shape.slots, ("mill@BRA", "ore"): {"quantity": 1.0}}
    shape.flows = [*shape.flows, Flow("mill@BRA", "market:mill@JPN", 0.0)]
    out = Scenario("out", Outage(products="ore", country="AUS", weeks=2))
    outcome = simulate(shape.build(), [BASE, out], weeks=9)
    table = outcome.activity[1]
    idle = [list(outcome.nodes.index).index(name) for name in ("ore@BRA", "mill@BRA")]
    assert np.isfinite(table).all()
    assert (table[:, idle] == 1.0).all()
    alone = simulate(draft().build(), [BASE, out], weeks=9)
    assert outcome.loss()["JPN"].tolist() == alone.loss()["JPN"].tolist()


@pytest.mark.parametrize("weeks", [0, -3, 2.5, "4", None, True])
def test_weeks_must_be_a_whole_number_above_zero(chain, weeks):
    with pytest.raises(OptionError, match="weeks"):
        simulate(chain, BASE, weeks=weeks)


def test_numpy_integers_are_whole_numbers(chain):
    assert simulate(chain, BASE, weeks=np.int64(3)).weeks == 3


def test_no_scenario_or_no_chain(chain):
    with pytest.raises(OptionError, match="at least one scenario"):
        simulate(chain, [])
    with pytest.raises(OptionError, match="at least one chain"):
        simulate([], BASE)


def test_names_must_differ(chain):
    with pytest.raises(OptionError, match="unique; repeated: b"):
        simulate(chain, [Scenario(name) for name in "abb"])


@pytest.mark.parametrize(("option", "value"), [("record", "sites"), ("dtype", "float16")])
def test_unknown_choices_are_refused(chain, option, value):
    with pytest.raises(OptionError, match=f'{option} must be one of .*"{value}"'):
        simulate(chain, BASE, weeks=1, **{option: value})


def test_what_is_no_scenario_is_refused(chain):
    with pytest.raises(OptionError, match="ExportBan"):
        simulate(chain, ExportBan(by="AUS"), weeks=1)
    with pytest.raises(OptionError, match="str"):
        simulate(chain, ["ban"], weeks=1)


def test_unknown_labels_offer_the_nearest(chain):
    with pytest.raises(UnknownLabelError, match='closest: "AUS"'):
        simulate(chain, Scenario("x", ExportBan(by="AUT")), weeks=1)


class TestChains:
    def test_other_sites(self, chain):
        other = line("ore@BRA", "mill@JPN", "market:mill@JPN").build()
        with pytest.raises(ShapeError, match="same sites"):
            simulate([chain, other], BASE, weeks=1)

    def test_other_leads(self, chain):
        with pytest.raises(ShapeError, match="lead"):
            simulate([chain, draft(lead=3).build()], BASE, weeks=1)

    def test_services_in_one_and_goods_in_the_other(self, chain):
        service = draft()
        service.services = ("ore",)
        with pytest.raises(ShapeError, match="storable"):
            simulate([chain, service.build()], BASE, weeks=1)

    def test_chains_that_differ_are_found_in_any_chunk(self, chain, monkeypatch):
        monkeypatch.setattr("chokepoint.propagate._simulate._LANES_PER_CHUNK", 8)
        some = [Scenario(f"s{i}") for i in range(8)]
        with pytest.raises(ShapeError, match="lead"):
            simulate([chain, draft(lead=3).build()], some, weeks=1)


class TestBehaviour:
    @pytest.mark.parametrize("name", ["trigger", "memory", "speed"])
    @pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
    def test_shares(self, name, value):
        with pytest.raises(OptionError, match=rf"{name} must be in \[0, 1\], got"):
            Behaviour(**{name: value})

    @pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
    def test_exponent(self, value):
        with pytest.raises(OptionError, match="exponent"):
            Behaviour(exponent=value)

    def test_all_problems_are_named_at_once(self):
        with pytest.raises(OptionError, match=r"trigger.*memory.*exponent"):
            Behaviour(trigger=2.0, memory=-1.0, exponent=-1.0)
