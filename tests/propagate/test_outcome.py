"""What an outcome says: tables, horizons, times, labels and how it looks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from propagate._chains import Alternative, Draft, Flow
from propagate._play import STIFF

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.propagate import Outcome, simulate
from chokepoint.scenario import DemandShift, ExportBan, Scenario

WEEKS = 12
SCENARIOS = [
    Scenario("baseline"),
    Scenario("ban", ExportBan(by="AUS", start=2, weeks=4)),
    Scenario("fall", DemandShift(change=-0.25)),
]


def draft() -> Draft:
    """Two mills of one mine; the Japanese one also sells outside the chain."""
    flows = [
        Flow("ore@AUS", "mill@JPN", 26.0),
        Flow("ore@AUS", "mill@CHN", 26.0),
        Flow("mill@JPN", "market:mill@JPN", 52.0),
        Flow("mill@JPN", "market:mill@JPN:other_use", 52.0),
        Flow("mill@CHN", "market:mill@USA", 52.0),
    ]
    slots = {
        ("mill@JPN", "ore"): {"stock_weeks": 0.0, "reorder_weeks": 1.0},
        ("mill@CHN", "ore"): {"stock_weeks": 1.0, "reorder_weeks": 1.0},
    }
    return Draft(flows, slots=slots, tiers={"ore": 0, "mill": 1})


@pytest.fixture(scope="module")
def chain() -> SupplyChain:
    return draft().build()


@pytest.fixture(scope="module")
def outcome(chain) -> Outcome:
    return simulate(chain, SCENARIOS, weeks=WEEKS, behaviour=STIFF)


class TestTables:
    @pytest.mark.parametrize("what", ["loss", "unmet"])
    @pytest.mark.parametrize("by", ["country", "product", "tier", "site"])
    def test_every_breakdown_adds_up_to_the_total(self, outcome, what, by):
        table = getattr(outcome, what)(by=by)
        total = getattr(outcome, what)(by="total")["total"]
        np.testing.assert_allclose(table.sum(axis=1), total, rtol=1e-12, atol=1e-12)

    @pytest.mark.parametrize("by", ["country", "product", "tier", "site", "total"])
    def test_weeks_add_up_to_the_whole(self, outcome, by):
        weekly = outcome.loss(by=by, over="week")
        assert weekly.index.names == ["scenario", "week"]
        summed = weekly.groupby(level="scenario", sort=False).sum()
        pd.testing.assert_frame_equal(summed, outcome.loss(by=by), rtol=1e-12, atol=1e-12)

    @pytest.mark.parametrize("by", ["country", "site"])
    def test_a_horizon_counts_the_first_weeks(self, outcome, by):
        for weeks in (1, 5, WEEKS):
            weekly = outcome.loss(by=by, over="week", weeks=weeks)
            assert weekly.index.get_level_values("week").max() == weeks - 1
            summed = weekly.groupby(level="scenario", sort=False).sum()
            cut = outcome.loss(by=by, weeks=weeks)
            pd.testing.assert_frame_equal(summed, cut, rtol=1e-12, atol=1e-12)
        assert (outcome.loss(weeks=2).to_numpy() == outcome.loss(weeks=2).to_numpy()).all()

    def test_a_shorter_run_is_the_beginning_of_a_longer_one(self, chain, outcome):
        short = simulate(chain, SCENARIOS, weeks=5, behaviour=STIFF)
        assert short.loss().equals(outcome.loss(weeks=5))

    def test_loss_in_numbers(self, outcome):
        # The Japanese mill makes 2 a week, half of it value added, and stops in weeks 3 to 6.
        lost = outcome.loss(by="site", over="week").loc["ban"]
        assert lost["mill@JPN"].tolist()[:7] == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]
        assert lost["mill@CHN"].tolist()[:7] == [0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.5]
        assert lost["ore@AUS"].tolist()[:6] == [0.0, 0.0, 0.5, 0.5, 0.5, 0.5]

    def test_a_gain_counts_with_a_minus_sign(self):
        flows = [
            Flow("ore@AUS", "mill@JPN", 26.0),
            Flow("ore@BRA", "mill@JPN", 26.0, growth=1.0),
            Flow("mill@JPN", "market:mill@JPN", 52.0),
        ]
        slots = {("mill@JPN", "ore"): {"stock_weeks": 9.0, "reorder_weeks": 1.0}}
        sites = {"ore@BRA": {"ramp_max": 2.0, "ramp_weeks": 1.0}}
        chain = Draft(flows, slots=slots, sites=sites).build()
        lost = simulate(chain, Scenario("ban", ExportBan(by="AUS"))).loss()
        assert lost["BRA"].iloc[0] < 0.0 < lost["AUS"].iloc[0]

    def test_other_use_counts_neither_as_loss_nor_as_unmet(self, outcome):
        unmet = outcome.unmet(by="site")
        assert "market:mill@JPN:other_use" in unmet
        assert (unmet["market:mill@JPN:other_use"] == 0.0).all()
        assert not outcome.loss(by="site").columns.str.startswith("market:").any()

    def test_unmet_is_what_is_wanted_and_does_not_come(self, outcome):
        weekly = outcome.unmet(by="site", over="week").loc["ban"]
        assert weekly["market:mill@JPN"].tolist()[:8] == [0.0] * 4 + [1.0] * 4

    @pytest.mark.parametrize("by", ["country", "site", "total"])
    def test_demand_that_falls_is_not_unmet(self, outcome, by):
        assert (outcome.unmet(by=by).loc["fall"].abs() < 1e-12).all()

    @pytest.mark.parametrize("by", ["country", "site", "total"])
    def test_demand_that_rises_and_is_not_met_is_unmet(self, chain, by):
        rise = Scenario("rise", DemandShift(products="mill", change=0.5))
        unmet = simulate(chain, rise, weeks=4, behaviour=STIFF).unmet(by=by)
        # Half of 104 a year for four weeks; no site has spare capacity.
        assert unmet.sum(axis=1).iloc[0] == pytest.approx(0.5 * 2 * 4, abs=1e-12)

    def test_frames_name_their_axes_and_units(self, outcome):
        assert outcome.loss().index.name == "scenario"
        assert outcome.loss().columns.name == "country"
        assert outcome.loss(by="product").columns.name == "product"
        assert outcome.loss(by="tier").columns.name == "tier"
        assert outcome.loss(by="site").columns.name == "site"
        assert outcome.unmet(by="site").columns.name == "market"
        assert "value added" in outcome.loss().attrs["unit"]
        assert "final demand" in outcome.unmet().attrs["unit"]
        assert outcome.loss(over="week").attrs["unit"].endswith("per week")
        assert outcome.time_to_impact().attrs["unit"] == "weeks"

    def test_a_table_is_the_readers_own(self, outcome):
        for over in (None, "week"):
            table = outcome.loss(over=over)
            before = table.copy()
            table.iloc[:, :] = -1.0
            assert outcome.loss(over=over).equals(before)

    def test_the_tidy_table_holds_the_same_numbers(self, outcome):
        tidy = outcome.to_frame()
        assert tidy.index.names == ["scenario", "week", "country"]
        weekly = outcome.loss(over="week")
        again = tidy["loss_usd_m"].unstack("country").loc[weekly.index]
        assert again.equals(weekly)

    def test_arrays_are_read_only(self, outcome):
        assert outcome.activity.shape == (3, WEEKS, 6)
        with pytest.raises(ValueError, match="read-only"):
            outcome.activity[0, 0, 0] = 2.0

    def test_facts_of_sites_are_the_readers_own(self, outcome):
        facts = outcome.nodes
        facts.loc["ore@AUS", "product"] = "gold"
        assert outcome.nodes.loc["ore@AUS", "product"] == "ore"


class TestRecord:
    def test_sums_by_country_are_the_same_to_the_last_bit(self, chain, outcome):
        sums = simulate(chain, SCENARIOS, weeks=WEEKS, behaviour=STIFF, record="country")
        assert sums.loss().equals(outcome.loss())
        assert sums.unmet().equals(outcome.unmet())
        assert sums.loss(over="week").equals(outcome.loss(over="week"))
        assert sums.time_to_impact().equals(outcome.time_to_impact())
        assert sums.time_to_recover().equals(outcome.time_to_recover())

    def test_sites_are_not_made_up(self, chain):
        sums = simulate(chain, SCENARIOS[0], weeks=2, record="country")
        for ask in (lambda: sums.activity, lambda: sums.loss(by="site")):
            with pytest.raises(OptionError, match=r'record="site"'):
                ask()

    def test_single_precision_sums_agree_as_well(self, chain):
        single = simulate(chain, SCENARIOS, weeks=WEEKS, behaviour=STIFF, dtype="float32")
        by_site = single.loss(by="site").sum(axis=1)
        np.testing.assert_allclose(by_site, single.loss().sum(axis=1), rtol=1e-12, atol=1e-12)


class TestTimes:
    def test_time_to_impact_is_the_number_of_full_weeks_before(self, outcome):
        weeks = outcome.time_to_impact()
        # The ban starts in week 2; a week of transit; the Chinese mill has a week of stock.
        assert weeks.loc["ban", "JPN"] == 3.0
        assert weeks.loc["ban", "CHN"] == 4.0

    def test_areas_without_an_end_sector_and_scenarios_without_impact_never_fall(self, outcome):
        weeks = outcome.time_to_impact()
        assert np.isinf(weeks.loc["ban", ["AUS", "USA"]]).all()
        assert np.isinf(weeks.loc["baseline"]).all()

    def test_the_threshold_is_a_share_of_own_output(self, outcome):
        weeks = {t: outcome.time_to_impact(t).loc["fall", "JPN"] for t in (0.05, 0.25, 0.3)}
        assert weeks == {0.05: 1.0, 0.25: 1.0, 0.3: np.inf}

    def test_time_to_recover_runs_from_the_first_impact(self, outcome):
        weeks = outcome.time_to_recover()
        activity = pd.DataFrame(outcome.activity[1], columns=outcome.nodes.index)["mill@CHN"]
        low = np.flatnonzero(activity <= 0.95)
        assert low[0] == 4
        assert weeks.loc["ban", "CHN"] == low[-1] - 3
        assert (weeks.loc["baseline"] == 0.0).all()
        assert np.isinf(weeks.loc["fall", "JPN"])

    def test_a_dormant_buyer_does_not_make_a_site_an_intermediate_one(self):
        shape = draft()
        shape.flows = [*shape.flows, Flow("car@USA", "market:car@USA", 52.0)]
        shape.flows = [*shape.flows, Flow("mill@USA", "car@USA", 52.0, slot="metal")]
        shape.slots = {**shape.slots, ("car@USA", "metal"): {"stock_weeks": 0.0}}
        shape.alternatives = [Alternative("mill@CHN", "car@USA", 0.5, slot="metal")]
        outcome = simulate(shape.build(), SCENARIOS[1], weeks=WEEKS, behaviour=STIFF)
        assert outcome.time_to_impact().loc["ban", "CHN"] == 4.0


class TestOptions:
    @pytest.mark.parametrize("weeks", [0, WEEKS + 1])
    def test_a_horizon_outside_the_run(self, outcome, weeks):
        with pytest.raises(OptionError, match=f"between 1 and {WEEKS}.*got {weeks}.*Simulate"):
            outcome.loss(weeks=weeks)

    def test_an_unknown_breakdown(self, outcome):
        with pytest.raises(OptionError, match=r"country, product, tier, site, total.*continent"):
            outcome.loss(by="continent")

    def test_an_unknown_axis(self, outcome):
        with pytest.raises(OptionError, match=r"\"week\" or None.*month"):
            outcome.loss(over="month")

    @pytest.mark.parametrize("threshold", [0.0, -0.1, 1.5, float("nan")])
    @pytest.mark.parametrize("name", ["time_to_impact", "time_to_recover"])
    def test_a_threshold_that_is_no_share(self, outcome, name, threshold):
        with pytest.raises(OptionError, match="threshold"):
            getattr(outcome, name)(threshold)


class TestAppearance:
    def test_one_line(self, outcome):
        text = repr(outcome)
        assert text.startswith("<Outcome: scenarios 3, weeks 12, sites 3, loss 0 to ")
        assert "\n" not in text

    def test_html_is_short_and_escaped(self, chain):
        html = simulate(chain, Scenario("<b>bold</b>", []), weeks=1)._repr_html_()
        assert len(html) < 1000
        assert "<b>" not in html
        assert html.count("<tr>") == html.count("</tr>") == 4
