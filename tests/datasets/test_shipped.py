"""What every shipped chain must obey: sourced, balanced, worth its parts, rebuilt alike."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from compiler.build import CHAINS
from compiler.check import over_value
from golden_summary import GOLDEN, summary

import chokepoint as cp
from chokepoint import schema

DATA = Path(__file__).parents[2] / "data"
# From the issue that asked for them: products, sites, countries at least; flows at most.
SIZES = {
    "rare_earths": (45, 500, 30, 4_500),
    "strategic_minerals": (20, 80, 12, 4_000),
    "semiconductors": (90, 380, 25, 9_000),
    "pharma_api": (70, 300, 15, 9_000),
    "soybeans": (10, 60, 12, 4_000),
    "all": (200, 1_200, 40, 30_000),
}


@pytest.fixture(scope="module", params=CHAINS)
def chain(request) -> cp.SupplyChain:
    return cp.load(request.param)


def with_confidence(chain: cp.SupplyChain) -> dict[str, pd.DataFrame]:
    return {
        name: frame
        for name, frame in chain.tables.items()
        if "confidence" in frame and name not in ("sources", "flows")
    }


def test_all_chains_are_shipped():
    assert set(cp.datasets.names()) == set(CHAINS)


def test_it_is_as_large_as_asked(chain):
    products, sites, countries, flows = SIZES[chain.name]
    assert len(chain.products) >= products
    assert len(chain.sites) >= sites
    assert (chain.countries["kind"] == "country").sum() >= countries
    assert len(chain.flows) <= flows


# ---- where numbers come from


def test_every_row_has_range_source_and_grade(chain):
    assert schema.check_provenance(chain.tables) == []


def test_numbers_lie_in_their_ranges(chain):
    for name in chain.tables:
        frame = chain.tables[name]
        for value, low, high in schema.spec(name).ranges:
            slack = 1e-6 * frame[value].abs()
            assert not (frame[low] > frame[value] + slack).any(), (name, value)
            assert not (frame[high] < frame[value] - slack).any(), (name, value)


def test_assumptions_are_never_graded_as_read(chain):
    for name, frame in with_confidence(chain).items():
        assumed = frame["source"] == "own_assumption"
        assert not frame.loc[assumed, "confidence"].isin(["A", "B"]).any(), name


def test_notes_stand_on_their_own(chain):
    """Tables are sorted, so that a note must not refer to its neighbours."""
    for name, frame in with_confidence(chain).items():
        assert not frame["derivation"].astype(str).str.contains("as above").any(), name


def test_sources_are_complete_and_used(chain):
    used = set()
    for frame in with_confidence(chain).values():
        used |= {item for cell in frame["source"] for item in schema.split_list(str(cell))}
    assert set(chain.sources["source"]) == used
    assert (chain.sources["title"] != "").all()


def test_estimates_say_what_they_count(chain):
    assert (chain.estimates["scope"] != "").all()
    assert len(chain.estimates) >= 3


def test_every_area_has_an_income(chain):
    countries = chain.countries
    assert countries["gdp_usd_m"].notna().all()
    assert (countries["year"] == 2024).all()
    named = countries[countries["kind"] == "country"]
    assert named["confidence"].isin(["A", "B"]).mean() > 0.9


# ---- accounting


def test_identities_hold(chain):
    assert chain.balance()["relative"].abs().max() < 1e-9


def test_no_site_is_worth_less_than_its_inputs_and_value_added(chain):
    assert over_value(chain).empty


def test_value_added_stays_within_income(chain):
    """Residual areas stand for what each chain does not name, so they count inside their whole."""
    nodes, countries = chain.nodes, chain.countries.set_index("area")
    value = nodes.groupby("country")["value_added_usd_m"].sum()
    named = countries.index[countries["kind"] == "country"].intersection(value.index)
    gdp = countries["gdp_usd_m"]
    assert (value[named] <= 0.25 * gdp[named]).all()
    union = [area for area in chain.areas("EU27") if area in value.index]
    assert value.reindex(union).sum() <= 0.15 * gdp[list(chain.areas("EU27"))].sum()
    assert value.sum() <= 0.15 * gdp.sum()


def test_reported_trade_is_met(chain):
    """Totals that steer the fit are met inside their range, or the card lists them as not met."""
    card = (DATA / "supply_chains" / chain.name / "README.md").read_text(encoding="utf-8")
    trade = _implied(chain)
    fit = trade[trade["role"] == "fit"]
    off = (fit["fitted"] < 0.999 * fit["low"]) | (fit["fitted"] > 1.001 * fit["high"])
    for row in fit[off].itertuples():
        line = f"| {row.products} | {row.exporter} | {row.importer} | {row.period} | fit |"
        assert line in card
    assert off.mean() <= 0.1


def _implied(chain: cp.SupplyChain) -> pd.DataFrame:
    """Reported totals beside the sum of the shipped flows that they cover."""
    edges, country = chain.edges, chain.nodes["country"]
    edges = edges[~edges["dormant"]]
    exporter, importer = edges["supplier"].map(country), edges["buyer"].map(country)
    fitted = []
    for row in chain.trade.itertuples():
        inside = edges["product"].isin(chain.products_in(row.products.split(";")))
        inside &= exporter.isin(chain.areas(row.exporter)) & (exporter != importer)
        inside &= importer.isin(chain.areas(row.importer))
        fitted.append(edges.loc[inside, "quantity"].sum())
    return chain.trade.assign(fitted=fitted)


# ---- behaviour


def test_no_shock_no_loss(chain):
    loss = cp.simulate(chain, [cp.Scenario("none")], weeks=26).loss(by="total")
    assert (loss.to_numpy() == 0).all()


def test_a_ban_on_everything_hurts(chain):
    ban = cp.Scenario("ban", [cp.ExportBan(by="CHN", against="WLD", severity=0.9, weeks=26)])
    loss = cp.simulate(chain, [ban], weeks=26).loss(by="country").loc["ban"]
    assert np.isfinite(loss).all()
    assert loss.drop("CHN").sum() > 0


# ---- reproduction


def test_counts_and_concentration_are_as_recorded(chain):
    """Rewrite with: python tests/golden_summary.py."""
    recorded = pd.read_csv(GOLDEN).query("chain == @chain.name").reset_index(drop=True)
    found = summary(chain).reset_index(drop=True)
    pd.testing.assert_frame_equal(found, recorded, check_exact=False, rtol=1e-6, check_dtype=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", CHAINS)
def test_the_compiler_gives_the_shipped_tables(name, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(cp.__file__).parents[1])}
    command = [sys.executable, str(DATA / "compiler"), "--out", str(tmp_path), name]
    subprocess.run(command, check=True, env=environment, capture_output=True)
    again, shipped = cp.SupplyChain.read(tmp_path / name, name=name), cp.load(name)
    for table, frame in shipped.tables.items():
        pd.testing.assert_frame_equal(
            again.tables[table], frame, check_exact=False, rtol=1e-6, obj=table
        )
    card = (DATA / "supply_chains" / name / "README.md").read_text(encoding="utf-8")
    again_card = (tmp_path / name / "README.md").read_text(encoding="utf-8")
    assert again_card.splitlines()[:8] == card.splitlines()[:8]
