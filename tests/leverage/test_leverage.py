from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import chokepoint as cp
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.leverage import stressed, variants
from chokepoint.propagate import Behaviour

BUNDLES = {"magnets": ["magnet"], "motors": ["motor"], "both": ["magnet", "motor"]}


@pytest.fixture(scope="module")
def lev(magnets):
    return cp.leverage(
        magnets,
        actors=["CHN", "JPN"],
        targets=["CHN", "JPN", "USA"],
        weeks=[4, 26, 52],
        bundles=BUNDLES,
        headline=("both", 52),
        draws=12,
        rng=1,
    )


def test_no_actor_is_its_own_target(lev) -> None:
    actors = lev.table.index.get_level_values("actor")
    assert (actors != lev.table.index.get_level_values("target")).all()
    assert len(lev.table) == 4 * 3 * 3


def test_figures_are_the_propagators(lev, magnets) -> None:
    ban = cp.Scenario("ban", [cp.ExportBan(by="CHN", against="USA", products=["magnet"])])
    loss = cp.simulate(magnets, ban, weeks=26).loss()
    row = lev.table.loc[("CHN", "USA", "magnets", 26)]
    assert row["reference"] == loss["USA"].iloc[0]
    assert row["self_harm"] == loss["CHN"].iloc[0]
    assert row["third_party"] == pytest.approx(loss["JPN"].iloc[0])
    assert row["share_of_gdp"] == pytest.approx(loss["USA"].iloc[0] / (29_200.0 * 26 / 52))


def test_nothing_is_lost_before_stocks_run_out(lev) -> None:
    assert lev.table.loc[("CHN", "USA", "both", 4), "reference"] == 0.0
    assert lev.table.loc[("CHN", "USA", "both", 52), "onset_weeks"] >= 9.0


def test_no_path_no_leverage(lev) -> None:
    # Japan sells nothing to China, so no ban of its exports can hurt China.
    assert (lev.table.loc[("JPN", "CHN"), "reference"] == 0.0).all()


def test_damage_grows_with_the_horizon(lev) -> None:
    by_weeks = lev.table["reference"].unstack("weeks")
    assert (by_weeks[52] >= by_weeks[26]).all()
    assert (by_weeks[26] >= by_weeks[4]).all()


def test_more_instruments_are_worth_at_least_as_much(lev) -> None:
    # In the first weeks a target may gain a little: its own makers get more orders before
    # anything runs out. Once stocks are gone the wider ban hurts at least as much.
    by_bundle = lev.table["reference"].drop(4, level="weeks").unstack("bundle")
    best_single = by_bundle[["magnets", "motors"]].max(axis=1)
    assert (by_bundle["both"] >= best_single - 1e-9).all()


def test_stressed_is_not_milder(lev) -> None:
    assert (lev.table["stressed"] >= lev.table["reference"] - 1e-9).all()


def test_interval_holds_draws_of_the_headline_only(lev) -> None:
    headline = lev.table.xs("both", level="bundle")
    assert headline[["low", "high"]].notna().all().all()
    assert (headline["low"] <= headline["high"]).all()
    assert lev.table.drop("both", level="bundle")["low"].isna().all()
    assert (lev.table.loc[("CHN", "USA", "both", 52), "low"]
            < lev.table.loc[("CHN", "USA", "both", 52), "high"])  # fmt: skip


def test_the_seed_fixes_the_interval(magnets, lev) -> None:
    again = cp.leverage(
        magnets, actors=["CHN", "JPN"], targets=["CHN", "JPN", "USA"], weeks=[4, 26, 52],
        bundles=BUNDLES, headline=("both", 52), draws=12, rng=1,
    )  # fmt: skip
    pd.testing.assert_frame_equal(again.table, lev.table)


def test_asymmetry_is_antisymmetric(lev) -> None:
    index = lev.asymmetry["asymmetry"]
    forth, back = index.loc[("CHN", "JPN", 52)], index.loc[("JPN", "CHN", 52)]
    assert forth == pytest.approx(-back)
    assert -1.0 <= forth <= 1.0


def test_currency_does_not_matter_for_shares(magnets) -> None:
    def scaled(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
        table[list(columns)] *= 7.0
        return table

    richer = magnets.replace(
        products=scaled(magnets.products, "price_usd"),
        countries=scaled(magnets.countries, "gdp_usd_m"),
        sites=scaled(magnets.sites, "output_usd_m"),
        flows=scaled(magnets.flows, "value_usd_m"),
        markets=scaled(magnets.markets, "value_usd_m"),
    )
    settings = {"actors": ["CHN"], "targets": ["USA"], "weeks": [26], "bundles": {"m": ["magnet"]}}
    one, seven = cp.leverage(magnets, **settings), cp.leverage(richer, **settings)
    np.testing.assert_allclose(seven.table["reference"], 7 * one.table["reference"], rtol=1e-12)
    np.testing.assert_allclose(seven.table["share_of_gdp"], one.table["share_of_gdp"], rtol=1e-12)


def test_a_coalition_is_not_weaker_than_its_members(magnets) -> None:
    made = cp.leverage(
        magnets,
        actors={"CHN": "CHN", "JPN": "JPN", "both": ["CHN", "JPN"]},
        targets=["USA"],
        weeks=[52],
        bundles={"all": ["magnet", "motor"]},
    )
    damage = made.table["reference"].droplevel(["target", "bundle", "weeks"])
    assert damage["both"] >= max(damage["CHN"], damage["JPN"])


def test_assumptions_move_the_headline(lev) -> None:
    table = lev.assumptions.loc[("CHN", "USA")]
    reference = lev.table.loc[("CHN", "USA", "both", 52), "reference"]
    assert table.loc["stock cover", "low"] > reference > table.loc["stock cover", "high"]
    assert table.loc["use share", "low"] < reference <= table.loc["use share", "high"]
    assert table.loc["supplier switching", "low"] >= reference
    assert {"stock cover", "throttle", "use share", "criticality", "qualification time",
            "supplier switching", "shares of the owner"} <= set(table.index)  # fmt: skip


def test_default_bundles_are_the_groups_that_sites_buy(magnets) -> None:
    made = cp.leverage(magnets, actors=["CHN"], targets=["USA"], weeks=[26])
    assert list(made.bundles) == ["magnet", "motor", "all"]
    assert made.headline == ("all", 26)


def test_the_stressed_chain_slows_down_at_once(magnets) -> None:
    slots = stressed(magnets).slots
    sites = slots.drop(index=[key for key in slots.index if key[1] == "demand"])
    assert (sites["throttle_weeks"] == 1.0 + sites["stock_weeks"]).all()
    assert sites["stock_weeks"].tolist() != magnets.slots["stock_weeks"].tolist()


def test_variants_keep_the_structure(magnets) -> None:
    made = list(variants(magnets, Behaviour(), owner=("CHN",), products=("magnet",)))
    assert {one.end for one in made} == {"low", "high"}
    for one in made:
        assert one.chain.nodes.index.equals(magnets.nodes.index)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"weeks": [0]}, "at least 1 week"),
        ({"headline": ("nothing", 26)}, "headline must name one of the bundles"),
    ],
)
def test_wrong_options_are_named(magnets, wrong, words) -> None:
    settings = {"actors": ["CHN"], "targets": ["USA"], "weeks": [26], "bundles": BUNDLES} | wrong
    with pytest.raises(OptionError, match=words):
        cp.leverage(magnets, **settings)


def test_an_unknown_actor_is_named_with_the_nearest(magnets) -> None:
    with pytest.raises(UnknownLabelError, match="CHN"):
        cp.leverage(magnets, actors=["CHNA"], targets=["USA"])


# ---------------------------------------------------------------------------- sets of levers


@pytest.fixture(scope="module")
def sets(magnets):
    return cp.leverage(
        magnets,
        actors=["CHN", "JPN", "USA"],
        weeks=[13, 52],
        levers=["exports", "imports", "everything"],
    )


def test_sets_are_bans_and_boycotts(sets, magnets) -> None:
    stop = cp.ExportBan(by="JPN", against="USA")
    both = [stop, cp.Boycott(by="JPN", against="USA", products=["magnet"])]
    assert not both[1].matches(magnets)
    for name, events in (("exports", [stop]), ("imports", []), ("everything", [stop])):
        loss = cp.simulate(magnets, cp.Scenario("one", events), weeks=52).loss()
        row = sets.table.loc["JPN", "USA", name, 52]
        assert row["reference"] == loss["USA"].iloc[0]
        assert row["self_harm"] == loss["JPN"].iloc[0]


def test_the_matrix_is_the_largest_and_never_below_nought(sets) -> None:
    assert (sets.matrix.fillna(0.0) >= 0.0).all().all()
    assert (sets.share.fillna(0.0) <= 1.0).all().all()
    largest = sets.table["reference"].groupby(["actor", "target", "weeks"]).max()
    assert sets.matrix.loc["CHN", ("USA", 52)] == max(0.0, largest["CHN", "USA", 52])


def test_leverage_grows_with_the_horizon_and_the_coalition(magnets) -> None:
    names = {"CHN": "CHN", "JPN": "JPN", "both": ["CHN", "JPN"]}
    made = cp.leverage(
        magnets, actors=names, targets=["USA"], weeks=[26, 52, 104], levers=["exports"], band=False
    )
    matrix = made.matrix["USA"]
    assert (matrix.diff(axis=1).iloc[:, 1:] >= 0.0).all().all()
    assert (matrix.loc["both"] >= matrix.loc[["CHN", "JPN"]].max()).all()


def test_a_bare_matrix_is_the_same_and_has_no_band(sets, magnets) -> None:
    bare = cp.leverage(
        magnets, actors=["CHN", "JPN", "USA"], weeks=[13, 52],
        levers=["exports", "imports", "everything"], band=False, record="country", dtype="float32",
    )  # fmt: skip
    np.testing.assert_allclose(
        bare.table["reference"], sets.table["reference"], rtol=1e-5, atol=1e-4
    )
    assert bare.table["stressed"].isna().all()
    assert len(bare.assumptions) == len(bare.not_reached) == 0


def test_the_frontier_of_a_pair_is_searched_when_asked_for(sets) -> None:
    curve = sets.frontier("CHN", "USA", weeks=52)
    largest = sets.table.loc[("CHN", "USA"), "reference"].xs(52, level="weeks").max()
    assert curve.gross >= largest - 1e-9
    with pytest.raises(UnknownLabelError, match="DEU"):
        sets.frontier("DEU", "USA")


def test_leakage_of_one_pair(sets) -> None:
    table = sets.leakage("CHN", "USA", "exports")
    assert len(table) == 1
    assert 0.0 <= table["leak"].iloc[0] <= 1.0


def test_unknown_sets_are_refused(magnets) -> None:
    with pytest.raises(OptionError, match="exports, imports, controls, everything"):
        cp.leverage(magnets, actors=["CHN"], targets=["USA"], levers=["sales"])
