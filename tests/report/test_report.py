"""The report on a small chain, end to end: page, ledger, figures that can be computed again."""

from __future__ import annotations

import math
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from report.example import small_chain

import chokepoint as cp
from chokepoint.errors import MissingDependencyError, OptionError
from chokepoint.report import COLUMNS, STUDIES, build_report
from chokepoint.report._settings import settings_of
from chokepoint.report._study import bundles_of

SECTIONS = ["answer", "chain", "damage", "band", "when", "where", "reach", "assumptions",
            "published", "plan", "others", "claims", "data", "run"]  # fmt: skip


class _Page(HTMLParser):
    """Collect what a browser would load, the sections, the text and the tables."""

    LOADS = frozenset({"src", "srcset", "data", "poster", "background", "action", "manifest"})
    VOID = frozenset({"meta", "br", "img", "input", "hr", "link"})

    def __init__(self):
        super().__init__()
        self.loads, self.links, self.sections, self.tables = [], [], [], []
        self.anchors, self.ids, self.text, self.open = [], set(), [], []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        self.loads += [found[name] for name in found if name in self.LOADS]
        if tag == "link":
            self.loads.append(found.get("href"))
        if tag == "a":
            self.anchors.append(found["href"])
        if tag == "section":
            self.sections.append(found["id"])
        if tag == "table":
            self.tables.append([])
        if tag == "tr" and self.tables:
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if "id" in found:
            assert found["id"] not in self.ids
            self.ids.add(found["id"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] in ("script", "style"):
            if self.open and self.open[-1] == "style":
                assert "url(" not in data
                assert "@import" not in data
            return
        self.text.append(data)
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data


@pytest.fixture(scope="module")
def page(report):
    parsed = _Page()
    parsed.feed(report.html)
    parsed.close()
    return parsed


# ------------------------------------------------------------------------------------------ page


def test_page_is_whole_and_has_every_section(page, report):
    assert report.html.startswith("<!doctype html>")
    assert page.open == []
    assert page.sections == SECTIONS
    assert {anchor.removeprefix("#") for anchor in page.anchors} == set(SECTIONS)


def test_page_loads_nothing_from_elsewhere(page):
    assert page.loads == []


def test_drawing_library_is_inlined_once(report):
    assert report.html.count("plotly.js v") == 1
    assert report.html.count("Plotly.newPlot(") > 5


def test_labels_from_data_are_escaped(report):
    # The title of a source holds <to>, which must not become a tag.
    assert "A halt of rare earths &lt;to&gt; Japan" in report.html


def test_answer_names_every_target_with_figure_unit_range_and_horizon(page, report):
    text = " ".join(" ".join(page.text).split())
    for name in ("United States", "Japan", "Korea", "Germany", "European Union"):
        start = text.index(f"{name}: USD ")
        sentence = text[start : start + 400]
        assert "of its GDP of 52 weeks." in sentence
        assert "over draws of the data" in sentence
        assert "with a perfectly coordinated response" in sentence
        assert "with thin stocks and no change of supplier" in sentence
    assert report.headline.startswith("If China stopped all rare earths")


def test_page_names_grades_sources_settings_and_version(page):
    text = " ".join(" ".join(page.text).split())
    assert "https://example.org/halt" in text
    assert f"chokepoint {cp.__version__}" in text
    assert "6 draws of the data with seed 1" in text
    assert "Horizons 4, 13, 52 weeks" in text


def test_published_estimates_stand_beside_own_figures(page, report):
    rows = {row[0]: row for table in page.tables for row in table if len(row) == 7}
    own = report.findings.damage("JPN").share_of_annual_gdp
    cell = next(row for row in rows.values() if row[2] == "52")
    assert cell[4].startswith("0.43 %")
    assert cell[5].startswith(f"{own * 100:.2g} %")
    assert "0.26 published by Institute, 2026" in " ".join(" ".join(page.text).split())


# ---------------------------------------------------------------------------------------- ledger


def test_ledger_has_the_columns_and_a_unit_in_every_row(report):
    ledger = report.ledger
    assert tuple(ledger.columns) == COLUMNS
    required = "claim question figure unit low high planner reference stressed horizon_weeks"
    assert {*required.split(), "verdict", "call", "grades"} <= set(ledger.columns)
    assert (ledger["claim"] == 11).all()
    filled = ledger[["question", "figure", "unit", "horizon_weeks", "verdict", "call", "grades"]]
    assert filled.notna().all(axis=None)
    assert (filled.select_dtypes(exclude="number") != "").all(axis=None)
    verdicts = {"supports", "contradicts", "cannot decide", "not tested"}
    assert set(ledger["verdict"]) <= verdicts
    assert ledger["question"].is_unique


def test_every_call_gives_its_figure(report, chain):
    for row in report.ledger.drop_duplicates("call").itertuples():
        assert "\n" not in row.call
        value = eval(row.call, {"cp": cp, "chain": chain})
        assert value == pytest.approx(row.figure, rel=1e-9, abs=1e-9), row.question


def test_every_target_bundle_and_horizon_has_its_row(report):
    damage = report.ledger[report.ledger["threshold"].notna()]
    found = set(damage[["target", "bundle", "horizon_weeks"]].itertuples(index=False, name=None))
    study = STUDIES["rare_earths"]
    wanted = {
        (target, bundle, weeks)
        for target in study.targets
        for bundle in (study.narrow, study.wide)
        for weeks in (4, 13, 52)
    }
    assert wanted <= found
    groups = {bundle for _, bundle, _ in found - wanted}
    assert groups == {"oxide_light", "oxide_heavy", "ndfeb_sintered"}


def test_ranges_hold_at_the_headline(report):
    rows = report.ledger[
        report.ledger["bundle"].eq("all rare earths")
        & report.ledger["horizon_weeks"].eq(52)
        & report.ledger["question"].str.contains("of its GDP of")
    ]
    assert len(rows) == 5
    assert (rows["low"] <= rows["high"]).all()
    assert (rows["planner"] <= rows["reference"] + 1e-6).all()
    assert (rows["reference"] <= rows["stressed"]).all()
    threshold = 0.001 * rows.set_index("target").loc["JPN", "reference"]
    share = rows.set_index("target").loc["JPN", "share_of_gdp_percent"] / 100.0
    assert rows.set_index("target").loc["JPN", "threshold"] == pytest.approx(threshold / share)


def test_damage_self_harm_and_third_parties_add_up_to_the_loss_of_all(report, chain):
    study = STUDIES["rare_earths"]
    ban = cp.ExportBan(by="CHN", against="JPN", products=bundles_of(chain, study)[study.narrow])
    total = cp.simulate(chain, cp.Scenario("ban", [ban]), weeks=52).loss(by="total").to_numpy()
    found = report.findings.damage("JPN")
    assert found.reference + found.self_harm + found.third_party == pytest.approx(total.item())


def test_plans_stay_in_their_budget_and_are_simulated_again(report):
    study = STUDIES["rare_earths"]
    rows = report.ledger[report.ledger["question"].str.contains("does a plan of")]
    assert list(rows["target"]) == list(study.targets)
    for target, held in report.findings.plans.items():
        assert held.plan.spent <= study.budget_usd_m * (1 + 1e-9)
        row = rows.set_index("target").loc[target]
        assert row["figure"] == report.findings.damage(target).reference - held.reference
        assert row["planner"] == pytest.approx(held.plan.saving)
    assert (rows["figure"] > 0).any()


def test_a_chain_without_measures_has_no_plan(chain):
    bare = chain.replace(measures=chain.measures.iloc[:0])
    report = build_report(bare, draws=0, fast=True)
    assert report.findings.plans == {}
    assert 'id="plan"' not in report.html
    assert not report.ledger["question"].str.contains("does a plan of").any()


def test_high_tech_sectors_are_measured_against_their_own_value_added(report, chain):
    rows = report.ledger[report.ledger["question"].str.contains("high-tech end sectors")]
    usa = rows.set_index("target").loc["USA"]
    nodes = chain.nodes
    mine = nodes["product"].eq("computer") & nodes["country"].eq("USA")
    own = nodes.loc[mine, "value_added_usd_m"].sum()
    assert usa["threshold"] == pytest.approx(0.01 * own)
    assert usa["figure"] == report.findings.sectors.loc["computer", "USA"]
    assert usa["stressed"] >= usa["figure"]
    assert usa["verdict"] in {"cannot decide", "not tested"}


def test_ledger_survives_the_file(report, tmp_path):
    report.write(tmp_path / "page.html", tmp_path / "ledger.csv")
    back = pd.read_csv(tmp_path / "ledger.csv")
    assert tuple(back.columns) == COLUMNS
    np.testing.assert_allclose(back["figure"], report.ledger["figure"], rtol=1e-5)
    assert list(back["call"]) == list(report.ledger["call"])
    assert (tmp_path / "page.html").read_text("utf-8") == report.html


# -------------------------------------------------------------------------------------- settings


def test_same_seed_same_ledger(report, chain):
    again = build_report(chain, draws=6, rng=1, weeks=(4, 13, 52))
    pd.testing.assert_frame_equal(again.ledger, report.ledger)


def test_fast_is_short_and_without_draws_there_is_no_interval(chain):
    assert settings_of(draws=None, rng=1, weeks=None, fast=True).draws <= 5
    report = build_report(chain, draws=0, fast=True)
    assert report.findings.settings.weeks == (4, 13, 26)
    assert report.findings.settings.headline == 26
    assert report.ledger[["low", "high"]].isna().all(axis=None)
    assert "over draws of the data" not in report.html
    assert math.isnan(report.findings.damage("JPN").low)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weeks": (0, 4)}, "at least 1 week"),
        ({"draws": -1}, "at least 0"),
        ({"chain": small_chain("other")}, "Pass study="),
        ({"chain": "rare_earht"}, "Expected a shipped chain"),
    ],
)
def test_wrong_options_say_what_to_do(chain, options, message):
    with pytest.raises(OptionError, match=message):
        build_report(**{"chain": chain, **options})


def test_a_chain_without_the_stages_of_the_study_is_refused(magnets_only):
    with pytest.raises(OptionError, match="stage 'magnet'"):
        build_report(magnets_only, study=STUDIES["rare_earths"])


@pytest.fixture
def magnets_only():
    return cp.SupplyChain.from_tables(
        products=pd.DataFrame({"product": ["thing"]}),
        sites=pd.DataFrame({"product": ["thing"], "country": ["CHN"], "output_qty": [1.0]}),
        markets=pd.DataFrame({"product": ["thing"], "country": ["CHN"], "quantity": [1.0]}),
    )


def test_missing_packages_are_named_before_the_work(chain, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(MissingDependencyError, match=r"chokepoint\[report\]"):
        build_report(chain, draws=0, weeks=(4,))
