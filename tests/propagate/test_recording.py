"""What is kept of a run: the same for any cut of the batch, bounded in memory, right by hand."""

from __future__ import annotations

import tracemalloc
import weakref
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from propagate._chains import Alternative, Draft, Flow, line
from propagate._engines import engine_class
from propagate._play import STIFF

from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.propagate import Behaviour, compile_chain, run, simulate
from chokepoint.propagate import _simulate as simulate_module
from chokepoint.propagate._engines import sums_kernel
from chokepoint.scenario import (
    CapacityEffect,
    DemandShift,
    Effects,
    ExportBan,
    FlowEffect,
    Licence,
    Outage,
    Scenario,
    Tariff,
    TariffEffect,
)

WEEKS = 16


def draft() -> Draft:
    """Ore from three countries, mills in two that may switch, cars in one; some demand waits."""
    flows = [
        Flow("ore@CHN", "mill@USA", 26.0),
        Flow("ore@AUS", "mill@USA", 26.0, growth=0.5),
        Flow("ore@CHN", "mill@JPN", 26.0),
        Flow("ore@BRA", "mill@JPN", 13.0, lead=3),
        Flow("mill@USA", "car@USA", 26.0),
        Flow("mill@USA", "market:mill@USA", 26.0),
        Flow("mill@JPN", "car@USA", 13.0, lead=2),
        Flow("mill@JPN", "market:mill@JPN", 26.0),
        Flow("car@USA", "market:car@USA", 39.0),
    ]
    return Draft(
        flows,
        alternatives=[Alternative("ore@BRA", "mill@USA", 0.5, qualification=2.0)],
        slots={("car@USA", "mill"): {"stock_weeks": 1.0, "reorder_weeks": 2.0}},
        sites={"ore@BRA": {"ramp_max": 1.5, "ramp_weeks": 2.0}},
        markets={"market:mill@JPN": {"backlog_share": 0.5}},
    )


SCENARIOS = [
    Scenario("baseline"),
    Scenario("ban", ExportBan(by="CHN", against="USA", products="ore", start=1, leakage=0.3)),
    Scenario("tariff", Tariff(by="USA", against="CHN", rate=0.2, start=2, weeks=5)),
    Scenario("paper", Licence(by="CHN", review_weeks=2, start=1, weeks=8)),
    Scenario(
        "much",
        [
            ExportBan(by="CHN", against="JPN", severity=0.7, start=2, weeks=6),
            Tariff(by="JPN", rate=0.1),
            Outage(country="AUS", severity=0.4, start=3, weeks=4),
        ],
    ),
    Scenario("more", DemandShift(country="JPN", change=0.4, start=1)),
    Scenario("later", ExportBan(by=["CHN", "AUS"], against="USA", severity=0.5, start=9)),
]


@pytest.fixture(scope="module")
def chain():
    return draft().build()


@pytest.fixture(scope="module")
def draws(chain):
    other = draft()
    other.slots = {("car@USA", "mill"): {"stock_weeks": 3.0, "reorder_weeks": 2.0}}
    other.price = 2e6
    return [chain, other.build()]


def kept(outcome) -> dict[str, np.ndarray]:
    """Return every array and table of an outcome."""
    arrays = {k: v for k, v in vars(outcome._kept.recorded).items() if v is not None}
    arrays["tariffs"] = outcome.tariffs(over="week").to_numpy()
    if "deviation" in arrays:
        arrays["leakage"] = outcome.leakage().to_numpy()
    return arrays


def assert_same(one, other) -> None:
    mine, theirs = kept(one), kept(other)
    assert mine.keys() == theirs.keys()
    for name in mine:
        assert mine[name].dtype == theirs[name].dtype
        assert np.array_equal(mine[name], theirs[name], equal_nan=True), name


@pytest.fixture(params=["numpy", "numba"])
def engine(request):
    engine_class(request.param)
    return request.param


class TestCuts:
    @pytest.mark.parametrize("record", ["country", "site", "all"])
    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    def test_chunks_and_threads_change_no_bit(self, draws, monkeypatch, engine, record, dtype):
        options = {"weeks": WEEKS, "record": record, "dtype": dtype, "engine": engine}
        whole = simulate(draws, SCENARIOS, **options)
        for lanes in (1, 3, 7, 9):
            monkeypatch.setattr(simulate_module, "_LANES_PER_CHUNK", lanes)
            for threads in (1, 3):
                assert_same(simulate(draws, SCENARIOS, threads=threads, **options), whole)

    def test_a_batch_is_a_loop_of_singles(self, chain, engine):
        options = {"weeks": WEEKS, "record": "all", "engine": engine}
        together = simulate(chain, SCENARIOS, **options)
        for row, scenario in enumerate(SCENARIOS):
            alone = kept(simulate(chain, scenario, **options))
            for name, values in vars(together._kept.recorded).items():
                assert np.array_equal(values[row], alone[name][0]), name
            rows = together.leakage().query("scenario == @scenario.name")
            assert np.array_equal(rows.to_numpy(), alone["leakage"])

    def test_what_is_recorded_changes_no_bit(self, chain, engine):
        options = {"weeks": WEEKS, "engine": engine}
        some = {r: simulate(chain, SCENARIOS, record=r, **options) for r in ("site", "all")}
        sums = simulate(chain, SCENARIOS, record="country", **options)
        for outcome in some.values():
            for table in ("loss", "unmet", "tariffs"):
                assert getattr(outcome, table)().equals(getattr(sums, table)())
            assert outcome.time_to_impact().equals(sums.time_to_impact())
        assert np.array_equal(some["site"].activity, some["all"].activity)
        assert some["site"].leakage().equals(some["all"].leakage())

    @pytest.mark.parametrize("record", ["country", "site", "all"])
    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    def test_compiled_sums_are_the_same_sums(self, draws, monkeypatch, record, dtype):
        pytest.importorskip("numba")
        options = {"weeks": WEEKS, "record": record, "dtype": dtype, "engine": "numpy"}
        plain = [simulate(some, SCENARIOS, **options) for some in (draws, draws[0])]
        monkeypatch.setattr(
            "chokepoint.propagate._batch.sums_kernel", lambda _: sums_kernel("numba")
        )
        for some, outcome in zip((draws, draws[0]), plain, strict=True):
            assert_same(simulate(some, SCENARIOS, **options), outcome)

    def test_more_threads_than_chunks(self, chain):
        one = simulate(chain, SCENARIOS[:2], weeks=4)
        assert_same(simulate(chain, SCENARIOS[:2], weeks=4, threads=64), one)

    def test_an_error_in_one_thread_ends_the_run(self, chain, monkeypatch):
        monkeypatch.setattr(simulate_module, "_LANES_PER_CHUNK", 1)

        asked = []

        class Failing(Sequence):
            def __len__(self):
                return 500

            def __getitem__(self, scenario):
                asked.append(scenario)
                if scenario == 1:
                    raise RuntimeError("scenario 1")
                return Effects()

        for threads in (1, 2):
            asked.clear()
            with pytest.raises(RuntimeError, match="scenario 1"):
                run(compile_chain(chain), Failing(), weeks=2, threads=threads)
            assert len(asked) < 500


class TestMemory:
    @staticmethod
    def wide(sites: int):
        """Return a compiled chain of `sites` mines in two countries that feed one mill each."""
        flows = []
        for number in range(sites):
            country = "CHN" if number % 2 else "AUS"
            flows.append(Flow(f"ore@{country}:{number}", f"mill@{country}:{number}"))
            flows.append(Flow(f"mill@{country}:{number}", f"market:mill@{country}"))
        return compile_chain(Draft(flows).build())

    @staticmethod
    def peak(compiled, record: str, monkeypatch, lanes: int = 60) -> int:
        monkeypatch.setattr(simulate_module, "_LANES_PER_CHUNK", 2)
        shock = CapacityEffect(np.array([0]), np.full(60, 0.5))
        effects = [Effects(capacity=(shock,))] * lanes
        run(compiled, effects[:2], weeks=60, record=record, engine="numpy")
        tracemalloc.start()
        try:
            run(compiled, effects, weeks=60, record=record, engine="numpy")
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    def test_sums_by_country_do_not_grow_with_the_number_of_sites(self, monkeypatch):
        few, many = self.wide(8), self.wide(80)
        base = self.peak(few, "country", monkeypatch)
        grown = self.peak(many, "country", monkeypatch)
        # All sites and markets of all weeks and lanes are 60 x 60 x 162 numbers, 4.7 MB.
        assert grown - base < 2e6
        assert self.peak(many, "site", monkeypatch) - grown > 4e6

    def test_running_takes_no_more_than_the_docstring_says(self, monkeypatch):
        compiled = self.wide(60)
        effect = FlowEffect(np.arange(10), np.full(6, 0.5))
        peaks = {}
        for lanes in (40, 240):
            monkeypatch.setattr(simulate_module, "_LANES_PER_CHUNK", lanes)
            effects = [Effects(flows=(effect,))] * lanes
            options = {"weeks": 6, "record": "country", "engine": "numpy"}
            run(compiled, effects, **options)
            tracemalloc.start()
            run(compiled, effects, **options)
            peaks[lanes] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        kept = 8 * 6 * 3 * 2
        state = 21 * compiled.n_edges + 12 * compiled.n_nodes + 13 * compiled.n_groups
        per_lane = (peaks[240] - peaks[40]) / 200
        assert per_lane < 1.25 * (8 * state + kept)

    def test_effects_live_no_longer_than_their_chunk(self, chain, monkeypatch):
        monkeypatch.setattr(simulate_module, "_LANES_PER_CHUNK", 4)
        alive = weakref.WeakSet()
        most = 0

        class Effect(CapacityEffect):
            __hash__ = object.__hash__
            __eq__ = object.__eq__

        class Lazy(Sequence):
            def __len__(self):
                return 60

            def __getitem__(self, scenario):
                nonlocal most
                made = Effect(np.array([0]), np.full(4, 0.5))
                alive.add(made)
                most = max(most, len(alive))
                return Effects(capacity=(made,))

        run(compile_chain(chain), Lazy(), weeks=4, record="country", threads=1)
        assert 0 < most <= 8


class TestPrecision:
    def test_what_is_kept_has_the_precision_of_the_run(self, chain):
        single = simulate(chain, SCENARIOS, weeks=WEEKS, dtype="float32", record="all")
        for values in vars(single._kept.recorded).values():
            assert values.dtype == np.float32
        assert single.activity.dtype == np.float32
        double = simulate(chain, SCENARIOS, weeks=WEEKS)
        np.testing.assert_allclose(single.loss(), double.loss(), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(single.unmet(), double.unmet(), rtol=1e-5, atol=1e-5)


class TestFlows:
    def test_baseline_shipments_are_the_flows_of_the_chain(self, chain):
        outcome = simulate(chain, SCENARIOS[0], weeks=3, record="all")
        weekly = chain.edges["quantity"].to_numpy() / 52.0
        np.testing.assert_allclose(outcome.flow("baseline"), np.tile(weekly, (3, 1)), rtol=1e-14)
        assert outcome.slot("baseline").eq(chain.slots["stock_weeks"], axis=1).all(axis=None)

    def test_what_slots_ask_for_is_seen_before_caps_cut_it(self, chain):
        outcome = simulate(chain, SCENARIOS, weeks=6, record="all")
        assert (outcome.asked[0] == 1.0).all()
        market = list(chain.slots.index).index(("market:mill@JPN", "demand"))
        mill = list(chain.slots.index).index(("mill@USA", "ore"))
        # Demand rises by 40 per cent in week 1, and markets order it for week 2.
        assert outcome.asked[5, :3, market].tolist() == pytest.approx([1.0, 1.0, 1.4])
        # A ban cuts the flows of the mill; what the mill asks for rises a week later.
        assert outcome.asked[1, :2, mill].tolist() == [1.0, 1.0]
        assert outcome.asked[1, 2, mill] > 1.05
        with pytest.raises(ValueError, match="read-only"):
            outcome.asked[:] = 0.0

    def test_frames_name_flows_and_slots(self, chain):
        outcome = simulate(chain, SCENARIOS, weeks=6, record="all")
        flow, slot = outcome.flow("ban"), outcome.slot("ban")
        assert flow.columns.names == ["supplier", "buyer", "slot"]
        assert slot.columns.names == ["buyer", "slot"]
        assert flow.index.name == slot.index.name == "week"
        banned = flow["ore@CHN", "mill@USA", "ore"]
        # A ban of everything from week 1, 30 per cent of which takes a detour at once.
        assert banned.iloc[:3].tolist() == pytest.approx([0.5, 0.15, 0.15])
        assert slot["mill@USA", "ore"].iloc[0] == 2.0
        assert "product per week" in flow.attrs["unit"]
        assert slot.attrs["unit"] == "weeks of baseline use"
        flow.iloc[:, :] = 0.0
        assert outcome.shipments.max() > 0
        with pytest.raises(ValueError, match="read-only"):
            outcome.shipments[:] = 0.0
        assert outcome.shipments.shape == (7, 6, len(chain.edges))
        assert outcome.stock.shape == (7, 6, len(chain.slots))

    def test_a_row_of_draws_is_named_by_a_pair(self, draws):
        outcome = simulate(draws, SCENARIOS[:2], weeks=3, record="all")
        stock = outcome.slot((1, "ban"))["car@USA", "mill"]
        assert stock.iloc[0] == 3.0
        for unknown in ("ban", (2, "ban"), "bann"):
            with pytest.raises(UnknownLabelError, match=r"scenario"):
                outcome.flow(unknown)

    def test_flows_are_not_made_up(self, chain):
        for record, keeps in (("country", "countries"), ("site", "sites")):
            outcome = simulate(chain, SCENARIOS[0], weeks=2, record=record)
            told = rf'record="all".*only {keeps}'
            with pytest.raises(OptionError, match=told):
                _ = outcome.shipments
            with pytest.raises(OptionError, match=told):
                outcome.slot("baseline")
        with pytest.raises(OptionError, match=r'record="site"'):
            simulate(chain, SCENARIOS[1], weeks=2, record="country").leakage()


class TestTariffs:
    """Half a unit of ore worth USD 1 million goes from China to the American mill each week."""

    def paid(self, chain, *events, **options):
        return simulate(chain, Scenario("x", events), weeks=8, behaviour=STIFF, **options)

    def test_by_hand(self, chain):
        ore = {"by": "USA", "against": "CHN", "products": "ore"}
        tariffs = [Tariff(rate=0.1, start=1, weeks=3, **ore), Tariff(rate=0.05, start=3, **ore)]
        outcome = self.paid(chain, *tariffs, record="country")
        weekly = outcome.tariffs(over="week")
        expected = [0.0, 0.05, 0.05, 0.075, 0.025, 0.025, 0.025, 0.025]
        np.testing.assert_allclose(weekly["USA"], expected, rtol=1e-14)
        assert (weekly.drop(columns="USA") == 0.0).all(axis=None)
        np.testing.assert_allclose(outcome.tariffs()["USA"], sum(expected))
        assert outcome.tariffs(by="scenario")["total"].iloc[0] == pytest.approx(sum(expected))
        assert outcome.tariffs(weeks=2)["USA"].iloc[0] == pytest.approx(0.05)
        assert "USD million" in outcome.tariffs().attrs["unit"]
        assert (outcome.loss() == 0.0).all(axis=None)

    def test_what_is_not_shipped_pays_nothing(self, chain):
        ban = ExportBan(by="CHN", against="USA", severity=0.8, start=2, leakage=0.5)
        outcome = self.paid(chain, Tariff(by="USA", against="CHN", rate=0.1), ban)
        weekly = outcome.tariffs(over="week")["USA"]
        np.testing.assert_allclose(weekly, [0.05] * 2 + [0.01] * 6, rtol=1e-12)

    def test_the_importer_pays(self, chain):
        weekly = self.paid(chain, Tariff(by="JPN", products="ore", rate=1.0)).tariffs(over="week")
        np.testing.assert_allclose(weekly["JPN"], 0.75)

    def test_no_tariff_is_zero(self, chain):
        outcome = self.paid(chain)
        assert (outcome.tariffs() == 0.0).all(axis=None)
        assert outcome.tariffs().shape == outcome.loss().shape
        table = outcome.tariffs(over="week")
        table.iloc[:, :] = 1.0
        assert (outcome.tariffs() == 0.0).all(axis=None)

    def test_options(self, chain):
        outcome = self.paid(chain)
        with pytest.raises(OptionError, match="country, scenario"):
            outcome.tariffs(by="product")
        with pytest.raises(OptionError, match='"week" or None'):
            outcome.tariffs(over="month")

    def test_prices_of_each_draw(self, draws):
        duty = Scenario("duty", Tariff(by="USA", against="CHN", rate=0.1))
        total = simulate(draws, duty, weeks=4).tariffs(by="scenario")["total"]
        assert total.tolist() == pytest.approx([0.2, 0.4])


class TestLeakage:
    """A ban on Chinese ore for America, in weeks 2 to 5: USD 0.5 million a week at baseline."""

    def table(self, *, behaviour=STIFF, **options):
        ban = ExportBan(by="CHN", against="USA", products="ore", start=2, weeks=4, **options)
        chain = draft().build()
        outcome = simulate(chain, Scenario("ban", ban), weeks=12, behaviour=behaviour)
        return outcome.leakage().iloc[0]

    def test_a_ban_without_any_way_round(self):
        frozen = Behaviour(switching=False, ramp=False, frozen_orders=True)
        row = self.table(behaviour=frozen)
        assert row.to_dict() == {
            "banned_usd_m": 2.0,
            "drop_usd_m": 2.0,
            "leak": 0.0,
            "not_enforced": 0.0,
            "transshipped": 0.0,
            "diverted": 0.0,
        }

    def test_what_is_not_enforced_and_what_goes_through_third_countries(self):
        # A fifth passes; of the rest a quarter goes round from the third week of the ban on.
        frozen = Behaviour(switching=False, ramp=False, frozen_orders=True)
        row = self.table(severity=0.8, leakage=0.25, leakage_lag=2, behaviour=frozen)
        assert row["not_enforced"] == pytest.approx(0.2)
        assert row["transshipped"] == pytest.approx(0.25 * 0.8 * 2 / 4)
        assert row["diverted"] == pytest.approx(0.0, abs=1e-12)
        assert row["leak"] == pytest.approx(0.3)
        assert row["drop_usd_m"] == pytest.approx(2.0 * 0.7)

    def test_goods_of_others_that_replace_them_are_diverted(self):
        # Australia sells up to half as much again from what others no longer get: the mill in
        # Japan has gone, so that the mine has room.
        flows = [
            Flow("ore@CHN", "mill@USA", 26.0),
            Flow("ore@AUS", "mill@USA", 26.0, growth=0.5),
            Flow("ore@AUS", "mill@JPN", 26.0),
            Flow("mill@USA", "market:mill@USA", 52.0),
            Flow("mill@JPN", "market:mill@JPN", 26.0),
        ]
        slots = {(f"mill@{c}", "ore"): {"stock_weeks": 0.0, "reorder_weeks": 1.0}
                 for c in ("USA", "JPN")}  # fmt: skip
        chain = Draft(flows, slots=slots, services=("ore",)).build()
        events = [
            ExportBan(by="CHN", against="USA", products="ore", start=3, weeks=8),
            Outage(products="mill", country="JPN"),
        ]
        switching = Behaviour(ramp=False, speed=1.0, memory=1.0)
        outcome = simulate(
            chain, Scenario("ban", events), weeks=12, record="all", behaviour=switching
        )
        shipped = outcome.flow("ban")
        other = shipped["ore@AUS", "mill@USA", "ore"].iloc[3:11] - 0.5
        assert other.max() == pytest.approx(0.25)
        row = outcome.leakage().iloc[0]
        assert row["banned_usd_m"] == pytest.approx(4.0)
        assert row["diverted"] == pytest.approx(other.sum() / 4.0, rel=1e-12)
        assert row["leak"] == pytest.approx(row["diverted"], rel=1e-12)

    def test_it_is_what_the_flows_say(self, chain):
        outcome = simulate(chain, SCENARIOS, weeks=WEEKS, record="all")
        for scenario, buyer, first, last in (("ban", "USA", 1, WEEKS), ("much", "JPN", 2, 8)):
            shipped = outcome.flow(scenario).iloc[first:last]
            base = outcome.flow("baseline").iloc[first:last]
            ways = [
                column
                for column in shipped
                if column[0].startswith("ore@") and column[1] == f"mill@{buyer}"
            ]
            drop = (base[ways] - shipped[ways]).to_numpy().sum()
            row = outcome.leakage().loc[scenario].iloc[0]
            assert row["drop_usd_m"] == pytest.approx(drop, rel=1e-12)
            assert row["leak"] == pytest.approx(1.0 - drop / row["banned_usd_m"], rel=1e-12)
            parts = row[["not_enforced", "transshipped", "diverted"]].sum()
            assert parts == pytest.approx(row["leak"], rel=1e-12)

    def test_a_row_for_each_cap(self, chain):
        both = Scenario(
            "both",
            [
                ExportBan(by="CHN", against="USA", products="ore", weeks=2),
                ExportBan(by="CHN", against="JPN", products="ore", severity=0.0),
                ExportBan(by="BRA", against="JPN", severity=0.5, weeks=1),
            ],
        )
        table = simulate(chain, [SCENARIOS[0], both], weeks=4).leakage()
        assert table.index.names == ["scenario", "event"]
        # A ban that stops nothing is no cap.
        assert [scenario for scenario, _ in table.index] == ["both", "both"]
        labels = [label for _, label in table.index]
        assert "CHN -> USA" in labels[0]
        assert "BRA -> JPN" in labels[1]
        assert table["banned_usd_m"].tolist() == pytest.approx([1.0, 0.25])
        assert "USD million" in table.attrs["unit"]

    def test_no_cap_no_row(self, chain):
        table = simulate(chain, SCENARIOS[0], weeks=2).leakage()
        assert len(table) == 0
        assert list(table) == ["banned_usd_m", "drop_usd_m", "leak", "not_enforced",
                               "transshipped", "diverted"]  # fmt: skip

    def test_draws_are_told_apart(self, draws):
        table = simulate(draws, SCENARIOS[:2], weeks=4).leakage()
        assert table.index.names == ["draw", "scenario", "event"]
        banned = table["banned_usd_m"]
        assert banned.tolist() == pytest.approx([1.5, 3.0])


class TestUnmatched:
    def test_pairs_that_match_nothing_are_listed(self, chain):
        some = Scenario("some", ExportBan(by="CHN", against=["USA", "BRA"], products="ore"))
        outcome = simulate(chain, [SCENARIOS[0], some], weeks=2)
        table = outcome.unmatched
        assert list(table) == ["scenario", "event", "unmatched"]
        assert table["scenario"].tolist() == ["some"]
        assert "BRA" in table["unmatched"].iloc[0]
        assert "ExportBan" in table["event"].iloc[0]
        assert "1 selection" in repr(outcome)
        assert outcome._repr_html_().count("<tr>") == 5
        table.iloc[:, :] = ""
        assert outcome.unmatched["scenario"].tolist() == ["some"]

    def test_nothing_is_listed_where_all_match(self, chain):
        table = simulate(chain, SCENARIOS, weeks=2).unmatched
        assert len(table) == 0
        assert list(table) == ["scenario", "event", "unmatched"]


class TestBacklog:
    """One unit a week is made, worth USD 1 million; nothing in week 2, which arrives in week 3."""

    def unmet(self, share: float, *events, by="country"):
        shape = line("mill@JPN", "market:mill@JPN")
        shape.markets = {"market:mill@JPN": {"backlog_share": share}}
        out = Outage(country="JPN", start=2, weeks=1)
        scenario = Scenario("out", [out, *events])
        outcome = simulate(shape.build(), scenario, weeks=12, behaviour=STIFF)
        assert outcome.unmet(by="total").iloc[0, 0] == pytest.approx(
            outcome.unmet(by="total", over="week").sum().iloc[0], abs=1e-12
        )
        table = outcome.unmet(by=by, over="week").loc["out"]
        return table["market:mill@JPN" if by == "site" else "JPN"].tolist()

    @pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
    @pytest.mark.parametrize("by", ["country", "site"])
    def test_waiting_demand_counts_once(self, share, by):
        # No site has spare capacity: what waits waits to the end.
        assert self.unmet(share, by=by) == [0.0] * 3 + [1.0] + [0.0] * 8

    @pytest.mark.parametrize("by", ["country", "site"])
    def test_a_late_delivery_is_not_unmet_for_ever(self, by):
        # In weeks 6 and 7 half of the demand stays away, and what waits is served.
        fall = DemandShift(change=-0.5, start=6, weeks=2)
        expected = [0.0] * 3 + [1.0, 0.0, 0.0, -0.5, -0.5] + [0.0] * 4
        assert self.unmet(1.0, fall, by=by) == pytest.approx(expected, abs=1e-12)

    def test_demand_that_does_not_wait_stays_unmet(self):
        # The small orders of weeks 6 and 7 arrive in weeks 8 and 9, when demand is back.
        fall = DemandShift(change=-0.5, start=6, weeks=2)
        expected = [0.0] * 3 + [1.0] + [0.0] * 4 + [0.5, 0.5] + [0.0] * 2
        assert self.unmet(0.0, fall) == pytest.approx(expected, abs=1e-12)


class TestArrays:
    """Chains made of plain arrays, without labels."""

    @pytest.fixture
    def bare(self, chain):
        compiled = compile_chain(chain)
        return replace(
            compiled,
            nodes=pd.DataFrame(index=pd.RangeIndex(compiled.n_nodes)),
            groups=pd.RangeIndex(compiled.n_groups),
            edges=pd.DataFrame(index=pd.RangeIndex(compiled.n_edges)),
        )

    @pytest.fixture
    def effects(self, chain):
        return [scenario.effects(chain, WEEKS) for scenario in SCENARIOS]

    def test_run_is_what_simulate_does(self, chain, effects):
        names = [scenario.name for scenario in SCENARIOS]
        compiled = compile_chain(chain)
        outcome = run(compiled, effects, labels=names, weeks=WEEKS, record="all")
        assert_same(outcome, simulate(chain, SCENARIOS, weeks=WEEKS, record="all"))
        assert list(outcome.scenarios) == names

    def test_draws(self, draws, effects):
        compiled = [compile_chain(one) for one in draws]
        outcome = run(compiled, effects, weeks=WEEKS, record="all")
        assert_same(outcome, simulate(draws, SCENARIOS, weeks=WEEKS, record="all"))
        assert outcome.scenarios[8] == (1, 1)

    def test_without_labels_there_is_one_area(self, chain, bare, effects):
        outcome = run(bare, effects, weeks=WEEKS, record="all")
        labelled = simulate(chain, SCENARIOS, weeks=WEEKS, record="all")
        assert list(outcome.countries) == ["all"]
        np.testing.assert_allclose(
            outcome.loss()["all"], labelled.loss(by="total")["total"], rtol=1e-9, atol=1e-12
        )
        assert np.array_equal(outcome.shipments, labelled.shipments)
        assert outcome.flow(1).columns.name == "flow"
        assert outcome.slot(1).shape == (WEEKS, bare.n_groups)
        assert outcome.loss(by="site").shape[1] == (~bare.is_market).sum()
        with pytest.raises(OptionError, match="product"):
            outcome.loss(by="product")

    def test_one_effect_alone(self, bare):
        assert list(run(bare, Effects(), weeks=2).scenarios) == [0]

    def test_leakage_without_labels_looks_at_the_slots(self, bare, effects):
        table = run(bare, effects, weeks=WEEKS).leakage()
        assert len(table) == 3
        shares = ["not_enforced", "transshipped", "diverted"]
        np.testing.assert_allclose(table[shares].sum(axis=1), table["leak"], rtol=1e-9)

    def test_tariffs_and_caps_without_events(self, bare):
        half = FlowEffect(np.array([0]), np.full(4, 0.5), label="half")
        duty = TariffEffect(np.array([0]), np.full(4, 0.5))
        outcome = run(bare, Effects(flows=(half,), tariffs=(duty,)), weeks=4)
        assert outcome.leakage().index[0] == (0, "half")
        assert outcome.tariffs().iloc[0, 0] > 0
