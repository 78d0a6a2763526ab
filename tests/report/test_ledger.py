"""The ledger of claims: every claim has an answer or a reason, and every figure comes again."""

from __future__ import annotations

import dataclasses
import math
import re
from html import unescape

import numpy as np
import pandas as pd
import pytest
from report.example import small_chain

import chokepoint as cp
from chokepoint.errors import OptionError
from chokepoint.report import CLAIMS, RULE, Ledger, build_report, builds, ledger, tariff_relief
from chokepoint.report._claims._lines import LINE_COLUMNS
from chokepoint.report._stages import Stages

# Words that praise, blame or plead; the library measures and takes no side.
LOADED = (
    "aggress", "hostile", "enemy", "enemies", "bully", "evil", "unfair", "cheat", "steal", "theft",
    "coward", "weak-willed", "triumph", "humiliat", "surrender", "appease", "blackmail",
    "threatens", "regime", "superior", "inferior", "victory", "defeat", "reckless", "shameful",
    "heroic", "unfortunately", "fortunately", "alarming", "shocking", "obviously", "clearly",
    "dangerous", "bad actor", "free world", "red china", "communist", "imperial",
)  # fmt: skip

COLUMNS = [
    "claim", "key", "statement", "figure", "unit", "low", "high", "median", "planner", "reference",
    "stressed", "horizon_weeks", "threshold", "verdict", "decided_by", "sentence", "remark",
    "published", "drivers", "grades", "call", "draws",
]  # fmt: skip


@pytest.fixture(scope="module")
def made():
    return ledger(small_chain(), draws=3, rng=1)


@pytest.fixture(scope="module")
def figures(made):
    return made.table[made.table["figure"].notna()]


# ------------------------------------------------------------------------------- a small chain


def test_every_claim_has_a_figure_or_a_reason(made):
    assert sorted(set(made.table["claim"])) == list(range(1, 16)) == sorted(CLAIMS)
    empty = made.table[made.table["figure"].isna()]
    assert empty["sentence"].str.contains("Not covered").all()
    assert empty.loc[empty["claim"].eq(9), "decided_by"].tolist() == ["not covered"]


def test_small_chain_answers_what_its_goods_allow(figures):
    assert {2, 6, 10, 11, 12, 15} <= set(figures["claim"])


def test_figures_are_finite_and_inside_their_interval(figures):
    assert np.isfinite(figures["figure"]).all()
    assert (figures["low"] <= figures["figure"]).all()
    assert (figures["figure"] <= figures["high"]).all()


def test_every_row_says_what_it_needs(figures):
    for name in ("statement", "unit", "verdict", "decided_by", "sentence", "call", "published"):
        assert figures[name].str.len().gt(0).all(), name
    assert figures["horizon_weeks"].gt(0).all()
    assert not figures.duplicated(["claim", "key"]).any()
    assert figures["sentence"].str.endswith(".").all()
    # One sentence: no full stop but the last one, and those inside numbers and names.
    assert not figures["sentence"].str.contains(r"\. [A-Z]").any()


def test_every_call_gives_its_figure_again(made, figures):
    for row in figures.itertuples():
        again = made.again(row.claim, row.key)
        assert again == pytest.approx(row.figure, rel=2e-4, abs=1e-7), (row.claim, row.key)


def test_again_needs_a_figure(made):
    with pytest.raises(OptionError, match="claim and key of a figure"):
        made.again(9, "")


def test_every_statement_was_tested_in_all_cases(made, figures):
    tested = figures[figures["threshold"].notna() | figures["key"].eq("dominance")]
    assert not tested["verdict"].eq("not tested").any()
    for row in tested.itertuples():
        table = made.assumptions[row.claim, row.key]
        assert table["swing"].is_monotonic_decreasing
        assert {"stock cover", "supplier switching"} <= set(table.index)


def test_statement_in_the_sentence_goes_with_the_verdict(figures):
    words = {"supports": "supported", "contradicts": "contradicted",
             "cannot decide": "cannot be decided"}  # fmt: skip
    for row in figures.itertuples():
        if row.verdict in words:
            assert f": {words[row.verdict]}" in row.sentence


def test_loss_is_that_of_a_direct_simulation(figures):
    chain = small_chain()
    ban = cp.Scenario(
        "ban",
        [cp.ExportBan(by="CHN", against="USA", products=["oxide_light", "oxide_heavy", "magnet"])],
    )
    loss = cp.simulate(chain, ban, weeks=52).loss()["USA"].iloc[0]
    row = figures[figures["claim"].eq(11) & figures["key"].eq("all sectors")].iloc[0]
    assert row["figure"] == pytest.approx(loss, rel=1e-9)
    # The limit is 0.1 % of the GDP of the USA in the small chain.
    assert row["threshold"] == pytest.approx(0.001 * 29_000.0)


def test_trade_war_is_run_jointly(figures):
    chain = small_chain()
    both = [("CHN", "USA"), ("USA", "CHN")]
    events = [event(by=a, against=b) for a, b in both for event in (cp.ExportBan, cp.Boycott)]
    loss = cp.simulate(chain, cp.Scenario("all", events), weeks=52).loss()
    for area, gdp in (("USA", 29_000.0), ("CHN", 18_000.0)):
        row = figures[figures["claim"].eq(12) & figures["key"].eq(f"all trade, cost to {area}")]
        assert row["figure"].iloc[0] == pytest.approx(loss[area].iloc[0] / gdp, rel=1e-9)


def test_same_seed_same_ledger_and_another_seed_another_interval():
    chain = small_chain()
    first, again, other = (
        ledger(chain, claims=[11], draws=3, rng=seed, fast=True).table for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, again)
    assert (first["figure"] == other["figure"]).all()
    assert not np.allclose(first["median"], other["median"])


def test_claims_can_be_chosen_and_unknown_ones_are_refused():
    chosen = ledger(small_chain(), claims=[9, 4], draws=0, fast=True)
    assert chosen.table["claim"].tolist() == [4, 9]
    with pytest.raises(OptionError, match="claims from 1 to 15"):
        ledger(small_chain(), claims=[16])
    with pytest.raises(OptionError, match="shipped chain"):
        ledger("no such chain")
    with pytest.raises(OptionError, match="draws of at least 0, got -1"):
        ledger(small_chain(), claims=[9], draws=-1)


def test_columns_are_those_that_readers_know(made):
    assert made.table.columns.tolist() == COLUMNS == list(LINE_COLUMNS)
    assert made.table.attrs["rule"] == RULE


def test_ledger_shows_itself(made):
    assert repr(made).startswith("<Ledger: ")
    assert "<table" in made._repr_html_()
    assert made.sentences.index.names == ["claim", "key"]
    assert isinstance(made, Ledger)
    assert cp.ledger is ledger


# --------------------------------------------------------------------------------------- words


def _texts(made):
    table = made.table
    return [*(one.text for one in CLAIMS.values()), RULE, *table["statement"], *table["sentence"],
            *table["remark"].dropna()]  # fmt: skip


def test_wording_is_neutral(made):
    for text in _texts(made):
        for word in LOADED:
            assert word not in text.lower(), (word, text)


# ------------------------------------------------------------------------------------ formulas


def test_tariff_relief_by_hand():
    # Sellers bear a fifth of ten points on 1,000: 20. Buyers' price falls by 0.08 / 1.47, imports
    # rise by half of that, and six tenths of it are value added.
    expected = 20.0 + 0.6 * 0.5 * 0.08 / 1.47 * 1_000.0
    assert tariff_relief(1_000.0, 0.2, 0.5, 0.6) == pytest.approx(expected)
    assert tariff_relief(1_000.0, 0.0, 0.0, 1.0) == 0.0
    with pytest.raises(OptionError, match="shares"):
        tariff_relief(1_000.0, 1.2, 0.5, 0.6)


def test_builds_are_those_that_the_chain_can_hold():
    west, china = builds(small_chain())
    assert [one.name for one in west] == ["US and allied magnets"]
    assert china == ()


# ---------------------------------------------------------------------------------------- page


def test_page_of_claims(tmp_path, monkeypatch):
    pytest.importorskip("jinja2")
    monkeypatch.setattr(cp.datasets, "names", lambda: ("claims",))
    chain = small_chain(name="claims")
    report = build_report(chain, draws=2, fast=True)
    page, data = tmp_path / "page.html", tmp_path / "ledger.csv"
    report.write(page, data)
    text = page.read_text(encoding="utf-8")
    assert report.headline in text
    assert "<svg" in text
    assert not re.search(r'(src|href)="(?!#)', text)
    for number, claim in CLAIMS.items():
        assert f"{number}. {claim.text}" in unescape(text)
    stored = pd.read_csv(data)
    assert stored.columns.tolist() == COLUMNS
    assert len(stored) == len(report.ledger)
    with pytest.raises(OptionError, match="horizons of its own"):
        build_report(chain, weeks=(4,))


def test_stages_are_timed(made):
    assert "claim 2" in made.seconds
    assert sum(made.seconds.values()) > 0
    assert dataclasses.is_dataclass(Ledger)
    assert Stages(show=False).seconds == {}


# ------------------------------------------------------------------------------- the whole thing


@pytest.fixture(scope="module")
def whole():
    return ledger("all", draws=4, rng=1, fast=True)


@pytest.mark.slow
def test_shipped_chain_answers_every_claim_but_networks(whole):
    table = whole.table
    assert set(table.loc[table["figure"].isna(), "claim"]) == {9}
    held = table[table["figure"].notna()]
    assert np.isfinite(held["figure"]).all()
    assert (held["low"] <= held["figure"]).all()
    assert (held["figure"] <= held["high"]).all()
    for text in _texts(whole):
        assert not any(word in text.lower() for word in LOADED), text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("claim", "key"),
    [
        (1, "to the USA"),
        (1, "ratio"),
        (2, "dominance"),
        (3, "reach"),
        (6, "build-out"),
        (7, "users of chips"),
        (8, "AI servers"),
        (12, "medicines, unmet need"),
        (13, "damage, exposed"),
        (14, "value to USA"),
        (15, "forced share"),
    ],
)
def test_calls_of_the_shipped_chain_give_their_figures(whole, claim, key):
    row = whole.table[whole.table["claim"].eq(claim) & whole.table["key"].eq(key)].iloc[0]
    found = float(eval(row["call"], {"cp": cp}))
    assert found == pytest.approx(row["figure"], rel=1e-3, abs=1e-7)
    assert not math.isnan(found)
