"""What simulate accepts, refuses and returns."""

from __future__ import annotations

import datetime as dt
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from propagate._chains import Draft, Flow, line

from chokepoint.chain import SupplyChain
from chokepoint.errors import (
    MissingDependencyError,
    OptionError,
    ShapeError,
    TableError,
    UnknownLabelError,
)
from chokepoint.propagate import Behaviour, compile_chain, run, simulate
from chokepoint.propagate._engines import engine_class, engine_for
from chokepoint.scenario import DemandShift, Effects, ExportBan, Outage, Scenario

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


@pytest.mark.parametrize("wrong", ["rare_earths", 3, ["rare_earths"], None])
def test_what_is_no_chain_is_refused(chain, wrong):
    with pytest.raises(OptionError, match="Expected a SupplyChain"):
        simulate(wrong, BASE, weeks=1)
    with pytest.raises(OptionError, match=r"propagate\.run"):
        simulate(compile_chain(chain), BASE, weeks=1)


def test_draws_may_come_one_by_one(chain):
    outcome = simulate((chain for _ in range(3)), BASE, weeks=1)
    assert list(outcome.scenarios) == [(draw, "baseline") for draw in range(3)]


def test_unknown_labels_offer_the_nearest(chain):
    with pytest.raises(UnknownLabelError, match='closest: "AUS"'):
        simulate(chain, Scenario("x", ExportBan(by="AUT")), weeks=1)


class TestOptions:
    @pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True])
    def test_threads(self, chain, threads):
        with pytest.raises(OptionError, match="threads must be a whole number"):
            simulate(chain, BASE, weeks=1, threads=threads)

    def test_an_unknown_engine(self, chain):
        with pytest.raises(OptionError, match=r'engine must be one of "auto".*"cuda"'):
            simulate(chain, BASE, weeks=1, engine="cuda")

    def test_all_problems_are_named_at_once(self, chain):
        wrong = {"weeks": 0, "dtype": "int8", "record": "week", "engine": "C", "threads": 0}
        with pytest.raises(OptionError, match="6 problems") as told:
            simulate(chain, [BASE, BASE], **wrong)
        for word in (*wrong, "baseline"):
            assert word in str(told.value)
        with pytest.raises(OptionError, match="6 problems"):
            run(compile_chain(chain), [Effects()] * 2, labels="bb", **wrong)

    def test_numba_is_not_installed(self, chain, monkeypatch):
        monkeypatch.setitem(sys.modules, "numba", None)
        with pytest.raises(MissingDependencyError, match="pip install numba"):
            simulate(chain, BASE, weeks=1, engine="numba")

    def test_with_numba_auto_is_numba(self, chain):
        pytest.importorskip("numba")
        assert engine_for("auto", [compile_chain(chain)], list, Behaviour()) == "numba"

    def test_without_numba_auto_is_numpy(self, chain, monkeypatch):
        monkeypatch.setattr("chokepoint.propagate._engines._numba_is_ready", lambda: False)
        some = [Scenario("out", Outage(country="AUS", weeks=3))]
        auto = simulate(chain, some, weeks=9)
        assert auto.loss().equals(simulate(chain, some, weeks=9, engine="numpy").loss())

    def test_labels_and_effects_of_a_run(self, chain):
        compiled = compile_chain(chain)
        with pytest.raises(OptionError, match=r"Expected 2 labels.*got 1"):
            run(compiled, [Effects(), Effects()], labels=["a"])
        with pytest.raises(OptionError, match="at least one scenario"):
            run(compiled, [])
        with pytest.raises(OptionError, match="at least one chain"):
            run([], Effects())

    def test_a_bar_is_drawn_where_it_is_wanted(self, chain, monkeypatch, capsys):
        monkeypatch.setattr("chokepoint.propagate._simulate._LANES_PER_CHUNK", 1)
        some = [Scenario(name) for name in "abcd"]
        for threads in (1, 2):
            simulate(chain, some, weeks=1, threads=threads, progress=True)
            assert "simulate" in capsys.readouterr().err
            simulate(chain, some, weeks=1, threads=threads, progress=False)
            assert not capsys.readouterr().err


class TestDense:
    """Chains from input-output tables may run as products of matrices."""

    STIFF = Behaviour(switching=False)

    @pytest.fixture(scope="class")
    @classmethod
    def table(cls):
        pytest.importorskip("numba")
        industries = pd.MultiIndex.from_product([["R0", "R1"], ["s0", "s1", "s2"]])
        flows = np.random.default_rng(1).random((6, 6))
        return SupplyChain.from_io_table(
            pd.DataFrame(flows, industries, industries),
            pd.DataFrame(np.full((6, 2), 4.0), industries, ["R0", "R1"]),
        )

    @pytest.fixture(scope="class")
    @classmethod
    def some(cls):
        return [
            Scenario(f"s{i}", Outage(country="R0", products="s1", severity=i / 20, start=1))
            for i in range(20)
        ]

    def test_it_agrees_with_the_engine_that_is_read(self, table, some):
        options = {"weeks": 20, "behaviour": self.STIFF, "record": "all"}
        dense = simulate(table, some, engine="dense", **options)
        numpy = simulate(table, some, engine="numpy", **options)
        np.testing.assert_allclose(dense.activity, numpy.activity, rtol=0, atol=1e-12)
        np.testing.assert_allclose(dense.stock, numpy.stock, rtol=0, atol=1e-10)
        np.testing.assert_allclose(dense.shipments, numpy.shipments, rtol=1e-9, atol=1e-12)

    def test_threads_change_no_bit(self, table, some):
        options = {"weeks": 20, "behaviour": self.STIFF, "engine": "dense"}
        one = simulate(table, some, threads=1, **options)
        assert simulate(table, some, threads=2, **options).loss().equals(one.loss())

    def test_what_it_cannot_run_is_refused_with_the_reason(self, table, some):
        with pytest.raises(OptionError, match=r"dense.*buyers switch suppliers"):
            simulate(table, some, engine="dense")
        ban = [*some, Scenario("ban", ExportBan(by="R0"))]
        with pytest.raises(OptionError, match=r"dense.*an event acts on flows"):
            simulate(table, ban, engine="dense", behaviour=self.STIFF)
        with pytest.raises(OptionError, match=r"dense.*several chains"):
            simulate([table, table], some, engine="dense", behaviour=self.STIFF)

    @pytest.mark.parametrize("worth", [0, 10**9])
    def test_auto_takes_it_where_it_is_sooner(self, table, some, monkeypatch, worth):
        monkeypatch.setattr("chokepoint.propagate._engine_dense._WORTHWHILE", worth)
        taken = []
        monkeypatch.setattr(
            "chokepoint.propagate._batch.engine_class",
            lambda name: taken.append(name) or engine_class(name),
        )
        simulate(table, some, weeks=2, behaviour=self.STIFF)
        assert (taken == ["dense"]) == (worth == 0)
        # One cap in the batch and the whole batch runs on another engine.
        taken.clear()
        ban = Scenario("ban", ExportBan(by="R0"))
        simulate(table, [*some, ban], weeks=2, behaviour=self.STIFF)
        assert taken != ["dense"]


class TestStartDate:
    """A quarter more demand from week 0 on; a project adds half of the mine's output."""

    @pytest.fixture
    def growing(self):
        tables = line("ore@AUS", "market:ore@JPN").tables()
        tables["projects"] = pd.DataFrame(
            {
                "project": ["shaft"],
                "site": ["ore@AUS"],
                "added_share": [0.5],
                "probability": [1.0],
                "online_date": ["2026-02"],
            }
        )
        return SupplyChain.from_tables(tables)

    def short(self, chain, start):
        stiff = Behaviour(switching=False, ramp=False)
        more = Scenario("more", DemandShift(change=0.25))
        outcome = simulate(chain, more, weeks=40, behaviour=stiff, start_date=start)
        return outcome.activity[0, :, list(outcome.nodes.index).index("ore@AUS")]

    def test_projects_come_on_line_at_their_dates(self, growing):
        without = self.short(growing, None)
        assert without.max() == 1.0
        # The last day of February 2026 lies in week 8 of a run that starts on 5 January.
        on_line = self.short(growing, "2026-01-05")
        assert (on_line[:8] <= 1.0).all()
        assert on_line[8] > 1.2
        later = self.short(growing, dt.date(2026, 1, 26))
        assert later[4] <= 1.0 < later[5]

    def test_no_date(self, growing):
        with pytest.raises(OptionError, match="start_date"):
            self.short(growing, "tomorrow")

    def test_projects_of_each_draw(self, growing):
        tables = growing.tables
        tables["projects"]["added_share"] = 0.1
        draws = [growing, SupplyChain.from_tables(tables)]
        more = Scenario("more", DemandShift(change=0.25))
        stiff = Behaviour(switching=False, ramp=False)
        outcome = simulate(draws, more, weeks=20, behaviour=stiff, start_date="2026-06-01")
        most = outcome.activity.max(axis=1)[:, list(outcome.nodes.index).index("ore@AUS")]
        assert most[0] > 1.2
        assert most[1] == pytest.approx(1.1)


class TestEvents:
    """Every event is looked at before any week is run, and every problem is told."""

    @pytest.fixture(autouse=True)
    def _no_run(self, monkeypatch):
        def refuse(*_, **__):
            raise AssertionError("a week was run")

        monkeypatch.setattr("chokepoint.propagate._batch.Batch.run", refuse)

    def test_what_matches_nothing(self, chain):
        some = [BASE, Scenario("late", [ExportBan(by="JPN", against="AUS", products="ore")])]
        with pytest.raises(OptionError, match=r'Scenario "late": .*ore') as told:
            simulate(chain, some)
        assert "problems" not in str(told.value)

    def test_unknown_labels_name_the_scenario(self, chain):
        some = [Scenario("first", ExportBan(by="AUT")), Scenario("second", Outage(products="mil"))]
        with pytest.raises(UnknownLabelError, match="2 events") as told:
            simulate(chain, some)
        for words in ('Scenario "first": "AUT"', 'closest: "AUS"', '"second"', '"mill"'):
            assert words in str(told.value)
        assert told.value.label == "AUT"
        assert told.value.nearest == "AUS"

    def test_all_problems_of_all_scenarios(self, chain):
        some = [
            Scenario("a", [ExportBan(by="AUT"), ExportBan(by="JPN", against="AUS")]),
            *[Scenario(f"b{i}", Outage(products="gold")) for i in range(12)],
        ]
        with pytest.raises(OptionError, match="14 events") as told:
            simulate(chain, some)
        text = str(told.value)
        assert text.count('Scenario "a"') == 2
        assert 'Scenario "b7"' in text
        assert "and 4 more" in text

    def test_a_severity_that_is_no_share(self):
        with pytest.raises(OptionError, match=r"severity must be a share in \[0, 1\], got 1.5"):
            ExportBan(by="AUS", severity=1.5)


class TestBaseline:
    """Chains that would not stay at baseline are refused, whichever way they come."""

    def changed(self, chain, **factors):
        compiled = compile_chain(chain)
        arrays = {name: getattr(compiled, name) * factor for name, factor in factors.items()}
        return replace(compiled, **arrays)

    def test_a_chain_in_balance_is_run(self, chain):
        assert run(self.changed(chain, sigma=1.0 + 1e-12), Effects(), weeks=1).weeks == 1

    def test_tables_out_of_balance(self):
        tables = draft().tables()
        tables["flows"]["quantity"] *= [1.0, 1.1]
        with pytest.raises(TableError, match="residual"):
            SupplyChain.from_tables(tables)

    def test_arrays_out_of_balance(self, chain):
        factor = np.array([[1.0 + 1e-8], [0.5]])
        with pytest.raises(TableError, match="site ore@AUS") as told:
            run(self.changed(chain, sigma=factor), Effects())
        lines = str(told.value).splitlines()
        # The worst come first: the market's slot is half empty, the mill's a little too full.
        assert "slot demand of market:mill@JPN" in lines[1]
        assert "0.5 of it" in lines[1]
        assert "slot ore of mill@JPN" in lines[2]
        assert "chain.balance()" in str(told.value)
        assert len(told.value.issues) == 4

    def test_tables_with_a_throttle_cover_above_the_stock(self):
        with pytest.raises(TableError, match=r"throttle_weeks = 4.*at most stock_weeks \+ 1 = 3"):
            draft_with_throttle(4.0).build()
        assert draft_with_throttle(3.0).build()

    def test_arrays_with_a_throttle_cover_above_the_stock(self, chain):
        with pytest.raises(TableError, match=r"slot ore of mill@JPN.*stock_weeks \+ 1 = 3"):
            run(self.changed(chain, throttle=3.5), Effects())

    def test_everything_is_told_at_once(self, chain):
        wrong = self.changed(chain, throttle=9.0, sigma=0.5)
        with pytest.raises(TableError, match=r"(?s)flows.*sites.*inputs"):
            run(wrong, Effects())

    def test_many_rows_are_counted(self):
        shape = draft()
        shape.flows = [Flow(f"ore@AUS:{i}", f"mill@JPN:{i}") for i in range(30)]
        shape.flows += [Flow(f"mill@JPN:{i}", "market:mill@JPN") for i in range(30)]
        with pytest.raises(TableError, match=r"\(50 smaller ones follow\)") as told:
            run(self.changed(shape.build(), kappa=0.9), Effects())
        assert len(told.value.issues) == 10

    def test_every_draw_is_looked_at(self, chain):
        with pytest.raises(TableError, match="throttle"):
            run([compile_chain(chain), self.changed(chain, throttle=9.0)], Effects())


def draft_with_throttle(weeks: float) -> Draft:
    """Return the draft whose mill slows down below `weeks` of cover; its stock is two weeks."""
    return line("ore@AUS", "mill@JPN", "market:mill@JPN", throttle=weeks)


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
