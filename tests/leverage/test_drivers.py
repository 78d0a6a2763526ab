"""Which numbers decide a loss: by hand on a chain of two sites, and on a shipped one."""

from __future__ import annotations

import pandas as pd
import pytest

import chokepoint as cp
from chokepoint.chain._recipes import recipes
from chokepoint.errors import ConvergenceError, OptionError, UnknownLabelError
from chokepoint.leverage import _drivers
from chokepoint.leverage._candidates import _first_rows, _room

WEEKS = 12
BAN = cp.Scenario("ban", [cp.ExportBan(by="CHN", against="JPN", products="ore")])


def small(**more):
    """Ore from China, and perhaps Australia, into Japanese metal worth 520 a year: 10 a week.

    Value added is 0.4 of it. The stock lasts 4 weeks and goods under way one more.
    """
    tables = {
        "products": pd.DataFrame(
            {"product": ["ore", "metal"], "price_usd": [1e5, 1e6], "low": [9e4, 0.8e6],
             "high": [2e5, 1.1e6], "confidence": ["C", "B"], "source": "survey"}
        ),
        "sites": pd.DataFrame(
            {"product": ["ore", "metal"], "country": ["CHN", "JPN"], "output_qty": [520.0, 520.0],
             "value_added_share": 0.4, "value_added_share_low": 0.3, "value_added_share_high": 0.6,
             "confidence": ["A", "C"], "source": "survey", "derivation": ["", "as neighbours"]}
        ),
        "inputs": pd.DataFrame(
            {"product": ["metal"], "input": "ore", "quantity": 1.0, "stock_weeks": 4.0,
             "stock_weeks_low": 2.0, "stock_weeks_high": 7.0, "use_share": 0.9,
             "use_share_low": 0.8, "use_share_high": 1.0, "throttle_weeks_low": 1.0,
             "throttle_weeks_high": 1.0, "qualification_weeks": 500.0, "confidence": "D",
             "derivation": "guess"}
        ),
        "markets": pd.DataFrame({"product": ["metal"], "country": "JPN", "quantity": 520.0}),
        "sources": pd.DataFrame({"source": ["survey"], "title": "A survey"}),
    }  # fmt: skip
    return cp.SupplyChain.from_tables({**tables, **more}, name="small")


def test_order_and_size_by_hand():
    """In weeks 5 to 11 nine tenths of the value added of 4 a week are lost: 7 x 3.6 = 25.2.

    Stock of 2 or 7 weeks: 9 or 4 weeks lost, 32.4 or 14.4. Value added of 0.3 or 0.6: 18.9 or
    37.8. Price of 0.8 or 1.1: 20.16 or 27.72. Use share of 0.8 or 1: 22.4 or 28.
    """
    found = cp.drivers(small(), BAN, target="JPN", weeks=WEEKS)
    assert found.attrs["loss"] == pytest.approx(25.2)
    assert found[["table", "column"]].values.tolist() == [
        ["sites", "value_added_share"],
        ["inputs", "stock_weeks"],
        ["products", "price_usd"],
        ["inputs", "use_share"],
        ["inputs", "qualification_weeks"],
    ]
    assert found["loss_low"].tolist() == pytest.approx([18.9, 32.4, 20.16, 22.4, 25.2])
    assert found["loss_high"].tolist() == pytest.approx([37.8, 14.4, 27.72, 28.0, 25.2])
    assert found["swing"].tolist() == pytest.approx([18.9, 18.0, 7.56, 5.6, 0.0], abs=1e-9)


def test_what_is_known_of_a_number_stands_beside_it():
    first = cp.drivers(small(), BAN, target="JPN", weeks=WEEKS, top=1).iloc[0]
    assert first[["row", "value", "low", "high"]].tolist() == ["metal@JPN", 0.4, 0.3, 0.6]
    assert first[["unit", "confidence", "source", "titles", "derivation"]].tolist() == [
        "share",
        "C",
        "survey",
        "A survey",
        "as neighbours",
    ]


def test_numbers_without_a_range_move_by_two_deviations_of_their_grade():
    found = cp.drivers(small(), BAN, target="JPN", weeks=WEEKS).set_index("column")
    low, high = found.loc["qualification_weeks", ["low", "high"]]
    assert low * high == pytest.approx(500.0**2)
    # Grade D: a standard deviation of 30 per cent, so of 0.2936 in logarithms.
    assert high / 500.0 == pytest.approx(2.718281828 ** (2 * 0.29356), rel=1e-4)


def test_shares_of_suppliers():
    """Of 10 weeks without stock the banned share is lost: 10 x 4 x (0.7, 0.8, 0.9)."""
    sites = pd.DataFrame(
        {"product": ["ore", "ore", "metal"], "country": ["CHN", "AUS", "JPN"],
         "output_qty": [416.0, 104.0, 520.0], "low": [364.0, None, None],
         "high": [468.0, None, None], "value_added_share": 0.4,
         "confidence": ["B", "B", "B"], "ramp_max": 1.0}
    )  # fmt: skip
    inputs = pd.DataFrame(
        {"product": ["metal"], "input": "ore", "quantity": 1.0, "stock_weeks": 0.0}
    )
    chain = small(sites=sites, inputs=inputs)
    chain = chain.replace(flows=chain.flows.assign(growth_max=0.0))
    still = cp.Behaviour(switching=False)
    options = {"target": "JPN", "weeks": 11, "behaviour": still, "top": None}
    found = cp.drivers(chain, BAN, **options).set_index(["row", "column"])
    china = found.loc["ore@CHN", "output_qty"]
    assert china[["loss_low", "loss_high"]].tolist() == pytest.approx([28.0, 36.0])
    australia = found.loc["ore@AUS", "output_qty"]
    assert australia["loss_low"] > found.attrs["loss"] > australia["loss_high"]
    # The only maker of metal has all of it, so that its output moves no share.
    assert ("metal@JPN", "output_qty") not in found.index


def test_dormant_alternatives_and_their_qualification_count():
    """Australia may take over up to 30 per cent (10 to 60) of the slot once it is qualified."""
    sites = pd.DataFrame(
        {"product": ["ore", "ore", "metal"], "country": ["CHN", "AUS", "JPN"],
         "output_qty": [520.0, 100.0, 520.0], "value_added_share": 0.4, "ramp_max": [1.0, 9.0, 1.0],
         "ramp_weeks": 1.0}
    )  # fmt: skip
    inputs = pd.DataFrame(
        {"product": ["metal"], "input": "ore", "quantity": 1.0, "stock_weeks": 0.0,
         "qualification_weeks": 4.0, "qualification_weeks_low": 1.0,
         "qualification_weeks_high": 20.0}
    )  # fmt: skip
    markets = pd.DataFrame(
        {"product": ["metal", "ore"], "country": ["JPN", "AUS"], "sector": ["", "other_use"],
         "quantity": [520.0, 100.0]}
    )  # fmt: skip
    flows = pd.DataFrame(
        {"supplier": ["ore@CHN", "ore@AUS", "metal@JPN"],
         "buyer": ["metal@JPN", "market:ore@AUS:other_use", "market:metal@JPN"],
         "quantity": [520.0, 100.0, 520.0]}
    )  # fmt: skip
    alternatives = pd.DataFrame(
        {"supplier": ["ore@AUS"], "buyer": "metal@JPN", "max_share": 0.3, "low": 0.1, "high": 0.6}
    )
    chain = small(
        sites=sites, inputs=inputs, markets=markets, flows=flows, alternatives=alternatives
    )
    found = cp.drivers(chain, BAN, target="JPN", weeks=26).set_index("column")
    assert found.loc["max_share", "row"] == "ore@AUS | metal@JPN | ore"
    assert found.loc["max_share", "loss_low"] > found.attrs["loss"]
    assert found.loc["max_share", "loss_high"] < found.attrs["loss"]
    quick = found.loc["qualification_weeks"]
    assert quick["loss_low"] < found.attrs["loss"] < quick["loss_high"]


def test_inputs_of_one_slot_move_together(full):
    """Old and recycled neodymium fill one slot, whose stock is one number."""
    ban = cp.Scenario("out", [cp.Outage(products="ndpr", country="CHN")])
    found = cp.drivers(full, ban, target=["CHN", "USA"], weeks=30, top=None)
    stock = found[(found["column"] == "stock_weeks") & found["row"].str.startswith("magnet | ndpr")]
    assert stock["row"].tolist() == ["magnet | ndpr | ndpr"]


def test_rows_that_share_slots():
    row, slot = [0, 1, 1, 2, 3, 4], [0, 0, 1, 1, 2, 3]
    first = _first_rows(pd.Series(row).to_numpy(), pd.Series(slot).to_numpy(), 6)
    assert first.tolist() == [0, 0, 0, 3, 4, 5]


def test_disjoint_shares_stay_within_one(full):
    """Power stops 0.3 of Chinese and 0.4 of Japanese magnets, polish 0.55 of both."""
    inputs = full.inputs
    extra = inputs[inputs["slot"] == "power"].head(1)
    extra = extra.assign(input="dy", slot="polish", criticality=0.55)
    inputs = pd.concat([inputs, extra], ignore_index=True)
    recipe = recipes({**full.tables, "inputs": inputs})
    names = inputs["site"] + inputs["slot"]
    room = dict(zip(names, _room(recipe, len(inputs), "criticality"), strict=True))
    assert room["power"] == pytest.approx(0.45)
    assert room["magnet@JPNpower"] == pytest.approx(0.45)
    assert room["polish"] == pytest.approx(0.6)
    assert room["magnet"] == float("inf")


def test_what_finds_no_balance_is_named(monkeypatch, magnets):
    def never(*_, **__):
        raise ConvergenceError("no")

    monkeypatch.setattr(_drivers.Quantities, "stated", never)
    ban = cp.Scenario("ban", [cp.ExportBan(by="CHN", products="magnet")])
    found = cp.drivers(magnets, ban, target="USA", weeks=20, top=None)
    assert "output_qty" not in found["column"].tolist()
    assert "sites: magnet@CHN" in found.attrs["left_out"]
    assert found["swing"].notna().all()


def test_the_screen_chooses_how_many_are_moved(magnets):
    ban = cp.Scenario("ban", [cp.ExportBan(by="CHN", products="magnet")])
    every = cp.drivers(magnets, ban, target="USA", weeks=40, top=None, most=None)
    assert every.attrs["moved"] == every.attrs["found"] == len(every) > 5
    some = cp.drivers(magnets, ban, target="USA", weeks=40, top=2, most=5)
    assert (len(some), some.attrs["moved"]) == (2, 5)
    key = ["table", "row", "column", "swing"]
    assert set(map(tuple, some[key].values)) <= set(map(tuple, every[key].values))


def test_a_scenario_that_costs_the_target_nothing_has_no_drivers(magnets):
    none = cp.drivers(magnets, cp.Scenario("baseline"), target="USA", weeks=4)
    assert len(none) == 0
    assert none.attrs["loss"] == 0.0


@pytest.mark.parametrize("options", [{"top": 0}, {"most": 0}])
def test_options_out_of_range(magnets, options):
    with pytest.raises(OptionError, match="at least 1, or None for all; given 0"):
        cp.drivers(magnets, cp.Scenario("baseline"), target="USA", **options)


def test_unknown_targets(magnets):
    with pytest.raises(UnknownLabelError, match="USB"):
        cp.drivers(magnets, cp.Scenario("baseline"), target="USB")


def test_a_shipped_chain():
    chain = cp.load("rare_earths")
    ban = cp.Scenario("ban", [cp.ExportBan(by="CHN", against="USA", products="ndfeb_sintered")])
    found = cp.drivers(chain, ban, target="USA", most=25)
    assert len(found) == 10
    assert found["swing"].is_monotonic_decreasing
    assert found["swing"].iloc[0] > 0
    assert found["confidence"].isin(list("ABCD")).all()
    assert found["titles"].ne("").all()
    # A swing is what a run of the chain with that number gives.
    row = found[(found["table"] == "inputs") & (found["column"] == "stock_weeks")].iloc[0]
    inputs = chain.inputs
    labels = inputs[["product", "site", "slot", "input"]].apply(
        lambda cells: " | ".join(cell for cell in cells if cell), axis=1
    )
    place = inputs.loc[labels == row["row"], ["product", "site", "slot"]].iloc[0]
    mine = (inputs[["product", "site", "slot"]] == place).all(axis=1)
    inputs.loc[mine, "stock_weeks"] = row["high"]
    again = cp.simulate(chain.replace(inputs=inputs), ban).loss()["USA"].iloc[0]
    assert again == pytest.approx(row["loss_high"], rel=1e-9)
